"""The label mechanism against definitions, a brute-force enumeration and frequencies."""

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data import INTERACTIONS
from mmfuse_lib.data.synthetic import digit_pairs
from mmfuse_lib.data.synthetic.labels import (
    Cue,
    composition_weights,
    draw_symbols,
    kind_tables,
    mixture_table,
    tables_by_kind,
)
from mmfuse_lib.information import mutual_information

R, U1, U2, S = range(4)
QUARTERS = dict.fromkeys(INTERACTIONS, Fraction(1, 4))
MIXED = {"R": Fraction(1, 2), "U1": Fraction(1, 3), "U2": Fraction(0), "S": Fraction(1, 6)}
COMPOSITIONS = [QUARTERS, MIXED, *({kind: Fraction(1)} for kind in INTERACTIONS)]


def enumerated(
    shares: Mapping[str, Fraction], n_classes: int, cue: bool
) -> dict[tuple[int, int, int], Fraction]:
    """Add up the probability of every way to make a sample, from the words of the docstring."""
    p: dict[tuple[int, int, int], Fraction] = defaultdict(Fraction)

    def add(kind: str, a: int, b: int, y: int, probability: Fraction) -> None:
        offset = INTERACTIONS.index(kind) * n_classes if cue else 0
        p[offset + a, offset + b, y] += shares.get(kind, Fraction(0)) * probability

    one = Fraction(1, n_classes)
    for first in range(n_classes):
        add("R", first, first, first, one)
        for second in range(n_classes):
            add("U1", first, second, first, one * one)
            add("U2", first, second, second, one * one)
            add("S", first, second, (first + second) % n_classes, one * one)
    return p


def as_floats(shares: Mapping[str, Fraction]) -> dict[str, float]:
    return {kind: float(share) for kind, share in shares.items()}


@pytest.mark.parametrize("cue", [True, False])
@pytest.mark.parametrize("n_classes", [2, 3, 4, 10])
@pytest.mark.parametrize("shares", COMPOSITIONS)
def test_table_equals_the_enumeration_of_all_samples(
    shares: dict[str, Fraction], n_classes: int, cue: bool
) -> None:
    table = mixture_table(composition_weights(as_floats(shares)), n_classes, cue)
    n_symbols = 4 * n_classes if cue else n_classes
    expected = np.zeros((n_symbols, n_symbols, n_classes))
    for cell, probability in enumerated(shares, n_classes, cue).items():
        expected[cell] = float(probability)
    assert table.shape == expected.shape
    np.testing.assert_allclose(table, expected, rtol=0, atol=1e-15)


@given(
    counts=st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any),
    n_classes=st.integers(2, 6),
    cue=st.booleans(),
)
def test_table_of_any_composition_is_a_distribution_with_uniform_labels(
    counts: list[int], n_classes: int, cue: bool
) -> None:
    shares = {k: Fraction(c, sum(counts)) for k, c in zip(INTERACTIONS, counts, strict=True)}
    table = mixture_table(composition_weights(as_floats(shares)), n_classes, cue)
    assert (table >= 0).all()
    np.testing.assert_allclose(table.sum(), 1, atol=1e-12)
    np.testing.assert_allclose(table.sum(axis=(0, 1)), 1 / n_classes, atol=1e-12)
    if cue:
        per_kind = table.reshape(4, n_classes, 4, n_classes, n_classes).sum(axis=(1, 3, 4))
        np.testing.assert_allclose(np.diag(per_kind), list(as_floats(shares).values()), atol=1e-12)
        assert per_kind.sum() == pytest.approx(np.trace(per_kind)), "the two sources disagree"


@given(seed=st.integers(0, 2**32 - 1), n_classes=st.integers(2, 10))
def test_every_sample_follows_the_rule_of_its_kind(seed: int, n_classes: int) -> None:
    a, b, y, kind = draw_symbols(np.full(4, 0.25), 200, n_classes, np.random.default_rng(seed))
    for values in (a, b, y):
        assert values.min() >= 0
        assert values.max() < n_classes
    r = kind == R
    assert (a[r] == y[r]).all()
    assert (b[r] == y[r]).all()
    assert (a[kind == U1] == y[kind == U1]).all()
    assert (b[kind == U2] == y[kind == U2]).all()
    s = kind == S
    assert (y[s] == (a[s] + b[s]) % n_classes).all()


def test_synergy_of_two_classes_is_xor() -> None:
    a, b, y, _ = draw_symbols(np.eye(4)[S], 500, 2, np.random.default_rng(0))
    assert (y == np.bitwise_xor(a, b)).all()
    table = mixture_table(np.eye(4)[S], 2, cue=False)
    assert table[0, 0, 0] == table[0, 1, 1] == table[1, 0, 1] == table[1, 1, 0] == 0.25


@pytest.mark.parametrize("shares", [QUARTERS, MIXED])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_frequencies_of_draws_agree_with_the_table(
    shares: dict[str, Fraction], n_classes: int
) -> None:
    weights, n = composition_weights(as_floats(shares)), 40_000
    a, b, y, kind = draw_symbols(weights, n, n_classes, np.random.default_rng(1))
    for cue in (True, False):
        table = mixture_table(weights, n_classes, cue)
        counts = np.zeros(table.shape)
        offset = kind * n_classes if cue else 0
        np.add.at(counts, (offset + a, offset + b, y), 1)
        assert counts[table == 0].sum() == 0, "a sample that the table rules out"
        assert chisquare(counts[table > 0], n * table[table > 0]).pvalue > 1e-3


def test_shares_that_are_missing_are_zero_and_none_means_quarters() -> None:
    assert composition_weights({"S": 0.25, "R": 0.75}).tolist() == [0.75, 0, 0, 0.25]
    assert composition_weights(None).tolist() == [0.25] * 4


@pytest.mark.parametrize(
    "shares",
    [
        {"R": 0.5},
        {"R": 0.6, "S": 0.6},
        {},
        {"R": 1.5, "S": -0.5},
        {"R": float("nan"), "S": 1.0},
        {"R": float("inf")},
        {"R": 1.0, "S": float("nan")},
    ],
)
def test_what_is_no_composition_is_refused(shares: dict[str, float]) -> None:
    with pytest.raises(DataError, match="composition"):
        composition_weights(shares)


@pytest.mark.parametrize(("key", "hint"), [("u1", "'U1'"), ("s", "'S'"), ("U3", "'U")])
def test_an_unknown_interaction_gets_a_suggestion(key: Any, hint: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown interaction.*Did you mean {hint}"):
        composition_weights({key: 1.0})


@pytest.mark.parametrize("cue_in", ["both", "first", "second"])
@pytest.mark.parametrize("right", [0.0, 0.25, 0.6, 1.0])
def test_a_cue_that_errs_or_hides_is_enumerated(right: float, cue_in: str) -> None:
    weights, n = composition_weights(as_floats(MIXED)), 3
    table = kind_tables(weights, n, right, cue_in)
    expected = np.zeros_like(table)
    plain = tables_by_kind(n)
    for kind, named, a, b, y in np.ndindex(4, 4, n, n, n):
        chance = right if kind == named else (1 - right) / 3
        x1 = named * n + a if cue_in != "second" else a
        x2 = named * n + b if cue_in != "first" else b
        expected[kind, x1, x2, y] += weights[kind] * plain[kind, a, b, y] * chance
    np.testing.assert_allclose(table, expected, atol=1e-15)
    np.testing.assert_allclose(table.sum(axis=(1, 2, 3)), weights)


def test_a_cue_that_says_nothing_tells_no_more_than_none() -> None:
    weights = np.full(4, 0.25)
    with_cue = mixture_table(weights, 3, 0.25)
    assert mutual_information(with_cue) == pytest.approx(
        mutual_information(mixture_table(weights, 3, cue=False))
    )


def test_what_a_cue_names_is_right_as_often_as_it_says() -> None:
    kind = np.repeat(np.arange(4), 5_000)
    cue = Cue(0.7)
    named = cue.draw(kind, np.random.default_rng(0))
    seen = np.stack([np.bincount(named[kind == k], minlength=4) for k in range(4)])
    assert chisquare(seen.ravel(), (cue.table() * 5_000).ravel()).pvalue > 0.001
    assert Cue().draw(kind, np.random.default_rng(0)) is kind


@pytest.mark.parametrize(
    ("options", "words"),
    [({"cue": 1.2}, "cue"), ({"cue": float("nan")}, "cue"), ({"cue_in": "left"}, "place")],
)
def test_a_bad_cue_is_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises((DataError, UnknownNameError), match=words):
        digit_pairs.load(0, n_train=10, n_val=10, n_test=10, **options)
