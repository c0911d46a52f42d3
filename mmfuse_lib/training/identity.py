"""What makes a run this run and no other: settings that can be read, digests of all else.

Everything here is the same in another process, so that a run can be continued there.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmfuse_lib.core.provenance import full_name, given_to, is_installed, object_digest
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
                self._add_all(name, given_to(value))
        else:
            self.settings[name] = _plain(value)
            if not (isinstance(value, nn.Module) or is_installed(type(value))):
                self._add_code(name, type(value))
                self._add_all(name, vars(value) if hasattr(value, "__dict__") else {})

    def _add_all(self, name: str, values: Mapping[Any, object]) -> None:
        if id(values) not in self._inside:  # what contains itself has no end
            self._inside.append(id(values))
            for key, value in values.items():
                self.add(f"{name}.{key}", value)
            self._inside.pop()

    def _add_code(self, name: str, value: Any) -> None:
        if not is_installed(value):
            self.digests[f"code of {name}"] = object_digest(value, _plain)

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


def tensor_digest(tensors: Mapping[str, Tensor]) -> str:
    """Return a digest of tensors: names, types, shapes and values."""
    digest = hashlib.blake2b(digest_size=16)
    for name, x in tensors.items():
        digest.update(f"{name} {tuple(x.shape)} {x.dtype}".encode())
        flat = x.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


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
