"""Multimodal interaction learning: the library behind the mmfuse book.

>>> from mmfuse_lib import data, evaluate, fit, methods
>>> train, val, test = data.load("digit_pairs", seed=0)
>>> model = methods.JointFusion.for_data(train, seed=0)
>>> history = fit(model, train, val, epochs=20, seed=0)
>>> result = evaluate(model, test)
>>> round(result.metrics["accuracy"], 2)
"""

from mmfuse_lib import data, explanations, information, methods, plots
from mmfuse_lib.core.intervals import mean_interval, plus_minus
from mmfuse_lib.evaluation import Evaluation, evaluate, synergy_indicator
from mmfuse_lib.explanations import evaluate_explanations
from mmfuse_lib.study.published import results
from mmfuse_lib.training.fit import History, fit
from mmfuse_lib.training.saving import load, save

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
    "load",
    "mean_interval",
    "methods",
    "plots",
    "plus_minus",
    "results",
    "save",
    "synergy_indicator",
]
