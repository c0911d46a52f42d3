"""Names that CONTRIBUTING.md calls gone do not come back."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def gone() -> dict[str, str]:
    """Return the names that are gone, and what to say instead, from the table."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf8").partition("Names that are gone")[2]
    return dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|$", text.partition("\n## ")[0], re.M))


def identifiers(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        for field in ("id", "attr", "arg", "name", "asname"):
            if isinstance(name := getattr(node, field, None), str):
                yield name


def found_in(text: str, old: dict[str, str]) -> list[str]:
    """List identifiers that are, or contain as words, a name that is gone."""
    words = re.compile("|".join(rf"(?:^|_){name}s?(?:_|$)" for name in old))
    return sorted({name for name in identifiers(text) if words.search(name)})


def test_no_identifier_is_a_name_that_is_gone() -> None:
    assert len(gone()) >= 5
    files = (ROOT / "mmfuse_lib").rglob("*.py")
    found = {
        path.name: [n for n in found_in(path.read_text("utf8"), gone()) if n != "kinetics_sounds"]
        for path in files
    }
    assert {name: names for name, names in found.items() if names} == {}


def test_a_name_that_is_gone_is_found() -> None:
    text = "def read_picture(sound_of): x.pictures = Stage(trains=1, trainset=2, soundness=3)"
    expected = ["pictures", "read_picture", "sound_of", "trains"]
    assert found_in(text, {"picture": "", "sound": "", "trains": ""}) == expected
