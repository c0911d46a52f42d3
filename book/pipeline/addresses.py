"""Addresses: all follow the repository's, the one line a fork changes in `pyproject.toml`.

Chapters and prose pages write ``{{ repository }}``, ``{{ site }}``, ``{{ slug }}`` or ``{{ ref }}``
where they need an address; it is filled in when pages and notebooks are made. What is read where it
lies, `README.md` and `pyproject.toml`, is brought in line by the command that writes the notebooks.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from . import chapters
from .tree import COMMAND, BookError, Project, Tree, write_atomic

HOMEPAGE = re.compile(r'^Homepage = ".*"$', re.MULTILINE)
# A row of the table in the book's first page: number, chapter, question, what you take away.
ROW = re.compile(r"^\| \d+ \| \[[^\]]*\]\(\.\./notebooks/(\w+)\) \| (.+?) \|", re.MULTILINE)
BADGES = {
    "Colab": "https://colab.research.google.com/assets/colab-badge.svg",
    "Kaggle": "https://kaggle.com/static/images/open-in-kaggle.svg",
}


def services(project: Project) -> dict[str, str]:
    """Return where each service opens a page of the book: addresses that lack only the page."""
    file = f"{project.slug}/blob/{project.ref}"
    return {
        "Colab": f"https://colab.research.google.com/github/{file}/",
        "Kaggle": f"https://kaggle.com/kernels/welcome?src=https://github.com/{file}/",
    }


def badges(project: Project, stem: str) -> str:
    """Write the badges of a chapter's notebook in Markdown, with links that work anywhere."""
    file = f"notebooks/{stem}.ipynb"
    marks = [
        f"[![Open in {name}]({BADGES[name]})]({start}{file})"
        for name, start in services(project).items()
    ]
    return " ".join([*marks, f"[Download]({project.site}/{file})"])


def settings(tree: Tree) -> dict[str, Any]:
    """Return what Jupyter Book is told of addresses, beside what `_config.yml` says."""
    project = tree.project()
    return {
        "repository": {"url": project.repository, "branch": project.ref, "path_to_book": ""},
        "html": {
            "baseurl": f"{project.site}/",
            "use_repository_button": True,
            "use_issues_button": True,
        },
        "sphinx": {"config": {"mmfuse_services": services(project)}},
    }


def write(tree: Tree) -> list[Path]:
    """Bring the files in line that name addresses where they lie, and return their paths."""
    texts = render(tree)
    for path, text in texts.items():
        write_atomic(path, text)
    return list(texts)


def check(tree: Tree) -> None:
    """Fail where such a file is not in line."""
    for path, text in render(tree).items():
        if path.read_text("utf8") != text:
            raise BookError(f"{path} is out of date; run: {COMMAND}")


def render(tree: Tree) -> dict[Path, str]:
    """Return the files that name addresses where they lie, as they should be."""
    project = tree.project()
    pyproject, readme = tree.root / "pyproject.toml", tree.root / "README.md"
    homepage = f'Homepage = "{project.site}/"'
    texts = {pyproject: HOMEPAGE.sub(homepage, pyproject.read_text("utf8"))}
    if readme.exists():
        text = readme.read_text("utf8")
        for name, content in {
            "site": f"<{project.site}/>",
            "repository": f"<{project.repository}>",
            "install": f"`pip install {project.archive}`",
            "chapters": f"\n\n{table(tree, project)}\n\n",
        }.items():
            text = _between(text, name, content)
        texts[readme] = text
    return texts


def table(tree: Tree, project: Project) -> str:
    """Write the table of chapters: number, title, question, badges."""
    questions = dict(ROW.findall((tree.book / "intro.md").read_text("utf8")))
    lines = ["| | Chapter | The question | Open it |", "|--:|:--|:--|:--|"]
    for number, chapter in enumerate(chapters.read_chapters(tree), 1):
        if chapter.stem not in questions:
            raise BookError(f"book/intro.md has no row for {chapter.stem} in its table of chapters")
        title = f"[{chapter.title}]({project.site}/notebooks/{chapter.stem}.html)"
        lines.append(
            f"| {number} | {title} | {questions[chapter.stem]} | {badges(project, chapter.stem)} |"
        )
    return "\n".join(lines)


def _between(text: str, name: str, content: str) -> str:
    opening, closing = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = text.partition(opening)
    _, closed, after = rest.partition(closing)
    if not (found and closed):
        raise BookError(f"README.md has lost its marks {opening} and {closing}")
    return f"{before}{opening}{content}{closing}{after}"
