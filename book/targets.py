"""What can be done here: one table of targets, for ``make TARGET`` and ``python -m book TARGET``.

Only the standard library is imported, since nothing else is installed when `setup` starts.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import environment, lab

ROOT = Path(__file__).resolve().parents[1]

#: What can be set, as ``NAME=value`` or in the environment, and what it is where it is not.
VARIABLES = {
    "VENV": "",  # the folder of an environment; "system": the Python that runs
    "PROFILE": "default",  # parameters of the chapters, a file in book/profiles
    "PORT": "8000",
    "TORCH": "2.13.0",
    "UV_TORCH_BACKEND": "",  # "cpu": the build of torch without CUDA, a tenth of the download
}


@dataclass(frozen=True)
class Target:
    """Something that can be done.

    Parameters
    ----------
    help : str
        What it does, in a line.
    commands : tuple of str
        Arguments of the environment's Python, one command after the other. ``{NAME}`` stands for
        a variable.
    first : tuple of str
        Targets that are done before.
    extras : tuple of str
        The extras of `pyproject.toml` that it needs.
    action : callable, optional
        What it does instead of commands, without an environment that `setup` made.
    after : callable, optional
        What it does after its commands, in the environment.
    """

    help: str
    commands: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    extras: tuple[str, ...] = environment.EXTRAS
    action: Callable[[Run], None] | None = None
    after: Callable[[Run], None] | None = None


@dataclass
class Run:
    """One call: what was set, and what has been done.

    Parameters
    ----------
    variables : dict of str to str
        A value for each of `VARIABLES`.
    root : Path
        The repository.
    done : set of str
        The targets that have been done.
    named : bool
        Whether the environment has been named to the reader.
    """

    variables: dict[str, str]
    root: Path
    done: set[str] = field(default_factory=set)
    named: bool = False

    @property
    def folder(self) -> Path:
        """The environment that `oldest` and `newest` make: never the Python that runs."""
        venv = self.variables["VENV"]
        return self.root / (environment.OWN if venv in ("", environment.SYSTEM) else venv)

    def do(self, name: str) -> None:
        """Do a target, after those that come before it, once a call."""
        if name in self.done:
            return
        target = TARGETS[name]
        for before in target.first:
            self.do(before)
        if target.action:
            target.action(self)
        else:
            python = self.setup(target.extras)
            for command in target.commands:
                self(python, *(word.format(**self.variables) for word in command.split()))
            if target.after:
                target.after(self)
        self.done.add(name)

    def __call__(self, *command: str | Path, quiet: bool = False, **variables: str) -> None:
        """Print and run a command in the repository, with text in UTF-8 on every system.

        Raises
        ------
        subprocess.CalledProcessError
            If it fails.
        """
        words = [str(word) for word in command]
        if not (quiet or "s" in os.environ.get("MAKEFLAGS", "").partition(" ")[0]):
            print(_as_typed(words, self.root), flush=True)
        settings = os.environ | {"PYTHONUTF8": "1"} | variables
        subprocess.run(words, cwd=self.root, env=settings, check=True)

    def setup(self, extras: Sequence[str] = environment.EXTRAS) -> Path:
        """Make the environment, or bring it up to date, and return the path of its Python."""
        folder = environment.choose(self.root, self.variables["VENV"], extras)
        if folder is None:
            self._complete(extras)
            return Path(sys.executable)
        python = environment.interpreter(folder)
        sources = [self.root / name for name in ("pyproject.toml", "constraints.txt")]
        if environment.is_current(folder, sources):
            return python
        self.make(folder)
        print(f"Installing into {folder}: some minutes, once", flush=True)
        if self.variables["UV_TORCH_BACKEND"]:
            self(python, *_PIP, "uv")
            self(python, "-m", "uv", *_UV, python, "-c", "constraints.txt", "torch",
                 UV_TORCH_BACKEND=self.variables["UV_TORCH_BACKEND"])  # fmt: skip
        self(python, *_PIP, "-c", "constraints.txt", "-e", f".[{','.join(environment.EXTRAS)}]")
        environment.stamp(folder).touch()
        return python

    def make(self, folder: Path) -> None:
        """Make an empty environment, unless it is there."""
        if not environment.stamp(folder).exists() and not environment.running_in(folder):
            self(sys.executable, "-m", "venv", folder)

    def _complete(self, extras: Sequence[str]) -> None:
        """Install what the Python that runs lacks, and change nothing that is good enough."""
        if not self.named:
            print(f"Using the Python at {sys.prefix}", flush=True)
            self.named = True
        if missing := environment.lacking(self.root, extras):
            print(f"It lacks {', '.join(missing)}: installing, once", flush=True)
            self(sys.executable, *_PIP, "-e", f".[{','.join(extras)}]")


_PIP = ("-m", "pip", "install", "--quiet")
_UV = ("pip", "install", "--quiet", "--python")


def main(arguments: Sequence[str], root: Path = ROOT) -> int | str:
    """Do the targets named in the arguments; return the exit status, or what was wrong with them.

    Parameters
    ----------
    arguments : sequence of str
        Names of targets and ``NAME=value``, in any order.
    root : Path
        The repository.
    """
    given = dict(word.split("=", 1) for word in arguments if "=" in word)
    names = [word for word in arguments if "=" not in word] or ["help"]
    if wrong := sorted(given.keys() - VARIABLES.keys()):
        return f"no variable {wrong[0]}; there are: {', '.join(VARIABLES)}"
    if wrong := [name for name in names if name not in TARGETS]:
        return f"no target {wrong[0]}; there are: {', '.join(TARGETS)}"
    usual = {name: os.environ.get(name) or value for name, value in VARIABLES.items()}
    run = Run(usual | given, root)
    try:
        for name in names:
            run.do(name)
    except subprocess.CalledProcessError as failure:  # the command has said why
        return int(failure.returncode) if failure.returncode > 0 else 1
    except environment.NoEnvironmentError as error:
        return f"error: {error}"
    except KeyboardInterrupt:
        return 130
    return 0


def show(run: Run) -> None:
    """Print the targets."""
    program = "make" if "MAKELEVEL" in os.environ else "python -m book"
    width = max(map(len, TARGETS))
    print("\n".join(f"  {program} {name:{width}}  {t.help}" for name, t in TARGETS.items()))


def open_lab(run: Run) -> None:
    """Open a reader's copies of the notebooks in JupyterLab, which is installed on first use."""
    folder = environment.choose(run.root, run.variables["VENV"])
    python = environment.interpreter(folder) if folder else Path(sys.executable)
    try:
        run(python, "-c", "import ipywidgets, jupyterlab", quiet=True)
    except subprocess.CalledProcessError:
        pins = ("-c", "constraints.txt") if folder else ()
        run(python, *_PIP, *pins, "-e", ".[lab]")
    copies = run.root / "lab"
    for name in lab.copy_notebooks(run.root / "notebooks", copies):
        print(f"lab/{name} is as you left it; delete it to get the book's newer one", flush=True)
    command: list[str | Path] = [python, "-m", "jupyterlab", f"--ServerApp.root_dir={copies}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container
        command.append("--allow-root")
    run(*command, JUPYTER_PREFER_ENV_PATH="1")


def lock(run: Run) -> None:
    """Write `constraints.txt` from an environment that is made anew."""
    folder, torch = run.root / "build" / "lock", f"torch=={run.variables['TORCH']}"
    everything = f".[{','.join(environment.EXTRAS)},lab]"
    shutil.rmtree(folder, ignore_errors=True)
    run(sys.executable, "-m", "venv", folder)
    python = environment.interpreter(folder)
    run(python, *_PIP, torch, everything)
    run(python, "-m", "pip", "check")
    freeze = [str(python), "-m", "pip", "freeze"]
    for name in ("mmfuse", "setuptools", "wheel"):
        freeze += ["--exclude", name]
    done = subprocess.run(freeze, check=True, stdout=subprocess.PIPE, encoding="utf8")
    lines = [
        "# The versions the published book is made and tested with. Written by `make lock`:",
        f"# a new environment, pip install {torch} '{everything}', pip freeze.",
        *(line.removesuffix("+cpu") for line in done.stdout.splitlines()),
    ]
    (run.root / "constraints.txt").write_text("\n".join(lines) + "\n", "utf8", newline="\n")


def oldest(run: Run) -> None:
    """Make an environment with the oldest versions that `pyproject.toml` allows."""
    run.make(run.folder)
    python = environment.interpreter(run.folder)
    run(python, *_PIP, "uv")
    everything = f".[{','.join(environment.EXTRAS)}]"
    run(python, "-m", "uv", *_UV, python, "--resolution", "lowest-direct", "-e", everything)
    environment.stamp(run.folder).touch()


def newest(run: Run) -> None:
    """Make an environment with the newest versions that `pyproject.toml` allows."""
    run.make(run.folder)
    python = environment.interpreter(run.folder)
    run(python, *_PIP, "--upgrade", "-e", f".[{','.join(environment.EXTRAS)}]")
    environment.stamp(run.folder).touch()


def clean(run: Run) -> None:
    """Remove everything that was built."""
    shutil.rmtree(run.root / "build", ignore_errors=True)


def _as_typed(words: Sequence[str], root: Path) -> str:
    """Write a command as a person would type it: the Python of `root` by its short path."""
    program = Path(words[0])
    if program.is_relative_to(root):
        words = [str(program.relative_to(root)), *words[1:]]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


TARGETS = {
    "help": Target("List the targets", action=show),
    "setup": Target("Make .venv with the versions of constraints.txt, or use what is active"),
    "book": Target(
        "Execute the chapters that changed, build the pages, say where they are",
        ("-m book.build html --profile {PROFILE}",),
        first=("execute",),
    ),
    "test": Target(
        "Check everything: style, types, notebooks, unit tests",
        first=("lint", "types", "notebooks", "unit"),
    ),
    "lint": Target("Check style and format", ("-m ruff check .", "-m ruff format --check .")),
    "types": Target("Check types", ("-m mypy",)),
    "unit": Target("Run the unit tests", ("-m pytest -n 2",)),
    "notebooks": Target(
        "Execute, run again and compare outputs, check the notebooks for Colab",
        ("-m book.build validate --profile {PROFILE}", "-m book.build colab --check"),
        first=("execute",),
    ),
    "alone": Target(
        "Run every notebook alone, with the versions that Colab ships",
        ("-m book.build alone --profile {PROFILE}",),
        first=("execute",),
    ),
    "colab": Target(
        "Write the notebooks that Colab opens, bring README and addresses in line",
        ("-m book.build colab",),
    ),
    "student": Target(
        "Write the notebooks for students and for instructors: build/teach",
        ("-m book.build student",),
    ),
    "slides": Target(
        "Write a deck a chapter: build/teach/slides",
        ("-m book.build slides --profile {PROFILE}",),
        first=("execute",),
    ),
    "assignments": Target(
        "Write assignments with data of a demo student: build/teach/assignments",
        ("-m book.build assignments",),
    ),
    "gradescope": Target(
        "Write archives for Gradescope, for the demo student: build/teach/gradescope",
        ("-m book.build gradescope",),
    ),
    "teach": Target(
        "Write everything for a course: decks, notebooks, assignments",
        first=("slides", "student", "assignments"),
    ),
    "execute": Target(
        "Execute the chapters that changed (PROFILE=smoke for a quick look)",
        ("-m book.build execute --profile {PROFILE}",),
    ),
    "lab": Target("Open the notebooks in JupyterLab: your copies, in lab/", after=open_lab),
    "gpu": Target(
        "Tests, benchmarks and the GPU lab on a CUDA GPU; writes reproduce/gpu",
        ("-m book.build gpu",),
        extras=("chapters", "test"),
    ),
    "bench": Target("Compare speed with named baselines", ("-m benchmarks",)),
    "times": Target(
        "Print how long each chapter took", ("-m book.build times --profile {PROFILE}",)
    ),
    "serve": Target(
        "Serve the built pages at http://localhost:8000 (PORT=...)",
        ("-m http.server {PORT} --directory build/html",),
    ),
    "screenshots": Target(
        "Picture every built page, a slide, a quiz and a feedback page (needs Chromium)",
        ("-m tests.book.browser build/html build/screenshots", "-m tests.book.teaching_pictures"),
        first=("slides",),
    ),
    "lock": Target(
        "Write constraints.txt anew, with the newest versions that pyproject.toml allows",
        action=lock,
    ),
    "links": Target(
        "Check the links of the built pages to other sites (needs a network)",
        ("-m tests.book.links build/html",),
    ),
    "oldest": Target("Make .venv with the oldest versions pyproject.toml allows", action=oldest),
    "newest": Target("Make .venv with the newest versions pyproject.toml allows", action=newest),
    "clean": Target("Remove everything that was built (environments stay)", action=clean),
}
