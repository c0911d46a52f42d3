"""A trained model in one file: its weights, and in plain values what to build it from again.

The file holds tensors, numbers and texts; reading it runs no code. Networks and functions that a
reader brought are in it by their weights and names only, and are given again when it is read.
"""

from __future__ import annotations

import copy
import inspect
import io
import math
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmfuse_lib import methods
from mmfuse_lib.core.devices import device_of, eval_mode
from mmfuse_lib.core.errors import CheckpointError, DataError, check_names
from mmfuse_lib.core.files import atomic_write
from mmfuse_lib.core.objects import is_path
from mmfuse_lib.core.provenance import library_version
from mmfuse_lib.core.rng import CPU, isolated_rng
from mmfuse_lib.encoders.registry import make_encoder
from mmfuse_lib.methods.base import Method, Recipe, Spec
from mmfuse_lib.training.checkpoints import read_state

#: What a file is marked with: the kind of file, and the form of its content.
MARK = {"kind": "mmfuse model", "form": 1}

#: Share of the largest output by which two devices may differ in what a model says.
TOLERANCE = 0.01


def save(model: Method, path: str | Path) -> None:
    """Write a model to a file, for `load`.

    The file is whole or absent, and what is in its place is replaced. It is written only if a model
    built from it predicts the same.

    Parameters
    ----------
    model : Method
        A model that `for_data` built, trained or not.
    path : path
        The file; its folder is made if needed.

    Raises
    ------
    DataError
        If the model was not built by `for_data`, or was changed since so that it cannot be built
        again: a part exchanged, or a result of training kept in an attribute that is no buffer.
    CheckpointError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from mmfuse_lib import data, load, methods, save
    >>> train, val, test = data.load("digit_pairs", seed=0, n_train=200)
    >>> model = methods.JointFusion.for_data(train, seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, f"{folder}/model.pt")
    ...     again = load(f"{folder}/model.pt")
    >>> bool((again.predict(test.inputs) == model.predict(test.inputs)).all())
    True
    """
    path = Path(path)
    if model.recipe is None:
        raise DataError(
            f"this {type(model).__name__} was not built by for_data: expected a model that was"
        )
    packed = io.BytesIO()
    try:
        torch.save(_describe(model, model.recipe), packed)
        packed.seek(0)
        content = torch.load(packed, map_location=CPU, weights_only=True)
        own = {m: copy.deepcopy(model.encoders[m]).cpu() for m in content["own encoders"]}
        given = {name: model.recipe.options[name] for name in content["own options"]}
        same_machine = 1e-5 if device_of(model) == CPU else TOLERANCE
        _build(content, type(model), own, given, same_machine)
    except Exception as error:
        raise DataError(
            f"this {type(model).__name__} could not be built again from a file: {error}. Parts "
            "that were exchanged after for_data, and what training keeps in attributes that are "
            "no buffers, are not saved"
        ) from error
    try:
        atomic_write(path, lambda file: file.write(packed.getbuffer()))
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {error.strerror or error}") from error


def load(
    path: str | Path,
    encoders: Mapping[str, nn.Module] | None = None,
    *,
    method: type[Method] | None = None,
    **options: Any,
) -> Method:
    """Return the model in a file that `save` wrote, in eval mode, on the CPU.

    Parameters
    ----------
    path : path
        The file.
    encoders : mapping of str to nn.Module, optional
        The reader's own encoders that the model was built with, one a modality, of the same
        architecture; their weights are replaced by those in the file.
    method : type, optional
        The class of the model, where it is not one of the library: no other module is imported
        because a file says so.
    **options
        Those options of `for_data` that were functions or classes, such as ``fusion=MyFusion``.

    Raises
    ------
    CheckpointError
        If the file is damaged, or holds something else.
    DataError, UnknownNameError
        If something of the reader's own has to be given again and is not, was not part of the
        model, or does not fit the weights; the message names it.

    Examples
    --------
    >>> import tempfile
    >>> from torch import nn
    >>> from mmfuse_lib import data, load, methods, save
    >>> train, _, _ = data.load("digit_pairs", seed=0, n_train=200)
    >>> def mine():
    ...     return nn.Sequential(nn.Flatten(), nn.Linear(80, 16))
    >>> model = methods.JointFusion.for_data(train, encoders={"left": mine()}, seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, f"{folder}/model.pt")
    ...     again = load(f"{folder}/model.pt", encoders={"left": mine()})
    >>> bool((again.encoders["left"][1].weight == model.encoders["left"][1].weight).all())
    True
    """
    content = _read(Path(path))
    own = dict(encoders or {})
    kind = _class_of(content["method"], method)
    check_names("modality", own, content["spec"]["shapes"])
    _check_given("encoder of modality", own, content["own encoders"])
    _check_given("option", options, content["own options"])
    return _build(content, kind, own, options, TOLERANCE)


def _describe(model: Method, recipe: Recipe) -> dict[str, Any]:
    """Return what a file holds; all but the weights can be read by eye."""
    spec, parameters = model.spec, inspect.signature(type(model)).parameters
    defaults = {name: p.default for name, p in parameters.items() if p.default is not p.empty}
    options = {n: v for n, v in {**defaults, **recipe.options}.items() if _is_plain(v)}
    chosen = {name: recipe.encoders[name] for name in spec.shapes}
    return {
        **MARK,
        "version": library_version(),
        "method": _name_of(type(model)),
        "spec": _plain(vars(spec)),
        "dim": int(recipe.dim),
        "encoders": {name: _plain(choice) for name, choice in chosen.items() if choice is not None},
        "own encoders": {
            name: _name_of(type(model.encoders[name]))
            for name, choice in chosen.items()
            if choice is None
        },
        "options": _plain(options),
        "own options": {n: _name_of(v) for n, v in recipe.options.items() if n not in options},
        "weights": {name: _own_storage(x) for name, x in model.state_dict().items()},
        "frozen": [name for name, p in model.named_parameters() if not p.requires_grad],
        "outputs": _outputs(model),
    }


def _build(
    content: Mapping[str, Any],
    kind: type[Method],
    own: Mapping[str, nn.Module],
    given: Mapping[str, Any],
    tolerance: float,
) -> Method:
    """Build the model that a file describes, and check that it says what the saved one said."""
    spec, options = Spec(**content["spec"]), {**content["options"], **given}
    with isolated_rng(0):
        networks = {
            name: own[name]
            if name in own
            else make_encoder(content["encoders"][name], shape, content["dim"])
            for name, shape in spec.shapes.items()
        }
        model = kind(spec, networks, **options)
    model.recipe = Recipe(
        {name: content["encoders"].get(name) for name in spec.shapes}, content["dim"], options
    )
    weights = content["weights"]
    for name in own:
        _check_fit(f"the encoder of modality {name!r}", model, weights, f"encoders.{name}.")
    _check_fit(f"{kind.__name__} with these options", model, weights)
    model.to(CPU).load_state_dict(weights)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in content["frozen"])
    for name, said in _outputs(model).items():
        if not _is_close(said, content["outputs"][name], tolerance):
            raise DataError(f"{name} gives other numbers than the saved one, with the same weights")
    return model.eval()


@torch.no_grad()
def _outputs(model: Method) -> dict[str, Tensor]:
    """Return, on the CPU, what the encoders and the model say to two made-up samples."""
    device = device_of(model)
    inputs = {}
    for name, shape in model.spec.shapes.items():
        dtype = model.spec.dtype(name)
        x = torch.linspace(0, 1 if dtype.is_floating_point else 255, 2 * math.prod(shape))
        inputs[name] = x.view(2, *shape).to(device, dtype)
    with eval_mode(model), isolated_rng(0, device):
        said = {
            f"the encoder of modality {name!r}": encoder(inputs[name])
            for name, encoder in model.encoders.items()
        }
        said["the model"] = model(inputs)
    return {name: x.float().cpu() for name, x in said.items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        content = read_state(path)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"cannot read {path}: it holds more than tensors and plain values"
        ) from error
    except Exception as error:
        raise CheckpointError(f"cannot read {path}: {error}") from error
    if content.get("kind") != MARK["kind"]:
        raise CheckpointError(f"{path} holds no model: expected a file that mmfuse_lib.save wrote")
    if content["form"] != MARK["form"]:
        raise CheckpointError(
            f"{path} was written by mmfuse {content['version']}, in a form that "
            f"{library_version()} does not know"
        )
    return content


def _class_of(name: str, given: type[Method] | None) -> type[Method]:
    """Return the class of a model; only this library's own are imported by name."""
    if given is not None:
        if given.__name__ != name.replace(":", ".").rpartition(".")[2]:
            raise DataError(f"the file holds a {name}: method is {given.__name__}")
        return given
    if is_path(name) and not name.startswith("mmfuse_lib."):
        raise DataError(f"the file holds a {name}, no class of the library: give it by method=")
    return methods.get(name)


def _check_given(what: str, given: Mapping[str, Any], expected: Mapping[str, str]) -> None:
    for name, own in expected.items():
        if name not in given:
            raise DataError(f"the {what} {name!r} was a {own}: it has to be given again")
    for name in given:
        if name not in expected:
            raise DataError(
                f"the {what} {name!r} is not to be given: the file expects "
                f"{', '.join(map(repr, expected)) or 'none'}"
            )


def _check_fit(
    what: str, model: nn.Module, weights: Mapping[str, Tensor], prefix: str = ""
) -> None:
    here, there = (
        {name: tuple(x.shape) for name, x in tensors.items() if name.startswith(prefix)}
        for tensors in (model.state_dict(), weights)
    )
    for name in {**there, **here}:
        if here.get(name) != there.get(name):
            raise DataError(
                f"{what} does not fit the weights in the file: {name} has shape "
                f"{here.get(name, 'none')}, expected {there.get(name, 'none')}"
            )


def _is_close(one: Tensor, other: Tensor, tolerance: float) -> bool:
    if one.shape != other.shape:
        return False
    largest = float(other.nan_to_num().abs().max())
    return torch.allclose(one, other, rtol=0, atol=tolerance * largest, equal_nan=True)


def _plain(value: Any) -> Any:
    """Return a value in the types that a file may hold; NumPy's numbers as Python's."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        return {_plain(key): _plain(x) for key, x in value.items()}
    if isinstance(value, list | tuple):
        return (tuple if isinstance(value, tuple) else list)(map(_plain, value))
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if value is not None:
        raise DataError(f"{value!r} is no plain value: expected numbers, texts, lists, mappings")
    return None


def _is_plain(value: Any) -> bool:
    try:
        _plain(value)
    except DataError:
        return False
    return True


def _name_of(value: Any) -> str:
    """Return the name of a method of the library, else module and name of a class or function."""
    kind = value if hasattr(value, "__qualname__") else type(value)
    if kind.__name__ in methods.names() and methods.get(kind.__name__) is kind:
        return str(kind.__name__)
    return f"{kind.__module__}:{kind.__qualname__}"


def _own_storage(x: Tensor) -> Tensor:
    """Return a tensor on the CPU that takes no more room in a file than its numbers do."""
    x = x.detach().cpu()
    return x.clone() if x.untyped_storage().nbytes() > x.nbytes else x
