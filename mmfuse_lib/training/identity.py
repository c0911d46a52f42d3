"""What makes a run this run and no other: settings that can be read, digests of all else.

Everything here is the same in another process, so that a run can be continued there.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmfuse_lib.methods.base import Recipe

Plain = str | int | float | bool | None

#: The setting that lists the parameters that are not trained.
FROZEN = "frozen parameters"

#: What an `nn.Module` keeps for itself: no options of its owner.
_INTERNAL = frozenset(vars(nn.Module()))


@dataclass
class Identity:
    """What is compared when a run is to be continued.

    Attributes
    ----------
    settings : dict of str to plain values
        By name; what belongs to a part has the name of the whole before a dot.
    digests : dict of str to str
        Of what is too large to be read: weights, data, code.
    """

    settings: dict[str, Plain] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    _inside: list[int] = field(default_factory=list, repr=False, compare=False)

    def differences(self, other: Identity) -> list[str]:
        """Say in what this run differs from another one, settings before digests."""
        names = dict.fromkeys((*self.settings, *other.settings))
        found = [
            f"{name} is {_shown(self.settings, name)}, there it is {_shown(other.settings, name)}"
            for name in names
            if not _equal(self.settings, other.settings, name)
        ]
        names = dict.fromkeys((*self.digests, *other.digests))
        return found + [
            f"it has other {name}"
            for name in names
            if self.digests.get(name) != other.digests.get(name)
        ]

    def add(self, name: str, value: object) -> None:
        """Note a value; of functions the code, and what they were given beforehand."""
        value = inspect.unwrap(value) if callable(value) else value
        if isinstance(value, partial):
            self.add(name, value.func)
            self._add_all(name, {**dict(enumerate(value.args)), **value.keywords})
        elif isinstance(value, Mapping):
            self._add_all(name, value)
        elif isinstance(value, FunctionType | MethodType | type):
            self.settings[name] = full_name(value)
            self._add_code(name, value)
            if isinstance(value, FunctionType):
                self._add_all(name, _given(value))
        else:
            self.settings[name] = _plain(value)
            if not (isinstance(value, nn.Module) or _is_installed(type(value))):
                self._add_code(name, type(value))
                self._add_all(name, vars(value) if hasattr(value, "__dict__") else {})

    def _add_all(self, name: str, values: Mapping[Any, object]) -> None:
        if id(values) not in self._inside:  # what contains itself has no end
            self._inside.append(id(values))
            for key, value in values.items():
                self.add(f"{name}.{key}", value)
            self._inside.pop()

    def _add_code(self, name: str, value: Any) -> None:
        if not _is_installed(value):
            self.digests[f"code of {name}"] = code_digest(value)

    def add_model(self, model: nn.Module) -> None:
        """Note of a model and its parts: their classes and options, the code of these, weights."""
        self.settings["method"] = full_name(type(model))
        for path, module in model.named_modules():
            if path:
                self.settings[path] = full_name(type(module))
            self._add_code(full_name(type(module)), type(module))
            state: object = module.__getstate__()  # what goes into copies: no passing remarks
            for name, value in (state if isinstance(state, dict) else vars(module)).items():
                if name not in _INTERNAL and not isinstance(value, Recipe):
                    self.add(f"{path}.{name}" if path else name, value)
        frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
        self.settings[FROZEN] = ", ".join(frozen)
        self.digests["initial weights"] = tensor_digest(model.state_dict())


def full_name(value: Any) -> str:
    """Return the module and the qualified name of a class or function."""
    return f"{value.__module__}.{value.__qualname__}"


def tensor_digest(tensors: Mapping[str, Tensor]) -> str:
    """Return a digest of tensors: names, types, shapes and values."""
    digest = hashlib.blake2b(digest_size=16)
    for name, x in tensors.items():
        digest.update(f"{name} {tuple(x.shape)} {x.dtype}".encode())
        flat = x.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def code_digest(value: object) -> str:
    """Return a digest of the code of a function or class, and of that of its owner it calls.

    Covered are the bytecode, defaults, and what is found under the names that the code uses; of
    classes, the attributes of all bases. What was installed (torch, say) counts by its name only.
    Comments, docstrings and line numbers do not count.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in _code_parts(value, seen=set()):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()


def _code_parts(value: object, seen: set[int]) -> Iterator[str]:
    """Yield texts that change when the code does."""
    if isinstance(value, staticmethod | classmethod | MethodType):
        value = value.__func__
    if isinstance(value, property):
        for method in (value.fget, value.fset):
            yield from _code_parts(method, seen)
    value = inspect.unwrap(value) if callable(value) else value
    if isinstance(value, FunctionType | type):
        yield full_name(value)
        if id(value) in seen or _is_installed(value):
            return
        seen.add(id(value))
        parts = _parts_of_class(value) if isinstance(value, type) else _parts_of_function(value)
        for part in parts:
            yield from _code_parts(part, seen)
    elif isinstance(value, CodeType):
        yield value.co_code.hex()
        yield value.co_exceptiontable.hex()
        yield " ".join(value.co_names)
        for constant in value.co_consts:
            yield from _code_parts(constant, seen)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _code_parts(part, seen)
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield str(name)
            yield from _code_parts(part, seen)
    else:
        yield str(_plain(value))


def _parts_of_class(kind: type) -> Iterator[object]:
    for base in kind.__mro__:
        if _is_installed(base):
            yield full_name(base)
            continue
        for name, value in sorted(vars(base).items()):
            if callable(value) or not name.startswith("__"):
                yield name
                yield value


def _parts_of_function(function: FunctionType) -> Iterator[object]:
    code = function.__code__
    yield code.replace(co_consts=tuple(c for c in code.co_consts if c != function.__doc__))
    yield from _given(function).items()
    for name in sorted(set(_names_in(code)) & set(function.__globals__)):
        yield name
        yield function.__globals__[name]


def _names_in(code: CodeType) -> Iterator[str]:
    """Yield the global names and attributes that code, or a function in it, uses."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _given(function: FunctionType) -> dict[str, object]:
    """Return what a function has before it is called: closed-over values and defaults."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    closed = {name: _content(cell) for name, cell in cells if name != function.__name__}
    parameters = inspect.signature(function).parameters.values()
    return closed | {p.name: p.default for p in parameters if p.default is not p.empty}


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not yet bound
        return None


def _plain(value: object) -> Plain:
    """Return plain values as they are, arrays as digests, the unknown as the name of its type."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, nn.Parameter):
        return "a parameter"
    if isinstance(value, Tensor):
        return f"tensor {tensor_digest({'': value})}"
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        return f"array {hashlib.blake2b(value.tobytes(), digest_size=16).hexdigest()}"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(repr(_plain(x)) for x in value))}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(str(_plain(x)) for x in value)}]"
    if isinstance(value, bytes | Path | torch.device | torch.dtype):
        return repr(value)
    return full_name(value if hasattr(value, "__qualname__") else type(value))


def _equal(one: Mapping[str, Plain], other: Mapping[str, Plain], name: str) -> bool:
    if (name in one) != (name in other):
        return False
    a, b = one.get(name), other.get(name)
    return a == b or (a != a and b != b)  # NaN is NaN here


def _shown(settings: Mapping[str, Plain], name: str) -> str:
    if name not in settings:
        return "not set"
    text = str(settings[name]) or "empty"
    return text if len(text) <= 80 else f"{text[:77]}..."


def _is_installed(value: Any) -> bool:
    """Tell whether a class or function is of an installed package: its name says what it is."""
    return _is_installed_module(str(value.__module__))


@cache
def _is_installed_module(name: str) -> bool:
    if name.partition(".")[0] in ("__main__", "mmfuse_lib"):
        return False
    if name not in sys.modules:  # made by exec, as in a notebook
        return False
    file = getattr(sys.modules[name], "__file__", None)
    if file is None:
        return True
    path = Path(file).resolve()
    is_standard = path.is_relative_to(Path(sysconfig.get_path("stdlib")).resolve())
    return is_standard or bool({"site-packages", "dist-packages"} & set(path.parts))
