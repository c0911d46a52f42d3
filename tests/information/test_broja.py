"""The least information two pairwise tables allow: bounds that hold, and a table that attains them.

An independent answer comes from CVXPY, which solves the convex program in the joint table as
Bertschinger et al. (2014) state it; the library solves its optimality conditions.
"""

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from mmfuse_lib.information import (
    GATES,
    GapWarning,
    broja,
    decompose,
    decompose_batch,
    entropy,
    mutual_information,
    noisy,
)
from mmfuse_lib.information.broja import (
    independent_given_label,
    maximal_coupling,
    minimise,
    negative_conditional_entropy,
)

with warnings.catch_warnings():  # it may warn about its own imports
    warnings.simplefilter("ignore")
    cp: Any = import_module("cvxpy")

Array = NDArray[np.float64]

#: As many bits as the documented default allows between the bounds.
PROMISED = 1e-7

# Where the exact optimum is asked of CVXPY: its own error at these sizes is near 1e-8 bits.
CVXPY_ERROR = 2e-7


def random_table(shape: tuple[int, int, int], kind: str, seed: int) -> Array:
    """Draw a table: Dirichlet(1) or (0.3), with half of the cells empty, or with a sure label."""
    rng = np.random.default_rng([seed, *shape])
    size = int(np.prod(shape))
    if kind == "deterministic":
        pairs = rng.dirichlet(np.ones(shape[0] * shape[1])).reshape(shape[:2])
        labels = rng.integers(shape[2], size=shape[:2])
        return np.where(labels[..., None] == np.arange(shape[2]), pairs[..., None], 0.0)
    if kind == "nearly deterministic":
        sure = random_table(shape, "deterministic", seed)
        return (1 - 1e-6) * sure + 1e-6 * rng.dirichlet(np.ones(size)).reshape(shape)
    if kind == "counts":
        n = rng.multinomial(3 * size // 2 + 1, rng.dirichlet(np.ones(size)))
        return np.asarray((n / n.sum()).reshape(shape))
    p = rng.dirichlet(np.full(size, 0.3 if kind == "spiky" else 1.0))
    if kind == "zeros":
        p[rng.permutation(size)[: size // 2]] = 0.0
    return np.asarray((p / p.sum()).reshape(shape))


KINDS = ["flat", "spiky", "zeros", "deterministic", "nearly deterministic", "counts"]


def by_cvxpy(p: Array) -> float:
    """Return the least I_q(X1,X2;Y) in bits over the tables q with the pairwise tables of p."""
    possible = (p.sum(axis=1, keepdims=True) > 0) & (p.sum(axis=0, keepdims=True) > 0)
    x1, x2, y = np.nonzero(possible)
    q = cp.Variable(len(y), nonneg=True)
    constraints = []
    for x in (x1, x2):  # the cells that are summed into p(x,y)
        pairs = np.stack([x, y])
        a = (pairs == np.unique(pairs, axis=1).T[..., None]).all(axis=1).astype(float)
        constraints.append(a @ q == a @ p[possible])
    q_pair = ((x1 == x1[:, None]) & (x2 == x2[:, None])).astype(float) @ q
    problem = cp.Problem(cp.Minimize(cp.sum(cp.rel_entr(q, q_pair))), constraints)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nats = float(problem.solve(solver=cp.CLARABEL))
    return float(entropy(p, axes=2) + nats / np.log(2))


def least(p: Array) -> tuple[float, float, Array]:
    """Value, gap and coupling of the library: min I_q = R + U1 + U2."""
    d = decompose(p)
    assert d.coupling is not None
    return d.redundancy + sum(d.unique), d.gap, d.coupling


# Small parts by hand.


def test_as_alike_as_possible() -> None:
    p1, p2 = np.array([[0.5, 0.1], [0.1, 0.3]]), np.array([[0.2, 0.1], [0.4, 0.3]])
    q = maximal_coupling(p1[None], p2[None])[0]
    # y=0: the letters agree on .2 and .1; letter 0 of X1 has .3 left, for letter 1 of X2
    np.testing.assert_allclose(q[..., 0], [[0.2, 0.3], [0.0, 0.1]], atol=1e-15)
    np.testing.assert_allclose(q[..., 1], [[0.1, 0.0], [0.0, 0.3]], atol=1e-15)


def test_independence_given_the_label() -> None:
    p = np.array([[[0.1, 0.2], [0.3, 0.0]], [[0.1, 0.2], [0.0, 0.1]]])
    q = independent_given_label(p.sum(axis=1)[None], p.sum(axis=0)[None])[0]
    # p(x1=0, y=0) = .4, p(x2=0, y=0) = .2, p(y=0) = .5
    assert q[0, 0, 0] == pytest.approx(0.4 * 0.2 / 0.5)
    assert q[1, 1, 1] == pytest.approx(0.3 * 0.1 / 0.5)
    np.testing.assert_allclose(q.sum(axis=1), p.sum(axis=1), atol=1e-15)
    np.testing.assert_allclose(q.sum(axis=0), p.sum(axis=0), atol=1e-15)


def test_a_label_that_never_occurs_stays_impossible() -> None:
    p = np.stack([np.full((2, 2), 0.25), np.zeros((2, 2))], axis=-1)
    q = independent_given_label(p.sum(axis=1)[None], p.sum(axis=0)[None])[0]
    np.testing.assert_array_equal(q, p)


def test_negative_conditional_entropy_is_in_nats() -> None:
    # After (0, 0) the label is a fair coin, after (0, 1) it is certain: H(Y|X1,X2) = ln(2) / 2.
    tables = np.array([[[[0.25, 0.25], [0.5, 0.0]]], [[[1.0, 0.0], [0.0, 0.0]]]])
    np.testing.assert_allclose(
        negative_conditional_entropy(tables), [-0.5 * np.log(2), 0.0], atol=1e-15
    )


def test_and_by_hand() -> None:
    # One free number: q(0,1,0) = q(1,0,0) = a, q(0,0,0) = 1/2 - a, q(1,1,0) = 1/4 - a. The label is
    # in doubt at (1, 1) alone, and most in doubt at a = 0: a fair coin half of the time.
    p = GATES["and"]()
    found = minimise(p.sum(axis=1)[None], p.sum(axis=0)[None], 1e-12)
    assert found.upper[0] == pytest.approx(-0.5 * np.log(2), abs=1e-12)
    assert found.lower[0] == pytest.approx(-0.5 * np.log(2), abs=1e-12)
    expected = np.zeros((2, 2, 2))
    expected[0, 0, 0], expected[1, 1] = 0.5, [0.25, 0.25]
    np.testing.assert_allclose(found.coupling[0], expected, atol=1e-11)


def test_xor_hides_everything() -> None:
    p = GATES["xor"]()
    found = minimise(p.sum(axis=1)[None], p.sum(axis=0)[None], 1e-12)
    np.testing.assert_allclose([found.lower[0], found.upper[0]], -np.log(2), atol=1e-12)


# Against another solver.

SHAPES = [(2, 2, 2), (3, 2, 2), (2, 4, 3), (3, 3, 3), (5, 4, 2), (4, 5, 4), (6, 6, 2)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_cvxpy_finds_the_same(shape: tuple[int, int, int], kind: str) -> None:
    p = random_table(shape, kind, seed=0)
    value, gap, _ = least(p)
    assert gap <= PROMISED
    exact = by_cvxpy(p)
    # The exact minimum lies in [value - gap, value].
    assert value - gap - CVXPY_ERROR <= exact <= value + CVXPY_ERROR


@pytest.mark.parametrize("eps", [0.0, 1e-4, 0.1])
@pytest.mark.parametrize("gate", sorted(GATES))
def test_cvxpy_finds_the_same_on_gates(gate: str, eps: float) -> None:
    p = noisy(GATES[gate](), eps)
    assert least(p)[0] == pytest.approx(by_cvxpy(p), abs=1e-6)


@pytest.mark.parametrize("steps", [0, 1, 2, 4, 6, 8])
def test_bounds_hold_even_where_the_search_was_cut_short(
    monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    ps = np.stack([random_table((4, 3, 3), kind, seed=1) for kind in KINDS])
    exact = np.array([by_cvxpy(p) for p in ps])
    nats = (exact - [entropy(p, axes=2) for p in ps]) * np.log(2)
    monkeypatch.setattr(broja, "MAX_STEPS", steps)
    found = minimise(ps.sum(axis=2), ps.sum(axis=1), 1e-12)
    assert (found.lower <= nats + CVXPY_ERROR).all()
    assert (found.upper >= nats - CVXPY_ERROR).all()
    assert np.isfinite(found.lower).all()
    assert (found.upper - found.lower).max() > (1e-3 if steps < 3 else 0.0)
    assert_member(found.coupling, ps)
    np.testing.assert_allclose(
        negative_conditional_entropy(found.coupling), found.upper, atol=1e-15
    )


def test_more_steps_tighten_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    p = random_table((5, 5, 3), "flat", seed=2)[None]
    gaps = []
    for steps in (0, 5, 20):
        monkeypatch.setattr(broja, "MAX_STEPS", steps)
        found = minimise(p.sum(axis=2), p.sum(axis=1), 1e-12)
        gaps.append(float(found.upper[0] - found.lower[0]))
    assert gaps[0] > 1e-2 > gaps[1] > 1e-9 > gaps[2] > -1e-12


# The certificate.


def assert_member(q: Array, p: Array) -> None:
    """Assert that tables q are in D_p."""
    assert (q >= 0).all()
    np.testing.assert_allclose(q.sum(axis=-2), p.sum(axis=-2), atol=1e-12)
    np.testing.assert_allclose(q.sum(axis=-3), p.sum(axis=-3), atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "n_tables"),
    [
        ((2, 2, 2), 60),
        ((1, 4, 3), 10),
        ((4, 1, 3), 10),
        ((3, 4, 1), 5),
        ((1, 1, 1), 1),
        ((2, 5, 2), 20),
        ((3, 3, 3), 30),
        ((3, 7, 4), 10),
        ((5, 5, 2), 20),
        ((2, 2, 10), 10),
        ((10, 10, 2), 5),
        ((8, 8, 8), 2),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", KINDS)
def test_default_gap(shape: tuple[int, int, int], n_tables: int, kind: str) -> None:
    ps = np.stack([random_table(shape, kind, seed) for seed in range(n_tables)])
    ds = decompose_batch(ps)
    assert ds.gap.min() >= 0.0
    assert ds.gap.max() <= PROMISED
    assert ds.coupling is not None
    assert_member(ds.coupling, ps)
    for d, p in zip(ds, ps, strict=True):
        assert d.coupling is not None
        attained = mutual_information(d.coupling)
        assert attained == pytest.approx(d.redundancy + sum(d.unique), abs=1e-10)
        assert d.synergy == pytest.approx(mutual_information(p) - attained, abs=1e-10)


@pytest.mark.parametrize("rare", [1e-4, 1e-8, 1e-12, 1e-14])
def test_rare_outcomes(rare: float) -> None:
    p = (1 - rare) * GATES["redundant_xor"]() + rare * random_table((4, 4, 4), "flat", seed=0)
    value, gap, q = least(p)
    assert gap <= PROMISED
    assert value == pytest.approx(by_cvxpy(p), abs=1e-6)
    assert_member(q, p)


def test_exactly_equivalent_sources() -> None:
    """Equal pairwise tables: one source can stand in for the other, so nothing is unique."""
    rng = np.random.default_rng(0)
    pair = rng.dirichlet(np.ones(12)).reshape(4, 3)
    p = np.einsum("ay,by->aby", pair, pair) / pair.sum(axis=0)
    d = decompose(p)
    assert d.unique == pytest.approx((0.0, 0.0), abs=PROMISED)
    assert d.redundancy == pytest.approx(mutual_information(pair), abs=PROMISED)
    assert d.gap <= PROMISED


def test_a_tolerance_that_no_computer_meets_warns_and_says_what_was_reached() -> None:
    ps = np.stack([random_table((5, 5, 4), "flat", seed) for seed in range(20)])
    usual = decompose_batch(ps)
    with pytest.warns(GapWarning, match=r"of 20 tables have a certified gap above 1e-18 bits") as w:
        ds = decompose_batch(ps, tolerance=1e-18)
    assert 1e-18 < ds.gap.max() < 1e-9
    assert (ds.gap <= usual.gap).all()  # whoever asks for more gets no less
    assert f"at most {ds.gap.max():.1e}" in str(w[0].message)
    assert f"{(ds.gap > 1e-18).sum()} of 20" in str(w[0].message)
    assert w[0].filename == __file__


def test_the_solver_aims_at_a_hundredth_of_the_tolerance() -> None:
    ps = np.stack([random_table((4, 4, 3), "flat", seed) for seed in range(10)])
    assert decompose_batch(ps, tolerance=1e-3).gap.max() <= 1e-5


def test_a_loose_tolerance_is_quicker_and_honest() -> None:
    p = random_table((5, 5, 3), "flat", seed=0)
    tight, loose = decompose(p), decompose(p, tolerance=1e-2)
    assert tight.gap < loose.gap <= 1e-2
    assert np.abs(loose.atoms - tight.atoms).max() <= loose.gap + tight.gap


def test_a_search_that_was_cut_short_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    p = random_table((4, 4, 3), "flat", seed=0)
    exact = decompose(p)
    monkeypatch.setattr(broja, "MAX_STEPS", 2)
    with pytest.warns(GapWarning, match="1 of 1 tables") as w:
        d = decompose(p)
    assert w[0].filename == __file__
    assert d.gap > 1e-4
    assert np.abs(d.atoms - exact.atoms).max() <= d.gap + exact.gap
    np.testing.assert_allclose(d.atoms[:2].sum(), mutual_information(p, x=0), atol=1e-12)


def noisy_copies(noise: float, bins: tuple[int, int], seed: int | None = None) -> Array:
    """Two sensors that show one fair bit in noise, in bins: labels almost certain, and not quite.

    With a seed the letters of the second are shuffled, which changes nothing but their names.
    """
    channels = []
    for n in bins:
        inner = np.linspace(-1 - 4 * noise, 1 + 4 * noise, n - 1)
        edges = np.concatenate([[-np.inf], inner, [np.inf]])
        cdf = stats.norm.cdf(edges, loc=np.array([[-1], [1]]), scale=noise)
        channels.append(np.diff(cdf, axis=1))
    if seed is not None:
        channels[1] = channels[1][:, np.random.default_rng(seed).permutation(bins[1])]
    return np.asarray(np.einsum("yi,yj->ijy", *channels) / 2)


@pytest.mark.parametrize("noise", [0.2, 0.3, 0.6])
@pytest.mark.parametrize("bins", [(12, 12), (40, 40), (40, 30)])
def test_sensors_that_all_but_name_the_label(noise: float, bins: tuple[int, int]) -> None:
    p = noisy_copies(noise, bins)
    d = decompose(p)
    assert d.gap <= PROMISED
    if bins[0] == bins[1]:  # one says nothing that the other does not say
        np.testing.assert_allclose(d.unique, 0.0, atol=PROMISED)


def test_optima_far_off_are_left_to_the_second_search(monkeypatch: pytest.MonkeyPatch) -> None:
    p = noisy_copies(0.3, (20, 20), seed=0)
    d = decompose(p)
    assert d.gap <= PROMISED
    np.testing.assert_allclose(d.unique, 0.0, atol=PROMISED)
    monkeypatch.setattr(broja, "SEARCHES", broja.SEARCHES[:1])
    with pytest.warns(GapWarning):
        decompose(p)


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(KINDS), st.integers(0, 10_000), st.tuples(*[st.integers(1, 5)] * 3))
def test_eliminating_unknowns_gives_what_the_whole_equations_give(
    kind: str, seed: int, shape: tuple[int, int, int]
) -> None:
    p = random_table(shape, kind, seed)
    with pytest.MonkeyPatch.context() as patch:
        found = []
        for max_whole in (0, 10_000):
            patch.setattr(broja, "MAX_WHOLE", max_whole)
            found.append(decompose(p))
    for d in found:
        assert d.gap <= PROMISED
    assert np.abs(found[0].atoms - found[1].atoms).max() <= found[0].gap + found[1].gap + 1e-12


# One table must not spoil the others.


def test_swapped_sources_give_the_swapped_coupling() -> None:
    p = random_table((3, 6, 2), "zeros", seed=3)[None]
    one = minimise(p.sum(axis=2), p.sum(axis=1), 1e-11)
    other = minimise(p.sum(axis=1), p.sum(axis=2), 1e-11)
    np.testing.assert_allclose(one.upper, other.upper, atol=1e-10)
    assert other.coupling.shape == (1, 6, 3, 2)
    assert_member(one.coupling, p)
    assert_member(other.coupling.swapaxes(1, 2), p)


def singular(batch_too_large: int) -> Callable[..., Array]:
    solve = np.linalg.solve

    def refuse(a: Array, b: Array) -> Array:
        if a.shape[0] >= batch_too_large:
            raise np.linalg.LinAlgError("Singular matrix")
        return np.asarray(solve(a, b))

    return refuse


def test_a_singular_system_is_left_to_the_table_it_belongs_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ps = np.stack([random_table((3, 3, 2), "flat", seed) for seed in range(4)])
    expected = decompose_batch(ps)
    monkeypatch.setattr(np.linalg, "solve", singular(batch_too_large=2))
    np.testing.assert_allclose(decompose_batch(ps).atoms, expected.atoms, atol=PROMISED)


@pytest.mark.parametrize("max_whole", [0, 300])
def test_without_a_newton_step_there_are_still_bounds(
    max_whole: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = random_table((3, 3, 2), "flat", seed=0)
    exact = decompose(p)
    monkeypatch.setattr(broja, "MAX_WHOLE", max_whole)
    monkeypatch.setattr(np.linalg, "solve", singular(batch_too_large=1))
    monkeypatch.setattr("scipy.linalg.lapack.dgetrf", lambda matrix: (matrix, None, 1))
    with pytest.warns(GapWarning):
        d = decompose(p)
    assert 0.0 < d.gap < 1.0
    assert np.abs(d.atoms - exact.atoms).max() <= d.gap
