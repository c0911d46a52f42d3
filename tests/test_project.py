"""The files that say what the project needs and is agree with each other.

Each check is a function from texts to disagreements, so that it can be shown to fail.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import mmfuse_lib
from book.targets import TARGETS, VARIABLES

THIS = Path(__file__).resolve()
ROOT = THIS.parents[1]
EXTRAS = ("book", "test")
#: Extras of those who make the book or read it, not of those who use the library.
TOOLS = {*EXTRAS, "chapters", "lab"}
Texts = dict[str, str]
FILES = (
    "pyproject.toml",
    "constraints.txt",
    "environment.yml",
    "README.md",
    "CITATION.cff",
    "Makefile",
    "book/environment.py",
    ".binder/runtime.txt",
    ".binder/postBuild",
    ".devcontainer/devcontainer.json",
    *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob(".github/workflows/*.yml"))),
)


def project(texts: Texts) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(texts["pyproject.toml"])["project"]
    return found


def requirements(texts: Texts) -> list[Requirement]:
    facts = project(texts)
    lines = list(facts["dependencies"])
    for extra in EXTRAS:
        lines += facts["optional-dependencies"][extra]
    found = [Requirement(line) for line in lines]
    for needed in [needed for needed in found if needed.name == facts["name"]]:
        found.remove(needed)  # an extra that contains others
        for extra in needed.extras:
            found += map(Requirement, facts["optional-dependencies"][extra])
    return found


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
    if f"EXTRAS = {EXTRAS}".replace("'", '"') not in texts["book/environment.py"]:
        found.append("`make setup` installs something else")
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
    """Compare what CITATION.cff says with the package; the addresses there are the original's."""
    citation = yaml.safe_load(texts["CITATION.cff"])
    found = []
    if citation["version"] != mmfuse_lib.__version__:
        found.append(f"CITATION.cff is of version {citation['version']}")
    # Zenodo describes a release by CITATION.cff, the package index by pyproject.toml.
    for theirs, ours in {
        "abstract": "description", "keywords": "keywords", "license": "license"
    }.items():  # fmt: skip
        if citation[theirs] != project(texts)[ours]:
            found.append(f"CITATION.cff has {theirs} {citation[theirs]!r}")
    owner, name = citation["repository-code"].removeprefix("https://github.com/").split("/")
    if citation["url"] != f"https://{owner}.github.io/{name}/":
        found.append(f"CITATION.cff says the site is {citation['url']}")
    return found


def unknown_targets(texts: Texts) -> list[str]:
    """List `make` targets that a workflow or the README calls and the Makefile lacks."""
    called = {
        target
        for name, text in texts.items()
        if name.startswith((".github", ".devcontainer")) or name == "README.md"
        for target in re.findall(r"(?:run: |^|[`\"])make ([a-z]+)", text, re.MULTILINE)
    }
    return sorted(called - set(made(texts)))


def made(texts: Texts) -> list[str]:
    """List the targets of the Makefile."""
    (names,) = re.findall(r"^TARGETS := ((?:.*\\\n)*.*)$", texts["Makefile"], re.MULTILINE)
    return [name for name in names.split() if name != "\\"]


def other_targets(texts: Texts) -> list[str]:
    """Compare the targets of the Makefile with those of ``python -m book``, which it calls."""
    found = sorted(set(made(texts)) ^ set(TARGETS))
    return found if "$(TARGETS):\n\t@$(PYTHON) -m book $@\n" in texts["Makefile"] else ["the rule"]


def wrong_services(texts: Texts) -> list[str]:
    """Compare what Binder and the devcontainer are made of with what everybody else has."""
    found = []
    python = texts[".binder/runtime.txt"].strip().removeprefix("python-")
    container = json.loads(texts[".devcontainer/devcontainer.json"])
    conda = yaml.safe_load(texts["environment.yml"])["dependencies"]
    if f"python={python}" not in conda or container["image"] != f"python:{python}":
        found.append(f"not everybody has Python {python}")
    if " -c constraints.txt -e .\n" not in texts[".binder/postBuild"].replace("\\\n ", ""):
        found.append("Binder does not follow constraints.txt")
    if "--torch-backend cpu" not in texts[".binder/postBuild"]:
        found.append("Binder takes a torch for GPUs")
    known = {"name", "image", "containerEnv", "postCreateCommand", "customizations"}
    found += [f"devcontainer.json: what is {name}?" for name in container.keys() - known]
    if container["containerEnv"].keys() - VARIABLES.keys():
        found.append(f"devcontainer.json sets {sorted(container['containerEnv'])}")
    inside = container["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    if inside != f"{container['containerEnv']['VENV']}/bin/python":
        found.append(f"VS Code looks for {inside}")
    return found


def workflows(texts: Texts) -> dict[str, str]:
    return {name: text for name, text in texts.items() if name.startswith(".github/workflows/")}


def unpinned_actions(texts: Texts) -> list[str]:
    """List actions that are not named by a full commit and, in a comment, its version."""
    pinned = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$")
    found = [
        f"{name}: {line.strip()}"
        for name, text in workflows(texts).items()
        for line in text.splitlines()
        if "uses:" in line and not pinned.search(line)
    ]
    commits: dict[str, set[str]] = {}
    for text in workflows(texts).values():
        for action, commit in re.findall(r"uses: (\S+)@(\S+)", text):
            commits.setdefault(action, set()).add(commit)
    return found + [f"{action} at {sorted(at)}" for action, at in commits.items() if len(at) > 1]


def wide_permissions(texts: Texts) -> list[str]:
    """List workflows that may write everywhere, and jobs that may write what they need not."""
    needed = {
        (".github/workflows/publish.yml", "deploy"): {"pages": "write", "id-token": "write"},
        (".github/workflows/release.yml", "pypi"): {"id-token": "write"},
        (".github/workflows/release.yml", "github"): {"contents": "write"},
    }
    found = []
    for name, text in workflows(texts).items():
        workflow = yaml.safe_load(text)
        if workflow.get("permissions") != {"contents": "read"}:
            found.append(f"{name} may {workflow.get('permissions', 'everything')}")
        for job, steps in workflow["jobs"].items():
            if steps.get("permissions") != needed.get((name, job)):
                found.append(f"{name}: {job} may {steps.get('permissions')}")
    return found


CHECKS: list[Callable[[Texts], list[str]]] = [
    unpinned,
    upper_bounded,
    local_versions,
    wrong_environment,
    wrong_pythons,
    wrong_metadata,
    unknown_targets,
    other_targets,
    wrong_services,
    unpinned_actions,
    wide_permissions,
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
    (wrong_environment, "book/environment.py", '("book", "test")', '("book",)'),
    (wrong_pythons, "pyproject.toml", ">=3.11", ">=3.12"),
    (wrong_pythons, "pyproject.toml", ">=3.11", ">=3.10"),
    (wrong_pythons, "pyproject.toml", '  "Programming Language :: Python :: 3.13",\n', ""),
    (wrong_pythons, ".github/workflows/ci.yml", '"3.12", ', ""),
    (wrong_pythons, "README.md", "3.12 or 3.13", "3.12"),
    (wrong_metadata, "CITATION.cff", "version: 0", "version: 9"),
    (wrong_metadata, "CITATION.cff", "https://github.com/", "https://github.com/other-"),
    (wrong_metadata, "CITATION.cff", "license: MIT", "license: BSD-3-Clause"),
    (wrong_metadata, "CITATION.cff", "  - synergy\n", ""),
    (unknown_targets, ".github/workflows/publish.yml", "make book", "make paper"),
    (unknown_targets, ".devcontainer/devcontainer.json", "make setup", "make container"),
    (other_targets, "Makefile", "times serve", "serve"),
    (other_targets, "Makefile", " clean\n", " clean paper\n"),
    (other_targets, "Makefile", "@$(PYTHON) -m book $@", "@$(PYTHON) -m book.build $@"),
    (wrong_services, ".binder/runtime.txt", "3.11", "3.12"),
    (wrong_services, ".binder/postBuild", "-c constraints.txt", ""),
    (wrong_services, ".binder/postBuild", "--torch-backend cpu", ""),
    (wrong_services, ".devcontainer/devcontainer.json", "python:3.11", "python:3.10"),
    (wrong_services, ".devcontainer/devcontainer.json", '"image"', '"build": "", "image"'),
    (wrong_services, ".devcontainer/devcontainer.json", '"VENV"', '"VIRTUAL": "", "VENV"'),
    (wrong_services, ".devcontainer/devcontainer.json", '"/opt/mmfuse"', '"/opt/other"'),
    (unpinned_actions, ".github/workflows/ci.yml", " # v4.2.2", ""),
    (
        unpinned_actions,
        ".github/workflows/ci.yml",
        "@11bd71901bbe5b1630ceea73d27597364c9af683",
        "@v4",
    ),
    (unpinned_actions, ".github/workflows/ci.yml", "@11bd7190", "@22bd7190"),
    (wide_permissions, ".github/workflows/ci.yml", "permissions:\n  contents: read\n", ""),
    (wide_permissions, ".github/workflows/weekly.yml", "contents: read", "contents: write"),
    (
        wide_permissions,
        ".github/workflows/release.yml",
        "      id-token: write",
        "      actions: write",
    ),
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


#: What no program imports: the file that names it, and how it is called there.
NAMED = {
    "ipykernel": ("book/pipeline/execution.py", 'kernel_name="python3"'),
    "jupyter-book": ("book/pipeline/site.py", '"jupyter-book"'),
    "mypy": ("book/targets.py", '"-m mypy"'),
    "nbval": ("book/pipeline/validation.py", '"--nbval"'),
    "pytest-xdist": ("book/targets.py", "pytest -n"),
    "ruff": ("book/targets.py", '"-m ruff'),
    "sphinx-book-theme": ("book/_static/mmfuse.css", ".bd-article"),
    "sphinx-proof": ("_config.yml", "- sphinx_proof"),
}
#: The distributions that bring each top-level name: yaml comes with PyYAML.
DISTRIBUTIONS = metadata.packages_distributions()


def programs(*folders: str) -> list[str]:
    files = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return [path.read_text("utf8") for path in files]


@cache
def imports(program: str) -> frozenset[str]:
    """Return the top-level names that a program imports, by ``import_module("x")`` as well."""
    found = []
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append(node.module)
        elif isinstance(node, ast.Call) and re.search(
            r"\b(import_module|importorskip)$", ast.unparse(node.func)
        ):
            found += [str(a.value) for a in node.args[:1] if isinstance(a, ast.Constant)]
    return frozenset(name.partition(".")[0] for name in found)


def distributions(names: Iterable[str]) -> set[str]:
    return {canonicalize_name(d) for name in names for d in DISTRIBUTIONS.get(name, [])}


def unused(texts: Texts, used: Iterable[str]) -> list[str]:
    """List dependencies that no program imports, less types of others and what is `NAMED`."""
    needed = {canonicalize_name(needed.name) for needed in requirements(texts)}
    types = {name for name in needed if re.sub("^types-|-stubs$", "", name) in needed - {name}}
    imported = distributions(frozenset().union(*map(imports, used)))
    return sorted(needed - imported - types - set(NAMED)) + sorted(imported & set(NAMED))


def undeclared(texts: Texts, library: Iterable[str]) -> list[str]:
    """List what the library imports that is neither a dependency nor one of its extras."""
    extras = project(texts)["optional-dependencies"]
    lines = project(texts)["dependencies"] + [
        line for extra in extras.keys() - TOOLS for line in extras[extra]
    ]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    names = frozenset().union(*map(imports, library)) - sys.stdlib_module_names - {"mmfuse_lib"}
    return sorted(name for name in names if not distributions([name]) & declared)


def test_every_dependency_is_used(texts: Texts) -> None:
    everything = programs("mmfuse_lib", "book", "notebooks", "tests", "benchmarks")
    assert unused(texts, everything) == []
    without = [text for text in everything if "seaborn" not in imports(text)]
    assert unused(texts, without) == ["seaborn"]
    broken = texts["pyproject.toml"].replace('"torch>=2.4"', '"torch>=2.4", "nowhere>=1"')
    assert unused(texts | {"pyproject.toml": broken}, everything) == ["nowhere"]
    assert unused(texts, [*everything, "import nbval"]) == ["nbval"]


@pytest.mark.parametrize(("path", "call"), NAMED.values(), ids=NAMED)
def test_what_nothing_imports_is_called_by_name(path: str, call: str) -> None:
    assert call in (ROOT / path).read_text("utf8")


def test_the_library_imports_only_what_is_declared(texts: Texts) -> None:
    library = programs("mmfuse_lib")
    assert undeclared(texts, library) == []
    more = ["import papermill.execute", "from .x import y", 'f = import_module("hypothesis.core")']
    assert undeclared(texts, library + more) == ["hypothesis", "papermill"]
    broken = texts["pyproject.toml"].replace('  "PyYAML>=6.0",\n', "")
    assert undeclared(texts | {"pyproject.toml": broken}, library) == ["yaml"]
