"""Do explanations hold? Tasks with exact truth, scores against it, and what to compare with.

>>> from mmfuse_lib import evaluate_explanations, explanations, fit, methods
>>> task = explanations.load_task("digits/balanced", seed=0, n_train=600, n_val=100, n_test=200)
>>> model = methods.I2MoE.for_data(task.train, dim=16, seed=0)
>>> history = fit(model, task.train, task.val, epochs=3, seed=0, progress=False)
>>> metrics = evaluate_explanations(model, task).metrics
>>> [name for name in metrics if name.startswith("auroc_")]
['auroc_R', 'auroc_U1', 'auroc_U2', 'auroc_S']
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
