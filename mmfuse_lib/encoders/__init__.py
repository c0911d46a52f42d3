"""Encoders: one modality in, a feature vector ``z`` of shape ``(B, dim)`` out.

Your own network fits wherever an encoder is expected: any `nn.Module` that maps a batch of one
modality to a batch of vectors.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
