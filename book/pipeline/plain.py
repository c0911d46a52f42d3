"""Plain Markdown: rewrite a chapter's MyST so that it reads well in plain Jupyter and on Colab."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mmfuse_lib.course.misconception import misconceptions
from mmfuse_lib.course.registry import exercises

from . import myst, quizzes
from .myst import Directive, Math, MystError
from .references import CHAPTERS, NUMBERED, References, Target, anchor, chapter_prefix

ADMONITIONS = {
    name: name.capitalize()
    for name in ("note", "tip", "important", "warning", "caution", "attention", "danger", "hint")
} | {"seealso": "See also", "admonition": "", "sidebar": "", "margin": ""}
CODE = ("code", "code-block")
DROPPED = ("contents", "tableofcontents", "exercise-end")
IMPORT = "(First `from mmfuse_lib.course import check`.)"
GATES = ("solution-start", "solution-end")
CONTINUED = "Solution, continued"
GROUPS = ("tab-set", "grid")
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\\.)*)\]\(([^()\s]+)\)")
EXPLICIT = re.compile(r"^(.*?)\s*<([^<>]+)>$", re.DOTALL)
ABSOLUTE = ("http://", "https://", "mailto:")
CITED = r"\[[^\[\]]*\]\([^()\s]*/bibliography\.html\)"
# A mention of a chapter is none of this: those of another work stand beside the link of a citation.
PASSED_OVER = (
    r"^#[^\n]*$",  # a heading
    r"(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)",  # code
    r"\$[^$]+\$",
    r"<[^>]+>",
    rf"{CITED}\)?[\s,(]*{CHAPTERS}",
    rf"{CHAPTERS}\s+(?:of|in)\s+{CITED}",
    r"!?\[(?:[^\[\]]|\\.)*\]\([^()\s]+\)",
)
MENTIONS = re.compile(rf"{'|'.join(PASSED_OVER)}|(?P<mention>{CHAPTERS})", re.DOTALL | re.MULTILINE)
FIRST_OR_NEXT = re.compile(r"(?:[Cc]hapters?\s+)?(?P<number>\d+)")
# What must not be left in the result.
RAW = [
    (re.compile(r"^\s*(`{3,}|~{3,}|:{3,})\{", re.MULTILINE), "a directive"),
    (re.compile(r"^\s*:{3,}", re.MULTILINE), "a colon fence"),
    (re.compile(r"\{[\w:+-]+\}`"), "a role"),
    (re.compile(r"^\([\w:.-]+\)=", re.MULTILINE), "a label"),
    (re.compile(r"^:[ \t]+\S", re.MULTILINE), "a definition list"),
]
API_ROLES = ("class", "func", "meth", "mod", "attr", "data", "exc", "obj")


@dataclass
class Writer:
    """Writes the cells of one chapter, one after the other, and counts what has a number.

    Parameters
    ----------
    page : str
        The chapter's page, ``notebooks/NN_slug``.
    references : References
        What the book's labels point to.
    source : str
        Address of the repository's files, for pictures.
    """

    page: str
    references: References
    source: str
    counts: dict[str, int] = field(default_factory=dict)
    in_solution: bool = False
    solution: str = CONTINUED  # title of the next piece of a solution

    def cell(self, text: str) -> str:
        """Rewrite one Markdown cell; what belongs to a solution is folded, and nothing else."""
        written, parts = list[str](), list[str]()
        for block in myst.parse(text):
            if isinstance(block, Directive) and block.name in GATES:
                written.append(self.folded(parts))
                self.gate(block)
                parts = [self.blocks(block.body)]
            else:
                parts.append(self.block(block))
        return _finished("\n".join([*written, self.folded(parts)]))

    def gate(self, block: Directive) -> None:
        """Go into a solution, or out of it."""
        starts = block.name == "solution-start"
        if starts == self.in_solution:
            raise MystError(f"{{{block.name}}} {'within' if starts else 'without'} a solution")
        self.in_solution = starts
        if starts:
            self.solution = f"Solution to {self.target(block.argument).text}"

    def folded(self, parts: list[str]) -> str:
        """Write what has been collected, folded if it belongs to a solution."""
        body = "\n".join(parts)
        if not self.in_solution or not body.strip():
            return body
        title, self.solution = self.solution, CONTINUED
        return details(title, body)

    def before_code(self) -> str:
        """Announce the code of a solution that begins with code."""
        if not self.in_solution or self.solution == CONTINUED:
            return ""
        title, self.solution = self.solution, CONTINUED
        return f"**{title}**: the code below, folded."

    def caption(self, figure: Directive) -> str:
        """Write number and caption of a figure that a code cell draws."""
        return f"{self.marked(figure).strip()}{_finished(self.numbered('Figure', figure.body))}"

    def blocks(self, text: str) -> str:
        """Rewrite Markdown with directives in it."""
        return "\n".join(self.block(block) for block in myst.parse(text))

    def block(self, block: myst.Block) -> str:
        """Rewrite one block."""
        match block:
            case myst.Text(text=prose):
                return self.prose(prose)
            case myst.Code(text=code):
                return code
            case myst.Label(name=name):
                return mark(anchor(name))
            case Math():
                return self.math(block)
            case Directive():
                return _indent(self.marked(block) + self.directive(block), block.indent)

    # Blocks

    def math(self, block: Math) -> str:
        """Write displayed mathematics; an equation with a label shows its number."""
        tag = f"\n\\tag{{{self.count('equation')}}}" if block.label else ""
        place = mark(f"equation-{anchor(block.label)}") if block.label else ""
        return _indent(f"{place}\n$$\n{block.tex}{tag}\n$$\n", block.indent)

    def marked(self, block: Directive) -> str:
        """Write the place that links to a directive lead to, if it has a name."""
        return mark(anchor(block.name_given)) if block.name != "math" else ""

    def directive(self, block: Directive) -> str:
        """Write any directive, or say that it is unknown."""
        name = block.name
        if name in DROPPED:
            return ""
        if name in GATES:
            raise MystError(f"{{{name}}} within another directive")
        if name == "math":
            return self.math(Math(f"{block.argument}\n{block.body}".strip(), block.name_given))
        if name in CODE:
            return f"\n```{block.argument}\n{block.body}\n```\n"
        if name in ("figure", "image"):
            return self.figure(block)
        if name == "table":
            title = self.numbered("Table", block.argument)
            return f"{title}\n{self.blocks(block.body)}\n"
        if name in ADMONITIONS or name in ("dropdown", "tab-item", "card"):
            return self.box(block, self.inline(block.argument) or ADMONITIONS.get(name, ""))
        if name in GROUPS:
            return self.blocks(block.body)
        if name == "solution":
            return details(
                f"Solution to {self.target(block.argument).text}", self.blocks(block.body)
            )
        if name == "prf:proof":
            return self.box(block, self.titled("Proof", block.argument))
        if name == "quiz":
            return self.quiz(quizzes.read(block.argument, block.options, block.body))
        if known := exercises().get(block.name_given):
            block = replace(block, body=f"{block.body}\n\n{known.line}\n\n{IMPORT}")
        if kind := NUMBERED.get(name):
            return self.box(block, self.titled(f"{kind} {self.count(kind)}", block.argument))
        raise MystError(f"unknown directive {{{name}}}")

    def box(self, block: Directive, title: str) -> str:
        """Write a titled box: a quotation, or folded away where the book folds it."""
        body = self.blocks(block.body)
        if block.name in ADMONITIONS and block.name != "admonition" and block.argument:
            # Text on the opening line of a note belongs to the note.
            body, title = f"{self.prose(block.argument)}\n{body}", ADMONITIONS[block.name] or title
        if "dropdown" in block.options.get("class", "") or block.name == "dropdown":
            return details(title, body)
        return quote(f"**{title}**\n\n{body.strip()}" if title else body.strip())

    def quiz(self, quiz: quizzes.Quiz) -> str:
        """Write a quiz: question and options, and below them, folded, what each is worth."""
        kind = "Predict first" if quiz.predict else "Question"
        options = list(zip("abcd", quiz.shown, strict=False))
        asked = "\n".join(f"> * **{letter}** {self.inline(o.text)}" for letter, o in options)
        reasons = "\n\n".join(
            f"**{letter}** {o.verdict} {self.blocks(o.reason).strip()}{self.helpful(o)}"
            for letter, o in options
        )
        question = quote(f"**{kind}: {self.inline(quiz.title)}**\n\n{self.blocks(quiz.question)}")
        return f"{question.rstrip()}\n>\n{asked}\n{details('Which one?', reasons)}"

    def helpful(self, option: quizzes.Option) -> str:
        """Return the question that helps against a misconception, if the option comes from one."""
        if not option.misconception:
            return ""
        known = misconceptions()
        if option.misconception not in known:
            raise MystError(f"no misconception {option.misconception!r} in misconceptions.yml")
        return f" *{self.inline(known[option.misconception].question)}*"

    def titled(self, title: str, argument: str) -> str:
        """Return a title with what the author added to it in brackets."""
        return f"{title} ({self.inline(argument)})" if argument else title

    def figure(self, block: Directive) -> str:
        """Write a picture with its caption."""
        alt = block.options.get("alt", "")
        if not alt:
            raise MystError(f"the {block.name} {block.argument!r} has no :alt:")
        picture = f"\n![{alt}]({self.picture(block.argument)})\n"
        if block.name == "image":
            return picture
        return f"{picture}{self.numbered('Figure', block.body)}"

    def numbered(self, kind: str, caption: str) -> str:
        """Write the number of a figure or table and its caption, on one line."""
        return f"\n**{kind} {self.count(kind)}.** {' '.join(self.prose(caption).split())}\n"

    # Inline

    def prose(self, text: str) -> str:
        """Rewrite roles and links, and make a link of each mention of a chapter."""
        return MENTIONS.sub(self.mention, self.inline(text))

    def mention(self, match: re.Match[str]) -> str:
        """Link the chapters of one mention, but for this one; leave all else as it is."""
        said = match["mention"]
        if said is None:
            return match[0]
        return FIRST_OR_NEXT.sub(self.chapter, said)

    def chapter(self, match: re.Match[str]) -> str:
        """Link one chapter."""
        page = self.references.chapters.get(int(match["number"]))
        if page is None:
            raise MystError(f"there is no chapter {match['number']}")
        return match[0] if page == self.page else f"[{match[0]}]({self.references.url(page)})"

    def inline(self, text: str) -> str:
        """Rewrite roles and links within a piece of text."""
        return _outside_code(myst.replace_roles(text, self.role), self.links)

    def role(self, name: str, content: str) -> str:
        """Write any role, or say that it is unknown."""
        if name in ("cite", "cite:p", "cite:ps", "cite:t", "cite:ts"):
            return self.cite(content, textual="t" in name.partition(":")[2])
        if name == "math":
            return f"${content}$"
        if name in ("code", "kbd", "command", "file"):
            return f"`{content}`"
        if name == "abbr":
            return content
        if name == "term":
            return self.term(content)
        if name == "doc":
            return self.document(content)
        if name in ("ref", "numref", "eq", "prf:ref"):
            text, label = _explicit(content)
            target = self.target(label)
            if name == "numref" and text:
                text = re.sub(r"%s|\{number\}", target.text.rpartition(" ")[2], text)
            return f"[{text or target.text}]({self.address(target)})"
        if name.removeprefix("py:") in API_ROLES:
            return self.api(content)
        raise MystError(f"unknown role {{{name}}}")

    def cite(self, keys: str, *, textual: bool) -> str:
        """Write author and year, linked to the bibliography."""
        url = self.references.url("book/bibliography")
        cited = []
        for key in (key.strip() for key in keys.split(",")):
            if key not in self.references.works:
                raise MystError(f"no entry {key!r} in references.bib")
            authors, year = self.references.works[key]
            text = f"{authors} ({year})" if textual else f"{authors}, {year}"
            cited.append(f"[{text}]({url})")
        return ", ".join(cited) if textual else f"({'; '.join(cited)})"

    def term(self, content: str) -> str:
        """Write a glossary term, linked to the glossary."""
        text, term = _explicit(content)
        page = self.references.terms.get(term.lower())
        if page is None:
            raise MystError(f"no term {term!r} in the glossary")
        return f"[{text or term}]({self.references.url(page)})"

    def document(self, content: str) -> str:
        """Write a link to another page of the book."""
        text, name = _explicit(content)
        page = name.lstrip("/") if name.startswith("/") else self.resolve(name)
        if page not in self.references.titles:
            raise MystError(f"no page {name!r}")
        return f"[{text or self.references.titles[page]}]({self.references.url(page)})"

    def api(self, content: str) -> str:
        """Write the name of something in the library, linked to where it is described."""
        text, name = _explicit(content)
        full = name.lstrip("~!")
        shown = text or (full.rpartition(".")[2] if name.startswith("~") else full)
        module = full
        while module and module not in self.references.modules:
            module = module.rpartition(".")[0]
        if not module:
            return f"`{shown}`"
        return f"[`{shown}`]({self.references.url(self.references.modules[module], full)})"

    def links(self, text: str) -> str:
        """Make links between pages absolute."""
        return LINK.sub(self.link, text)

    def link(self, match: re.Match[str]) -> str:
        """Make one link absolute."""
        bang, text, address = match.groups()
        if bang:
            if not text:
                raise MystError(f"the picture {address!r} has no alternative text")
            return f"![{text}]({self.picture(address)})"
        if address.startswith(ABSOLUTE):
            return match[0]
        path, _, fragment = address.partition("#")
        if not path and fragment in self.references.anchors(self.page):
            return match[0]  # a role wrote it
        page = re.sub(r"\.(md|ipynb)$", "", self.resolve(path))
        if path and page in self.references.titles:
            url = self.references.url(page, fragment)
            if fragment in self.references.targets:
                url = self.address(self.references.targets[fragment])
            return f"[{text or self.references.titles[page]}]({url})"
        target = self.target(address.lstrip("#"))
        return f"[{text or target.text}]({self.address(target)})"

    def picture(self, address: str) -> str:
        """Return the address of a picture in the repository."""
        if address.startswith(ABSOLUTE):
            return address
        return f"{self.source}/{self.resolve(address)}"

    def resolve(self, path: str) -> str:
        """Return a path relative to this page as one from the repository's root."""
        return posixpath.normpath(posixpath.join(posixpath.dirname(self.page), path))

    def address(self, target: Target) -> str:
        """Return the address of a target: in this notebook where it is there, else in the book."""
        if target.page == self.page:
            return f"#{target.anchor}"
        return self.references.url(target.page, target.anchor)

    def target(self, label: str) -> Target:
        """Look a label up."""
        if label not in self.references.targets:
            raise MystError(f"nothing is labelled {label!r}")
        return self.references.targets[label]

    def count(self, kind: str) -> str:
        """Return the next number of this kind, as the book's page has it."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return f"{chapter_prefix(self.page)}{self.counts[kind]}"


def quote(text: str) -> str:
    """Write a quotation; formulas on one line, since plain Jupyter reads `>` within them."""
    one_line = re.sub(
        r"\$\$\n(.*?)\n\$\$", lambda m: "$$" + " ".join(m[1].split()) + "$$", text, flags=re.DOTALL
    )
    lines = (f"> {line}".rstrip() for line in one_line.splitlines())
    return "\n" + "\n".join(lines) + "\n"


def mark(name: str) -> str:
    """Write a place that links lead to (Jupyter looks for its `id`, Colab for its `name`)."""
    return f'\n<a id="{name}" name="{name}"></a>\n' if name else ""


def details(title: str, body: str) -> str:
    """Write something folded; the blank lines make what is inside Markdown again."""
    return f"\n<details>\n<summary><b>{title}</b></summary>\n\n{body.strip()}\n\n</details>\n"


def _finished(text: str) -> str:
    """Return a cell's text, or say what MyST is left in it."""
    for pattern, name in RAW:
        if left := pattern.search(without_code(text)):
            raise MystError(f"{name} is left over: {left[0].strip()!r}")
    return _squeeze(text).strip("\n")


def _explicit(content: str) -> tuple[str, str]:
    match = EXPLICIT.match(content.strip())
    return (match[1], match[2]) if match else ("", content.strip())


def _indent(text: str, indent: str) -> str:
    if not indent:
        return text
    return "\n".join(indent + line if line else line for line in text.splitlines()) + "\n"


def _squeeze(text: str) -> str:
    """Leave one blank line where there are more, except within code."""
    parts = _fenced_parts(text)
    return "".join(p if "```" in p else re.sub(r"\n{3,}", "\n\n", p) for p in parts)


def without_code(text: str) -> str:
    """Return Markdown less its code, fenced or not."""
    kept = [block for block in _fenced_parts(text) if not block.lstrip("> ").startswith("```")]
    return myst.CODE_SPAN.sub("x", "\n".join(kept))  # a span may begin a line


def _fenced_parts(text: str) -> list[str]:
    return re.split(r"(^[> ]*```[^\n]*\n.*?^[> ]*```[ ]*$)", text, flags=re.DOTALL | re.MULTILINE)


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    parts: list[str] = []
    at = 0
    for span in myst.CODE_SPAN.finditer(text):
        parts += [change(text[at : span.start()]), span[0]]
        at = span.end()
    return "".join([*parts, change(text[at:])])
