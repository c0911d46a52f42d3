"""Grading by values: a submission gets inputs and returns numbers; what is right is known outside.

Whatever a submission changes, it changes in its own process. The comparison is made in this one.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from mmfuse_lib.course import misconceptions

from . import confinement
from .assignments import FIRST_FILE, Assignment, Case, Data, Question, save
from .confinement import Limits
from .tree import BookError, write_atomic

LARGEST = 20_000_000  # bytes of a notebook
LONGEST = 300  # characters of what a submission says
PREDICTION = "prediction"  # the question that an earlier notebook answers
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:44rem;padding:1rem;"
    "overflow-wrap:anywhere;"
    "color:#1c1f23;background:#fff}table{border-collapse:collapse;width:100%}"
    "td,th{border-bottom:1px solid #d5d8dc;padding:.5rem .5rem .5rem 0;text-align:left;"
    "vertical-align:top}td:last-child,th:last-child{white-space:nowrap;width:4.5rem}.ok{color:#0a6b3d}.no{color:#a3241a}"
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
    recognised : tuple of str, optional
        Ids of the misconceptions that lead to what came back; None where no case knows any.
    """

    question: Question
    right: bool
    remark: str = ""
    recognised: tuple[str, ...] | None = None

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
    if path.is_symlink() or not path.is_file():
        raise BookError("it is not a file")
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
    return found


def grade(
    assignment: Assignment,
    path: Path,
    student: str,
    secret: bytes,
    *,
    first: Path | None = None,
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
    first : Path, optional
        The notebook that was handed in before the data were given out: its prediction counts.
    hidden : sequence of Path
        Files and folders that the submission must not see: the secret and the others' work.
    limits : Limits, optional
        What the submission may use.
    unconfined : bool
        Run it although this machine cannot confine it.
    """
    asked = assignment.cases(secret, student)
    files = assignment.files(secret, student)

    def ask(notebook: Path, questions: Sequence[Question], given: Mapping[str, Data]) -> Graded:
        try:
            cells = code_cells(notebook)
        except BookError as error:
            return Graded(student, tuple(Mark(q, False) for q in questions), str(error))
        with tempfile.TemporaryDirectory(prefix="grade-") as name:
            folder = Path(name)
            _write_request(folder, cells, [(q, asked[q.id]) for q in questions])
            save(folder, given)
            said, why = confinement.run(folder, hidden, limits or Limits(), unconfined=unconfined)
        if not why and said.count("\n") <= sum(
            len(c.calls) for q in questions for c in asked[q.id]
        ):
            why = "it ended before all was answered"
        answers = _read_answers(said)
        failed = next(answers, {}).get("failed", [])
        marks = []
        for question in questions:
            values = [[next(answers, {}) for _ in case.calls] for case in asked[question.id]]
            marks.append(_mark(question, asked[question.id], values))
        notes = [why] if why else []
        notes += [_text(line) for line in failed[:3]] if isinstance(failed, list) else []
        return Graded(student, tuple(marks), "; ".join(notes))

    graded = ask(path, assignment.questions, files)
    if first is None:
        return graded
    early = {
        name: data for name, data in files.items() if name == FIRST_FILE or not assignment.first
    }
    predicted = ask(first, [q for q in assignment.questions if q.id == PREDICTION], early).marks
    by_id = {mark.question.id: mark for mark in (*graded.marks, *predicted)}
    return replace(graded, marks=tuple(by_id[mark.question.id] for mark in graded.marks))


def _write_request(
    folder: Path, cells: list[str], asked: Sequence[tuple[Question, Sequence[Case]]]
) -> None:
    calls: list[dict[str, Any]] = []
    inputs: dict[str, Any] = {}
    for question, cases in asked:
        for arguments in (arguments for case in cases for arguments in case.calls):
            given = None
            if arguments is not None:
                given = [f"a{len(inputs) + i}" for i in range(len(arguments))]
                inputs |= {k: np.asarray(v) for k, v in zip(given, arguments, strict=True)}
            calls.append({"name": question.name, "arguments": given})
    write_atomic(folder / "request.json", json.dumps({"cells": cells, "calls": calls}))
    save(folder, {"inputs.npz": inputs})


def _read_answers(said: str) -> Iterator[dict[str, Any]]:
    for line in said.splitlines():
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = {}
        yield found if isinstance(found, dict) else {}


def _text(said: object) -> str:
    """Return something that a submission says, so short and plain that any file can hold it."""
    short = str(said)[:LONGEST].encode("utf8", "replace").decode()
    return "".join(letter if letter.isprintable() else " " for letter in short)


def _mark(question: Question, cases: Sequence[Case], given: list[list[dict[str, Any]]]) -> Mark:
    wrong = 0
    seen: list[str] | None = [] if any(case.signs for case in cases) else None
    for case, answers in zip(cases, given, strict=True):
        for answer in answers:
            if "error" in answer:
                return Mark(question, False, f"{question.name}: {_text(answer['error'])}", ())
            if "value" not in answer:
                return Mark(question, False, "no answer came back", ())
        values = [answer["value"] for answer in answers]
        found = values if case.many else values[0]
        if not _holds(case.right, found):
            wrong += 1
            if seen is not None:
                seen += [name for name, sign in case.signs.items() if _holds(sign, found)]
    remark = ""
    if wrong:
        remark = f"{wrong} of {len(cases)} cases wrong" if len(cases) > 1 else "wrong"
    return Mark(question, wrong == 0, remark, None if seen is None else tuple(dict.fromkeys(seen)))


def _holds(test: Callable[[Any], bool], found: object) -> bool:
    try:
        return bool(test(found))
    except Exception:  # whatever a submission returned
        return False


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
    """Return a table of grades that Canvas imports: a row a student, found by her login.

    The first five columns are those that Canvas insists on, in its order; two may be empty.
    """
    total = sum(question.points for question in assignment.questions)
    rows = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", f"{assignment.title}: program"],
        ["    Points Possible", "", "", "", "", f"{total:g}"],
    ]
    for graded in all_graded:
        name = _harmless(graded.student)
        rows.append([name, "", "", name, "", f"{graded.points:g}"])
    return _csv(rows)


def notes(all_graded: Sequence[Graded]) -> str:
    """Return a table of what a lecturer should look at: submissions that ended badly."""
    rows = [[_harmless(g.student), _harmless(g.note)] for g in all_graded if g.note]
    return _csv([["student", "note"], *rows])


def _csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _harmless(text: str) -> str:
    """Keep a spreadsheet from taking text for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def recognised(assignment: Assignment, graded: Graded) -> list[str]:
    """Return the ids of the misconceptions that lead to what was submitted.

    Where no case of the lost questions knows any, a wrong submission that loses the same questions
    stands in for them, if they all have one misconception.
    """
    lost = [mark for mark in graded.marks if not mark.right]
    if any(mark.recognised is not None for mark in lost):
        return list(dict.fromkeys(name for mark in lost for name in mark.recognised or ()))
    ids = {mark.question.id for mark in lost}
    alike = {mutant.misconception for mutant in assignment.mutants if set(mutant.loses) == ids}
    return sorted(alike) if len(alike) == 1 and "" not in alike else []


def feedback(assignment: Assignment, graded: Graded) -> str:
    """Return a page for a student: one file, which asks nobody for anything."""
    rows = "".join(
        f"<tr><td>{escape(mark.question.asks)}<br><small>{escape(mark.remark)}</small></td>"
        f'<td class="{"ok" if mark.right else "no"}">{mark.points:g} of {mark.question.points:g}'
        "</td></tr>"
        for mark in graded.marks
    )
    asked = [misconceptions()[name].question for name in recognised(assignment, graded)]
    hints = "".join(f"<li>{escape(question)}</li>" for question in asked)
    ask = f"<h2>Ask yourself</h2><ul>{hints}</ul>" if hints else ""
    total = sum(question.points for question in assignment.questions)
    note = f"<p>When your notebook ran: {escape(graded.note)}</p>" if graded.note else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(assignment.title)}</title><style>{STYLE}</style></head><body>"
        f"<h1>{escape(assignment.title)}</h1><p>{escape(graded.student)}: "
        f"<strong>{graded.points:g} of {total:g}</strong> points by program. What you wrote is "
        "marked by a person. A question earns its points only if all of its hidden cases are right."
        f"</p>{note}<table><thead><tr><th>Question</th><th>Points</th></tr></thead><tbody>"
        f"{rows}</tbody></table>{ask}</body></html>\n"
    )
