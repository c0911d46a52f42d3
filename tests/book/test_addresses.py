"""Addresses: a fork changes one line and runs one command, and nothing names the original."""

from __future__ import annotations

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from book import build
from book.pipeline import addresses, chapters, colab, site
from book.pipeline.tree import BookError, Project, Tree

from .conftest import CHAPTER, PYPROJECT, ROOT, write_chapter

JUPYTER_BOOK = f"{sysconfig.get_path('scripts')}/jupyter-book"
#: Folders of a checkout that hold nothing of the repository.
OTHER = (
    ".git",
    ".venv",
    "build",
    "_build",
    "runs",
    "shared",
    "__pycache__",
    "*_cache",
    "*.egg-info",
)
#: What names the original, and should.
ORIGINAL = {"CITATION.cff", "CHANGELOG.md", "LICENSE"}

README = """\
# Toy
<!-- site -->?<!-- /site --> <!-- repository --><!-- /repository -->
Type <!-- install --><!-- /install -->.
<!-- chapters -->
old
<!-- /chapters -->
The end.
"""
INTRO = """\
# The toys

| | Chapter | The question | What you take away |
|--:|:--|:--|:--|
| 1 | [A toy](../notebooks/01_toy) | What is a toy? | one |

See [the repository]({{ repository }}).
"""


def named(folder: Path, *addresses: str) -> list[str]:
    """List the files of a folder that name one of some addresses."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in ORIGINAL:
            text = path.read_text("utf8", "replace")
            found += [name for address in addresses if address.lower() in text.lower()]
    return found


def test_no_line_of_the_readme_begins_with_the_mark_of_an_address() -> None:
    """Markdown takes such a line for HTML as a whole, and shows nothing of the address."""
    text = (ROOT / "README.md").read_text("utf8")
    assert not re.findall("^<!-- (?:site|repository|install) -->", text, re.MULTILINE)


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Copy the repository as a lecturer forks it: one line is changed, one command is run."""
    root = tmp_path_factory.mktemp("fork") / "repository"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*OTHER))
    pyproject = root / "pyproject.toml"
    text = pyproject.read_text("utf8")
    changed = re.sub(
        r"(?m)^Repository = .*$", 'Repository = "https://github.com/Uni-X/course-26"', text
    )
    assert sum(a != b for a, b in zip(text.splitlines(), changed.splitlines(), strict=True)) == 1
    pyproject.write_text(changed, "utf8")
    done = CliRunner().invoke(build.app, ["--root", str(root), "colab"])
    assert done.exit_code == 0, done.output
    return Tree(root)


def test_a_fork_names_the_original_nowhere(fork: Tree) -> None:
    ours = Tree(ROOT).project()
    for stem in chapters.stems(fork):  # not executed: what the pages say, they say without outputs
        converted = chapters.convert(fork, stem)
        (fork.executed("default")).mkdir(parents=True, exist_ok=True)
        shutil.copy(converted, fork.executed("default") / converted.name)
    site.assemble(fork, "default", fork.build / "src")
    assert named(fork.root, ours.slug, ours.site.removeprefix("https://")) == []
    assert "build/src/_config.yml" in named(fork.root, "github.com/Uni-X/course-26")
    colab.check(fork)
    addresses.check(fork)


def test_a_fork_names_itself(fork: Tree) -> None:
    project = fork.project()
    assert project.site == "https://uni-x.github.io/course-26"
    assert f'Homepage = "{project.site}/"' in (fork.root / "pyproject.toml").read_text("utf8")
    readme = (fork.root / "README.md").read_text("utf8")
    stems = chapters.stems(fork)
    for stem in stems:
        file = f"Uni-X/course-26/blob/{project.ref}/notebooks/{stem}.ipynb"
        open_in = [
            f"(https://colab.research.google.com/github/{file})",
            f"(https://kaggle.com/kernels/welcome?src=https://github.com/{file})",
            f"(https://uni-x.github.io/course-26/notebooks/{stem}.ipynb)",
        ]
        notebook = nbformat.read(fork.notebooks / f"{stem}.ipynb", as_version=4)
        assert all(link in notebook.cells[0].source for link in open_in)
        assert all(link in readme for link in open_in)
        install = next(cell for cell in notebook.cells if "install" in chapters.tags(cell))
        assert f"https://github.com/Uni-X/course-26/archive/{project.ref}.zip" in install.source
    assert len(re.findall(r"^\| \d+ \| \[", readme, re.M)) == len(stems)


def test_the_search_sees_an_address(tmp_path: Path) -> None:
    (tmp_path / "CITATION.cff").write_text("https://github.com/me/mine", "utf8")
    (tmp_path / "page.md").write_text("https://GitHub.com/me/mine", "utf8")
    assert named(tmp_path, "me/mine") == ["page.md"]


@pytest.mark.parametrize(
    ("repository", "homepage", "expected"),
    [
        ("https://github.com/Me/Book", "https://old.github.io/book/", "https://me.github.io/Book"),
        ("https://github.com/me/me.github.io", "https://x.github.io", "https://me.github.io"),
        ("https://github.com/me/book/", "https://book.example/it/", "https://book.example/it"),
        ("https://github.com/me/book", "https://github.io.example", "https://github.io.example"),
    ],
)
def test_the_site_follows_the_repository_unless_it_has_a_domain(
    tree: Tree, repository: str, homepage: str, expected: str
) -> None:
    text = PYPROJECT.replace("https://github.com/toy/toy", repository)
    path = tree.root / "pyproject.toml"
    path.write_text(text.replace("https://toy.example/book/", homepage), "utf8")
    assert tree.project().site == expected
    assert f'Homepage = "{expected}/"\n' in addresses.render(tree)[path]


@pytest.mark.parametrize(
    "repository",
    [
        "https://gitlab.com/toy/toy",
        "https://github.com/toy",
        "http://github.com/toy/toy",
        "toy/toy",
    ],
)
def test_a_repository_that_no_service_opens_is_refused(tree: Tree, repository: str) -> None:
    text = PYPROJECT.replace("https://github.com/toy/toy", repository)
    (tree.root / "pyproject.toml").write_text(text, "utf8")
    with pytest.raises(BookError, match=r"expected https://github\.com/OWNER/NAME"):
        tree.project()


def test_a_release_is_opened_from_its_tag() -> None:
    project = Project("toy", "1.2.0", "https://github.com/toy/toy", "https://toy.example")
    assert "/github/toy/toy/blob/v1.2.0/" in addresses.services(project)["Colab"]


def test_pages_and_chapters_name_addresses_by_their_role(tree: Tree) -> None:
    text = CHAPTER.replace(
        "# # A toy", "# # A toy\n#\n# [Here]({{ repository }}/x) at {{ ref }}, {{x}}."
    )
    write_chapter(tree, "01_toy", text)
    source = chapters.read_chapter(tree, "01_toy").notebook.cells[0].source
    assert source.endswith("[Here](https://github.com/toy/toy/x) at main, {{x}}.")
    assert tree.project().fill("{{ slug }} {{ site }}") == "toy/toy https://toy.example/book"
    with pytest.raises(BookError, match=r"no address is called \{\{ repo \}\}; there are"):
        tree.project().fill("{{ repo }}")


def with_readme(tree: Tree) -> Path:
    (tree.book / "intro.md").write_text(INTRO, "utf8")
    readme = tree.root / "README.md"
    readme.write_text(README, "utf8")
    return readme


def test_the_repository_is_in_line() -> None:
    addresses.check(Tree(ROOT))


def test_readme_is_written_between_its_marks_and_checked(tree: Tree) -> None:
    readme = with_readme(tree)
    with pytest.raises(BookError, match="out of date; run: make colab"):
        addresses.check(tree)
    assert readme in addresses.write(tree)
    addresses.check(tree)
    text = readme.read_text("utf8")
    assert "<!-- site --><https://toy.example/book/><!-- /site -->" in text
    assert "`pip install https://github.com/toy/toy/archive/main.zip`" in text
    page = "https://toy.example/book/notebooks/01_toy.html"
    assert f"| 1 | [A toy]({page}) | What is a toy? | [![Open in Colab](" in text
    assert "old" not in text
    assert text.endswith("<!-- /chapters -->\nThe end.\n")
    readme.write_text(text.replace("toy.example", "other.example"), "utf8")
    with pytest.raises(BookError, match=r"README\.md is out of date"):
        addresses.check(tree)


def test_readme_without_a_mark_or_a_question_is_refused(tree: Tree) -> None:
    readme = with_readme(tree)
    readme.write_text(README.replace("<!-- /install -->", ""), "utf8")
    with pytest.raises(BookError, match="has lost its marks <!-- install -->"):
        addresses.write(tree)
    readme.write_text(README, "utf8")
    write_chapter(tree, "02_next")
    with pytest.raises(BookError, match=r"book/intro\.md has no row for 02_next"):
        addresses.write(tree)


def test_a_page_of_the_book_offers_its_notebook(tree: Tree) -> None:
    """Build a small book with the settings, styles and extension of the real one."""
    with_readme(tree)
    for name in ("_ext", "_static"):
        shutil.copytree(ROOT / "book" / name, tree.book / name)
    shutil.copy(ROOT / "book" / "references.bib", tree.book)
    shutil.copy(ROOT / "_config.yml", tree.root)
    toc = "format: jb-book\nroot: book/intro\nchapters:\n"
    toc += "".join(f"  - file: {page}\n" for page in ("notebooks/01_toy", "book/reproduce"))
    (tree.book / "_toc.yml").write_text(toc, "utf8")
    (tree.book / "reproduce.md").write_text(f"# Reproduce\n\n{site.REPORT_MARK}\n", "utf8")
    tree.executed("default").mkdir(parents=True)
    shutil.copy(chapters.convert(tree, "01_toy"), tree.executed("default"))
    site.build(tree, "default")
    html = (tree.html / "notebooks" / "01_toy.html").read_text("utf8")
    offer = re.search(r'</h1>\s*<p class="notebook-links">.*?</p>', html, re.S)
    assert offer
    links = re.findall(r'<a href="(\S+)"( download)?>([\w ]+)</a>', offer[0])
    file = "toy/toy/blob/main/notebooks/01_toy.ipynb"
    assert links == [
        (f"https://colab.research.google.com/github/{file}", "", "Open in Colab"),
        (f"https://kaggle.com/kernels/welcome?src=https://github.com/{file}", "", "Open in Kaggle"),
        ("01_toy.ipynb", " download", "Download"),
    ]
    downloaded = (tree.html / "notebooks" / "01_toy.ipynb").read_text("utf8")
    assert downloaded == colab.render_all(tree)[tree.notebooks / "01_toy.ipynb"]
    assert 'href="https://github.com/toy/toy/issues/new' in html
    assert 'rel="canonical" href="https://toy.example/book/notebooks/01_toy.html"' in html
    intro = (tree.html / "book" / "intro.html").read_text("utf8")
    assert 'href="https://github.com/toy/toy">the repository' in intro
    assert "Open in Colab" not in intro


@pytest.mark.parametrize("folder", [".", "book"])
def test_jupyter_book_build_says_in_one_line_what_to_type(tmp_path: Path, folder: str) -> None:
    command = [JUPYTER_BOOK, "build", folder, "--path-output", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "To build the book, type `make book`, or `python -m book` where there is no make."
    ]
