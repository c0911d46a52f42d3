"""Nothing imports upwards: every part of the library uses only what stands below it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mmfuse_lib
from mmfuse_lib.core.provenance import LIBRARY, imports_of

FOLDER = Path(mmfuse_lib.__file__).parent

#: From the ground up. Rooms of one floor do not import each other.
FLOORS: list[set[str]] = [
    {"core"},
    {"information"},
    {"data"},
    {"encoders", "fusion"},
    {"methods"},
    {"training"},
    {"evaluation"},
    {"runs"},
    {"explanations", "course"},
    {"study"},
    {"cli"},
    {"__main__"},
]
#: What a room may import beside itself; plots draw what they are given, whoever made it.
BELOW = {room: set().union(*FLOORS[:k]) for k, floor in enumerate(FLOORS) for room in floor} | {
    "plots": {"core"}
}


def name_of(path: Path) -> str:
    parts = path.relative_to(FOLDER.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def room_of(module: str) -> str:
    return module.partition(".")[2].partition(".")[0]


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


class WithoutTypes(ast.NodeTransformer):
    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        return node.orelse if is_type_checking(node) else self.generic_visit(node)


def upward(module: str, source: str) -> list[str]:
    """List what a module of the library imports and may not."""
    room = room_of(module)
    if room not in BELOW:
        return [f"{room} has no floor: give it one in this test and in the design"]
    tree = WithoutTypes().visit(ast.parse(source))
    rooms = {m: room_of(m) for m in imports_of(tree, module) if m.partition(".")[0] == LIBRARY}
    return sorted(m for m, other in rooms.items() if other not in BELOW[room] | {room})


def test_nothing_imports_upwards() -> None:
    files = [path for path in FOLDER.rglob("*.py") if name_of(path) != LIBRARY]
    assert len(files) > 80
    found = {name_of(path): upward(name_of(path), path.read_text("utf8")) for path in files}
    assert {module: names for module, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("information.estimators.x", "from mmfuse_lib.training.fit import fit", ["training.fit"]),
        ("information.x", "def f():\n  from mmfuse_lib import fit\n  fit()", ["training.fit"]),
        ("data.x", "import mmfuse_lib.methods.dmil", ["methods.dmil"]),
        ("data.x", "from ..methods import DMIL", ["methods.dmil"]),
        ("data.x", "from mmfuse_lib import methods as m\nm.get", ["methods.registry"]),
        ("data.x", "from mmfuse_lib import methods as m\nf(m)", ["methods"]),
        ("fusion", "from mmfuse_lib.encoders.small import ImageEncoder", ["encoders.small"]),
        ("plots.x", "from mmfuse_lib.data import INTERACTIONS", ["data.multimodal"]),
        ("runs", "from mmfuse_lib.data import load\nfrom mmfuse_lib.training import fit", []),
        ("plots.x", "import typing\nif typing.TYPE_CHECKING:\n  import mmfuse_lib.runs", []),
        ("attic.x", "", ["attic has no floor: give it one in this test and in the design"]),
    ],
)
def test_the_check_sees_it(module: str, source: str, found: list[str]) -> None:
    named = [name.removeprefix(f"{LIBRARY}.") for name in upward(f"{LIBRARY}.{module}", source)]
    assert named == found
