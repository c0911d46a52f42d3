"""Data sets by name, and a reader's own arrays.

>>> from mmfuse_lib import data
>>> train, val, test = data.load("digit_pairs", seed=0, n_classes=4)
>>> train
MultimodalData(12000 samples; left (1, 10, 8), right (1, 10, 8); 4 classes)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
