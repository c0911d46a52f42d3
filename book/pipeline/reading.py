"""Reading times, counted from what a chapter says: words, formulas, figures, code.

A section that opens with ``*Deeper: who needs it.*`` can be skipped on a first reading, and so can
what is folded and the check of the claims: they count for the whole chapter, not for its essential
path. Exercises, their solutions, quizzes and the list of further reading are counted for neither.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from nbformat import NotebookNode

from . import myst
from .tree import BookError

WORDS_PER_MINUTE = 180
CODE_LINES_PER_MINUTE = 30
MINUTES_PER_FORMULA = 0.5
MINUTES_PER_FIGURE = 0.5
ROUNDED_TO = 5

DEEPER = re.compile(r"\*Deeper: ")
HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*")
UNCOUNTED = ("Exercises", "Further reading")
OPTIONAL = ("What this chapter claims",)
FIGURES = ("figure", "image")
FOLDED = ("dropdown", "hint")
HIDDEN = {"hide-cell", "hide-input", "remove-cell", "remove-input", "headline", "install"}
DRAWS = "plots.interactive"
INLINE = re.compile(r"\$[^$]+\$")  # a formula in a line is read as a word
WORD = re.compile(r"\w[\w'.,-]*")


@dataclass
class Reading:
    """Counts the minutes of one chapter, cell after cell.

    Parameters
    ----------
    everything : float
        Minutes for all but exercises and further reading.
    essential : float
        Minutes less what can be skipped on a first reading.
    """

    everything: float = 0.0
    essential: float = 0.0
    _open: list[tuple[int, bool, bool]] = field(default_factory=list)  # level, deeper, counted
    _waiting: bool = False  # a heading whose first paragraph has not come yet
    _gate: bool = False  # within an exercise or a solution that holds code

    def fields(self) -> dict[str, str]:
        """Return what ``{{ essential }}`` and ``{{ reading }}`` stand for."""
        return {"essential": rounded(self.essential), "reading": rounded(self.everything)}

    def cell(self, cell: NotebookNode) -> None:
        """Count one cell."""
        if cell.cell_type == "markdown":
            self._blocks(cell.source, folded=False)
            return
        hidden = bool(HIDDEN & set(cell.metadata.get("tags", [])))
        if not hidden:
            lines = [line for line in cell.source.splitlines() if line.strip()]
            self._add(len(lines) / CODE_LINES_PER_MINUTE, folded=False)
        if figure := myst.drawn_figure(cell):
            self._words(figure.body, folded=False)
        if figure or DRAWS in cell.source or cell.metadata.get("mystnb", {}).get("image"):
            self._add(MINUTES_PER_FIGURE, folded=False)

    def _blocks(self, source: str, *, folded: bool) -> None:
        for block in myst.parse(source):
            if isinstance(block, myst.Text):
                for line in block.text.splitlines():
                    self._line(line, folded=folded)
            elif isinstance(block, myst.Math):
                self._add(MINUTES_PER_FORMULA, folded=folded)
            elif isinstance(block, myst.Code):
                lines = block.text.count("\n") - 1
                self._add(lines / CODE_LINES_PER_MINUTE, folded=folded)
            elif isinstance(block, myst.Directive):
                self._directive(block, folded=folded)

    def _directive(self, block: myst.Directive, *, folded: bool) -> None:
        name = block.name
        if name in ("exercise-start", "solution-start", "exercise-end", "solution-end"):
            self._gate = name.endswith("start")
        elif name in ("exercise", "solution", "quiz"):
            pass
        elif name == "math":
            self._add(MINUTES_PER_FORMULA, folded=folded)
        else:
            classes = block.options.get("class", "").split()
            folded = folded or name == "dropdown" or any(c in FOLDED for c in classes)
            if name in FIGURES:
                self._add(MINUTES_PER_FIGURE, folded=folded)
            else:
                self._words(block.argument, folded=folded)
            self._blocks(block.body, folded=folded)

    def _line(self, line: str, *, folded: bool) -> None:
        if heading := HEADING.fullmatch(line):
            self._enter(len(heading[1]), heading[2])
        elif line.strip() and self._waiting:
            self._waiting = False
            if DEEPER.match(line.strip()):
                level, _, counted = self._open.pop()
                self._open.append((level, True, counted))
        self._words(line.lstrip("#"), folded=folded)

    def _enter(self, level: int, title: str) -> None:
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        counted = title not in UNCOUNTED
        self._open.append((level, title in OPTIONAL, counted))
        self._waiting = True

    def _words(self, text: str, *, folded: bool) -> None:
        words = WORD.findall(INLINE.sub(" x ", myst.replace_roles(text, _shown)))
        self._add(len(words) / WORDS_PER_MINUTE, folded=folded)

    def _add(self, minutes: float, *, folded: bool) -> None:
        if self._gate or not all(counted for _, _, counted in self._open):
            return
        self.everything += minutes
        if not folded and not any(deeper for _, deeper, _ in self._open):
            self.essential += minutes


def measure(notebook: NotebookNode, stem: str) -> Reading:
    """Count how long a chapter takes to read.

    Parameters
    ----------
    notebook : NotebookNode
        The chapter, executed or not; outputs are not counted.
    stem : str
        The chapter's name, for the error that says which cell is not understood.

    Returns
    -------
    Reading
        Minutes for everything and for the essential path.
    """
    found = Reading()
    for cell in notebook.cells:
        try:
            found.cell(cell)
        except myst.MystError as error:
            raise BookError(f"{stem}: cell {cell['id']}: {error}") from None
    return found


def rounded(minutes: float) -> str:
    """Return minutes as they are printed: a multiple of five, and never none."""
    return str(ROUNDED_TO * max(1, round(minutes / ROUNDED_TO)))


def _shown(name: str, content: str) -> str:
    """Return what a reader sees of a role: a word for a formula or a reference."""
    return "x" if name in ("math", "eq", "numref", "ref", "prf:ref") else content
