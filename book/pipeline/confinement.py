"""A submission's own process: no network, no secret, limits of time, memory and files.

Namespaces of Linux confine it: it sees Python and a folder of its own, and nothing else of the
machine; it can change nothing, and all its processes end with it. Where these are not allowed, a
grader is refused unless the lecturer asks for it. What sets this up is `jail`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mmfuse_lib

from .tree import BookError

DRIVER = Path(__file__).with_name("driver.py")
JAIL = Path(__file__).with_name("jail.py")
READY = "confined\n"
LIBRARY = Path(mmfuse_lib.__file__).resolve().parent
#: Where a submission finds the library, and its own folder.
COURSE, WORK = "/mmfuse-course", "/mmfuse-work"
PLACES = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/alternatives", "/etc/fonts",
          "/etc/ld.so.cache", "/etc/localtime")  # fmt: skip
GIB = 2**30
NOBODY = 60_000 + os.getpid() % 5_000  # no system's user: what it uses is counted apart


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Parameters
    ----------
    seconds : float
        From start to end.
    memory : int
        Bytes of address space, for each of its processes.
    output : int
        Bytes of answers, and of any file.
    disk : int
        Bytes of all files.
    processes : int
        Processes and threads at a time.
    """

    seconds: float = 120
    memory: int = 6 * GIB
    output: int = 20_000_000
    disk: int = 256 * 2**20
    processes: int = 64


@cache
def possible() -> bool:
    """Whether this machine can confine a process."""
    if not sys.platform.startswith("linux"):
        return False
    with tempfile.TemporaryDirectory(prefix="grade-") as name:
        try:
            said, _ = _start(Path(name), [sys.executable, "-I", "-c", "print(1)"], Limits(), True)
        except BookError:
            return False
    return said == "1\n"


def run(
    folder: Path, hidden: Sequence[Path], limits: Limits, *, unconfined: bool = False
) -> tuple[str, str]:
    """Run the driver in a folder that holds a submission.

    Parameters
    ----------
    folder : Path
        Where the submission, its request and its inputs are.
    hidden : sequence of Path
        Files and folders that it must not see.
    limits : Limits
        What it may use.
    unconfined : bool
        Run it although this machine cannot confine it. Root still runs it as a user that owns
        nothing.

    Returns
    -------
    str, str
        What the driver wrote, and why it was ended; empty if it ended by itself.

    Raises
    ------
    BookError
        If this machine cannot confine a process, and nobody has asked to go on nevertheless, or if
        something to be hidden lies in a folder that has to be shown.
    """
    if not unconfined:
        if not possible():
            raise BookError(
                "this machine cannot confine a submission (it needs Linux 5.12 or newer, and "
                "user namespaces or root). Grade in a container, or repeat with --unconfined if "
                "you trust every submission"
            )
        for path in hidden:
            for source, _ in _shown()[0]:
                if path.resolve().is_relative_to(Path(source).resolve()):
                    raise BookError(
                        f"{path} cannot be hidden from submissions, which have to see {source}: "
                        "move it elsewhere"
                    )
    shutil.copy(DRIVER, folder / DRIVER.name)
    script = DRIVER.name if unconfined else f"{WORK}/{DRIVER.name}"
    library = str(LIBRARY.parent) if unconfined else COURSE
    command = [sys.executable, "-I", "-B", script, library]
    return _start(folder, command, limits, not unconfined)


def _start(folder: Path, command: list[str], limits: Limits, confined: bool) -> tuple[str, str]:
    """Run a command through `jail`, and return what it wrote and why it was ended."""
    shown, links = _shown() if confined else ([], [])
    files = [path.name for path in folder.iterdir() if path.is_file()]
    work = WORK if confined else str(folder)
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": work, "TMPDIR": work, "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
    }  # fmt: skip
    if "SYSTEMROOT" in os.environ:  # without it Windows starts nothing
        environment["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    settings = {
        "namespaces": confined, "folder": str(folder), "files": files, "root": str(folder / "root"),
        "work": work, "shown": shown, "links": links, "disk": limits.disk,
        "nobody": NOBODY, "ready": READY, "command": command, "environment": environment,
        "limits": {
            "RLIMIT_CPU": int(limits.seconds) + 1, "RLIMIT_AS": limits.memory,
            "RLIMIT_FSIZE": limits.output, "RLIMIT_CORE": 0, "RLIMIT_NPROC": limits.processes,
        },
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="grade-") as name:  # the submission cannot come here
        own = Path(name)
        (own / "settings").write_text(json.dumps(settings), "utf8")
        (folder / "root").mkdir()
        if not sys.platform.startswith("linux"):
            wrapped = command
        else:
            wrapped = [sys.executable, "-I", "-S", str(JAIL), str(own / "settings")]
        with (own / "out").open("wb") as out, (own / "err").open("wb") as err:
            process = subprocess.Popen(
                wrapped, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                stdout=out, stderr=err, start_new_session=True,
            )  # fmt: skip
            try:
                process.wait(timeout=limits.seconds)
                why = "" if process.returncode == 0 else "it ended before all was answered"
            except subprocess.TimeoutExpired:
                why = f"it ran longer than {limits.seconds:g} seconds"
            finally:
                _end(process, confined=confined)
        with (own / "out").open("rb") as written:
            said = written.read(limits.output).decode("utf8", "replace")
        if wrapped is command:
            return said, why
        if not said.startswith(READY):
            fault = (own / "err").read_text("utf8", "replace").strip().rpartition("\n")[2]
            raise BookError(f"a submission could not be started: {fault or why}")
        return said.removeprefix(READY), why


def _end(process: subprocess.Popen[bytes], *, confined: bool) -> None:
    """End a submission and whatever it has left running."""
    if not sys.platform.startswith("linux"):
        process.kill()
        process.wait()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if not confined and os.geteuid() == 0:
        sweep = f"import os; os.setresuid(*[{NOBODY}] * 3); os.kill(-1, 9)"
        subprocess.run([sys.executable, "-I", "-S", "-c", sweep], check=False, capture_output=True)


@cache
def _shown() -> tuple[list[tuple[str, str]], list[str]]:
    """Return what a submission may read, by its place and the place it appears at, and links."""
    links = [place for place in PLACES if os.path.islink(place)]
    shown = [(str(LIBRARY), f"{COURSE}/{LIBRARY.name}")]
    program = Path(sys.executable)
    while program.is_symlink():  # from the environment to the Python that it was made of
        target = Path(os.path.normpath(program.parent / os.readlink(program)))
        if not program.is_relative_to(sys.prefix):
            links.append(str(program))
        program = target
    wanted = {*PLACES, sys.prefix, sys.base_prefix, os.path.realpath(sys.prefix),
              os.path.realpath(sys.base_prefix)}  # fmt: skip
    for place in sorted(wanted - set(links)):
        inside = any(Path(place).is_relative_to(known) for known, _ in shown)
        if os.path.exists(place) and not inside:
            shown.append((place, place))
    known = [source for source, _ in shown]
    return shown, [link for link in links if not any(Path(link).is_relative_to(k) for k in known)]
