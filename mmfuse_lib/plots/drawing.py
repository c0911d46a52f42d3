"""Drawings of how something works: SVG files, shown with ink that follows the page's colours."""

from dataclasses import dataclass
from importlib import resources
from xml.etree import ElementTree as Tree

from mmfuse_lib.core.errors import UnknownNameError

SVG = "{http://www.w3.org/2000/svg}"

#: Ink, lines and grounds of the files, and what takes their place in the dark. All else stays.
_DARK = {"#222222": "#e3e5e8", "#6b7280": "#a3abb5", "#e9ebee": "#2b3139", "#404040": "#c2c6cb"}

_SELECTOR = ".mmfuse-mechanism"


@dataclass(frozen=True, repr=False)
class Drawing:
    """A drawing that a notebook shows, and what it shows in words.

    Attributes
    ----------
    svg : str
        The drawing, in light colours.
    title, text : str
        What it is about, and what can be seen in it.
    """

    svg: str
    title: str
    text: str

    def __repr__(self) -> str:
        return f"{self.title}. {self.text}"

    def _repr_html_(self) -> str:
        return f'<div class="mmfuse-mechanism"><style>{_STYLE}</style>\n{self.svg}</div>'


def mechanism(name: str) -> Drawing:
    """Return one of the book's drawings of how something works.

    All have one vocabulary: a trapezoid is an encoder, a row of cells its features, a box with
    round corners a classifier or a fusion head, an ellipse a loss. Solid arrows lead forward,
    dashed arrows carry gradients back; a double bar stops a gradient, a snowflake marks what is
    frozen. What belongs to modality 1, to modality 2, to redundancy and to synergy has the colour
    of U1, U2, R and S.

    Parameters
    ----------
    name : str
        ``"ensemble_and_joint"``, ``"shared_residual"``, ``"garbling"``, ``"re_pairing"``,
        ``"one_way_lane"`` (DI-MML), ``"levels"`` (DMIL) or ``"passes"`` (I2MoE).

    Raises
    ------
    UnknownNameError
        If there is no such drawing.

    Examples
    --------
    >>> from mmfuse_lib import plots
    >>> drawing = plots.mechanism("one_way_lane")  # shown by a notebook
    >>> drawing.title
    'The one-way lane of DI-MML'
    """
    folder = resources.files("mmfuse_lib.plots") / "mechanisms"
    known = sorted(file.name.removesuffix(".svg") for file in folder.iterdir())
    if name not in known:
        raise UnknownNameError("drawing", name, known)
    svg = (folder / f"{name}.svg").read_text("utf8")
    root = Tree.fromstring(svg)  # noqa: S314  # a file of this library
    title, text = (root.findtext(f"{SVG}{tag}", "") for tag in ("title", "desc"))
    return Drawing(svg, title, text)


def _style() -> str:
    """Return a style sheet that gives ink and grounds another colour in the dark, but for print."""
    colours = list(enumerate(_DARK.items()))
    light = "".join(f"--c{k}: {old}; " for k, (old, _) in colours)
    dark = "".join(f"--c{k}: {new}; " for k, (_, new) in colours)
    rules = "".join(
        f'{_SELECTOR} [{what}="{old}"] {{ {what}: var(--c{k}); }}\n'
        for k, (old, _) in colours
        for what in ("fill", "stroke")
    )
    themes = (
        'html[data-theme="dark"]',
        'html[theme="dark"]',
        'body[data-jp-theme-light="false"]',
        "body.vscode-dark",
    )
    chosen = ", ".join(f"{theme} {_SELECTOR}" for theme in themes)
    unchosen = 'body:not([data-jp-theme-light="true"], .vscode-light)'
    return f"""
{_SELECTOR} {{ {light}margin: 0.5rem 0; }}
{chosen} {{ {dark}}}
@media (prefers-color-scheme: dark) {{
html:not([data-theme], [theme]) {unchosen} {_SELECTOR} {{ {dark}}}
}}
@media print {{ html[data-theme] {_SELECTOR} {{ {light}}} }}
html[data-theme] .cell_output .text_html:has({_SELECTOR}) {{
background: none !important; padding: 0; }}
{rules}{_SELECTOR} svg {{ display: block; height: auto; max-width: 30rem; width: 100%; }}
"""


_STYLE = _style()
