"""Multimodal interaction learning: the library behind the mmfuse book.

>>> from mmfuse_lib import data, evaluate, fit, methods
>>> train, val, test = data.load("digit_pairs", seed=0, n_train=2_000)
>>> model = methods.JointFusion.for_data(train, seed=0)
>>> history = fit(model, train, val, epochs=8, lr=3e-3, seed=0, progress=False)
>>> result = evaluate(model, test)
>>> result.metrics["accuracy_S"] > 0.8  # on the samples that need both images
True
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0.dev0"
