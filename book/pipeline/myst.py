"""A reader for the MyST Markdown that chapters use: blocks and inline roles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.myst_blocks import myst_block_plugin
from nbformat import NotebookNode

MARKDOWN = MarkdownIt().use(colon_fence_plugin).use(dollarmath_plugin).use(myst_block_plugin)
SPECIAL = (
    "fence", "colon_fence", "math_block", "math_block_label", "myst_target",
    "myst_line_comment", "myst_block_break",
)  # fmt: skip
NAME = re.compile(r"\{([\w:+-]+)\}[ \t]*(.*)$")
OPTION = re.compile(r"^:([\w-]+):(?:\s+(.*))?$")
ROLE = re.compile(r"\{([\w:+-]+)\}(`+)(.+?)(?<!`)\2(?!`)", re.DOTALL)
CODE_SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)


class MystError(Exception):
    """MyST that is not understood."""


@dataclass(frozen=True)
class Text:
    """Ordinary Markdown."""

    text: str


@dataclass(frozen=True)
class Code:
    """A fenced code block, kept as it is."""

    text: str


@dataclass(frozen=True)
class Label:
    """A line ``(name)=`` that names what follows."""

    name: str


@dataclass(frozen=True)
class Math:
    """Displayed mathematics, perhaps with a label."""

    tex: str
    label: str = ""
    indent: str = ""


@dataclass(frozen=True)
class Directive:
    """A fence with a name: ``{name} argument``, options, body."""

    name: str
    argument: str
    options: dict[str, str] = field(default_factory=dict)
    body: str = ""
    indent: str = ""

    @property
    def name_given(self) -> str:
        """The label by which it can be pointed at, empty if it has none."""
        return self.options.get("label") or self.options.get("name") or ""


Block = Text | Code | Label | Math | Directive


def parse(source: str) -> list[Block]:
    """Split Markdown into blocks; the body of a directive is left for another `parse`."""
    blocks: list[Block] = []
    lines, at = source.splitlines(), 0
    for token in MARKDOWN.parse(source):
        if token.type in SPECIAL and token.map:
            start, end = token.map
            blocks += [*_prose(lines[at:start]), *_special(token, lines[start:end])]
            at = end
    return [*blocks, *_prose(lines[at:])]


def walk(source: str) -> Iterator[Block]:
    """Go through all blocks, those within directives too."""
    for block in parse(source):
        yield block
        if isinstance(block, Directive) and block.name not in ("math", "code", "code-block"):
            yield from walk(block.body)


def drawn_figure(cell: NotebookNode) -> Directive | None:
    """Return the figure that the book makes of what a code cell draws, None if it makes none."""
    figure = cell.metadata.get("mystnb", {}).get("figure")
    if not figure or {"remove-cell", "remove-output"} & set(cell.metadata.get("tags", [])):
        return None
    return Directive("figure", "", {"name": figure.get("name", "")}, figure.get("caption", ""))


def replace_roles(text: str, role: Callable[[str, str], str]) -> str:
    """Replace each ``{name}`content` `` by ``role(name, content)``; code spans stay as they are."""
    parts: list[str] = []
    at = 0
    while at < len(text):
        if match := ROLE.match(text, at):
            parts.append(role(match[1], match[3]))
        elif match := CODE_SPAN.match(text, at):
            parts.append(match[0])
        else:
            parts.append(text[at])
            at += 1
            continue
        at = match.end()
    return "".join(parts)


def _prose(lines: list[str]) -> list[Block]:
    if any(line.lstrip().startswith("$$") and line.count("$$") == 1 for line in lines):
        raise MystError("a formula opened with $$ is never closed, or follows no blank line")
    return [Text("\n".join(lines))] if lines else []


def _special(token: Token, lines: list[str]) -> list[Block]:
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    if token.type in ("fence", "colon_fence"):
        return [_fence(token, lines, indent)]
    if token.type in ("math_block", "math_block_label"):
        tex = "\n".join(line.strip() for line in token.content.splitlines()).strip()
        return [Math(tex, token.info, indent)]
    return [Label(token.content)] if token.type == "myst_target" else []


def _fence(token: Token, lines: list[str], indent: str) -> Block:
    first, last = lines[0].strip(), lines[-1].strip()
    if len(lines) < 2 or set(last) != {token.markup[0]} or len(last) < len(token.markup):
        raise MystError(f"the fence `{first}` is never closed")
    name = NAME.match(token.info)
    if name is None:
        if token.type == "colon_fence":
            raise MystError(f"the fence `{first}` has no {{name}}")
        return Code("\n".join(lines))
    options, body = _options(token.content.splitlines())
    return Directive(name[1], name[2].strip(), options, "\n".join(body).strip("\n"), indent)


def _options(lines: list[str]) -> tuple[dict[str, str], list[str]]:
    options: dict[str, str] = {}
    at = 0
    if lines and lines[0].strip() == "---":
        at = 1
        while at < len(lines) and lines[at].strip() != "---":
            name, _, value = lines[at].partition(":")
            options[name.strip()] = value.strip()
            at += 1
        return options, lines[at + 1 :]
    while at < len(lines) and (match := OPTION.match(lines[at])):
        options[match[1]] = (match[2] or "").strip()
        at += 1
    return options, lines[at:]
