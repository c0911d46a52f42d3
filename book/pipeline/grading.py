"""Grading by values: a submission gets inputs and returns numbers; what is right is known outside.

Whatever a submission changes, it changes in its own process. The comparison is made in this one.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from mmfuse_lib.course import misconceptions

from . import confinement
from .assignments import Assignment, Case, Question
from .confinement import Limits
from .tree import BookError, write_atomic

LARGEST = 20_000_000  # bytes of a notebook
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:44rem;padding:1rem;"
    "color:#1c1f23;background:#fff}table{border-collapse:collapse;width:100%}"
    "td,th{border-bottom:1px solid #d5d8dc;padding:.5rem .5rem .5rem 0;text-align:left;"
    "vertical-align:top}.ok{color:#0a6b3d}.no{color:#a3241a}"
    "@media(prefers-color-scheme:dark){body{color:#e3e5e8;background:#121212}"
    "td,th{border-color:#3a4049}.ok{color:#6ecf9c}.no{color:#ff9d91}}"
)


@dataclass(frozen=True)
class Mark:
    """How one question went.

    Parameters
    ----------
    question : Question
        What was asked.
    right : bool
        Whether all of its cases are right.
    remark : str
        What a student reads; never a value.
    """

    question: Question
    right: bool
    remark: str = ""

    @property
    def points(self) -> float:
        """What it earns."""
        return self.question.points if self.right else 0.0


@dataclass(frozen=True)
class Graded:
    """A graded submission.

    Parameters
    ----------
    student : str
        Whose.
    marks : tuple of Mark
        One a question.
    note : str
        What went wrong with the submission as a whole.
    """

    student: str
    marks: tuple[Mark, ...]
    note: str = ""

    @property
    def points(self) -> float:
        """What it earns in all."""
        return sum(mark.points for mark in self.marks)


def code_cells(path: Path) -> list[str]:
    """Return the code of a notebook, whatever else is wrong with it.

    Raises
    ------
    BookError
        If it is no notebook, or too large.
    """
    if path.stat().st_size > LARGEST:
        raise BookError(f"the notebook has more than {LARGEST // 1_000_000} MB")
    try:
        cells = json.loads(path.read_text("utf8"))["cells"]
        found = [
            "".join(cell.get("source", ""))
            for cell in cells
            if isinstance(cell, dict) and cell.get("cell_type") == "code"
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BookError("the file is not a notebook") from None
    return [_without_magics(code) for code in found]


def _without_magics(code: str) -> str:
    """Drop what only a notebook understands."""
    return "\n".join("" if line.lstrip()[:1] in ("%", "!") else line for line in code.split("\n"))


def grade(
    assignment: Assignment,
    path: Path,
    student: str,
    secret: bytes,
    *,
    hidden: Sequence[Path] = (),
    limits: Limits | None = None,
    unconfined: bool = False,
) -> Graded:
    """Grade one notebook.

    Parameters
    ----------
    assignment : Assignment
        What was to be done.
    path : Path
        The notebook.
    student : str
        Whose it is: her data and cases are made again from the name and the secret.
    secret : bytes
        The lecturer's secret.
    hidden : sequence of Path
        Folders that the submission must not see: where the secret and the others' work are.
    limits : Limits, optional
        What the submission may use.
    unconfined : bool
        Run it although this machine cannot confine it.
    """
    asked = assignment.cases(secret, student)
    try:
        cells = code_cells(path)
    except BookError as error:
        return Graded(student, tuple(Mark(q, False) for q in assignment.questions), str(error))
    with tempfile.TemporaryDirectory(prefix="grade-") as name:
        folder = Path(name)
        names = {question.id: question.name for question in assignment.questions}
        _write_request(folder, cells, names, asked)
        np.savez(folder / "data.npz", **assignment.data(secret, student))  # type: ignore[arg-type]
        said, why = confinement.run(folder, hidden, limits or Limits(), unconfined=unconfined)
    answers = _read_answers(said)
    failed = next(answers, {}).get("failed", [])
    marks = []
    for question in assignment.questions:
        given = [[next(answers, {}) for _ in case.calls] for case in asked[question.id]]
        marks.append(_mark(question, asked[question.id], given))
    notes = [why] if why else []
    notes += [str(line) for line in failed[:3]] if isinstance(failed, list) else []
    return Graded(student, tuple(marks), "; ".join(notes))


def _write_request(
    folder: Path, cells: list[str], names: dict[str, str], asked: dict[str, Sequence[Case]]
) -> None:
    calls: list[dict[str, Any]] = []
    inputs: dict[str, Any] = {}
    for question, cases in asked.items():
        for arguments in (arguments for case in cases for arguments in case.calls):
            given = None
            if arguments is not None:
                given = [f"a{len(inputs) + i}" for i in range(len(arguments))]
                inputs |= {k: np.asarray(v) for k, v in zip(given, arguments, strict=True)}
            calls.append({"name": names[question], "arguments": given})
    write_atomic(folder / "request.json", json.dumps({"cells": cells, "calls": calls}))
    np.savez(folder / "inputs.npz", **inputs)


def _read_answers(said: str) -> Iterator[dict[str, Any]]:
    for line in said.splitlines():
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = {}
        yield found if isinstance(found, dict) else {}


def _mark(question: Question, cases: Sequence[Case], given: list[list[dict[str, Any]]]) -> Mark:
    wrong = 0
    for case, answers in zip(cases, given, strict=True):
        for answer in answers:
            if "error" in answer:
                return Mark(question, False, f"{question.name}: {answer['error']}")
            if "value" not in answer:
                return Mark(question, False, "no answer came back")
        values = [answer["value"] for answer in answers]
        try:
            right = bool(case.right(values if case.many else values[0]))
        except Exception:  # whatever a submission returned
            right = False
        wrong += not right
    return Mark(question, wrong == 0, f"{wrong} of {len(cases)} cases are wrong" if wrong else "")


# Writing


def gradescope(graded: Graded) -> str:
    """Return `results.json` as Gradescope reads it."""
    tests = [
        {
            "name": mark.question.asks,
            "score": mark.points,
            "max_score": mark.question.points,
            "output": mark.remark or ("right" if mark.right else "not right"),
        }
        for mark in graded.marks
    ]
    return json.dumps({"output": graded.note, "visibility": "visible", "tests": tests}, indent=1)


def grades(assignment: Assignment, all_graded: Sequence[Graded]) -> str:
    """Return a table of grades that Canvas imports: a row a student."""
    total = sum(question.points for question in assignment.questions)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["SIS Login ID", f"{assignment.title} ({total:g} points)", "Note"])
    for graded in all_graded:
        rows.writerow([_harmless(graded.student), f"{graded.points:g}", _harmless(graded.note)])
    return text.getvalue()


def _harmless(text: str) -> str:
    """Keep a spreadsheet from taking text for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def feedback(assignment: Assignment, graded: Graded) -> str:
    """Return a page for a student: one file, which asks nobody for anything."""
    rows = "".join(
        f"<tr><td>{escape(mark.question.asks)}<br><small>{escape(mark.remark)}</small></td>"
        f'<td class="{"ok" if mark.right else "no"}">{mark.points:g} of {mark.question.points:g}'
        "</td></tr>"
        for mark in graded.marks
    )
    lost = {mark.question.id for mark in graded.marks if not mark.right}
    asked = [
        misconceptions()[mutant.misconception].question
        for mutant in assignment.mutants
        if mutant.misconception and set(mutant.loses) == lost
    ]
    hints = "".join(f"<li>{escape(question)}</li>" for question in dict.fromkeys(asked))
    ask = f"<h2>Ask yourself</h2><ul>{hints}</ul>" if hints else ""
    total = sum(question.points for question in assignment.questions)
    note = f"<p>{escape(graded.note)}</p>" if graded.note else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(assignment.title)}</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(assignment.title)}</h1><p>{escape(graded.student)}: "
        f"<strong>{graded.points:g} of {total:g}</strong> points by program. The page is marked by "
        f"a person.</p>{note}<table><thead><tr><th>Question</th><th>Points</th></tr></thead><tbody>"
        f"{rows}</tbody></table>{ask}</body></html>\n"
    )
