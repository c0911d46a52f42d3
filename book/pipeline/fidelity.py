"""The page *Ours against the authors' code*: tables and lists made from the library itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from .tree import BookError

#: A hyphen at which no line ends.
NO_BREAK = "\N{NON-BREAKING HYPHEN}"

#: The line in a docstring below which the list stands.
HEADING = "**What differs from the paper and its code**"


def fill(text: str) -> str:
    """Put the tables and lists into the text of the page, in place of its marks.

    Raises
    ------
    BookError
        If a mark is missing.
    """
    for name, write in WRITERS.items():
        mark = f"<!-- {name}: written by `make book` -->"
        if mark not in text:
            raise BookError(f"book/fidelity.md has lost its line {mark}")
        text = text.replace(mark, write())
    return text


def parts_table() -> str:
    """Return the table of differences, a row a part."""
    from tests.fidelity.parts import PARTS, REPOSITORIES

    rows = []
    for part in (compare() for compare in PARTS):
        repository, commit = REPOSITORIES[part.paper]
        file, _, lines = part.lines.partition(", ")
        address = f"https://github.com/{repository}/blob/{commit}/{file}"
        rows.append(
            (part.paper.replace("-", NO_BREAK), part.name,
             _within(part.value, part.value_limit), _within(part.gradient, part.gradient_limit),
             str(part.cases), f"[{PurePosixPath(file).stem}]({address}), {lines}")
        )  # fmt: skip
    head = ("", "part", "value differs by (limit)", "gradient differs by (limit)",
            "cases", "authors' code, lines")  # fmt: skip
    return _table(head, rows)


def differences_list() -> str:
    """Return the list of deliberate differences."""
    from tests.fidelity.parts import DIFFERENCES

    items = []
    for found in (compare() for compare in DIFFERENCES):
        option = (
            f"`{found.option}` gives theirs" if found.option else "There is no option for theirs"
        )
        if found.with_option is not None:
            option += f", to within {_number(found.with_option)}"
        why = found.why[0].upper() + found.why[1:]
        items.append(
            f"* **{found.paper}, {found.name}.** Theirs: {found.theirs}. Ours: {found.ours}. "
            f"{why}. {option}."
        )
    return "\n".join(items)


def lists() -> str:
    """Return the lists of differences that the docstrings hold, a section a method."""
    from mmfuse_lib import methods
    from mmfuse_lib.information.estimators import batch_pid, cluster_pid, lsmi_pid

    documented: dict[str, Callable[..., object]] = {
        "DI-MML": methods.DIMML, "DMIL": methods.DMIL, "I2MoE": methods.I2MoE,
        "LSMI": lsmi_pid, "BATCH": batch_pid, "CVX (cluster and count)": cluster_pid,
        "OGM-GE": methods.OGMGE, "MLA": methods.MLA, "CLIP": methods.Contrastive,
    }  # fmt: skip
    return "\n\n".join(
        f"### {name}\n\n```{{eval-rst}}\n{list_of(owner)}\n```"
        for name, owner in documented.items()
    )


def list_of(owner: Callable[..., object]) -> str:
    """Return the list in a docstring, as reStructuredText.

    Raises
    ------
    BookError
        If there is none.
    """
    text = inspect.getdoc(owner) or ""
    _, found, rest = text.partition(HEADING)
    items = re.match(r"\n+((?:\* .*\n?|  .*\n?|\n(?=\* ))+)", rest)
    if not found or items is None:
        raise BookError(f"the docstring of {owner.__name__} has no list under {HEADING}")
    return items.group(1).rstrip()


def _within(value: float | None, limit: float | None) -> str:
    return "" if value is None else f"{_number(value)} ({_number(limit)})"


def _number(value: float | None) -> str:
    """Return a number with its power of ten, on one line."""
    return "" if value is None else "0" if value == 0 else f"{value:.0e}".replace("-", NO_BREAK)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *map(list, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


WRITERS: dict[str, Callable[[], str]] = {
    "parts": parts_table, "differences": differences_list, "lists": lists
}  # fmt: skip
