"""Targets: the same for make and for Python alone, in an environment that is there or is made."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from book import environment, lab, targets
from book.environment import choose, interpreter, is_current, lacking, stamp

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = """\
[project]
name = "toy"
dependencies = ["PyYAML>=6"]
[project.optional-dependencies]
chapters = ["papermill>=2"]
book = ["toy[chapters]", "sphinx>=7,<9"]
test = ["pytest>=8"]
lab = ["jupyterlab>=4"]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with what says which packages it needs."""
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, "utf8")
    (tmp_path / "constraints.txt").write_text("", "utf8")
    return tmp_path


Installed = Callable[..., None]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    """Let the Python that runs hold these packages, and `toy` as an editable copy of a folder."""

    def install(*names: str, toy: Path | None = None, editable: bool = True) -> None:
        def distributions(name: str) -> list[metadata.Distribution]:
            if name != "toy":
                return [metadata.distribution("pytest")] if name in names else []
            # Where Python was started lies what setuptools wrote: it says nothing of the origin.
            found = [_Toy(None)]
            if toy:
                facts = {"url": toy.as_uri(), "dir_info": {"editable": editable}}
                found.append(_Toy(json.dumps(facts)))
            return list(found)

        monkeypatch.setattr("importlib.metadata.distributions", distributions)

    return install


class _Toy(metadata.Distribution):
    def __init__(self, direct_url: str | None) -> None:
        self.direct_url = direct_url  # `origin` is a property from Python 3.13 on

    def read_text(self, filename: str) -> str | None:
        return self.direct_url if filename == "direct_url.json" else None

    def locate_file(self, path: str | os.PathLike[str]) -> Path:
        raise NotImplementedError


TOOLS = ("PyYAML", "papermill", "sphinx", "pytest")


def test_an_environment_with_this_folder_and_its_tools_is_used(
    root: Path, installed: Installed
) -> None:
    installed(*TOOLS, toy=root)
    assert lacking(root) == []
    assert choose(root, "") is None
    assert choose(root, "mine") == root / "mine"  # a folder that is asked for comes first


@pytest.mark.parametrize(
    ("present", "options", "missing"),
    [
        (("PyYAML", "sphinx", "pytest"), {}, ["papermill"]),
        (TOOLS, {"editable": False}, ["toy from this folder"]),
        (TOOLS, {"elsewhere": True}, ["toy from this folder"]),
        (TOOLS, {"toy": None}, ["toy from this folder"]),
    ],
)
def test_one_that_lacks_something_is_not(
    root: Path, installed: Installed, present: tuple[str, ...], options: dict[str, object],
    missing: list[str],
) -> None:  # fmt: skip
    place = root / "copy" if options.pop("elsewhere", False) else root
    installed(*present, **({"toy": place} | options))
    assert lacking(root) == missing
    assert choose(root, "") == root / ".venv"


def test_fewer_tools_are_enough_for_the_chapters(root: Path, installed: Installed) -> None:
    installed("PyYAML", "papermill", "pytest", toy=root)
    assert choose(root, "", ("chapters", "test")) is None
    assert choose(root, "") == root / ".venv"


def test_python_that_makes_no_environments_is_used_itself(
    root: Path, installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Colab, whose Python has no ensurepip."""
    installed()
    monkeypatch.setattr(environment, "can_make", lambda: False)
    assert choose(root, "") is None
    python = interpreter(root / ".venv")
    python.parent.mkdir(parents=True)
    python.touch()  # one that another program made
    assert choose(root, "") == root / ".venv"


def test_packages_of_the_operating_system_are_left_alone(
    root: Path, installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed()
    monkeypatch.setattr(environment, "can_make", lambda: False)
    monkeypatch.setattr(environment, "externally_managed", lambda: True)
    with pytest.raises(environment.NoEnvironmentError, match="apt install python3-venv"):
        choose(root, "")
    assert choose(root, "system") is None  # who asks for it gets what pip says


def test_our_own_environment_is_updated_even_when_it_is_the_active_one(
    root: Path, installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(*TOOLS, toy=root)
    own = root / ".venv"
    own.mkdir()
    monkeypatch.setattr(sys, "prefix", str(own))
    assert choose(root, "") is None  # whoever made it keeps it
    stamp(own).touch()
    assert choose(root, "") == own
    os.utime(stamp(own), (100, 100))
    sources = [root / "pyproject.toml", root / "constraints.txt"]
    for path in sources:
        os.utime(path, (100, 100))
    assert is_current(own, sources)
    os.utime(sources[1], (101, 101))
    assert not is_current(own, sources)


def test_windows_keeps_python_elsewhere() -> None:
    assert interpreter(Path("x"), "nt") == Path("x/Scripts/python.exe")
    assert interpreter(Path("x"), "posix") == Path("x/bin/python")


@pytest.fixture
def typed(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Run no commands: note them."""
    commands: list[list[str]] = []

    def run(words: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        commands.append([word.replace(str(root), "ROOT") for word in words])
        return subprocess.CompletedProcess(words, 0)

    monkeypatch.setattr("subprocess.run", run)
    for name in targets.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return commands


def run(root: Path, name: str, **variables: str) -> None:
    targets.Run(targets.VARIABLES | variables, root).do(name)


def test_a_target_makes_the_environment_once(
    root: Path, installed: Installed, typed: list[list[str]]
) -> None:
    installed()
    (root / ".venv").mkdir()
    python = "ROOT/.venv/bin/python"
    run(root, "book", PROFILE="smoke")
    assert typed == [
        [sys.executable, "-m", "venv", "ROOT/.venv"],
        [python, "-m", "pip", "install", "--quiet", "-c", "constraints.txt", "-e", ".[book,test]"],
        [python, "-m", "book.build", "execute", "--profile", "smoke"],
        [python, "-m", "book.build", "html", "--profile", "smoke"],
    ]
    typed.clear()
    run(root, "test")
    modules = [words[2] for words in typed]
    assert modules == ["ruff", "ruff", "mypy", *["book.build"] * 3, "pytest"]
    typed.clear()
    os.utime(root / "constraints.txt", (2**32, 2**32))
    run(root, "unit")
    assert [words[2] for words in typed] == ["pip", "pytest"]


def test_on_colab_the_lab_of_the_gpu_installs_what_is_missing_and_pins_nothing(
    root: Path, installed: Installed, typed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    installed()
    monkeypatch.setattr(environment, "can_make", lambda: False)
    monkeypatch.setattr(environment, "externally_managed", lambda: False)
    run(root, "gpu")
    pip = ["-m", "pip", "install", "--quiet", "-e", ".[chapters,test]"]
    assert typed == [[sys.executable, *pip], [sys.executable, "-m", "book.build", "gpu"]]


def test_torch_without_cuda_comes_before_the_rest(
    root: Path, installed: Installed, typed: list[list[str]]
) -> None:
    installed()
    (root / "mine").mkdir()
    run(root, "setup", VENV="mine", UV_TORCH_BACKEND="cpu")
    assert [words[-1] for words in typed] == ["ROOT/mine", "uv", "torch", ".[book,test]"]
    assert "constraints.txt" in typed[2]


def test_a_failing_command_ends_the_call_with_its_status(
    root: Path, installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(*TOOLS, toy=root)

    def fail(words: list[str], **options: object) -> None:
        raise subprocess.CalledProcessError(7, words)

    monkeypatch.setattr("subprocess.run", fail)
    monkeypatch.setenv("VENV", "system")
    assert targets.main(["lint"], root) == 7


def test_what_is_not_there_is_named() -> None:
    assert str(targets.main(["paper"])).startswith("no target paper; there are: help, setup, ")
    assert str(targets.main(["book", "X=1"])).startswith("no variable X; there are: VENV, ")


def test_variables_are_set_as_for_make(
    root: Path, installed: Installed, typed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(*TOOLS, toy=root)
    monkeypatch.setenv("PROFILE", "gpu")
    assert targets.main(["times", "VENV=system"], root) == 0
    assert targets.main(["PROFILE=smoke", "times", "VENV=system"], root) == 0
    assert [words[-1] for words in typed] == ["gpu", "smoke"]


@pytest.mark.parametrize("name", ["__main__", "targets", "environment", "lab"])
def test_nothing_need_be_installed(name: str) -> None:
    tree = ast.parse((ROOT / "book" / f"{name}.py").read_text("utf8"))
    nodes = list(ast.walk(tree))
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    found |= {
        node.module
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }
    assert {x.partition(".")[0] for x in found} <= sys.stdlib_module_names | {"book", "__future__"}


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on this machine")
def test_make_and_python_list_the_same() -> None:
    def words(*command: str) -> list[str]:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return re.findall(r"^  (?:make|python -m book) +(.*?)$", done.stdout, re.MULTILINE)

    listed = words("make", "--silent", "help", f"PYTHON={sys.executable}")
    assert listed == words(sys.executable, "-m", "book", "help")
    assert [line.split()[0] for line in listed] == list(targets.TARGETS)


def test_lab_opens_copies_and_keeps_what_a_reader_changed(tmp_path: Path) -> None:
    book, mine = tmp_path / "notebooks", tmp_path / "lab"
    book.mkdir()
    for name in ("01_a", "02_b"):
        (book / f"{name}.ipynb").write_text("first", "utf8")
    assert lab.copy_notebooks(book, mine) == []
    (mine / "02_b.ipynb").write_text("my notes", "utf8")
    assert lab.copy_notebooks(book, mine) == []  # changed, but the book has nothing newer
    for name in ("01_a", "02_b", "03_c"):
        (book / f"{name}.ipynb").write_text("second", "utf8")
    assert lab.copy_notebooks(book, mine) == ["02_b.ipynb"]
    texts = {path.stem: path.read_text("utf8") for path in mine.glob("*.ipynb")}
    assert texts == {"01_a": "second", "02_b": "my notes", "03_c": "second"}
    (mine / "02_b.ipynb").unlink()
    assert lab.copy_notebooks(book, mine) == []
    assert (mine / "02_b.ipynb").read_text("utf8") == "second"


def test_git_does_not_see_the_copies() -> None:
    assert "lab/" in (ROOT / ".gitignore").read_text("utf8").splitlines()
