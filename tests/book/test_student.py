"""Notebooks for a class: no line of a solution, a stub for each exercise, and all of it runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest

from book.pipeline import chapters, myst, student
from book.pipeline.tree import BookError, Tree
from mmfuse_lib.course import exercises

from .conftest import CHAPTER, write_chapter

BOOK = Tree(Path(__file__).parents[2])
SOLVED = """\
# %% [markdown]
# ## Exercises
#
# ```{exercise} Sum
# :label: ex-sum
#
# *Level 1 of 3 · 5 minutes · by hand*
#
# Add.
# ```
#
# ```{solution-start} ex-sum
# :class: dropdown
# ```
#
# The secret.

# %%
print("secret code")

# %% [markdown]
# ```{solution-end}
# ```
#
# Between.
#
# ```{exercise} Proof
# :label: ex-proof
#
# *Level 1 of 3 · 5 minutes · by hand*
#
# Prove it.
# ```
#
# ````{solution} ex-proof
# :class: dropdown
#
# ```python
# another secret
# ```
# ````
#
# After.
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write all notebooks of the book."""
    root = tmp_path_factory.mktemp("teach")
    for name in ("notebooks", "book", "mmfuse_lib", "pyproject.toml"):
        (root / name).symlink_to(BOOK.root / name)
    student.write(Tree(root))
    return root / "build" / "teach"


def made(tree: Tree, text: str) -> list[str]:
    write_chapter(tree, "01_toy", CHAPTER + "\n" + text)
    read = chapters.read_chapter(tree, "01_toy")
    return [cell.source for cell in student.for_students(read).notebook.cells]


def test_a_solution_becomes_a_stub_with_its_check(tree: Tree) -> None:
    sources = made(tree, SOLVED)
    text = "\n".join(sources)
    assert "secret" not in text
    assert exercises()["ex-sum"].stub in text
    assert [source.strip() for source in sources[-2:]] == [student.WRITE_HERE, "After."]
    assert "Between." in text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("# ```{solution-end}\n", "# ```{note}\n", "ex-proof is out of place"),
        ("# ```{solution-start} ex-sum\n", "# ```{note}\n", "out of place"),
    ],
)
def test_a_solution_that_is_not_closed_is_refused(
    tree: Tree, old: str, new: str, said: str
) -> None:
    with pytest.raises(BookError, match=said):
        made(tree, SOLVED.replace(old, new))


def solution_lines(stem: str) -> set[str]:
    """Return the lines of a chapter's solutions that stand nowhere else in it."""
    inside, within, without = False, set[str](), set[str]()
    for cell in chapters.read_chapter(BOOK, stem).notebook.cells:
        if cell.cell_type == "code":
            (within if inside else without).update(stripped(cell.source))
            continue
        for block in myst.parse(cell.source):
            name = block.name if isinstance(block, myst.Directive) else ""
            if name in ("solution-start", "solution-end"):
                inside = name == "solution-start"
            text = block.body if isinstance(block, myst.Directive) else getattr(block, "text", "")
            (within if inside or name == "solution" else without).update(stripped(text))
    return {line for line in within - without - {student.IMPORT} if len(line) > 12}


def stripped(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines()}


@pytest.mark.parametrize("stem", chapters.stems(BOOK))
def test_no_line_of_a_solution_is_given_to_students(stem: str, written: Path) -> None:
    hidden = solution_lines(stem)
    assert len(hidden) > 10
    given = nbformat.read(written / "student" / f"{stem}.ipynb", as_version=4)
    lines = {line.strip() for cell in given.cells for line in cell.source.splitlines()}
    assert not lines & hidden
    text = "\n".join(cell.source for cell in given.cells)
    assert "Solution to" not in text
    kept = nbformat.read(written / "instructor" / f"{stem}.ipynb", as_version=4)
    assert "Solution to" in "\n".join(cell.source for cell in kept.cells)


@pytest.mark.parametrize("stem", chapters.stems(BOOK))
def test_each_exercise_has_its_stub_and_each_code_cell_can_be_read(
    stem: str, written: Path
) -> None:
    given = nbformat.read(written / "student" / f"{stem}.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in given.cells if cell.cell_type == "code")
    source = (BOOK.notebooks / f"{stem}.py").read_text("utf8")
    labels = re.findall(r"^# :label: (ex-\S+)", source, re.MULTILINE)
    checked = [label for label in labels if label in exercises()]
    assert all(exercises()[label].stub in text for label in checked)
    left = sum(cell.source == student.WRITE_HERE for cell in given.cells)
    assert left == len(labels) - len(checked)
    for cell in given.cells:
        if cell.cell_type == "code":
            compile(cell.source, stem, "exec")


def test_every_check_belongs_to_an_exercise_of_its_chapter() -> None:
    for name, found in exercises().items():
        number = found.judge.__module__[-2:]
        (source,) = BOOK.notebooks.glob(f"{number}_*.py")
        assert f"# :label: {name}\n" in source.read_text("utf8")


@pytest.mark.notebook
@pytest.mark.parametrize("number", ["04", "06"])
def test_a_students_notebook_runs_through_but_for_what_is_not_written(
    number: str, written: Path
) -> None:
    (path,) = (written / "student").glob(f"{number}_*.ipynb")
    asked = path.read_text("utf8").count("raise NotImplementedError")
    assert student.run(path) == asked >= 4


@pytest.mark.notebook
@pytest.mark.parametrize(
    ("code", "tags", "said"),
    [
        ("1 / 0", ["exercise"], "toy: ZeroDivisionError: division by zero"),
        ("raise NotImplementedError", [], "toy: NotImplementedError"),
    ],
)
def test_a_students_notebook_in_which_something_else_fails_is_refused(
    code: str, tags: list[str], said: str, tmp_path: Path
) -> None:
    cells = [nbformat.v4.new_code_cell(code, metadata={"tags": tags} if tags else {})]
    path = tmp_path / "toy.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    with pytest.raises(BookError, match=said):
        student.run(path)


def test_the_notes_name_what_students_say(written: Path) -> None:
    kept = json.loads((written / "instructor/04_splitting_information.ipynb").read_text("utf8"))
    notes = "".join(kept["cells"][2]["source"])
    assert "half bit" in notes
    assert "| Two bad copies | 1 | 15 | hand | `check` |" in notes
