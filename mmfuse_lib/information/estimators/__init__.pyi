from .batch import batch_pid as batch_pid
from .bounds import bounds_from_tables as bounds_from_tables
from .bounds import synergy_bounds as synergy_bounds
from .cluster import SparseCountsWarning as SparseCountsWarning
from .cluster import cluster_pid as cluster_pid
from .estimate import Estimate as Estimate
from .gaussian import gaussian_pid as gaussian_pid
from .lsmi import lsmi_pid as lsmi_pid
