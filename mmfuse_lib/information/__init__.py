"""How much one variable says about another, in bits: exact, for tables of probabilities.

Everywhere in this package a joint distribution is an array ``p`` whose **last axis is the label**
Y and whose other axes are the sources X1, X2, ...: ``p[x1, x2, y]`` is the probability of that
combination.
"""

from mmfuse_lib.information.distributions import as_distribution
from mmfuse_lib.information.gates import GATES, deterministic, noisy
from mmfuse_lib.information.measures import (
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

__all__ = [
    "GATES",
    "as_distribution",
    "conditional_entropy",
    "conditional_mutual_information",
    "deterministic",
    "entropy",
    "interaction_information",
    "kl_divergence",
    "mutual_information",
    "noisy",
    "pointwise_conditional_mutual_information",
    "pointwise_mutual_information",
    "surprisal",
]
