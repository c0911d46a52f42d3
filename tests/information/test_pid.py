"""Decompositions known from the literature, laws they obey, and other software.

Literature: Williams & Beer (2010); Griffith & Koch (2014), "Quantifying synergistic mutual
information"; Bertschinger et al. (2014), "Quantifying unique information"; Rauh et al. (2014),
"Reconsidering unique information"; Finn & Lizier (2018); Makkeh, Theis & Vicente (2018),
"BROJA-2PID". What a comment derives was derived here; every value also agrees with dit.
"""

import re
import warnings
from collections.abc import Callable
from importlib import import_module
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from mmfuse_lib.core.errors import UnknownNameError
from mmfuse_lib.information import (
    ATOMS,
    GATES,
    Decomposition,
    Decompositions,
    conditional_mutual_information,
    decompose,
    decompose_batch,
    deterministic,
    interaction_information,
    mutual_information,
    noisy,
)

with warnings.catch_warnings():  # its imports warn about deprecations
    warnings.simplefilter("ignore")
    dit: Any = import_module("dit")
    dit_pid: Any = import_module("dit.pid")

Table = NDArray[np.float64]

MEASURES = ["broja", "imin", "mmi", "pointwise"]

LOG3 = np.log2(3)
H_QUARTER = 2 - 0.75 * LOG3  # entropy of (1/4, 3/4)
H_THIRD = LOG3 - 2 / 3  # entropy of (1/3, 2/3)
I_AND = H_QUARTER - 0.5


def table(*outcomes: tuple[int, int, int], p: list[float] | None = None) -> Table:
    """Return the table of the given outcomes (x1, x2, y), equally likely unless p says."""
    joint = np.zeros(np.max(outcomes, axis=0) + 1)
    joint[tuple(np.transpose(outcomes))] = 1 / len(outcomes) if p is None else p
    return joint


def redundant_unique_xor() -> Table:
    """Y = (r, a, b, c xor d) from X1 = (r, a, c) and X2 = (r, b, d): one bit of each atom."""
    p = np.zeros((8, 8, 16))
    for r, a, b, c, d in np.ndindex(2, 2, 2, 2, 2):
        p[4 * r + 2 * a + c, 4 * r + 2 * b + d, 8 * r + 4 * a + 2 * b + (c ^ d)] = 1 / 32
    return p


def joined(p: Table, q: Table) -> Table:
    """Return the table of ((x1, x1'), (x2, x2'), (y, y')) for independent systems p and q."""
    sides = [a * b for a, b in zip(p.shape, q.shape, strict=True)]
    return np.asarray(np.einsum("abc,def->adbecf", p, q).reshape(sides))


TABLES: dict[str, Table] = {name: make() for name, make in GATES.items()} | {
    "sum": deterministic(np.full((2, 2), 0.25), [[0, 1], [1, 2]]),
    # Y = (x1 xor x2, x1 and x2) tells the same as the sum.
    "xor_and": deterministic(np.full((2, 2), 0.25), [[0, 2], [2, 1]]),
    "redundant_unique_xor": redundant_unique_xor(),
    "subtle": table((0, 0, 0), (0, 1, 1), (1, 0, 2)),
    "pointwise_unique": table((0, 1, 0), (1, 0, 0), (0, 2, 1), (2, 0, 1)),
    "redundant_error": table(
        (0, 0, 0), (1, 1, 1), (0, 1, 0), (1, 0, 1), p=[3 / 8, 3 / 8, 1 / 8, 1 / 8]
    ),
    "imperfect_redundancy": table((0, 0, 0), (0, 1, 0), (1, 1, 1), p=[0.499, 0.001, 0.5]),
    "reduced_or": table((0, 0, 0), (0, 1, 1), (1, 0, 1), p=[0.5, 0.25, 0.25]),
    "difference": table((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 1)),
    "not_two": table((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (1, 1, 1)),
    "boom": table((0, 0, 1), (0, 0, 2), (0, 2, 0), (1, 2, 1), (2, 0, 2), (2, 1, 2)),
}

# x2 = 1, 501 times of 1000, leaves a small doubt: I(X2;Y) = 1 - H(Y|X2).
I_NEARLY = 1 + 0.001 * np.log2(1 / 501) + 0.5 * np.log2(500 / 501)

# not_two: H(2/5) - H(Y|X1), with Y a fair coin after x1 = 1 and 1 in one of three cases else.
I_NOT_TWO = -0.4 * np.log2(0.4) - 0.6 * np.log2(0.6) - 0.4 - 0.6 * H_THIRD


@pytest.mark.parametrize(
    ("name", "atoms"),
    [
        ("xor", (0, 0, 0, 1)),
        # Equal pairwise tables: neither source has anything unique (Bertschinger et al. 2014), so
        # R = I(X1;Y). This also settles or, sum, pointwise_unique, ...
        ("and", (I_AND, 0, 0, 0.5)),
        ("or", (I_AND, 0, 0, 0.5)),
        ("copy", (0, 1, 0, 0)),
        ("redundant", (1, 0, 0, 0)),
        # Independent sources that are copied share nothing (Bertschinger et al. 2014; Harder et
        # al. 2013, "identity").
        ("two_bit_copy", (0, 1, 1, 0)),
        ("redundant_xor", (1, 0, 0, 1)),
        ("dyadic", (0, 1, 1, 0)),
        ("sum", (0.5, 0, 0, 1)),
        ("xor_and", (0.5, 0, 0, 1)),
        ("redundant_unique_xor", (1, 1, 1, 1)),
        # Griffith & Koch (2014). Each y comes from one pair, so D_p = {p} and S = 0: with
        # I(X1;Y) = H(1/3) and I(X1,X2;Y) = log2 3, R = 2 H(1/3) - log2 3 and U = log2 3 - H(1/3).
        ("subtle", (2 * H_THIRD - LOG3, 2 / 3, 2 / 3, 0)),
        ("pointwise_unique", (0.5, 0, 0, 0.5)),
        # X1 = Y, so X2 is a noisy copy of X1 and has nothing unique.
        ("redundant_error", (1 - H_QUARTER, H_QUARTER, 0, 0)),
        ("imperfect_redundancy", (I_NEARLY, 1 - I_NEARLY, 0, 0)),
        # x = 1 settles Y, after x = 0 (3/4) Y is 1 in one of three cases.
        ("reduced_or", (1 - 0.75 * H_THIRD, 0, 0, 0.75 * H_THIRD)),
        # x1 = 1 never meets y = 0, x2 = 1 never y = 1: D_p = {p}, S = 0, I(X1,X2;Y) = 1/2.
        ("difference", (2 * I_AND - 0.5, 0.5 - I_AND, 0.5 - I_AND, 0)),
        # Given both sources Y is a fair coin two times of five, at (0, 0).
        ("not_two", (I_NOT_TWO, 0, 0, 0.6 * H_THIRD)),
        # The pair (0, 2) leaves a doubt as large as is possible: min I = 1 (solvers agree, below).
        ("boom", (1 / 3, 1 / 3, 1 / 3, H_THIRD / 2 - 1 / 3)),
    ],
)
def test_broja(name: str, atoms: tuple[float, ...]) -> None:
    d = decompose(TABLES[name])
    np.testing.assert_allclose(d.atoms, atoms, atol=1e-8)
    assert d.gap <= 1e-7
    assert d.measure == "broja"


@pytest.mark.parametrize(
    ("name", "atoms"),
    [
        ("xor", (0, 0, 0, 1)),
        ("and", (I_AND, 0, 0, 0.5)),
        ("copy", (0, 1, 0, 0)),
        ("redundant", (1, 0, 0, 0)),
        # The bit each source has is as much, so I_min takes it for the same (Harder et al. 2013).
        ("two_bit_copy", (1, 0, 0, 1)),
        ("redundant_unique_xor", (2, 0, 0, 2)),
        ("dyadic", (1, 0, 0, 1)),
        # I(X1;y) is log2 3/2, log2 3/2, log2 3 and the mirror image for X2: the least is log2 3/2.
        ("subtle", (LOG3 - 1, 1 / 3, 1 / 3, 1 / 3)),
        ("redundant_error", (1 - H_QUARTER, H_QUARTER, 0, 0)),
    ],
)
def test_imin(name: str, atoms: tuple[float, ...]) -> None:
    d = decompose(TABLES[name], "imin")
    np.testing.assert_allclose(d.atoms, atoms, atol=1e-12)
    assert (d.gap, d.coupling, d.measure) == (0.0, None, "imin")


@pytest.mark.parametrize(
    ("name", "atoms"),
    [
        ("and", (I_AND, 0, 0, 0.5)),
        ("two_bit_copy", (1, 0, 0, 1)),
        ("copy", (0, 1, 0, 0)),
        ("subtle", (H_THIRD, 0, 0, LOG3 - H_THIRD)),
        ("difference", (I_AND, 0, 0, 0.5 - I_AND)),
    ],
)
def test_mmi(name: str, atoms: tuple[float, ...]) -> None:
    d = decompose(TABLES[name], "mmi")
    np.testing.assert_allclose(d.atoms, atoms, atol=1e-12)
    assert (d.gap, d.coupling, d.measure) == (0.0, None, "mmi")


@pytest.mark.parametrize(
    ("name", "atoms"),
    [
        # One source shows its common letter, so r+ = log2 3/2 always; y gives both away: r- = 0.
        ("subtle", (LOG3 - 1, 1 / 3, 1 / 3, 1 / 3)),
        # y = 1: h = 1 and h(x|y) = 1; else y gives the sources away. R = 1 - 1/2.
        ("sum", (0.5, 0, 0, 1)),
        # h = 3, h(x|y) = 1.
        ("redundant_unique_xor", (2, 0, 0, 2)),
        # x = 0 comes three times of four. r+ = log2 4/3 always; given y = 1 both letters are a fair
        # coin, so r- = 1 half of the time: R = 3/2 - log2 3, and I(X1;Y) = 1 - 3/4 H(1/3).
        ("reduced_or", (1.5 - LOG3, LOG3 / 4, LOG3 / 4, LOG3 / 2 - 0.5)),
    ],
)
def test_pointwise(name: str, atoms: tuple[float, ...]) -> None:
    d = decompose(TABLES[name], "pointwise")
    np.testing.assert_allclose(d.atoms, atoms, atol=1e-12)
    assert (d.gap, d.coupling, d.measure) == (0.0, None, "pointwise")


# Against dit.

DIT = {
    "broja": (dit_pid.PID_BROJA, {"method": "cone"}),
    "imin": (dit_pid.PID_WB, {}),
    "mmi": (dit_pid.PID_MMI, {}),
    "pointwise": (dit_pid.PID_PM, {}),
}


def by_dit(p: Table, measure: str) -> list[float]:
    outcomes = [tuple(int(letter) for letter in outcome) for outcome in np.argwhere(p > 0)]
    decomposition, options = DIT[measure]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        d = decomposition(dit.Distribution(outcomes, p[p > 0]), ((0,), (1,)), (2,), **options)
        nodes = (((0,), (1,)), ((0,),), ((1,),), ((0, 1),))
        return [float(d.get_pi(node)) for node in nodes]


def random_table(shape: tuple[int, int, int], kind: str, seed: int = 0) -> Table:
    rng = np.random.default_rng([seed, *shape])
    if kind == "deterministic":
        pairs = rng.dirichlet(np.ones(shape[0] * shape[1])).reshape(shape[:2])
        labels = rng.integers(shape[2], size=shape[:2])
        return np.where(labels[..., None] == np.arange(shape[2]), pairs[..., None], 0.0)
    p = rng.dirichlet(np.full(int(np.prod(shape)), 0.3 if kind == "spiky" else 1.0)).reshape(shape)
    if kind == "zeros":
        p[rng.random(shape) < 0.5] = 0.0
    return np.asarray(p / p.sum())


SHAPES = [(2, 2, 2), (2, 3, 4), (3, 3, 3), (4, 3, 2), (5, 5, 2)]
KINDS = ["flat", "spiky", "zeros", "deterministic"]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_dit_agrees(shape: tuple[int, int, int], kind: str, measure: str) -> None:
    p = random_table(shape, kind)
    np.testing.assert_allclose(decompose(p, measure).atoms, by_dit(p, measure), atol=1e-6)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("name", sorted(TABLES.keys() - {"redundant_unique_xor"}))  # slow there
def test_dit_agrees_on_the_literature(name: str, measure: str) -> None:
    p = TABLES[name]
    np.testing.assert_allclose(decompose(p, measure).atoms, by_dit(p, measure), atol=1e-6)


# Laws that hold for every table.

check = settings(deadline=None, max_examples=30, derandomize=True)


@st.composite
def tables(draw: st.DrawFn, max_side: int = 3) -> Table:
    """Draw a table from counts; exact zeros and axes of length 1 are common."""
    shape = draw(st.tuples(*[st.integers(1, max_side)] * 3))
    weights = draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 20)))
    weights.flat[draw(st.integers(0, weights.size - 1))] += 1
    return np.asarray(weights / weights.sum())


@st.composite
def channels(draw: st.DrawFn, n_in: int) -> Table:
    """Draw a stochastic matrix k(z|x), row x."""
    weights = draw(
        hnp.arrays(np.int64, (n_in, draw(st.integers(1, 3))), elements=st.integers(0, 5))
    )
    weights[:, 0] += 1
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def assert_same(d: Decomposition, e: Decomposition, n_atoms: int = 4) -> None:
    """Assert that two decompositions are as close as their certificates promise."""
    assert max(d.gap, e.gap) <= 1e-7
    np.testing.assert_allclose(
        d.atoms[:n_atoms], e.atoms[:n_atoms], rtol=0, atol=d.gap + e.gap + 1e-12
    )


all_measures = pytest.mark.parametrize("measure", MEASURES)


@all_measures
@check
@given(p=tables())
def test_the_three_equations(measure: str, p: Table) -> None:
    r, u1, u2, s = decompose(p, measure).atoms
    assert r + u1 == pytest.approx(mutual_information(p, x=0), abs=1e-9)
    assert r + u2 == pytest.approx(mutual_information(p, x=1), abs=1e-9)
    assert r + u1 + u2 + s == pytest.approx(mutual_information(p), abs=1e-9)
    assert u1 + s == pytest.approx(conditional_mutual_information(p), abs=1e-9)
    assert s - r == pytest.approx(interaction_information(p), abs=1e-9)


@pytest.mark.parametrize("measure", ["broja", "imin", "mmi"])
@check
@given(p=tables(max_side=4))
def test_atoms_are_not_negative(measure: str, p: Table) -> None:
    d = decompose(p, measure)
    assert d.atoms.min() >= -1e-12
    assert d.unique[0] <= conditional_mutual_information(p) + 1e-12
    assert d.unique[1] <= conditional_mutual_information(p, x=1, given=0) + 1e-12


@check
@given(p=tables())
def test_broja_has_the_least_redundancy(p: Table) -> None:
    """Of all non-negative ones that depend on pairwise tables alone (Bertschinger et al. 2014)."""
    r = {measure: decompose(p, measure).redundancy for measure in ("broja", "imin", "mmi")}
    assert r["broja"] <= r["imin"] + 1e-12
    assert r["imin"] <= r["mmi"] + 1e-12


@all_measures
@check
@given(p=tables())
def test_sources_trade_places(measure: str, p: Table) -> None:
    d, e = decompose(p, measure), decompose(p.swapaxes(0, 1), measure)
    mirrored = Decomposition(e.redundancy, e.unique[::-1], e.synergy, e.gap, e.measure)
    assert_same(d, mirrored)


@all_measures
@check
@given(p=tables(), rng=st.randoms(use_true_random=False))
def test_names_of_letters_do_not_matter(measure: str, p: Table, rng: Random) -> None:
    q = p
    for axis in range(3):
        order = list(range(p.shape[axis]))
        rng.shuffle(order)
        q = q.take(order, axis=axis)
    assert_same(decompose(p, measure), decompose(q, measure))


@all_measures
@check
@given(p=tables(), axis=st.integers(0, 2), data=st.data())
def test_letters_that_never_occur_do_not_matter(
    measure: str, p: Table, axis: int, data: st.DataObject
) -> None:
    position = data.draw(st.integers(0, p.shape[axis]))
    assert_same(decompose(p, measure), decompose(np.insert(p, position, 0.0, axis=axis), measure))


@check
@given(p=tables(), share=st.floats(0.01, 0.99))
def test_noise_beside_a_source_changes_nothing(p: Table, share: float) -> None:
    """X1 -> (X1, N): every letter is split in two that say the same of the label."""
    noise = np.array([share, 1 - share])
    split = np.einsum("abc,n->anbc", p, noise).reshape(-1, *p.shape[1:])
    for measure in ("broja", "imin", "mmi"):
        assert_same(decompose(p, measure), decompose(split, measure))


@check
@given(p=tables(), share=st.floats(0.01, 0.99))
def test_letters_that_say_the_same_can_be_merged(p: Table, share: float) -> None:
    """Even where they meet different x2: R, U1 and U2 come from the pairwise tables alone."""
    d = decompose(p)
    assert d.coupling is not None
    split = np.stack([share * p, (1 - share) * d.coupling], axis=1).reshape(-1, *p.shape[1:])
    assert_same(d, decompose(split), n_atoms=3)


@check
@given(p=tables())
def test_the_coupling_has_no_synergy(p: Table) -> None:
    d = decompose(p)
    assert d.coupling is not None
    e = decompose(d.coupling)
    assert_same(d, e, n_atoms=3)
    assert e.synergy == pytest.approx(0.0, abs=d.gap + e.gap + 1e-12)


@check
@given(p=tables(), data=st.data())
def test_processing_a_source_lowers_what_it_shares_and_what_only_it_has(
    p: Table, data: st.DataObject
) -> None:
    """X1 -> X1' lowers R and U1 and raises U2 (Bertschinger et al. 2014; Rauh et al. 2014).

    For R: with q' optimal after the channel, q(x1,x1',x2,y) = q'(x1',x2,y) p(x1|x1',y) is in D_p
    and I_q(X2;Y|X1,X1') <= I_q'(X2;Y|X1'), so U2 rises; I(X2;Y) stays, so R falls.
    """
    d = decompose(p)
    e = decompose(np.einsum("abc,az->zbc", p, data.draw(channels(p.shape[0]))))
    assert e.redundancy <= d.redundancy + d.gap + 1e-12
    assert e.unique[0] <= d.unique[0] + e.gap + 1e-12
    assert e.unique[1] >= d.unique[1] - d.gap - 1e-12


@check
@given(p=tables(max_side=2), q=tables(max_side=2))
def test_independent_systems_add_up(p: Table, q: Table) -> None:
    """Bertschinger et al. (2014), additivity of UI, SI and CI."""
    d, e, both = decompose(p), decompose(q), decompose(joined(p, q))
    np.testing.assert_allclose(
        both.atoms, d.atoms + e.atoms, rtol=0, atol=d.gap + e.gap + both.gap + 1e-12
    )


def test_two_gates_at_once() -> None:
    both = decompose(joined(GATES["and"](), GATES["xor"]()))
    np.testing.assert_allclose(both.atoms, [I_AND, 0, 0, 1.5], atol=1e-7)


@all_measures
def test_one_letter_says_nothing(measure: str) -> None:
    p = np.array([[[0.2, 0.1]], [[0.3, 0.4]]])  # |X2| = 1
    i1 = mutual_information(p)
    np.testing.assert_allclose(decompose(p, measure).atoms, [0, i1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(decompose([[[1.0]]], measure).atoms, 0, atol=1e-15)
    no_label = np.full((2, 3, 1), 1 / 6)
    np.testing.assert_allclose(decompose(no_label, measure).atoms, 0, atol=1e-12)


def test_noise_on_the_label_only_lowers_xor() -> None:
    """XOR through a binary symmetric channel: S = 1 - H(eps), by symmetry nothing else."""
    d = decompose(noisy(GATES["xor"](), 0.25))
    np.testing.assert_allclose(d.atoms, [0, 0, 0, 1 - H_QUARTER], atol=1e-9)


# What comes back.


def test_a_decomposition_reads_as_documented() -> None:
    d = decompose(TABLES["imperfect_redundancy"])
    np.testing.assert_array_equal(d.atoms, [d.redundancy, d.unique[0], d.unique[1], d.synergy])
    assert ATOMS == ("R", "U1", "U2", "S")
    assert d.total == pytest.approx(mutual_information(TABLES["imperfect_redundancy"]), abs=1e-12)
    assert all(type(v) is float for v in (d.redundancy, *d.unique, d.synergy, d.gap))
    assert d.coupling is not None
    assert d.coupling.shape == (2, 2, 2)
    assert decompose(TABLES["xor"]).measure == "broja"


def test_the_table_is_left_alone() -> None:
    p = random_table((3, 3, 2), "zeros")
    before = p.copy()
    d = decompose(p)
    np.testing.assert_array_equal(p, before)
    assert d.coupling is not None
    d.coupling[:] = 0.0
    np.testing.assert_array_equal(p, before)


@all_measures
@pytest.mark.parametrize("shape", [(2, 2, 2), (3, 2, 4), (2, 4, 3), (1, 3, 2)], ids=str)
def test_a_batch_is_its_tables(shape: tuple[int, int, int], measure: str) -> None:
    ps = np.stack([random_table(shape, kind, seed) for kind in KINDS for seed in range(3)])
    ds = decompose_batch(ps, measure)
    assert ds.atoms.shape == (12, 4)
    assert ds.measure == measure
    for p, d in zip(ps, ds, strict=True):
        alone = decompose(p, measure)
        np.testing.assert_allclose(d.atoms, alone.atoms, rtol=0, atol=1e-9)
        assert d.gap <= 1e-7


def test_gates_with_different_supports_in_one_batch() -> None:
    names = ["xor", "and", "or", "copy", "redundant", "reduced_or", "not_two"]
    ds = decompose_batch([TABLES[name] for name in names])
    np.testing.assert_allclose(
        ds.redundancy, [0, I_AND, I_AND, 0, 1, 1 - 0.75 * H_THIRD, I_NOT_TWO], atol=1e-8
    )
    np.testing.assert_allclose(ds.unique[0], [0, 0, 0, 1, 0, 0, 0], atol=1e-8)
    np.testing.assert_allclose(ds.unique[1], np.zeros(7), atol=1e-8)
    np.testing.assert_allclose(
        ds.synergy, [1, 0.5, 0.5, 0, 0, 0.75 * H_THIRD, 0.6 * H_THIRD], atol=1e-8
    )
    assert ds.gap.shape == (7,)
    assert ds.coupling is not None
    assert ds.coupling.shape == (7, 2, 2, 2)


def test_a_batch_of_one() -> None:
    ds = decompose_batch(TABLES["and"][None])
    assert len(ds) == 1
    np.testing.assert_allclose(ds[0].atoms, [I_AND, 0, 0, 0.5], atol=1e-8)


def test_a_batch_is_a_sequence() -> None:
    ds = decompose_batch([GATES[name]() for name in ("xor", "copy", "redundant")])
    assert len(ds) == 3
    assert isinstance(ds[1], Decomposition)
    np.testing.assert_allclose(ds[1].unique, [1, 0], atol=1e-8)
    np.testing.assert_allclose(ds[-1].redundancy, 1, atol=1e-8)
    assert [round(d.synergy) for d in ds] == [1, 0, 0]
    tail = ds[1:]
    assert isinstance(tail, Decompositions)
    assert len(tail) == 2
    np.testing.assert_array_equal(tail.atoms, ds.atoms[1:])
    np.testing.assert_array_equal(tail[0].coupling, ds[1].coupling)
    assert decompose_batch([GATES["xor"]()] * 2, "mmi")[:1].coupling is None
    with pytest.raises(IndexError):
        ds[3]


# What is refused.


@pytest.mark.parametrize("decomposer", [decompose, lambda p: decompose_batch([p])])
@pytest.mark.parametrize(
    ("p", "error", "message"),
    [
        ([[[0.6, 0.5], [-0.1, 0.0]]], ValueError, r"p\[0, 1, 0\] = -0\.1 is negative"),
        ([[[0.5, np.nan], [0.5, 0.0]]], ValueError, r"p\[0, 0, 1\] = nan is not a finite"),
        ([[[0.5, np.inf], [0.5, 0.0]]], ValueError, "not a finite"),
        (np.ones((2, 2, 2)), ValueError, "must sum to 1, these sum to 8"),
        (np.zeros((2, 2, 2)), ValueError, "must sum to 1, these sum to 0"),
        (GATES["xor"]() + 0j, TypeError, "real numbers, this array holds complex128"),
        (np.zeros((2, 0, 2)), ValueError, r"empty: its shape is \(2, 0, 2\)"),
        ([[["a", "b"]]], TypeError, "real numbers"),
    ],
)
def test_tables_that_are_refused(
    decomposer: Callable[[object], object], p: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        decomposer(p)


@pytest.mark.parametrize("shape", [(), (4,), (2, 2), (2, 2, 2, 2)], ids=str)
def test_other_numbers_of_variables_are_refused(shape: tuple[int, ...]) -> None:
    p = np.full(shape, 1 / np.prod(shape, dtype=int))
    with pytest.raises(ValueError, match="single number" if shape == () else "with 3 axes, got"):
        decompose(p)


@pytest.mark.parametrize("shape", [(2, 2, 2), (0, 2, 2, 2), (1, 2, 2, 2, 2), ()], ids=str)
def test_batches_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    message = re.escape(f"(B, |X1|, |X2|, |Y|) with B > 0, got {shape}")
    with pytest.raises(ValueError, match=message):
        decompose_batch(np.full(shape, 0.125))


def test_a_batch_says_which_table_is_wrong() -> None:
    ps = np.stack([GATES["xor"](), GATES["and"](), GATES["or"]()])
    ps[1] *= 2
    with pytest.raises(ValueError, match="table 1: probabilities must sum to 1, these sum to 2"):
        decompose_batch(ps)
    ps[0, 1, 1, 0] = np.nan
    with pytest.raises(ValueError, match=r"table 0: .*p\[1, 1, 0\] = nan"):
        decompose_batch(ps)


@pytest.mark.parametrize("decomposer", [decompose, lambda p, m: decompose_batch([p], m)])
def test_unknown_measures(decomposer: Callable[[Table, str], object]) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown measure 'brojja'.* 'broja'") as error:
        decomposer(GATES["xor"](), "brojja")
    assert all(measure in str(error.value) for measure in MEASURES)
    with pytest.raises(UnknownNameError, match="Did you mean 'pointwise'"):
        decomposer(GATES["xor"](), "pointwse")


@all_measures
@pytest.mark.parametrize("tolerance", [0.0, -1e-7, float("nan")])
def test_tolerances_that_are_refused(measure: str, tolerance: float) -> None:
    with pytest.raises(ValueError, match=rf"tolerance is {tolerance}: expected a number in"):
        decompose(GATES["xor"](), measure, tolerance=tolerance)
    with pytest.raises(ValueError, match="tolerance is"):
        decompose_batch([GATES["xor"]()], measure, tolerance=tolerance)
