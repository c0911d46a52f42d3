"""The notebooks that JupyterLab opens: a reader's own copies, which git does not see."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

#: In the folder of the copies: the digest of what each was copied from.
RECORD = ".copied.json"


def copy_notebooks(source: Path, target: Path) -> list[str]:
    """Copy the book's notebooks to where a reader works on them; never overwrite a reader's work.

    A copy that was not changed follows the book's notebook; one that was changed stays.

    Parameters
    ----------
    source, target : Path
        The folder of the book's notebooks, and that of the copies.

    Returns
    -------
    list of str
        The notebooks of which the book has a newer version than the reader's changed copy.
    """
    target.mkdir(parents=True, exist_ok=True)
    record = target / RECORD
    copied = json.loads(record.read_text("utf8")) if record.exists() else {}
    kept = []
    for notebook in sorted(source.glob("*.ipynb")):
        copy = target / notebook.name
        if not copy.exists() or _digest(copy) == copied.get(copy.name):
            shutil.copyfile(notebook, copy)
            copied[copy.name] = _digest(notebook)
        elif copied.get(copy.name) != _digest(notebook):
            kept.append(copy.name)
    record.write_text(json.dumps(copied, indent=1) + "\n", "utf8")
    return kept


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
