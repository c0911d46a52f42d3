"""The GPU run: tests, benchmarks and the GPU lab on a CUDA device, and files of what was measured.

A run that was interrupted goes on where it stopped: steps that are done are noted in
``build/gpu/done.json``, and the lab's study keeps its finished cells and its checkpoints beside
it. It takes the Python it is started with, and makes no environment.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import execution, machine
from .profiles import named_chapters
from .tree import BookError, Tree, write_atomic

PROFILE = "gpu"

#: Benchmarks that measure on a GPU, in their order; each writes its own file to reproduce/gpu.
BENCHMARKS = ("training", "i2moe")

#: Studies that a chapter leaves in build/gpu; each becomes a file of results in reproduce/gpu.
STUDIES = ("lab",)

#: In build/gpu: the steps that are done.
DONE = "done.json"


def run(tree: Tree, device: str) -> Path:
    """Run tests marked `gpu`, benchmarks, and the chapters that the profile `gpu` names.

    Parameters
    ----------
    tree : Tree
        The repository.
    device : str
        Name of the GPU, for the report.

    Returns
    -------
    Path
        The report, in reproduce/gpu.
    """
    folder = tree.build / "gpu"
    done = _Done(folder / DONE)
    if not done.steps:  # a new run: what an earlier one measured does not count
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(tree.state(PROFILE), ignore_errors=True)
    tests = [sys.executable, "-m", "pytest", "-m", "gpu", "tests"]
    done.call("tests", tests, tree, "tests on the GPU failed (see above)")
    for name in BENCHMARKS:
        command = [sys.executable, "-m", f"benchmarks.{name}", "cuda"]
        failed = f"the benchmark {name} failed on the GPU (see above)"
        done.call(f"benchmark {name}", command, tree, failed)
    outcomes = []
    for stem in named_chapters(tree, PROFILE):  # side by side they would measure each other
        outcomes += execution.execute(tree, PROFILE, only=stem)
    if failures := [outcome.error for outcome in outcomes if outcome.error]:
        raise BookError("\n\n".join(failures))
    for name in STUDIES:
        _save_results(folder / name, tree.reproduce / "gpu" / f"{name}.json")
    report = {
        "gpu": device,
        "cuda": machine.cuda(),
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": machine.hardware(),
        "versions": machine.versions(),
        "seconds": done.steps | {f"chapter {o.stem}": o.seconds for o in outcomes},
        "headline": {o.stem: o.headline for o in outcomes if o.headline},
    }
    path = tree.reproduce / "gpu" / f"{slug(device)}.json"
    write_atomic(path, json.dumps(report, indent=2, sort_keys=True) + "\n")
    done.forget()
    return path


class _Done:
    """The steps of a run that are done, and the seconds that each took."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.steps: dict[str, float] = {}
        if path.exists():
            self.steps = json.loads(path.read_text("utf8"))

    def call(self, step: str, command: list[str], tree: Tree, failed: str) -> None:
        """Run a command at the root of the repository, unless it is done."""
        if step in self.steps:
            return
        started = time.perf_counter()
        if subprocess.run(command, cwd=tree.root, check=False).returncode != 0:
            raise BookError(failed)
        self.steps[step] = round(time.perf_counter() - started, 1)
        write_atomic(self.path, json.dumps(self.steps))

    def forget(self) -> None:
        """Let the next call be a new run."""
        self.path.unlink(missing_ok=True)


def _save_results(folder: Path, path: Path) -> None:
    """Write the results of a study, if a chapter ran one."""
    if not (folder / "study.json").exists():
        return
    from mmfuse_lib import study

    results: Any = study.gather(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    results.save(path)


def slug(device: str) -> str:
    """Turn a device's name into a file name."""
    return re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")
