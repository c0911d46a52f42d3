"""What must hold for every distribution: identities and inequalities of information."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import mutual_info_score

from mmfuse_lib import information as info

Table = NDArray[np.float64]

X1, X2, Y = 0, 1, 2
check = settings(deadline=None, max_examples=60)


def close(expected: float) -> object:
    return pytest.approx(expected, abs=1e-10)


def mean(p: Table, pointwise: Table) -> float:
    """Mean over what can happen, the way the docstrings say to take it."""
    return float(pointwise[p > 0] @ p[p > 0])


@st.composite
def counts(draw: st.DrawFn, ndim: int = 3, max_side: int = 4) -> NDArray[np.int64]:
    """Draw a table of counts; exact zeros and axes of length 1 are common."""
    shape = draw(st.tuples(*[st.integers(1, max_side)] * ndim))
    weights = draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 20)))
    weights.flat[draw(st.integers(0, weights.size - 1))] += 1
    return weights


def tables(ndim: int = 3) -> st.SearchStrategy[Table]:
    return counts(ndim).map(lambda n: np.asarray(n / n.sum()))


@st.composite
def tables_and_channels(draw: st.DrawFn) -> tuple[Table, Table]:
    """Draw a table p(x,y) and a stochastic matrix k(z|x), row x."""
    p = draw(tables(ndim=2))
    weights = draw(
        hnp.arrays(np.int64, (p.shape[0], draw(st.integers(1, 4))), elements=st.integers(0, 9))
    )
    weights[:, 0] += 1
    return p, np.asarray(weights / weights.sum(axis=1, keepdims=True))


@check
@given(tables())
def test_entropy_is_scipys(p: Table) -> None:
    assert info.entropy(p) == close(float(stats.entropy(p.ravel(), base=2)))
    assert info.entropy(p, axes=X2) == close(float(stats.entropy(p.sum(axis=(0, 2)), base=2)))


@check
@given(counts(ndim=2))
def test_mutual_information_is_sklearns(n: NDArray[np.int64]) -> None:
    nats = mutual_info_score(None, None, contingency=n)
    assert info.mutual_information(n / n.sum()) == close(nats / np.log(2))


@check
@given(tables())
def test_entropy_lies_between_zero_and_log_of_the_alphabet(p: Table) -> None:
    assert 0.0 <= info.entropy(p) <= np.log2(p.size) + 1e-12


@check
@given(tables())
def test_chain_rule_of_entropy(p: Table) -> None:
    first = info.entropy(p, axes=X1)
    second = info.conditional_entropy(p, of=X2, given=X1)
    third = info.conditional_entropy(p, of=Y, given=(X1, X2))
    assert info.entropy(p) == close(first + second + third)


@check
@given(tables())
def test_chain_rule_of_information(p: Table) -> None:
    first = info.mutual_information(p, x=X1)
    second = info.conditional_mutual_information(p, x=X2, given=X1)
    assert info.mutual_information(p) == close(first + second)


@check
@given(tables())
def test_conditioning_averages_over_the_condition(p: Table) -> None:
    by_hand = 0.0
    for x2 in range(p.shape[1]):
        weight = p[:, x2].sum()
        if weight > 0:
            by_hand += weight * info.mutual_information(p[:, x2] / weight)
    assert info.conditional_mutual_information(p) == close(by_hand)


@check
@given(tables())
def test_conditioning_lowers_entropy(p: Table) -> None:
    assert info.conditional_entropy(p, of=Y, given=X1) <= info.entropy(p, axes=Y) + 1e-12
    assert info.conditional_entropy(p) <= info.conditional_entropy(p, of=Y, given=X1) + 1e-12


@check
@given(tables())
def test_information_is_never_negative(p: Table) -> None:
    assert info.mutual_information(p) >= 0.0
    assert info.conditional_mutual_information(p) >= 0.0
    assert info.conditional_entropy(p) >= 0.0


@check
@given(tables())
def test_information_is_symmetric(p: Table) -> None:
    assert info.mutual_information(p, x=X1, y=Y) == close(info.mutual_information(p, x=Y, y=X1))
    forth = info.conditional_mutual_information(p, x=X1, y=Y, given=X2)
    assert forth == close(info.conditional_mutual_information(p, x=Y, y=X1, given=X2))


@check
@given(tables())
def test_information_of_a_variable_about_itself_is_its_entropy(p: Table) -> None:
    h = info.entropy(p, axes=Y)
    twice = np.diag(p.sum(axis=(0, 1)))
    assert info.mutual_information(twice) == close(h)


@check
@given(tables(), st.randoms(use_true_random=False))
def test_names_of_values_do_not_matter(p: Table, rng: Random) -> None:
    q = p
    for axis in range(3):
        order = list(range(p.shape[axis]))
        rng.shuffle(order)
        q = q.take(order, axis=axis)
    assert info.mutual_information(q) == close(info.mutual_information(p))
    assert info.interaction_information(q) == close(info.interaction_information(p))


@check
@given(tables_and_channels())
def test_processing_never_adds_information(pair: tuple[Table, Table]) -> None:
    p, channel = pair
    processed = np.einsum("xy,xz->zy", p, channel)
    assert info.mutual_information(processed) <= info.mutual_information(p) + 1e-12


@check
@given(tables())
def test_means_of_pointwise_values(p: Table) -> None:
    assert mean(p, info.surprisal(p, axes=X1)) == close(info.entropy(p, axes=X1))
    pairs = info.pointwise_mutual_information(p, x=X1)
    assert mean(p, pairs) == close(info.mutual_information(p, x=X1))
    triples = info.pointwise_conditional_mutual_information(p)
    assert mean(p, triples) == close(info.conditional_mutual_information(p))


@check
@given(tables())
def test_pointwise_chain_rule(p: Table) -> None:
    joint = info.pointwise_mutual_information(p)
    first = info.pointwise_mutual_information(p, x=X1)
    second = info.pointwise_conditional_mutual_information(p, x=X2, given=X1)
    happens = p > 0
    np.testing.assert_allclose(joint[happens], (first + second)[happens], atol=1e-10)


@check
@given(tables())
def test_interaction_information_does_not_depend_on_the_order(p: Table) -> None:
    value = info.interaction_information(p)
    by_definition = info.conditional_mutual_information(p) - info.mutual_information(p, x=X1)
    assert value == close(by_definition)
    for order in [(X2, X1, Y), (X1, Y, X2), (Y, X2, X1)]:
        assert info.interaction_information(p.transpose(order)) == close(value)


@check
@given(tables())
def test_interaction_information_is_bounded_by_every_entropy(p: Table) -> None:
    least = min(info.entropy(p, axes=axis) for axis in (X1, X2, Y))
    assert abs(info.interaction_information(p)) <= least + 1e-12


@check
@given(tables(ndim=2))
def test_mutual_information_is_a_divergence(p: Table) -> None:
    independent = p.sum(axis=1, keepdims=True) * p.sum(axis=0, keepdims=True)
    assert info.mutual_information(p) == close(info.kl_divergence(p, independent))


@check
@given(tables(), st.permutations([0, 1, 2]))
def test_axes_can_be_counted_from_either_end(p: Table, order: list[int]) -> None:
    a, b, c = order
    assert info.mutual_information(p, x=(a, b), y=c) == info.mutual_information(
        p, x=(a - 3, b - 3), y=c - 3
    )


@check
@given(tables())
def test_an_axis_of_length_one_changes_nothing(p: Table) -> None:
    q = p[:, None]
    assert info.mutual_information(q) == close(info.mutual_information(p))
    assert info.entropy(q, axes=1) == close(0.0)


@check
@given(tables())
def test_surprise_is_never_negative(p: Table) -> None:
    assert (info.surprisal(p[:, None], axes=1) >= 0.0).all()
    assert (info.surprisal(p) >= 0.0).all()
