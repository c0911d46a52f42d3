"""Fingerprints: when is an executed chapter still what its source gives."""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import re
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from mmfuse_lib.core import provenance
from mmfuse_lib.core.provenance import FOLDER, LIBRARY

from .tree import Tree

# The parts of this package that decide what an executed notebook holds.
DECISIVE = ("chapters.py", "cleaning.py", "execution.py", "projector.py")

# A chapter that uses one of these may show comments and docstrings, so they count.
SHOWS_SOURCE = {"getsource", "getsourcelines", "getdoc", "getcomments", "__doc__", "help"}

# The module that finds data sets by their names: who uses it may use any of them.
ANY_DATA = f"{LIBRARY}.data.registry"

# Functions that read a file of `reproduce/` by its name, and how the file's name ends.
READERS = {"results": ".json", "configuration": ".yml"}

OBJECT = re.compile(rf"({LIBRARY}(?:\.\w+)*):\w+")


def sha256(data: bytes | str) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def environment_key(tree: Tree) -> str:
    """Fingerprint what all chapters depend on: pins, pages of the library, Python, torch."""
    files = [Path(__file__).with_name(name) for name in DECISIVE]
    files += [path for path in [tree.root / "constraints.txt"] if path.exists()]
    files += sorted(FOLDER.rglob("*.html"))
    parts = {path.name: sha256(path.read_bytes()) for path in files}
    parts["python"] = platform.python_version()
    parts["torch"] = metadata.version("torch")
    return sha256(json.dumps(parts, sort_keys=True))


def chapter_key(tree: Tree, environment: str, stem: str, parameters: Mapping[str, Any]) -> str:
    """Fingerprint one chapter: its notebook, its parameters, what it imports and what it reads."""
    code = ast.parse((tree.notebooks / f"{stem}.py").read_text("utf8"))
    results = {
        path.relative_to(tree.reproduce).as_posix(): sha256(path.read_bytes())
        for path in results_read(tree, code)
    }
    notebook = sha256((tree.converted / f"{stem}.ipynb").read_bytes())
    parts = [environment, notebook, dict(parameters), code_key(code), results]
    return sha256(json.dumps(parts, sort_keys=True))


def code_key(code: ast.Module) -> str:
    """Fingerprint the modules of the library that code uses, and those that they use.

    Comments and docstrings do not count, unless the code may show them.
    """
    named = (OBJECT.fullmatch(text) for text in _texts(code))
    modules = {match[1] for match in named if match}
    modules |= {name for name in provenance.imports_of(code) if name.partition(".")[0] == LIBRARY}
    found = provenance.needed(modules)
    if ANY_DATA in found:
        found |= provenance.needed(_modules_in(FOLDER / "data"))
    if SHOWS_SOURCE.isdisjoint(map(_name, ast.walk(code))):
        return provenance.modules_digest(found)
    files = (provenance.path_of(name) for name in sorted(found))
    return sha256(json.dumps([sha256(path.read_bytes()) for path in files if path]))


def results_read(tree: Tree, code: ast.Module) -> list[Path]:
    """List the result files that code reads: ``results("dmil")``, all where it is no name.

    All as well if there is none of that name: the chapter waits for it, or the name is wrong. The
    same goes for the studies, ``configuration("dmil")``.
    """
    found: set[Path] = set()
    for node in ast.walk(code):
        if isinstance(node, ast.Call) and (suffix := READERS.get(_name(node.func))):
            name = ast.unparse(node.args[0]).strip("'\"") if node.args else ""
            path = tree.reproduce / f"{name}{suffix}"
            found.update([path] if path.exists() else tree.reproduce.rglob(f"*{suffix}"))
    return sorted(found)


def _texts(code: ast.AST) -> Iterator[str]:
    for node in ast.walk(code):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _name(node: ast.AST) -> str:
    """Return the name that an expression ends with, as in ``inspect.getsource``."""
    return str(getattr(node, "attr", getattr(node, "id", "")))


def _modules_in(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("[!_]*.py")):
        yield ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts)
