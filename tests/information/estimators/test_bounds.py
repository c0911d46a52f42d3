"""Bounds on synergy: valid for every table, tight where they can be, honest about bad input."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.synthetic.digit_pairs import label_table
from mmfuse_lib.information import GATES, decompose, mutual_information
from mmfuse_lib.information.estimators.bounds import (
    _entropy_of_meet,
    bounds_from_tables,
    synergy_bounds,
)
from mmfuse_lib.information.estimators.estimate import Estimate
from mmfuse_lib.information.estimators.pairwise import likeliest_tables

Array = NDArray[np.float64]


def pairwise(p: Array) -> tuple[Array, Array, Array]:
    return p.sum(axis=1), p.sum(axis=0), p.sum(axis=2)


def synergy_of(estimate: Estimate) -> tuple[float, float]:
    assert estimate.interval is not None
    return float(estimate.interval["lower"]["S"]), float(estimate.interval["upper"]["S"])


# From tables.


def test_xor_on_paper() -> None:
    # No pair of variables shows anything, so anything from nothing to one bit is possible.
    estimate = bounds_from_tables(*pairwise(GATES["xor"]()))
    assert synergy_of(estimate) == pytest.approx((0.0, 1.0), abs=1e-9)
    assert np.isnan(estimate.synergy)
    assert estimate.redundancy == pytest.approx(0.0, abs=1e-9)


def test_and_on_paper() -> None:
    # The pairs leave no choice: x1 = 0 and x2 = 0 each rule out y = 1, so p(1,1,1) = p(x1=1, y=1).
    # Disagreement: one classifier says (1, 0), the other (1/2, 1/2), in half of the pairs, at the
    # distance -log2(sqrt(1/2)) = 1/2. Redundancy: R = I(X1;Y) = h(1/4) - h(1/2) / 2.
    estimate = bounds_from_tables(*pairwise(GATES["and"]()))
    assert synergy_of(estimate) == pytest.approx((0.5, 0.5), abs=1e-6)
    found = estimate.diagnostics
    assert found["lower_disagreement"] == pytest.approx(0.25, abs=1e-6)
    assert found["lower_redundancy"] == pytest.approx(0.8112781 - 0.5, abs=1e-6)
    assert found["lower_additive"] == pytest.approx(0.5, abs=1e-6)
    assert found["upper_label"] == pytest.approx(0.5, abs=1e-6)


def test_atoms_but_synergy_are_exact() -> None:
    p = label_table(n_classes=3, cue=False)
    d = decompose(p)
    estimate = bounds_from_tables(*pairwise(p))
    assert estimate.redundancy == pytest.approx(d.redundancy, abs=1e-8)
    assert estimate.unique == pytest.approx(d.unique, abs=1e-8)
    assert estimate.interval is not None
    for side in ("lower", "upper"):
        assert list(estimate.interval[side][:3]) == [estimate.redundancy, *estimate.unique]


@pytest.mark.parametrize("concentration", [0.2, 1.0])
def test_the_truth_is_within_and_no_bound_contradicts_another(concentration: float) -> None:
    rng = np.random.default_rng(round(10 * concentration))
    gains = []
    for _ in range(40):
        shape = rng.integers(2, 4, size=3)
        p = rng.dirichlet(np.full(int(np.prod(shape)), concentration)).reshape(shape)
        synergy = decompose(p, tolerance=1e-7).synergy
        estimate = bounds_from_tables(*pairwise(p))
        lower, upper = synergy_of(estimate)
        assert lower - 1e-6 <= synergy <= upper + 1e-6
        found = estimate.diagnostics
        best = max(found["lower_redundancy"], found["lower_disagreement"])
        assert best <= found["lower_additive"] + 1e-6
        assert found["upper_majorisation"] <= found["upper_coupling"] + 1e-9
        assert found["upper_majorisation"] <= found["upper_label"] + 1e-9
        gains.append((lower - max(best, 0.0), found["upper_coupling"] - upper))
    assert (np.mean(gains, axis=0) > 0.01).all()  # and they are often better than those


def test_bits_have_one_way_to_differ_and_the_bounds_hold_along_it() -> None:
    # Tables of three bits with the same pairs are p + t * (+1 or -1 by the parity of the cell).
    sign = (-1.0) ** np.indices((2, 2, 2)).sum(axis=0)
    rng = np.random.default_rng(0)
    for _ in range(10):
        p = rng.dirichlet(np.ones(8)).reshape(2, 2, 2)
        d = decompose(p, tolerance=1e-8)
        ts = np.linspace(-p[sign > 0].min(), p[sign < 0].min(), 501)
        joint = [mutual_information(np.maximum(p + t * sign, 0.0)) for t in ts]
        lower, upper = synergy_of(bounds_from_tables(*pairwise(p)))
        least = d.redundancy + sum(d.unique)
        assert lower == pytest.approx(min(joint) - least, abs=1e-5)  # the best there can be
        assert upper >= max(joint) - least - 1e-9


def test_a_label_that_follows_added_logits_has_the_synergy_of_the_additive_bound() -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(4, 1, 3)) + rng.normal(size=(1, 5, 3))
    given = np.exp(2 * logits)
    p = rng.dirichlet(np.ones(20)).reshape(4, 5, 1) * given / given.sum(axis=2, keepdims=True)
    found = bounds_from_tables(*pairwise(p)).diagnostics["lower_additive"]
    assert found == pytest.approx(decompose(p).synergy, abs=1e-6)
    assert found > 0.1


def test_greatest_lower_bound_on_paper() -> None:
    # Largest entries first, sums .6 .75 .9 1 and .5 .75 .95 1: the least are .5 .75 .9 1.
    p, q = np.array([0.15, 0.6, 0.1, 0.15]), np.array([0.5, 0.25, 0.2, 0.05])
    meet = np.array([0.5, 0.25, 0.15, 0.1])
    assert _entropy_of_meet(p, q) == pytest.approx(-meet @ np.log2(meet), abs=1e-12)
    rows = _entropy_of_meet(np.stack([p, q]) / 2, np.stack([q, p]) / 2)
    assert rows == pytest.approx(1.0 - meet @ np.log2(meet), abs=1e-12)


def test_tables_that_disagree_on_a_variable_are_refused() -> None:
    p1, p2, p12 = pairwise(GATES["and"]())
    with pytest.raises(ValueError, match=r"p\(y\) of p_x1y and p_x2y differ by up to 0.25"):
        bounds_from_tables(p1, np.full((2, 2), 0.25), p12)
    with pytest.raises(ValueError, match=r"p\(x1\) of p_x1y and p_x1x2 differ"):
        bounds_from_tables(p1, p2, [[0.1, 0.2], [0.4, 0.3]])
    with pytest.raises(ValueError, match=r"p\(x2\) of p_x2y and p_x1x2 differ"):
        bounds_from_tables(p1, p2, [[0.1, 0.4], [0.2, 0.3]])


def test_tables_without_a_joint_table_are_refused() -> None:
    # X1 = Y and X2 = Y, but X1 is never X2.
    same, opposite = np.eye(2) / 2, np.eye(2)[::-1] / 2
    with pytest.raises(ValueError, match="no joint table has these three pairwise tables"):
        bounds_from_tables(same, same, opposite)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got \(2, 2\), \(2, 2\) and \(2, 3\)"):
        bounds_from_tables(np.eye(2) / 2, np.eye(2) / 2, np.full((2, 3), 1 / 6))
    with pytest.raises(ValueError, match="must sum to 1"):
        bounds_from_tables(np.eye(2), np.eye(2) / 2, np.eye(2) / 2)


# From samples.


def samples(p: Array, n: int, seed: int) -> tuple[NDArray[np.int64], ...]:
    """Draw the six arguments of `synergy_bounds`, n samples of each kind."""
    cells = np.random.default_rng(seed).choice(p.size, size=(3, n), p=p.ravel())
    (a, _, y1), (_, b, y2), (c1, c2, _) = (np.unravel_index(c, p.shape) for c in cells)
    return a, y1, b, y2, c1, c2


@pytest.mark.parametrize("gate", ["and", "redundant", "copy"])
def test_counts_that_agree_are_used_as_they_are(gate: str) -> None:
    p = GATES[gate]()
    cells = np.repeat(np.arange(p.size), np.round(16 * p.ravel()).astype(int))
    x1, x2, y = np.unravel_index(cells, p.shape)
    estimate = synergy_bounds(x1, y, x2, y, x1, x2)
    exact = bounds_from_tables(*pairwise(p))
    assert synergy_of(estimate) == pytest.approx(synergy_of(exact), abs=3e-3)
    assert estimate.redundancy == pytest.approx(exact.redundancy, abs=3e-3)
    assert estimate.diagnostics["shift"] == pytest.approx(0.0, abs=1e-3)
    assert np.isnan(estimate.synergy)


def test_many_samples_give_the_bounds_of_the_table() -> None:
    p = label_table(n_classes=3, cue=False)
    estimate = synergy_bounds(*samples(p, 20_000, seed=0))
    exact = bounds_from_tables(*pairwise(p))
    assert synergy_of(estimate) == pytest.approx(synergy_of(exact), abs=0.03)
    assert estimate.redundancy == pytest.approx(exact.redundancy, abs=0.03)
    lower, upper = synergy_of(estimate)
    assert lower < decompose(p).synergy < upper
    assert 0 < estimate.diagnostics["shift"] < 0.02


def test_likeliest_tables_belong_together_and_beat_the_separate_ones() -> None:
    p = np.random.default_rng(4).dirichlet(np.full(18, 0.7)).reshape(3, 3, 2)
    rng = np.random.default_rng(0)
    counts, raw_error, error = [], 0.0, 0.0
    for _ in range(10):
        draws = (rng.multinomial(300, p.ravel()).reshape(p.shape) for _ in range(3))
        counts = [d.sum(axis=axis) for d, axis in zip(draws, (1, 0, 2), strict=True)]
        tables = likeliest_tables((counts[0] * 1.0, counts[1] * 1.0, counts[2] * 1.0))
        bounds_from_tables(*tables)  # refuses what does not belong together
        for n, table, true in zip(counts, tables, pairwise(p), strict=True):
            raw_error += float(np.abs(n / 300 - true).sum())
            error += float(np.abs(table - true).sum())
    assert error < 0.95 * raw_error


def test_classes_in_other_proportions_are_visible() -> None:
    a, y1, b, y2, c1, c2 = samples(label_table(n_classes=2, cue=False), 2_000, seed=0)
    fair = synergy_bounds(a, y1, b, y2, c1, c2).diagnostics["shift"]
    rare = (y2 == 0) | (np.arange(2_000) % 5 == 0)
    assert synergy_bounds(a, y1, b[rare], y2[rare], c1, c2).diagnostics["shift"] > 5 * fair


def test_features_get_letters_from_all_samples_of_their_modality() -> None:
    # x1 has four lumps, two of which no labelled sample shows; y is the parity of the lump. Lumps
    # of its own would make the clusters of the labelled samples halves of the two they show.
    rng = np.random.default_rng(0)
    lumps, pairs = rng.integers(2, size=400), rng.integers(4, size=400)
    y = lumps % 2
    x1 = torch.tensor(lumps[:, None] + 0.05 * rng.normal(size=(400, 2)))
    x1_pairs = torch.tensor(pairs[:, None] + 0.05 * rng.normal(size=(400, 2)))
    estimate = synergy_bounds(x1, torch.tensor(y), y, y, x1_pairs, pairs % 2, n_clusters=(4, 2))
    assert estimate.redundancy == pytest.approx(1.0, abs=0.02)
    assert synergy_of(estimate) == pytest.approx((0.0, 0.0), abs=0.02)


X = np.random.default_rng(0).normal(size=(30, 2))
Y = np.arange(30) % 2


def test_samples_that_are_refused() -> None:
    with pytest.raises(DataError, match="rows: x1_labelled 20, y1 30"):
        synergy_bounds(X[:20], Y, X, Y, X, X)
    with pytest.raises(DataError, match="rows: x1_pairs 20, x2_pairs 30"):
        synergy_bounds(X, Y, X, Y, X[:20], X)
    with pytest.raises(DataError, match="x2 has 2 features in the labelled samples and 1"):
        synergy_bounds(X, Y, X, Y, X, X[:, :1])
    with pytest.raises(DataError, match="y2 needs at least two different labels"):
        synergy_bounds(X, Y, X, Y * 0, X, X)
    with pytest.raises(DataError, match="n_clusters is 0"):
        synergy_bounds(X, Y, X, Y, X, X, n_clusters=0)
    with pytest.raises(DataError, match="x2_labelled has a NaN"):
        synergy_bounds(X, Y, X * np.nan, Y, X, X)
