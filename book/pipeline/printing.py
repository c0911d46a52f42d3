"""Decks on paper: a PDF beside each deck, printed by Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from .tree import BookError

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def write(decks: Sequence[Path]) -> list[Path]:
    """Print decks, and return the paths of the PDFs.

    Raises
    ------
    BookError
        If there is no Chromium, or playwright is not installed.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise BookError(f"no Chromium to print with (one of {', '.join(PROGRAMS)})")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise BookError("printing needs playwright: pip install -e '.[test]'") from None
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        for deck in decks:
            page.goto(f"{deck.as_uri()}?print-pdf")
            page.wait_for_function("document.querySelectorAll('.pdf-page').length > 0")
            page.pdf(path=deck.with_suffix(".pdf"), prefer_css_page_size=True)
        browser.close()
    return [deck.with_suffix(".pdf") for deck in decks]
