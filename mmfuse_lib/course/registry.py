"""Exercises that can be checked: one function each, in `chapters`, which says when one is right."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.course.misconception import misconceptions

#: What looks at an answer: it returns a remark on a right one, or None, and raises `NotYet`.
Judge = Callable[[Any], str | None]


class NotYet(Exception):  # noqa: N818  # an answer on its way is no error
    """An answer is not right yet.

    Parameters
    ----------
    message : str
        What was seen, or a question; never the value. May be left out with a misconception.
    misconception : str, optional
        Id of what the answer amounts to: its question is asked.
    """

    def __init__(self, message: str = "", *, misconception: str = "") -> None:
        asked = misconceptions()[misconception].question if misconception else ""
        super().__init__(" ".join(part for part in (message, asked) if part))
        self.misconception = misconception


@dataclass(frozen=True)
class Exercise:
    """An exercise whose answer can be checked.

    Parameters
    ----------
    name : str
        Its label in the book, such as ``"ex-copies"``.
    asks : str
        What an answer is: "three numbers in bits: R, U1 and U2".
    arguments : str or None
        The parameters of the function that is asked for; None if a value is.
    judge : callable
        Looks at an answer.
    """

    name: str
    asks: str
    arguments: str | None
    judge: Judge

    @property
    def function(self) -> str:
        """What a student's function is called."""
        name = self.name.removeprefix("ex-").replace("-", "_")
        return f"{name}_" if keyword.iskeyword(name) else name

    @property
    def call(self) -> str:
        """How it is checked, with the answer by the name that the stub gives it."""
        answer = self.function if self.arguments is not None else f"{self.function}()"
        return f'check("{self.name}", {answer})'

    @property
    def line(self) -> str:
        """A line of Markdown that says how to check an answer."""
        given = f"where `answer` is {self.asks}"
        if self.arguments is not None:
            given = f"where `answer({self.arguments})` returns {self.asks}"
        return f'*Check it:* `check("{self.name}", answer)`, {given}.'

    @property
    def stub(self) -> str:
        """Python for a student to fill in."""
        return (
            f"def {self.function}({self.arguments or ''}):\n"
            f'    """Return {self.asks}."""\n'
            "    raise NotImplementedError\n\n\n"
            f"{self.call}"
        )


_KNOWN: dict[str, Exercise] = {}


def exercise(name: str, asks: str, arguments: str | None = None) -> Callable[[Judge], Judge]:
    """Register what looks at the answer to an exercise.

    Parameters
    ----------
    name : str
        The exercise's label in the book.
    asks : str
        What an answer is, as it follows "Return".
    arguments : str, optional
        The parameters of the function that is asked for; a value is asked for by default.

    Raises
    ------
    DataError
        If there is one of this name.
    """

    def register(judge: Judge) -> Judge:
        if name in _KNOWN:
            raise DataError(f"there are two checks of {name!r}")
        _KNOWN[name] = Exercise(name, asks, arguments, judge)
        return judge

    return register


@cache
def exercises() -> Mapping[str, Exercise]:
    """Return all exercises that can be checked, by name, in the order of the book.

    Examples
    --------
    >>> from mmfuse_lib.course import exercises
    >>> exercises()["ex-copies"].asks
    'three numbers in bits: R, U1 and U2'
    """
    package = import_module("mmfuse_lib.course.chapters")
    for module in sorted(iter_modules(package.__path__), key=lambda found: found.name):
        import_module(f"{package.__name__}.{module.name}")
    return MappingProxyType(_KNOWN)
