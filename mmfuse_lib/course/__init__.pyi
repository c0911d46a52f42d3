from .misconceptions import Misconception as Misconception
from .misconceptions import misconceptions as misconceptions
