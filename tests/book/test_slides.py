"""Decks: what an outline may say, what is pulled out of a chapter, and how a deck looks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from book.pipeline import chapters, figures, outlines, references, slides
from book.pipeline.tree import BookError, Tree

TREE = Tree(Path(__file__).parents[2])
OUTLINES = sorted((TREE.book / "teaching" / "slides").glob("*.md"))
#: The smallest text of a figure, in pixels of a screen of 1280 by 720.
LEGIBLE = 19.0
#: The smallest letters of a drawing of a mechanism, which is not drawn again.
LEGIBLE_LETTERS = 16.0
MEASURE = """() => {
  const slide = document.querySelector('section.present .slide');
  const parts = [...slide.querySelectorAll('*')].filter((node) => !node.closest('.katex-mathml'));
  const boxes = parts.map((node) => node.getBoundingClientRect());
  const image = slide.querySelector('.figure img');
  const drawn = image && image.getBoundingClientRect();
  return {
    bottom: Math.max(...boxes.map((box) => box.bottom)),
    right: Math.max(...boxes.map((box) => box.right)),
    scale: image && Math.min(drawn.width / image.getAttribute('width'),
                             drawn.height / image.getAttribute('height')),
    loaded: !image || image.naturalWidth > 0,
    drawing: Math.min(...[...slide.querySelectorAll('.drawing text')]
      .map((text) => text.getBoundingClientRect().height)),
  };
}"""


@pytest.fixture(scope="module")
def decks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Write all decks, from the executed chapters."""
    if not list(TREE.executed("default").glob("*.ipynb")):
        pytest.skip("no executed chapters: make execute")
    root = tmp_path_factory.mktemp("decks")
    for name in ("notebooks", "book", "mmfuse_lib", "pyproject.toml"):
        (root / name).symlink_to(TREE.root / name)
    (root / "build").mkdir()
    (root / "build" / "executed").symlink_to(TREE.build / "executed")
    return slides.write(Tree(root), "default")


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    opened = chromium.new_page(viewport={"width": 1280, "height": 720})
    yield opened
    opened.close()


def outline(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "04.md"
    path.write_text(text, "utf8")
    return path


def test_an_outline_is_read(tmp_path: Path) -> None:
    text = "# A\n\nsub\n\nNote:\nHello.\n\n## B\n\n{figure} fig-x\n\n* one\n\nNote:\ntwo words\n"
    title, slide = outlines.read(outline(tmp_path, text))
    assert (title.heading, title.parts, title.notes) == ("A", ("sub",), "Hello.")
    assert slide.parts == (outlines.Pull("figure", "fig-x", 10), "* one")
    spoken = 2 / outlines.WORDS_PER_MINUTE
    looking = outlines.LOOKING["figure"] + outlines.LOOKING["text"]
    assert slide.minutes == pytest.approx(spoken + looking)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# A\n\nno notes\n", ":1: the slide 'A' has no notes"),
        ("## A\n\nNote:\nx\n", ":1: an outline opens with '# Title'"),
        ("before\n# A\n\nNote:\nx\n", ":2: an outline opens with '# Title'"),
        ("# A\n\n{picture} fig-x\n\nNote:\nx\n", ":3: no kind 'picture'; there are: figure"),
    ],
)
def test_a_wrong_outline_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BookError, match=re.escape(said)):
        outlines.read(outline(tmp_path, text))


@pytest.mark.parametrize(
    ("pull", "said"),
    [
        ("{figure} fig-gate", "has no figure fig-gate; did you mean fig-gates"),
        ("{theorem} thm-certificat", "did you mean thm-certificate"),
        ("{equation} eq-atom", "did you mean eq-atoms"),
        ("{quiz} quiz-certify", "did you mean quiz-certified"),
        ("{quiz} thm-certificate", "has no quiz thm-certificate"),
    ],
)
def test_an_unknown_label_names_itself_and_the_nearest(
    decks: list[Path], tmp_path: Path, pull: str, said: str
) -> None:
    root = decks[0].parents[3]
    known = references.collect(Tree(root))
    chapter = chapters.read_chapter(Tree(root), "04_splitting_information")
    source = slides.read_source(Tree(root), "default", chapter)
    path = outline(tmp_path, f"# A\n\nNote:\nx\n\n## B\n\n{pull}\n\nNote:\nx\n")
    with pytest.raises(BookError, match=rf"04\.md:8: .*{said}"):
        slides.Deck(Tree(root), path, source, known, tmp_path).html()


def test_a_changed_file_of_reveal_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "reveal"
    copy.mkdir()
    for path in slides.REVEAL.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    (copy / "notes.js").write_text("// changed", "utf8")
    monkeypatch.setattr(slides, "REVEAL", copy)
    with pytest.raises(BookError, match=r"notes\.js is not the published file"):
        slides.assets(tmp_path / "out")


def test_every_chapter_has_a_deck_with_its_votes_and_takeaways(decks: list[Path]) -> None:
    assert [deck.stem for deck in decks] == [stem[:2] for stem in chapters.stems(TREE)]
    for path in OUTLINES:
        kinds = [p.kind for s in outlines.read(path) for p in s.parts if not isinstance(p, str)]
        assert kinds.count("quiz") >= 4, path
        assert kinds.count("takeaways") == 1, path
        assert kinds.count("figure") >= 2, path


@pytest.mark.browser
@pytest.mark.parametrize("number", [path.stem for path in OUTLINES])
def test_a_deck_fits_the_screen_and_asks_nobody(decks: list[Path], page: Page, number: str) -> None:
    (deck,) = (deck for deck in decks if deck.stem == number)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(deck.as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    total = page.evaluate("Reveal.getTotalSlides()")
    assert total == len(outlines.read(TREE.book / "teaching" / "slides" / f"{number}.md"))
    drawn = {path.name: path.read_text("utf8") for path in deck.parent.glob("figures/*.svg")}
    for index in range(total):
        page.evaluate("(i) => { Reveal.slide(i, 0, 99); }", index)
        page.wait_for_timeout(60)
        found = page.evaluate(MEASURE)
        assert found["loaded"], f"slide {index + 1}"
        assert found["bottom"] <= 720, f"slide {index + 1} is too tall"
        assert found["right"] <= 1280, f"slide {index + 1} is too wide"
        assert found["drawing"] is None or found["drawing"] >= LEGIBLE_LETTERS, f"slide {index + 1}"
        name = page.evaluate(
            "document.querySelector('section.present .figure img')?.getAttribute('src')"
        )
        if name:
            smallest = figures.smallest_text(drawn[Path(name).name])
            assert smallest is None or smallest * found["scale"] >= LEGIBLE, name
    assert all(url.startswith(("file:", "data:")) for url in asked)


def test_formulas_are_made_when_the_deck_is(decks: list[Path]) -> None:
    for deck in decks:
        text = deck.read_text("utf8")
        shown = re.sub(
            r"<annotation.*?</annotation>|<script.*?</script>", "", text, flags=re.DOTALL
        )
        assert "$" not in re.sub(r"<code.*?</code>", "", shown, flags=re.DOTALL), deck
        assert "https://" not in re.sub(r"<a .*?</a>|<aside.*?</aside>", "", shown, flags=re.DOTALL)
