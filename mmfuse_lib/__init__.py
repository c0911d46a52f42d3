"""Multimodal interaction learning: the library behind the mmfuse book.

>>> from mmfuse_lib import data, evaluate, fit, methods
>>> train, val, test = data.load("digit_pairs", seed=0, n_train=2_000)
>>> model = methods.JointFusion.for_data(train, seed=0)
>>> history = fit(model, train, val, epochs=8, lr=3e-3, seed=0, progress=False)
>>> result = evaluate(model, test)
>>> result.metrics["accuracy_S"] > 0.8  # on the samples that need both images
True
"""

from mmfuse_lib import data, explanations, information, methods, plots
from mmfuse_lib.core.intervals import mean_interval
from mmfuse_lib.evaluation import Evaluation, evaluate, synergy_indicator
from mmfuse_lib.explanations import evaluate_explanations
from mmfuse_lib.training.fit import History, fit

__version__ = "0.1.0.dev0"

__all__ = [
    "Evaluation",
    "History",
    "data",
    "evaluate",
    "evaluate_explanations",
    "explanations",
    "fit",
    "information",
    "mean_interval",
    "methods",
    "plots",
    "synergy_indicator",
]
