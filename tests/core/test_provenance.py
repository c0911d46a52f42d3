"""Where a result comes from: what changes the digest of its code, and what does not."""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import mmfuse_lib
from mmfuse_lib.core import provenance as code
from mmfuse_lib.core.errors import DataError
from mmfuse_lib.runs import Settings
from mmfuse_lib.study.cells import Cell, attempt, compute

OWN = {
    "own/__init__.py": "",
    "own/method.py": """
        from own import parts
        from .base import Base
        from elsewhere.heads import *

        class Mine(Base):
            pass
        """,
    "own/base.py": """
        from mmfuse_lib.methods import JointFusion

        class Base(JointFusion):
            width = 3
        """,
    "own/parts.py": "import numpy as np\n",
    "own/other.py": "x = 1\n",
    "elsewhere/heads.py": "import own_table\n",
    "own_table.py": "",
    "own_data.py": """
        from mmfuse_lib import data

        def load(seed=0):
            import own_table
            return data.load("digit_pairs", seed=seed, n_train=40, n_val=20, n_test=20)
        """,
}
TOP = ("own", "own_table", "own_data", "elsewhere")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of a reader's files; what is loaded from it is forgotten afterwards."""
    for name, text in OWN.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    forget()


def forget() -> None:
    for name in [n for n in (*sys.modules, *code._READ) if n.partition(".")[0] in TOP]:
        sys.modules.pop(name, None)
        code._READ.pop(name, None)
    importlib.invalidate_caches()


def key(**values: Any) -> str:
    """Return the key that a cell has in a new process."""
    forget()
    settings = {"method": "own.method:Mine", "data": "own_data:load", "device": "cpu", "epochs": 1}
    return Cell("row", "column", "entry", Settings.of({**settings, **values})).key


@pytest.mark.parametrize(
    "name", ["own/method.py", "own/base.py", "own/parts.py", "elsewhere/heads.py", "own_data.py",
             "own_table.py"],
)  # fmt: skip
def test_a_change_in_a_readers_file_or_in_one_that_it_imports_makes_another_cell(
    own: Path, name: str
) -> None:
    before = key()
    assert key() == before
    path = own / name
    path.write_text(path.read_text() + "more = 1\n")
    assert key() != before


def test_what_is_not_imported_does_not_count_nor_do_comments_and_docstrings(own: Path) -> None:
    before = key()
    (own / "own" / "other.py").write_text("x = 2\n")
    base = own / "own" / "base.py"
    base.write_text("'''About.'''\n" + base.read_text().replace("width = 3", "width=3  # wide"))
    assert key() == before
    base.write_text(base.read_text().replace("width=3", "'''Doc.'''\n    width = 3"))
    assert key() == before


def test_a_readers_method_depends_on_the_class_of_the_library_that_it_extends(own: Path) -> None:
    found = code.needed(["own.method"])
    assert {"mmfuse_lib.methods.baselines", "mmfuse_lib.methods.base"} <= found
    assert "mmfuse_lib.methods.dimml" not in found
    (own / "own" / "base.py").write_text("from mmfuse_lib import methods\nBase = methods.DIMML\n")
    forget()
    assert "mmfuse_lib.methods.dimml" in code.needed(["own.method"])


def test_a_package_that_is_installed_counts_with_all_its_own_modules(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = own / "site-packages"
    place.mkdir()
    shutil.move(own / "own", place / "own")
    shutil.move(own / "elsewhere", place / "elsewhere")
    monkeypatch.syspath_prepend(str(place))
    found = {name for name in code.needed(["own.method"]) if name.partition(".")[0] in TOP}
    assert found == {"own", "own.method", "own.base", "own.parts"}


def test_code_that_was_edited_but_not_loaded_again_is_the_code_that_runs(own: Path) -> None:
    before = key()
    module = importlib.import_module("own_table")
    first = code.modules_digest(["own_table"])
    (own / "own_table.py").write_text("import math\n")
    assert code.modules_digest(["own_table"]) == first
    importlib.reload(module)
    assert code.modules_digest(["own_table"]) != first
    assert key() != before


def test_a_class_in_no_file_is_never_the_same_and_can_be_computed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from mmfuse_lib.methods import JointFusion

    main = type(sys)("__main__")
    main.Mine = type("Mine", (JointFusion,), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "__main__", main)
    sizes = {"n_train": 40, "n_val": 20, "n_test": 20}
    settings = Settings("__main__:Mine", "digit_pairs", {}, sizes, epochs=1, device="cpu")
    one, other = (Cell("row", "column", "entry", settings) for _ in range(2))
    assert one.code.startswith(code.UNKNOWN)
    assert one.key != other.key
    assert "results" in compute(one)


def test_a_process_with_other_code_does_not_compute(own: Path) -> None:
    settings = Settings("own.method:Mine", "own_data:load", epochs=1, device="cpu")
    cell = Cell("row", "column", "entry", settings)
    assert "results" in attempt(cell)
    edited = Cell("row", "column", "entry", settings, code="0123456789abcdef")
    assert "the code was edited since the study was started" in attempt(edited)["error"]
    with pytest.raises(DataError):
        compute(edited)


# The library's own.


EXPLANATIONS = {"explanations": "mmfuse_lib.explanations.measurement:measure"}
CELLS: dict[str, tuple[str, str, dict[str, str]]] = {
    "DIMML": ("DIMML", "digit_pairs", {}),
    "joint": ("JointFusion", "digit_pairs", {}),
    "speech": ("JointFusion", "spoken_digits", {}),
    "explained": ("JointFusion", "digit_pairs", EXPLANATIONS),
}


def library_keys() -> dict[str, str]:
    return {
        name: Cell("row", "column", "entry", Settings(method, data), {}, measures).key
        for name, (method, data, measures) in CELLS.items()
    }


#: Modules on which all of these cells depend, and the cells that depend on some others.
COMMON = (
    "training.fit", "runs", "evaluation", "encoders.small", "encoders.resnet", "fusion",
    "methods.base", "data.multimodal", "data.synthetic.labels", "core.rng", "study.cells",
)  # fmt: skip
DEPENDS: dict[str, set[str]] = {
    "methods.dimml": {"DIMML", "explained"},
    "methods.baselines": {"joint", "speech", "explained"},
    "methods.dmil": set(),
    "methods": set(),
    "methods.registry": set(),
    "data.registry": set(),
    "data.synthetic.digit_pairs": {"DIMML", "joint", "explained"},
    "data.synthetic.fsdd": {"speech"},
    "data.raw.ave": set(),
    "data": set(),
    "information.estimators.lsmi": {"explained"},
    "plots.style": set(),
    "study.display": set(),
    "study.records": set(),
    **{name: set(CELLS) for name in COMMON},
}


def test_a_change_in_the_library_makes_other_cells_of_what_depends_on_it(
    edit_library: Callable[[str, str], None],
) -> None:
    before = library_keys()
    for module, cells in DEPENDS.items():
        edit_library(module, "\nmore = 1\n")
        after = library_keys()
        assert {name for name in CELLS if after[name] != before[name]} == cells, module
        before = after


def test_a_comment_in_the_library_does_not(edit_library: Callable[[str, str], None]) -> None:
    before = library_keys()
    edit_library("training.fit", "\n\n# A comment.\n")
    edit_library("methods.dimml", "\n\n# A comment.\n")
    assert library_keys() == before


def test_all_modules_of_the_library_are_found_by_their_names() -> None:
    for path in code.FOLDER.rglob("*.py"):
        parts = path.relative_to(code.FOLDER.parent).with_suffix("").parts
        name = ".".join(part for part in parts if part != "__init__")
        assert code.path_of(name) == path
        assert isinstance(code._tree(name), ast.Module)


USES = [
    ("from mmfuse_lib import data\ndata.load('x')", {"data.registry"}),
    ("from mmfuse_lib import methods as m\nm.DIMML\nm.DMIL", {"methods.dimml", "methods.dmil"}),
    ("import mmfuse_lib\nmmfuse_lib.methods.DIMML.for_data", {"methods.dimml"}),
    ("import mmfuse_lib.plots as p\np.use_style()", {"plots.style"}),
    ("from mmfuse_lib import fit, mean_interval", {"training.fit", "core.intervals"}),
    ("from mmfuse_lib.methods import dmil", {"methods.dmil"}),
    ("from mmfuse_lib import methods\ngetattr(methods, name)", {"methods"}),
    ("from mmfuse_lib.methods import *", {"methods"}),
    ("from mmfuse_lib import methods", set()),
]


@pytest.mark.parametrize(("text", "modules"), USES)
def test_of_a_package_counts_what_is_used(text: str, modules: set[str]) -> None:
    found = code.imports_of(ast.parse(text))
    assert {name.removeprefix("mmfuse_lib.") for name in found} == modules


def test_a_package_that_is_used_as_a_whole_is_all_that_it_hands_on() -> None:
    found = code.needed(["mmfuse_lib.methods"])
    assert {f"mmfuse_lib.methods.{name}" for name in ("dimml", "dmil", "registry")} <= found


# What else a result says of where it comes from.


def test_a_result_says_what_it_was_made_by_with_and_on() -> None:
    found = code.provenance(["mmfuse_lib.core.files"], command="x", device="cpu")
    assert found["command"] == "x"
    assert found["device"] == "cpu"
    assert found["code"] == code.modules_digest(["mmfuse_lib.core.files"])
    assert found["version"] == mmfuse_lib.__version__
    assert set(found["versions"]) == {"python", *code.PACKAGES}
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found["date"])
    assert found["system"]
    assert found["processor"]
    assert not {"command", "device", "code"} & set(code.provenance())


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_commit_is_that_of_the_librarys_own_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def commit() -> tuple[str | None, bool | None]:
        found: tuple[str | None, bool | None] = code._commit.__wrapped__()
        return found

    library = tmp_path / "repository" / "mmfuse_lib"
    library.mkdir(parents=True)
    monkeypatch.setattr(code, "FOLDER", library)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert commit() == (None, None)
    (library / "x.py").write_text("x = 1\n")
    git(library.parent, "init", "-q")
    git(library.parent, "add", ".")
    git(library.parent, "commit", "-q", "-m", "x")
    head = git(library.parent, "rev-parse", "HEAD")
    assert commit() == (head, False)
    (library.parent / "results.json").write_text("{}")
    assert commit() == (head, False)
    (library / "x.py").write_text("x = 2\n")
    assert commit() == (head, True)

    installed = library.parent / "venv" / "site-packages" / "mmfuse_lib"
    installed.mkdir(parents=True)
    monkeypatch.setattr(code, "FOLDER", installed)
    assert commit() == (None, None)
    monkeypatch.setenv("PATH", str(tmp_path))  # no git
    assert commit() == (None, None)
