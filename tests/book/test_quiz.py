"""Quizzes: what is refused, how a page and a notebook show them, and those of the chapters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sphinx.application import Sphinx

from book.pipeline import chapters, quizzes, teaching
from book.pipeline.myst import MystError
from book.pipeline.plain import Writer
from book.pipeline.references import References
from book.pipeline.tree import Tree
from mmfuse_lib.course import exercises, misconceptions

ROOT = Path(__file__).parents[2]
EXTENSIONS = ROOT / "book" / "_ext"
CHAPTERS = list(chapters.read_chapters(Tree(ROOT)))
FOUND = [
    (chapter.stem, block)
    for chapter in CHAPTERS
    for block in teaching.directives(chapter)
    if block.name == "quiz"
]
OPTIONS = {"label": "quiz-a"}
BODY = """\
Is $1 + 1$ more than *one*?

* [x] Yes, it
  is $2$.

  Count.

  Twice.
* [ ] No.

  (nats-for-bits) Look again.
"""


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    opened = chromium.new_page()
    yield opened
    opened.close()


def test_a_quiz_is_read() -> None:
    quiz = quizzes.read("A sum", OPTIONS | {"predict": ""}, BODY)
    assert (quiz.title, quiz.label, quiz.predict) == ("A sum", "quiz-a", True)
    assert quiz.question == "Is $1 + 1$ more than *one*?"
    right, wrong = quiz.options
    assert right == quizzes.Option("Yes, it is $2$.", "Count.\n\nTwice.", right=True)
    assert wrong == quizzes.Option("No.", "Look again.", right=False, misconception="nats-for-bits")


@pytest.mark.parametrize(
    ("title", "options", "body", "said"),
    [
        ("", OPTIONS, BODY, "needs a title"),
        ("A sum", {}, BODY, "'A sum' has no :label:"),
        ("A sum", OPTIONS, BODY.replace("[x]", "[ ]"), "0 options are right"),
        ("A sum", OPTIONS, BODY.replace("[ ]", "[x]"), "names the misconception"),
        ("A sum", OPTIONS, BODY.replace("(nats-for-bits)", "").replace("[ ]", "[x]"), "2 options"),
        ("A sum", OPTIONS, BODY.partition("* [ ]")[0], "1 options, expected 2 to 4"),
        ("A sum", OPTIONS, BODY + BODY.partition("\n")[2] * 2, "6 options, expected 2 to 4"),
        ("A sum", OPTIONS, BODY.replace("Look again.", ""), "'No.' has no reason"),
        ("A sum", OPTIONS, BODY.partition("\n\n")[2], "no question"),
    ],
)
def test_what_is_not_a_quiz_is_refused(
    title: str, options: dict[str, str], body: str, said: str
) -> None:
    with pytest.raises(MystError, match=re.escape(said)):
        quizzes.read(title, options, body)


def test_the_order_shown_says_nothing_about_the_answer() -> None:
    firsts = [
        quizzes.read("A sum", {"label": f"quiz-{i}"}, BODY).shown[0].right for i in range(200)
    ]
    assert 60 < sum(firsts) < 140


def built(tmp_path: Path, text: str) -> str:
    """Build one page with the extension and return its HTML, or raise its warnings."""
    source = tmp_path / "src"
    source.mkdir()
    (source / "index.md").write_text(f"# Page\n\n{text}", "utf8")
    (source / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(EXTENSIONS)!r})\n"
        "extensions = ['myst_parser', 'sphinx_exercise', 'mmfuse_check', 'mmfuse_quiz']\n"
        "myst_enable_extensions = ['dollarmath']\n",
        "utf8",
    )
    with (tmp_path / "log").open("w", encoding="utf8") as log:
        out = str(tmp_path / "out")
        app = Sphinx(str(source), str(source), out, out, "html", status=None, warning=log)
        app.build()
    said = (tmp_path / "log").read_text("utf8").splitlines()
    if said := [line for line in said if "already registered" not in line]:  # by the test before
        raise AssertionError("\n".join(said))
    return (tmp_path / "out" / "index.html").read_text("utf8")


def as_directive(body: str, label: str = "quiz-a") -> str:
    return f"```{{quiz}} A sum\n:label: {label}\n\n{body}```\n\nSee {{ref}}`quiz-a`.\n"


def test_a_page_shows_each_option_folded_with_its_reason(tmp_path: Path) -> None:
    html = built(tmp_path, as_directive(BODY))
    assert html.count('<details name="quiz-a">') == 2
    assert '<div class="quiz quiz" id="quiz-a" role="group" aria-labelledby="quiz-a-title">' in html
    assert re.search(r"<summary>Yes, it is.*?</summary>", html, re.DOTALL)
    assert f"<em>{misconceptions()['nats-for-bits'].question}</em>" in html
    assert re.search(r'href="#quiz-a"><span class="[^"]*">A sum</span>', html)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (BODY.replace("nats-for-bits", "nats"), "no misconception 'nats'; there are: "),
        (BODY.replace("[x]", "[ ]"), "0 options are right"),
    ],
)
def test_a_page_with_a_wrong_quiz_is_not_built(tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        built(tmp_path, as_directive(body))


EXERCISE = "```{{exercise}} Copies\n:label: {}\n\nFind *R*.\n```\n\n"


def test_an_exercise_says_how_to_check_it_and_the_first_what_to_import(tmp_path: Path) -> None:
    labels = ("ex-copies", "ex-unchecked", "ex-mixture")
    html = built(tmp_path, "".join(EXERCISE.format(label) for label in labels))
    lines = re.findall(r'<p class="check-line">(.*?)</p>', html, re.DOTALL)
    said = [" ".join(re.sub(r"<.*?>", "", line).split()) for line in lines]
    assert [line[: len("Check it: check")] for line in said] == ["Check it: check"] * 2
    assert "ex-copies" in said[0]
    assert "ex-mixture" in said[1]
    assert ["import" in line for line in said] == [True, False]


def test_a_notebook_says_it_too() -> None:
    text = Writer("notebooks/01_x", References("https://x"), "https://y").cell(
        EXERCISE.format("ex-copies")
    )
    assert exercises()["ex-copies"].line in text


def test_a_notebook_asks_first_and_folds_the_reasons() -> None:
    text = Writer("notebooks/01_x", References("https://x"), "https://y").cell(
        as_directive(BODY).partition("See")[0]
    )
    asked, _, folded = text.partition("<details>")
    assert "**Question: A sum**" in asked
    assert all(f"> * **{letter}**" in asked for letter in "ab")
    assert "Right" not in asked
    assert f"*{misconceptions()['nats-for-bits'].question}*" in folded


@pytest.mark.parametrize(("stem", "block"), FOUND, ids=lambda value: getattr(value, "argument", ""))
def test_every_quiz_of_a_chapter_is_whole(stem: str, block: object) -> None:
    quiz = quizzes.read(block.argument, block.options, block.body)  # type: ignore[attr-defined]
    assert quiz.label.startswith("predict-" if quiz.predict else "quiz-")
    assert {o.misconception for o in quiz.options} - {""} <= set(misconceptions())


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_a_chapter_asks_five_times_twice_before_it_answers(chapter: chapters.Chapter) -> None:
    asked = [block for stem, block in FOUND if stem == chapter.stem]
    first = [block for block in asked if "predict" in block.options]
    assert (len(asked) - len(first), len(first)) == (3, 2)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_no_predict_stop_is_in_a_section_that_can_be_skipped(chapter: chapters.Chapter) -> None:
    """On a phone such a section is folded, and whoever skips it reads the answer all the same."""
    text = "\n".join(c.source for c in chapter.notebook.cells if c.cell_type == "markdown")
    headings: list[tuple[int, bool]] = []
    for part in re.split(r"(?m)^(?=#{2,4} )", text)[1:]:
        level = len(part) - len(part.lstrip("#"))
        deeper = part.partition("\n")[2].lstrip().startswith("*Deeper: ")
        headings = [*((above, skip) for above, skip in headings if above < level), (level, deeper)]
        if any(skip for _, skip in headings):
            assert ":predict:" not in part, part.partition("\n")[0]


def test_labels_are_given_once_and_titles_differ() -> None:
    labels = [block.name_given for _, block in FOUND]
    assert len(labels) == len(set(labels))


@pytest.mark.browser
def test_opening_one_option_closes_the_other_by_keyboard(page: Page, site: str) -> None:
    page.goto(f"{site}/notebooks/{CHAPTERS[3].stem}.html")
    quiz = page.locator(".quiz").first
    options = quiz.locator("summary")
    options.nth(0).focus()
    page.keyboard.press("Enter")
    assert quiz.locator("details[open]").count() == 1
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert quiz.locator("details[open] summary").all_inner_texts() == [options.nth(1).inner_text()]
