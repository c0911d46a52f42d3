"""Interactive pictures: self-contained, small, the same each time, and packaged."""

import re
import tomllib
from pathlib import Path

from mmfuse_lib.plots import xor_to_and

ROOT = Path(__file__).resolve().parents[2]


def test_picture_needs_nothing_from_elsewhere() -> None:
    html = xor_to_and()._repr_html_()
    assert not re.findall(r"(?:https?:)?//\w+\.|\bsrc=|\bhref=|@import|url\(|fetch\(", html)
    assert len(html.encode()) < 40_000


def test_picture_is_the_same_each_time() -> None:
    assert xor_to_and() == xor_to_and()
    assert repr(xor_to_and()) == repr(xor_to_and())
    assert "\n" not in repr(xor_to_and())


def test_picture_is_part_of_the_package() -> None:
    facts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))
    patterns = facts["tool"]["setuptools"]["package-data"]["mmfuse_lib"]
    packaged = {path for pattern in patterns for path in (ROOT / "mmfuse_lib").glob(pattern)}
    pages = set((ROOT / "mmfuse_lib").rglob("*.html"))
    assert pages
    assert pages <= packaged
