"""Which code a result depends on: modules, found by following imports, and a digest of them.

Comments, docstrings and layout do not count. What is installed (torch, numpy) does not either: its
versions stand in the results. Nor does what a reader's code reads from files of data.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec, resolve_name
from pathlib import Path
from uuid import uuid4

LIBRARY = "mmfuse_lib"

#: What trains and measures, whatever the method and the data.
ALWAYS = tuple(
    f"{LIBRARY}.{name}"
    for name in ("training.fit", "evaluation", "encoders.registry", "runs", "study.cells")
)

#: Packages that hand out things by name. A module of the library that imports one as a whole does
#: not depend on all of it: what is asked for by name is in the settings, and is counted.
BY_NAME = tuple(f"{LIBRARY}.{name}" for name in ("data", "methods", "explanations"))

#: Folders of what is installed.
_INSTALLED = {"site-packages", "dist-packages"}

#: Begins the digest of what is in no file, such as a class of a notebook.
UNKNOWN = "unknown"


def digest_of(modules: Iterable[str]) -> str:
    """Return a digest of the code of modules and of all that they import, but what is installed.

    Code that is in no file cannot be told to be the same again: it has another digest each time,
    which begins with `UNKNOWN`.
    """
    names = sorted(needed(modules))
    if any(path_of(name) is None for name in names):
        return f"{UNKNOWN} {uuid4().hex}"
    text = "\n".join(f"{name} {_digest(_tree(name))}" for name in names)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def needed(modules: Iterable[str]) -> set[str]:
    """Return modules and what they import, also in turn: of their packages, or not installed."""
    todo = list(modules)
    packages = {LIBRARY, *(name.partition(".")[0] for name in todo)}
    found: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += [m for m in _imports(name, _tree(name)) if _counts(m, packages)]
    return found


def _counts(module: str, packages: set[str]) -> bool:
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names and top not in packages:
        return False
    path = path_of(module)
    return path is not None and (top in packages or not _INSTALLED & set(path.parts))


def path_of(module: str) -> Path | None:
    """Return the source file of a module, which need not be loaded; None if there is none."""
    top, *rest = module.split(".")
    try:
        spec = find_spec(top)
    except ValueError:  # `__main__` in a notebook or a script
        file = getattr(sys.modules[top], "__file__", None)
        return Path(file) if file else None
    if spec is None or not (spec.has_location or spec.submodule_search_locations):
        return None
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    if not folders:
        return Path(str(spec.origin)) if not rest and str(spec.origin).endswith(".py") else None
    stems = [folder.joinpath(*rest) for folder in folders]
    files = [f for s in stems for f in (s / "__init__.py", s.with_name(f"{s.name}.py"))]
    return next((file for file in files if file.is_file()), None)


#: The library as it was when this process started: what is edited later is not what runs.
_AT_START = {path: path.read_bytes() for path in Path(__file__).parents[1].rglob("*.py")}

#: What was read, with the specification that the module was loaded by: a module that is loaded
#: again has a new one, and one that was only edited goes on as it was loaded.
_READ: dict[str, tuple[object, ast.Module]] = {}


def _tree(module: str) -> ast.Module:
    """Return the code of a module, without docstrings, as first read since it was loaded."""
    loaded = getattr(sys.modules.get(module), "__spec__", None)
    if module not in _READ or _READ[module][0] is not loaded:
        path = path_of(module)
        at_start = None if module in _READ or path is None else _AT_START.get(path)
        source = at_start or (path.read_bytes() if path else b"")
        _READ[module] = (loaded, _without_docstrings(ast.parse(source)))
    return _READ[module][1]


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = node.body[ast.get_docstring(node, clean=False) is not None :]
    return tree


@cache
def _digest(tree: ast.Module) -> str:
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()


@cache
def _imports(module: str, tree: ast.Module) -> frozenset[str]:
    """Return what the code of a module imports, wherever it does so; not all need be modules."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = _source(module, node)
            for alias in node.names:
                if _of_library(source):
                    found.add(_origin(source, alias.name))
                else:
                    found |= {source, f"{source}.{alias.name}"}
    return frozenset(found.difference(BY_NAME) if _of_library(module) else found)


def _of_library(module: str) -> bool:
    return module.partition(".")[0] == LIBRARY


def _source(module: str, node: ast.ImportFrom) -> str:
    """Return the module that ``from .. import`` names, in the code of another one."""
    is_package = (path_of(module) or Path()).name == "__init__.py"
    package = module if is_package else module.rpartition(".")[0]
    return resolve_name("." * node.level + (node.module or ""), package)


def _origin(package: str, name: str) -> str:
    """Return where a name comes from that a package of the library may only pass on."""
    if path_of(f"{package}.{name}") is not None:
        return f"{package}.{name}"
    for node in _tree(package).body:
        if isinstance(node, ast.ImportFrom):
            passed_on = {alias.asname or alias.name: alias.name for alias in node.names}
            if name in passed_on:
                return _origin(_source(package, node), passed_on[name])
    return package
