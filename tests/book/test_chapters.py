"""From a source to a notebook: tags, ids, the install cell, profiles."""

from __future__ import annotations

import ast
import contextlib
import io
from pathlib import Path
from typing import Any

import pytest

from book.pipeline import chapters
from book.pipeline.profiles import read_profile
from book.pipeline.tree import BookError, Project, Tree

from .conftest import CHAPTER, write_chapter

BOOK = Tree(Path(__file__).resolve().parents[2])


def test_conversion_is_byte_identical_twice(tree: Tree) -> None:
    first = chapters.convert(tree, "01_toy").read_bytes()
    assert chapters.convert(tree, "01_toy").read_bytes() == first
    assert b'"01_toy-001"' in first


@pytest.mark.parametrize("filter_", ["-all", "all"])
def test_parameters_tag_survives_the_conversion(tree: Tree, filter_: str) -> None:
    header = f"# ---\n# jupyter:\n#   jupytext:\n#     cell_metadata_filter: {filter_}\n# ---\n\n"
    write_chapter(tree, "01_toy", header + CHAPTER)
    chapter = chapters.read_chapter(tree, "01_toy")
    assert [cell.id for cell in chapter.notebook.cells if "parameters" in chapters.tags(cell)] == [
        "01_toy-001"
    ]
    assert chapter.parameters == {"seed": 0, "rate": 0.5}


def test_missing_parameters_tag_names_the_chapter(tree: Tree) -> None:
    write_chapter(tree, "02_untagged", CHAPTER.replace(' tags=["parameters"]', ""))
    with pytest.raises(BookError, match=r"02_untagged: 0 cells are tagged `parameters`"):
        chapters.convert(tree, "02_untagged")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("# # A toy", "# A toy", "first cell must be Markdown"),
        ("rate = 0.5", "print(1)", "only `name = value`"),
        ("rate = 0.5", "rate = max(1, 2)", "`rate` must be a literal"),
    ],
)
def test_malformed_chapter_is_refused(tree: Tree, before: str, after: str, message: str) -> None:
    write_chapter(tree, "01_toy", CHAPTER.replace(before, after))
    with pytest.raises(BookError, match=message):
        chapters.read_chapter(tree, "01_toy")


def test_chapter_with_another_name_is_refused(tree: Tree) -> None:
    write_chapter(tree, "scratch")
    with pytest.raises(BookError, match="NN_slug"):
        chapters.stems(tree)


def test_install_cell_follows_the_title_and_does_nothing_here(tree: Tree) -> None:
    cell = chapters.read_chapter(tree, "01_toy").notebook.cells[1]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(cell.source, {})  # noqa: S102
    assert printed.getvalue() == ""
    assert '"toy @ https://github.com/toy/toy/archive/main.zip"' in cell.source
    assert "remove-cell" in chapters.tags(cell)


def test_release_is_installed_from_its_tag() -> None:
    assert Project("toy", "1.2.0", "r", "s").ref == "v1.2.0"
    assert Project("toy", "1.2.0.dev1", "r", "s").ref == "main"


DECLARED: dict[str, dict[str, Any]] = {"01_a": {"seed": 0, "rate": 0.5}, "02_b": {"seed": 0}}


def read(tree: Tree, text: str) -> dict[str, dict[str, object]]:
    (tree.book / "profiles" / "quick.yml").write_text(text, "utf8")
    return read_profile(tree, "quick", DECLARED)


def test_profile_gives_each_chapter_what_it_declares(tree: Tree) -> None:
    values = read(tree, "all: {seed: 1, rate: 2}\n01_a: {rate: 3}\n")
    assert values == {"01_a": {"seed": 1, "rate": 3}, "02_b": {"seed": 1}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("02_b: {rate: 1}", "chapter 02_b declares no parameter 'rate'; it declares: seed"),
        ("all: {typo: 1}", "no chapter declares parameter 'typo'"),
        ("03_c: {seed: 1}", "no chapter '03_c'"),
        ("01_a: {rate: 3e-4}", r"01_a.rate is '3e-4' \(str\)"),
    ],
)
def test_wrong_profile_is_refused(tree: Tree, text: str, message: str) -> None:
    with pytest.raises(BookError, match=message):
        read(tree, text)


def test_unknown_profile_names_the_known_ones(tree: Tree) -> None:
    with pytest.raises(BookError, match=r"no profile 'fast'; there are: default"):
        read_profile(tree, "fast", DECLARED)


@pytest.mark.parametrize("stem", chapters.stems(BOOK))
def test_claims_name_every_parameter_with_its_published_value(stem: str) -> None:
    declared = chapters.read_chapter(BOOK, stem).parameters
    code = ast.parse((BOOK.notebooks / f"{stem}.py").read_text("utf8"))
    calls = [node for node in ast.walk(code) if isinstance(node, ast.Call)]
    made = [call for call in calls if ast.unparse(call.func) == "Claims"]
    named = [{k.arg: ast.literal_eval(k.value) for k in call.keywords} for call in made]
    published = {name: value for name, value in declared.items() if name != "device"}
    assert named == ([published] if named or "claim(" in ast.unparse(code) else [])


@pytest.mark.parametrize("stem", chapters.stems(BOOK))
def test_no_parameter_is_assigned_again(stem: str) -> None:
    """`Claims` compares the parameters as they are when it is called."""
    chapter = chapters.read_chapter(BOOK, stem)
    others = [
        cell.source
        for cell in chapter.notebook.cells
        if cell.cell_type == "code" and "parameters" not in chapters.tags(cell)
    ]
    assigned = {
        node.id
        for source in others
        for statement in ast.parse(source).body
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef)
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    assert not assigned & set(chapter.parameters)
