"""The page *Ours against the authors' code* is made from the library."""

from pathlib import Path

import pytest

from book.pipeline import fidelity
from book.pipeline.tree import BookError
from tests.fidelity.parts import DIFFERENCES, PARTS

PAGE = Path(__file__).parents[2] / "book" / "fidelity.md"


def documented() -> None:
    """Do something.

    Notes
    -----
    Something first.

    **What differs from the paper and its code**

    * One thing, told
      on two lines.
    * Another.

    Something after.
    """


def test_the_page_has_a_row_a_part_and_a_list_a_method() -> None:
    text = fidelity.fill(PAGE.read_text("utf8"))
    assert "written by" not in text
    assert all(f"| {compare().name} |" in text for compare in PARTS)
    for difference in (compare() for compare in DIFFERENCES):
        assert f"* **{difference.paper}, {difference.name}.** Theirs: " in text
    for name in ("DI-MML", "DMIL", "I2MoE", "LSMI", "BATCH", "OGM-GE", "MLA", "CLIP"):
        assert f"### {name}\n\n```{{eval-rst}}\n* " in text


def test_a_lost_mark_is_named() -> None:
    with pytest.raises(BookError, match="lists: written by"):
        fidelity.fill(PAGE.read_text("utf8").replace("<!-- lists:", "<!-- "))


def test_a_list_is_taken_whole_and_alone() -> None:
    assert fidelity.list_of(documented) == "* One thing, told\n  on two lines.\n* Another."


def test_a_docstring_without_a_list_is_an_error() -> None:
    with pytest.raises(BookError, match="has no list under"):
        fidelity.list_of(test_a_lost_mark_is_named)
