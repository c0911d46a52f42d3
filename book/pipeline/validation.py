"""Validation: run executed notebooks again with nbval and compare every output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from .execution import kernel_environment, plan
from .fingerprint import sha256
from .tree import BookError, Tree, write_atomic

# Not the settings of the unit tests: their `filterwarnings = error` is not meant for nbval.
OPTIONS = [
    *("-p", "no:cacheprovider", "--nbval", "--nbval-cell-timeout", "300"),
    *("-n", "2", "--dist", "loadscope", "-q"),
    *("-p", "no:randomly"),  # where that plugin is installed it would shuffle the cells
]


def validate(tree: Tree, profile: str, *, force: bool = False) -> list[str]:
    """Check that a second run of each executed notebook gives the outputs it holds.

    Parameters
    ----------
    tree : Tree
        The repository.
    profile : str
        Which executed notebooks.
    force : bool
        Check notebooks that passed before and have not changed since, too.

    Returns
    -------
    list of str
        Names of the chapters that were run again.
    """
    folder = tree.executed(profile)
    notebooks = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not notebooks:
        raise BookError(f"nothing executed in {folder}; run `execute` first")
    record = tree.build / "state" / f"{profile}-validated.json"
    passed = {} if force or not record.exists() else json.loads(record.read_text("utf8"))
    chapters = {job.stem: job.key for job in plan(tree, profile)}
    keys = {p.stem: sha256(chapters.get(p.stem, "") + sha256(p.read_bytes())) for p in notebooks}
    due = [path for path in notebooks if passed.get(path.stem) != keys[path.stem]]
    if due and _nbval(tree, due) != 0:
        raise BookError(
            "a second run gave other outputs than the notebook holds (see above): a chapter is "
            "not deterministic, or an output was edited.\n"
            f"To execute afresh: python -m book.build execute --profile {profile} --force"
        )
    write_atomic(record, json.dumps(keys, indent=1) + "\n")
    return [path.stem for path in due]


def _nbval(tree: Tree, notebooks: list[Path]) -> int:
    sanitize = tree.root / "tests" / "nbval_sanitize.cfg"
    settings = tree.build / "nbval.ini"
    write_atomic(settings, "[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-c", str(settings), *OPTIONS]
    command += [f"--rootdir={tree.root}"]
    command += ["--nbval-sanitize-with", str(sanitize), *map(str, notebooks)]
    environment = os.environ | kernel_environment(tree)
    return subprocess.run(command, env=environment, cwd=tree.root, check=False).returncode
