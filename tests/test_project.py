"""The files that say what the project needs and is agree with each other.

Each check is a function from texts to disagreements, so that it can be shown to fail.
"""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import mmfuse_lib

THIS = Path(__file__).resolve()
ROOT = THIS.parents[1]
EXTRAS = ("book", "test")
Texts = dict[str, str]
FILES = (
    "pyproject.toml",
    "constraints.txt",
    "environment.yml",
    "README.md",
    "CITATION.cff",
    "_config.yml",
    "Makefile",
    ".github/workflows/ci.yml",
    ".github/workflows/publish.yml",
    ".github/workflows/weekly.yml",
)


def project(texts: Texts) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(texts["pyproject.toml"])["project"]
    return found


def requirements(texts: Texts) -> list[Requirement]:
    facts = project(texts)
    lines = list(facts["dependencies"])
    for extra in EXTRAS:
        lines += facts["optional-dependencies"][extra]
    return [Requirement(line) for line in lines]


def pins(texts: Texts) -> dict[str, str]:
    lines = (line.split("#")[0].strip() for line in texts["constraints.txt"].splitlines())
    pairs = (line.split("==") for line in lines if line)
    return {canonicalize_name(name): version for name, version in pairs}


def supported(texts: Texts) -> list[str]:
    """Return the Python versions that the classifiers name."""
    start = "Programming Language :: Python :: 3."
    return [c.rpartition(" ")[2] for c in project(texts)["classifiers"] if c.startswith(start)]


def unpinned(texts: Texts) -> list[str]:
    """List dependencies without a pin that satisfies them."""
    found = []
    for needed in requirements(texts):
        pin = pins(texts).get(canonicalize_name(needed.name))
        if pin is None or not needed.specifier.contains(pin, prereleases=True):
            found.append(f"{needed} is pinned to {pin}")
    return found


def upper_bounded(texts: Texts) -> list[str]:
    """List dependencies with more than a lower bound: Colab brings its own torch."""
    needed = [Requirement(line) for line in project(texts)["dependencies"]]
    return [str(n) for n in needed if [s.operator for s in n.specifier] != [">="]]


def local_versions(texts: Texts) -> list[str]:
    """List pins that only some machine can install: local versions, addresses, paths."""
    return [line for line in texts["constraints.txt"].splitlines() if re.match(r"[^#]*[+@/]", line)]


def wrong_environment(texts: Texts) -> list[str]:
    """Compare the conda environment with what `make setup` installs."""
    entries = yaml.safe_load(texts["environment.yml"])["dependencies"]
    pip: list[str] = next((entry["pip"] for entry in entries if isinstance(entry, dict)), [])
    extras = f"-e .[{','.join(EXTRAS)}]"
    found = [
        f"pip section lacks {line}" for line in ("-c constraints.txt", extras) if line not in pip
    ]
    if f"-c constraints.txt -e '.[{','.join(EXTRAS)}]'" not in texts["Makefile"]:
        found.append("the Makefile installs something else")
    if len(pip) != 2:
        found.append(f"pip section lists more than constraints and the project: {pip}")
    python = next((str(e).partition("=")[2] for e in entries if str(e).startswith("python=")), "")
    if python not in supported(texts):
        found.append(f"python={python} is not a supported version")
    return found


def wrong_pythons(texts: Texts) -> list[str]:
    """Compare the places that name the supported Python versions."""
    versions = supported(texts)
    required = SpecifierSet(project(texts)["requires-python"])
    found = [f"requires-python excludes {v}" for v in versions if not required.contains(v)]
    oldest = min(versions, key=lambda v: int(v.partition(".")[2]))
    if required.contains(f"3.{int(oldest.partition('.')[2]) - 1}"):
        found.append(f"requires-python allows versions before {oldest}")
    jobs = yaml.safe_load(texts[".github/workflows/ci.yml"])["jobs"]
    tested = jobs["test"]["strategy"]["matrix"]["python"]
    if tested != versions:
        found.append(f"ci.yml tests {tested}, the classifiers name {versions}")
    sentence = f"Python {', '.join(versions[:-1])} or {versions[-1]}"
    if sentence not in texts["README.md"]:
        found.append(f"README.md does not say {sentence!r}")
    return found


def wrong_metadata(texts: Texts) -> list[str]:
    """Compare version and addresses wherever they are written."""
    citation = yaml.safe_load(texts["CITATION.cff"])
    urls = project(texts)["urls"]
    config = yaml.safe_load(texts["_config.yml"])
    found = []
    if citation["version"] != mmfuse_lib.__version__:
        found.append(f"CITATION.cff is of version {citation['version']}")
    for where, address in {
        "CITATION.cff": citation["repository-code"],
        "_config.yml": config["repository"]["url"],
    }.items():
        if address != urls["Repository"]:
            found.append(f"{where} says the repository is {address}")
    for where, address in {
        "CITATION.cff": citation["url"],
        "_config.yml": config["html"]["baseurl"],
    }.items():
        if address != urls["Homepage"]:
            found.append(f"{where} says the site is {address}")
    found += [
        f"README.md lacks {url}" for url in urls.values() if f"<{url}>" not in texts["README.md"]
    ]
    return found


def unknown_targets(texts: Texts) -> list[str]:
    """List `make` targets that a workflow or the README calls and the Makefile lacks."""
    targets = set(re.findall(r"^([a-z]+):", texts["Makefile"], re.MULTILINE))
    called = {
        target
        for name, text in texts.items()
        if name.startswith(".github") or name == "README.md"
        for target in re.findall(r"(?:run: |^|`)make ([a-z]+)", text, re.MULTILINE)
    }
    return sorted(called - targets)


CHECKS: list[Callable[[Texts], list[str]]] = [
    unpinned,
    upper_bounded,
    local_versions,
    wrong_environment,
    wrong_pythons,
    wrong_metadata,
    unknown_targets,
]
# (check, file, what is there, what breaks it)
BREAKS: list[tuple[Callable[[Texts], list[str]], str, str, str]] = [
    (unpinned, "pyproject.toml", '"torch>=2.4"', '"torch>=99"'),
    (unpinned, "pyproject.toml", '"torch>=2.4"', '"torch>=2.4", "nowhere>=1"'),
    (unpinned, "constraints.txt", "papermill==", "papermill-other=="),
    (upper_bounded, "pyproject.toml", '"torch>=2.4"', '"torch>=2.4,<3"'),
    (local_versions, "constraints.txt", "torch==2.13.0", "torch==2.13.0+cpu"),
    (local_versions, "constraints.txt", "torch==2.13.0", "torch @ file:///torch.whl"),
    (wrong_environment, "environment.yml", "[book,test]", "[book]"),
    (wrong_environment, "environment.yml", "-c constraints.txt", "numpy"),
    (wrong_environment, "environment.yml", "python=3.11", "python=3.9"),
    (wrong_environment, "Makefile", "'.[book,test]'", "'.[book]'"),
    (wrong_pythons, "pyproject.toml", ">=3.11", ">=3.12"),
    (wrong_pythons, "pyproject.toml", ">=3.11", ">=3.10"),
    (wrong_pythons, "pyproject.toml", '  "Programming Language :: Python :: 3.13",\n', ""),
    (wrong_pythons, ".github/workflows/ci.yml", '"3.12", ', ""),
    (wrong_pythons, "README.md", "3.12 or 3.13", "3.12"),
    (wrong_metadata, "CITATION.cff", "version: 0", "version: 9"),
    (wrong_metadata, "CITATION.cff", "github.com/mmfuse", "github.com/other"),
    (wrong_metadata, "_config.yml", "github.com/mmfuse", "github.com/other"),
    (wrong_metadata, "_config.yml", "mmfuse.github.io", "other.github.io"),
    (wrong_metadata, "README.md", "<https://mmfuse.github.io", "<https://other.github.io"),
    (unknown_targets, ".github/workflows/publish.yml", "make book", "make paper"),
]


@pytest.fixture
def texts() -> Texts:
    return {name: (ROOT / name).read_text("utf8") for name in FILES}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_files_agree(check: Callable[[Texts], list[str]], texts: Texts) -> None:
    assert check(texts) == []


@pytest.mark.parametrize(("check", "name", "before", "after"), BREAKS)
def test_check_fails_on_a_broken_copy(
    check: Callable[[Texts], list[str]], name: str, before: str, after: str, texts: Texts
) -> None:
    assert before in texts[name]
    assert check(texts | {name: texts[name].replace(before, after)})


@pytest.mark.skipif(
    os.environ.get("MMFUSE_PINNED") != "1", reason="the environment need not be the pinned one"
)
def test_installed_versions_are_the_pinned_ones(texts: Texts) -> None:
    pinned = pins(texts)
    for needed in requirements(texts):
        installed = metadata.version(needed.name).partition("+")[0]
        assert installed == pinned[canonicalize_name(needed.name)], needed.name


def private_places(text: str) -> list[str]:
    """List what in a text works on one machine only."""
    return re.findall(r"file:///\S+|/(?:home|Users|root)/\S+", text) + re.findall(
        re.escape(str(ROOT)) + r"\b", text
    )


def published() -> list[Path]:
    """List the text files of the repository, less what is generated and this one."""
    folders = ("mmfuse_lib", "book", "notebooks", "tests", ".github", ".ci")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    files += [path for path in ROOT.iterdir() if path.name != ".git"]
    kinds = {".py", ".md", ".yml", ".toml", ".txt", ".ipynb", ".json", ".cff", ".bib", ""}
    caches = re.compile(r"/(\.\w+_cache|__pycache__)/")
    return [
        path
        for path in files
        if path.is_file() and path.suffix in kinds and path != THIS and not caches.search(str(path))
    ]


def test_no_file_names_a_private_place() -> None:
    assert private_places("pip @ file:///wheels/pip.whl")
    assert private_places(f"cd {ROOT}")
    found = {path: private_places(path.read_text("utf8", "replace")) for path in published()}
    assert {path: places for path, places in found.items() if places} == {}


def scrambled(text: str) -> list[int]:
    """List lines that call ``.unstack(.., sort=..)``: pandas 2.2 puts values into wrong cells."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "unstack"
        and (len(node.args) > 2 or any(keyword.arg in ("sort", None) for keyword in node.keywords))
    ]


def test_no_table_is_unstacked_unsorted() -> None:
    """``unstack(level=0, sort=False)`` is right on pandas 3.1 and wrong on Colab's 2.2.3."""
    assert scrambled("a.b.unstack(level=0, sort=False)\nunstack(sort=False)\na.unstack()") == [1]
    assert scrambled("a\na.unstack(0, None, False)\na.unstack(**options)\na.unstack(0)") == [2, 3]
    folders = ("notebooks", "mmfuse_lib", "benchmarks", "reproduce", "book", "tests")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    found = {path.relative_to(ROOT): scrambled(path.read_text("utf8")) for path in files}
    assert {path: lines for path, lines in found.items() if lines} == {}
