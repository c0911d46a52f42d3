from .figures import adding_scores as adding_scores
from .figures import counting_bias as counting_bias
from .figures import shared_residual as shared_residual
from .figures import sharing_surprise as sharing_surprise
from .page import Page as Page
from .page import xor_to_and as xor_to_and
