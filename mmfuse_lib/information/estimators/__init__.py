"""The decomposition from samples: features and labels instead of a table of probabilities.

`cluster_pid`, `batch_pid` and `synergy_bounds` estimate the measure ``"broja"``, `lsmi_pid` the
measure ``"pointwise"``, `gaussian_pid` is for a real-valued target. All return an `Estimate`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
