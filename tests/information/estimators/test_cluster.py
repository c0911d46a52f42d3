"""Clusters and counts: exact where counts are exact, and honest about what counts do."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.synthetic.digit_pairs import label_table
from mmfuse_lib.data.synthetic.gaussian_gates import truth
from mmfuse_lib.information import GATES, decompose, noisy
from mmfuse_lib.information.estimators import Estimate, SparseCountsWarning
from mmfuse_lib.information.estimators.cluster import cluster_pid

Array = NDArray[np.float64]
Samples = tuple[NDArray[np.int64], ...]


def draw(p: Array, n: int, seed: int) -> Samples:
    """Draw (x1, x2, y) from a table."""
    cells = np.random.default_rng(seed).choice(p.size, size=n, p=p.ravel())
    return tuple(np.unravel_index(cells, p.shape))


def exactly(p: Array, n: int) -> Samples:
    """Return n samples whose counts are n times the table."""
    cells = np.repeat(np.arange(p.size), np.round(n * p.ravel()).astype(int))
    return tuple(np.unravel_index(cells, p.shape))


@pytest.mark.parametrize("gate", ["xor", "and", "redundant_xor", "dyadic"])
def test_exact_counts_give_the_exact_answer(gate: str) -> None:
    p = GATES[gate]()
    estimate = cluster_pid(*exactly(p, 640), n_clusters=4, n_bootstrap=0)
    assert estimate.atoms == pytest.approx(decompose(p).atoms, abs=2e-6)
    assert estimate.interval is None
    assert estimate.measure == "broja"


def test_symbols_of_digit_pairs_converge_to_the_label_table() -> None:
    p = label_table(n_classes=4, cue=False)
    expected = decompose(p).atoms
    errors = []
    for n in (1_000, 30_000):
        estimate = cluster_pid(*draw(p, n, seed=1), n_clusters=4, n_bootstrap=50)
        errors.append(np.abs(estimate.atoms - expected).max())
        assert estimate.diagnostics["n_clusters_1"] == 4
    assert errors[1] < 0.015
    assert errors[1] < errors[0] / 2


@pytest.mark.parametrize("gate", ["xor", "and", "redundant", "copy"])
def test_little_noise_leaves_two_clusters_a_bit(gate: str) -> None:
    train, _, _ = data.load("gaussian_gates", seed=0, gate=gate, noise=0.3, dim=2, n_train=4_000)
    estimate = cluster_pid(
        train.inputs["x1"], train.inputs["x2"], train.target, n_clusters=2, n_bootstrap=50
    )
    expected = truth(gate=gate, noise=0.3).atoms
    assert estimate.atoms == pytest.approx(expected, abs=0.03)


def test_two_clusters_of_one_noisy_dimension_on_paper() -> None:
    # Both sources are +-1 with noise: two clusters read the sign, and read it wrong with
    # probability Phi(-1 / noise), so the pair says which label with error 2 e (1 - e).
    noise, wrong = 0.8, 0.10565
    p = noisy(GATES["xor"](), 2 * wrong * (1 - wrong))
    train, _, _ = data.load("gaussian_gates", seed=2, gate="xor", noise=noise, dim=1, n_train=9_000)
    estimate = cluster_pid(
        train.inputs["x1"], train.inputs["x2"], train.target, n_clusters=2, n_bootstrap=20
    )
    assert estimate.synergy == pytest.approx(decompose(p).synergy, abs=0.03)
    assert estimate.synergy < truth(gate="xor", noise=noise).synergy - 0.05


def test_the_plug_in_is_too_large_by_the_bias_and_the_estimate_is_not() -> None:
    # The label has nothing to do with the sources: every bit is bias.
    plugin, corrected = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x1, x2, y = rng.integers(5, size=400), rng.integers(5, size=400), rng.integers(2, size=400)
        estimate = cluster_pid(x1, x2, y, n_clusters=5, n_bootstrap=20, seed=seed)
        plugin.append(sum(v for k, v in estimate.diagnostics.items() if k.startswith("plugin")))
        corrected.append(estimate.total)
        assert estimate.diagnostics["joint_bias"] == pytest.approx(24 / (800 * np.log(2)))
        assert estimate.diagnostics["samples_per_cell"] == 400 / 50
    assert np.mean(plugin) == pytest.approx(24 / (800 * np.log(2)), rel=0.15)
    assert np.mean(corrected) < np.mean(plugin) / 3


def test_intervals_cover_where_the_plug_in_is_outside() -> None:
    p = np.random.default_rng(5).dirichlet(np.full(32, 0.5)).reshape(4, 4, 2)
    expected = decompose(p).atoms
    covered, around_plugin = [], []
    for seed in range(50):
        estimate = cluster_pid(*draw(p, 250, seed), n_clusters=4, n_bootstrap=30, seed=seed)
        assert estimate.interval is not None
        lower, upper = estimate.interval["lower"], estimate.interval["upper"]
        assert (lower <= estimate.atoms).all()
        assert (estimate.atoms <= upper).all()
        covered.append((lower <= expected) & (expected <= upper))
        margin = (upper["S"] - lower["S"]) / 2
        around_plugin.append(abs(estimate.diagnostics["plugin_S"] - expected[3]) <= margin)
    assert np.mean(covered, axis=0).min() >= 0.8
    assert np.mean(covered, axis=0)[3] > np.mean(around_plugin)


def test_clusters_are_chosen_by_what_predicts_held_out_labels() -> None:
    # Four lumps on a line; the label alternates, so two or three clusters confuse it.
    rng = np.random.default_rng(0)
    lump1, lump2 = rng.integers(4, size=1_500), rng.integers(4, size=1_500)
    x1 = lump1 + 0.1 * rng.normal(size=1_500)
    x2 = lump2 + 0.1 * rng.normal(size=1_500)
    needed = cluster_pid(x1, x2, (lump1 + lump2) % 2, n_bootstrap=0)
    assert needed.diagnostics["n_clusters_1"] == needed.diagnostics["n_clusters_2"] == 4
    assert needed.synergy == pytest.approx(1.0, abs=0.01)
    unneeded = cluster_pid(x1, x2, rng.integers(2, size=1_500), n_bootstrap=0)
    assert unneeded.diagnostics["n_clusters_1"] == 1


def noisy_xor(n: int, seed: int, noise: float = 0.5) -> tuple[Array, Array, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    bits = rng.integers(2, size=(2, n))
    x1, x2 = 2.0 * bits - 1 + noise * rng.normal(size=(2, n))
    return x1, x2, bits[0] ^ bits[1]


def pure_noise(n: int, seed: int) -> tuple[Array, Array, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=n), rng.normal(size=n), rng.integers(2, size=n)


def lower_ends(estimates: list[Estimate]) -> Array:
    """Return the lower ends of R, U1, U2 and S of each, (B, 4)."""
    intervals = [e.interval for e in estimates if e.interval is not None]
    assert len(intervals) == len(estimates)
    return np.stack([interval["lower"].to_numpy() for interval in intervals])


@pytest.mark.filterwarnings("ignore::mmfuse_lib.information.estimators.SparseCountsWarning")
@pytest.mark.parametrize(("n", "repeats"), [(60, 40), (100, 40), (300, 20)])
def test_noise_is_not_called_synergy(n: int, repeats: int) -> None:
    found = [
        cluster_pid(*pure_noise(n, seed), n_bootstrap=20, seed=seed) for seed in range(repeats)
    ]
    excluded = (lower_ends(found) > 0).any(axis=1)
    assert excluded.sum() <= repeats / 10  # of 5 % that are expected at most
    assert sum(e.total > 0.05 for e in found) <= repeats / 10


@pytest.mark.filterwarnings("ignore::mmfuse_lib.information.estimators.SparseCountsWarning")
def test_synergy_that_is_there_is_found_in_as_few_samples() -> None:
    found = [cluster_pid(*noisy_xor(60, seed), n_bootstrap=20, seed=seed) for seed in range(10)]
    assert (lower_ends(found)[:, 3] > 0.1).all()
    assert np.mean([e.synergy for e in found]) == pytest.approx(0.74, abs=0.15)


@pytest.mark.filterwarnings("ignore::mmfuse_lib.information.estimators.SparseCountsWarning")
def test_the_smallest_number_of_clusters_is_taken_that_does_about_as_well() -> None:
    # Two clusters read the bits; what more of them read of the noise is hardly worth it.
    chosen = [
        cluster_pid(*noisy_xor(300, seed, noise=0.4), n_bootstrap=0).diagnostics["n_clusters_1"]
        for seed in range(12)
    ]
    assert chosen.count(2) >= 10


@pytest.mark.filterwarnings("ignore::mmfuse_lib.information.estimators.SparseCountsWarning")
def test_more_cells_than_samples_show_what_shuffled_labels_show() -> None:
    found = [
        cluster_pid(*pure_noise(60, seed), n_clusters=8, n_bootstrap=20, seed=seed)
        for seed in range(40)
    ]
    assert np.mean([e.synergy for e in found]) > 0.3  # what no correction takes off
    assert (lower_ends(found)[:, 3] > 0).sum() <= 5
    plugin, shuffled, p = (
        np.mean([e.diagnostics[f"{what}_S"] for e in found]) for what in ("plugin", "shuffled", "p")
    )
    assert plugin == pytest.approx(shuffled, abs=0.03)
    assert p == pytest.approx(0.5, abs=0.12)


def test_what_is_there_is_more_than_shuffled_labels_show() -> None:
    found = cluster_pid(*noisy_xor(400, seed=0), n_clusters=2, n_bootstrap=20)
    assert found.diagnostics["p_S"] == 1 / 40
    assert found.diagnostics["p_R"] > 0.05
    assert found.diagnostics["shuffled_S"] < 0.01 < 0.5 < found.diagnostics["plugin_S"]


def test_where_nothing_can_be_told_the_interval_says_what_is_not_ruled_out() -> None:
    x1, x2, y = pure_noise(200, seed=1)
    found = cluster_pid(x1, x2, y, n_bootstrap=20)
    assert found.diagnostics["n_clusters_1"] == found.diagnostics["n_clusters_2"] == 1
    assert (found.atoms == 0).all()
    assert found.interval is not None
    assert (found.interval["lower"] == 0).all()
    for k in (2, 4):  # 50 and 12 samples a cell
        table = cluster_pid(x1, x2, y, n_clusters=k, n_bootstrap=20).interval
        assert table is not None
        assert (found.interval["upper"] >= table["upper"]).all()
    with pytest.warns(SparseCountsWarning):
        sparse = cluster_pid(x1, x2, y, n_clusters=8, n_bootstrap=20).interval
    assert sparse is not None
    assert found.interval["upper"]["S"] < sparse["upper"]["S"]
    assert cluster_pid(x1, x2, y, n_bootstrap=0).interval is None


def test_few_samples_a_cell_are_warned_of() -> None:
    x1, x2, y = pure_noise(159, seed=0)
    message = r"^5 samples a cell of the table \(159 samples, 4 x 4 x 2 cells\): below 5, counts"
    with pytest.warns(SparseCountsWarning, match=message) as w:
        cluster_pid(x1, x2, y, n_clusters=4, n_bootstrap=0)
    assert w[0].filename == __file__
    cluster_pid(*pure_noise(160, seed=0), n_clusters=4, n_bootstrap=0)


def test_each_modality_has_its_own_number_of_clusters() -> None:
    x = np.random.default_rng(0).normal(size=(300, 3))
    y = np.arange(300) % 3
    estimate = cluster_pid(x, x**3, y, n_clusters=(3, 5), n_bootstrap=0)
    assert estimate.diagnostics["n_clusters_1"] == 3
    assert estimate.diagnostics["n_clusters_2"] == 5
    assert estimate.diagnostics["samples_per_cell"] == 300 / (3 * 5 * 3)


def test_features_are_standardised() -> None:
    # Without it the second feature, a thousand times as large and of no use, rules the clusters.
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=1_000)
    useful = np.where(y == 1, 1.0, -1.0) + 0.1 * rng.normal(size=1_000)
    x = np.stack([useful, 1_000 * rng.uniform(-1, 1, size=1_000)], axis=1)
    estimate = cluster_pid(x, rng.normal(size=1_000), y, n_clusters=2, n_bootstrap=0)
    assert estimate.unique[0] > 0.9


def test_labels_and_symbols_may_have_any_names() -> None:
    x1, x2, y = exactly(GATES["and"](), 40)
    plain = cluster_pid(x1, x2, y, n_bootstrap=10)
    named = cluster_pid(x1 * 7 - 3, x2[:, None, None], y * 10 + 5, n_bootstrap=10)
    np.testing.assert_array_equal(named.atoms, plain.atoms)


def test_torch_images_and_the_seed() -> None:
    rng = np.random.default_rng(0)
    x1, x2, y = rng.normal(size=(120, 4)), rng.normal(size=(120, 4)), rng.integers(2, size=120)
    state = np.random.get_state(legacy=False)["state"]["key"]  # noqa: NPY002
    plain = cluster_pid(x1, x2, y, seed=1, n_clusters=3, n_bootstrap=10)
    shaped = cluster_pid(
        torch.tensor(x1).reshape(120, 1, 2, 2), torch.tensor(x2), torch.tensor(y), seed=1,
        n_clusters=3, n_bootstrap=10,
    )  # fmt: skip
    np.testing.assert_array_equal(shaped.atoms, plain.atoms)
    other = cluster_pid(x1, x2, y, seed=2, n_clusters=3, n_bootstrap=10)
    assert plain.interval is not None
    assert shaped.interval is not None
    assert other.interval is not None
    assert plain.interval.equals(shaped.interval)
    assert not plain.interval.equals(other.interval)
    after = np.random.get_state(legacy=False)["state"]["key"]  # noqa: NPY002
    np.testing.assert_array_equal(state, after)


X = np.random.default_rng(0).normal(size=(30, 2))
Y = np.arange(30) % 2


@pytest.mark.parametrize(
    ("x1", "y", "n_clusters", "message"),
    [
        (X[:20], Y, 2, "rows: x1 20, x2 30, y 30"),
        (np.where(np.arange(30)[:, None] == 4, np.inf, X), Y, 2, "x1 has a NaN or infinite"),
        (np.where(np.arange(30)[:, None] == 4, 1e200, X), Y, 2, r"size 1e\+200 in sample 4: expec"),
        (X, np.zeros(30, dtype=int), 2, "at least two different labels"),
        (X, Y.astype(float), 2, "y holds float64: expected integer labels"),
        (X, Y[:, None], 2, r"y has shape \(30, 1\)"),
        (X, Y, 31, "x1 has 30 samples, too few for 31 clusters"),
        (X, Y, 1, "n_clusters is 1: expected an integer of at least 2"),
        (X, Y, (2, 2, 2), r"n_clusters is \(2, 2, 2\)"),
        (X, Y, 2.5, "n_clusters is 2.5"),
        ([[1.0, 2.0], [1.0]], Y, 2, "rectangular array of samples"),
    ],
)
def test_samples_that_are_refused(x1: Array, y: Array, n_clusters: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        cluster_pid(x1, X, y, n_clusters=n_clusters)


@pytest.mark.parametrize("n_bootstrap", [1, -3])
def test_resamples_without_spread_are_refused(n_bootstrap: int) -> None:
    with pytest.raises(DataError, match=f"n_bootstrap is {n_bootstrap}: expected 0, or at least 2"):
        cluster_pid(X, X, Y, n_clusters=2, n_bootstrap=n_bootstrap)


def test_a_constant_modality_tells_nothing() -> None:
    _, x2, y = exactly(GATES["redundant"](), 40)
    estimate = cluster_pid(np.zeros((40, 3)), x2, y, n_clusters=2, n_bootstrap=0)
    assert estimate.atoms == pytest.approx([0.0, 0.0, 1.0, 0.0], abs=1e-6)
