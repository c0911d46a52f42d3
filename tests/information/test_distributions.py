"""What is a probability table, and what is said about everything else."""

import numpy as np
import pytest

from mmfuse_lib.information import as_distribution


def test_a_table_comes_back_as_new_float64() -> None:
    p = np.array([[0.25, 0.25], [0.5, 0.0]], dtype=np.float32)
    q = as_distribution(p)
    assert q.dtype == np.float64
    np.testing.assert_array_equal(q, p)
    q[0, 0] = 1.0
    assert p[0, 0] == 0.25


def test_float64_input_is_copied_too() -> None:
    p = np.array([0.5, 0.5])
    as_distribution(p)[0] = 9.0
    assert p[0] == 0.5


def test_lists_booleans_and_whole_numbers_are_tables() -> None:
    np.testing.assert_array_equal(as_distribution([[0, 1], [0, 0]]), [[0, 1], [0, 0]])
    np.testing.assert_array_equal(as_distribution([False, True]), [0, 1])


def test_small_rounding_is_put_right() -> None:
    q = as_distribution([0.3333333, 0.3333333, 0.3333333])
    assert q.sum() == pytest.approx(1.0, abs=1e-15)
    np.testing.assert_allclose(q, 1 / 3, rtol=1e-15)


@pytest.mark.parametrize("total", [1 + 2e-6, 1 - 2e-6, 4.0, 0.0])
def test_a_wrong_sum_is_refused(total: float) -> None:
    with pytest.raises(ValueError, match="must sum to 1, these sum to"):
        as_distribution(np.full(4, total / 4))


@pytest.mark.parametrize(
    ("p", "error", "message"),
    [
        ([0.5, 0.5 + 0j], TypeError, "real numbers, this array holds complex128"),
        (["a", "b"], TypeError, "real numbers"),
        ([None, 1.0], TypeError, "real numbers, this array holds object"),
        ([[0.5, 0.5], [1.0]], ValueError, "rectangular array"),
        (1.0, ValueError, "a single number"),
        ([], ValueError, r"empty: its shape is \(0,\)"),
        (np.zeros((2, 0)), ValueError, r"empty: its shape is \(2, 0\)"),
        ([[0.5, np.nan], [0.5, 0.0]], ValueError, r"p\[0, 1\] = nan is not a finite number"),
        ([0.5, np.inf], ValueError, r"p\[1\] = inf is not a finite number"),
        ([0.6, 0.5, -0.1], ValueError, r"p\[2\] = -0\.1 is negative"),
    ],
)
def test_refused(p: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        as_distribution(p)  # type: ignore[arg-type]


def test_the_wrong_number_of_axes_is_refused() -> None:
    assert as_distribution([[1.0]], ndim=2).shape == (1, 1)
    with pytest.raises(ValueError, match=r"with 3 axes, got 2: its shape is \(1, 1\)"):
        as_distribution([[1.0]], ndim=3)
