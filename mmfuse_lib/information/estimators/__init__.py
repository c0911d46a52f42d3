"""The decomposition from samples: features and labels instead of a table of probabilities.

`cluster_pid`, `batch_pid` and `synergy_bounds` estimate the measure ``"broja"``, `lsmi_pid` the
measure ``"pointwise"``, `gaussian_pid` is for a real-valued target. All return an `Estimate`.
"""

from mmfuse_lib.information.estimators.batch import batch_pid
from mmfuse_lib.information.estimators.bounds import bounds_from_tables, synergy_bounds
from mmfuse_lib.information.estimators.cluster import SparseCountsWarning, cluster_pid
from mmfuse_lib.information.estimators.estimate import Estimate
from mmfuse_lib.information.estimators.gaussian import gaussian_pid
from mmfuse_lib.information.estimators.lsmi import lsmi_pid

__all__ = [
    "Estimate",
    "SparseCountsWarning",
    "batch_pid",
    "bounds_from_tables",
    "cluster_pid",
    "gaussian_pid",
    "lsmi_pid",
    "synergy_bounds",
]
