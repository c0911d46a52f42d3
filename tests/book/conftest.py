"""A small repository to run the pipeline on, and a browser to open pages with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from book.pipeline.tree import Tree

from . import browser as browsing

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "build" / "html"
REQUIRED = os.environ.get("MMFUSE_REQUIRE_BROWSER") == "1"

PYPROJECT = """\
[project]
name = "toy"
[project.urls]
Homepage = "https://toy.example/book/"
Repository = "https://github.com/toy/toy"
"""
CHAPTER = """\
# %% [markdown]
# # A toy

# %% tags=["parameters"]
seed = 0
rate = 0.5

# %%
print(f"seed {seed}, rate {rate}")
"""


def write_chapter(tree: Tree, stem: str, text: str = CHAPTER) -> Path:
    """Write a chapter into a toy repository."""
    path = tree.notebooks / f"{stem}.py"
    path.write_text(text, "utf8")
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Make a repository with one chapter, `01_toy`, and an empty default profile."""
    return make_tree(tmp_path)


def make_tree(root: Path) -> Tree:
    """Make a repository with one chapter, `01_toy`, and an empty default profile."""
    tree = Tree(root)
    for folder in (tree.notebooks, tree.book / "profiles", tree.reproduce, root / "mmfuse_lib"):
        folder.mkdir(parents=True)
    (root / "pyproject.toml").write_text(PYPROJECT, "utf8")
    (root / "mmfuse_lib" / "__init__.py").write_text('__version__ = "1.0.dev0"\n', "utf8")
    (root / "tests").mkdir()
    (root / "tests" / "nbval_sanitize.cfg").write_text("", "utf8")
    (tree.book / "profiles" / "default.yml").write_text("", "utf8")
    write_chapter(tree, "01_toy")
    return tree


def _missing(reason: str) -> None:
    if REQUIRED:
        pytest.fail(f"{reason}, and MMFUSE_REQUIRE_BROWSER=1 asks for it")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start a browser, or skip with the reason why there is none."""
    if browsing.find_chromium() is None:
        _missing("no Chromium on this machine (apt-get install chromium)")
    with browsing.chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def html() -> Path:
    """Find the built pages, or skip."""
    if not (HTML / "index.html").exists():
        _missing("no build/html (make book)")
    return HTML


@pytest.fixture(scope="session")
def site(html: Path) -> Iterator[str]:
    """Serve the built pages over HTTP."""
    with browsing.serve(html) as address:
        yield address
