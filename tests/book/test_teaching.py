"""The teaching pages: plans that fill their time, and times that the sources give."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from book.pipeline import chapters, teaching
from book.pipeline.tree import BookError, Tree

TREE = Tree(Path(__file__).parents[2])
PLANS = teaching.plans(TREE)
MINUTES = 90


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.title)
def test_a_plan_fills_ninety_minutes_and_is_no_monologue(plan: teaching.Plan) -> None:
    assert plan.rows[-1][1] == MINUTES
    assert MINUTES / 8 <= plan.lecture <= MINUTES / 2
    longest = max(end - start for start, end, what in plan.rows if what.startswith("Lecture"))
    assert longest <= 20


def test_there_are_six_weeks_of_two_sessions() -> None:
    assert [plan.number for plan in PLANS] == list(range(1, 13))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("| 0-10 | a | b |\n| 15-90 | c | d |", "'c' is at 15 to 90, but the plan is at 10"),
        ("| 0-10 | a | b |\n| 10-10 | c | d |", "'c' is at 10 to 10"),
        ("", "has no row such as"),
    ],
)
def test_a_plan_with_a_gap_is_refused(tmp_path: Path, rows: str, said: str) -> None:
    path = tmp_path / "03.md"
    path.write_text(f"# Session 3: a title\n\n{rows}\n", "utf8")
    with pytest.raises(BookError, match=said):
        teaching.read_plan(path)


def test_a_plan_says_which_session_it_is(tmp_path: Path) -> None:
    path = tmp_path / "03.md"
    path.write_text("# Session 4: a title\n\n| 0-90 | a | b |\n", "utf8")
    with pytest.raises(BookError, match="must open with '# Session 3"):
        teaching.read_plan(path)


def test_timings_are_what_the_sources_give() -> None:
    teaching.check(TREE)
    rows = list(csv.DictReader((TREE.book / "teaching/timings.csv").read_text("utf8").splitlines()))
    read = {chapter.stem: chapter for chapter in chapters.read_chapters(TREE)}
    for row in rows:
        stated = teaching.exercise_minutes(read[row["chapter"]])
        assert (int(row["exercises"]), int(row["exercise_minutes"])) == (len(stated), sum(stated))
        assert int(row["read_essential"]) == int(read[row["chapter"]].minutes["essential"])


@pytest.mark.parametrize("row", teaching.times(TREE), ids=lambda row: row.chapter)
def test_a_deck_takes_what_the_plan_gives_the_lecture(row: teaching.Times) -> None:
    assert abs(row.deck - row.lecture) <= teaching.TOLERANCE * row.lecture
