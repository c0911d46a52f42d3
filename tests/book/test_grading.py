"""Grading: solutions earn all, mutants lose exactly their points, tampering gains nothing."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from typer.testing import CliRunner

from book import grade as command
from book.pipeline import assignments, confinement, gradescope, grading
from book.pipeline.assignments import Assignment, Mutant
from book.pipeline.confinement import Limits
from book.pipeline.tree import BookError, Tree
from mmfuse_lib.course import misconceptions

TREE = Tree(Path(__file__).parents[2])
TASKS = [assignments.read(TREE, name) for name in assignments.names(TREE)]
MUTANTS = [(task, mutant) for task in TASKS for mutant in task.mutants]
SECRET = b"a secret of sixteen characters or more"
STUDENTS = ("ada", "b.noether", "c@x")
QUICK = Limits(seconds=60)
CONFINED = confinement.possible()
REQUIRED = os.environ.get("MMFUSE_REQUIRE_CONFINEMENT") == "1"
# What is tried on our own notebooks needs no confinement.
confined = pytest.mark.skipif(not (CONFINED or REQUIRED), reason="this machine confines nothing")


def full(task: Assignment) -> float:
    return sum(question.points for question in task.questions)


def solved(task: Assignment, *more: str) -> nbformat.NotebookNode:
    notebook = assignments.notebook(TREE, task, solved=True)
    notebook.cells += [new_code_cell(code) for code in more]
    return notebook


def graded(
    task: Assignment, notebook: nbformat.NotebookNode | str, tmp_path: Path, student: str = "ada",
    **options: object,
) -> grading.Graded:  # fmt: skip
    path = tmp_path / "work" / "submission.ipynb"
    path.parent.mkdir(exist_ok=True)
    text = notebook if isinstance(notebook, str) else nbformat.writes(notebook)
    path.write_text(text, "utf8")
    options = {"limits": QUICK, "unconfined": not (CONFINED or REQUIRED)} | options
    return grading.grade(task, path, student, SECRET, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("student", STUDENTS)
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_the_solution_earns_everything(task: Assignment, student: str, tmp_path: Path) -> None:
    found = graded(task, solved(task), tmp_path, student)
    assert (found.points, found.note) == (full(task), "")


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_blank_earns_nothing(task: Assignment, tmp_path: Path) -> None:
    blank = assignments.notebook(TREE, task, solved=False)
    assert graded(task, blank, tmp_path).points == 0
    assert "def " not in "".join(
        c.source for c in blank.cells if "answer" in c.metadata.get("tags", [])
    )


@pytest.mark.parametrize(("task", "mutant"), MUTANTS, ids=lambda value: value.name)
def test_a_mutant_loses_exactly_its_points(
    task: Assignment, mutant: Mutant, tmp_path: Path
) -> None:
    found = graded(task, solved(task, mutant.code), tmp_path)
    assert {mark.question.id for mark in found.marks if not mark.right} == set(mutant.loses)
    assert mutant.misconception in {"", *misconceptions()}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_every_question_is_failed_by_some_mutant(task: Assignment) -> None:
    lost = {name for mutant in task.mutants for name in mutant.loses}
    assert lost == {question.id for question in task.questions}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_data_are_personal_and_can_be_made_again(task: Assignment) -> None:
    def same(a: assignments.Data, b: assignments.Data) -> bool:
        return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)

    ada = task.data(SECRET, "ada")
    assert same(ada, task.data(SECRET, "ada"))
    assert not same(ada, task.data(SECRET, "bob"))
    assert not same(ada, task.data(SECRET + b"!", "ada"))


TAMPERING = {
    "comparisons always true": (
        "import numpy as np\nnp.allclose = np.isclose = lambda *a, **k: True"
    ),
    "an answer that equals everything": (
        "class Anything(float):\n    def __eq__(self, other): return True\n"
        "    def __le__(self, other): return True\n    def __float__(self): return 0.5\n"
        "informations = lambda p: (Anything(), Anything(), Anything())"
    ),
    "the library is replaced": (
        "import sys, types\nimport mmfuse_lib.information as m\n"
        "m.decompose = m.mutual_information = lambda *a, **k: 0.0\n"
        "sys.modules['book'] = types.ModuleType('book')"
    ),
    "results are written by hand": (
        "import json\nfor name in ('results.json', '/autograder/results/results.json', 'out'):\n"
        "    try:\n        open(name, 'w').write(json.dumps({'score': 100}))\n"
        "    except OSError:\n        pass"
    ),
    "something is left for the end": (
        "import atexit, os\natexit.register(lambda: os.write(1, b'{\"value\": 1}\\n' * 50))"
    ),
    "an array that is none": (
        "class Odd:\n    def __array__(self, *a, **k): raise SystemExit(0)\n"
        "informations = lambda p: Odd()"
    ),
}  # fmt: skip


@confined
@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_gains_nothing(name: str, tmp_path: Path) -> None:
    task = TASKS[0]
    blank = assignments.notebook(TREE, task, solved=False)
    blank.cells.append(new_code_cell(TAMPERING[name]))
    assert graded(task, blank, tmp_path).points == 0
    wrong = solved(task, "def informations(p):\n    return 0.1, 0.1, 0.1\n", TAMPERING[name])
    lost = {mark.question.id for mark in graded(task, wrong, tmp_path).marks if not mark.right}
    assert {"informations", "informations_empty"} <= lost


SPYING = """
import ctypes, glob, importlib.util, os, pathlib, socket, subprocess, sys
seen = []
def look(what, found):
    if found:
        seen.append(f"{what}: {found}")
def attempt(what, act):
    try:
        look(what, act() or "done")
    except Exception:
        pass
subprocess.run(["umount", KEPT], capture_output=True)
subprocess.run(["unshare", "-rm", "umount", KEPT], capture_output=True)
look("secret", glob.glob(KEPT + "/*"))
look("others", glob.glob(OTHERS + "/*"))
look("keys", [p for base in ("/", ROOT) for p in glob.glob(base + "/book/teaching/assignments/*")])
look("grader", importlib.util.find_spec("book"))
look("environment", [k for k in os.environ if "SECRET" in k or "TOKEN" in k or "MMFUSE" in k])
look("processes", [p for p in glob.glob("/proc/[0-9]*/cmdline")
                   if b"pytest" in pathlib.Path(p).read_bytes()])
attempt("network", lambda: socket.create_connection(("1.1.1.1", 53), timeout=2))
attempt("root", lambda: os.setuid(0))
for place in (sys.prefix, os.path.dirname(np.__file__), "/usr", "/", ROOT):
    attempt(f"writing to {place}", lambda: pathlib.Path(place, "mine").write_text("x"))
attempt("writing to the library", lambda: open(sys.modules["mmfuse_lib"].__file__, "a").close())
attempt("mounting", lambda: ctypes.CDLL(None).mount(b"/", b"/mnt", None, 32, None) == 0 or 1 / 0)
attempt("reading memory", lambda: open(f"/proc/{os.getppid()}/mem", "rb").read(1))
if seen:
    prediction = None
    raise ValueError(" | ".join(seen)[:280])
"""


@confined
def test_a_submission_sees_neither_network_nor_secret_nor_the_others(tmp_path: Path) -> None:
    task = TASKS[0]
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "secret").write_bytes(SECRET)
    others = tmp_path / "work"
    places = f"KEPT, OTHERS, ROOT = {str(kept)!r}, {str(others)!r}, {str(TREE.root)!r}"
    notebook = solved(task, places + SPYING)
    found = graded(task, notebook, tmp_path, hidden=[kept / "secret", others])
    assert (found.note, found.points) == ("", full(task))


@confined
def test_what_must_be_shown_cannot_be_hidden(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="cannot be hidden"):
        graded(TASKS[0], solved(TASKS[0]), tmp_path, hidden=[Path(sys.prefix) / "secret"])


def test_cells_that_were_copied_moved_or_stripped_change_no_grade(tmp_path: Path) -> None:
    task = TASKS[0]
    notebook = solved(task)
    notebook.cells.insert(0, new_markdown_cell("mine"))
    plain = json.loads(nbformat.writes(notebook))
    plain["cells"] += [dict(cell) for cell in plain["cells"] if cell["cell_type"] == "code"]
    for cell in plain["cells"]:
        cell.pop("metadata", None)
        cell.pop("id", None)
        cell.pop("outputs", None)
    plain.pop("metadata")
    plain["cells"].append({"cell_type": "code"})
    plain["cells"].append("not a cell")
    plain["cells"].append({"cell_type": "code", "source": "%matplotlib inline\n!ls\n1 +"})
    found = graded(task, json.dumps(plain), tmp_path)
    assert found.points == full(task)
    assert "SyntaxError" in found.note


def test_a_deleted_cell_costs_what_was_in_it(tmp_path: Path) -> None:
    task = TASKS[0]
    notebook = solved(task)
    notebook.cells = [cell for cell in notebook.cells if "def lower" not in cell.source]
    lost = {mark.question.id for mark in graded(task, notebook, tmp_path).marks if not mark.right}
    assert lost == {"lower", "lower_invalid"}


BAD = {
    "endless": "while True: pass",
    "greedy": "x = bytearray(10**11)",
    "leaves": "import os\nos._exit(0)",
    "killed": "import os, signal\nos.kill(0, signal.SIGKILL)",
    "many": "import subprocess\nfor _ in range(30): subprocess.Popen(['sleep', '300'])",
    "forks": "import os\nwhile True:\n    if os.fork() == 0: import time; time.sleep(300)",
    "loud": "import sys\nfor _ in range(10**4): print('x' * 1000)",
    "floods": "import os\nwhile True: os.write(1, b'x' * 10**6)",
    "disk": "for i in range(99): open(str(i), 'wb').write(bytes(19_000_000))",
    "unprintable": "raise ValueError('\\ud800\\x00\\x1b[31m' * 999)",
    "deep": "(" * 100_000,
    "strange": "informations = lower = upper = lambda *a: '\\ud800'\n"
               "certificate, q, answers = {'a': 'b'}, [float('nan')] * 3, [[1], [2, 3]]",
}  # fmt: skip


NO_NOTEBOOKS = {
    "text": b"not a notebook",
    "bytes": b"\xff\xfe\x00",
    "list": b"[]",
    "cells": b'{"cells": 3}',
    "source": b'{"cells": [{"cell_type": "code", "source": 3}]}',
    "nested": b"[" * 100_000,
    "large": b" " * (grading.LARGEST + 1),
}


@confined
def test_one_bad_submission_stops_no_batch(tmp_path: Path) -> None:
    task = TASKS[0]
    folder, secret = tmp_path / "in", tmp_path / "kept" / "secret"
    folder.mkdir()
    secret.parent.mkdir()
    secret.write_bytes(SECRET)
    for name, code in BAD.items():
        notebook = assignments.notebook(TREE, task, solved=False)
        notebook.cells.append(new_code_cell(code))
        (folder / f"{name}.ipynb").write_text(nbformat.writes(notebook), "utf8")
    for name, text in NO_NOTEBOOKS.items():
        (folder / f"{name}.ipynb").write_bytes(text)
    os.mkfifo(folder / "pipe.ipynb")
    (folder / "link.ipynb").symlink_to(secret)
    (folder / "nothing").mkdir()
    (folder / "essay.pdf").write_bytes(b"%PDF")
    (folder / "good").mkdir()
    (folder / "good" / "anything.ipynb").write_text(nbformat.writes(solved(task)), "utf8")
    arguments = [task.name, str(folder), "--secret", str(secret), "--seconds", "20"]
    done = CliRunner().invoke(command.app, arguments)
    assert done.exit_code == 0, done.output
    points, notes = tables(folder / "graded")
    none = [*BAD, *NO_NOTEBOOKS, "pipe", "link", "nothing", "essay"]
    assert points == dict.fromkeys(none, 0.0) | {"good": full(task)}
    assert notes.keys() == set(none) - {"strange", "loud", "many"}
    assert "longer than 20 seconds" in notes["endless"]
    assert "MemoryError" in notes["greedy"]
    assert "not a notebook" in notes["text"]
    assert "not a file" in notes["pipe"] + notes["nothing"]
    assert max(map(len, notes.values())) < 1_000
    assert (folder / "graded" / "unprintable" / "feedback.html").exists()


def tables(folder: Path) -> tuple[dict[str, float], dict[str, str]]:
    """Read the points and the notes of a graded folder."""
    with (folder / "grades.csv").open(encoding="utf8") as file:
        head, possible, *rows = csv.reader(file)
    # What Canvas insists on: its importer refuses another order.
    assert head[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert "Points Possible" in possible[0]
    assert len(head) == 6
    assert all(len(row) == 6 for row in rows)
    with (folder / "notes.csv").open(encoding="utf8") as file:
        notes = dict(list(csv.reader(file))[1:])
    return {row[3]: float(row[5]) for row in rows}, notes


def test_an_earlier_prediction_counts(tmp_path: Path) -> None:
    task = TASKS[0]
    first, early = tmp_path / "first.ipynb", assignments.notebook(TREE, task, solved=True)
    first.write_text(nbformat.writes(early), "utf8")
    without = solved(task, "del prediction")
    assert graded(task, without, tmp_path, first=first).points == full(task)
    early.cells.append(new_code_cell("prediction = dict(R=table[0, 0, 0], U1=0, U2=0, S=0)"))
    early.cells.append(new_code_cell("del prediction"))
    first.write_text(nbformat.writes(early), "utf8")
    found = graded(task, solved(task), tmp_path, first=first)
    assert {mark.question.id for mark in found.marks if not mark.right} == {"prediction"}
    found = graded(task, solved(task), tmp_path, first=tmp_path / "missing.ipynb")
    assert {mark.question.id for mark in found.marks if not mark.right} == {"prediction"}


def test_what_a_prediction_needs_holds_nothing_else() -> None:
    files = TASKS[0].files(SECRET, "ada")
    assert files["first.npz"].keys() == {"errors"}
    assert files["data.npz"].keys() == {"errors", "claim", "table"}


def test_a_class_is_graded_as_a_whole(tmp_path: Path) -> None:
    task = TASKS[0]
    folder, secret, roster = (tmp_path / name for name in ("in", "secret", "class.csv"))
    folder.mkdir()
    secret.write_bytes(SECRET)
    (folder / "ada.ipynb").write_text(nbformat.writes(solved(task)), "utf8")
    arguments = [task.name, str(folder), "--secret", str(secret), "--roster", str(roster)]
    arguments += [] if CONFINED or REQUIRED else ["--unconfined"]
    roster.write_text("student\nbob\n", "utf8")
    done = CliRunner().invoke(command.app, arguments)
    assert done.exit_code == 1
    assert "no student ada" in done.output
    roster.write_text("student\nada\nbob\n", "utf8")
    assert CliRunner().invoke(command.app, arguments).exit_code == 0
    points, notes = tables(folder / "graded")
    assert points == {"ada": full(task), "bob": 0}
    assert notes.keys() == {"bob"}


RECOGNISED = [
    (task, mutant) for task, mutant in MUTANTS if mutant.misconception and task.name == "a1"
]


@pytest.mark.parametrize(("task", "mutant"), RECOGNISED, ids=lambda value: value.name)
def test_a_misconception_is_recognised(task: Assignment, mutant: Mutant, tmp_path: Path) -> None:
    found = graded(task, solved(task, mutant.code), tmp_path)
    assert grading.recognised(task, found) == [mutant.misconception]


def test_other_wrong_answers_are_not_taken_for_a_misconception(tmp_path: Path) -> None:
    noise = "answers = dict(R=0.3, U1=0.3, U2=0.3, S=0.3)\nswapped = [0, 0, 0, 0]"
    task = TASKS[0]
    assert grading.recognised(task, graded(task, solved(task, noise), tmp_path)) == []


def test_results_and_feedback_say_what_was_right_and_never_a_value(tmp_path: Path) -> None:
    task = TASKS[0]
    wrong = next(m for m in task.mutants if m.misconception == "sources-swapped")
    found = graded(task, solved(task, wrong.code), tmp_path)
    results = json.loads(grading.gradescope(found))
    assert {test["max_score"] for test in results["tests"]} == {q.points for q in task.questions}
    assert sum(test["score"] for test in results["tests"]) == found.points
    page = grading.feedback(task, found)
    assert misconceptions()["sources-swapped"].question.replace("'", "&#x27;") in page
    assert "http" not in page
    own = task.data(SECRET, "ada")["table"]
    assert not any(f"{value:.4f}" in page for value in own.ravel())


def test_a_spreadsheet_takes_no_name_for_a_formula() -> None:
    found = grading.Graded("=1+1", (), "@note")
    assert "'=1+1,,,'=1+1,,0" in grading.grades(TASKS[0], [found])
    assert "'=1+1,'@note" in grading.notes([found])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name\nada\n", "no column 'student'"),
        ("student\nada\nada\n", "twice"),
        ("student\n../x\n", "no name"),
    ],
)
def test_a_wrong_roster_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(text, "utf8")
    with pytest.raises(BookError, match=said):
        assignments.read_roster(path)


def test_a_short_or_missing_secret_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="no secret at"):
        assignments.read_secret(tmp_path / "secret")
    (tmp_path / "secret").write_text("short", "utf8")
    with pytest.raises(BookError, match="has 5 characters"):
        assignments.read_secret(tmp_path / "secret")


def test_each_student_gets_a_folder(tmp_path: Path) -> None:
    for name in ("book", "mmfuse_lib", "pyproject.toml"):
        (tmp_path / name).symlink_to(TREE.root / name)
    folders = assignments.write(Tree(tmp_path), SECRET, ["ada", "bob"])
    assert len(folders) == 2 * len(TASKS)
    for folder in folders:
        with np.load(folder / "data.npz", allow_pickle=False) as data:
            assert data.files
        (notebook,) = folder.glob("*.ipynb")
        assert '"solution"' not in notebook.read_text("utf8")  # the tag of a solution's cell


def test_an_archive_for_gradescope_grades_in_a_folder_of_its_own(tmp_path: Path) -> None:
    for name in ("book", "mmfuse_lib", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).symlink_to(TREE.root / name)
    task = TASKS[0]
    archive = gradescope.write(Tree(tmp_path), task.name, SECRET)
    assert archive.stat().st_size < 2_000_000
    root = tmp_path / "autograder"
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(root / "source")
        pins = packed.read("constraints.txt").decode().splitlines()
    assert {line.split("==")[0].lower() for line in pins} >= {"numpy", "scipy", "jupytext"}
    assert not any(line.startswith("torch") for line in pins)
    (root / "submission").mkdir()
    (root / "submission" / "mine.ipynb").write_text(nbformat.writes(solved(task)), "utf8")
    known = {"users": [{"email": "ada"}]}
    (root / "submission_metadata.json").write_text(json.dumps(known), "utf8")
    results = json.loads(gradescope.run(task.name, root).read_text("utf8"))
    assert sum(test["score"] for test in results["tests"]) == full(task)
    assert not (root / "source" / "secret").exists()


AS_NOBODY = """
import os, subprocess, sys
found = [os.getuid() == 0]
for act in (lambda: open(KEPT).read(), lambda: open(KEPT, "a"), lambda: os.setuid(0),
            lambda: open(f"/proc/{GRADER}/mem", "rb").read(1)):
    try:
        act()
        found.append(True)
    except OSError:
        found.append(False)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "left behind"],
                 start_new_session=True)
print(found, flush=True)
"""
PYTHON = Path("/usr/bin/python3")  # one that everybody may run


@pytest.mark.skipif(
    not (sys.platform == "linux" and os.geteuid() == 0 and PYTHON.exists()), reason="needs root"
)
def test_root_without_namespaces_runs_a_submission_as_nobody(tmp_path: Path) -> None:
    kept = tmp_path / "results.json"
    kept.write_text("kept", "utf8")
    kept.chmod(0o600)
    code = f"KEPT, GRADER = {str(kept)!r}, {os.getpid()}\n{AS_NOBODY}"
    folder = tmp_path / "folder"
    folder.mkdir()
    said, why = confinement._start(folder, [str(PYTHON), "-c", code], QUICK, False)
    assert (said, why) == (f"{[False] * 5}\n", "")
    time.sleep(0.2)
    listed = subprocess.run(["ps", "-eo", "uid,stat"], capture_output=True, text=True, check=True)
    states = [line.split()[1] for line in listed.stdout.splitlines()
              if line.split()[0] == str(confinement.NOBODY)]  # fmt: skip
    assert all(state.startswith("Z") for state in states)


def test_without_confinement_it_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confinement, "possible", lambda: False)
    with pytest.raises(BookError, match="cannot confine a submission"):
        graded(TASKS[0], solved(TASKS[0]), tmp_path, unconfined=False)
