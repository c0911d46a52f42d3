"""Means with their intervals, as text."""

import numpy as np
import pandas as pd
import pytest

from mmfuse_lib import mean_interval, plus_minus
from mmfuse_lib.core.errors import DataError


def test_it_is_the_mean_and_the_half_width_that_mean_interval_gives() -> None:
    values = [0.812, 0.791, 0.8325]
    mean, half = mean_interval(values)
    assert plus_minus(values, 3) == f"{mean:.3f} ± {half:.3f}"
    assert plus_minus(values, scale=100) == f"{100 * mean:.1f} ± {100 * half:.1f}"
    assert plus_minus(pd.Series(values), 0, scale=100) == f"{100 * mean:.0f} ± {100 * half:.0f}"


def test_a_difference_has_its_sign() -> None:
    assert plus_minus([1.0, 1.0], sign=True) == "+1.0 ± 0.0"
    assert plus_minus([-1.0, -1.0], sign=True) == "-1.0 ± 0.0"
    assert plus_minus([1.0, 1.0]) == "1.0 ± 0.0"


def test_of_a_single_value_there_is_no_interval_and_of_none_no_mean() -> None:
    assert plus_minus([0.5], 2) == "0.50 ± nan"
    with pytest.raises(DataError, match="non-empty"):
        plus_minus(np.zeros(0))
