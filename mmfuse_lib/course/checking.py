"""Instant answers: whether an exercise is solved, and what to ask oneself if it is not."""

from __future__ import annotations

from typing import Any

from mmfuse_lib.core.errors import UnknownNameError
from mmfuse_lib.course.registry import NotYet, exercises

RIGHT, NOT_YET = "Right.", "Not yet."


def check(name: str, answer: Any) -> bool:
    """Print and return whether the answer to an exercise is right.

    It never says what is right. It names what the answer lacks, an input on which it fails, or
    asks the question that belongs to the misconception it recognises.

    Parameters
    ----------
    name : str
        The exercise's label in the book, such as ``"ex-copies"``.
    answer : object
        What the exercise asks for: a number, an array, a word or a function.

    Returns
    -------
    bool
        Whether the answer is right.

    Raises
    ------
    UnknownNameError
        If no exercise of that name can be checked.
    NotImplementedError
        If the answer is a function that is not written yet.

    Examples
    --------
    >>> from mmfuse_lib.course import check
    >>> check("ex-mixture", [0.4, 0.3, 0.1, 0.2])
    Not yet. Does anybody who sees only the table know which kind a sample is?
    False
    """
    known = exercises()
    if name not in known:
        raise UnknownNameError("exercise", name, known)
    try:
        remark = known[name].judge(answer)
    except NotYet as said:
        print(f"{NOT_YET} {said}")
        return False
    print(f"{RIGHT} {remark}" if remark else RIGHT)
    return True
