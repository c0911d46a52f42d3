"""Where things are: the folders of the repository and the facts of the project."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

GITHUB = "https://github.com/"
# What brings generated files in line that are committed.
COMMAND = "make colab"
PAGES = ".github.io"
REPOSITORY = re.compile(rf"{re.escape(GITHUB)}[\w.-]+/[\w.-]+")
FIELD = re.compile(r"\{\{ (\w+) \}\}")
FIELDS = ("repository", "site", "slug", "ref")


class BookError(Exception):
    """Something a person has to put right in the book; its text says what and where."""


@dataclass(frozen=True)
class Project:
    """What `pyproject.toml` and the package say about the project.

    Parameters
    ----------
    name, version : str
        Name on the package index and ``__version__`` of the library.
    repository, site : str
        Address of the repository and of the published book, without a closing slash.
    """

    name: str
    version: str
    repository: str
    site: str

    @property
    def ref(self) -> str:
        """The branch or tag that holds this version."""
        return "main" if "dev" in self.version else f"v{self.version}"

    @property
    def slug(self) -> str:
        """The repository as services name it, ``OWNER/NAME``."""
        return self.repository.removeprefix(GITHUB)

    @property
    def archive(self) -> str:
        """Address of this version's files, which pip installs where there is no git."""
        return f"{self.repository}/archive/{self.ref}.zip"

    def fill(self, text: str, more: Mapping[str, str] | None = None) -> str:
        """Write addresses where a text names them, as in ``{{ repository }}``.

        Parameters
        ----------
        text : str
            Markdown.
        more : mapping, optional
            What else can be named, such as a chapter's reading times, and what stands for it.
        """
        values = {name: str(getattr(self, name)) for name in FIELDS} | dict(more or {})
        for name in FIELD.findall(text):
            if name not in values:
                known = tuple(values)
                raise BookError(f"no address is called {{{{ {name} }}}}; there are: {known}")
        return FIELD.sub(lambda match: values[match[1]], text)


@dataclass(frozen=True)
class Tree:
    """The folders of one repository (a test has its own small one).

    Parameters
    ----------
    root : Path
        The repository's root folder.
    """

    root: Path

    @property
    def notebooks(self) -> Path:
        """Sources of the chapters."""
        return self.root / "notebooks"

    @property
    def book(self) -> Path:
        """Prose pages, profiles, references."""
        return self.root / "book"

    @property
    def reproduce(self) -> Path:
        """Result files that chapters read."""
        return self.root / "reproduce"

    @property
    def build(self) -> Path:
        """Everything that is generated and not committed."""
        return self.root / "build"

    @property
    def converted(self) -> Path:
        """Notebooks before they are executed."""
        return self.build / "notebooks"

    @property
    def failed(self) -> Path:
        """Notebooks that stopped at an error."""
        return self.build / "failed"

    @property
    def html(self) -> Path:
        """The finished pages."""
        return self.build / "html"

    def executed(self, profile: str) -> Path:
        """Notebooks executed with a profile."""
        return self.build / "executed" / profile

    def state(self, profile: str) -> Path:
        """Return the folder of notes on each execution with a profile."""
        return self.build / "state" / profile

    def project(self) -> Project:
        """Read the project's name, version and addresses.

        A site on GitHub's pages is where these are for the repository; one with a domain of its own
        is where `Homepage` says.
        """
        facts = tomllib.loads((self.root / "pyproject.toml").read_text("utf8"))["project"]
        urls = facts["urls"]
        repository, site = urls["Repository"].rstrip("/"), urls["Homepage"].rstrip("/")
        if not REPOSITORY.fullmatch(repository):
            raise BookError(
                f"pyproject.toml: Repository is {repository!r}, expected {GITHUB}OWNER/NAME, "
                "from where Colab and Kaggle open notebooks"
            )
        if (urlsplit(site).hostname or "").endswith(PAGES):
            site = _pages(repository)
        version = _version(self.root / "mmfuse_lib" / "__init__.py")
        return Project(facts["name"], version, repository, site)


def _pages(repository: str) -> str:
    owner, name = repository.removeprefix(GITHUB).split("/")
    host = owner.lower() + PAGES
    return f"https://{host}" + ("" if name.lower() == host else f"/{name}")


def _version(init: Path) -> str:
    for node in ast.parse(init.read_text("utf8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__":
            return str(ast.literal_eval(node.value))
    raise BookError(f"{init} sets no __version__")


def write_atomic(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, "utf8", newline="\n")
    partial.replace(path)
