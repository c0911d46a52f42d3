"""What the benchmarks share: calls timed in turns, and the file that a comparison goes to."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmfuse_lib.core.provenance import provenance

REPRODUCE = Path(__file__).parents[1] / "reproduce"


def seconds(run: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Return the wall time of a call, and what it returned."""
    start = time.perf_counter()
    result = run(*arguments)
    return time.perf_counter() - start, result


def in_turns(
    ways: Mapping[str, Callable[[], Any]],
    turns: int,
    *,
    warmup: int = 1,
    time_of: Callable[[Callable[[], Any]], float] = lambda run: seconds(run)[0],
) -> dict[str, list[float]]:
    """Return the times of each way, which take turns; those of the first turns are dropped."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(warmup + turns):
        for name, run in ways.items():
            took = time_of(run)
            if turn >= warmup:
                times[name].append(took)
    return times


def write(file: str, module: str, content: Mapping[str, Any], *arguments: str, **of: Any) -> None:
    """Write what a benchmark found, and what it was made by, to a file in ``reproduce/``."""
    command = " ".join([f"python -m benchmarks.{module}", *arguments])
    made = provenance([f"benchmarks.{module}"], command=command, **of)
    path = REPRODUCE / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**made, **content}, indent=1) + "\n", encoding="utf-8")
