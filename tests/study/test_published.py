"""Result files by name: those of the repository a notebook runs in, else those installed."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mmfuse_lib import results, study
from mmfuse_lib.core.errors import DataError, UnknownNameError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("place", [".", "notebooks", "book/_ext"])
def test_they_are_found_from_anywhere_in_the_repository(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT / place)
    found = results("book")
    assert found == study.load_results(ROOT / "reproduce" / "book.json")
    plain = json.loads((ROOT / "reproduce" / "pid_benchmark.json").read_text("utf8"))
    assert results("pid_benchmark") == plain


def test_and_from_anywhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert results("book") == study.load_results(ROOT / "reproduce" / "book.json")


def test_a_copy_at_hand_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reproduce" / "gpu").mkdir(parents=True)
    (tmp_path / "reproduce" / "gpu" / "mine.json").write_text('{"a": 1}', "utf8")
    (tmp_path / "reproduce" / "pid_benchmark.json").write_text('{"a": 2}', "utf8")
    monkeypatch.chdir(tmp_path)
    assert results("gpu/mine") == {"a": 1}
    assert results("pid_benchmark") == {"a": 2}


def test_a_wrong_name_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownNameError, match=r"Did you mean 'dmil'.*pid_benchmark"):
        results("dmli")


def test_a_damaged_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reproduce").mkdir()
    (tmp_path / "reproduce" / "mine.json").write_text("{")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"reproduce/mine\.json cannot be read"):
        results("mine")


def test_the_wheel_brings_all_of_them_and_finds_them(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("mmfuse_lib", "reproduce"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    (source / "reproduce" / "gpu").mkdir(exist_ok=True)
    (source / "reproduce" / "gpu" / "one.json").write_text('{"measured": true}', "utf8")
    command = "from setuptools import build_meta as b; b.build_wheel('..')"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=source, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
        size = sum(i.compress_size for i in archive.infolist() if "/published/" in i.filename)
    assert size < 700_000
    there = tmp_path / "installed" / "mmfuse_lib" / "published"
    files = {p.relative_to(there).as_posix(): p.read_bytes() for p in there.rglob("*.*")}
    expected = source / "reproduce"
    assert files == {
        p.relative_to(expected).as_posix(): p.read_bytes()
        for suffix in ("json", "yml")
        for p in expected.rglob(f"*.{suffix}")
    }
    shutil.rmtree(source)
    shown = subprocess.run(
        [sys.executable, "-c", "import mmfuse_lib as m; print(m.results('gpu/one'), m.__file__)"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path / "installed")}, check=True,
        capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert shown == f"{{'measured': True}} {there.parent / '__init__.py'}\n"


def test_a_study_of_the_book_is_found_from_anywhere_and_can_be_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = study.configuration("dmil_chosen")
    assert plan["name"] == "dmil_chosen"
    assert plan["methods"]
    with pytest.raises(UnknownNameError, match="Did you mean 'gpu_lab'"):
        study.configuration("gpu_lap")
