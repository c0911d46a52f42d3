"""Readings and the other explainers against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.explanations import (
    Coalitions,
    intershap,
    mm_shap,
    read_effects,
    read_projection,
    read_shares,
    shape,
)
from mmfuse_lib.explanations.posthoc.projection import Projection

NAMES = ("a", "b")


def made(empty: float, a: float, b: float, both: float) -> Coalitions:
    """Return the values of the output that is decided for."""
    values = {"": empty, "a": a, "b": b, "ab": both}
    found = {frozenset(kept): np.array([[v, 1 - v]]) for kept, v in values.items()}
    return Coalitions(NAMES, found, rows=0)


@pytest.mark.parametrize(
    ("values", "report"),
    [
        ((0.25, 1, 1, 1), [1, 0, 0, 0]),
        ((0.25, 1, 0.25, 1), [0, 1, 0, 0]),
        ((0.25, 0.25, 1, 1), [0, 0, 1, 0]),
        ((0.25, 0.25, 0.25, 1), [0, 0, 0, 1]),
        ((0.0, 0.5, 0.5, 1.0), [0, 0.5, 0.5, 0]),  # additive: each half of it
        ((0.5, 0.5, 0.5, 0.5), [0.25] * 4),  # nothing moves
    ],
)
def test_intershap_is_read_as_what_made_the_decision(
    values: tuple[float, float, float, float], report: list[float]
) -> None:
    effects = intershap(made(*values)).to_numpy()[:, :3].T
    np.testing.assert_allclose(read_effects(*effects).to_numpy()[0], report, atol=1e-12)


def test_mm_shap_cannot_tell_copies_from_xor() -> None:
    copies, xor = made(0.25, 1, 1, 1), made(0.25, 0.25, 0.25, 1)
    for found in (copies, xor):
        assert mm_shap(found).iloc[0].to_dict() == {"a": 0.5, "b": 0.5}
    report = read_shares(mm_shap(made(0.25, 1, 0.25, 1)))
    assert report.iloc[0].tolist() == [0, 1, 0, 0]


def test_shape_adds_up_to_the_gain_over_guessing() -> None:
    right = made(0.25, 0.75, 0.5, 0.9)
    found = shape(right, [0])
    assert found["a"] == pytest.approx(0.5)
    assert found["b"] == pytest.approx(0.25)
    assert found["cooperation"] == pytest.approx(0.9 - 0.25 - 0.75)
    assert found.sum() == pytest.approx(0.9 - 0.25)
    wrong = shape(right, [1])  # the other label: accuracy falls by what the output rose
    np.testing.assert_allclose(wrong, -found)
    with pytest.raises(DataError, match="1 samples need as many labels"):
        shape(right, [0, 1])


def test_a_projection_is_read_by_the_size_of_its_parts() -> None:
    parts = np.array([[0.3, -0.3]]), np.array([[-0.1, 0.1]])
    found = Projection(np.array([[0.9, 0.1]]), np.array([[0.7, 0.3]]), parts)
    np.testing.assert_allclose(
        read_projection(found).to_numpy(), [[0, 0.3 / 0.6, 0.1 / 0.6, 0.2 / 0.6]]
    )


@given(st.lists(st.tuples(*[st.floats(-1, 1)] * 3), min_size=1, max_size=5))
def test_a_reading_is_a_distribution_and_does_not_favour_a_side(
    effects: list[tuple[float, float, float]],
) -> None:
    first, second, between = np.array(effects).T
    report = read_effects(first, second, between).to_numpy()
    assert (report >= 0).all()
    np.testing.assert_allclose(report.sum(axis=1), 1)
    swapped = read_effects(second, first, between).to_numpy()
    np.testing.assert_allclose(swapped, report[:, [0, 2, 1, 3]], atol=1e-12)


def test_three_modalities_are_no_pair_of_shares() -> None:
    sets = {
        frozenset(kept): np.array([[0.5, 0.5]]) for kept in ("", *"abc", "ab", "ac", "bc", "abc")
    }
    with pytest.raises(DataError, match="two modalities are read"):
        read_shares(mm_shap(Coalitions(("a", "b", "c"), sets, rows=0)))
