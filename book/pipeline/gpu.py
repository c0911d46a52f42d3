"""The GPU run: tests, benchmarks and chapters on a CUDA device, and files of what was measured."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from . import execution, machine
from .tree import BookError, Tree, write_atomic

PROFILE = "gpu"

#: Benchmarks that measure on a GPU; each writes its own file to reproduce/gpu.
BENCHMARKS = ("i2moe",)


def run(tree: Tree, device: str) -> Path:
    """Run tests marked `gpu`, benchmarks, and chapters with profile `gpu`; return the report.

    Parameters
    ----------
    tree : Tree
        The repository.
    device : str
        Name of the GPU, for the report.
    """
    started = time.perf_counter()
    tests = [sys.executable, "-m", "pytest", "-m", "gpu", "tests"]
    if subprocess.run(tests, cwd=tree.root, check=False).returncode != 0:
        raise BookError("tests on the GPU failed (see above)")
    tested = time.perf_counter()
    for benchmark in BENCHMARKS:
        command = [sys.executable, "-m", f"benchmarks.{benchmark}", "cuda"]
        if subprocess.run(command, cwd=tree.root, check=False).returncode != 0:
            raise BookError(f"the benchmark {benchmark} failed on the GPU (see above)")
    measured = time.perf_counter()
    outcomes = execution.execute(tree, PROFILE, force=True)
    if failures := [outcome.error for outcome in outcomes if outcome.error]:
        raise BookError("\n\n".join(failures))
    report = {
        "gpu": device,
        "cuda": machine.cuda(),
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": machine.hardware(),
        "versions": machine.versions(),
        "seconds": {
            "tests": round(tested - started, 1),
            "benchmarks": round(measured - tested, 1),
            "chapters": {outcome.stem: outcome.seconds for outcome in outcomes},
            "total": round(time.perf_counter() - started, 1),
        },
        "headline": {o.stem: o.headline for o in outcomes if o.headline},
    }
    path = tree.reproduce / "gpu" / f"{slug(device)}.json"
    write_atomic(path, json.dumps(report, indent=2, sort_keys=True) + "\n")
    return path


def slug(device: str) -> str:
    """Turn a device's name into a file name."""
    return re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")
