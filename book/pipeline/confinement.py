"""A submission's own process: no network, no secret, limits of time, memory and files.

Namespaces of Linux confine it: no network, a process tree of its own that ends with it, and folders
that it must not see covered by empty ones. Where these are not allowed, a grader is refused unless
the lecturer asks for it.
"""

from __future__ import annotations

import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .tree import BookError

DRIVER = Path(__file__).with_name("driver.py")
NAMESPACES = (
    "--user", "--map-root-user", "--net", "--mount", "--pid", "--mount-proc", "--fork",
    "--kill-child",
)  # fmt: skip
GIB = 2**30


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Parameters
    ----------
    seconds : float
        From start to end.
    memory : int
        Bytes of address space.
    output : int
        Bytes of answers, and of any file.
    """

    seconds: float = 120
    memory: int = 6 * GIB
    output: int = 20_000_000


@cache
def possible() -> bool:
    """Whether this machine can confine a process."""
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", *NAMESPACES, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def run(
    folder: Path, hidden: Sequence[Path], limits: Limits, *, unconfined: bool = False
) -> tuple[str, str]:
    """Run the driver in a folder that holds a submission.

    Parameters
    ----------
    folder : Path
        Where the submission, its request and its inputs are; it may write there.
    hidden : sequence of Path
        Folders that it must not see.
    limits : Limits
        What it may use.
    unconfined : bool
        Run it although this machine cannot confine it.

    Returns
    -------
    str, str
        What the driver wrote, and why it was ended; empty if it ended by itself.

    Raises
    ------
    BookError
        If this machine cannot confine a process, and nobody has asked to go on nevertheless.
    """
    python = [sys.executable, "-I", "-B", str(folder / DRIVER.name)]
    command = python
    if not unconfined:
        if not possible():
            raise BookError(
                "this machine cannot confine a submission (it needs Linux and `unshare`). Grade in "
                "a container, or repeat with --unconfined if you trust every submission"
            )
        covers = [f"mount -t tmpfs tmpfs {shlex.quote(str(path))}" for path in hidden]
        script = " && ".join([*covers, f"exec {shlex.join(python)}"])
        command = ["unshare", *NAMESPACES, "sh", "-c", script]
    needed = (folder.resolve(), Path(sys.prefix), Path(sys.base_prefix), DRIVER)
    for path in hidden:
        if any(place.is_relative_to(path) for place in needed):
            raise BookError(
                f"{path} cannot be hidden from submissions: keep the secret, and them, "
                "in a folder apart from everything else"
            )
    shutil.copy(DRIVER, folder / DRIVER.name)
    environment = {
        "PATH": os.environ.get("PATH", ""), "HOME": str(folder), "TMPDIR": str(folder),
        "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
    }  # fmt: skip
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=_limit(limits),
        )  # fmt: skip
        try:
            process.wait(timeout=limits.seconds)
            why = "" if process.returncode == 0 else f"it ended with status {process.returncode}"
        except subprocess.TimeoutExpired:
            why = f"it ran longer than {limits.seconds:g} seconds"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    with (folder / "out").open("rb") as written:
        return written.read(limits.output).decode("utf8", "replace"), why


def _limit(limits: Limits) -> Callable[[], None]:
    """Return what sets the limits, in the new process."""

    def apply() -> None:
        seconds = int(limits.seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
        resource.setrlimit(resource.RLIMIT_FSIZE, (limits.output, limits.output))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    return apply
