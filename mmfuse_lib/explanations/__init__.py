"""Do explanations hold? Tasks with exact truth, scores against it, and what to compare with.

>>> from mmfuse_lib import evaluate_explanations, explanations, fit, methods
>>> task = explanations.load_task("digits/balanced", seed=0)
>>> model = methods.I2MoE.for_data(task.train, dim=32, seed=0)
>>> history = fit(model, task.train, task.val, epochs=10, seed=0)
>>> evaluate_explanations(model, task).metrics["auroc_S"]
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
