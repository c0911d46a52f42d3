"""Open an interactive figure alone, drag in it by mouse and by touch, and say what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page

from . import browser as browsing

HEAD = (
    '<!doctype html><html lang="en"><meta charset="utf8">'
    '<meta name="viewport" content="width=device-width"><title>figure</title><body>'
)
#: The budget of a figure, with what all figures share, in bytes.
BUDGET = 40_000


@contextmanager
def alone(
    chromium: Browser, folder: Path, html: str, *, width: int = 390, scripts: bool = True
) -> Iterator[Page]:
    """Open a figure on its own, from the disk, as an empty notebook would; errors are raised."""
    file = folder / "figure.html"
    file.write_text(f"{HEAD}{html}</body></html>", "utf8")
    size = {"width": width, "height": 844}
    context = chromium.new_context(viewport=size, has_touch=True, java_script_enabled=scripts)  # type: ignore[arg-type]
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "request",
        lambda request: (
            errors.append(request.url)
            if "://" in request.url and not request.url.startswith("file:")
            else None
        ),
    )
    page.goto(file.as_uri())
    yield page
    context.close()
    assert not errors


def number(text: str) -> float:
    """Read a number that a figure shows; its minus sign is a real one."""
    return float(text.replace("\N{MINUS SIGN}", "-"))


def _point(handle: Locator, where: tuple[float, float]) -> tuple[float, float]:
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box is not None
    return box["x"] + where[0] * box["width"], box["y"] + where[1] * box["height"]


def drag(page: Page, handle: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag by mouse, between places that are shares of the handle's width and height."""
    page.mouse.move(*_point(handle, start))
    page.mouse.down()
    page.mouse.move(*_point(handle, end), steps=4)
    page.mouse.up()


def swipe(
    page: Page, handle: Locator, start: tuple[float, float], end: tuple[float, float]
) -> None:
    """Drag by a finger; where the page scrolls instead, nothing is dragged."""
    session = page.context.new_cdp_session(page)
    (x0, y0), (x1, y1) = _point(handle, start), _point(handle, end)
    places = [(x0 + k * (x1 - x0) / 6, y0 + k * (y1 - y0) / 6) for k in range(7)]
    for k, (x, y) in enumerate(places):
        kind = "touchMove" if k else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()


def press(handle: Locator, *keys: str) -> None:
    """Press keys on what has the focus."""
    handle.focus()
    for key in keys:
        handle.press(key)


def flaws(page: Page) -> list[str]:
    """List what axe finds serious, light and dark, small targets, and what is too wide."""
    found: list[str] = []
    page.evaluate(browsing.AXE.read_text("utf8"))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.evaluate(browsing.DRAWN)
        found += [f"{scheme}: {x}" for x in page.evaluate(browsing.GRAVE)]
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        page.evaluate(browsing.DRAWN)
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{wide} px wide on {width}")
        found += [f"{width}: {x}" for x in page.evaluate(SMALL)]
    return found


# Targets below 44 px and text below 11 px.
SMALL = r"""() => {
  const found = [];
  const targets = '.mmfuse :is(button, select, input, [role=slider])';
  for (const node of document.querySelectorAll(targets)) {
    const box = node.getBoundingClientRect();
    if (box.height && (box.height < 43.5 || box.width < 43.5))
      found.push(`${node.tagName} ${node.className} is ${box.width} x ${box.height}`);
  }
  for (const node of document.querySelectorAll('.mmfuse :not(style, script)')) {
    const size = parseFloat(getComputedStyle(node).fontSize);
    const text = [...node.childNodes].filter((x) => x.nodeType === 3).map((x) => x.data).join('');
    if (node.getClientRects().length && text.trim() && size < 11)
      found.push(`text of ${size} px: ${text.slice(0, 40)}`);
  }
  return found;
}"""
