from .page import Page as Page
from .page import xor_to_and as xor_to_and
from .samples import sample_browser as sample_browser
