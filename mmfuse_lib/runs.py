"""A run: one method, one data set, one seed, as a file of settings says; results in a folder."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import re
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from torch.optim import SGD, Adam, AdamW, Optimizer

from mmfuse_lib import data, methods
from mmfuse_lib.core.devices import name_of_device
from mmfuse_lib.core.errors import DataError, check_integers, check_names, check_options
from mmfuse_lib.core.files import check_writable, finite, write_json
from mmfuse_lib.core.objects import is_path
from mmfuse_lib.core.provenance import provenance
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.evaluation import evaluate
from mmfuse_lib.methods import Method
from mmfuse_lib.training.fit import History, adamw, fit
from mmfuse_lib.training.saving import save

#: Where a run's folder keeps its result, and the trained model.
RESULT = "result.json"
MODEL = "model.pt"

#: What makes an optimizer, and torch's class, whose options it takes. AdamW is that of `fit`.
OPTIMIZERS: dict[str, tuple[Callable[..., Optimizer], type[Optimizer]]] = {
    "adam": (Adam, Adam), "adamw": (adamw, AdamW), "sgd": (SGD, SGD),
}  # fmt: skip

#: What trains and measures, whatever the method and the data.
ALWAYS = tuple(
    f"mmfuse_lib.{name}" for name in ("training.fit", "evaluation", "encoders.registry", "runs")
)

#: Modules that hand out things by name. What is asked for is in the settings, and its code counts:
#: a result does not depend on all that could be asked for.
BY_NAME = tuple(
    f"mmfuse_lib.{name}" for name in ("data", "data.registry", "methods", "methods.registry")
)

#: Training, validation and test data.
Splits = tuple[MultimodalData, ...]


@dataclass(frozen=True)
class Settings:
    """All that a run is made of.

    Attributes
    ----------
    method, data : str
        Names that `mmfuse_lib.methods.get` and `mmfuse_lib.data.load` know.
    method_options, data_options : dict
        What they take. ``lr_schedule`` of DI-MML is given as steps: ``{70: 0.1}`` means a tenth of
        the learning rate from epoch 70 (counted from 0) on.
    encoders : dict
        Per modality, the name of an encoder, or a dict of its ``name`` and options. Modalities
        that are not in it get a default one.
    dim : int
        Length of the feature vectors.
    optimizer : dict
        Its ``name`` (``"adam"``, ``"adamw"``, ``"sgd"``), and what torch's class takes. The
        default is that of `mmfuse_lib.fit`: AdamW in its fused form.
    epochs, batch_size, lr, patience, precision, device, seed
        As in `mmfuse_lib.fit`.

    Raises
    ------
    DataError
        If a value is of the wrong kind, or out of range.
    """

    method: str
    data: str
    method_options: dict[str, Any] = field(default_factory=dict)
    data_options: dict[str, Any] = field(default_factory=dict)
    encoders: dict[str, Any] = field(default_factory=dict)
    dim: int = 64
    optimizer: dict[str, Any] = field(default_factory=lambda: {"name": "adamw"})
    epochs: int = 30
    batch_size: int = 128
    lr: float = 1e-3
    patience: int | None = None
    precision: str = "32-true"
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        check_integers(epochs=self.epochs, batch_size=self.batch_size, dim=self.dim)
        check_integers(patience=1 if self.patience is None else self.patience)
        check_integers(0, seed=self.seed)
        lr: object = self.lr  # what a file holds, which need not be what the hint above says
        if not (isinstance(lr, float | int) and 0 < lr < math.inf):
            hint = " (YAML takes 1e-3 for text: write 0.001)" if isinstance(lr, str) else ""
            raise DataError(f"lr is {lr!r}: expected a number above 0{hint}")
        for name in ("method_options", "data_options", "encoders", "optimizer"):
            if not isinstance(getattr(self, name), Mapping):
                raise DataError(f"{name} is {getattr(self, name)!r}: expected a mapping")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Settings:
        """Make settings from a mapping, as a file holds it, checking the names.

        Raises
        ------
        UnknownNameError, DataError
            If a name does not exist, or method or data is missing.
        """
        check_names("setting", values, [f.name for f in fields(cls)])
        for name in ("method", "data"):
            if name not in values:
                raise DataError(f"the settings lack {name!r}")
        return cls(**values)


def read_settings(path: Path) -> dict[str, Any]:
    """Read a YAML file of settings.

    Raises
    ------
    DataError
        If it cannot be read, holds no mapping, or has a key twice.
    """
    try:
        values = yaml.load(path.read_text("utf8"), _EachKeyOnce)  # noqa: S506 (a safe loader)
    except (OSError, yaml.YAMLError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise DataError(f"{path}: expected a mapping such as 'method: DIMML'")
    return values


class _EachKeyOnce(yaml.SafeLoader):
    """A loader that refuses what YAML forbids and PyYAML lets pass: the later of two wins."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping of a node, all of whose keys differ."""
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise yaml.YAMLError(f"{twice!r} occurs twice, line {node.start_mark.line + 1} on")
        return super().construct_mapping(node, deep)


@dataclass(frozen=True)
class Loaded:
    """Settings and their data.

    Attributes
    ----------
    settings : Settings
        What was loaded, and trained.
    splits : tuple of MultimodalData
        Training, validation and test data.
    """

    settings: Settings
    splits: Splits


@dataclass(frozen=True)
class Trained(Loaded):
    """What `train` returns: what was loaded, and what came of it.

    Attributes
    ----------
    model : Method
        The trained model, in eval mode.
    history : History
        See `mmfuse_lib.fit`.
    seconds : float
        Time of `fit` by the clock.
    """

    model: Method
    history: History
    seconds: float


def train(
    settings: Settings,
    splits: Splits | None = None,
    *,
    devices: int = 1,
    checkpoint_dir: Path | None = None,
    checkpoint_every: float = 0.0,
    progress: bool = True,
) -> Trained:
    """Load the data, build the method and train it, as the settings say.

    Parameters
    ----------
    settings : Settings
        All that the result depends on.
    splits : tuple of MultimodalData, optional
        What `load_splits` returns, where it is at hand.
    devices, checkpoint_dir, checkpoint_every, progress
        As in `mmfuse_lib.fit`.

    Raises
    ------
    UnknownNameError, DataError, DownloadError
        If the settings do not fit together, or the data cannot be had; before anything is trained.
    TrainingError, CheckpointError
        As in `mmfuse_lib.fit`.
    """
    splits = load_splits(settings) if splits is None else splits
    model = build(settings, splits[0])
    optimizer = make_optimizer(settings.optimizer)
    started = time.perf_counter()
    history = fit(
        model, splits[0], splits[1],
        epochs=settings.epochs, batch_size=settings.batch_size, lr=settings.lr,
        optimizer=optimizer, patience=settings.patience, seed=settings.seed,
        device=settings.device, devices=devices, precision=settings.precision,
        checkpoint_dir=checkpoint_dir, checkpoint_every=checkpoint_every, progress=progress,
    )  # fmt: skip
    return Trained(settings, splits, model, history, time.perf_counter() - started)


def load_splits(settings: Settings) -> Splits:
    """Load the data of the settings: training, validation, test."""
    return data.load(settings.data, seed=settings.seed, **settings.data_options)


def run(
    settings: Settings, folder: Path, *, devices: int = 1, progress: bool = True
) -> dict[str, Any]:
    """Train, evaluate on the test split, and write ``folder/result.json`` and ``folder/model.pt``.

    The model is one for `mmfuse_lib.load`; if it cannot be saved, a warning says why.
    The training's checkpoints are in the folder too: a run that was interrupted continues where
    it stopped, one that is finished is only evaluated again. `devices` is that of `mmfuse_lib.fit`;
    the result says how many if there are several.

    Returns
    -------
    dict
        What was written: the settings, the metrics on the validation and the test split (None
        where one is not defined), the epochs that were kept, and what it ran on.

    Raises
    ------
    UnknownNameError, DataError, DownloadError
        If the settings do not fit together, the data cannot be had, or the folder not be written
        to; before anything is trained.
    TrainingError, CheckpointError
        As in `mmfuse_lib.fit`.
    """
    check_writable(folder)
    trained = train(
        settings, devices=devices, checkpoint_dir=folder / "checkpoints", progress=progress
    )
    named = dict(zip(("train", "val", "test"), trained.splits, strict=True))
    result: dict[str, Any] = {
        "settings": asdict(settings),
        **({"devices": devices} if devices > 1 else {}),
        "metrics": {
            name: evaluate(trained.model, named[name], device=settings.device).metrics
            for name in ("val", "test")
        },
        "best_epoch": trained.history.best_epoch,
        "n_samples": {name: len(split) for name, split in named.items()},
        "seconds_of_training": round(trained.seconds, 1),
        **provenance(modules_of(settings), device=name_of_device(settings.device), but=BY_NAME),
    }
    write_json(folder / RESULT, result)
    try:
        save(trained.model, folder / MODEL)
    except DataError as error:  # of a reader's own method; what was trained is not lost for it
        warnings.warn(f"{folder / MODEL} is not written: {error}", UserWarning, stacklevel=2)
    written: dict[str, Any] = finite(result)
    return written


def modules_of(settings: Settings) -> tuple[str, ...]:
    """Return the modules in which a run's method and data are, and those of any run."""
    named = (settings.method, methods.get), (settings.data, data.loader)
    return (
        *(
            name.partition(":")[0] if is_path(name) else get(name).__module__
            for name, get in named
            if name
        ),
        *ALWAYS,
    )


def default_folder(settings: Settings, devices: int = 1) -> Path:
    """Return a folder that no other settings have: ``runs/METHOD-DATA-SEED-DIGEST``.

    Of several devices it ends with their number.
    """
    plain = json.dumps(asdict(settings), sort_keys=True, default=str)
    digest = hashlib.blake2b(plain.encode(), digest_size=4).hexdigest()
    named = f"{settings.method}-{settings.data}-{settings.seed}-{digest}"
    named += f"-{devices}-devices" if devices > 1 else ""
    return Path("runs") / re.sub(r"[^\w.-]+", "-", named)


def build(settings: Settings, train: MultimodalData) -> Method:
    """Build the method of the settings, with its encoders, for the training data."""
    method = methods.get(settings.method)
    options = dict(settings.method_options)
    check_options(f"method {settings.method!r}", method, options, given=("spec", "encoders"))
    needed = [
        name
        for name, parameter in inspect.signature(method).parameters.items()
        if name not in ("spec", "encoders", *options)
        and parameter.kind is not parameter.VAR_KEYWORD
        and parameter.default is parameter.empty
    ]
    if needed:
        raise DataError(f"method {settings.method!r} needs the option {needed[0]!r}")
    return method.for_data(
        train, encoders=settings.encoders, dim=settings.dim, seed=settings.seed, **options
    )


def make_optimizer(chosen: Mapping[str, Any]) -> Callable[..., Optimizer]:
    """Return what `mmfuse_lib.fit` calls for an optimizer, from its name and options."""
    options = dict(chosen)
    name = options.pop("name", None)
    check_names("optimizer", [name], OPTIMIZERS)
    make, kind = OPTIMIZERS[name]
    check_options(f"optimizer {name!r}", kind, options, given=("params", "lr"))
    return partial(make, **options) if options else make
