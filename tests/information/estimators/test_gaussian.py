"""Gaussian sources: the closed form on paper, against the exact solver, and from samples."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.information import decompose
from mmfuse_lib.information.covariance import decompose_gaussian, gaussian_informations
from mmfuse_lib.information.estimators.gaussian import gaussian_pid

Array = NDArray[np.float64]


def linear_gaussian(w1: list[float], w2: list[float], correlation: float = 0.0) -> Array:
    """Covariance of (X1, X2, Y) for Y = w1.X1 + w2.X2 + N(0, 1), sources of variance 1.

    `correlation` is that of the first features of the two sources.
    """
    n1, n2 = len(w1), len(w2)
    sources = np.eye(n1 + n2)
    sources[0, n1] = sources[n1, 0] = correlation
    w = np.array(w1 + w2)
    with_y = sources @ w
    return np.block([[sources, with_y[:, None]], [with_y[None], np.array([[w @ with_y + 1.0]])]])


def draw(covariance: Array, n: int, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    return np.asarray(rng.standard_normal((n, len(covariance))) @ np.linalg.cholesky(covariance).T)


# The closed form.


def test_sum_of_two_independent_sources_on_paper() -> None:
    # Y = X1 + X2 + noise, all of variance 1: I_m = log2(3/2) / 2, I_12 = log2(3) / 2.
    d = decompose_gaussian([[1, 0, 1], [0, 1, 1], [1, 1, 3]], 1, 1)
    assert d.redundancy == pytest.approx(0.5 * np.log2(1.5), abs=1e-12)
    assert d.unique == pytest.approx((0.0, 0.0), abs=1e-12)
    assert d.synergy == pytest.approx(0.5, abs=1e-12)
    assert (d.measure, d.gap, d.coupling) == ("mmi", 0.0, None)


def test_only_one_source_tells() -> None:
    d = decompose_gaussian(linear_gaussian([1.0], [0.0]), 1, 1)
    assert d.atoms == pytest.approx([0.0, 0.5, 0.0, 0.0], abs=1e-12)


def test_informations_are_differences_of_entropies() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(6, 6))
    sigma = a @ a.T
    h = [
        0.5 * np.linalg.slogdet(sigma[np.ix_(v, v)])[1] / np.log(2)
        for v in ([0, 1], [2, 3, 4], [0, 1, 2, 3, 4], [5])
    ]
    joint = [
        0.5 * np.linalg.slogdet(sigma[np.ix_(v, v)])[1] / np.log(2)
        for v in ([0, 1, 5], [2, 3, 4, 5], [0, 1, 2, 3, 4, 5])
    ]
    i1, i2, i12 = (h[k] + h[3] - joint[k] for k in range(3))
    d = decompose_gaussian(sigma, 2, 3)
    assert d.redundancy == pytest.approx(min(i1, i2), abs=1e-10)
    assert d.unique == pytest.approx((i1 - min(i1, i2), i2 - min(i1, i2)), abs=1e-10)
    assert d.total == pytest.approx(i12, abs=1e-10)


def test_it_is_the_decomposition_of_bertschinger() -> None:
    # The same Gaussian on a grid, by the solver for tables, which knows nothing of Gaussians.
    sigma = linear_gaussian([1.0], [0.4], correlation=0.3)
    axis = np.linspace(-3.0, 3.0, 10)
    y = np.linspace(-3.0, 3.0, 6) * np.sqrt(sigma[2, 2])
    grid = np.stack(np.meshgrid(axis, axis, y, indexing="ij"), axis=-1)
    p = stats.multivariate_normal(np.zeros(3), sigma).pdf(grid)
    table = decompose(p / p.sum(), tolerance=1e-5)
    assert table.atoms == pytest.approx(decompose(p / p.sum(), "mmi").atoms, abs=1e-4)
    assert table.atoms == pytest.approx(decompose_gaussian(sigma, 1, 1).atoms, abs=5e-3)
    assert min(table.redundancy, table.unique[0]) > 0.1


def test_copies_of_features_change_nothing() -> None:
    sigma = linear_gaussian([1.0, 0.5], [0.7], correlation=0.4)
    twice = np.array([0, 1, 0, 2, 2, 3])  # x1a, x1b, x1a again; x2, x2 again; y
    copied = decompose_gaussian(sigma[np.ix_(twice, twice)], 3, 2)
    assert copied.atoms == pytest.approx(decompose_gaussian(sigma, 2, 1).atoms, abs=1e-9)


def test_units_change_nothing() -> None:
    sigma = linear_gaussian([1.0, 0.5], [0.7], correlation=0.4)
    units = np.array([1e-4, 1e3, 7.0, 1e5])
    scaled = decompose_gaussian(sigma * np.outer(units, units), 2, 1)
    assert scaled.atoms == pytest.approx(decompose_gaussian(sigma, 2, 1).atoms, abs=1e-9)


def test_a_constant_feature_tells_nothing() -> None:
    sigma = np.zeros((3, 3))
    sigma[1:, 1:] = [[1, 1], [1, 2]]
    assert decompose_gaussian(sigma, 1, 1).atoms == pytest.approx([0, 0, 0.5, 0], abs=1e-12)


@pytest.mark.parametrize(
    ("sigma", "n", "error", "message"),
    [
        (np.eye(3), (1, 2), ValueError, r"1 \+ 2 source dimensions and one target, \(4, 4\)"),
        (np.eye(3), (0, 2), ValueError, "at least one dimension: got n1=0"),
        (np.diag([1.0, 1.0, 0.0]), (1, 1), ValueError, "target needs some variance"),
        ([[1, 2, 0], [2, 1, 0], [0, 0, 1]], (1, 1), ValueError, "the eigenvalue -1"),
        ([[1, 0, 0.5], [0, 1, 0], [0, 0, 1]], (1, 1), ValueError, "symmetric"),
        ([[1, 0, np.nan], [0, 1, 0], [np.nan, 0, 1]], (1, 1), ValueError, "NaN or infinite"),
        (np.eye(3) * 1j, (1, 1), TypeError, "holds complex128"),
        ([[1, 0, 1], [0, 1, 0], [1, 0, 1]], (1, 1), ValueError, "information is infinite"),
    ],
)
def test_covariances_that_are_refused(
    sigma: object, n: tuple[int, int], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        decompose_gaussian(sigma, *n)  # type: ignore[arg-type]


# From samples.


def test_many_samples_give_the_closed_form() -> None:
    sigma = linear_gaussian([1.0, 0.3], [0.5, 0.0], correlation=0.5)
    z = draw(sigma, 40_000)
    estimate = gaussian_pid(z[:, :2], z[:, 2:4], z[:, 4], n_bootstrap=0)
    assert estimate.atoms == pytest.approx(decompose_gaussian(sigma, 2, 2).atoms, abs=0.01)
    assert estimate.interval is None
    assert estimate.diagnostics["kurtosis"] == pytest.approx(0.0, abs=0.1)
    assert estimate.diagnostics["dimensions"] == 4


def test_the_bias_that_is_taken_off_is_the_bias() -> None:
    # 10 features that tell nothing: the informations of the sample covariance average to the bias.
    many = np.random.default_rng(0).normal(size=(500, 60, 11))
    centred = many - many.mean(axis=1, keepdims=True)
    mean = gaussian_informations(np.einsum("bni,bnj->bij", centred, centred), 4, 6).mean(axis=0)
    z = many[0]
    bias = gaussian_pid(z[:, :4], z[:, 4:10], z[:, 10], n_bootstrap=0).diagnostics["bias"]
    assert mean[2] == pytest.approx(bias, rel=0.06)
    assert mean[2] > 0.12


def test_the_estimate_is_not_biased_where_the_plug_in_is() -> None:
    sigma = linear_gaussian([1.0] + [0.0] * 9, [0.5] + [0.0] * 9)
    truth = decompose_gaussian(sigma, 10, 10)
    estimates, plugin = [], []
    for seed in range(60):
        z = draw(sigma, 120, seed)
        estimates.append(gaussian_pid(z[:, :10], z[:, 10:20], z[:, 20], n_bootstrap=0).atoms)
        plugin.append(decompose_gaussian(np.cov(z, rowvar=False), 10, 10).atoms)
    assert np.mean(estimates, axis=0) == pytest.approx(truth.atoms, abs=0.03)
    assert np.mean(plugin, axis=0)[3] > truth.synergy + 0.06


def test_intervals_cover() -> None:
    sigma = linear_gaussian([1.0, 0.0, 0.0], [0.5, 0.0, 0.0], correlation=0.5)
    truth = decompose_gaussian(sigma, 3, 3).atoms
    covered = []
    for seed in range(60):
        z = draw(sigma, 150, seed)
        estimate = gaussian_pid(z[:, :3], z[:, 3:6], z[:, 6], n_bootstrap=60, seed=seed)
        assert estimate.interval is not None
        lower, upper = estimate.interval["lower"], estimate.interval["upper"]
        assert list(estimate.interval.index) == ["R", "U1", "U2", "S"]
        covered.append((lower <= truth + 1e-9) & (truth - 1e-9 <= upper))
    coverage = np.mean(covered, axis=0)
    assert (coverage >= 0.86).all()
    assert coverage[3] < 1.0  # they are not simply wide


def test_torch_images_and_copies_of_features() -> None:
    z = draw(linear_gaussian([1.0] * 4, [0.5] * 4), 300)
    x1, x2, y = z[:, :4], z[:, 4:8], z[:, 8]
    plain = gaussian_pid(x1, x2, y, seed=3, n_bootstrap=20)
    shaped = gaussian_pid(
        torch.tensor(x1).reshape(-1, 1, 2, 2), torch.tensor(x2), torch.tensor(y), seed=3,
        n_bootstrap=20,
    )  # fmt: skip
    assert shaped.atoms == pytest.approx(plain.atoms, abs=1e-12)
    assert plain.interval is not None
    assert shaped.interval is not None
    np.testing.assert_allclose(shaped.interval, plain.interval, atol=1e-12)
    copied = gaussian_pid(np.hstack([x1, x1, np.ones((300, 1))]), x2, y, n_bootstrap=0)
    assert copied.atoms == pytest.approx(plain.atoms, abs=1e-9)


def test_the_seed_decides_the_interval_alone() -> None:
    z = draw(linear_gaussian([1.0], [0.5]), 100)
    state = np.random.get_state(legacy=False)["state"]["key"]  # noqa: NPY002
    first, same, other = (
        gaussian_pid(z[:, 0], z[:, 1], z[:, 2], n_bootstrap=10, seed=s) for s in (0, 0, 1)
    )
    assert first.interval is not None
    assert same.interval is not None
    assert other.interval is not None
    assert first.interval.equals(same.interval)
    assert not first.interval.equals(other.interval)
    np.testing.assert_array_equal(first.atoms, other.atoms)
    after = np.random.get_state(legacy=False)["state"]["key"]  # noqa: NPY002
    np.testing.assert_array_equal(state, after)


X = np.random.default_rng(0).normal(size=(50, 2))
Y = np.random.default_rng(1).normal(size=50)


@pytest.mark.parametrize(
    ("x1", "y", "message"),
    [
        (X[:40], Y, "rows: x1 40, x2 50, y 50"),
        (np.where(np.arange(50)[:, None] == 7, np.nan, X), Y, "NaN or infinite value in sample 7"),
        (X, np.where(np.arange(50) == 3, 2e16, Y), r"y has a value of size 2e\+16 in sample 3"),
        (X, np.ones(50), "y is the same for all samples"),
        (X, np.stack([Y, Y], axis=1), "y has 2 numbers a sample"),
        (X, X[:, 0] + 2 * X[:, 1], "linear function of the features"),
        (np.random.default_rng(2).normal(size=(50, 20)), Y, "50 samples are too few for 22"),
        (X.astype(str), Y, "expected real numbers"),
        (np.zeros((50, 0)), Y, r"x1 has shape \(50, 0\)"),
    ],
)
def test_samples_that_are_refused(x1: Array, y: Array, message: str) -> None:
    with pytest.raises(DataError, match=message):
        gaussian_pid(x1, X[:, ::-1] ** 3, y)
