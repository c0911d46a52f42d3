"""Each notebook as a reader meets it: alone in an empty folder, with the versions of Colab.

The kernel belongs to an environment in which only the built library is installed, under the
versions that Colab publishes. Nothing of the repository is in its sight. A notebook passes if it
runs to its end, shows whatever the book shows, and says nothing more on standard error than the
book does, but for its progress bars.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import nbclient
import nbformat
from nbformat import NotebookNode
from packaging.utils import canonicalize_name

from . import chapters
from .execution import ANSI
from .tree import BookError, Tree, write_atomic

#: What a notebook service ships: written by `book/pipeline/colab_versions.py`.
VERSIONS = Path(__file__).with_name("colab-versions.txt")
ROOT = Path(__file__).resolve().parents[2]
KERNEL = "alone"
PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check")
WIDGET = "application/vnd.jupyter.widget-view+json"
SECONDS = 600
#: A notebook shows one bar for a loop; more than this, and somebody has to scroll.
MOST_BARS = 12
BAR = re.compile(r"[^\n]*\d+%\|[^\n]*|[^\n]*\d+it \[[^\n]*")
#: What a kernel must not inherit, since no reader has it.
OURS = ("PYTHONPATH", "MMFUSE_DATA_DIR", "TQDM_DISABLE", "VIRTUAL_ENV", "MPLBACKEND")
SETTINGS = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS")}
SETTINGS["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # the debugger has nothing to say
#: No notebook downloads unless its reader asks for it: here nobody answers.
SETTINGS |= dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")


def run(tree: Tree, profile: str, python: str, say: Callable[[str], None]) -> None:
    """Execute every notebook alone, and compare what it shows with the executed book.

    What a reader would see is kept in ``build/alone``.

    Parameters
    ----------
    tree : Tree
        The repository; its chapters are executed with `profile`, its notebooks written.
    profile : str
        Which executed chapters to compare with.
    python : str
        The interpreter that the environment is made with.
    say : callable
        Takes a line of progress.

    Raises
    ------
    BookError
        If a notebook fails, shows less than the book, or warns; names chapter and cell. If one
        changes what is installed.
    """
    notebooks = sorted(tree.notebooks.glob("*.ipynb"))
    if missing := [p.stem for p in notebooks if not (tree.executed(profile) / p.name).exists()]:
        raise BookError(f"not executed: {', '.join(missing)}; run `execute` first")
    started = time.perf_counter()
    kernel = make_environment(tree, python)
    installed = _call(kernel, *PIP, "freeze")
    say(f"{time.perf_counter() - started:7.1f} s  an environment with the versions of Colab")
    problems: list[str] = []
    with (
        tempfile.TemporaryDirectory() as place,
        _kernel(Path(place), kernel),
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        outcomes = pool.map(lambda path: execute(path, Path(place)), notebooks)
        for path, (seconds, error, notebook) in zip(notebooks, outcomes, strict=True):
            write_atomic(tree.build / "alone" / path.name, chapters.dumps(notebook))
            book = nbformat.read(tree.executed(profile) / path.name, as_version=4)
            found = [error] if error else differences(book, notebook)
            problems += [f"{path.stem}: {problem}" for problem in found]
            say(f"{seconds:7.1f} s  {'FAILED' if found else 'whole'}  {path.stem}")
    if (after := _call(kernel, *PIP, "freeze")) != installed:
        problems.append(f"the notebooks changed what is installed, from\n{installed}to\n{after}")
    if problems:
        raise BookError("\n\n".join(problems))


def make_environment(tree: Tree, python: str) -> Path:
    """Build the library, install it under the versions of Colab, return the environment's Python.

    pip fails where the library and a version of Colab's cannot be had together.
    """
    place = tree.build / "alone"
    wheels = place / "wheels"
    # A module that was removed since the last wheel was built still lies in `lib`.
    for folder in (place, tree.build / "lib"):
        shutil.rmtree(folder, ignore_errors=True)
    _call(sys.executable, *PIP, "wheel", "--no-deps", "--wheel-dir", wheels, tree.root)
    _call(python, "-m", "venv", place / "venv")
    kernel = place / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    (wheel,) = wheels.glob("*.whl")
    pins = place / "constraints.txt"
    ours = (tree.root / "constraints.txt").read_text("utf8")
    pins.write_text(constraints(VERSIONS.read_text("utf8"), ours), "utf8")
    _call(kernel, *PIP, "install", "--constraint", pins, wheel, "ipykernel", "ipywidgets")
    _call(kernel, *PIP, "check")
    return kernel


def constraints(colab: str, ours: str) -> str:
    """Join two lists of pins: Colab's, and ours of what Colab lacks.

    PyTorch is ours, since Colab's build is for a GPU.
    """
    theirs = _pinned(colab)
    added = [line for name, line in _pinned(ours).items() if name not in theirs]
    return "\n".join([*theirs.values(), *added]) + "\n"


def _pinned(text: str) -> dict[str, str]:
    lines = [line.strip() for line in text.splitlines() if "==" in line.partition("#")[0]]
    return {canonicalize_name(line.partition("==")[0]): line for line in lines}


def torch_pin(root: Path) -> str:
    """Return the line of `constraints.txt` that pins PyTorch."""
    lines = (root / "constraints.txt").read_text("utf8").splitlines()
    return next(line for line in lines if line.startswith("torch=="))


def _call(*command: str | Path) -> str:
    """Run a command with no more in its environment than a reader has; return what it printed."""
    clean = {name: value for name, value in os.environ.items() if name not in OURS}
    done = subprocess.run(
        [str(word) for word in command], env=clean, check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        typed = " ".join(str(word) for word in command)
        raise BookError(f"{typed}\nfailed:\n{done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def _kernel(place: Path, python: Path) -> Iterator[None]:
    """Offer the environment's kernel to this process, with a reader's environment variables."""
    spec = place / "share" / "kernels" / KERNEL
    spec.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    about = {"argv": argv, "display_name": KERNEL, "language": "python", "env": SETTINGS}
    (spec / "kernel.json").write_text(json.dumps(about), "utf8")
    before = dict(os.environ)
    os.environ["JUPYTER_PATH"] = str(place / "share")
    for name in OURS:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def execute(path: Path, place: Path) -> tuple[float, str, NotebookNode]:
    """Execute a notebook in an empty folder; return seconds, what went wrong, and the notebook."""
    notebook = nbformat.read(path, as_version=4)
    folder = place / path.stem
    folder.mkdir()
    started = time.perf_counter()
    error = ""
    client = nbclient.NotebookClient(
        notebook, kernel_name=KERNEL, timeout=SECONDS, resources={"metadata": {"path": str(folder)}}
    )
    try:
        asyncio.run(client.async_execute())  # unlike `execute`, closes its loop in a thread
    except nbclient.exceptions.CellExecutionError as failure:
        failed = next(cell["id"] for cell in notebook.cells if "error" in _output_types(cell))
        error = f"{failed} failed\n{ANSI.sub('', str(failure))}"
    except (nbclient.exceptions.DeadKernelError, nbclient.exceptions.CellTimeoutError) as failure:
        error = str(failure)
    return time.perf_counter() - started, error, notebook


def differences(book: NotebookNode, alone: NotebookNode) -> list[str]:
    """Say what a notebook that ran alone lacks of what the book shows, and what it says besides.

    Cells are matched by their ids. Only the kinds of outputs have to be alike: other versions print
    other digits. Cells that a page does not show are left out.
    """
    found = []
    ours = {cell["id"]: cell for cell in alone.cells}
    for cell in book.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or "remove-cell" in tags or "injected-parameters" in tags:
            continue
        if cell["id"] not in ours:
            found.append(f"{cell['id']} is not in the notebook")
        elif missing := kinds(cell) - kinds(ours[cell["id"]]):
            found.append(f"{cell['id']} lacks {', '.join(sorted(missing))}, which the book shows")
    heard = {cell["id"]: _without_bars(said(cell))[1] for cell in book.cells}
    bars = 0
    for cell in alone.cells:
        shown, words = _without_bars(said(cell))
        bars += shown + _output_types(cell).count(WIDGET)
        if words and words != heard.get(cell["id"], ""):
            found.append(f"{cell['id']} says on standard error, and the book does not:\n{words}")
    if bars > MOST_BARS:
        found.append(f"{bars} progress bars, at most {MOST_BARS} are allowed: one for a loop")
    return found


def kinds(cell: NotebookNode) -> Counter[str]:
    """Count what a cell shows: pictures, tables, whether there is text."""
    names = {"image/png": "a picture", "image/svg+xml": "a picture", "text/html": "a table"}
    found: Counter[str] = Counter()
    for output in cell.get("outputs", []):
        data = {} if WIDGET in output.get("data", {}) else output.get("data", {})
        shown = {names[kind] for kind in data if kind in names}
        printed = output.get("name") == "stdout" and output.text.strip()
        found.update(shown)
        if printed or (data and not shown):
            found["text"] = 1  # in how many pieces depends on timing
    return found


def _output_types(cell: NotebookNode) -> list[str]:
    """Return the types of a cell's outputs, and of the data in them."""
    outputs = cell.get("outputs", [])
    return [o.output_type for o in outputs] + [kind for o in outputs for kind in o.get("data", {})]


def said(cell: NotebookNode) -> str:
    """Return what a cell wrote to standard error."""
    outputs = cell.get("outputs", [])
    return "".join(o.text for o in outputs if o.output_type == "stream" and o.name == "stderr")


def _without_bars(text: str) -> tuple[int, str]:
    """Count the progress bars in what was written to standard error, and return the rest."""
    lines = [line.rsplit("\r", 1)[-1] for line in text.split("\n")]
    bars = sum(bool(BAR.fullmatch(line)) for line in lines)
    return bars, "\n".join(line for line in lines if line.strip() and not BAR.fullmatch(line))
