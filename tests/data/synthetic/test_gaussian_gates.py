"""Gates in Gaussian noise: what is drawn, and the truth about it by other routes."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import chisquare, kstest, multivariate_normal, norm

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data import from_arrays
from mmfuse_lib.data.synthetic.gaussian_gates import (
    GaussianGateData,
    bin_edges,
    load,
    pointwise_truth,
    quantised_table,
    truth,
)
from mmfuse_lib.information import GATES, decompose, mutual_information, pointwise_atoms
from tests.support import leaves_no_random_trace

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

ONE_BIT = ["xor", "and", "or", "copy", "redundant", "two_bit_copy"]
TWO_BITS = ["redundant_xor", "dyadic"]
SMALL: dict[str, Any] = {"n_train": 600, "n_val": 200, "n_test": 200}
NOISES = [0.15, 0.3, 0.5, 0.8, 1.5, 4.0]


def test_the_two_lists_hold_all_gates() -> None:
    assert {*ONE_BIT, *TWO_BITS} == set(GATES)


def projections(split: GaussianGateData, name: str) -> Array:
    return np.asarray(split.inputs[name].double().numpy() @ split.directions[name].T)


def symbols(split: GaussianGateData, name: str) -> Ints:
    """Read the symbols off the signs of the projections: the first bit counts twice."""
    bits = (projections(split, name) > 0).astype(np.int64)
    return bits[:, 0] if bits.shape[1] == 1 else 2 * bits[:, 0] + bits[:, 1]


def means(split: GaussianGateData, name: str) -> Array:
    return np.asarray(np.sign(projections(split, name)) @ split.directions[name])


# What is drawn.


@pytest.mark.parametrize("gate", GATES)
def test_symbols_and_labels_occur_as_often_as_the_gate_says(gate: str) -> None:
    train, _, _ = load(seed=2, gate=gate, noise=0.1, n_train=20_000)
    table = GATES[gate]()
    counts = np.zeros(table.shape)
    np.add.at(counts, (symbols(train, "x1"), symbols(train, "x2"), train.target.numpy()), 1)
    assert counts[table == 0].sum() == 0
    assert chisquare(counts[table > 0], len(train) * table[table > 0]).pvalue > 1e-3


@pytest.mark.parametrize("gate", ["and", "dyadic"])
def test_the_rest_of_a_vector_is_white_noise_that_tells_nothing(gate: str) -> None:
    train, _, _ = load(gate=gate, noise=0.2, dim=5, n_train=20_000)
    rest = np.hstack([train.inputs[m].numpy() - means(train, m) for m in ("x1", "x2")]) / 0.2
    np.testing.assert_allclose(np.cov(rest.T), np.eye(10), atol=0.04)
    for k in range(train.n_classes):
        np.testing.assert_allclose(rest[train.target == k].mean(axis=0), 0, atol=0.06)
    assert kstest(rest[:, 3], "norm").pvalue > 1e-3


@pytest.mark.parametrize("gate", GATES)
def test_directions_are_orthonormal_and_each_modality_has_its_own(gate: str) -> None:
    train, val, test = load(gate=gate, dim=6, **SMALL)
    bits = 2 if gate in TWO_BITS else 1
    for name, axes in train.directions.items():
        assert axes.shape == (bits, 6)
        np.testing.assert_allclose(axes @ axes.T, np.eye(bits), atol=1e-12)
        np.testing.assert_array_equal(axes, val.directions[name])
        np.testing.assert_array_equal(axes, test.directions[name])
    assert np.abs(train.directions["x1"] @ train.directions["x2"].T).max() < 0.99


@pytest.mark.parametrize("dim", [1, 2, 32])
def test_projections_have_the_same_distribution_for_every_dim(dim: int) -> None:
    train, _, _ = load(gate="copy", noise=0.7, dim=dim, n_train=10_000)
    for label, mean in ((0, -1), (1, 1)):
        t = projections(train, "x1")[train.target == label, 0]
        assert kstest(t, norm(mean, 0.7).cdf).pvalue > 1e-3


def test_the_same_seed_gives_the_same_data_and_another_seed_other_data() -> None:
    one, again, other = (load(seed=s, **SMALL) for s in (5, 5, 6))
    for a, b, c in zip(one, again, other, strict=True):
        assert torch.equal(a.target, b.target)
        assert not torch.equal(a.target, c.target)
        for name in a.inputs:
            assert torch.equal(a.inputs[name], b.inputs[name])
            np.testing.assert_array_equal(a.directions[name], b.directions[name])
            assert not np.allclose(a.directions[name], c.directions[name])


def test_splits_are_separate_draws_and_do_not_depend_on_each_others_sizes() -> None:
    small = load(seed=0, n_train=50, n_val=60, n_test=70)
    large = load(seed=0, n_train=500, n_val=600, n_test=70)
    assert [len(s) for s in small] == [50, 60, 70]
    assert torch.equal(small[2].inputs["x1"], large[2].inputs["x1"])
    for name in ("x1", "x2"):
        rows = torch.cat([split.inputs[name] for split in large])
        assert len(torch.unique(rows, dim=0)) == len(rows) == 1170


def test_the_level_of_the_noise_scales_the_same_draws() -> None:
    quiet, loud = (load(noise=level, **SMALL)[0] for level in (0.1, 0.2))
    assert torch.equal(quiet.target, loud.target)
    for name in quiet.inputs:
        mean = means(quiet, name)
        np.testing.assert_allclose(
            loud.inputs[name].numpy() - mean, 2 * (quiet.inputs[name].numpy() - mean), atol=1e-6
        )


def test_without_noise_there_is_one_vector_a_symbol() -> None:
    train, _, _ = load(gate="dyadic", noise=0, dim=3, **SMALL)
    assert len(torch.unique(train.inputs["x1"], dim=0)) == 4


def test_loading_leaves_the_global_random_states_alone() -> None:
    assert leaves_no_random_trace(lambda: load(**SMALL))


def test_the_registry_knows_it() -> None:
    train, _, _ = data.load("gaussian_gates", seed=3, gate="and", **SMALL)
    assert torch.equal(train.inputs["x1"], load(seed=3, gate="and", **SMALL)[0].inputs["x1"])
    assert "gate='xor', noise=0.5, dim=8" in data.describe("gaussian_gates")


@pytest.mark.parametrize("gate", GATES)
def test_modalities_classes_table_and_no_composition(gate: str) -> None:
    train, val, test = load(gate=gate, **SMALL)
    for split in (train, val, test):
        assert split.shapes == {"x1": (8,), "x2": (8,)}
        assert split.composition is None
        np.testing.assert_array_equal(split.label_table(), GATES[gate]())
        assert split.n_classes == GATES[gate]().shape[-1]


def test_a_part_of_the_data_still_knows_how_it_was_made() -> None:
    train, _, _ = load(noise=0.3, **SMALL)
    for part in (train[:7], train.to("cpu"), train.split(0.5)[1]):
        assert isinstance(part, GaussianGateData)
        assert part.noise == 0.3
        np.testing.assert_array_equal(part.directions["x2"], train.directions["x2"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise": -0.1}, r"noise is -0\.1: expected a number in \[0, inf\)"),
        ({"noise": float("nan")}, "noise is nan"),
        ({"noise": float("inf")}, "noise is inf"),
        ({"noise": "0.5"}, r"noise is '0\.5'"),
        ({"dim": 0}, "dim is 0: expected an integer of at least 1 for gate 'xor'"),
        ({"dim": 1, "gate": "dyadic"}, "dim is 1: .*at least 2 for gate 'dyadic'"),
        ({"dim": 2.5}, r"dim is 2\.5"),
        ({"n_train": 0}, "n_train is 0: expected an integer of at least 1"),
        ({"n_val": 10.5}, r"n_val is 10\.5"),
        ({"n_test": "10"}, "n_test is '10'"),
    ],
)
def test_options_that_cannot_be_used_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(**options)


@pytest.mark.parametrize("call", [lambda g: load(gate=g), lambda g: truth(g, 0.5)])
def test_an_unknown_gate_gets_the_closest_name(call: Any) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown gate 'xro'.*Did you mean 'xor'\?"):
        call("xro")


# The table of bins.


def information_of_a_bit(noise: float) -> float:
    """I(bit; bit's sign plus noise) = E[1 - log2(1 + exp(-2 t / noise^2))] for t ~ N(1, noise^2).

    The bit is fair and the situation the same for both its values, so one is enough.
    """

    def integrand(z: float) -> float:
        t = 1 + noise * z
        return float(norm.pdf(z) * (1 - np.logaddexp(0, -2 * t / noise**2) / np.log(2)))

    return float(quad(integrand, -12, 12, epsabs=1e-12, limit=200)[0])


@pytest.mark.parametrize("noise", NOISES)
def test_information_of_the_bins_is_just_below_that_of_the_integral(noise: float) -> None:
    exact = information_of_a_bit(noise)
    loss = [exact - mutual_information(quantised_table("copy", noise, n), 0) for n in (48, 96)]
    assert -1e-9 < loss[0] < 3e-4
    assert -1e-9 < loss[1] < max(0.3 * loss[0], 1e-6)


def information_of_xor(noise: float) -> float:
    """Integrate the entropy of the label given both projections over the plane, on a fine grid."""
    t = np.linspace(-1 - 9 * noise, 1 + 9 * noise, 1201)
    p = norm.pdf(t, [[-1.0], [1.0]], noise) / 2 * (t[1] - t[0])
    pair = np.outer(p.sum(0), p.sum(0))
    one = np.outer(p[0], p[1]) + np.outer(p[1], p[0])
    posterior = np.clip(one / pair, 1e-300, 1 - 1e-16)
    h = -posterior * np.log2(posterior) - (1 - posterior) * np.log2(1 - posterior)
    return float(1 - (pair * h).sum())


@pytest.mark.parametrize("noise", NOISES)
def test_joint_information_of_xor_agrees_with_an_integral_over_the_plane(noise: float) -> None:
    found = mutual_information(quantised_table("xor", noise, 48))
    assert -1e-9 < information_of_xor(noise) - found < 3e-4


@pytest.mark.parametrize("gate", GATES)
def test_samples_fall_into_the_bins_as_often_as_the_table_says(gate: str) -> None:
    n_bins, noise = (3, 0.8) if gate in TWO_BITS else (6, 0.8)
    train, _, _ = load(seed=2, gate=gate, noise=noise, n_train=50_000)
    table, edges = quantised_table(gate, noise, n_bins), bin_edges(noise, n_bins)
    binned = [np.searchsorted(edges, projections(train, m)) for m in ("x1", "x2")]
    if gate in TWO_BITS:
        b1, b2 = (n_bins * b[:, 0] + b[:, 1] for b in binned)
    else:
        b1, b2 = (b[:, 0] for b in binned)
    counts = np.zeros(table.shape)
    np.add.at(counts, (b1, b2, train.target.numpy()), 1)
    assert counts[table == 0].sum() == 0
    assert chisquare(counts[table > 0], len(train) * table[table > 0]).pvalue > 1e-3


def test_edges_increase_are_symmetric_and_fewer_where_there_is_nothing_to_tell() -> None:
    for noise in (0.001, 0.2, 1.0, 50.0):
        edges = bin_edges(noise, 32)
        assert (np.diff(edges) > 0).all()
        np.testing.assert_allclose(-edges[::-1], edges, atol=1e-9 * noise)
    assert len(bin_edges(1.0, 32)) == 31
    assert len(bin_edges(0.05, 32)) == 1
    np.testing.assert_array_equal(bin_edges(0, 32), [0])


@pytest.mark.parametrize("n_bins", [1, 0, 8.0, "8"])
def test_numbers_of_bins_that_cannot_be_used_are_named(n_bins: Any) -> None:
    with pytest.raises(DataError, match=f"n_bins is {n_bins!r}: expected an integer of at least 2"):
        truth("xor", 0.5, n_bins=n_bins)


# The truth about the features.


@pytest.mark.parametrize("noise", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("gate", GATES)
def test_finer_bins_change_no_atom_by_more_than_the_docstring_says(gate: str, noise: float) -> None:
    default, finer = truth(gate, noise), truth(gate, noise, n_bins=96)
    np.testing.assert_allclose(default.atoms, finer.atoms, atol=3e-4)
    assert default.gap <= 2e-6


@pytest.mark.parametrize("noise", [0.3, 0.5, 1.0])
def test_atoms_that_one_integral_gives(noise: float) -> None:
    """Two looks at one bit are one look with noise / sqrt(2): their mean is sufficient."""
    one, two = information_of_a_bit(noise), information_of_a_bit(noise / np.sqrt(2))
    both = information_of_xor(noise)
    for gate, expected in {
        "xor": [0, 0, 0, both],
        "copy": [0, one, 0, 0],
        "two_bit_copy": [0, one, one, 0],
        "redundant": [one, 0, 0, two - one],  # the same channel twice: nothing unique
        "redundant_xor": [one, 0, 0, two - one + both],
        "dyadic": [0, one, one, 0],
    }.items():
        np.testing.assert_allclose(truth(gate, noise).atoms, expected, atol=4e-4, err_msg=gate)


@pytest.mark.parametrize("gate", ["and", "or"])
def test_nothing_is_unique_in_and_since_both_sources_see_the_same(gate: str) -> None:
    found = truth(gate, 0.6)
    p = quantised_table(gate, 0.6, 48)
    expected = [mutual_information(p, 0), 0, 0, mutual_information(p) - mutual_information(p, 0)]
    np.testing.assert_allclose(found.atoms, expected, atol=1e-5)


@pytest.mark.parametrize("gate", GATES)
def test_without_noise_the_answer_is_the_gates_own_and_little_noise_changes_little(
    gate: str,
) -> None:
    own = decompose(GATES[gate]()).atoms
    for noise in (0.0, 0.01, 0.1, 0.15):
        np.testing.assert_allclose(truth(gate, noise).atoms, own, atol=1e-4, err_msg=f"{noise}")


@pytest.mark.parametrize("gate", GATES)
def test_in_much_noise_nothing_is_left(gate: str) -> None:
    assert truth(gate, 100.0).atoms == pytest.approx([0, 0, 0, 0], abs=3e-4)


def test_atoms_of_independent_parts_add_up() -> None:
    rng = np.random.default_rng(0)
    for a, b in rng.dirichlet(np.full(8, 0.5), (5, 2)).reshape(5, 2, 2, 2, 2):
        whole = np.einsum("abc,def->adbecf", a, b).reshape(4, 4, 4)
        np.testing.assert_allclose(
            decompose(whole).atoms, decompose(a).atoms + decompose(b).atoms, atol=1e-6
        )


@pytest.mark.parametrize("gate", TWO_BITS)
def test_gates_of_two_bits_agree_with_the_grid_over_both(gate: str) -> None:
    grid = quantised_table(gate, 0.6, 4)
    assert grid.shape == (16, 16, 4)
    np.testing.assert_allclose(truth(gate, 0.6, n_bins=4).atoms, decompose(grid).atoms, atol=3e-6)


@pytest.mark.parametrize("measure", ["mmi", "imin"])
def test_other_measures_decompose_the_same_table(measure: str) -> None:
    found = truth("copy", 0.5, measure=measure)
    assert found.measure == measure
    assert found.atoms.sum() == pytest.approx(information_of_a_bit(0.5), abs=3e-4)


def test_combinations_without_an_answer_are_refused() -> None:
    with pytest.raises(DataError, match=r"pointwise measure depends on dim.*pointwise_truth"):
        truth("xor", 0.5, measure="pointwise")
    with pytest.raises(DataError, match=r"gate 'dyadic' with measure 'mmi'.*two bits.*'broja'"):
        truth("dyadic", 0.5, measure="mmi")


# The truth about each sample.


def densities(split: GaussianGateData, name: str, n: int) -> Array:
    """Density of one whole vector for each symbol, the bits of which are written out."""
    x, axes = split.inputs[name][n].double().numpy(), split.directions[name]
    signs = [[-1], [1]] if len(axes) == 1 else [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    spread = split.noise**2 * np.eye(len(x))
    return np.array([multivariate_normal(np.array(s) @ axes, spread).pdf(x) for s in signs])


def pointwise_by_hand(split: GaussianGateData) -> Array:
    """Finn & Lizier's atoms, one sample at a time."""
    table = split.label_table()
    p_y = table.sum(axis=(0, 1))
    rows = []
    for n, y in enumerate(split.target.tolist()):
        d1, d2 = (densities(split, name, n) for name in ("x1", "x2"))
        joint = np.einsum("sty,s,t->y", table, d1, d2)
        first, second = d1 @ table.sum(axis=1), d2 @ table.sum(axis=0)  # p(x_m, y)
        i1, i2, i12 = (np.log2(p[y] / p.sum() / p_y[y]) for p in (first, second, joint))
        h1, h2 = -np.log2(first.sum()), -np.log2(second.sum())
        r = min(h1, h2) - min(h1 - i1, h2 - i2)
        rows.append([r, i1 - r, i2 - r, i12 - i1 - i2 + r])
    return np.array(rows)


@pytest.mark.parametrize("gate", GATES)
def test_pointwise_atoms_agree_with_densities_by_hand(gate: str) -> None:
    train, _, _ = load(seed=4, gate=gate, noise=0.7, dim=3, n_train=40, n_val=1, n_test=1)
    found = pointwise_truth(train)
    assert list(found.columns) == ["R", "U1", "U2", "S"]
    np.testing.assert_allclose(found, pointwise_by_hand(train), atol=1e-9)
    np.testing.assert_array_equal(pointwise_truth(train[5:9]), found[5:9])


@pytest.mark.parametrize("gate", GATES)
def test_means_of_pointwise_atoms_add_up_to_the_informations(gate: str) -> None:
    train, _, _ = load(seed=5, gate=gate, noise=0.6, n_train=20_000)
    atoms = pointwise_truth(train)
    expected = truth(gate, 0.6).atoms
    for terms in ([0, 1], [0, 2], [0, 1, 2, 3]):
        information = atoms.to_numpy()[:, terms].sum(axis=1)
        error = information.std() / np.sqrt(len(train))
        known = expected[terms].sum()
        assert information.mean() == pytest.approx(known, abs=4 * error + 4e-4)


def test_every_sample_of_xor_is_synergy_alone() -> None:
    train, _, _ = load(gate="xor", noise=0.5, n_train=5000)
    atoms = pointwise_truth(train)
    assert np.abs(atoms[["R", "U1", "U2"]].to_numpy()).max() < 1e-9
    assert atoms["S"].mean() == pytest.approx(information_of_xor(0.5), abs=0.03)


def test_pointwise_redundancy_depends_on_dim_and_tends_to_half_of_what_one_source_knows() -> None:
    found = {}
    for dim in (1, 512):
        train, _, _ = load(gate="copy", noise=0.5, dim=dim, n_train=8000, n_val=1, n_test=1)
        found[dim] = pointwise_truth(train).mean()
    half = information_of_a_bit(0.5) / 2
    assert found[512].to_numpy() == pytest.approx([half, half, -half, half], abs=0.03)
    assert found[1]["R"] > half + 0.1


def mixture_surprise(features: Array, axes: Array, linear: Array, noise: float) -> Array:
    """-log2 density of features that were mapped by a matrix."""
    signs = [[-1], [1]] if len(axes) == 1 else [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    spread = noise**2 * linear @ linear.T
    each = [multivariate_normal(linear @ (s @ axes), spread).pdf(features) for s in signs]
    return np.asarray(-np.log2(np.mean(each, axis=0)))


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("noise", [0.25, 1.0])
def test_it_is_what_surprises_measured_from_their_medians_give(gate: str, noise: float) -> None:
    """So it is what `lsmi_pid` aims at, for features that were mapped linearly, too."""
    train, _, _ = load(gate=gate, noise=noise, dim=3, n_train=20_000, n_val=1, n_test=1)
    truth = pointwise_truth(train).to_numpy()
    informations = truth[:, [0, 0, 0]] + truth[:, [1, 2, 1]]
    informations[:, 2] += truth[:, 2] + truth[:, 3]
    linear = np.array([[10.0, 2.0, 0.0], [-3.0, 5.0, 1.0], [0.0, 0.0, 0.2]])
    h1, h2 = (
        mixture_surprise(train.inputs[name].double().numpy() @ a.T, axes, a, noise)
        for (name, axes), a in zip(train.directions.items(), (linear, np.eye(3)), strict=True)
    )
    centred = pointwise_atoms(h1 - np.median(h1), h2 - np.median(h2), *informations.T)
    np.testing.assert_allclose(centred.mean(axis=0), truth.mean(axis=0), atol=0.012)
    if gate == "copy":  # where it matters most
        raw = pointwise_atoms(h1, h2, *informations.T).mean(axis=0)
        assert np.abs(raw - truth.mean(axis=0)).max() > 0.2


def test_very_little_noise_leaves_pointwise_atoms_finite() -> None:
    train, _, _ = load(gate="redundant", noise=1e-3, **SMALL)
    np.testing.assert_allclose(pointwise_truth(train), [[1, 0, 0, 0]] * 600, atol=1e-6)


def test_pointwise_truth_says_what_it_needs() -> None:
    train, _, _ = load(noise=0, **SMALL)
    with pytest.raises(DataError, match="without noise the features have no densities"):
        pointwise_truth(train)
    mine = from_arrays(train.inputs, train.target)
    with pytest.raises(DataError, match="densities of these data are not known"):
        pointwise_truth(mine)
