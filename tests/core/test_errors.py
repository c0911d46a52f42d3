"""Names and numbers that are refused, and what is said of them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from mmfuse_lib.core.errors import (
    DataError,
    UnknownNameError,
    check_integers,
    check_names,
    check_numbers,
)


def test_the_first_unknown_name_is_refused() -> None:
    check_names("fruit", ["apple"], ("apple", "pear"))
    with pytest.raises(UnknownNameError, match=r"unknown fruit 'aple'\. Did you mean 'apple'\?"):
        check_names("fruit", ["pear", "aple", "nut"], ("apple", "pear"))


@pytest.mark.parametrize("n", [1, np.int64(3), 5])
def test_integers_in_range_pass(n: Any) -> None:
    check_integers(1, 5, n=n)


@pytest.mark.parametrize("n", [0, 6, 2.0, "2", True, None, float("nan")])
def test_other_integers_are_named(n: Any) -> None:
    message = re.escape(f"n is {n!r}: expected an integer from 1 to 5")
    with pytest.raises(DataError, match=message):
        check_integers(1, 5, m=2, n=n)
    with pytest.raises(DataError, match="n is 0: expected an integer of at least 1"):
        check_integers(n=0)


@pytest.mark.parametrize(
    ("interval", "good", "bad"),
    [
        ("[0, 1)", (0, 0.5, np.float32(0.9)), (-1e-9, 1, float("nan"), "0.5", None)),
        ("(0, 1]", (1, 1e-9), (0, 1.1)),
        ("(0, inf)", (1e9,), (0, float("inf"))),
        ("(0, inf]", (float("inf"),), (0, float("nan"))),
    ],
)
def test_numbers_outside_an_interval_are_named(
    interval: str, good: tuple[Any, ...], bad: tuple[Any, ...]
) -> None:
    for x in good:
        check_numbers(interval, x=x)
    for x in bad:
        message = re.escape(f"x is {x!r}: expected a number in {interval}")
        with pytest.raises(DataError, match=message):
            check_numbers(interval, x=x)
