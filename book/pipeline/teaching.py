"""The teaching pages: what they say of chapters, quizzes, exercises and times is counted here."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from dataclasses import fields as names_of
from pathlib import Path

from mmfuse_lib.course.misconception import read as read_misconceptions

from . import chapters, myst, outlines
from .chapters import Chapter
from .tree import COMMAND, BookError, Tree, write_atomic

#: How far the notes of a deck may be from what the plan gives them, as a share.
TOLERANCE = 0.2

COPY = Path("mmfuse_lib/course/misconceptions.yml")
EXERCISE = re.compile(r"\*Level (\d) of 3 · (\d+) minutes · by (\w+)\*")
ROW = re.compile(r"^\| (\d+)\D(\d+) \| (.+?) \| (.+?) \|$", re.MULTILINE)
TITLE = re.compile(r"^# Session (\d+): (.+)$", re.MULTILINE)
VOTES = re.compile(r"\{\{ votes_(\d\d) \}\}")


@dataclass(frozen=True)
class Times:
    """How long a session takes, in minutes, and what of that was counted from which source."""

    session: int
    chapter: str
    read_essential: int
    read_everything: int
    lecture: int
    deck: int
    exercises: int
    exercise_minutes: int


@dataclass(frozen=True)
class Plan:
    """The plan of one session.

    Parameters
    ----------
    number : int
        Which session.
    title : str
        What it is about.
    rows : tuple of (int, int, str)
        From which minute to which, and what happens.
    """

    number: int
    title: str
    rows: tuple[tuple[int, int, str], ...]

    @property
    def lecture(self) -> int:
        """Minutes in which the lecturer speaks to slides."""
        return sum(end - start for start, end, what in self.rows if what.startswith("Lecture"))


def read_plan(path: Path) -> Plan:
    """Read a session's plan.

    Raises
    ------
    BookError
        If it has no title, or its minutes have a gap.
    """
    text = path.read_text("utf8")
    title = TITLE.search(text)
    if title is None or int(title[1]) != int(path.stem):
        raise BookError(f"{path} must open with '# Session {int(path.stem)}: what it is about'")
    rows = tuple((int(start), int(end), what) for start, end, what, _ in ROW.findall(text))
    ends = [0, *(end for _, end, _ in rows)]
    for (start, end, what), before in zip(rows, ends, strict=False):
        if start != before or end <= start:
            raise BookError(f"{path}: '{what}' is at {start} to {end}, but the plan is at {before}")
    if not rows:
        raise BookError(f"{path} has no row such as '| 0-10 | what happens | with what |'")
    return Plan(int(title[1]), title[2], rows)


def plans(tree: Tree) -> list[Plan]:
    """Read the plans of all sessions, in order."""
    return [read_plan(path) for path in sorted((tree.book / "teaching/sessions").glob("*.md"))]


def exercise_minutes(chapter: Chapter) -> list[int]:
    """Return the minutes that each exercise of a chapter states."""
    found = []
    for block in directives(chapter):
        if block.name in ("exercise", "exercise-start"):
            stated = EXERCISE.search(block.body)
            if stated is None:
                raise BookError(f"{chapter.stem}: {block.name_given} states no level and minutes")
            found.append(int(stated[2]))
    return found


def directives(chapter: Chapter) -> Iterator[myst.Directive]:
    """Yield the directives of a chapter's text."""
    for cell in chapter.notebook.cells:
        if cell.cell_type == "markdown":
            for block in myst.walk(cell.source):
                if isinstance(block, myst.Directive):
                    yield block


def times(tree: Tree) -> list[Times]:
    """Return the times of all sessions; session n is about chapter n."""
    read = list(chapters.read_chapters(tree))
    found = []
    for plan in plans(tree):
        chapter = read[plan.number - 1]
        outline = tree.book / f"teaching/slides/{plan.number:02d}.md"
        exercises = exercise_minutes(chapter)
        deck = sum(slide.minutes for slide in outlines.read(outline)) if outline.exists() else 0
        found.append(
            Times(
                plan.number,
                chapter.stem,
                int(chapter.minutes["essential"]),
                int(chapter.minutes["reading"]),
                plan.lecture,
                round(deck),
                len(exercises),
                sum(exercises),
            )
        )
    return found


def timings(tree: Tree) -> str:
    """Return `timings.csv`."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(field.name for field in names_of(Times))
    rows.writerows(astuple(row) for row in times(tree))
    return text.getvalue()


def made(tree: Tree) -> dict[Path, str]:
    """Return path and text of what is made from the sources: times, the library's misconceptions.

    The library has a copy, since an installed one has no book beside it.
    """
    teaching = tree.book / "teaching"
    if not teaching.exists():
        return {}
    return {
        teaching / "timings.csv": timings(tree),
        tree.root / COPY: (teaching / "misconceptions.yml").read_text("utf8"),
    }


def write(tree: Tree) -> list[Path]:
    """Write what is made from the sources, and return the paths."""
    texts = made(tree)
    for path, text in texts.items():
        write_atomic(path, text)
    return list(texts)


def check(tree: Tree) -> None:
    """Fail where something is not what the sources give."""
    for path, text in made(tree).items():
        if not path.exists() or path.read_text("utf8") != text:
            raise BookError(f"{path} is out of date; run: {COMMAND}")


def fields(tree: Tree, text: str) -> dict[str, str]:
    """Return what stands for the fields of a teaching page.

    Parameters
    ----------
    tree : Tree
        The repository.
    text : str
        The page. ``{{ votes_04 }}`` lists the quizzes of chapter 4, ``{{ sessions }}`` the
        sessions, ``{{ timings }}`` how long they take, ``{{ misconceptions }}`` what students say.
    """
    found = {}
    for number in VOTES.findall(text):
        stem = next(stem for stem in chapters.stems(tree) if stem.startswith(number))
        found[f"votes_{number}"] = votes(chapters.read_chapter(tree, stem))
    if "{{ sessions }}" in text:
        found["sessions"] = session_table(tree)
    if "{{ misconceptions }}" in text:
        found["misconceptions"] = questions(tree)
    if "{{ timings }}" in text:
        found["timings"] = timing_table(tree)
    return found


def votes(chapter: Chapter) -> str:
    """List a chapter's quizzes, each with a link."""
    quizzes = [block for block in directives(chapter) if block.name == "quiz"]
    lines = [
        f"* {'*Predict first:* ' if 'predict' in quiz.options else ''}"
        f"{{ref}}`{quiz.argument} <{quiz.name_given}>`"
        for quiz in quizzes
    ]
    return "\n".join(lines)


def questions(tree: Tree) -> str:
    """Write what students say, chapter by chapter, with what it amounts to and what to ask."""
    known = read_misconceptions(tree.book / "teaching" / "misconceptions.yml").values()
    parts = []
    for number, chapter in enumerate(chapters.read_chapters(tree), 1):
        if entries := [entry for entry in known if entry.chapter == number]:
            parts.append(f"## {chapter.title}\n\n(From chapter {number}.)\n")
            parts += [
                f"**“{entry.says}”**\n: {entry.computes}\n\n  *Ask:* {entry.question}\n"
                for entry in entries
            ]
    return "\n".join(parts)


def session_table(tree: Tree) -> str:
    """Write the table of sessions."""
    head = "| Week | Session | Chapter to read | Reading | Exercises |\n|--:|:--|:--|--:|--:|"
    rows = [
        f"| {(row.session + 1) // 2} "
        f"| [{row.session}. {plan.title}](sessions/{row.session:02d}.md) "
        f"| [](../../notebooks/{row.chapter}) | {row.read_essential} min "
        f"| {row.exercises}, {row.exercise_minutes} min |"
        for row, plan in zip(times(tree), plans(tree), strict=True)
    ]
    return "\n".join([head, *rows])


def timing_table(tree: Tree) -> str:
    """Write the table of times, in minutes."""
    head = (
        "| Session | Reading, essential | Reading, all | Lecture | Deck | Exercises |\n"
        "|--:|--:|--:|--:|--:|--:|"
    )
    rows = [
        f"| {row.session} | {row.read_essential} | {row.read_everything} | {row.lecture} "
        f"| {row.deck or 'no deck'} | {row.exercise_minutes} |"
        for row in times(tree)
    ]
    return "\n".join([head, *rows])
