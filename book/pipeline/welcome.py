"""The welcome page: its picture, the map of which chapter needs which, and how long paths take.

All is made from the chapters: what they need from the line that says so, and minutes from what
they say (`reading`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise

from . import chapters
from .chapters import Chapter
from .references import CHAPTERS
from .tree import BookError, Tree

#: What a chapter is about, in the words that fit into the map.
SHORT = (
    ("addition", "fails"), ("information", "in bits"), ("modality", "competition"),
    ("splitting", "information"), ("measuring", "from data"), ("one sample", "at a time"),
    ("DI-MML",), ("DMIL",), ("I2MoE",), ("explanations", "tested"), ("real data",),
    ("reproducing", "papers"), ("bring", "your own"), ("the GPU", "lab"),
    ("ask a", "finished model"),
)  # fmt: skip
NEEDS = re.compile(r"\*\*Needs:\*\*(.*?)\*\*Takes:\*\*", re.DOTALL)
PATH = re.compile(r"\{\{ (minutes(?:_\d\d)+) \}\}")
WIDTH, ROW, BOX_HEIGHT = 372, 84, 50
MOST = 4  # boxes in a row


def fields(tree: Tree, text: str) -> dict[str, str]:
    """Return what stands for the fields of the welcome page.

    Parameters
    ----------
    tree : Tree
        The repository.
    text : str
        The page. ``{{ minutes_01_02 }}`` is how long the essential paths of chapters 1 and 2 take.
    """
    if "{{ map }}" not in text:
        return {}
    read = list(chapters.read_chapters(tree))
    found = {
        "picture": (tree.book / "_static" / "welcome.svg").read_text("utf8").strip(),
        "map": drawn_map([(chapter.stem, chapter.title) for chapter in read], needs(read)),
    }
    minutes = {chapter.stem[:2]: int(chapter.minutes["essential"]) for chapter in read}
    for name in PATH.findall(text):
        parts = name.split("_")[1:]
        if lost := set(parts) - set(minutes):
            raise BookError(f"{{{{ {name} }}}}: there is no chapter {min(lost)}")
        found[name] = in_hours(sum(minutes[part] for part in parts))
    return found


def in_hours(minutes: int) -> str:
    """Return a time as it is said: ``45 minutes``, ``1 hour``, ``2 hours 20 minutes``."""
    hours, rest = divmod(minutes, 60)
    said = [f"{hours} hour{'s' * (hours > 1)}"] if hours else []
    return " ".join([*said, f"{rest} minutes"] if rest or not hours else said)


def needs(read: Sequence[Chapter]) -> dict[int, list[int]]:
    """Return the chapters that each chapter says it needs, by number or by title."""
    titles = {chapter.title: number for number, chapter in enumerate(read, 1)}
    found: dict[int, list[int]] = {}
    for number, chapter in enumerate(read, 1):
        text = " ".join(" ".join(c.source for c in chapter.notebook.cells[:4]).split())
        line = NEEDS.search(text)
        if line is None:
            raise BookError(f"{chapter.stem} does not say what it needs (**Needs:** .. **Takes:**)")
        named = {titles[title] for title in titles if f"*{title}*" in line[1]}
        for mention in re.findall(CHAPTERS, line[1]):
            named |= set(_numbers(mention))
        if late := [need for need in named if need >= number]:
            raise BookError(f"{chapter.stem} needs chapter {late[0]}, which comes later")
        found[number] = sorted(named)
    return found


def _numbers(mention: str) -> list[int]:
    """Return the numbers of "2, 3 and 5", and all from 7 to 9 of "7 to 9"."""
    numbers = [int(number) for number in re.findall(r"\d+", mention)]
    between = [word.strip() for word in re.split(r"\d+", mention)[1:-1]]
    for (first, last), word in zip(pairwise(list(numbers)), between, strict=True):
        if word == "to":
            numbers += range(first + 1, last)
    return sorted(numbers)


def drawn_map(pages: Sequence[tuple[str, str]], needed: dict[int, list[int]]) -> str:
    """Draw which chapter needs which, as SVG whose boxes are links.

    Parameters
    ----------
    pages : sequence of (str, str)
        File names, without suffix, and titles of the chapters.
    needed : dict
        What each chapter needs: chapters before it.
    """
    rows = _rows(needed)
    places = {
        number: (WIDTH * (at + 0.5) / len(row), ROW * level + BOX_HEIGHT / 2 + 2)
        for level, row in enumerate(rows)
        for at, number in enumerate(row)
    }
    arrows = "".join(
        _arrow(places[need], places[number])
        for number, direct in _direct(needed).items()
        for need in direct
    )
    boxes = "".join(_box(number, pages[number - 1], needed[number], places) for number in places)
    height = ROW * len(rows) - ROW + BOX_HEIGHT + 4
    return (
        f'<svg class="needs" viewBox="0 0 {WIDTH} {height}" role="group" '
        'aria-label="Which chapter needs which" font-family="system-ui, sans-serif" '
        'font-size="12.5" text-anchor="middle" fill="currentColor"><defs><marker id="needs-tip" '
        'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z"/></marker></defs>'
        '<g fill="none" stroke="currentColor" stroke-opacity="0.55" aria-hidden="true">'
        f"{arrows}</g>{boxes}</svg>"
    )


def _rows(needed: dict[int, list[int]]) -> list[list[int]]:
    """Put each chapter below all that it needs, at most four beside each other."""
    level: dict[int, int] = {}
    for number in sorted(needed):
        level[number] = max((level[need] + 1 for need in needed[number]), default=0)
        while sum(1 for other in level.values() if other == level[number]) > MOST:
            level[number] += 1
    return [
        [number for number in sorted(level) if level[number] == row]
        for row in range(max(level.values()) + 1)
    ]


def _direct(needed: dict[int, list[int]]) -> dict[int, list[int]]:
    """Leave out what a chapter needs anyway, since something else that it needs does."""
    behind: dict[int, set[int]] = {}
    for number in sorted(needed):
        behind[number] = set(needed[number]).union(*(behind[need] for need in needed[number]))
    return {
        number: [n for n in every if not any(n in behind[other] for other in every)]
        for number, every in needed.items()
    }


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = start, end
    y1, y2 = y1 + BOX_HEIGHT / 2, y2 - BOX_HEIGHT / 2
    middle = (y1 + y2) / 2
    path = f"M{x1:.0f} {y1:.0f}C{x1:.0f} {middle:.0f} {x2:.0f} {middle:.0f} {x2:.0f} {y2 - 1:.0f}"
    return f'<path d="{path}" marker-end="url(#needs-tip)"/>'


def _box(
    number: int,
    page: tuple[str, str],
    needed: Sequence[int],
    places: dict[int, tuple[float, float]],
) -> str:
    stem, title = page
    x, y = places[number]
    row = sum(1 for other in places.values() if other[1] == y)
    width = min(110.0, WIDTH / row - 6)
    lines = SHORT[number - 1] if number <= len(SHORT) else ()
    rest = f"; needs {_listed(needed)}" if needed else ""
    # A label has to contain what is seen, for those who speak to their computer.
    label = escape(f"{number} {' '.join(lines)}. Chapter {number}: {title}{rest}", quote=True)
    words = " ".join(
        f'<text x="{x:.0f}" y="{y + 3 + 14 * at - 7 * (len(lines) - 2):.0f}">{escape(line)}</text>'
        for at, line in enumerate(lines)
    )
    return (
        f'<a href="../notebooks/{stem}.html" aria-label="{label}"><rect x="{x - width / 2:.1f}" '
        f'y="{y - BOX_HEIGHT / 2:.0f}" width="{width:.1f}" height="{BOX_HEIGHT}" rx="7"/>'
        f'<text x="{x:.0f}" y="{y - 11:.0f}" font-weight="700">{number}</text> {words}</a>'
    )


def _listed(numbers: Iterable[int]) -> str:
    *first, last = map(str, numbers)
    word = "chapters" if first else "chapter"
    return f"{word} {', '.join(first)} and {last}" if first else f"{word} {last}"
