"""Asking a finished model: closed values on gates, sums that must hold, and what is refused."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mmfuse_lib import fit, methods
from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.explanations import (
    Coalitions,
    ask,
    emap,
    evaluate_explanations,
    explain,
    intershap,
    load_task,
)
from mmfuse_lib.explanations.posthoc.coalitions import nearest
from mmfuse_lib.explanations.posthoc.shapley import shapley

NAMES = ("a", "b", "c")


def cells(n: int, times: int = 8) -> MultimodalData:
    """All combinations of n bits, each as often."""
    bits = torch.tensor(list(product((0.0, 1.0), repeat=n)) * times)
    inputs = {name: bits[:, [m]] for m, name in enumerate(NAMES[:n])}
    return MultimodalData(inputs, torch.zeros(len(bits), dtype=torch.long))


def of_bits(function: Any) -> Any:
    """A model that is certain of a function of bits."""

    def predict(inputs: dict[str, Tensor]) -> Tensor:
        bits = [x[:, 0] for x in inputs.values()]
        return torch.nn.functional.one_hot(function(*bits).long(), 2).double()

    return predict


XOR = of_bits(lambda a, b: a != b)
AND = of_bits(lambda a, b: (a * b) > 0)
COPY = of_bits(lambda a, b: a > 0)


def test_values_of_the_gates_are_exact_with_likely_partners() -> None:
    data = cells(2)
    found = ask(AND, data, data, n_partners=16)
    bits = torch.cat(list(data.inputs.values()), dim=1).numpy()
    on = found.values[frozenset("a")][:, 1]
    assert on[bits[:, 0] == 0] == pytest.approx(0)
    assert on[bits[:, 0] == 1] == pytest.approx(0.5)
    assert found.values[frozenset()][:, 1] == pytest.approx(0.25)
    assert found.values[frozenset("ab")][:, 1] == pytest.approx(bits.prod(axis=1))
    assert found.rows == len(data) * (1 + 16 * 2) + len(data)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (XOR, {"R": 0, "U1": 0, "U2": 0, "S": 1}),
        (COPY, {"R": 0, "U1": 1, "U2": 0, "S": 0}),
    ],
)
def test_the_report_of_independent_bits(model: Any, expected: dict[str, float]) -> None:
    data = cells(2)
    report = explain(model, data, data, n_partners=16)
    for name, value in expected.items():
        assert report[name].to_numpy() == pytest.approx(value), name


def test_a_redundant_label_is_redundant_with_likely_partners_only() -> None:
    bits = torch.tensor([[0.0], [1.0]]).repeat(32, 1)
    data = MultimodalData({"a": bits, "b": bits.clone()}, torch.zeros(64, dtype=torch.long))
    both = of_bits(lambda a, b: (a * b) > 0)
    assert explain(both, data, data, n_partners=16)["R"].to_numpy() == pytest.approx(1)
    loose = explain(both, data, data, partners="any", n_partners=64, seed=1)["R"]
    assert loose.to_numpy()[bits[:, 0].numpy() == 1].mean() < 0.5


def test_three_modalities_have_five_columns_and_rows_that_sum_to_one() -> None:
    data = cells(3)
    parity = of_bits(lambda a, b, c: (a + b + c) % 2)
    report = explain(parity, data, data, n_partners=32)
    assert list(report) == ["R", "U1", "U2", "U3", "S"]
    assert report.sum(axis=1).to_numpy() == pytest.approx(1)
    assert report["S"].to_numpy() == pytest.approx(1)


def test_luck_is_taken_off_by_hand() -> None:
    data = cells(2)
    both = of_bits(lambda a, b: (a * b) > 0)
    report = explain(both, data, data, n_partners=16)
    ones = data.inputs["a"].bool().flatten() & data.inputs["b"].bool().flatten()
    # P(1) = 1/4. With one bit kept at 1, the decision 1 stays in 1/2: (1/2 - 1/4) / (3/4) = 1/3.
    assert report[ones.numpy()].to_numpy() == pytest.approx(
        np.tile([1 / 9, 2 / 9, 2 / 9, 4 / 9], (int(ones.sum()), 1))
    )
    # The decision 0, of which P is 3/4: a bit at 0 is certain, a bit at 1 is below luck.
    zeros = (data.inputs["a"] + data.inputs["b"] == 0).flatten()
    assert report[zeros.numpy()]["R"].to_numpy() == pytest.approx(1)


def test_a_constant_decision_needs_nobody() -> None:
    data = cells(2)
    always = of_bits(lambda a, b: a * 0)
    assert explain(always, data, data, n_partners=16)["R"].to_numpy() == pytest.approx(1)


@pytest.mark.parametrize(("model", "pair", "main"), [(XOR, 0.5, (0, 0)), (COPY, 0, (0.5, 0))])
def test_intershap_of_gates(model: Any, pair: float, main: tuple[float, float]) -> None:
    data = cells(2)
    found = intershap(ask(model, data, data, n_partners=16))
    assert found["a x b"].to_numpy() == pytest.approx(pair)
    assert found["a"].abs().to_numpy() == pytest.approx(main[0])
    assert found["b"].abs().to_numpy() == pytest.approx(main[1])
    assert found["share of interaction"].to_numpy() == pytest.approx(float(pair > 0))


@given(st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_effects_sum_to_what_the_model_gains(values: list[float]) -> None:
    subsets = [
        frozenset(n for n, bit in zip(NAMES, b, strict=True) if bit)
        for b in product((0, 1), repeat=3)
    ]
    found = Coalitions(
        NAMES, {s: np.array([[v, -1.0]]) for s, v in zip(subsets, values, strict=True)}, 0
    )
    effects = intershap(found).drop(columns="share of interaction")
    assert effects.sum(axis=1)[0] == pytest.approx(values[-1] - values[0])
    value = found.of_decision()
    assert sum(shapley(value, NAMES, n)[0] for n in NAMES) == pytest.approx(values[-1] - values[0])


def test_an_additive_model_has_no_interaction_and_is_its_own_projection() -> None:
    rng = torch.Generator().manual_seed(0)
    inputs = {n: torch.randn(60, 3, generator=rng) for n in ("a", "b")}
    data = MultimodalData(inputs, torch.zeros(60, dtype=torch.long))
    weights = torch.randn(2, 3, 4, generator=rng)

    def additive(x: dict[str, Tensor]) -> Tensor:
        return torch.tanh(x["a"]) @ weights[0] + x["b"].square() @ weights[1]

    found = emap(additive, data)
    assert found.rest == pytest.approx(0, abs=1e-5)
    assert found.agreement == 1
    everyone = intershap(ask(additive, data, data, n_partners=60, partners="likely"))
    assert everyone["a x b"].to_numpy() == pytest.approx(0, abs=1e-5)


def test_the_projection_of_xor_is_constant_and_its_rest_is_the_interaction() -> None:
    data = cells(2)
    found = emap(XOR, data)
    assert found.projected == pytest.approx(0.5)
    pair = intershap(ask(XOR, data, data, n_partners=16))["a x b"]
    assert found.rest == pytest.approx(np.sqrt(2) * pair.to_numpy())


def test_likely_partners_are_the_nearest_with_modalities_on_one_scale() -> None:
    ours = [torch.tensor([[0.0]]), torch.tensor([[0.0]])]
    theirs = [torch.tensor([[0.0], [1.0], [4.0]]), torch.tensor([[3000.0], [1000.0], [0.0]])]
    assert nearest(ours, theirs, 1).tolist() == [[1]]
    assert nearest([ours[0]], [theirs[0]], 2).tolist() == [[0, 1]]


def test_an_answer_does_not_depend_on_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    data = cells(2, times=5)
    whole = explain(AND, data, data, n_partners=7, partners="any", seed=3)
    monkeypatch.setattr("mmfuse_lib.explanations.posthoc.coalitions.ROWS", 10)
    assert explain(AND, data, data, n_partners=7, partners="any", seed=3).equals(whole)


def test_a_finished_model_explains_itself_on_digits() -> None:
    task = load_task("digits/balanced", seed=0)
    model = methods.JointFusion.for_data(task.train, dim=32, seed=0)
    fit(model, task.train, task.val, epochs=20, lr=2e-3, batch_size=64, seed=0, progress=False)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    report = explain(model, task.test, task.train)
    assert evaluate_explanations(report, task).metrics["auroc"] > 0.9
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"partners": "some"}, UnknownNameError, "kind of partners 'some'"),
        ({"n_partners": 0}, DataError, "from 1 to the 32 samples"),
        ({"n_partners": 33}, DataError, "from 1 to the 32 samples"),
    ],
)
def test_wrong_options_are_refused(options: Any, error: type[Exception], said: str) -> None:
    data = cells(2)
    with pytest.raises(error, match=said):
        explain(XOR, data, data, **options)


def test_what_cannot_be_asked_is_refused() -> None:
    data = cells(2)
    one = MultimodalData({"a": data.inputs["a"]}, data.target)
    with pytest.raises(DataError, match="two or more"):
        explain(XOR, one, one)
    with pytest.raises(DataError, match="the background has the modalities"):
        explain(XOR, data, cells(3))
    with pytest.raises(DataError, match="EMAP projects two modalities"):
        emap(XOR, cells(3))
    with pytest.raises(DataError, match="one output"):
        explain(lambda x: x["a"], data, data, n_partners=2)
    with pytest.raises(DataError, match="NaN"):
        explain(lambda x: x["a"].repeat(1, 2) / 0, data, data, n_partners=2)
    with pytest.raises(DataError, match=r"\(B, K\)"):
        explain(lambda x: x["a"][:, 0], data, data, n_partners=2)
