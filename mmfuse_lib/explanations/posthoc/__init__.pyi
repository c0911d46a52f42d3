from .coalitions import Coalitions as Coalitions
from .coalitions import ask as ask
from .explaining import explain as explain
from .projection import emap as emap
from .shapley import intershap as intershap
