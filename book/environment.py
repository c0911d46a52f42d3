"""The environment that the targets run in: one that is there already, or one of their own.

Only the standard library is imported, since this runs before anything is installed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
import sysconfig
import tomllib
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

#: The extras that every target together needs.
EXTRAS = ("book", "test")
#: The value of VENV that asks for the Python that runs, whatever is installed in it.
SYSTEM = "system"
#: The environment that is made where none is named and none is there.
OWN = ".venv"


class NoEnvironmentError(Exception):
    """There is no environment to work in; the text says what to do."""


def choose(root: Path, venv: str, extras: Sequence[str] = EXTRAS) -> Path | None:
    """Return the folder of the environment to use, or None for the Python that runs this.

    Parameters
    ----------
    root : Path
        The repository.
    venv : str
        The folder that was asked for, ``"system"`` for the Python that runs, or nothing. Then it
        is the Python that runs where this repository is installed in it with all its tools, as
        `environment.yml` does for conda; else `.venv`; and where Python cannot make environments,
        as on Colab, the Python that runs.
    extras : sequence of str
        Which tools are needed.

    Raises
    ------
    NoEnvironmentError
        If Python can make no environment, and its packages are the system's.
    """
    if venv == SYSTEM:
        return None
    if venv:
        return root / venv
    own = root / OWN
    if not (running_in(own) and stamp(own).exists()) and not lacking(root, extras):
        return None
    if interpreter(own).exists() or can_make():
        return own
    if externally_managed():
        raise NoEnvironmentError(
            f"{sys.executable} can make no environment (it has no ensurepip): install it, on "
            "Debian and Ubuntu with `apt install python3-venv`, or use another Python"
        )
    return None


def interpreter(folder: Path, system: str = os.name) -> Path:
    """Return the path of the Python in an environment; ``system`` is ``"nt"`` on Windows."""
    return folder / ("Scripts/python.exe" if system == "nt" else "bin/python")


def stamp(folder: Path) -> Path:
    """Return the file that says when everything was installed into an environment."""
    return folder / ".installed"


def is_current(folder: Path, sources: Sequence[Path]) -> bool:
    """Say whether an environment was installed after the files that say what belongs in it."""
    done = stamp(folder)
    return done.exists() and all(done.stat().st_mtime >= p.stat().st_mtime for p in sources)


def running_in(folder: Path) -> bool:
    """Say whether the Python that runs is that of an environment."""
    return Path(sys.prefix).resolve() == folder.resolve()


def can_make() -> bool:
    """Say whether the Python that runs can make environments: on Colab it cannot."""
    return all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))


def externally_managed() -> bool:
    """Say whether the packages of the Python that runs are the operating system's (PEP 668)."""
    return (Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED").exists()


def lacking(root: Path, extras: Sequence[str] = EXTRAS) -> list[str]:
    """List what the Python that runs lacks of the project: nothing, and it can be used.

    Parameters
    ----------
    root : Path
        The repository. It has to be installed from there, in place (``pip install -e``): else
        chapters would run with another version of the library than the one they belong to.
    extras : sequence of str
        Which extras of `pyproject.toml` are needed besides the library's own dependencies.
    """
    facts = tomllib.loads((root / "pyproject.toml").read_text("utf8"))["project"]
    name = facts["name"]
    if not any(_is_at(found, root) for found in metadata.distributions(name=name)):
        return [f"{name} from this folder"]
    needed = list(facts.get("dependencies", []))
    due = list(extras)
    while due:
        for line in facts["optional-dependencies"][due.pop()]:
            inner = re.fullmatch(rf"{name}\[(.+)\]", line)
            if inner:  # an extra that contains others
                due += inner[1].split(",")
            else:
                needed.append(line)
    names = [re.match(r"[\w.-]+", line) for line in needed]
    return [match[0] for match in names if match and not _is_installed(match[0])]


def _is_installed(name: str) -> bool:
    return next(iter(metadata.distributions(name=name)), None) is not None


def _is_at(found: metadata.Distribution, root: Path) -> bool:
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    place = urlparse(origin.get("url", ""))
    return (
        place.scheme == "file"
        and bool(origin.get("dir_info", {}).get("editable"))
        and Path(url2pathname(place.path)).resolve() == root.resolve()
    )
