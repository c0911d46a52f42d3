"""Light doors: what is imported loads what it needs, and names are found when they are used."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mmfuse_lib

FOLDER = Path(mmfuse_lib.__file__).parent
ROOT = FOLDER.parent
STUBS = sorted(FOLDER.rglob("__init__.pyi"))

TRAINING = {"torch", "lightning_fabric", "torchmetrics"}
HEAVY = TRAINING | {"pandas", "sklearn", "matplotlib", "seaborn", "scipy.stats", "joblib", "rich"}


def python(*arguments: str) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def loaded_by(code: str) -> set[str]:
    """Return the modules that a new process has loaded after it ran some code."""
    return set(python("-c", f"{code}\nimport sys\nprint('\\n', *sys.modules)").split())


def command(*arguments: str) -> str:
    """Return the code of the command line, which ends with an exit."""
    return (
        f"import sys\nsys.argv = ['mmfuse', *{arguments!r}]\nfrom mmfuse_lib.cli import app\n"
        "try:\n    app()\nexcept SystemExit as end:\n    assert not end.code"
    )


@pytest.mark.parametrize(
    ("code", "kept_out"),
    [
        ("import mmfuse_lib", HEAVY | {"numpy", "scipy"}),
        ("from mmfuse_lib import data\nfor n in data.names(): data.summary(n)", HEAVY | {"numpy"}),
        ("from mmfuse_lib.information import *\ndecompose([[[0.5, 0], [0, 0.5]]])", HEAVY),
        ("from mmfuse_lib import mean_interval\nmean_interval([1, 2])", HEAVY),
        ("from mmfuse_lib.information.estimators import cluster_pid, synergy_bounds", TRAINING),
        ("from mmfuse_lib.information.estimators import gaussian_pid", TRAINING | {"sklearn"}),
        ("from mmfuse_lib.plots import *\nuse_style()", TRAINING),
        ("from mmfuse_lib import fit, methods\nmethods.I2MoE", {"torchmetrics", "matplotlib"}),
        (command("--help"), HEAVY | {"numpy"}),
        (command("data", "--help"), HEAVY | {"numpy"}),
        (command("train", "--help"), HEAVY | {"numpy"}),
        (command("data"), HEAVY | {"numpy"}),
    ],
)
def test_what_is_not_needed_is_not_loaded(code: str, kept_out: set[str]) -> None:
    assert loaded_by(code) & kept_out == set()


def test_the_check_sees_what_is_loaded() -> None:
    assert "torch" in loaded_by("from mmfuse_lib.data import MultimodalData")


# Time: CPU seconds of a process, as a ratio to that of what cannot be avoided.


def cpu_seconds(*arguments: str) -> float:
    """Return the CPU time of a new process, all its threads, user and system."""
    command = [sys.executable, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="this system does not say what was used")
@pytest.mark.parametrize(
    ("ours", "theirs", "most"),
    [
        (("-c", "import mmfuse_lib.information"), ("-c", "import numpy, scipy.optimize"), 1.3),
        (("-m", "mmfuse_lib.cli", "--help"), ("-c", "import typer"), 3.0),
    ],
)
def test_time_to_load(ours: tuple[str, ...], theirs: tuple[str, ...], most: float) -> None:
    pairs = [(cpu_seconds(*ours), cpu_seconds(*theirs)) for _ in range(5)]
    assert min(own for own, _ in pairs) <= most * min(other for _, other in pairs)


# Names.


def package_of(stub: Path) -> str:
    return ".".join(stub.parent.relative_to(ROOT).parts)


@pytest.mark.parametrize("stub", STUBS, ids=package_of)
def test_a_stub_lists_what_is_there(stub: Path) -> None:
    package = importlib.import_module(package_of(stub))
    aliases = [
        (node, alias)
        for node in ast.parse(stub.read_text("utf8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert sorted(alias.name for _, alias in aliases) == package.__all__ == dir(package)
    for node, alias in aliases:
        assert alias.asname == alias.name, "type checkers take a name without `as` for private"
        owner = f"{package_of(stub)}.{node.module}" if node.module else package_of(stub)
        assert getattr(package, alias.name) is getattr(importlib.import_module(owner), alias.name)


@pytest.mark.parametrize("stub", STUBS, ids=package_of)
def test_a_typo_is_no_attribute(stub: Path) -> None:
    package = importlib.import_module(package_of(stub))
    with pytest.raises(AttributeError, match="nmaes"):
        _ = package.nmaes


def test_a_typo_in_a_method_gets_the_closest_name() -> None:
    with pytest.raises(AttributeError, match="Did you mean 'JointFusion'"):
        _ = mmfuse_lib.methods.JointFuson  # type: ignore[attr-defined]


def test_methods_that_can_be_named_in_settings_are_handed_on() -> None:
    from mmfuse_lib import methods

    for name in methods.names():
        assert methods.get(name) is getattr(methods, name)


def clashes(stub: Path) -> list[str]:
    """List names that are of a function in a package's stub and of a module in the package.

    Whoever imports the module puts it in the function's place.
    """
    modules = {path.stem for path in stub.parent.iterdir() if path.suffix == ".py" or path.is_dir()}
    nodes = [n for n in ast.parse(stub.read_text("utf8")).body if isinstance(n, ast.ImportFrom)]
    return [alias.name for n in nodes if n.module for alias in n.names if alias.name in modules]


def test_no_function_is_called_as_a_module_beside_it(tmp_path: Path) -> None:
    assert {package_of(stub): clashes(stub) for stub in STUBS if clashes(stub)} == {}
    stub = tmp_path / "__init__.pyi"
    stub.write_text("from . import one as one\nfrom .two import two as two, x as x\n")
    for name in ("one.py", "two.py"):
        (tmp_path / name).touch()
    assert clashes(stub) == ["two"]
