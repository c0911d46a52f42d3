"""Formulas and icons are made when the book is built: what a page gets is HTML and a small font."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from .conftest import ROOT

EXTENSIONS = ROOT / "book" / "_ext"
PAGE = r"""
Title
=====

A formula :math:`p(x) = \frac{1}{2}` in a line.

.. math::
   :label: sum

   a &= b \\
     &= c

See :eq:`sum`.

.. math::

   x = 1

   y = 2

.. math::
   :nowrap:

   \begin{align} u &= v \tag{7} \end{align}
"""
CONFIGURATION = """
import sys
sys.path.insert(0, {path!r})
extensions = ["mmfuse_formulas"]
html_math_renderer = "katex"
html_theme = "basic"
"""


def build(folder: Path, page: str) -> subprocess.CompletedProcess[str]:
    (folder / "conf.py").write_text(CONFIGURATION.format(path=str(EXTENSIONS)), "utf8")
    (folder / "index.rst").write_text(page, "utf8")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q"]
    command += [str(folder), str(folder / "html")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_formulas_are_html_and_mathml(tmp_path: Path) -> None:
    done = build(tmp_path, PAGE)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "html" / "index.html").read_text("utf8")
    assert text.count('<span class="katex">') == text.count("<math ") == 4
    assert "katex-error" not in text
    assert "MathJax" not in text
    assert 'id="equation-sum"' in text
    assert '<span class="eqno">(1)' in text
    assert re.search(r'<a [^>]*href="#equation-sum">\(1\)</a>', text)
    assert 'class="katex-tag' in text
    assert 'class="eqn-num' not in text
    static = tmp_path / "html" / "_static" / "katex"
    assert "MIT" in (static / "LICENSE.txt").read_text("utf8")
    named = set(re.findall(r"url\(fonts/([^)]+)\)", (static / "katex.min.css").read_text("utf8")))
    assert named == {path.name for path in (static / "fonts").iterdir()}
    assert {name.rpartition(".")[2] for name in named} == {"woff2"}
    assert not list(static.glob("*.js"))


@pytest.mark.parametrize(
    ("tex", "reason"), [(r"\frac{1", "expected '}'"), (r"\unknown x", "Undefined control sequence")]
)
def test_formula_that_fails_says_where(tmp_path: Path, tex: str, reason: str) -> None:
    done = build(tmp_path, f"Title\n=====\n\nA formula :math:`{tex}`.\n")
    assert done.returncode != 0
    assert reason in done.stderr
    assert "index.rst:4" in done.stderr
    assert f"formula {tex}: " in done.stderr


def test_icons_are_in_the_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    import mmfuse_icons  # type: ignore[import-not-found, unused-ignore]

    (source,) = (mmfuse_icons.THEME / "vendor" / "fontawesome").iterdir()
    styles = mmfuse_icons.styles(source)
    assert styles == mmfuse_icons.styles(source)
    assert len(styles) < 10_000
    assert "url(.." not in styles
    fonts = [
        TTFont(io.BytesIO(base64.b64decode(data))) for data in re.findall(r"4,([^\"]+)", styles)
    ]
    held = {code for font in fonts for code in font.getBestCmap()}
    shown = {int(code, 16) for code in re.findall(r'content: "\\(\w+)"', styles)}
    assert shown <= held
    assert not any("Awesome" in str(name) for font in fonts for name in font["name"].names)


def test_icon_that_the_theme_lacks_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    import mmfuse_icons

    monkeypatch.setattr(mmfuse_icons, "SOLID", ["no-such-icon"])
    (source,) = (mmfuse_icons.THEME / "vendor" / "fontawesome").iterdir()
    with pytest.raises(Exception, match="no icon 'no-such-icon'"):
        mmfuse_icons.styles(source)
