"""The studies behind the book: configurations, what they measure, and what they found.

A configuration names what is here as ``"reproduce.dmil:NoisyResidual"``. `mmfuse study` finds it
when it is called at the top of the repository.
"""

from typing import Any

import numpy as np


def rounded(values: Any, digits: int = 4) -> Any:
    """Round all numbers in mappings, lists and arrays, for a small file."""
    if isinstance(values, dict):
        return {str(name): rounded(value, digits) for name, value in values.items()}
    return np.asarray(values, dtype=np.float64).round(digits).tolist()
