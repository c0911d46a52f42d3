from .coalitions import Coalitions as Coalitions
from .coalitions import ask as ask
from .emap import emap as emap
from .explaining import explain as explain
from .intershap import intershap as intershap
