"""A reader for the MyST Markdown that chapters use: blocks and inline roles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

FENCE = re.compile(r"^( *)(`{3,}|~{3,}|:{3,})(?:\{([\w:+-]+)\})?[ \t]*(.*)$")
LABEL = re.compile(r"^\(([\w:.+-]+)\)=\s*$")
MATH_END = re.compile(r"\$\$\s*(?:\(([\w:.-]+)\))?\s*$")
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


Block = Text | Code | Label | Math | Directive


def parse(source: str) -> list[Block]:
    """Split Markdown into blocks; the body of a directive is left for another `parse`."""
    return list(_blocks(source.splitlines()))


def walk(source: str) -> Iterator[Block]:
    """Go through all blocks, those within directives too."""
    for block in parse(source):
        yield block
        if isinstance(block, Directive) and block.name not in ("math", "code", "code-block"):
            yield from walk(block.body)


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


def _blocks(lines: list[str]) -> Iterator[Block]:
    prose: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        block: Block | None = None
        if fence := FENCE.match(line):
            block, at = _fenced(lines, at, fence)
        elif line.lstrip().startswith("$$"):
            block, at = _math(lines, at)
        elif label := LABEL.match(line):
            block, at = Label(label[1]), at + 1
        elif line.startswith("%") or line.strip() == "+++":
            at += 1  # a comment, a cell break
        else:
            prose.append(line)
            at += 1
        if block is not None:
            if prose:
                yield Text("\n".join(prose))
                prose = []
            yield block
    if prose:
        yield Text("\n".join(prose))


def _fenced(lines: list[str], at: int, fence: re.Match[str]) -> tuple[Block, int]:
    indent, mark, name, argument = fence.groups()
    end = at + 1
    while end < len(lines) and not _closes(lines[end], mark):
        end += 1
    if end == len(lines):
        raise MystError(f"the fence `{lines[at].strip()}` is never closed")
    if name is None:
        if mark.startswith(":"):
            raise MystError(f"the fence `{lines[at].strip()}` has no {{name}}")
        return Code("\n".join(lines[at : end + 1])), end + 1
    inside = [line.removeprefix(indent) for line in lines[at + 1 : end]]
    options, body = _options(inside)
    return Directive(name, argument.strip(), options, "\n".join(body).strip("\n"), indent), end + 1


def _closes(line: str, mark: str) -> bool:
    text = line.strip()
    return len(text) >= len(mark) and set(text) == {mark[0]}


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


def _math(lines: list[str], at: int) -> tuple[Block, int]:
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    first = lines[at].lstrip()[2:]
    if end := MATH_END.search(first):
        return Math(first[: end.start()].strip(), end[1] or "", indent), at + 1
    if "$$" in first:
        return Text(lines[at]), at + 1  # a formula that opens a line of prose
    collected = [first]
    for index in range(at + 1, len(lines)):
        if end := MATH_END.search(lines[index]):
            collected.append(lines[index][: end.start()])
            tex = "\n".join(part.strip() for part in collected).strip()
            return Math(tex, end[1] or "", indent), index + 1
        collected.append(lines[index])
    raise MystError("a formula opened with $$ is never closed")
