from . import data as data
from . import encoders as encoders
from . import evaluation as evaluation
from . import explanations as explanations
from . import fusion as fusion
from . import information as information
from . import methods as methods
from . import plots as plots
from . import study as study
from . import training as training
from .core.claims import Claims as Claims
from .core.intervals import mean_interval as mean_interval
from .core.intervals import plus_minus as plus_minus
from .core.progress import progress as progress
from .evaluation import Evaluation as Evaluation
from .evaluation import evaluate as evaluate
from .evaluation import synergy_indicator as synergy_indicator
from .explanations.scores import evaluate_explanations as evaluate_explanations
from .study.published import results as results
from .training.fit import History as History
from .training.fit import fit as fit
from .training.saving import load as load
from .training.saving import save as save

__version__: str
