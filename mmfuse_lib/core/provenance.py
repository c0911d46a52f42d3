"""Where a result comes from: which code, with which versions, on which machine, when.

There are two digests of code. `modules_digest` is of files, and follows what they import: it says
whether a result that lies on a disk is still what the code gives. `object_digest` is of a function
or class as it is in memory, with what it closes over: it says whether a run that was interrupted
goes on with the same code, also if that is in a notebook, which has no files.

Comments, docstrings and layout count in neither. What is installed (torch, numpy) does not either:
its versions stand in the results. Nor does what a reader's code reads from files of data.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import os
import platform
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import metadata
from importlib.util import find_spec, resolve_name
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import Any
from uuid import uuid4

LIBRARY = "mmfuse_lib"

#: The folder of the library.
FOLDER = Path(__file__).parents[1]

#: Packages whose versions may change a number.
PACKAGES = ("numpy", "pandas", "scikit-learn", "scipy", "torch")

#: Begins the digest of what is in no file, such as a class of a notebook.
UNKNOWN = "unknown"

#: Folders of what is installed.
_INSTALLED = {"site-packages", "dist-packages"}


def provenance(
    modules: Sequence[str] = (),
    *,
    command: str = "",
    device: str = "",
    packages: Iterable[str] = PACKAGES,
    but: Collection[str] = (),
) -> dict[str, Any]:
    """Return what a result was made by, with and on.

    Parameters
    ----------
    modules : sequence of str
        Those that made it; what they import counts too, see `modules_digest`.
    command : str
        What makes it again, typed at the top of the repository.
    device : str
        Where it was computed, if that matters; see `mmfuse_lib.core.devices.name_of_device`.
    packages : iterable of str
        Installed packages whose versions are named beside that of Python.
    but : collection of str
        As in `modules_digest`.

    Returns
    -------
    dict
        ``version`` of the library; ``commit``, where it runs from a repository (else None), and
        whether files of code differ from it (``modified``); ``versions``, ``system``,
        ``processor`` and ``date``. Where they are given, also ``command``, ``device``, and
        ``code``, a digest of the modules.
    """
    commit, modified = _commit()
    digest = modules_digest(modules, but) if modules else ""
    given = {"command": command, "device": device, "code": digest}
    return {
        **{name: value for name, value in given.items() if value},
        "version": library_version(),
        "commit": commit,
        "modified": modified,
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in packages},
        },
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "date": time.strftime("%Y-%m-%d"),
    }


def library_version() -> str:
    """Return the version of the library, which is loaded wherever a part of it is.

    An import statement would make all results of studies depend on the whole library.
    """
    return str(sys.modules[LIBRARY].__version__)


@cache
def _commit() -> tuple[str | None, bool | None]:
    """Return the commit of the repository that the library is in, and whether code was changed."""
    root = FOLDER.parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(  # noqa: S603
            command, capture_output=True, check=True, text=True
        ).stdout.strip()

    try:
        if not os.path.samefile(git("rev-parse", "--show-toplevel"), root):
            return None, None  # a repository of somebody who installed the library in it
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--", "*.py", "*.pyi"))
    except (OSError, subprocess.CalledProcessError):  # no git, or no repository
        return None, None


@cache
def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf8").splitlines() if info.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or "unknown"


# Digests of files.


def modules_digest(modules: Iterable[str], but: Collection[str] = ()) -> str:
    """Return a digest of the code of modules and of all that they import, but what is installed.

    Code that is in no file cannot be told to be the same again: it has another digest each time,
    which begins with `UNKNOWN`.

    Parameters
    ----------
    modules : iterable of str
        Their names; they need not be loaded.
    but : collection of str
        Modules that do not count where the library imports them, such as a registry: what is asked
        for by name is named in the settings.
    """
    names = sorted(needed(modules, but))
    if any(path_of(name) is None for name in names):
        return f"{UNKNOWN} {uuid4().hex}"
    text = "\n".join(f"{name} {_digest(_tree(name))}" for name in names)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def needed(modules: Iterable[str], but: Collection[str] = ()) -> set[str]:
    """Return modules and what they import, also in turn: of their packages, or not installed."""
    todo = list(modules)
    packages = {LIBRARY, *(name.partition(".")[0] for name in todo)}
    found: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            imported = imports_of(_tree(name), name)
            named = but if _of_library(name) else ()
            todo += [m for m in imported if m not in named and _counts(m, packages)]
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
_AT_START = {path: path.read_bytes() for path in FOLDER.rglob("*.py*") if path.suffix != ".pyc"}

#: What was read, with the specification that the module was loaded by: a module that is loaded
#: again has a new one, and one that was only edited goes on as it was loaded.
_READ: dict[str, tuple[object, ast.Module]] = {}


def _tree(module: str) -> ast.Module:
    """Return the code of a module, without docstrings, as first read since it was loaded.

    Of a package that imports its names when they are asked for, also the stub that lists them.
    """
    loaded = getattr(sys.modules.get(module), "__spec__", None)
    if module not in _READ or _READ[module][0] is not loaded:
        path, body = path_of(module), []
        for file in (path, path.with_suffix(".pyi")) if path else ():
            at_start = None if module in _READ else _AT_START.get(file)
            if at_start is not None or file == path or file.is_file():
                body += _without_docstrings(ast.parse(at_start or file.read_bytes())).body
        _READ[module] = (loaded, ast.Module(body, []))
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
def imports_of(tree: ast.Module, module: str = "") -> frozenset[str]:
    """Return what code imports, wherever it does so; not all need be modules.

    Of a package of the library that code imports as a whole, what it uses by name counts
    (``data.load`` is in `mmfuse_lib.data.registry`); the package itself if it uses it otherwise.

    Parameters
    ----------
    tree : ast.Module
        The code.
    module : str
        Its name, which ``from . import`` refers to.
    """
    found: set[str] = set()
    packages: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if _is_package(alias.name):
                    name = alias.name if alias.asname else LIBRARY
                    packages[alias.asname or LIBRARY] = name
                else:
                    found.add(alias.name)
        elif isinstance(node, ast.ImportFrom):
            source = _source(module, node)
            for alias in node.names:
                if not _of_library(source):
                    found |= {source, f"{source}.{alias.name}"}
                elif _is_package(origin := _origin(source, alias.name)) and alias.name != "*":
                    packages[alias.asname or alias.name] = origin
                else:
                    found.add(origin)
    return frozenset(found.union(_used(tree, packages) if packages else ()))


def _used(node: ast.AST, packages: Mapping[str, str]) -> Iterator[str]:
    """Yield where that is which code uses of packages, given the names it has for them."""
    used = _named(node, packages)
    if used:
        yield used
    else:
        for child in ast.iter_child_nodes(node):
            yield from _used(child, packages)


def _named(node: ast.AST, packages: Mapping[str, str]) -> str | None:
    """Return what an expression such as ``methods.DIMML`` is of, if it is of a package."""
    if isinstance(node, ast.Name):
        return packages.get(node.id)
    owner = _named(node.value, packages) if isinstance(node, ast.Attribute) else None
    return _origin(owner, node.attr) if owner and isinstance(node, ast.Attribute) else None


def _of_library(module: str) -> bool:
    return module.partition(".")[0] == LIBRARY


def _is_package(module: str) -> bool:
    path = path_of(module) if _of_library(module) else None
    return path is not None and path.name == "__init__.py"


def _source(module: str, node: ast.ImportFrom) -> str:
    """Return the module that ``from .. import`` names, in the code of another one."""
    if not node.level:
        return str(node.module)
    is_package = (path_of(module) or Path()).name == "__init__.py"
    package = module if is_package else module.rpartition(".")[0]
    return resolve_name("." * node.level + (node.module or ""), package)


def _origin(package: str, name: str) -> str:
    """Return where a name comes from that a package of the library may only pass on."""
    if not _is_package(package):
        return package
    if path_of(f"{package}.{name}") is not None:
        return f"{package}.{name}"
    for node in _tree(package).body:
        if isinstance(node, ast.ImportFrom):
            passed_on = {alias.asname or alias.name: alias.name for alias in node.names}
            if name in passed_on:
                return _origin(_source(package, node), passed_on[name])
    return package


# Digests of what is in memory.


def full_name(value: Any) -> str:
    """Return the module and the qualified name of a class or function."""
    return f"{value.__module__}.{value.__qualname__}"


def object_digest(value: object, plain: Callable[[object], object]) -> str:
    """Return a digest of the code of a function or class, and of that of its owner it calls.

    Covered are the bytecode, defaults, and what is found under the names that the code uses; of
    classes, the attributes of all bases. What was installed (torch, say) counts by its name only.

    Parameters
    ----------
    value : object
        The function or class.
    plain : callable
        What to note of a value that is no code, such as a number or an array.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in _code_parts(value, plain, seen=set()):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()


def _code_parts(value: object, plain: Callable[[object], object], seen: set[int]) -> Iterator[str]:
    """Yield texts that change when the code does."""
    if isinstance(value, staticmethod | classmethod | MethodType):
        value = value.__func__
    if isinstance(value, property):
        for method in (value.fget, value.fset):
            yield from _code_parts(method, plain, seen)
    value = inspect.unwrap(value) if callable(value) else value
    if isinstance(value, FunctionType | type):
        yield full_name(value)
        if id(value) in seen or is_installed(value):
            return
        seen.add(id(value))
        parts = _of_class(value) if isinstance(value, type) else _of_function(value)
        for part in parts:
            yield from _code_parts(part, plain, seen)
    elif isinstance(value, CodeType):
        yield value.co_code.hex()
        yield value.co_exceptiontable.hex()
        yield " ".join(value.co_names)
        for constant in value.co_consts:
            yield from _code_parts(constant, plain, seen)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _code_parts(part, plain, seen)
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield str(name)
            yield from _code_parts(part, plain, seen)
    else:
        yield str(plain(value))


def _of_class(kind: type) -> Iterator[object]:
    for base in kind.__mro__:
        if is_installed(base):
            yield full_name(base)
            continue
        for name, value in sorted(vars(base).items()):
            if callable(value) or not name.startswith("__"):
                yield name
                yield value


def _of_function(function: FunctionType) -> Iterator[object]:
    code = function.__code__
    yield code.replace(co_consts=tuple(c for c in code.co_consts if c != function.__doc__))
    yield from given_to(function).items()
    for name in sorted(set(_names_in(code)) & set(function.__globals__)):
        yield name
        yield function.__globals__[name]


def _names_in(code: CodeType) -> Iterator[str]:
    """Yield the global names and attributes that code, or a function in it, uses."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def given_to(function: FunctionType) -> dict[str, object]:
    """Return what a function has before it is called: closed-over values and defaults."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    closed = {name: _content(cell) for name, cell in cells if name != function.__name__}
    parameters = inspect.signature(function).parameters.values()
    return closed | {p.name: p.default for p in parameters if p.default is not p.empty}


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not yet bound
        return None


def is_installed(value: Any) -> bool:
    """Tell whether a class or function is of an installed package: its name says what it is."""
    return _is_installed_module(str(value.__module__))


@cache
def _is_installed_module(name: str) -> bool:
    if name.partition(".")[0] in ("__main__", LIBRARY):
        return False
    if name not in sys.modules:  # made by exec, as in a notebook
        return False
    file = getattr(sys.modules[name], "__file__", None)
    if file is None:
        return True
    path = Path(file).resolve()
    is_standard = path.is_relative_to(Path(sysconfig.get_path("stdlib")).resolve())
    return is_standard or bool(_INSTALLED & set(path.parts))
