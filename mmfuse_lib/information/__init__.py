"""How much variables say about a label, and how it splits: exact, for tables, in bits.

Everywhere in this package a joint distribution is an array ``p`` whose **last axis is the label**
Y and whose other axes are the sources X1, X2, ...: ``p[x1, x2, y]`` is the probability of that
combination.
"""

from mmfuse_lib.information.atoms import ATOMS, Atoms
from mmfuse_lib.information.covariance import decompose_gaussian
from mmfuse_lib.information.distributions import as_distribution
from mmfuse_lib.information.entropies import (
    conditional_entropy,
    conditional_mutual_information,
    entropy,
    interaction_information,
    kl_divergence,
    mutual_information,
    pointwise_conditional_mutual_information,
    pointwise_mutual_information,
    surprisal,
)
from mmfuse_lib.information.gates import GATES, deterministic, noisy
from mmfuse_lib.information.pid import (
    Decomposition,
    Decompositions,
    GapWarning,
    decompose,
    decompose_batch,
)
from mmfuse_lib.information.pointwise import (
    pointwise_atoms,
    pointwise_decomposition,
    published_adjustment,
)

__all__ = [
    "ATOMS",
    "GATES",
    "Atoms",
    "Decomposition",
    "Decompositions",
    "GapWarning",
    "as_distribution",
    "conditional_entropy",
    "conditional_mutual_information",
    "decompose",
    "decompose_batch",
    "decompose_gaussian",
    "deterministic",
    "entropy",
    "interaction_information",
    "kl_divergence",
    "mutual_information",
    "noisy",
    "pointwise_atoms",
    "pointwise_conditional_mutual_information",
    "pointwise_decomposition",
    "pointwise_mutual_information",
    "published_adjustment",
    "surprisal",
]
