"""Sphinx extension: what `_config.yml` cannot say.

Pages load only the scripts they use. Jupyter Book adds thebe to each, twice, which is an error in
the browser's console.

Each chapter offers its notebook under its title: in Colab, in Kaggle, for download.

The repository itself, which `jupyter-book build .` takes for a book, is refused in one line: its
chapters are not executed.

The search ranks chapters first.

Docstrings give shapes as the mathematics does, `(|X1|, |Y|)`; reStructuredText would read a
substitution there, which this book has none of.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

LITERAL_OR_BARS = re.compile(r"`[^`]+`|\|(\w+)\|")
CHAPTER = re.compile(r"notebooks/(\d\d_\w+)")
SEARCH = Path(__file__).with_name("search.js")
REFUSAL = "To build the book, type `make book`, or `python -m book` where there is no make."


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_config_value("mmfuse_services", {}, "html")
    app.connect("config-inited", refuse_repository, priority=0)
    app.connect("config-inited", rank_chapters_first)
    app.connect("html-page-context", offer_notebook)
    app.connect("autodoc-process-docstring", escape_bars)
    app.connect("html-page-context", drop_idle_scripts, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def refuse_repository(app: Sphinx, config: Config) -> None:
    """Stop where the book is not laid out: there are no addresses, which are put in then."""
    if not config.mmfuse_services:
        raise SystemExit(REFUSAL)


def rank_chapters_first(app: Sphinx, config: Config) -> None:
    """Have the search rank chapters before the reference, and show no TeX of what it finds."""
    config.html_search_scorer = str(SEARCH)


def escape_bars(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Escape bars around a name in a docstring, in place, outside literals."""
    lines[:] = [LITERAL_OR_BARS.sub(_escaped, line) for line in lines]


def _escaped(match: re.Match[str]) -> str:
    return rf"\|{match[1]}\|" if match[1] else match[0]


def drop_idle_scripts(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Take thebe off each page, and MathJax: formulas are made when the book is built."""
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if "thebe" not in _text(script) and "mathjax" not in _text(script)
    ]


def offer_notebook(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Put links to the chapter's notebook under its title: services, and the file itself."""
    chapter = CHAPTER.fullmatch(page)
    if chapter is None:
        return
    file = f"{chapter[1]}.ipynb"
    links = [
        f'<a href="{start}notebooks/{file}">Open in {name}</a>'
        for name, start in app.config.mmfuse_services.items()
    ]
    links.append(f'<a href="{file}" download>Download</a>')
    offer = f'</h1>\n<p class="notebook-links">{" ".join(links)}</p>'
    context["body"] = context["body"].replace("</h1>", offer, 1)


def _text(script: Any) -> str:
    return f"{script.filename} {script.attributes.get('body', '')}".lower()
