from .checking import check as check
from .misconception import Misconception as Misconception
from .misconception import misconceptions as misconceptions
from .registry import Exercise as Exercise
from .registry import NotYet as NotYet
from .registry import exercise as exercise
from .registry import exercises as exercises
