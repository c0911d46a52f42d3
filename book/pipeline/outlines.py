"""Outlines of decks: `book/teaching/slides/NN.md`, read into slides.

An outline is Markdown. ``# Title`` opens it, ``## Heading`` opens a slide, ``Note:`` the words that
are spoken, up to the next heading. A line such as ``{figure} fig-gates`` pulls something out of the
chapter by its label, so that a deck shows what the book shows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .tree import BookError

KINDS = ("figure", "theorem", "equation", "quiz", "takeaways", "exit")
PULL = re.compile(r"^\{(\w+)\}(?:\s+(\S+))?\s*$")
HEADING = re.compile(r"^(#{1,2}) (.+?)\s*$")
NOTE = "Note:"
WORD = re.compile(r"\w[\w'.,-]*")
#: How fast notes are spoken, with the pauses that a room needs.
WORDS_PER_MINUTE = 110
#: Minutes for what is not spoken: axes are read, a proof goes on the board. Votes have their own.
LOOKING = {"figure": 1.0, "theorem": 3.0, "equation": 1.5, "takeaways": 1.5, "text": 0.75}


@dataclass(frozen=True)
class Pull:
    """Something to be pulled out of the chapter.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    label : str
        Its label; empty for takeaways and the exit question.
    line : int
        Where the outline asks for it.
    """

    kind: str
    label: str
    line: int


@dataclass(frozen=True)
class Slide:
    """One slide.

    Parameters
    ----------
    heading : str
        In Markdown.
    parts : tuple of (str or Pull)
        Text in Markdown, and what is pulled, in order.
    notes : str
        What is spoken.
    line : int
        Where it begins.
    """

    heading: str
    parts: tuple[str | Pull, ...]
    notes: str
    line: int

    @property
    def minutes(self) -> float:
        """How long it is shown, without votes."""
        kinds = [part.kind if isinstance(part, Pull) else "text" for part in self.parts]
        looking = sum(LOOKING.get(kind, 0) for kind in kinds)
        return len(WORD.findall(self.notes)) / WORDS_PER_MINUTE + looking


def read(path: Path) -> list[Slide]:
    """Read an outline; the first slide is the title.

    Raises
    ------
    BookError
        If it does not open with a title, something stands before the first heading, a slide has no
        notes, or a line pulls something of an unknown kind; with file and line.
    """
    slides: list[Slide] = []
    opened: tuple[str, int] | None = None
    body: list[tuple[int, str]] = []
    for number, line in enumerate([*path.read_text("utf8").splitlines(), "## end"], 1):
        if found := HEADING.match(line):
            if opened:
                slides.append(_slide(path, *opened, body))
            elif any(text.strip() for _, text in body) or found[1] != "#":
                raise BookError(f"{path}:{number}: an outline opens with '# Title'")
            opened, body = (found[2], number), []
        else:
            body.append((number, line))
    return slides


def _slide(path: Path, heading: str, start: int, body: list[tuple[int, str]]) -> Slide:
    at = next((i for i, (_, line) in enumerate(body) if line.strip() == NOTE), None)
    notes = "" if at is None else "\n".join(line for _, line in body[at + 1 :]).strip()
    if not notes:
        raise BookError(f"{path}:{start}: the slide '{heading}' has no notes (a line '{NOTE}')")
    parts: list[str | Pull] = []
    text: list[str] = []
    for number, line in body[:at]:
        pulled = PULL.match(line)
        if pulled is None:
            text.append(line)
            continue
        if pulled[1] not in KINDS:
            raise BookError(
                f"{path}:{number}: no kind {pulled[1]!r}; there are: {', '.join(KINDS)}"
            )
        parts += _text(text)
        parts.append(Pull(pulled[1], pulled[2] or "", number))
        text = []
    return Slide(heading, (*parts, *_text(text)), notes, start)


def _text(lines: list[str]) -> list[str | Pull]:
    text = "\n".join(lines).strip()
    return [text] if text else []
