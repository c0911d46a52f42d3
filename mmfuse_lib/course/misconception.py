"""Misconceptions: what students say, what it amounts to, and a question that helps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType

import yaml

from mmfuse_lib.core.errors import DataError

FILE = Path(__file__).with_name("misconceptions.yml")


@dataclass(frozen=True)
class Misconception:
    """Something that many believe before they know better.

    Parameters
    ----------
    id : str
        A short name, such as ``"equal-amounts"``.
    chapter : int
        The chapter that deals with it.
    says : str
        What a student says.
    computes : str
        What that amounts to.
    question : str
        A question that helps, and does not answer itself.
    """

    id: str
    chapter: int
    says: str
    computes: str
    question: str


@cache
def misconceptions() -> Mapping[str, Misconception]:
    """Return the misconceptions that the book knows, by id.

    Examples
    --------
    >>> from mmfuse_lib.course import misconceptions
    >>> misconceptions()["nats-for-bits"].chapter
    2
    """
    return MappingProxyType(read(FILE))


def read(path: Path) -> dict[str, Misconception]:
    """Read a file of misconceptions.

    Raises
    ------
    DataError
        If an entry lacks something or has something more, or an id occurs twice.
    """
    expected = {field.name for field in fields(Misconception)}
    found: dict[str, Misconception] = {}
    for entry in yaml.safe_load(path.read_text("utf8")):
        if set(entry) != expected:
            wrong = ", ".join(sorted(set(entry) ^ expected))
            raise DataError(f"{path.name}: {entry.get('id', entry)}: missing or unknown: {wrong}")
        if entry["id"] in found:
            raise DataError(f"{path.name}: there are two misconceptions {entry['id']!r}")
        found[entry["id"]] = Misconception(**entry)
    return found
