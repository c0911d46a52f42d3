"""BATCH on distributions whose decomposition is known."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mmfuse_lib import data
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.data.synthetic import gaussian_gates
from mmfuse_lib.information import GATES, decompose, noisy
from mmfuse_lib.information.estimators.batch import _Affinity, _couple, batch_pid, even_batches
from mmfuse_lib.information.estimators.estimate import Estimate

Array = NDArray[np.float64]
Sampled = tuple[Array, Array, NDArray[np.int64]]

QUICK = {"folds": 3, "hidden": 16, "classifier_steps": 150, "steps": 60, "device": "cpu"}


def draw(p: Array, n: int, seed: int = 0) -> tuple[Sampled, Array]:
    """Draw one-hot symbols from a table, and give the table of what was drawn."""
    cells = np.random.default_rng(seed).choice(p.size, size=n, p=p.ravel())
    s1, s2, y = np.unravel_index(cells, p.shape)
    empirical = np.zeros_like(p)
    np.add.at(empirical, (s1, s2, y), 1 / n)
    return (np.eye(p.shape[0])[s1], np.eye(p.shape[1])[s2], y), empirical


def quick(sampled: Sampled, **options: object) -> Estimate:
    return batch_pid(*sampled, **{**QUICK, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("gate", ["xor", "and", "redundant", "two_bit_copy", "redundant_xor"])
def test_gates(gate: str) -> None:
    sampled, empirical = draw(GATES[gate](), 900)
    found = quick(sampled)
    np.testing.assert_allclose(found.atoms, decompose(empirical).atoms, atol=0.02)
    assert found.measure == "broja"


def test_a_random_table() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(48)).reshape(4, 4, 3)
    sampled, _ = draw(p, 2000)
    found = quick(sampled, hidden=32, classifier_steps=300, steps=200)
    np.testing.assert_allclose(found.atoms, decompose(p).atoms, atol=0.03)
    assert 0 <= found.diagnostics["gap"] < 0.006


@pytest.mark.parametrize("gate", ["and", "redundant", "copy"])
def test_gaussian_noise(gate: str) -> None:
    train, _, _ = data.load("gaussian_gates", gate=gate, noise=0.5, dim=4, n_train=2000)
    found = quick((*(x.numpy() for x in train.inputs.values()), train.target.numpy()))  # type: ignore[arg-type]
    truth = gaussian_gates.truth(gate=gate, noise=0.5)
    np.testing.assert_allclose(found.atoms, truth.atoms, atol=0.04)


def test_the_networks_learn_the_coupling() -> None:
    """AND, without refinement: 0.31 bits, where independence given the label has 0.54."""
    sampled, empirical = draw(GATES["and"](), 900)
    exact = decompose(empirical)
    found = quick(sampled, refine_steps=0, steps=200)
    assert found.redundancy == pytest.approx(exact.redundancy, abs=0.01)


def test_refinement_lowers_what_was_learned() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(48)).reshape(4, 4, 3)
    found = quick(draw(p, 600)[0], steps=5).diagnostics
    assert found["least_information"] < found["learned_information"] - 1e-3


def test_identities() -> None:
    found = quick(draw(noisy(GATES["and"](), 0.1), 600)[0])
    d = found.diagnostics
    for unique, name in zip(found.unique, ("x1", "x2"), strict=True):
        told = d["label_entropy"] - d[f"cross_entropy_{name}"]
        assert found.redundancy + unique == pytest.approx(told, abs=1e-12)
    told = d["label_entropy"] - d["cross_entropy_joint"]
    assert found.total == pytest.approx(told, abs=1e-12)
    assert found.synergy == pytest.approx(told - d["least_information"], abs=1e-4)


def test_permuted_labels_tell_nothing() -> None:
    (x1, x2, y), _ = draw(GATES["two_bit_copy"](), 900)
    found = quick((x1, x2, np.random.default_rng(0).permutation(y)))
    assert np.abs(found.atoms).max() < 0.015


def test_the_interval_of_a_noisy_copy_by_hand() -> None:
    """A classifier that knows all tells log2 1.8 or log2 0.2: a standard deviation of 0.95."""
    sampled, _ = draw(noisy(GATES["copy"](), 0.1), 1000)
    found = quick(sampled)
    assert found.interval is not None
    assert list(found.interval.columns) == ["lower", "upper"]
    assert list(found.interval.index) == ["R", "U1", "U2", "S"]
    half = (found.interval["upper"] - found.interval["lower"]) / 2
    expected = 1.96 * 0.3 * np.log2(9) / np.sqrt(1000)
    assert half["U1"] == pytest.approx(expected, rel=0.1)
    middle = (found.interval["upper"] + found.interval["lower"]) / 2
    np.testing.assert_allclose(middle, found.atoms, atol=1e-12)


def test_more_batches_than_one() -> None:
    sampled, empirical = draw(noisy(GATES["redundant"](), 0.1), 1000)
    whole, parts = (quick(sampled, batch_size=n) for n in (1000, 150))
    assert parts.redundancy == pytest.approx(whole.redundancy, abs=0.01)
    assert parts.redundancy == pytest.approx(decompose(empirical).redundancy, abs=0.03)
    assert whole.interval is not None
    assert parts.interval is not None
    np.testing.assert_allclose(parts.interval, whole.interval, atol=0.01)


def test_potentials_of_all_batches_are_of_one_kind() -> None:
    """Those of x2 average to 0 in every class; what is left over is in those of x1."""
    rng = torch.Generator().manual_seed(0)
    scores = [torch.randn(3, 60, generator=rng).log_softmax(0) for _ in range(2)]
    prior = torch.zeros(3).log_softmax(0)
    found = _couple(_Affinity(3), scores, prior, 20, 20)
    for batch in even_batches(scores[1], prior, 20):
        p = scores[1][:, batch].exp().numpy().T
        average = (p * found.v[batch]).sum(axis=0) / p.sum(axis=0)
        np.testing.assert_allclose(average, 0, atol=1e-4)
    assert np.abs(found.v).max() > 0.1


def test_labels_may_be_any_integers_and_sources_torch() -> None:
    (x1, x2, y), _ = draw(GATES["two_bit_copy"](), 200)
    plain = quick((x1, x2, y))
    as_torch = batch_pid(
        torch.from_numpy(x1).reshape(-1, 2, 1),
        torch.from_numpy(x2),
        torch.from_numpy(7 * y - 3),
        **QUICK,  # type: ignore[arg-type]
    )
    np.testing.assert_array_equal(plain.atoms, as_torch.atoms)


def test_a_run_is_a_function_of_its_arguments() -> None:
    sampled, _ = draw(noisy(GATES["and"](), 0.1), 200)
    before = torch.random.get_rng_state()
    first, again, other = (
        quick(sampled, seed=seed, classifier_steps=40, steps=20) for seed in (0, 0, 1)
    )
    assert torch.equal(before, torch.random.get_rng_state())
    np.testing.assert_array_equal(first.atoms, again.atoms)
    assert (first.atoms != other.atoms).any()


def test_dealt_batches_by_hand() -> None:
    """In order of likeliest class and certainty: 3 5 | 1 4 0 2; dealt out in turn to two."""
    p = torch.tensor([0.3, 0.4, 0.1, 0.6, 0.35, 0.9])
    dealt = even_batches(torch.stack([p, 1 - p]).log(), torch.tensor([0.5, 0.5]).log(), 3)
    assert dealt.tolist() == [[3, 1, 0], [5, 4, 2]]


def test_batches_cover_all_samples() -> None:
    log_p = torch.randn(3, 101, generator=torch.Generator().manual_seed(0)).log_softmax(0)
    dealt = even_batches(log_p, torch.zeros(3).log_softmax(0), 25)
    assert dealt.shape == (5, 21)
    assert set(dealt.flatten().tolist()) == set(range(101))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x1": np.zeros((99, 2))}, "rows: x1 99, x2 100, y 100"),
        ({"x2": np.full((100, 2), np.nan)}, "x2 has a NaN"),
        ({"x2": np.full((100, 2), -1e200)}, r"x2 has a value of size 1e\+200 in sample 0"),
        ({"y": np.zeros(100, dtype=int)}, "two different labels"),
        ({"y": np.arange(100) // 99}, "rarest class has 1 samples"),
    ],
)
def test_data_that_is_refused(change: dict[str, Array], message: str) -> None:
    arrays = {"x1": np.zeros((100, 2)), "x2": np.zeros((100, 3)), "y": np.arange(100) % 2}
    with pytest.raises(DataError, match=message):
        batch_pid(**(arrays | change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options", [{"steps": 0}, {"refine_steps": -1}, {"batch_size": 1}, {"folds": 1}, {"hidden": 0}]
)
def test_numbers_that_are_refused(options: dict[str, int]) -> None:
    (name, number), *_ = options.items()
    with pytest.raises(ValueError, match=f"{name} is {number}: "):
        quick(draw(GATES["xor"](), 100)[0], **options)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_gpu() -> None:
    sampled, empirical = draw(noisy(GATES["and"](), 0.1), 900)
    found = quick(sampled, device="cuda")
    np.testing.assert_allclose(found.atoms, decompose(empirical).atoms, atol=0.03)
