"""Asking a finished model: what it would have said with modalities replaced.

Nothing is trained and no label of the explained samples is used. Each explainer reports what its
paper defines, under its own name; `explain` reads replacements as R, U1 .. Un and S.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
