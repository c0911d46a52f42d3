"""LSMI against numbers by hand, against exact densities, and against nothing to find."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data.synthetic.gaussian_gates import pointwise_truth
from mmfuse_lib.information import published_adjustment
from mmfuse_lib.information.estimators import lsmi
from mmfuse_lib.information.estimators.crossfit import Split
from mmfuse_lib.information.estimators.density import HeldOutDensity
from mmfuse_lib.information.estimators.estimate import Estimate
from mmfuse_lib.information.estimators.lsmi import lsmi_pid
from tests.support import leaves_no_random_trace

Array = NDArray[np.float64]
ATOMS = ["R", "U1", "U2", "S"]

#: Enough for the tolerances below, and fast.
QUICK: dict[str, Any] = {"networks": 1, "steps": 200, "n_bootstrap": 100}

#: Enough to tell whether two runs are the same.
HASTY: dict[str, Any] = {"networks": 1, "steps": 20, "n_bootstrap": 0}


def gate(name: str, n: int = 800) -> tuple[Array, Array, NDArray[np.int64], pd.DataFrame]:
    """Noisy features of a gate, labels, and the exact atoms of every sample."""
    train, _, _ = data.load("gaussian_gates", seed=0, gate=name, noise=0.5, dim=2, n_train=n)
    x1, x2 = (x.double().numpy() for x in train.inputs.values())
    return x1, x2, train.target.numpy(), pointwise_truth(train)


def noise(n: int, d: int, seed: int) -> Array:
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.fixture(scope="module")
def copied() -> tuple[Estimate, pd.DataFrame]:
    """Y is the bit of x1: the estimate and the exact atoms."""
    *samples, exact = gate("copy")
    return lsmi_pid(*samples, **QUICK), exact


def test_and_gate_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    # Four equally likely samples, h = 1 bit each; H(Y) = 2 - 0.75 log2 3. By hand, in bits:
    # (0,0) -> 0: i1 = i2 = i12 = log2 4/3 = a,              r = 1 - (1 - a) = a
    # (0,1) -> 0: i1 = i12 = a, i2 = log2 2/3 = a - 1,       r = 1 - (1 - a) = a
    # (1,1) -> 1: i1 = i2 = log2 2 = 1, i12 = log2 4 = 2,    r = 1 - 0 = 1
    bits = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]).repeat(5, axis=0)
    y = bits[:, 0] & bits[:, 1]

    def exact_log_p(x: Tensor, *_: object, **__: object) -> Tensor:
        shown = x > 0
        p1 = torch.where(shown, 0.5, 0.0)[:, 0] if x.shape[1] == 1 else shown.all(dim=1).float()
        return torch.stack([1 - p1, p1], dim=1).log()

    # Densities in other units: of x1 twice, of x2 three times as large. It must not matter.
    units = iter([2.0, 3.0])

    def one_bit(x: Tensor, split: Split, **_: object) -> HeldOutDensity:
        return HeldOutDensity(torch.full((len(x),), next(units) / 2).log(), torch.zeros(len(x)))

    monkeypatch.setattr(lsmi, "cross_fit", exact_log_p)
    monkeypatch.setattr(lsmi, "cross_fit_density", one_bit)
    found = lsmi_pid(bits[:, 0], bits[:, 1], y)
    a = np.log2(4 / 3)
    by_hand = [[a, 0, 0, 0], [a, 0, -1, 1], [a, -1, 0, 1], [1, 0, 0, 1]]
    assert found.per_sample is not None
    np.testing.assert_allclose(found.per_sample, np.repeat(by_hand, 5, axis=0), atol=1e-6)
    assert found.atoms == pytest.approx([0.25 + 0.75 * a, -0.25, -0.25, 0.75], abs=1e-6)
    assert found.measure == "pointwise"
    expected = {
        "label_entropy": 2 - 0.75 * np.log2(3),
        "cross_entropy_x1": 0.5,
        "cross_entropy_x2": 0.5,
        "cross_entropy_joint": 0.0,
        "log_density_x1": 0.0,
        "log_density_x2": np.log2(3) - 1,
        "gaussian_log_density_x1": 0.0,
        "gaussian_log_density_x2": 0.0,
        "lowest_redundancy": (a + 2 * (a - 1) + 1) / 4,
        "highest_redundancy": (3 * a + 1) / 4,
    }
    assert dict(found.diagnostics) == pytest.approx(expected, abs=1e-6)


def test_surprise_is_measured_from_the_median_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    # x1 is y and x2 knows nothing: i1 = i12 = 1 and i2 = 0. The surprises of x1 are d bits above
    # their median, those of x2 are all the same. r = max(1 - d if d > 0 else 1, d if d < 0 else 0):
    # d -2 -> 1, -0.25 -> 1, 0 -> 1, 0.25 -> 0.75, 30 -> 0. The mean of d, 5.6, plays no part.
    d = np.array([-2, -0.25, 0, 0.25, 30])
    y = np.repeat([0, 1], 5)

    def exact_log_p(x: Tensor, *_: object, **__: object) -> Tensor:
        p = torch.full((len(x), 2), 0.5)
        if x.shape[1] != 2:  # x1, or both
            p[torch.arange(len(x)), torch.from_numpy(y)] = 1
            p[torch.arange(len(x)), torch.from_numpy(1 - y)] = 0
        return p.log()

    surprises = iter([np.tile(d, 2) + 12, np.full(10, -7.0)])  # any unit will do

    def known(x: Tensor, split: Split, **_: object) -> HeldOutDensity:
        return HeldOutDensity(torch.from_numpy(-next(surprises) * np.log(2)), torch.zeros(len(x)))

    monkeypatch.setattr(lsmi, "cross_fit", exact_log_p)
    monkeypatch.setattr(lsmi, "cross_fit_density", known)
    found = lsmi_pid(y, noise(10, 2, seed=0), y, n_bootstrap=0)
    assert found.per_sample is not None
    np.testing.assert_allclose(found.per_sample["R"], np.tile([1, 1, 1, 0.75, 0], 2), atol=1e-6)
    assert found.atoms == pytest.approx([0.75, 0.25, -0.75, 0.75], abs=1e-6)


@pytest.mark.parametrize("name", ["xor", "redundant", "and"])
def test_gates_are_recovered(name: str) -> None:
    x1, x2, y, exact = gate(name)
    found = lsmi_pid(x1, x2, y, **QUICK)
    assert found.atoms == pytest.approx(exact.mean().to_numpy(), abs=0.05)
    assert found.per_sample is not None
    assert np.corrcoef(found.per_sample["S"], exact["S"])[0, 1] > 0.75


def test_a_copy_is_as_redundant_as_the_definition_says(
    copied: tuple[Estimate, pd.DataFrame],
) -> None:
    found, exact = copied
    assert exact["R"].mean() > 0.5  # where other definitions have R = 0, U1 = I(X1;Y) and U2 = 0
    assert found.atoms == pytest.approx(exact.mean().to_numpy(), abs=0.04)
    assert found.per_sample is not None
    for atom in ATOMS:
        assert np.corrcoef(found.per_sample[atom], exact[atom])[0, 1] > 0.85


def test_atoms_add_up_to_held_out_informations(copied: tuple[Estimate, pd.DataFrame]) -> None:
    found, d = copied[0], copied[0].diagnostics
    informations = [found.redundancy + found.unique[0], found.redundancy + found.unique[1]]
    for value, name in zip([*informations, found.total], ("x1", "x2", "joint"), strict=True):
        assert value == pytest.approx(d["label_entropy"] - d[f"cross_entropy_{name}"], abs=1e-6)
    assert d["lowest_redundancy"] <= found.redundancy <= d["highest_redundancy"]
    assert d["log_density_x1"] > d["gaussian_log_density_x1"] + 0.1  # two clusters, noise 0.5


def test_interval_is_that_of_a_mean(copied: tuple[Estimate, pd.DataFrame]) -> None:
    found = copied[0]
    assert found.interval is not None
    assert found.per_sample is not None
    assert list(found.interval.index) == list(found.per_sample.columns) == ATOMS
    np.testing.assert_allclose(found.per_sample.mean(), found.atoms, atol=1e-12)
    error = 1.96 * found.per_sample.std().to_numpy() / np.sqrt(len(found.per_sample))
    np.testing.assert_allclose(found.interval["lower"], found.atoms - error, atol=0.3 * error.max())
    np.testing.assert_allclose(found.interval["upper"], found.atoms + error, atol=0.3 * error.max())


def test_permuted_labels_have_nothing_to_tell() -> None:
    x1, x2, y, _ = gate("and")
    permuted = np.random.default_rng(0).permutation(y)
    found = lsmi_pid(x1, x2, permuted, **QUICK)
    assert -0.05 < found.total < 0.015
    assert np.abs(found.atoms).max() < 0.05


def test_linear_maps_and_constant_features_do_not_matter() -> None:
    x1, x2, y, _ = gate("copy")
    plain = lsmi_pid(x1, x2, y, **QUICK)
    mapped = np.insert(x1 @ np.array([[100.0, 20.0], [-30.0, 50.0]]) + 5, 1, 3.0, axis=1)
    moved = lsmi_pid(mapped, 0.01 * x2, y, **QUICK)
    assert plain.atoms == pytest.approx(moved.atoms, abs=0.03)


def test_one_impossible_sample_does_not_decide_for_all_others() -> None:
    # A pixel that is lit once: most densities have never seen it lit.
    x1, x2, y, exact = gate("copy")
    lit = np.zeros((len(y), 1))
    lit[7] = 1.0
    found = lsmi_pid(np.hstack([x1, lit]), x2, y, **QUICK)
    assert found.diagnostics["log_density_x1"] < -1_000  # on average, because of that one
    assert found.atoms == pytest.approx(exact.mean().to_numpy(), abs=0.04)


def test_features_of_noise_do_matter() -> None:
    # The weakness that the docstring names: R of a copy tends to (I(X1;Y) + I(X2;Y)) / 2.
    x1, x2, y, exact = gate("copy")
    found = lsmi_pid(np.hstack([x1, noise(len(y), 40, seed=1)]), x2, y, **QUICK)
    half = (found.redundancy + found.unique[0]) / 2
    assert found.redundancy == pytest.approx(half, abs=0.06)
    assert exact["R"].mean() > found.redundancy + 0.1


def test_labels_are_names_and_tensors_will_do() -> None:
    x1, x2, y, _ = gate("xor", n=100)
    one = lsmi_pid(x1, x2, y, **HASTY)
    other = lsmi_pid(torch.from_numpy(x1)[:, None], torch.from_numpy(x2), 7 * y - 3, **HASTY)
    np.testing.assert_array_equal(one.atoms, other.atoms)
    assert one.interval is None


def test_the_seed_decides_and_leaves_no_trace() -> None:
    x1, x2, y, _ = gate("xor", n=100)

    def atoms(seed: int) -> Array:
        return lsmi_pid(x1, x2, y, seed=seed, **HASTY).atoms

    np.testing.assert_array_equal(atoms(0), atoms(0))
    assert not np.array_equal(atoms(0), atoms(1))
    assert leaves_no_random_trace(lambda: atoms(0))


def test_the_published_adjustment_moves_all_samples_and_every_resample(
    copied: tuple[Estimate, pd.DataFrame],
) -> None:
    as_they_are = copied[0]
    assert as_they_are.unique[1] < -0.3
    *samples, _ = gate("copy")
    found = lsmi_pid(*samples, adjust="published", **QUICK)
    assert found.unique[1] == pytest.approx(0, abs=1e-12)
    assert as_they_are.per_sample is not None
    assert found.per_sample is not None
    moved = published_adjustment(as_they_are.per_sample.to_numpy())
    np.testing.assert_allclose(found.per_sample.to_numpy(), moved, atol=1e-12)
    assert found.atoms == pytest.approx(
        as_they_are.atoms + as_they_are.unique[1] * np.array([1, -1, -1, 1])
    )
    assert found.interval is not None
    assert found.interval["upper"]["U2"] == pytest.approx(0, abs=1e-12)
    lower, upper = found.interval["lower"]["U1"], found.interval["upper"]["U1"]
    assert lower < found.unique[0] < upper
    with pytest.raises(UnknownNameError, match="unknown adjustment 'publish'"):
        lsmi_pid(*samples, adjust="publish", **HASTY)


X, Y = noise(20, 2, seed=0), np.arange(20) % 2


@pytest.mark.parametrize(
    ("x1", "x2", "y", "message"),
    [
        (X, X[:-1], Y, "x1 20, x2 19, y 20"),
        (np.full_like(X, np.nan), X, Y, "x1 has a NaN"),
        (np.where(X < 0, X, -1e200), X, Y, r"x1 has a value of size 1e\+200 in sample 0"),
        (X, np.ones_like(X), Y, "x2 is the same for all samples"),
        (X, X, np.zeros(20, dtype=int), "at least two different labels"),
        (X, X, (np.arange(20) < 3).astype(int), "rarest class has 3 samples"),
    ],
)
def test_unusable_data_are_refused(x1: Array, x2: Array, y: Array, message: str) -> None:
    with pytest.raises(DataError, match=message):
        lsmi_pid(x1, x2, y)


@pytest.mark.parametrize(
    ("name", "value"),
    [("folds", 1), ("networks", 0), ("hidden", 0), ("steps", 0), ("n_bootstrap", -1)],
)
def test_numbers_out_of_range_are_refused(name: str, value: int) -> None:
    changed: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        lsmi_pid(X, X, Y, **changed)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu() -> None:
    x1, x2, y, exact = gate("xor")
    found = lsmi_pid(x1, x2, y, device="cuda", **QUICK)
    assert found.atoms == pytest.approx(exact.mean().to_numpy(), abs=0.05)
