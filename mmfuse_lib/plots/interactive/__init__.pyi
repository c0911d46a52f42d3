from .page import Page as Page
from .page import entropy_table as entropy_table
from .page import explorer as explorer
from .page import two_houses as two_houses
from .page import xor_to_and as xor_to_and
