"""Sphinx extension: formulas become HTML when the book is built, so that pages need no script.

KaTeX (`katex/`: version 0.19.1 as published, with the fonts that browsers load) runs in a small
JavaScript engine, the package `dukpy`. Its HTML is hidden from screen readers, which read the
MathML beside it. Numbers and anchors of equations are Sphinx's own.

TeX that KaTeX does not understand is a warning with its place, as is anything else wrong in a page.
"""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import dukpy
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

KATEX = Path(__file__).with_name("katex")
#: Where formulas go in the pages: styles, fonts, licence.
TARGET = "katex"
OTHER_FONTS = re.compile(r',url\([^)]*\.(?:woff|ttf)\) format\("\w+"\)')
RENDER = "katex.renderToString(dukpy.tex, {displayMode: dukpy.display, strict: 'error'})"
NUMBERED = re.compile(r"\\(begin|end)\{(align|alignat|equation|gather)\}")
STACKED = r" \\ "
logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_html_math_renderer("katex", (visit_formula, None), (visit_equation, None))
    app.add_css_file(f"{TARGET}/katex.min.css")
    app.connect("build-finished", copy_katex)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def visit_formula(writer: HTML5Translator, node: nodes.math) -> None:
    """Write a formula within a line."""
    html = rendered(node.astext(), display=False, place=node)
    writer.body.append(f"{writer.starttag(node, 'span', '', CLASS='math')}{html}</span>")
    raise nodes.SkipNode


def visit_equation(writer: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on lines of its own, in a box that scrolls, its number beside it."""
    html = rendered(laid_out(node.astext(), bare=node["nowrap"]), display=True, place=node)
    writer.body.append(writer.starttag(node, "div", CLASS="math"))
    writer.body.append(f'<div class="scrolls">{html}</div>')
    if node["number"] and not node["nowrap"]:
        writer.body.append(f'<span class="eqno">({get_node_equation_number(writer, node)})')
        writer.add_permalink_ref(node, "Link to this equation")
        writer.body.append("</span>")
    writer.body.append("</div>\n")
    raise nodes.SkipNode


def laid_out(tex: str, *, bare: bool) -> str:
    r"""Return the TeX of an equation: lines that `\\` ends are aligned, paragraphs are stacked.

    An environment of amsmath, which stands alone in the text (`bare`), gets no numbers of its own.
    """
    if bare:
        return NUMBERED.sub(r"\\\1{\2*}", tex)
    parts = [
        rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part else part
        for part in re.split(r"\n\s*\n", tex.strip())
    ]
    stacked = STACKED.join(parts)
    return stacked if len(parts) == 1 else rf"\begin{{gathered}}{stacked}\end{{gathered}}"


def rendered(tex: str, *, display: bool, place: nodes.Node) -> str:
    """Return a formula as HTML; warn where KaTeX does not understand it."""
    try:
        return render(tex, display)
    except dukpy.JSRuntimeError as error:
        reason = str(error).strip().splitlines()[0].removeprefix("ParseError: ")
        logger.warning("formula %s: %s", tex, reason, location=place)
        return ""


@cache
def render(tex: str, display: bool) -> str:
    """Return the HTML and the MathML of a formula."""
    return str(_engine().evaljs(RENDER, tex=tex, display=display))


@cache
def _engine() -> dukpy.JSInterpreter:
    engine = dukpy.JSInterpreter()
    engine.evaljs((KATEX / "katex.min.js").read_text("utf8") + "; null")
    return engine


def copy_katex(app: Sphinx, exception: Exception | None) -> None:
    """Copy styles, fonts and licence, not the script, into the pages."""
    if exception is not None:
        return
    target = Path(app.outdir) / "_static" / TARGET
    shutil.copytree(KATEX / "fonts", target / "fonts", dirs_exist_ok=True)
    shutil.copy(KATEX / "LICENSE.txt", target)
    styles = (KATEX / "katex.min.css").read_text("utf8")
    (target / "katex.min.css").write_text(OTHER_FONTS.sub("", styles), "utf8")
