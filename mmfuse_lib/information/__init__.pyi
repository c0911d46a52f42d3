from .atoms import ATOMS as ATOMS
from .atoms import Atoms as Atoms
from .covariance import decompose_gaussian as decompose_gaussian
from .distributions import as_distribution as as_distribution
from .entropies import conditional_entropy as conditional_entropy
from .entropies import conditional_mutual_information as conditional_mutual_information
from .entropies import entropy as entropy
from .entropies import interaction_information as interaction_information
from .entropies import kl_divergence as kl_divergence
from .entropies import mutual_information as mutual_information
from .entropies import (
    pointwise_conditional_mutual_information as pointwise_conditional_mutual_information,
)
from .entropies import pointwise_mutual_information as pointwise_mutual_information
from .entropies import surprisal as surprisal
from .gates import GATES as GATES
from .gates import deterministic as deterministic
from .gates import noisy as noisy
from .pid import Decomposition as Decomposition
from .pid import Decompositions as Decompositions
from .pid import GapWarning as GapWarning
from .pid import decompose as decompose
from .pid import decompose_batch as decompose_batch
from .pointwise import pointwise_atoms as pointwise_atoms
from .pointwise import pointwise_decomposition as pointwise_decomposition
from .pointwise import published_adjustment as published_adjustment
