"""Figures in the dark: the same SVG with its ink on the page's dark ground, and its data untouched.

An SVG in an ``<img>`` does not hear which colours the reader chose, so each figure has two files.
Data keep their colours. What changes is ink, which is text, axes, grids, the grey of "joint";
paper; and violet, of which lines would be lost. What lies on a coloured bar, a node or a map was
chosen for that colour and stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from xml.etree import ElementTree as Tree

#: The type of what `projector` draws for a slide, beside the figure itself.
PROJECTOR = "application/vnd.mmfuse.projector"
SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
USE = f"{{{SVG}}}use"
PAPER, INK = "#121212", "#e3e5e8"
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
VIOLET, PALE_VIOLET = "#5b3e96", "#9b80d6"
FAINT = 0.5
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
SHIFT = re.compile(r"translate\(([-\d.]+) ([-\d.]+)\)")
SCALE = re.compile(r"scale\(([\d.]+) -[\d.]+\)")
COLOUR = re.compile(r"(fill|stroke): (#[0-9a-f]{6})")
FILL = re.compile(r"fill: (#[0-9a-f]{6})")
OPACITY = re.compile(r"opacity: ([\d.]+)")
#: Labels of axes are outside; what is drawn among the data may lie on a colour.
FRAME = re.compile(r"matplotlib\.axis_|legend_")
#: Each colour of a map is a number.
MAP = re.compile(r"QuadMesh|QuadContour|ContourSet")

Tree.register_namespace("", SVG)
Tree.register_namespace("xlink", XLINK)


@dataclass(frozen=True)
class Area:
    """What is covered with a colour, in the figure's points."""

    element: Tree.Element
    colour: str
    left: float
    top: float
    right: float
    bottom: float

    def holds(self, x: float, y: float) -> bool:
        """Whether a point is inside."""
        return self.left <= x <= self.right and self.top <= y <= self.bottom


def size(svg: str) -> tuple[float, float]:
    """Return width and height of a figure, in points."""
    box = NUMBER.findall(_read(svg).attrib["viewBox"])
    return float(box[2]), float(box[3])


def smallest_text(svg: str) -> float | None:
    """Return the height of a figure's smallest line of text, in points; None without any."""
    sizes = [float(scale) * 100 for scale in SCALE.findall(svg)]
    return min(sizes, default=None)


def light(svg: str) -> str:
    """Return a figure without the sheet of paper behind it."""
    root = _read(svg)
    _drop_paper(root)
    return Tree.tostring(root, encoding="unicode")


def dark(svg: str) -> str:
    """Return a figure for dark paper."""
    root = _read(svg)
    _drop_paper(root)
    root.set("fill", INK)
    for shape in root.iter(f"{{{SVG}}}path"):
        if shape.get("id"):  # each use of a mark has the style too, and may keep another colour
            shape.attrib.pop("style", None)
    kept: set[Tree.Element] = set()
    for axes in root.iter(f"{{{SVG}}}g"):
        if axes.get("id", "").startswith("axes_"):
            kept |= _on_colours(axes, root)
    for element in root.iter():
        style = element.get("style", "")
        if style and element not in kept:
            element.set("style", COLOUR.sub(partial(_darkened, element=element), style))
    return Tree.tostring(root, encoding="unicode")


def _read(svg: str) -> Tree.Element:
    return Tree.fromstring(svg)  # noqa: S314  # drawn by our own chapters


def _drop_paper(root: Tree.Element) -> None:
    """Take away the white ground of the figure and of its axes: their first patches."""
    for group in root.iter(f"{{{SVG}}}g"):
        ground = group.find(f"{{{SVG}}}g")
        path = None if ground is None else ground.find(f"{{{SVG}}}path")
        if not re.match("(figure|axes)_", group.get("id", "")) or ground is None or path is None:
            continue
        if ground.get("id", "").startswith("patch_") and path.get("style") == "fill: #ffffff":
            group.remove(ground)


def _on_colours(axes: Tree.Element, root: Tree.Element) -> set[Tree.Element]:
    """Find text and marks that lie on something coloured, and what they lie on.

    Where that is itself ink, as a black bar, both change, white text into dark.
    """
    areas = _areas(axes, root)
    kept: set[Tree.Element] = set()
    for group in axes:
        if FRAME.match(group.get("id", "")):
            continue
        if MAP.match(group.get("id", "")):
            kept |= set(group.iter())
            continue
        is_text = group.get("id", "").startswith("text_")
        for element in group.iter():
            place = _text_place(element) if is_text else _mark_place(element)
            under = [area for area in areas if place and area.holds(*place)]
            if not is_text:  # one mark on another is no mark on a ground
                under = [area for area in under if area.element.tag != USE]
            if not under:
                continue
            area = under[-1]
            if area.colour not in DARK:
                if is_text and not FILL.search(element.get("style", "")):
                    element.set("style", "fill: #000000")
                kept |= {element, area.element} if is_text else {element}
            elif is_text and FILL.search(element.get("style", "")):
                element.set("style", element.get("style", "").replace("#ffffff", PAPER))
    return kept


def _text_place(element: Tree.Element) -> tuple[float, float] | None:
    """Return a point inside the first letter of a line of text."""
    shift = SHIFT.search(element.get("transform", ""))
    if shift is None or not SCALE.search(element.get("transform", "")):
        return None
    return float(shift[1]) + 2, float(shift[2]) - 3


def _mark_place(element: Tree.Element) -> tuple[float, float] | None:
    """Return where a mark is drawn."""
    if element.tag != USE or "x" not in element.attrib:
        return None
    return float(element.get("x", 0)), float(element.get("y", 0))


def _areas(axes: Tree.Element, root: Tree.Element) -> list[Area]:
    """Say where an axes is covered by a colour: bars, nodes, maps; not by a faint shade."""
    shapes = {path.get("id"): path for path in root.iter(f"{{{SVG}}}path") if path.get("id")}
    found = []
    for group in axes:
        if FRAME.match(group.get("id", "")):
            continue
        for element in group.iter():
            style = element.get("style", "")
            fill, opacity = FILL.search(style), OPACITY.search(style)
            if element.tag == f"{{{SVG}}}image":
                found.append(Area(element, "", *_image_bounds(element)))
            if not fill or fill[1] == "#ffffff" or (opacity and float(opacity[1]) < FAINT):
                continue
            shape = shapes.get(element.get(f"{{{XLINK}}}href", "#")[1:], element)
            bounds = _bounds(shape.get("d", ""))
            if bounds and not element.get("id"):
                x, y = _mark_place(element) or (0.0, 0.0)
                left, top, right, bottom = bounds
                found.append(Area(element, fill[1], left + x, top + y, right + x, bottom + y))
    return found


def _bounds(path: str) -> tuple[float, float, float, float] | None:
    numbers = list(map(float, NUMBER.findall(path)))
    xs, ys = numbers[::2], numbers[1::2]
    return (min(xs), min(ys), max(xs), max(ys)) if ys else None


def _image_bounds(image: Tree.Element) -> tuple[float, float, float, float]:
    """Return the bounds of an image, which is drawn upside down."""
    x, y, wide, high = (float(image.get(name, 0)) for name in ("x", "y", "width", "height"))
    transform = image.get("transform", "")
    if transform.startswith("scale(1 -1)"):
        y = -y
    return x, y, x + wide, y + high


def _darkened(match: re.Match[str], element: Tree.Element) -> str:
    what, colour = match.groups()
    if colour == "#ffffff" and (what == "stroke" or element.tag != f"{{{SVG}}}g"):
        return f"{what}: {PAPER}"
    if colour == VIOLET:
        return f"{what}: {PALE_VIOLET}"
    return f"{what}: {DARK.get(colour, colour)}"
