"""What decisions use: informations and bounds against values worked out by hand."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.explanations import decompose_decisions, leave_out
from mmfuse_lib.explanations.posthoc.coalitions import Coalitions

BITS = np.array([(a, b) for a in (0, 1) for b in (0, 1)] * 50)
HALF = np.full((200, 2), 0.5)


def of_bits(rule: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Any:
    """Return an ideal model of two independent bits: the label, expected over what is left out."""
    a, b = BITS.T

    def answer(kept: Sequence[str]) -> np.ndarray:
        said = np.zeros((len(BITS), 2))
        for one in (0, 1) if "a" not in kept else (None,):
            for two in (0, 1) if "b" not in kept else (None,):
                y = rule(a if one is None else a * 0 + one, b if two is None else b * 0 + two)
                said += np.eye(2)[y]
        said /= said.sum(axis=1, keepdims=True)
        return said

    return answer


def tables(found: Coalitions, *arguments: Any, **options: Any) -> tuple[Any, Any]:
    """Return informations and atoms."""
    decided = decompose_decisions(found, *arguments, **options)
    return decided.informations, decided.atoms


AND_BITS = -(0.25 * np.log2(0.25) + 0.75 * np.log2(0.75))


@pytest.mark.parametrize(
    ("rule", "informations", "synergy"),
    [
        (lambda a, b: a ^ b, (0, 0, 1), (1, 1)),
        (lambda a, b: a, (1, 0, 1), (0, 0)),
        (lambda a, b: a & b, (AND_BITS - 0.5, AND_BITS - 0.5, AND_BITS), None),
    ],
)
def test_ideal_models_of_gates(
    rule: Any, informations: tuple[float, ...], synergy: tuple[float, float] | None
) -> None:
    labels = rule(*BITS.T)
    informations_found, atoms = tables(leave_out(of_bits(rule), ["a", "b"]), labels)
    for target in ("decision", "label"):  # an ideal model uses what the data hold
        assert informations_found.loc[target, "bits"].to_numpy() == pytest.approx(informations)
        if synergy:
            assert tuple(atoms.loc[(target, "S")]) == pytest.approx(synergy)
        control = informations_found.loc[target, "control"].to_numpy()
        assert (control < 0.1).all()
    first, second, both = informations
    least = max(0, both - first - second)
    assert atoms.loc[("decision", "S"), "least"] == pytest.approx(least)
    assert atoms.loc[("decision", "S"), "most"] == pytest.approx(both - max(first, second))


def test_what_is_used_and_what_is_held_part_where_a_model_errs() -> None:
    wrong = leave_out(of_bits(lambda a, b: 1 - a), ["a", "b"])
    found = tables(wrong, BITS[:, 0])[0]["bits"]
    assert found["decision", "a"] == pytest.approx(1)
    assert found["label", "a"] < -10  # sure, and wrong
    told, atoms = tables(leave_out(of_bits(lambda a, b: a), ["a", "b"]), BITS.sum(1) % 2)
    assert atoms.loc[("decision", "U1")].tolist() == pytest.approx([1, 1])
    assert told.loc[("label", "a + b"), "bits"] < 0


def test_intervals_hold_the_estimate_and_seeds_repeat() -> None:
    rng = np.random.default_rng(0)
    noisy = {frozenset(kept): rng.dirichlet([1, 1, 1], size=100) for kept in ((), "a", "b", "ab")}
    found = Coalitions(("a", "b"), noisy, rows=0)
    one, two = (tables(found, seed=3)[0] for _ in range(2))
    assert (one["low"] < one["bits"]).all()
    assert (one["bits"] < one["high"]).all()
    assert one.equals(two)


@given(st.lists(st.floats(0, 2), min_size=3, max_size=3))
def test_bounds_hold_what_three_informations_allow(values: list[float]) -> None:
    from mmfuse_lib.explanations.decisions import _bounds

    first, second, both = values
    low, high = np.array(_bounds(first, second, max(both, first, second))).T
    assert (low >= -1e-12).all()
    assert (low <= high + 1e-12).all()
    for r in (low[0], high[0]):  # at either end of R the equations of chapter 4 hold
        atoms = r, first - r, second - r, max(both, first, second) - first - second + r
        assert min(atoms) >= -1e-9
        assert sum(atoms) == pytest.approx(max(both, first, second))


def test_three_modalities_have_informations_and_no_atoms() -> None:
    found = decompose_decisions(leave_out(lambda kept: HALF, ["a", "b", "c"]))
    assert len(found.informations) == 7
    assert found.atoms.empty


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda kept: HALF * 2, "no probabilities"),
        (lambda kept: HALF[:, :1], "K > 1"),
        (lambda kept: np.full((200, 2), np.nan), "no probabilities"),
        (lambda kept: HALF[: 100 + len(kept)], "different shapes"),
    ],
)
def test_bad_answers_are_named(answer: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        leave_out(answer, ["a", "b"])


@pytest.mark.parametrize("names", [["a"], ["a", "a"]])
def test_bad_names_are_named(names: list[str]) -> None:
    with pytest.raises(DataError, match="two or more modalities"):
        leave_out(lambda kept: HALF, names)


@pytest.mark.parametrize("target", [[0, 1], [0.5] * 200, [2] * 200, [-1] * 200])
def test_bad_labels_are_named(target: list[Any]) -> None:
    with pytest.raises(DataError, match="labels must be 200 whole numbers from 0 to 1"):
        decompose_decisions(leave_out(lambda kept: HALF, ["a", "b"]), target)


def test_too_few_samples_have_no_interval() -> None:
    with pytest.raises(DataError, match="10 samples are too few"):
        decompose_decisions(leave_out(lambda kept: HALF[:10], ["a", "b"]))
