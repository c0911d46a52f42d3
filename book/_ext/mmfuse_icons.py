"""Sphinx extension: the icons that the pages show, not the 1.49 MB script of all there are.

The theme ships Font Awesome three times: as a script, as styles and as fonts. What the pages show
is cut out of these fonts and put into the styles, a few KB: nothing else is loaded, from the disk
as from a site. Licence: SIL OFL 1.1, which is copied along; cut fonts must not bear the name.
"""

from __future__ import annotations

import base64
import io
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pydata_sphinx_theme
from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

STYLES = "icons.css"
TEMPLATES = Path(__file__).with_name("templates")
THEME = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static"
SOLID = [
    *("angle-left", "angle-right", "arrow-up", "bars", "chevron-down", "circle-half-stroke"),
    *("download", "expand", "file", "file-pdf", "lightbulb", "list", "magnifying-glass"),
    *("moon", "rocket", "sun", "xmark"),
]
BRANDS = ["github"]
CODE = r'[^{}]*\.fa-%s:before[^{}]*\{content:"\\([0-9a-f]+)"\}'
# Marks of boxes, as "note" and "warning", which the theme's styles name by their characters.
MARK = re.compile(r'--pst-icon-[\w-]+:"(\W)"')
LAYOUT = """\
.fa-solid, .fas, .fa-brands, .fab {
  display: inline-block; font: var(--fa-font-solid); text-rendering: auto;
  -webkit-font-smoothing: antialiased;
}
.fa-brands, .fab { font: var(--fa-font-brands); }
.fa-lg { font-size: 1.25em; line-height: 0.05em; vertical-align: -0.075em; }
:root {
  --fa-font-solid: normal 900 1em/1 "Icons";
  --fa-font-brands: normal 400 1em/1 "Brand icons";
}
"""


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_css_file(STYLES)
    app.connect("config-inited", use_templates)
    app.connect("build-finished", write_icons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def use_templates(app: Sphinx, config: Config) -> None:
    """Have pages load what our own list of the theme's files says."""
    config.templates_path.append(str(TEMPLATES))


def write_icons(app: Sphinx, exception: Exception | None) -> None:
    """Replace all of Font Awesome in the pages by the icons that they show."""
    if exception is not None:
        return
    static = Path(app.outdir) / "_static"
    shutil.rmtree(static / "vendor" / "fontawesome", ignore_errors=True)
    (source,) = (THEME / "vendor" / "fontawesome").iterdir()
    shutil.copy(source / "LICENSE.txt", static / "icons-LICENSE.txt")
    (static / STYLES).write_text(styles(source), "utf8")


def styles(source: Path) -> str:
    """Return styles with the icons in them, from a folder of Font Awesome."""
    names = (source / "css" / "all.min.css").read_text("utf8")
    codes = {name: _code(names, name) for name in SOLID + BRANDS}
    marks = MARK.findall((THEME / "styles" / "pydata-sphinx-theme.css").read_text("utf8"))
    solid = {codes[name] for name in SOLID} | set(map(ord, marks))
    fonts = source / "webfonts"
    rules = [
        _face("Icons", 900, fonts / "fa-solid-900.ttf", solid),
        _face("Brand icons", 400, fonts / "fa-brands-400.ttf", {codes[name] for name in BRANDS}),
        LAYOUT,
        *(f'.fa-{name}::before {{ content: "\\{code:x}"; }}' for name, code in codes.items()),
    ]
    return "\n".join(rules) + "\n"


def _code(names: str, name: str) -> int:
    found = re.search(CODE % name, names)
    if not found:
        raise ExtensionError(f"the theme has no icon {name!r} any more")
    return int(found[1], 16)


def _face(family: str, weight: int, file: Path, codes: Iterable[int]) -> str:
    options = subset.Options(flavor="woff", name_IDs=[], notdef_outline=False, hinting=False)
    options.recalc_timestamp = False
    font = TTFont(file, recalcTimestamp=False)
    cut = subset.Subsetter(options)
    cut.populate(unicodes=codes)
    cut.subset(font)
    font.flavor = "woff"
    target = io.BytesIO()
    font.save(target)
    data = base64.b64encode(target.getvalue()).decode()
    return (
        f'@font-face {{ font-family: "{family}"; font-weight: {weight}; font-display: block; '
        f'src: url("data:font/woff;base64,{data}") format("woff"); }}'
    )
