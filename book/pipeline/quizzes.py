"""Quizzes: what stands in a ``{quiz}`` directive, read once for pages, notebooks and slides."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent

from .myst import MystError

FEWEST, MOST = 2, 4
OPTION = re.compile(r"^\* \[( |x)\] (.*)$")
MISCONCEPTION = re.compile(r"^\(([a-z0-9-]+)\)(?:\s+|$)")
RIGHT, WRONG = "Right.", "Not yet."


@dataclass(frozen=True)
class Option:
    """One answer.

    Parameters
    ----------
    text : str
        What it says, in Markdown.
    reason : str
        Why it is right, or why not.
    right : bool
        Whether it is.
    misconception : str
        Id of the misconception that leads to it; empty if none does.
    """

    text: str
    reason: str
    right: bool
    misconception: str = ""

    @property
    def verdict(self) -> str:
        """The word that its reason opens with."""
        return RIGHT if self.right else WRONG


@dataclass(frozen=True)
class Quiz:
    """A question with options, of which one is right.

    Parameters
    ----------
    title : str
        A few words.
    label : str
        By which it can be pointed at.
    predict : bool
        Whether it is asked before the text answers it.
    question : str
        In Markdown.
    options : tuple of Option
        In the author's order.
    """

    title: str
    label: str
    predict: bool
    question: str
    options: tuple[Option, ...]

    @property
    def shown(self) -> list[Option]:
        """The options in the order in which they are shown, which does not give the answer away."""
        return sorted(
            self.options, key=lambda o: hashlib.sha256(f"{self.label} {o.text}".encode()).digest()
        )


def read(title: str, options: Mapping[str, str], body: str) -> Quiz:
    """Read the argument, the options and the body of a directive.

    Raises
    ------
    MystError
        If it has no title or label, not two to four options, not exactly one that is right, or an
        option without a reason.
    """
    label = options.get("label", "")
    if not title:
        raise MystError("a quiz needs a title: ```{quiz} A few words")
    if not label:
        raise MystError(f"the quiz {title!r} has no :label:")
    question, found = _split(body)
    if not question:
        raise MystError(f"{label}: no question stands before the options")
    if not FEWEST <= len(found) <= MOST:
        raise MystError(
            f"{label}: {len(found)} options, expected {FEWEST} to {MOST}, each '* [ ] text' or "
            "'* [x] text'"
        )
    read_options = tuple(_option(label, *parts) for parts in found)
    if (right := sum(option.right for option in read_options)) != 1:
        raise MystError(f"{label}: {right} options are right ('* [x] text'), expected exactly one")
    return Quiz(title, label, "predict" in options, question, read_options)


def _split(body: str) -> tuple[str, list[tuple[bool, list[str]]]]:
    """Return the question, and of each option whether it is right and its lines."""
    question: list[str] = []
    options: list[tuple[bool, list[str]]] = []
    for line in body.splitlines():
        if opened := OPTION.match(line):
            options.append((opened[1] == "x", [f"  {opened[2]}"]))
        elif options:
            options[-1][1].append(line)
        else:
            question.append(line)
    return "\n".join(question).strip(), options


def _option(label: str, right: bool, lines: list[str]) -> Option:
    text, _, reason = dedent("\n".join(lines)).strip().partition("\n\n")
    named = MISCONCEPTION.match(reason.strip())
    because = reason.strip()[named.end() if named else 0 :].strip()
    if not because:
        raise MystError(f"{label}: the option '{text}' has no reason (a paragraph below it)")
    if named and right:
        raise MystError(f"{label}: the right option names the misconception {named[1]}")
    return Option(" ".join(text.split()), because, right, named[1] if named else "")
