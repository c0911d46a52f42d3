"""How much variables say about a label, and how it splits: exact, for tables, in bits.

Everywhere in this package a joint distribution is an array ``p`` whose **last axis is the label**
Y and whose other axes are the sources X1, X2, ...: ``p[x1, x2, y]`` is the probability of that
combination.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
