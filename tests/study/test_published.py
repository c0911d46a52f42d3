"""Result files by name: from anywhere in the repository, and None elsewhere."""

import json
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


def test_elsewhere_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert results("book") is None


def test_a_wrong_name_is_not_taken_for_a_missing_repository(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT / "notebooks")
    with pytest.raises(UnknownNameError, match="Did you mean 'dmil'"):
        results("dmli")


def test_a_damaged_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reproduce").mkdir()
    (tmp_path / "reproduce" / "mine.json").write_text("{")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"reproduce/mine\.json cannot be read"):
        results("mine")
