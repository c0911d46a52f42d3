"""When a chapter is executed again: for what it imports and reads, and for nothing else."""

from __future__ import annotations

import ast
from collections.abc import Callable

import pytest

from book.pipeline import execution
from book.pipeline.fingerprint import results_read
from book.pipeline.tree import Tree

from .conftest import CHAPTER, write_chapter

CHAPTERS = {
    "01_toy": "import numpy",
    "02_bits": "from mmfuse_lib.information import entropy",
    "03_trains": "from mmfuse_lib import data, fit, methods\ndata.load(name)\nmethods.DIMML",
    "04_shows": "import inspect\nfrom mmfuse_lib.methods import dmil\ninspect.getsource(dmil)",
    "05_reads": 'results("x")',
    "06_names": 'load("mmfuse_lib.core.files:finite")',
}


def keys(tree: Tree) -> dict[str, str]:
    return {job.stem: job.key for job in execution.plan(tree, "default")}


@pytest.fixture
def book(tree: Tree) -> Tree:
    """A book of chapters that depend on different things."""
    for stem, code in CHAPTERS.items():
        write_chapter(tree, stem, f"{CHAPTER}\n# %%\n{code}\n")
    (tree.reproduce / "x.json").write_text("{}", "utf8")
    (tree.root / "constraints.txt").write_text("numpy==1\n", "utf8")
    return tree


CODE, COMMENT = "\nmore = 1\n", "\n# A remark.\n"
EDITS: list[tuple[str, str, set[str]]] = [
    ("information.entropies", CODE, {"02_bits"}),
    ("information.entropies", COMMENT, set()),
    ("methods.dimml", CODE, {"03_trains"}),
    ("methods.dmil", CODE, {"04_shows"}),
    ("methods.dmil", COMMENT, {"04_shows"}),
    ("training.fit", CODE, {"03_trains"}),
    ("data.raw.ave", CODE, {"03_trains"}),
    ("data.raw.ave", COMMENT, set()),
    ("core.files", CODE, {"03_trains", "06_names"}),
    ("plots.style", CODE, set()),
    ("cli", CODE, set()),
]


def test_a_chapter_follows_the_modules_that_it_imports(
    book: Tree, edit_library: Callable[[str, str], None]
) -> None:
    before = keys(book)
    assert keys(book) == before
    for module, text, changed in EDITS:
        edit_library(module, text)
        after = keys(book)
        found = {stem for stem in before if after[stem] != before[stem]}
        assert found == changed, (module, text)
        before = after


@pytest.mark.parametrize(
    ("where", "changed"),
    [
        ("constraints.txt", set(CHAPTERS)),
        ("reproduce/x.json", {"05_reads"}),
        ("reproduce/y.json", set()),
        ("mmfuse_lib/new.py", set()),
    ],
)
def test_a_chapter_follows_the_files_that_it_reads(
    book: Tree, where: str, changed: set[str]
) -> None:
    before = keys(book)
    (book.root / where).write_text("other", "utf8")
    after = keys(book)
    assert {stem for stem in before if after[stem] != before[stem]} == changed


FILES = {"a.json", "a_1.json", "gpu/a.json"}
STUDIES = {"a.yml", "b.yml"}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('results("a")', {"a.json"}),
        ('mmfuse_lib.results("gpu/a")', {"gpu/a.json"}),
        ('results("a"), results("a_1")', {"a.json", "a_1.json"}),
        ("results(name)", FILES),
        ('results("none")', FILES),
        ('print("results of a")', set()),
        ('study.configuration("a")', {"a.yml"}),
        ("configuration(name)", STUDIES),
    ],
)
def test_results_that_code_reads_are_found_and_all_count_where_that_cannot_be_told(
    tree: Tree, code: str, found: set[str]
) -> None:
    for name in FILES | STUDIES:
        path = tree.reproduce / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    read = results_read(tree, ast.parse(code))
    assert {path.relative_to(tree.reproduce).as_posix() for path in read} == found
