"""Instant answers: right ones pass, wrong ones are met with a question, and no value is told."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmfuse_lib.core.errors import DataError, UnknownNameError
from mmfuse_lib.course import check, exercise, exercises, misconceptions

from .answers import MISTAKEN, RIGHT, WRONG

NUMBER = re.compile(r"-?\d+\.\d+|-?\d+")
#: Many answers are right: what is said of the student's own may be said.
OWN = {"ex-three-of-four", "ex-half", "ex-vacuous", "ex-rival"}
TRIVIAL = {0.0, 1.0, 2.0}


def test_every_check_has_a_right_and_a_wrong_answer() -> None:
    assert set(RIGHT) == set(exercises())
    assert {name for name, _, _ in WRONG} == set(exercises())


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_is_right(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(name, RIGHT[name])
    assert capsys.readouterr().out.startswith("Right.")


@pytest.mark.parametrize(("name", "answer", "misconception"), MISTAKEN)
def test_a_misconception_is_recognised(
    name: str, answer: Any, misconception: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not check(name, answer)
    assert capsys.readouterr().out == f"Not yet. {misconceptions()[misconception].question}\n"


@pytest.mark.parametrize(("name", "answer", "said"), WRONG)
def test_a_wrong_answer_is_met_with_a_reason(
    name: str, answer: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not check(name, answer)
    out = capsys.readouterr().out
    assert out.startswith("Not yet. ")
    assert said in out


def secrets(name: str) -> set[float]:
    """Return the numbers that are right, as far as they are no numbers that were given."""
    right = RIGHT[name]
    if not callable(right):
        return {float(v) for v in np.ravel(right)} - TRIVIAL
    returned, given = set[float](), set(TRIVIAL)

    def recording(*inputs: Any) -> Any:
        numbers = [np.ravel(x) for x in inputs if x is not None]
        given.update(float(v) for v in np.concatenate(numbers))
        found = right(*inputs)
        returned.update(float(v) for v in np.ravel(found))
        return found

    check(name, recording)
    return returned - given


@pytest.mark.parametrize(
    ("name", "answer"),
    [(n, a) for n, a, _ in [*WRONG, *MISTAKEN] if n not in OWN and not isinstance(RIGHT[n], str)],
)
def test_no_message_holds_the_value(
    name: str, answer: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = secrets(name)
    capsys.readouterr()
    check(name, answer)
    told = [float(found) for found in NUMBER.findall(capsys.readouterr().out)]
    assert not [value for value in told if any(abs(value - s) < 1e-3 for s in secret)]


def test_a_check_that_tells_the_value_would_be_found() -> None:
    assert secrets("ex-copies") >= {RIGHT["ex-copies"][0]}
    assert len(secrets("ex-witnesses")) >= 4


class Unreadable:
    """What raises an error of its own when it is asked for numbers, as a tensor on a GPU does."""

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise RuntimeError("no numbers here")


NONSENSE: dict[str, Any] = {
    "nothing": None, "dots": ..., "no text": "", "text": "nonsense", "no list": [],
    "ragged": [[1], [2, 3]], "not a number": float("nan"), "huge": 1e9, "a dictionary": {"a": 1},
    "an array of nan": np.full((2, 2, 2), np.nan), "an empty array": np.zeros((3, 0)),
    "a function without arguments": lambda: None, "a function of nothing": lambda *a: None,
    "a function of text": lambda *a: "x", "a function that fails": lambda *a: 1 / 0,
    "an empty table": np.zeros((0, 2, 2)), "too large for a number": 10**400,
    "complex": np.array([1j, 2, 3]), "an object": Unreadable(), "a class": Unreadable,
    "a function of arrays": lambda *a: np.array([1, 2, 3]),
    "a function of objects": lambda *a: Unreadable(),
    "a large table": np.full((9, 9, 9), 1 / 729),
}  # fmt: skip


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_is_met_with_a_message(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name in exercises():
        assert not check(name, NONSENSE[kind]), name
        out = capsys.readouterr().out
        assert re.fullmatch(r"Not yet\. .{10,300}\n", out), (name, out)


@given(st.lists(st.floats(-10, 10), min_size=3, max_size=3))
def test_only_the_right_numbers_are_right(values: list[float]) -> None:
    near = np.abs(np.array(values) - RIGHT["ex-copies"]).max() <= 2e-3
    assert check("ex-copies", values) == near


def test_a_tensor_with_a_gradient_is_an_array_of_numbers() -> None:
    assert check("ex-copies", torch.tensor(RIGHT["ex-copies"], requires_grad=True))


def test_a_stub_is_not_written_yet() -> None:
    def stub(*arguments: object) -> None:
        raise NotImplementedError

    for name, found in exercises().items():
        if found.arguments is not None:
            with pytest.raises(NotImplementedError):
                check(name, stub)


def test_a_function_cannot_change_what_it_is_checked_on() -> None:
    def spoiling(p: Any) -> Any:
        right = RIGHT["ex-within"](p)
        p[:] = 0
        return right

    assert check("ex-within", spoiling)


def test_an_unknown_exercise_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'ex-copies'"):
        check("ex-copy", 1)


def test_an_exercise_is_registered_once() -> None:
    with pytest.raises(DataError, match="two checks of 'ex-copies'"):
        exercise("ex-copies", "anything")(lambda answer: None)


def test_checks_need_no_torch() -> None:
    code = (
        "import sys\nfrom mmfuse_lib.course import check\n"
        "assert not check('ex-copies', [0, 0, 0])\nassert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
