"""Picture a deck, a quiz on a phone and a feedback page, for the page *Teach with this book*."""

from __future__ import annotations

import tempfile
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell
from playwright.sync_api import Browser, Page, ViewportSize

from book.pipeline import assignments, grading
from book.pipeline.tree import Tree

from .browser import SETTLED, chromium, serve

TREE = Tree(Path(__file__).parents[2])
PICTURES = TREE.book / "_static" / "teach"
QUIZ, SLIDE = "predict-houses", "fig-two-houses"
PHONE = ViewportSize(width=390, height=720)


def feedback() -> str:
    """Return the page that a student gets who makes a common mistake."""
    task = assignments.read(TREE, "a1")
    mutant = next(mutant for mutant in task.mutants if mutant.misconception)
    notebook = assignments.notebook(TREE, task, solved=True)
    notebook.cells.append(new_code_cell(mutant.code))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ada.ipynb"
        nbformat.write(notebook, path)
        graded = grading.grade(task, path, "ada", assignments.DEMO_SECRET)
    return grading.feedback(task, graded)


def save(page: Page, name: str, *, full: bool = False) -> None:
    """Write what a screen shows, or a whole page."""
    page.evaluate(SETTLED)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=full)


def deck(browser: Browser) -> None:
    """Picture a slide."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto((TREE.build / "teach" / "slides" / "02.html").as_uri())
    page.evaluate(
        "name => Reveal.slide([...document.querySelectorAll('.slides > section')]"
        ".findIndex(slide => slide.querySelector(`img[src*='${name}']`)))",
        SLIDE,
    )
    save(page, "deck")


def quiz(browser: Browser, address: str) -> None:
    """Picture a quiz on a phone, with one option opened."""
    page = browser.new_page(viewport=PHONE)
    page.goto(f"{address}/notebooks/02_information_in_bits.html")
    page.evaluate(SETTLED)
    box = page.locator(f"#{QUIZ}")
    box.locator("summary").first.click()
    box.evaluate("box => box.scrollIntoView({ block: 'start' })")
    page.wait_for_timeout(500)
    save(page, "quiz")


def main() -> None:
    """Write the three pictures."""
    PICTURES.mkdir(exist_ok=True)
    with serve(TREE.build / "html") as address, chromium() as browser:
        deck(browser)
        quiz(browser, address)
        page = browser.new_page(viewport=PHONE)
        page.set_content(feedback())
        save(page, "feedback", full=True)


if __name__ == "__main__":
    main()
