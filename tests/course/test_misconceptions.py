"""Misconceptions: whole, one file, and questions that do not answer themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.course import misconceptions
from mmfuse_lib.course.misconception import read

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "book" / "teaching" / "misconceptions.yml"
ENTRY = "- {id: a, chapter: 1, says: s, computes: c, question: 'q?'}\n"


def test_the_librarys_copy_is_the_books_file() -> None:
    assert read(SOURCE) == dict(misconceptions())


@pytest.mark.parametrize("entry", misconceptions().values(), ids=lambda entry: entry.id)
def test_an_entry_is_whole(entry: object) -> None:
    known = misconceptions()[entry.id]  # type: ignore[attr-defined]
    assert known.question.endswith("?")
    assert not any(letter.isdigit() for word in known.question.split() for letter in word[:1])
    assert len(list((ROOT / "notebooks").glob(f"{known.chapter:02d}_*.py"))) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ENTRY + ENTRY, "two misconceptions 'a'"),
        ("- {id: a, chapter: 1, says: s, computes: c}\n", "a: missing or unknown: question"),
        (ENTRY.replace("question", "ask"), "missing or unknown: ask, question"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "m.yml"
    path.write_text(text, "utf8")
    with pytest.raises(DataError, match=said):
        read(path)


def test_every_misconception_is_put_to_use() -> None:
    """In the wrong option of a quiz, in a check, or behind a wrong submission."""
    used = [*(ROOT / "notebooks").glob("*.py"), *(ROOT / "mmfuse_lib/course/chapters").glob("*.py")]
    used += (ROOT / "book/teaching/assignments").glob("*/mutants.py")
    text = "\n".join(path.read_text("utf8") for path in used)
    unused = [name for name in misconceptions() if not re.search(rf"[(\"]{name}[)\"]", text)]
    assert unused == []
