from .misconception import Misconception as Misconception
from .misconception import misconceptions as misconceptions
