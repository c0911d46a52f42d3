"""The site: put pages and executed notebooks together and build them with Jupyter Book."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import yaml

from . import (
    addresses,
    board,
    chapters,
    colab,
    execution,
    fidelity,
    figures,
    finishing,
    machine,
    teaching,
    welcome,
)
from .tree import BookError, Tree, write_atomic

# In `book/`, but not pages of the book.
NOT_PAGES = (
    "_ext", "_static", "pipeline", "profiles", "slides", "assignments", "__pycache__",
    "*.py", "*.yml", "*.bib", "*.csv",
)  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]
ANSI = re.compile(r"\x1b\[[0-9;]*m")
REPORT_MARK = "<!-- chapters and machine: written by `make book` -->"


def build(tree: Tree, profile: str) -> Path:
    """Build the pages and return the path of the first one; any warning is an error."""
    source, out = tree.build / "src", tree.build / "out"
    assemble(tree, profile, source)
    shutil.rmtree(out, ignore_errors=True)
    program = shutil.which("jupyter-book", path=sysconfig.get_path("scripts"))
    if program is None:
        raise BookError(f"{sys.prefix} has no jupyter-book: pip install -e '.[book]'")
    command = [program, "build", str(source)]
    command += ["--path-output", str(out), "--all", "-W", "-n", "--keep-going"]
    # Kept in a file, since it names the folder that the pages are moved from.
    # The book's extensions use its pipeline.
    settings = os.environ | {"PYTHONUTF8": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tree.root, env=settings, check=False, capture_output=True, encoding="utf8"
    )
    log = tree.build / "html.log"
    write_atomic(log, ANSI.sub("", done.stdout + done.stderr))
    if done.returncode != 0:
        raise BookError(f"the pages have warnings:\n{done.stderr}\nall that was said: {log}")
    shutil.rmtree(tree.html, ignore_errors=True)
    (out / "_build" / "html").rename(tree.html)
    # Each page offers its notebook for download, in plain Markdown: from beside the page.
    for path, text in colab.render_all(tree).items():
        write_atomic(tree.html / "notebooks" / path.name, text)
    finishing.finish(tree.html, tree.project().site)
    return tree.html / "index.html"


def assemble(tree: Tree, profile: str, source: Path) -> None:
    """Lay out the folder that Jupyter Book reads: as the repository, with executed chapters."""
    check_toc(tree)
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(tree.book, source / "book", ignore=shutil.ignore_patterns(*NOT_PAGES))
    shutil.copytree(tree.book / "_static", source / "_static")
    for name in ("_toc.yml", "references.bib"):
        shutil.copy(tree.book / name, source / name)
    write_atomic(source / "_config.yml", yaml.safe_dump(configuration(tree)))
    project = tree.project()
    for page in (source / "book").rglob("*.md"):
        text = page.read_text("utf8")
        write_atomic(
            page,
            project.fill(
                text,
                welcome.fields(tree, text) | teaching.fields(tree, text) | board.fields(tree, text),
            ),
        )
    for stem in chapters.stems(tree):
        executed = tree.executed(profile) / f"{stem}.ipynb"
        if not executed.exists():
            raise BookError(f"chapter {stem} is not executed with profile {profile}")
        check_figures(executed)
        (source / "notebooks").mkdir(exist_ok=True)
        write_atomic(source / "notebooks" / executed.name, _for_pages(executed))
    report = source / "book" / "reproduce.md"
    text = report.read_text("utf8")
    if REPORT_MARK not in text:
        raise BookError(f"book/reproduce.md has lost its line {REPORT_MARK}")
    write_atomic(report, text.replace(REPORT_MARK, execution_report(tree, profile)))
    compared = source / "book" / "fidelity.md"
    if compared.exists():
        write_atomic(compared, fidelity.fill(compared.read_text("utf8")))


def _for_pages(executed: Path) -> str:
    """Return an executed notebook without what is only for slides."""
    notebook = nbformat.read(executed, as_version=4)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(figures.PROJECTOR, None)
    return chapters.dumps(notebook)


def configuration(tree: Tree) -> dict[str, Any]:
    """Return the settings of the pages: those of `_config.yml`, and the addresses."""
    config: dict[str, Any] = yaml.safe_load((tree.root / "_config.yml").read_text("utf8"))
    extensions = config["sphinx"]["local_extensions"]
    for name, folder in extensions.items():
        extensions[name] = str(tree.root / folder)
    return _merged(config, addresses.settings(tree))


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    merged = first | second
    for name in first.keys() & second.keys():
        if isinstance(first[name], dict):
            merged[name] = _merged(first[name], second[name])
    return merged


def check_toc(tree: Tree) -> None:
    """Every chapter is in `book/_toc.yml`, and every entry there exists."""
    toc = yaml.safe_load((tree.book / "_toc.yml").read_text("utf8"))
    listed = set(_toc_files(toc))
    written = {f"notebooks/{stem}" for stem in chapters.stems(tree)}
    for entry in sorted(written - listed):
        raise BookError(f"{entry}.py is not in book/_toc.yml")
    for entry in sorted(listed - written):
        if not (tree.root / f"{entry}.md").exists():
            raise BookError(f"book/_toc.yml lists {entry}, which does not exist")


def check_figures(executed: Path) -> None:
    """Every figure says in words what it shows, for readers who cannot see it."""
    for cell in nbformat.read(executed, as_version=4).cells:
        pictures = [
            output
            for output in cell.get("outputs", [])
            if any(kind.startswith("image/") for kind in output.get("data", {}))
        ]
        if pictures and not cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "").strip():
            raise BookError(
                f"{executed.stem}: cell {cell['id']} draws a figure without alternative text; open "
                'the cell with `# %% mystnb={"image": {"alt": "what the figure shows"}}`'
            )


def execution_report(tree: Tree, profile: str) -> str:
    """Write the tables of `reproduce.md`: which chapters ran, how long, with what, on what."""
    rows = [
        f"| [{chapter.title}](../notebooks/{chapter.stem}.ipynb) | {seconds:.0f} s |"
        for chapter in chapters.read_chapters(tree)
        if (seconds := execution.times(tree, profile).get(chapter.stem)) is not None
    ]
    facts = machine.hardware() | machine.versions()
    lines = [f"Profile `{profile}`.", "", "| Chapter | Time |", "|:--|--:|", *rows, ""]
    lines += ["| Executed with | |", "|:--|:--|"]
    lines += [f"| {name} | {value} |" for name, value in facts.items()]
    return "\n".join(lines)


def _toc_files(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("root", "file"):
                yield str(value)
            else:
                yield from _toc_files(value)
    elif isinstance(node, list):
        for item in node:
            yield from _toc_files(item)
