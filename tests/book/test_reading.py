"""Reading times: what is counted, what can be skipped, and that every chapter states both."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from book.pipeline import chapters, reading
from book.pipeline.tree import BookError, Tree

from .conftest import CHAPTER, write_chapter

BOOK = Tree(Path(__file__).resolve().parents[2])
LONGEST = 45
MINUTE = " word" * reading.WORDS_PER_MINUTE


def minutes(*cells: nbformat.NotebookNode | str) -> object:
    made = [new_markdown_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    found = reading.measure(new_notebook(cells=made), "01_toy")
    return pytest.approx(found.essential, abs=0.1), pytest.approx(found.everything, abs=0.1)


def test_words_formulas_figures_and_code_take_time() -> None:
    assert minutes(MINUTE) == (1, 1)
    assert minutes("$$\nx = y\n$$\n\n```{math}\n:label: eq-x\nx\n```") == (1, 1)
    assert minutes("a formula $x + y + z = w + v$" + MINUTE) == (1, 1)
    code = new_code_cell("x = 1\n\n" * reading.CODE_LINES_PER_MINUTE)
    assert minutes(code) == (1, 1)
    code.metadata["tags"] = ["hide-input"]
    assert minutes(code) == (0, 0)
    code.metadata["mystnb"] = {"image": {"alt": "x"}, "figure": {"name": "f", "caption": MINUTE}}
    assert minutes(code) == (1.5, 1.5)


DEEP = "*Deeper: only chapter 4 needs it.*"


def test_deeper_section_and_what_is_in_it_can_be_skipped() -> None:
    deep = f"## One\n\n{DEEP}\n\n{MINUTE}\n\n### Within\n\n{MINUTE}"
    assert minutes(deep) == (0, 2)
    assert minutes(deep, new_code_cell("x\n" * reading.CODE_LINES_PER_MINUTE)) == (0, 3)
    assert minutes(deep, f"## Two\n\n{MINUTE}") == (1, 3)
    assert minutes(f"## One\n\n{MINUTE}\n\n{DEEP}") == (1, 1), "not the first paragraph"
    assert minutes(f"## One\n{MINUTE}\n### In\n{DEEP}\n\n{MINUTE}\n### After\n{MINUTE}") == (2, 3)


def test_what_is_folded_is_not_essential() -> None:
    proof = f"````{{prf:proof}}\n:class: dropdown\n{MINUTE}\n````"
    assert minutes(proof) == (0, 1)
    assert minutes(proof.replace("dropdown", "tip")) == (1, 1)


def test_exercises_and_further_reading_are_not_counted() -> None:
    assert minutes(f"## Exercises\n\n{MINUTE}\n\n### Hard\n\n{MINUTE}") == (0, 0)
    assert minutes("## Exercises", "## Further reading", MINUTE, f"## Last\n{MINUTE}") == (1, 1)
    assert minutes(f"```{{exercise}} Why\n:label: ex\n{MINUTE}\n```") == (0, 0)
    code = new_code_cell("x\n" * reading.CODE_LINES_PER_MINUTE)
    start, end = "```{solution-start} ex\n```", "```{solution-end}\n```"
    assert minutes(start, code, end, MINUTE) == (1, 1)


@pytest.mark.parametrize(("counted", "printed"), [(0, 5), (7.4, 5), (7.6, 10), (43, 45)])
def test_minutes_are_multiples_of_five(counted: float, printed: int) -> None:
    assert reading.rounded(counted) == str(printed)


def test_chapter_is_told_its_minutes(tree: Tree) -> None:
    text = CHAPTER.replace(
        "# # A toy", "# # A toy\n#\n# {{ essential }} of {{ reading }}, {{ ref }}"
    )
    deep = f"\n# %% [markdown]\n# ## More\n#\n# {DEEP}\n#\n# {MINUTE * 12}\n"
    write_chapter(tree, "01_toy", text + deep)
    assert "5 of 10, main" in chapters.read_chapter(tree, "01_toy").notebook.cells[0].source


def test_cell_that_is_not_understood_is_named(tree: Tree) -> None:
    write_chapter(tree, "01_toy", CHAPTER + "\n# %% [markdown]\n# ```{note}\n")
    with pytest.raises(BookError, match=r"01_toy: cell 01_toy-003: the fence .* is never closed"):
        chapters.read_chapter(tree, "01_toy")


@pytest.mark.parametrize("stem", chapters.stems(BOOK))
def test_chapter_states_both_times_and_its_essential_path_is_short(stem: str) -> None:
    text = (BOOK.notebooks / f"{stem}.py").read_text("utf8")
    assert "{{ essential }}" in text
    assert "{{ reading }}" in text
    notebook = chapters.read_chapter(BOOK, stem).notebook
    assert int(reading.measure(notebook, stem).fields()["essential"]) <= LONGEST
