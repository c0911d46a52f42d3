"""Docstring examples are run, and every public function that a chapter uses has one."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import pytest

import mmfuse_lib

ROOT = Path(__file__).resolve().parents[1]
WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "mmfuse_lib").rglob("*.py")
    if ">>>" in path.read_text("utf8")
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples_of(module: ModuleType) -> list[doctest.DocTest]:
    found = doctest.DocTestFinder().find(module, module.__name__)
    return [test for test in found if test.examples]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_print_what_they_say(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # for the results in reproduce/
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    said: list[str] = []
    tests = examples_of(importlib.import_module(name))
    assert tests, "there is an example that doctest does not find"
    for test in tests:
        with mpl.rc_context():
            runner.run(test, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)


def test_only_what_is_downloaded_is_skipped() -> None:
    skipped = {
        test.name
        for name in WITH_EXAMPLES
        for test in examples_of(importlib.import_module(name))
        if any(doctest.SKIP in example.options for example in test.examples)
    }
    assert all(".data.downloaded." in name or ".data.raw." in name for name in skipped), skipped


def test_a_wrong_example_fails() -> None:
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    assert doctest.DocTestRunner(optionflags=FLAGS).run(test, out=lambda _: None).failed == 1


def names_used(text: str) -> Iterator[str]:
    """Yield the dotted names under `mmfuse_lib` that a chapter's code uses, privates left out."""
    tree = ast.parse(text)
    known = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mmfuse_lib")
        for alias in node.names
    }

    def dotted(node: ast.AST) -> str | None:
        if isinstance(node, ast.Name):
            return known.get(node.id)
        if isinstance(node, ast.Attribute) and (owner := dotted(node.value)):
            return None if node.attr.startswith("_") else f"{owner}.{node.attr}"
        return None

    for node in ast.walk(tree):
        if name := dotted(node):
            yield name


def public_object(name: str) -> object | None:
    """Return the function or class of ours that a dotted name leads to; None for anything else.

    An attribute of a class counts as the class: its example shows how it is used.
    """
    found: object = mmfuse_lib
    for part in name.split(".")[1:]:
        if inspect.isclass(found):
            break
        if inspect.ismodule(found) and not hasattr(found, part):
            importlib.import_module(f"{found.__name__}.{part}")
        found = getattr(found, part)
    is_code = inspect.isfunction(found) or inspect.isclass(found)
    if not is_code or not found.__module__.startswith("mmfuse_lib"):
        return None
    return None if inspect.isclass(found) and issubclass(found, Exception) else found


def without_example(texts: list[str]) -> set[str]:
    """Return the functions and classes that chapters use and whose docstring has no example."""
    found = {name: public_object(name) for text in texts for name in names_used(text)}
    return {
        name
        for name, thing in found.items()
        if thing is not None and ">>>" not in (inspect.getdoc(thing) or "")
    }


def test_every_function_that_a_chapter_uses_has_an_example() -> None:
    chapters = [path.read_text("utf8") for path in sorted((ROOT / "notebooks").glob("*.py"))]
    assert len(chapters) >= 13
    assert without_example(chapters) == set()


def test_a_function_without_an_example_is_found() -> None:
    text = """
from mmfuse_lib import methods
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.core.files import write_json
from mmfuse_lib.information import GATES, entropy
methods.JointFusion.for_data(entropy(GATES["xor"]()))
write_json(DataError)
"""
    assert without_example([text]) == {"mmfuse_lib.core.files.write_json"}
