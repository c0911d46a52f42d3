"""Finishing: what the built pages need that neither Sphinx nor the theme gives them.

Wide things get a box of their own that scrolls. Figures get a size, so that nothing jumps, a
version for the dark, and are loaded when they come into view. The theme's parts get the names and
the roles that screen readers need, and lose links that lead nowhere. Each page says in a sentence
what it is about, for search engines and for whoever is sent a link.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from bs4 import BeautifulSoup, Tag
from bs4.dammit import EntitySubstitution
from bs4.formatter import HTMLFormatter

from . import figures, guiding
from .tree import BookError, write_atomic

PARSER = "html.parser"
#: How wide a figure is in the text, for each point of its own width: text is as high as the prose.
CSS_PIXELS_PER_POINT = 1.15
#: The smallest text in a figure, in pixels: a figure whose text would be smaller scrolls.
LEGIBLE = 11.0
LONG_CODE = 10
DESCRIPTION = 200
#: How a printed claim begins, one that holds and one that does not.
CLAIMS = ("✓ ", "✗ ")
CARD = "_static/card.png"
#: Before anything is drawn: the colours that the reader chose, or those of the device.
COLOURS = """
(() => {
  const data = document.documentElement.dataset;
  data.mode = localStorage.getItem("mode") || "auto";
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  data.theme = data.mode === "auto" ? (dark ? "dark" : "light") : data.mode;
})();
"""
#: Parts of the site that are no pages: they are forwarded from, or searched from.
UNLISTED = ("index.html", "search.html", "genindex.html", "py-modindex.html", "prf-prf.html")


def finish(root: Path, site: str) -> None:
    """Finish all pages in a folder, in place, and list them for search engines.

    Parameters
    ----------
    root : Path
        The built pages.
    site : str
        Address of the published book.
    """
    pages = [
        path for path in sorted(root.rglob("*.html")) if path.parts[len(root.parts)] != "_static"
    ]
    for path in pages:
        write_atomic(path, finished(path.read_text("utf8"), path, root, site))
    _write_sitemap(root, pages, site)
    if broken := broken_links(root):
        raise BookError("links that lead nowhere:\n" + "\n".join(broken))


def finished(text: str, path: Path, root: Path, site: str) -> str:
    """Return a page as it is published.

    Parameters
    ----------
    text : str
        What Sphinx wrote.
    path, root : Path
        Where the page is, and the folder of all pages.
    site : str
        Address of the published book.
    """
    soup = BeautifulSoup(text, PARSER)
    name = path.relative_to(root).as_posix()
    if soup.find("main") is None:  # the first page only forwards
        return text
    _order_head(soup, name)
    _describe(soup, name, site)
    for table in soup.select("article table"):
        _box(soup, table)
    for image in soup.select("article .cell_output img"):
        _place_figure(soup, image, path)
    for cell in soup.select("article .cell_input"):
        _mark_long_code(cell)
    for output in soup.select("article .cell_output pre"):
        _wrap_claims(soup, output)
    _mend_theme(soup)
    _mend_listing(soup, path, root)
    _drop_dead_links(soup)
    guiding.guide(soup, root)
    return soup.decode(formatter=_AsWritten(EntitySubstitution.substitute_xml))


class _AsWritten(HTMLFormatter):
    """Attributes in the order that they were written in, and those without a value without one."""

    def attributes(self, tag: Tag) -> list[tuple[str, str | None]]:
        return [(name, str(value) or None) for name, value in _attributes(tag)]


def _attributes(tag: Tag) -> Iterator[tuple[str, str]]:
    for name, value in tag.attrs.items():
        yield name, value if isinstance(value, str) else " ".join(value)


def _order_head(soup: BeautifulSoup, name: str) -> None:
    """Let scripts wait until the page is read, but for those that its text calls."""
    for again in soup.select("meta[name=viewport]")[1:]:
        again.decompose()
    chosen = soup.find("script", attrs={"data-cfasync": "false"})
    if chosen is not None:
        chosen.string = COLOURS
    if name != "search.html":
        for script in soup.select("head script[src]"):
            if "documentation_options" not in str(script["src"]):
                script["defer"] = ""


def _describe(soup: BeautifulSoup, name: str, site: str) -> None:
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    own = title.partition(" — ")[0]
    paragraphs = (_prose(p) for p in soup.select("article section > p"))
    about = next((text for text in paragraphs if len(text) > 40), own)
    if len(about) > DESCRIPTION:
        about = about[:DESCRIPTION].rsplit(" ", 1)[0].rstrip(",;:") + " …"
    address = f"{site}/{name}"
    head = soup.head or soup
    for key, content in {"description": about, "twitter:card": "summary_large_image"}.items():
        head.append(soup.new_tag("meta", attrs={"name": key, "content": content}))
    card = {
        "og:type": "article" if name.startswith("notebooks/") else "website",
        "og:site_name": "mmfuse: multimodal interaction learning",
        "og:title": own,
        "og:description": about,
        "og:url": address,
        "og:image": f"{site}/{CARD}",
        "og:image:alt": "Two overlapping circles and the words: multimodal interaction learning",
    }
    for key, content in card.items():
        head.append(soup.new_tag("meta", attrs={"property": key, "content": content}))
    if soup.select_one("link[rel=canonical]") is None:
        head.append(soup.new_tag("link", attrs={"rel": "canonical", "href": address}))


def _prose(paragraph: Tag) -> str:
    """Return a paragraph as text: of a formula its TeX's letters, without marks of links."""
    copy = BeautifulSoup(str(paragraph), PARSER)
    for formula in copy.select(".katex"):
        tex = formula.find("annotation")
        formula.replace_with(re.sub(r"[\\{}]", "", tex.get_text()) if tex else "")
    for link in copy.select("a.headerlink"):
        link.decompose()
    return " ".join(copy.get_text().split())


def _box(soup: BeautifulSoup, element: Tag) -> None:
    """Put something wide into a box that scrolls."""
    if element.find_parent(class_="scrolls") is None:
        element.wrap(soup.new_tag("div", attrs={"class": "scrolls"}))


def _place_figure(soup: BeautifulSoup, image: Tag, page: Path) -> None:
    """Give a figure its size, a version for the dark, and load it when it comes into view."""
    source = unquote(str(image["src"]))
    if not source.endswith(".svg"):
        image["loading"] = "lazy"
        return
    file = page.parent / source
    svg = file.read_text("utf8")
    night = file.with_name(f"{file.stem}-dark.svg")
    if not night.exists():
        write_atomic(night, figures.dark(svg))
        write_atomic(file, figures.light(svg))
    width, height = figures.size(svg)
    smallest = figures.smallest_text(svg) or LEGIBLE
    attributes = {
        "width": str(round(width * CSS_PIXELS_PER_POINT)),
        "height": str(round(height * CSS_PIXELS_PER_POINT)),
        "loading": "lazy",
        "decoding": "async",
    }
    needed = round(width * LEGIBLE / smallest)
    attributes["style"] = f"min-width: {min(needed, round(width * CSS_PIXELS_PER_POINT))}px"
    image.attrs |= attributes
    image["class"] = "only-light"
    twin = soup.new_tag("img", attrs={name: str(value) for name, value in image.attrs.items()})
    twin["src"] = re.sub(r"\.svg$", "-dark.svg", str(image["src"]))
    twin["class"] = "only-dark"
    image.insert_after(twin)
    box = soup.new_tag("div", attrs={"class": "scrolls drawing"})
    image.insert_before(box)
    box.extend([image, twin])


def _wrap_claims(soup: BeautifulSoup, output: Tag) -> None:
    """Let an output that holds nothing but claims break its lines, as sentences do."""
    lines = output.get_text().splitlines()
    if not lines or not all(line.startswith(CLAIMS) for line in lines):
        return
    output.clear()
    output["class"] = "claims"
    for line in lines:
        output.append(soup.new_tag("span", string=line))


def _mark_long_code(cell: Tag) -> None:
    code = cell.find("pre")
    if code is not None and cell.find_parent("details") is None:
        lines = code.get_text().strip().count("\n") + 1
        if lines > LONG_CODE:
            cell["data-lines"] = str(lines)


def _mend_theme(soup: BeautifulSoup) -> None:
    """Name what has no name, and take roles from what does not play them."""
    for button in soup.select("button[title]:not([aria-label])"):
        button["aria-label"] = button["title"]
    for icon in soup.select("i[class*=fa-], span[class*=fa-]"):
        icon["aria-hidden"] = "true"
    for name, label in (("primary", "Show the chapters"), ("secondary", "Show the contents")):
        for box in soup.select(f"#pst-{name}-sidebar-checkbox"):
            box["aria-label"] = label
    for summary in soup.select("nav summary"):
        link = summary.find_previous("a")
        summary["aria-label"] = f"Pages of {link.get_text(strip=True)}" if link else "More pages"
    for summary in soup.select("article summary[aria-label]"):
        del summary["aria-label"]  # its own text says more
    for script in soup.find_all("script", string=re.compile("search-button-field")):
        script.string = script.get_text().replace(' aria-label="Search"', "")
    for mark in soup.select("[role=presentation], .citation-list, .citation"):
        mark.attrs.pop("role", None)
    for items in soup.select("dl"):
        if not items.find(["dt", "dd"]):
            items.name = "div"


def _mend_listing(soup: BeautifulSoup, path: Path, root: Path) -> None:
    """Lead from a listing to what the reference documents under its module's name.

    Sphinx writes the name under which a package hands something on.
    """
    module = ".".join(path.relative_to(root).with_suffix("").parts[1:])
    for link in soup.select("a.viewcode-back"):
        address, _, anchor = str(link["href"]).partition("#")
        block = link.find_parent(class_="viewcode-block")
        if block is not None and anchor not in _anchors((path.parent / address).resolve()):
            link["href"] = f"{address}#{module}.{block['id']}"


@cache
def _anchors(page: Path) -> frozenset[str]:
    return _anchors_in(page.read_text("utf8"))


def _anchors_in(text: str) -> frozenset[str]:
    """Return what a link into a page can name, before or after the page is finished."""
    return frozenset(map(html.unescape, re.findall(r'\b(?:id|name)="([^"]*)"', text)))


def _drop_dead_links(soup: BeautifulSoup) -> None:
    """Turn a link to a part of this page that does not exist into its text."""
    known = {tag["id"] for tag in soup.select("[id]")} | {a["name"] for a in soup.select("a[name]")}
    for link in soup.select('a[href^="#"]'):
        target = unquote(str(link["href"])[1:])
        if target and target not in known:
            link.unwrap()


def broken_links(root: Path) -> list[str]:
    """List links within the site that lead to no page, no file or no part of one."""
    anchors: dict[Path, frozenset[str]] = {}
    links: list[tuple[Path, str]] = []
    for path in root.rglob("*.html"):
        if "_static" in path.relative_to(root).parts:
            continue
        text = path.read_text("utf8")
        anchors[path] = _anchors_in(text)
        links += [(path, html.unescape(m)) for m in re.findall(r'<a\b[^>]*?\bhref="([^"]*)"', text)]
    found = []
    for path, link in dict.fromkeys(links):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        address, _, anchor = unquote(link).partition("#")
        target = (path.parent / address.partition("?")[0]).resolve() if address else path
        lost = anchor and target in anchors and anchor not in anchors[target]
        if lost or not target.exists():
            found.append(f"{path.relative_to(root)}: {link}")
    return sorted(found)


def _write_sitemap(root: Path, pages: list[Path], site: str) -> None:
    names = (path.relative_to(root).as_posix() for path in pages)
    urls = "".join(f"  <url><loc>{site}/{name}</loc></url>\n" for name in _listed(names))
    namespace = "http://www.sitemaps.org/schemas/sitemap/0.9"
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{namespace}">\n'
    write_atomic(root / "sitemap.xml", f"{head}{urls}</urlset>\n")


def _listed(names: Iterator[str]) -> list[str]:
    return [name for name in names if name not in UNLISTED and not name.startswith("_")]
