"""Atoms of single outcomes, worked out on paper (Finn & Lizier 2018)."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mmfuse_lib.information import (
    GATES,
    decompose,
    deterministic,
    noisy,
    pointwise_atoms,
    pointwise_decomposition,
    pointwise_mutual_information,
    published_adjustment,
)

Table = NDArray[np.float64]

LOG3 = np.log2(3)


def pointwise_unique() -> Table:
    """PwUnq of Finn & Lizier (2018), figure 5: one source is silent (0), the other shows y."""
    p = np.zeros((3, 3, 2))
    p[0, 1, 0] = p[1, 0, 0] = p[0, 2, 1] = p[2, 0, 1] = 0.25
    return p


def redundant_error() -> Table:
    """RdnErr of Finn & Lizier (2018): X1 is the label, X2 is it with an error every fourth time."""
    p = np.zeros((2, 2, 2))
    p[0, 0, 0] = p[1, 1, 1] = 3 / 8
    p[0, 1, 0] = p[1, 0, 1] = 1 / 8
    return p


def test_and_outcome_by_outcome() -> None:
    """h = 1 for each source; h(0|y=0) = log2 3/2, h(1|y=0) = log2 3, h(1|y=1) = 0."""
    atoms = pointwise_decomposition(GATES["and"]())
    # (0,0,0): r = 1 - log2 3/2 = log2 4/3, which is also i1, i2 and i12.
    np.testing.assert_allclose(atoms[0, 0, 0], [2 - LOG3, 0, 0, 0], atol=1e-14)
    # (0,1,0): x2 = 1 misleads: i2 = 1 - log2 3 < 0, so u2 = i2 - r = -1 and s makes up for it.
    np.testing.assert_allclose(atoms[0, 1, 0], [2 - LOG3, 0, -1, 1], atol=1e-14)
    np.testing.assert_allclose(atoms[1, 0, 0], [2 - LOG3, -1, 0, 1], atol=1e-14)
    # (1,1,1): i1 = i2 = 1, i12 = 2, and the ambiguity is 0.
    np.testing.assert_allclose(atoms[1, 1, 1], [1, 0, 0, 1], atol=1e-14)
    assert atoms.shape == (2, 2, 2, 4)
    assert np.isnan(atoms[[0, 0, 1, 1], [0, 1, 0, 1], [1, 1, 1, 0]]).all()


def test_xor_is_all_synergy_in_every_outcome() -> None:
    p = GATES["xor"]()
    np.testing.assert_allclose(
        pointwise_decomposition(p)[p > 0], np.tile([0, 0, 0, 1], (4, 1)), atol=1e-15
    )


def test_a_source_that_is_silent_now_has_nothing_unique_now() -> None:
    """PwUnq: in each outcome one source knows the whole bit and the other nothing."""
    p = pointwise_unique()
    atoms = pointwise_decomposition(p)
    np.testing.assert_allclose(atoms[0, 1, 0], [0, 0, 1, 0], atol=1e-15)
    np.testing.assert_allclose(atoms[1, 0, 0], [0, 1, 0, 0], atol=1e-15)
    np.testing.assert_allclose(atoms[0, 2, 1], [0, 0, 1, 0], atol=1e-15)
    np.testing.assert_allclose(atoms[2, 0, 1], [0, 1, 0, 0], atol=1e-15)


def test_an_error_is_misinformation_that_is_unique() -> None:
    """RdnErr: a right x2 has i2 = log2 3/2, a wrong one -1; r = 1 - min(0, h2 - i2) = 1."""
    atoms = pointwise_decomposition(redundant_error())
    np.testing.assert_allclose(atoms[0, 0, 0], [1, 0, LOG3 - 2, 2 - LOG3], atol=1e-14)
    np.testing.assert_allclose(atoms[1, 0, 1], [1, 0, -2, 2], atol=1e-14)


H_QUARTER = 2 - 0.75 * LOG3  # entropy of (1/4, 3/4)


@pytest.mark.parametrize(
    ("p", "atoms"),
    [
        # Finn & Lizier (2018): Xor, PwUnq, RdnErr, Tbc (= two_bit_copy), Unq (= copy).
        (GATES["xor"](), (0, 0, 0, 1)),
        (pointwise_unique(), (0, 0.5, 0.5, 0)),
        (redundant_error(), (1, 0, -H_QUARTER, H_QUARTER)),
        (GATES["two_bit_copy"](), (1, 0, 0, 1)),
        (GATES["copy"](), (1, 0, -1, 1)),
        (GATES["redundant"](), (1, 0, 0, 0)),
        # AND, R = .561: mean of r = 1 - (3/4)(log2 3 - 1).
        (GATES["and"](), (1.75 - 0.75 * LOG3, -0.25, -0.25, 0.75)),
        (GATES["or"](), (1.75 - 0.75 * LOG3, -0.25, -0.25, 0.75)),
        # Each source has h = 2, h(x|y) = 1.
        (GATES["redundant_xor"](), (1, 0, 0, 1)),
        (GATES["dyadic"](), (1, 0, 0, 1)),
    ],
    ids=["xor", "pwunq", "rdnerr", "tbc", "unq", "rdn", "and", "or", "rdnxor", "dyadic"],
)
def test_means_by_hand(p: Table, atoms: tuple[float, ...]) -> None:
    np.testing.assert_allclose(decompose(p, measure="pointwise").atoms, atoms, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_means_are_the_decomposition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(24, 0.5)).reshape(3, 4, 2)
    p[rng.random(p.shape) < 0.3] = 0.0
    p /= p.sum()
    atoms = pointwise_decomposition(p)
    assert (np.isnan(atoms).all(axis=-1) == (p == 0)).all()
    assert not np.isnan(atoms[p > 0]).any()
    mean = atoms[p > 0].T @ p[p > 0]
    np.testing.assert_allclose(mean, decompose(p, measure="pointwise").atoms, atol=1e-12)


def test_atoms_add_up_to_pointwise_information() -> None:
    p = noisy(GATES["dyadic"](), 0.2)
    happens = p > 0
    r, u1, u2, s = pointwise_decomposition(p)[happens].T
    for parts, x in ((r + u1, 0), (r + u2, 1), (r + u1 + u2 + s, (0, 1))):
        expected = pointwise_mutual_information(p, x=x)[happens]
        np.testing.assert_allclose(parts, expected, atol=1e-12)


def test_atoms_from_numbers() -> None:
    """h = (3, 2), i = (1, -1), i12 = 4: r+ = 2, r- = min(2, 3) = 2, so r = 0."""
    np.testing.assert_allclose(pointwise_atoms(3, 2, 1, -1, 4), [0, 1, -1, 4])
    # h = (1, 4), i = (0.5, 3.75): r = 1 - min(.5, .25) = .75, u = (-.25, 3), s = 4 - 3.5
    np.testing.assert_allclose(pointwise_atoms(1, 4, 0.5, 3.75, 4), [0.75, -0.25, 3, 0.5])


def test_densities_above_one_and_arrays_will_do() -> None:
    h1 = np.array([[3.0, 1.0], [-2.0, 3.0]])
    h2 = np.array([[2.0, 4.0], [-1.0, 2.0]])
    i1, i2 = np.array([[1.0, 0.5], [1.0, 1.0]]), np.array([[-1.0, 3.75], [0.0, -1.0]])
    atoms = pointwise_atoms(h1, h2, i1, i2, np.full((2, 2), 4.0))
    assert atoms.shape == (2, 2, 4)
    np.testing.assert_allclose(atoms[0], [[0.0, 1.0, -1.0, 4.0], [0.75, -0.25, 3.0, 0.5]])
    # h = (-2, -1): r = -2 - min(-3, -1) = 1
    np.testing.assert_allclose(atoms[1], [[1, 0, -1, 4], [0, 1, -1, 4]])


def test_a_shift_of_both_surprises_changes_nothing() -> None:
    """So the unit of a density drops out where it is the same for both sources."""
    numbers = np.random.default_rng(0).normal(size=(5, 10))
    h1, h2, i1, i2, i12 = numbers
    np.testing.assert_allclose(
        pointwise_atoms(h1 + 7, h2 + 7, i1, i2, i12),
        pointwise_atoms(h1, h2, i1, i2, i12),
        atol=1e-12,
    )


def test_a_source_with_one_letter() -> None:
    """h1 = 0: r = 0 - min(0, h2 - i2) = 0, everything is with the second source."""
    p = deterministic([[0.25, 0.75]], [[0, 1]])
    np.testing.assert_allclose(pointwise_decomposition(p)[0, 0, 0], [0, 0, 2, 0], atol=1e-14)
    assert np.isnan(pointwise_decomposition(p)[0, 0, 1]).all()


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="with 3 axes, got 2"):
        pointwise_decomposition([[0.5, 0.5]])
    with pytest.raises(ValueError, match="is negative"):
        pointwise_decomposition([[[1.5, -0.5]]])
    with pytest.raises(TypeError, match="real numbers"):
        pointwise_decomposition(GATES["xor"]() + 0j)


def authors() -> list[dict[str, NDArray[np.float64]]]:
    """Numbers that LSMI's released code returned (tests/fidelity)."""
    with np.load(Path(__file__).parents[1] / "fidelity" / "lsmi.npz", allow_pickle=False) as d:
        cases = sorted({name.split("_", 1)[0] for name in d.files if name.startswith("case")})
        return [
            {n.split("_", 1)[1]: d[n] for n in d.files if n.startswith(f"{case}_")}
            for case in cases
        ]


@pytest.mark.parametrize("case", authors())
def test_the_published_adjustment_is_that_of_the_released_code(
    case: dict[str, NDArray[np.float64]],
) -> None:
    atoms = np.stack([case[name] for name in ("r", "u1", "u2", "s")], axis=1)
    adjusted = published_adjustment(atoms)
    for k, name in enumerate(("r", "u1", "u2", "s")):
        np.testing.assert_allclose(adjusted[:, k], case[f"adjusted_{name}"], rtol=0, atol=1e-14)
    np.testing.assert_allclose(adjusted.mean(axis=0), case["adjusted_means"], rtol=0, atol=1e-14)
    moved = case["branch"] > 0
    assert np.array_equal(adjusted, atoms) != moved


def test_both_branches_of_the_adjustment_are_in_the_authors_numbers() -> None:
    assert {int(case["branch"]) for case in authors()} == {0, 1, 2}


def test_the_adjustment_by_hand() -> None:
    # Mean of R is -1, so c = 1: R and S go up, U1 and U2 down, though U1 is negative too.
    first = published_adjustment([[-2, 0, 3, 2], [0, -1, 1, 0]])
    np.testing.assert_array_equal(first, [[-1, -1, 2, 3], [1, -2, 0, 1]])
    # R and S are not negative, the mean of U2 is -0.5: c = -0.5, and R = 0.25 ends at -0.25.
    second = published_adjustment([[0.5, 1.0, 0.0, 1.0], [0.0, 1.0, -1.0, 3.0]])
    np.testing.assert_array_equal(second, [[0, 1.5, 0.5, 0.5], [-0.5, 1.5, -0.5, 2.5]])


@pytest.mark.parametrize("atoms", [np.zeros(4), np.zeros((1, 3)), np.zeros((0, 4))])
def test_only_atoms_of_samples_are_adjusted(atoms: Table) -> None:
    with pytest.raises(ValueError, match="expected R, U1, U2, S of each sample"):
        published_adjustment(atoms)
