"""Assignments: a notebook with personal data for each student, and what is right outside of it.

An assignment is a folder `book/teaching/assignments/aN`. `source.py` is the notebook with its
solution, `key.py` makes a student's data and says what is right, `mutants.py` holds wrong
submissions that the grader is tried on, `rubric.md` is for the part that people mark.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import importlib.util
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import jupytext
import numpy as np
from nbformat import NotebookNode
from numpy.typing import NDArray

from .chapters import dumps, install_cell
from .tree import BookError, Tree, write_atomic

DEMO, DEMO_SECRET = "demo", b"a secret that everybody knows"
SOLUTION = "solution"
FIRST_FILE, DATA_FILE = "first.npz", "data.npz"
NAME = re.compile(r"[\w.@-]+")
STUB = "# Your answer: {names}\nraise NotImplementedError"
Data = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Case:
    """One thing that is asked of a submission.

    Parameters
    ----------
    right : callable
        Whether what came back is right: it gets plain numbers, lists, words and dictionaries, and
        may raise anything on others.
    arguments : tuple of array
        What the function is called with; None asks for a variable.
    many : bool
        The arguments are a list of such tuples, a call each, and what came back is judged together.
    signs : mapping of str to callable
        By the id of a misconception: whether what came back is what it leads to.
    """

    right: Callable[[Any], bool]
    arguments: Sequence[Any] | None = None
    many: bool = False
    signs: Mapping[str, Callable[[Any], bool]] = field(default_factory=dict)

    @property
    def calls(self) -> Sequence[Sequence[Any] | None]:
        """The arguments of each call."""
        return self.arguments if self.many and self.arguments is not None else [self.arguments]


@dataclass(frozen=True)
class Question:
    """A group of cases that is worth its points only if all of them are right.

    Parameters
    ----------
    id : str
        A short name.
    points : float
        What it is worth.
    asks : str
        What a student reads about it.
    name : str
        The function or the variable of the notebook.
    cases : callable
        Makes the cases, from a generator of random numbers and the student's data.
    """

    id: str
    points: float
    asks: str
    name: str
    cases: Callable[[np.random.Generator, Data], Sequence[Case]]


@dataclass(frozen=True)
class Mutant:
    """A submission that is wrong in one way.

    Parameters
    ----------
    name : str
        What is wrong with it.
    code : str
        What replaces the solution: it is executed after it.
    loses : tuple of str
        Ids of the questions that it fails, and no others.
    misconception : str
        Id of the misconception behind it, if there is one.
    """

    name: str
    code: str
    loses: tuple[str, ...]
    misconception: str = ""


@dataclass(frozen=True)
class Assignment:
    """An assignment as it lies in its folder."""

    name: str
    folder: Path
    title: str
    questions: tuple[Question, ...]
    personal: Callable[[np.random.Generator], Data]
    mutants: tuple[Mutant, ...]
    first: tuple[str, ...] = ()  # what of the data the prediction needs

    def files(self, secret: bytes, student: str) -> dict[str, Data]:
        """Return a student's files: what the prediction needs, where it needs any, and all."""
        own = self.data(secret, student)
        early = {FIRST_FILE: {name: own[name] for name in self.first}} if self.first else {}
        return {**early, DATA_FILE: own}

    def data(self, secret: bytes, student: str) -> Data:
        """Return what a student gets: the same for the same secret and name."""
        return self.personal(generator(secret, self.name, student, "data"))

    def cases(self, secret: bytes, student: str) -> dict[str, Sequence[Case]]:
        """Return what a student's submission is asked, by question."""
        own = self.data(secret, student)
        return {
            question.id: question.cases(generator(secret, self.name, student, question.id), own)
            for question in self.questions
        }


def generator(secret: bytes, *names: str) -> np.random.Generator:
    """Return random numbers that only who knows the secret can make again."""
    digest = hmac.new(secret, "\0".join(names).encode(), hashlib.sha256).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def read_secret(path: Path) -> bytes:
    """Read a lecturer's secret.

    Raises
    ------
    BookError
        If there is no such file, or it holds fewer than 16 characters.
    """
    if not path.exists():
        raise BookError(f"no secret at {path}: make one, for example with `openssl rand -hex 32`")
    secret = path.read_bytes().strip()
    if len(secret) < 16:
        raise BookError(f"the secret in {path} has {len(secret)} characters; expected 16 or more")
    return secret


def names(tree: Tree) -> list[str]:
    """Name all assignments."""
    return sorted(p.parent.name for p in (tree.book / "teaching/assignments").glob("*/key.py"))


def read(tree: Tree, name: str) -> Assignment:
    """Read an assignment."""
    folder = tree.book / "teaching" / "assignments" / name
    if name not in names(tree):
        raise BookError(f"no assignment {name!r}; there are: {', '.join(names(tree))}")
    key, wrong = (_module(folder / f"{part}.py") for part in ("key", "mutants"))
    first = getattr(key, "FIRST", ())
    return Assignment(name, folder, key.TITLE, key.QUESTIONS, key.personal, wrong.MUTANTS, first)


def _module(path: Path) -> ModuleType:
    name = f"mmfuse_assignment_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BookError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def notebook(tree: Tree, assignment: Assignment, *, solved: bool) -> NotebookNode:
    """Return the notebook of an assignment, with the solution or with stubs."""
    made: NotebookNode = jupytext.read(assignment.folder / "source.py", fmt="py:percent")
    for number, cell in enumerate(made.cells):
        cell["id"] = f"{assignment.name}-{number:02d}"
        if SOLUTION in cell.metadata.get("tags", []) and not solved:
            cell["source"] = STUB.format(names=", ".join(defined(cell.source)))
            cell.metadata["tags"] = ["answer"]
    made.cells.insert(1, install_cell(tree.project(), assignment.name))
    made["metadata"] = NotebookNode(
        kernelspec=NotebookNode(display_name="Python 3", language="python", name="python3")
    )
    made["nbformat"], made["nbformat_minor"] = 4, 5
    return made


def defined(code: str) -> list[str]:
    """Return what a cell defines at its outermost level."""
    return re.findall(r"^(?:def )?(\w+)(?:\(.*\):| = )", code, re.MULTILINE)


def write(tree: Tree, secret: bytes, students: Sequence[str]) -> list[Path]:
    """Write notebook and data of each student, and the solved notebook, to ``build/teach``."""
    folders = []
    for name in names(tree):
        assignment = read(tree, name)
        target = tree.build / "teach" / "assignments" / name
        write_atomic(target / "solution.ipynb", dumps(notebook(tree, assignment, solved=True)))
        blank = dumps(notebook(tree, assignment, solved=False))
        for student in students:
            folder = target / student
            write_atomic(folder / f"{name}.ipynb", blank)
            save(folder, assignment.files(secret, student))
            folders.append(folder)
    return folders


def save(folder: Path, files: Mapping[str, Data]) -> None:
    """Write arrays to files of a folder."""
    for name, arrays in files.items():
        np.savez(folder / name, **arrays)  # type: ignore[arg-type]


def read_roster(path: Path) -> list[str]:
    """Read the students of a class: the column `student` of a CSV file.

    Raises
    ------
    BookError
        If it has no such column, a name twice, or one that cannot be the name of a folder.
    """
    with path.open(encoding="utf8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or "student" not in rows[0]:
        raise BookError(f"{path} has no column 'student', or no row")
    students = [row["student"].strip() for row in rows]
    for student in students:
        if not NAME.fullmatch(student) or students.count(student) > 1:
            raise BookError(f"{path}: {student!r} is there twice or is no name (letters, . @ - _)")
    return students


def close(truth: Any, within: float) -> Callable[[Any], bool]:
    """Return a test for numbers within reach of the truth, entry by entry."""
    expected = np.asarray(truth, dtype=float)

    def right(found: Any) -> bool:
        got = np.asarray(found, dtype=float)
        return got.shape == expected.shape and bool(np.abs(got - expected).max() <= within)

    return right


def entries(truth: Mapping[str, float], within: float) -> Callable[[Any], bool]:
    """Return a test for a dictionary of numbers."""

    def right(found: Any) -> bool:
        return set(found) == set(truth) and all(
            abs(float(found[name]) - value) <= within for name, value in truth.items()
        )

    return right
