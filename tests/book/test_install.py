"""The install cell, run where the library is missing: it installs, says so once, breaks nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from book.pipeline import chapters
from book.pipeline.tree import Project

from . import browser as browsing

# What a repository's archive holds; its own builder, so that nothing is needed from an index.
ARCHIVE = {
    "pyproject.toml": """\
[build-system]
requires = []
build-backend = "builder"
backend-path = ["."]
""",
    "builder.py": """\
import zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "toy-1.2-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.write("mmfuse_lib/__init__.py")
        metadata = "Metadata-Version: 2.1\\nName: toy\\nVersion: 1.2\\nRequires-Dist: other>=1\\n"
        wheel.writestr("toy-1.2.dist-info/METADATA", metadata)
        wheel.writestr("toy-1.2.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr("toy-1.2.dist-info/RECORD", "")
    return name
""",
    "mmfuse_lib/__init__.py": "answer = 42\n",
}


def cell(repository: str, version: str = "1.2") -> str:
    """Return the code of the install cell of a project in some repository."""
    project = Project("toy", version, repository, "https://toy.example")
    return str(chapters.install_cell(project, "01_toy").source)


def put_wheel(path: Path, name: str, version: str) -> None:
    """Write a wheel with nothing but its name in it."""
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def run(python: Path, code: str, links: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a Python that finds other packages in one folder only, and no proxy."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment = kept | {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(links),
        "PIP_RETRIES": "0",
        "NO_PROXY": "127.0.0.1",
    }
    return subprocess.run(
        [python, "-c", code],
        capture_output=True,
        text=True,
        cwd=links,
        env=environment,
        check=False,
    )


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[str]:
    """Serve the archive of a repository's tag v1.2, and give the repository's address."""
    archive = tmp_path / "served" / "toy" / "toy" / "archive" / "v1.2.zip"
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as written:
        for name, text in ARCHIVE.items():
            written.writestr(f"toy-1.2/{name}", text)
    with browsing.serve(tmp_path / "served") as address:
        yield f"{address}/toy/toy"


def test_it_installs_what_is_missing_and_leaves_what_is_there(
    repository: str, tmp_path: Path
) -> None:
    venv.create(tmp_path / "fresh", with_pip=True, symlinks=True)
    python, links = tmp_path / "fresh" / "bin" / "python", tmp_path / "links"
    links.mkdir()
    put_wheel(links, "other", "1.0")
    subprocess.run(
        [python, "-m", "pip", "install", "-qq", "--no-index", links / "other-1.0-py3-none-any.whl"],
        check=True,
    )
    put_wheel(links, "other", "2.0")
    code = cell(repository)
    after = (
        "import mmfuse_lib, importlib.metadata as m; print(mmfuse_lib.answer, m.version('other'))"
    )
    first = run(python, f"{code}\n{after}", links)
    assert (first.stdout, first.stderr) == ("Installed toy 1.2\n42 1.0\n", "")
    again = run(python, code, links)
    assert (again.stdout, again.stderr, again.returncode) == ("", "", 0)


@pytest.mark.parametrize(
    ("pip", "reason"),
    [(False, "No module named pip"), (True, "ERROR: Could not install packages")],
    ids=["no pip", "no network"],
)
def test_where_it_cannot_install_one_line_says_what_to_do(
    tmp_path: Path, pip: bool, reason: str
) -> None:
    venv.create(tmp_path / "fresh", with_pip=pip, symlinks=True)
    python = tmp_path / "fresh" / "bin" / "python"
    done = run(python, cell("http://127.0.0.1:9/toy/toy"), tmp_path)  # where nobody listens
    assert done.returncode == 1
    assert done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: toy could not be installed (")
    assert reason in last
    assert last.endswith("then run this cell again.")


class Asked(Exception):  # noqa: N818
    """The cell asked for this command."""


@pytest.mark.parametrize(
    ("version", "source"),
    [
        ("1.2", "https://github.com/toy/toy/archive/v1.2.zip"),
        ("1.3.dev0", "https://github.com/toy/toy/archive/main.zip"),
    ],
)
def test_a_release_is_installed_from_its_tag(
    monkeypatch: pytest.MonkeyPatch, version: str, source: str
) -> None:
    def asked(command: list[str], **_: object) -> None:
        raise Asked(command)

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("subprocess.run", asked)
    with pytest.raises(Asked) as found:
        exec(cell("https://github.com/toy/toy", version), {})  # noqa: S102
    pip = [sys.executable, "-m", "pip", "install"]
    assert found.value.args[0] == [*pip, "-qq", f"toy @ {source}"]
