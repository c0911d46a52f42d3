"""Print what the changelog says of a release, once everything agrees on which release it is.

Usage: python .ci/release_notes.py v0.1.0
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

FILES = ("mmfuse_lib/__init__.py", "CITATION.cff", "CHANGELOG.md")


def release_notes(tag: str, texts: dict[str, str]) -> str:
    """Return the section of the changelog for a tag.

    Parameters
    ----------
    tag : str
        Such as ``"v0.1.0"``.
    texts : dict of str to str
        What is in each of `FILES`.

    Raises
    ------
    ValueError
        If the tag, the package, the citation and the changelog name different versions or dates.
    """
    package, citation, changelog = (texts[name] for name in FILES)
    if not re.fullmatch(r"v\d+\.\d+\.\d+", tag):
        raise ValueError(f"the tag is {tag!r}: expected v and three numbers, such as v0.1.0")
    version = tag[1:]
    section = re.search(
        rf"^## \[{re.escape(version)}\] - (\S+)\n(.*?)(?=^## \[|\Z)", changelog, re.M | re.S
    )
    if section is None:
        raise ValueError(f"CHANGELOG.md has no heading '## [{version}] - DATE'")
    named = {
        "mmfuse_lib.__version__": (r'^__version__ = "(.+)"$', package, version),
        "version in CITATION.cff": (r"^version: (\S+)$", citation, version),
        "date-released in CITATION.cff": (r"^date-released: (\S+)$", citation, section.group(1)),
    }
    for what, (pattern, text, expected) in named.items():
        found = re.search(pattern, text, re.M)
        if found is None or found.group(1).strip("'\"") != expected:
            said = "missing" if found is None else found.group(1)
            raise ValueError(f"{what} is {said}: expected {expected}")
    return section.group(2).strip() + "\n"


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[1]
    try:
        notes = release_notes(
            sys.argv[1], {name: (root / name).read_text("utf8") for name in FILES}
        )
    except ValueError as error:
        sys.exit(f"this is no release: {error}")
    sys.stdout.write(notes)
