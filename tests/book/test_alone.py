"""Notebooks that run alone: what they lack, what they say too much, and where they run."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode, v4
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from book.pipeline import alone, colab_versions
from book.pipeline.tree import BookError, Tree

PICTURE = v4.new_output("display_data", data={"image/png": "x", "text/plain": "<Figure>"})
TABLE = v4.new_output("execute_result", data={"text/html": "<table>", "text/plain": "a 1"})
TEXT = v4.new_output("stream", name="stdout", text="0.93\n")
BAR = v4.new_output("display_data", data={alone.WIDGET: {}, "text/plain": "seeds: 0%| | 0/3"})


def says(text: str) -> NotebookNode:
    output: NotebookNode = v4.new_output("stream", name="stderr", text=text)
    return output


def notebook(**outputs: list[NotebookNode]) -> NotebookNode:
    cells = [v4.new_code_cell("x", id=name, outputs=found) for name, found in outputs.items()]
    made: NotebookNode = v4.new_notebook(cells=cells)
    return made


def test_other_digits_are_no_difference() -> None:
    book = notebook(a=[TEXT], b=[PICTURE, TABLE], c=[])
    other = v4.new_output("stream", name="stdout", text="0.94\n")
    caption = v4.new_markdown_cell("**Figure 1.1.**", id="b-caption")
    there = notebook(a=[other], b=[TABLE, PICTURE], c=[])
    there.cells.append(caption)
    assert alone.differences(book, there) == []


@pytest.mark.parametrize(
    ("shown", "found", "missing"),
    [
        ([PICTURE], [], "a picture"),
        ([PICTURE], [TEXT], "a picture"),
        ([TABLE], [v4.new_output("display_data", data={"text/plain": "a 1"})], "a table"),
        ([TEXT, PICTURE], [v4.new_output("stream", name="stdout", text="\n")], "a picture, text"),
        ([TEXT], [BAR], "text"),
        ([PICTURE, PICTURE], [PICTURE, TEXT], "a picture"),
    ],
)
def test_a_cell_that_shows_less_than_the_book_is_named(
    shown: list[NotebookNode], found: list[NotebookNode], missing: str
) -> None:
    problems = alone.differences(notebook(a=shown, b=[TEXT]), notebook(a=found, b=[TEXT]))
    assert problems == [f"a lacks {missing}, which the book shows"]


def test_a_cell_that_is_not_there_is_named_unless_the_page_hides_it() -> None:
    book = notebook(a=[TEXT], headline=[TEXT])
    book.cells[1].metadata["tags"] = ["headline", "remove-cell"]
    assert alone.differences(book, notebook()) == ["a is not in the notebook"]


def test_warnings_are_named_and_bars_are_not() -> None:
    book = notebook(a=[], b=[says("on purpose\n")])
    there = notebook(
        a=[says("seeds:  50%|###  | 1/2\rseeds: 100%|#####| 2/2 [00:01<00:00]\n"), BAR],
        b=[says("on purpose\n")],
    )
    assert alone.differences(book, there) == []
    there = notebook(a=[says("seeds: 100%|#####| 2/2\nFutureWarning: soon\n")], b=[])
    (problem,) = alone.differences(book, there)
    assert problem == "a says on standard error, and the book does not:\nFutureWarning: soon"


@pytest.mark.parametrize("bar", [says("fit: 100%|#####| 2/2 [00:01<00:00]\n"), BAR])
def test_a_page_of_bars_is_too_much(bar: NotebookNode) -> None:
    many = notebook(a=[bar] * alone.MOST_BARS)
    assert alone.differences(notebook(a=[]), many) == []
    many.cells[0].outputs.append(bar)
    (problem,) = alone.differences(notebook(a=[]), many)
    assert problem.startswith(f"{alone.MOST_BARS + 1} progress bars")


def test_pins_are_colabs_and_ours_of_what_it_lacks() -> None:
    colab = "# Read on\nnumpy==2.1.3\nScikit_Learn==1.6.1\n"
    ours = "# ours\nnumpy==2.4.6\nscikit-learn==1.9.1\ntorch==2.13.0\n"
    assert alone.constraints(colab, ours) == "numpy==2.1.3\nScikit_Learn==1.6.1\ntorch==2.13.0\n"


def lost(versions: str, dependencies: list[str]) -> list[str]:
    """List dependencies of the library that are not among Colab's versions."""
    names = {canonicalize_name(line.partition("==")[0]) for line in versions.splitlines()}
    return [
        name
        for line in dependencies
        if (name := canonicalize_name(Requirement(line).name)) not in names
    ]


def test_the_versions_are_of_everything_that_the_library_needs() -> None:
    """The file is written anew when the library gets a dependency."""
    facts = tomllib.loads((alone.ROOT / "pyproject.toml").read_text("utf8"))
    needed = facts["project"]["dependencies"]
    versions = alone.VERSIONS.read_text("utf8")
    assert lost(versions, needed) == ["lightning-fabric", "torch", "torchmetrics"]
    assert lost(versions, ["nowhere>=1", "PyYAML>=6"]) == ["nowhere"]


def test_without_executed_chapters_nothing_is_installed(tree: Tree) -> None:
    (tree.notebooks / "01_toy.ipynb").write_text("", "utf8")
    with pytest.raises(BookError, match="not executed: 01_toy"):
        alone.run(tree, "default", "no python", print)
    assert not (tree.build / "alone").exists()


SHOWS = v4.new_notebook(cells=[v4.new_code_cell("print(1)", id="it")])


@pytest.mark.notebook
@pytest.mark.parametrize("frozen", [("a==1\n", "a==1\n"), ("a==1\n", "a==2\n")])
def test_what_is_installed_must_stay(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, frozen: tuple[str, str]
) -> None:
    for folder in (tree.notebooks, tree.executed("default")):
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(SHOWS, folder / "01_toy.ipynb")
    answers = iter(frozen)
    monkeypatch.setattr(alone, "make_environment", lambda *_: Path(sys.executable))
    monkeypatch.setattr(alone, "_call", lambda *_: next(answers))
    said: list[str] = []
    if frozen[0] == frozen[1]:
        alone.run(tree, "default", sys.executable, said.append)
    else:
        with pytest.raises(BookError, match="from\na==1\nto\na==2"):
            alone.run(tree, "default", sys.executable, said.append)
    assert said[1].endswith("whole  01_toy")
    assert nbformat.read(tree.build / "alone" / "01_toy.ipynb", 4).cells[0].outputs[0].text == "1\n"


LOOK = """
import os, pathlib, urllib.request
try:
    urllib.request.urlopen("http://example.org", timeout=5)
except OSError as error:
    assert "refused" in str(error), error
print(sorted(os.listdir()), [n for n in ("PYTHONPATH", "MMFUSE_DATA_DIR") if n in os.environ])
pathlib.Path("mine").write_text("")
"""


@pytest.mark.notebook
def test_a_notebook_runs_in_an_empty_folder_without_our_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stem, code in {"01_looks": LOOK, "02_fails": "raise RuntimeError('on purpose')"}.items():
        cells = [v4.new_code_cell(code, id="it")]
        nbformat.write(v4.new_notebook(cells=cells), tmp_path / f"{stem}.ipynb")
    monkeypatch.setenv("MMFUSE_DATA_DIR", "/somewhere")
    before = dict(os.environ)
    place = tmp_path / "place"
    place.mkdir()
    with alone._kernel(place, Path(sys.executable)):
        _, error, looked = alone.execute(tmp_path / "01_looks.ipynb", place)
        _, failed, _ = alone.execute(tmp_path / "02_fails.ipynb", place)
    assert dict(os.environ) == before
    assert not error
    assert looked.cells[0].outputs[0].text == "[] []\n"
    assert failed.startswith("it failed\n")
    assert "RuntimeError: on purpose" in failed


FREEZE = """
numpy==2.1.3
Scikit_Learn==1.6.1
torch==2.9.0+cu126
setuptools==75.2.0
fastai @ https://example.org/fastai.whl
-e git+https://example.org/x#egg=x
"""


def test_pins_are_released_versions_without_torch() -> None:
    assert colab_versions.pins(FREEZE) == {
        "numpy": "numpy==2.1.3",
        "scikit-learn": "Scikit_Learn==1.6.1",
    }


def test_the_file_of_versions_is_what_the_script_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze = tmp_path / "freeze.txt"
    freeze.write_text(FREEZE, "utf8")
    target = tmp_path / "versions.txt"
    monkeypatch.setattr(colab_versions, "VERSIONS", target)
    report = {"install": [{"metadata": {"name": name}} for name in ("NumPy", "mmfuse")]}

    def resolved(command: list[str], **_: object) -> object:
        given = Path(command[command.index("--constraint") + 1]).read_text("utf8")
        assert "torch==2.9.0" not in given
        assert alone.torch_pin(alone.ROOT) in given
        return type("Done", (), {"stdout": json.dumps(report).encode()})

    monkeypatch.setattr("subprocess.run", resolved)
    colab_versions.main(str(freeze))
    lines = target.read_text("utf8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["numpy==2.1.3"]
    ours = alone.VERSIONS.read_text("utf8").splitlines()
    assert [line for line in lines if "Read on" not in line][:3] == [
        line for line in ours if "Read on" not in line
    ][:3]
    assert {"numpy==2.1.3", "pandas==2.2.3", "ipykernel==6.17.1"} <= set(ours)
