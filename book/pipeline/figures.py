"""Figures in the dark: the same SVG with its ink on the page's dark ground, and its data untouched.

An SVG in an ``<img>`` does not hear which colours the reader chose, so each figure has two files.
Data keep their colours. What changes is ink: text, axes, grids, the grey of "joint"; and paper. Text
that lies on a coloured bar, a node or a map was chosen for that colour and stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree as Tree

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
PAPER, INK = "#14181e", "#e3e5e8"
#: What is black or a grey near it, and its counterpart on dark paper.
DARK = {
    "#000000": INK,
    "#222222": INK,
    "#262626": INK,
    "#333333": INK,
    "#404040": "#c2c6cb",
    "#d9d9d9": "#3a4049",
    "#d5d8dc": "#3a4049",
}
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
SHIFT = re.compile(r"translate\(([-\d.]+) ([-\d.]+)\)")
SCALE = re.compile(r"scale\(([\d.]+) -[\d.]+\)")
COLOUR = re.compile(r"(fill|stroke): (#[0-9a-f]{6})")
#: Labels of axes are outside; what is written among the data may lie on a colour.
FRAME = re.compile(r"matplotlib\.axis_|legend_|[xy]tick_")

Tree.register_namespace("", SVG)
Tree.register_namespace("xlink", XLINK)


@dataclass(frozen=True)
class Box:
    """Where something is drawn, in the figure's points."""

    left: float
    top: float
    right: float
    bottom: float

    def holds(self, x: float, y: float) -> bool:
        """Whether a point is inside."""
        return self.left <= x <= self.right and self.top <= y <= self.bottom


def size(svg: str) -> tuple[float, float]:
    """Return width and height of a figure, in points."""
    box = NUMBER.findall(Tree.fromstring(svg).attrib["viewBox"])
    return float(box[2]), float(box[3])


def smallest_text(svg: str) -> float | None:
    """Return the height of a figure's smallest line of text, in points; None without any."""
    sizes = [float(scale) * 100 for scale in SCALE.findall(svg)]
    return min(sizes, default=None)


def light(svg: str) -> str:
    """Return a figure without the sheet of paper behind it."""
    root = Tree.fromstring(svg)
    _drop_paper(root)
    return Tree.tostring(root, encoding="unicode")


def dark(svg: str) -> str:
    """Return a figure for dark paper."""
    root = Tree.fromstring(svg)
    _drop_paper(root)
    root.set("fill", INK)
    for axes in root.iter(f"{{{SVG}}}g"):
        if axes.get("id", "").startswith("axes_"):
            _keep_on_colours(axes)
    for parent in root.iter():
        for element in parent:
            style = element.get("style", "")
            if style and element.get("class") != "kept":
                element.set("style", COLOUR.sub(lambda match: _darkened(match, element), style))
    return Tree.tostring(root, encoding="unicode")


def _drop_paper(root: Tree.Element) -> None:
    """Take away the first patch, which is the figure's ground."""
    figure = root.find(f"{{{SVG}}}g")
    if figure is not None:
        ground = figure.find(f"{{{SVG}}}g[@id='patch_1']")
        if ground is not None:
            figure.remove(ground)


def _keep_on_colours(axes: Tree.Element) -> None:
    """Mark text on something coloured, so that it stays black (white does so anyway)."""
    coloured = _coloured(axes)
    for group in axes:
        if not group.get("id", "").startswith("text_"):
            continue
        for line in group:
            shift = SHIFT.search(line.get("transform", ""))
            if shift is None:
                continue
            x, y = float(shift[1]) + 2, float(shift[2]) - 3  # inside the first letter
            if any(box.holds(x, y) for box in coloured):
                fill = COLOUR.search(line.get("style", ""))
                line.set("style", f"fill: {fill[2] if fill else '#000000'}")
                line.set("class", "kept")


def _coloured(axes: Tree.Element) -> list[Box]:
    """Say where an axes is covered by a colour: bars, nodes, maps."""
    found = []
    for group in axes:
        if FRAME.match(group.get("id", "")):
            continue
        for element in group.iter():
            fill = re.search(r"fill: (#[0-9a-f]{6})", element.get("style", ""))
            if element.tag == f"{{{SVG}}}path" and fill and fill[1] != "#ffffff":
                numbers = list(map(float, NUMBER.findall(element.get("d", ""))))
                if numbers:
                    xs, ys = numbers[::2], numbers[1::2]
                    found.append(Box(min(xs), min(ys), max(xs), max(ys)))
            elif element.tag == f"{{{SVG}}}image":
                found.append(_image_box(element))
    return found


def _image_box(image: Tree.Element) -> Box:
    x, y, wide, high = (float(image.get(name, 0)) for name in ("x", "y", "width", "height"))
    # Images are drawn upside down, under `scale(1 -1) translate(0 -height)`.
    transform = image.get("transform", "")
    if transform.startswith("scale(1 -1)"):
        moved = NUMBER.findall(transform.partition("translate")[2])
        y = -(y + (float(moved[1]) if len(moved) > 1 else 0.0)) - high
    return Box(x, y, x + wide, y + high)


def _darkened(match: re.Match[str], element: Tree.Element) -> str:
    what, colour = match.groups()
    if colour == "#ffffff" and (what == "stroke" or element.tag == f"{{{SVG}}}path"):
        return f"{what}: {PAPER}"
    return f"{what}: {DARK.get(colour, colour)}"
