"""What an answer must be before it can be right: a number, a table, a function that returns one."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmfuse_lib.course.registry import NotYet

Array = NDArray[np.float64]


def array(answer: Any, *shape: int, what: str = "the answer") -> Array:
    """Return an answer as finite numbers of a shape (-1: any length), or say what it lacks.

    A tensor of torch will do, too, wherever it lies and whether or not it has a gradient.

    Raises
    ------
    NotYet
        If it is something else.
    """
    if answer is None or answer is Ellipsis:
        raise NotYet(f"There is no answer yet: {what} is {answer!r}.")
    if callable(answer):
        raise NotYet(f"{_sentence(what)} is a function; what it returns was expected.")
    if hasattr(answer, "detach"):
        answer = answer.detach().cpu()
    try:
        given = np.asarray(answer)
        if np.iscomplexobj(given):
            raise NotYet(f"{_sentence(what)} holds complex numbers; real ones were expected.")
        found = given.astype(float)
    except NotYet:
        raise
    except Exception:  # whatever another library's object raises when it is asked for numbers
        kind = type(answer).__name__
        raise NotYet(f"{_sentence(what)} is a {kind}; numbers were expected.") from None
    fits = found.ndim == len(shape) and all(
        wanted in (-1, size) for wanted, size in zip(shape, found.shape, strict=True)
    )
    if not fits:
        expected = f"shape {shape}".replace("-1", "any") if shape else "one number"
        raise NotYet(f"{_sentence(what)} has shape {found.shape}; expected {expected}.")
    if not found.size:
        raise NotYet(f"{_sentence(what)} is empty: its shape is {found.shape}.")
    if not np.isfinite(found).all():
        raise NotYet(f"{_sentence(what)} holds NaN or infinity; expected finite numbers.")
    return found


def number(answer: Any, what: str = "the answer") -> float:
    """Return an answer as a finite number, or say what it lacks."""
    return float(array(answer, what=what))


def table(answer: Any, *shape: int) -> Array:
    """Return an answer as a table of probabilities, or say what it lacks."""
    found = array(answer, *shape, what="the table")
    if found.min() < 0:
        raise NotYet("The table has a negative entry; expected probabilities.")
    if abs(found.sum() - 1) > 1e-6:
        raise NotYet("The entries of the table do not sum to 1.")
    return found


def choice(answer: Any, options: Sequence[str]) -> str:
    """Return an answer that is one of some words, or say which words there are."""
    words = ", ".join(map(repr, options))
    if not isinstance(answer, str):
        kind = type(answer).__name__
        raise NotYet(f"The answer is a {kind}; one of the words {words} was expected.")
    if answer not in options:
        raise NotYet(f"{reprlib.repr(answer)} is not one of {words}.")
    return str(answer)


def function(answer: Any) -> Callable[..., Any]:
    """Return an answer that can be called, or say that it cannot."""
    if not callable(answer):
        kind = type(answer).__name__
        raise NotYet(f"The answer is a {kind}; a function was expected, without brackets.")
    return answer  # type: ignore[no-any-return]


def returned(answer: Any, *inputs: Any, shown: str) -> Any:
    """Return what a student's function gives for some inputs.

    Parameters
    ----------
    answer : callable
        The function.
    *inputs : object
        What it is called with: copies, so that it cannot change them.
    shown : str
        What these inputs are, for the message.

    Raises
    ------
    NotYet
        If it raises an error, which is named.
    NotImplementedError
        If it is not written yet.
    """
    try:
        return function(answer)(*(np.copy(i) if isinstance(i, np.ndarray) else i for i in inputs))
    except NotImplementedError:
        raise
    except Exception as error:
        raise NotYet(f"For {shown} it raises {type(error).__name__}: {error}") from None


def same(
    found: ArrayLike,
    truth: ArrayLike,
    *,
    within: float = 1e-6,
    mistakes: Mapping[str, ArrayLike] | None = None,
    otherwise: str,
) -> None:
    """Raise `NotYet` unless an answer is within reach of the truth.

    Parameters
    ----------
    found, truth : array_like
        The answer and what is right, of one shape.
    within : float
        How far off each entry may be.
    mistakes : mapping of str to array_like, optional
        By id of a misconception, what it would give: its question is asked if that was found.
    otherwise : str
        What to say of an answer that is wrong in another way; never the value.
    """
    found = np.asarray(found, dtype=float)
    if np.abs(found - np.asarray(truth)).max() <= within:
        return
    for misconception, mistaken in (mistakes or {}).items():
        mistaken = np.asarray(mistaken, dtype=float)
        if mistaken.shape == found.shape and np.abs(found - mistaken).max() <= within:
            raise NotYet(misconception=misconception)
    raise NotYet(otherwise)


def letters(answer: Any, known: str) -> set[str]:
    """Return the letters of an answer such as ``"ac"``, each one of some that are known."""
    if not isinstance(answer, str):
        kind = type(answer).__name__
        raise NotYet(f'The answer is a {kind}; letters were expected, such as "{known[:2]}".')
    found = {letter for letter in answer.lower() if letter.isalpha()}
    if unknown := sorted(found - set(known)):
        raise NotYet(f"{unknown[0]!r} is none of the statements {', '.join(known)}.")
    return found


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
