"""`fit`: the one training loop. It runs a method's stages and knows nothing of any paper."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

import pandas as pd
import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from mmfuse_lib.core.deprecation import renamed_function
from mmfuse_lib.core.devices import device_of, make_fabric
from mmfuse_lib.core.errors import CheckpointError, DataError, check_integers
from mmfuse_lib.core.progress import progress as progress_bar
from mmfuse_lib.core.provenance import full_name
from mmfuse_lib.core.ranks import (
    agree_on_buffers,
    copy_first,
    gathered,
    n_ranks,
    of_first,
    own_rank,
    taking_part,
)
from mmfuse_lib.core.rng import device_state, isolated_rng, set_device_state, set_seed
from mmfuse_lib.data import MultimodalData, check_trainable, check_values
from mmfuse_lib.methods.base import Method, Stage
from mmfuse_lib.training import ranks
from mmfuse_lib.training.checkpoints import load_checkpoint, save_checkpoint
from mmfuse_lib.training.feeding import feed, move_if_it_fits
from mmfuse_lib.training.identity import FROZEN, Identity, tensor_digest
from mmfuse_lib.training.terms import TermLog, check_has, warn_of_unused
from mmfuse_lib.training.updates import OptimizerUpdate

if TYPE_CHECKING:
    from lightning_fabric import Fabric

#: How many differences the refusal of a checkpoint names.
LISTED = 3

#: Under what name an identity notes a stage.
STAGE = "stage {}"


def adamw(parameters: list[nn.Parameter], lr: float, **options: Any) -> Optimizer:
    """Return AdamW with torch's default betas and weight decay, in its fused form.

    Other options of torch's class can be given. Its other forms round differently. On Apple's GPUs
    the fused form is not the default: older versions of torch lack it there, and until 2.13 it does
    not see the scale of the loss that ``precision="16-mixed"`` needs.
    """
    is_fused = all(p.device.type != "mps" for p in parameters)
    return AdamW(parameters, lr=lr, **{"fused": is_fused, **options})


@dataclass
class History:
    """What `fit` recorded.

    Attributes
    ----------
    records : list of dict
        One an epoch, split and term: keys stage, epoch (from 1, within the stage), split
        (``"train"`` or ``"val"``), term, value (mean over the samples; losses in nats).
    best_epoch : dict of str to int
        Per stage, the epoch whose weights were kept.
    """

    records: list[dict[str, str | int | float]] = field(default_factory=list)
    best_epoch: dict[str, int] = field(default_factory=dict)

    def to_frame(self) -> pd.DataFrame:
        """Return the records as a tidy table, columns stage, epoch, split, term, value."""
        return pd.DataFrame(self.records, columns=["stage", "epoch", "split", "term", "value"])


@dataclass
class _Position:
    """Where a run stands; with the weights and the random states, all that a resume needs."""

    stage: int = 0
    epoch: int = 0
    best_score: float = float("inf")
    best_weights: dict[str, Tensor] | None = None
    epochs_since_best: int = 0


def fit(
    model: Method,
    train: MultimodalData,
    val: MultimodalData | None = None,
    *,
    epochs: int = 30,
    batch_size: int = 128,
    lr: float = 1e-3,
    optimizer: Callable[..., Optimizer] = adamw,
    patience: int | None = None,
    seed: int = 0,
    device: str = "auto",
    devices: int = 1,
    strategy: str = "ddp",
    precision: str = "32-true",
    checkpoint_dir: str | Path | None = None,
    checkpoint_every: float = 0.0,
    progress: bool = True,
) -> History:
    """Train a method, stage by stage.

    After each stage the weights of the epoch with the lowest validation loss of that stage (its
    ``monitor``) are restored, so the best checkpoint is carried from stage to stage; without
    `val` the last weights stay. The model ends on the device it came from, in eval mode. The
    global random state is left as it was, and a run is a function of its arguments: same machine,
    device and number of threads, same result. With another number of threads
    (`torch.set_num_threads`) sums are rounded in another order, which may change the epoch that is
    kept: a study computes each cell with one.

    Data go to a GPU as a whole if they take half of its free memory at most. Data that do not fit
    go there batch by batch: threads read the next batches, perhaps from disk, while the GPU
    computes (see `mmfuse_lib.training.feeding`). Bytes are sent as bytes; encoders make numbers of
    them, and augment them, on the GPU.

    Parameters
    ----------
    model : Method
        Trained in place.
    train, val : MultimodalData
        Training data, and validation data for choosing the epoch.
    epochs : int
        Budget handed to ``model.stages``.
    batch_size : int
        Largest batch; an epoch is cut into batches of nearly equal size. A stage may have its own.
    lr : float
        Learning rate.
    optimizer : callable
        Called as ``optimizer(parameters, lr=lr)`` at the start of each stage; default `adamw`. A
        stage may have its own.
    patience : int, optional
        Stop a stage after this many epochs without a better validation loss.
    seed : int
        Seed of the order of the samples and of everything random in the model.
    device : str
        ``"auto"`` (CUDA or MPS where there is one), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.
    devices : int
        How many GPUs of that kind train together, each in a process of its own that sees its share
        of every batch; with ``device="cpu"``, how many processes. Called from a script or a
        notebook, `fit` starts the processes and returns when they have ended; under ``torchrun``
        it takes part in those that are there. `mmfuse_lib.training.ranks` says what is the same as
        on one device, and what differs.
    strategy : str
        How they share the work: ``"ddp"``, the whole model on each device, is the only way.
    precision : str
        A Lightning Fabric precision, e.g. ``"bf16-mixed"``.
    checkpoint_dir : path, optional
        Folder of the run. A checkpoint is written there after each epoch, whole or not at all;
        calling `fit` again with the same arguments continues from it, bit for bit.
    checkpoint_every : float
        Seconds that have to pass between two checkpoints; by default none are waited for.
    progress : bool
        Show a progress bar.

    Returns
    -------
    History
        Losses and accuracies per stage and epoch.

    Warns
    -----
    UnusedTermWarning
        If a loss returns a term that has a gradient and is not part of its total: it trains
        nothing. What is only recorded is to be detached.

    Raises
    ------
    DataError
        If the data does not fit the model, has one class only, or values that are NaN, infinite or
        out of the range of single precision; before anything is trained.
    TrainingError
        If a loss is NaN or infinite; names the stage, the epoch and the batch. If one of several
        processes was killed; names it. The model is then as it was before the call.
    CheckpointError
        If the checkpoint in `checkpoint_dir` cannot be read, or is of another run: other data or
        arguments, another class or option of the model, other initial weights, other code (also
        of the optimizer). The message names what differs.
    ValueError
        If an argument or a stage cannot be used.
    KeyboardInterrupt
        Passed on; the last checkpoint stays usable.

    Examples
    --------
    >>> from mmfuse_lib import data, fit, methods
    >>> train, val, _ = data.load("digit_pairs", seed=0, n_train=800, n_val=200)
    >>> model = methods.JointFusion.for_data(train, dim=16, seed=0)
    >>> history = fit(model, train, val, epochs=5, lr=0.01, seed=0, progress=False)
    >>> records = history.to_frame()
    >>> loss = records.query("split == 'val' and term == 'total'")["value"]
    >>> bool(loss.iloc[-1] < loss.iloc[0])
    True
    >>> list(history.best_epoch)  # one for each stage
    ['joint']
    """
    _check_arguments(model, train, val, epochs=epochs, batch_size=batch_size, patience=patience)
    ranks.check_devices(devices, strategy, device, precision)
    # Made here if this process trains alone; ranks are connected where they train.
    fabric = make_fabric(device, precision) if devices == 1 else None
    folder = None if checkpoint_dir is None else Path(checkpoint_dir)
    identity = Identity()
    if folder is not None:  # only a checkpoint needs it, and it reads all the data
        identity = _identity_of(model)
        for name, value in {
            "epochs": epochs, "batch_size": batch_size, "lr": lr, "patience": patience,
            "seed": seed, "optimizer": optimizer, "precision": precision,
        }.items():  # fmt: skip
            identity.add(name, value)
        if devices > 1:
            identity.add("devices", devices)
        _add_data(identity, "training", train)
        if val is not None:
            _add_data(identity, "validation", val)
    train_it = partial(
        _fit_here, model, train, val, identity=identity, epochs=epochs, batch_size=batch_size,
        lr=lr, optimizer=optimizer, patience=patience, seed=seed, folder=folder,
        checkpoint_every=checkpoint_every, progress=progress,
    )  # fmt: skip
    if fabric is not None:
        return train_it(fabric=fabric)
    with isolated_rng(seed):
        stages = model.stages(epochs)
    _check_shares(stages, train, val, batch_size, devices)
    join = partial(ranks.join, device, precision, devices)
    if ranks.are_there():
        return train_it(fabric=join())
    if folder is not None:
        # Here, since a rank knows neither the code of a notebook nor what this model went through.
        _add_stages(identity, stages)
        _check_checkpoint(model, identity, folder)
    weights, history = ranks.launch(partial(_fit_as_rank, train_it, join), devices, folder)
    model.load_state_dict(weights)
    model.eval()
    if folder is not None:
        _note_changes(model, identity)
    return history


def _fit_as_rank(
    train_it: partial[History], join: Callable[[], Fabric]
) -> tuple[dict[str, Tensor], History]:
    """Train in a process that was started for it; return what its caller needs."""
    history = train_it(fabric=join())
    return train_it.args[0].state_dict(), history


def _fit_here(
    model: Method,
    train: MultimodalData,
    val: MultimodalData | None,
    *,
    fabric: Fabric,
    identity: Identity,
    epochs: int,
    seed: int,
    folder: Path | None,
    **options: Any,
) -> History:
    """Train in this process, alone or as one of several ranks."""
    home = device_of(model)
    with (
        isolated_rng(seed, fabric.device), _deterministic_cudnn(), _training_flags_restored(model),
        taking_part() if fabric.world_size > 1 else nullcontext(),
    ):  # fmt: skip
        model.to(fabric.device)
        try:
            stages = model.stages(epochs)
            trainable = {p for p in model.parameters() if p.requires_grad}
            _check_stages(stages, trainable)
            if folder is not None and STAGE.format(1) not in identity.settings:
                _add_stages(identity, stages)
            run = _Run(
                model=model, stages=stages, train=move_if_it_fits(train, fabric.device),
                val=None if val is None else move_if_it_fits(val, fabric.device),
                fabric=fabric, shuffle=torch.Generator().manual_seed(seed), folder=folder,
                identity=identity, trainable=trainable, **options,
            )  # fmt: skip
            if own_rank() > 0:
                set_seed(ranks.seed_of(seed, own_rank()), fabric.device)
            run.resume()
            run.agree()
            try:
                run.run()
            finally:
                if folder is not None:
                    _note_changes(model, identity)
        finally:
            model.to(home)
    model.eval()
    return run.history


@dataclass
class _Run:
    """The state of one call of `fit`."""

    model: Method
    stages: list[Stage]
    train: MultimodalData
    val: MultimodalData | None
    fabric: Fabric
    batch_size: int
    optimizer: Callable[..., Optimizer]
    lr: float
    patience: int | None
    shuffle: torch.Generator
    folder: Path | None
    identity: Identity
    trainable: set[nn.Parameter]
    progress: bool
    checkpoint_every: float = 0.0
    saved_at: float = field(default_factory=time.monotonic)
    history: History = field(default_factory=History)
    position: _Position = field(default_factory=_Position)
    optimizer_state: dict[str, Any] | None = None
    looked_at: Stage | None = None

    def run(self) -> None:
        """Run the stages that are left."""
        for index in range(self.position.stage, len(self.stages)):
            self._run_stage(self.stages[index])
            self.position = _Position(stage=index + 1)
            self.optimizer_state = None
        self._save(None)

    def _run_stage(self, stage: Stage) -> None:
        parameters = _set_trained(self.model, stage.modules, self.trainable)
        make = stage.optimizer or self.optimizer
        optimizer: Any = self.fabric.setup_optimizers(make(parameters, lr=self.lr))
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
        if self.optimizer_state is not None:
            self._load_optimizer(optimizer, self.optimizer_state)
        at = self.position
        if self.optimizer_state is None and stage.prepare is not None:
            self.model.eval()
            with torch.no_grad():
                stage.prepare(self.train)
            self.agree()
        shown = self.progress and own_rank() == 0
        with progress_bar(
            total=stage.epochs, initial=at.epoch, desc=stage.name, disable=not shown
        ) as bar:
            if at.epoch == 0:
                self._save(optimizer)
            while at.epoch < stage.epochs and not self._out_of_patience():
                terms = self._train_epoch(stage, optimizer)
                at.epoch += 1
                self._record(stage, "train", terms)
                if self.val is not None:
                    terms = self._validate(stage, self.val)
                    self._record(stage, "val", terms)
                    check_has(stage, terms, stage.monitor)
                    self._keep_if_best(stage, terms[stage.monitor])
                self._save(optimizer)
                bar.update()
                bar.set_postfix({name: f"{value:.3f}" for name, value in terms.items()})
        if at.best_weights is not None:
            self.model.load_state_dict(at.best_weights)

    def _train_epoch(self, stage: Stage, optimizer: Any) -> dict[str, float]:
        _set_modes(self.model, stage.modules)
        order = torch.randperm(len(self.train), generator=self.shuffle)
        epoch = self.position.epoch
        log = TermLog(stage.name, epoch + 1)
        batches = self._batches(self.train, order, stage)
        update = OptimizerUpdate(self.fabric, optimizer, stage, log, epoch, len(batches))
        with feed(self.train, list(map(ranks.own_share, batches)), self.fabric.device) as fed:
            for whole, batch in zip(batches, fed, strict=True):
                update.begin_batch(len(batch) / len(whole))
                log.add(self._train_on(stage, batch, update), len(batch))
        if stage.step is not None and update.count == 0:
            raise ValueError(f"the step of stage {stage.name!r} never called update: nothing moves")
        agree_on_buffers(self.model)
        return log.means()

    def _train_on(
        self, stage: Stage, batch: MultimodalData, update: OptimizerUpdate
    ) -> dict[str, Tensor]:
        with self.fabric.autocast():
            terms = stage.loss(batch) if stage.step is None else stage.step(batch, update)
        if stage is not self.looked_at:
            check_has(stage, terms, "total")
            if stage.step is None:
                warn_of_unused(stage, terms, stacklevel=7)  # at the call of `fit`
            self.looked_at = stage
        if stage.step is None:
            update.minimise(terms["total"])
        return terms

    @torch.no_grad()
    def _validate(self, stage: Stage, val: MultimodalData) -> dict[str, float]:
        self.model.eval()
        log = TermLog(f"{stage.name} (validation)", self.position.epoch)
        batches = list(map(ranks.own_share, self._batches(val, torch.arange(len(val)), stage)))
        with feed(val, batches, self.fabric.device) as fed:
            for batch in fed:
                with self.fabric.autocast():
                    log.add(stage.loss(batch), len(batch))
        return log.means()

    def _batches(self, data: MultimodalData, order: Tensor, stage: Stage) -> Sequence[Tensor]:
        """Cut the samples into batches whose sizes differ by one at most: no small leftover."""
        n_batches = -(-len(order) // (stage.batch_size or self.batch_size))
        return order.to(data.target.device).tensor_split(n_batches)

    def _keep_if_best(self, stage: Stage, score: float) -> None:
        at = self.position
        at.epochs_since_best += 1
        if score < at.best_score:
            at.best_score, at.epochs_since_best = score, 0
            at.best_weights = copy.deepcopy(self.model.state_dict())
            self.history.best_epoch[stage.name] = at.epoch

    def _out_of_patience(self) -> bool:
        return self.patience is not None and self.position.epochs_since_best >= self.patience

    def _record(self, stage: Stage, split: str, terms: dict[str, float]) -> None:
        for term, value in terms.items():
            self.history.records.append(
                {"stage": stage.name, "epoch": self.position.epoch, "split": split,
                 "term": term, "value": value}
            )  # fmt: skip

    def _save(self, optimizer: Any | None) -> None:
        if self.folder is None:
            return
        if of_first(time.monotonic() - self.saved_at < self.checkpoint_every):
            return
        state = self._state(optimizer)  # here, as it asks the other ranks
        if own_rank() == 0:
            save_checkpoint(self.folder, state)
        of_first(None)  # nobody goes on, perhaps to read it, before it is there
        self.saved_at = time.monotonic()

    def agree(self) -> None:
        """Let all ranks have the weights of the first."""
        copy_first(self.model.state_dict().values())

    def _state(self, optimizer: Any | None) -> dict[str, Any]:
        """Return what a checkpoint holds; of several ranks, the random states of all."""
        states = gathered((torch.get_rng_state(), device_state(self.fabric.device)))
        random, random_device = zip(*states, strict=True) if n_ranks() > 1 else states[0]
        return {
            "settings": self.identity.settings,
            "digests": self.identity.digests,
            "position": asdict(self.position),
            "history": asdict(self.history),
            "weights": self.model.state_dict(),
            "optimizer": None if optimizer is None else {
                "class": full_name(type(optimizer.optimizer)), "state": optimizer.state_dict()
            },
            "precision": self.fabric.strategy.precision.state_dict(),
            "shuffle": self.shuffle.get_state(),
            "random": random,
            "random_device": random_device,
        }  # fmt: skip

    def resume(self) -> None:
        """Continue from the checkpoint in the run's folder, if there is one."""
        state = None if self.folder is None else load_checkpoint(self.folder)
        if state is None:
            return
        missing = [key for key in self._state(None) if key not in state]
        if missing:
            raise CheckpointError(
                f"the checkpoint in {self.folder} lacks {missing[0]!r}: it is of another version "
                "of mmfuse, or made by hand. Use another folder, or delete it to start over"
            )
        try:
            there = Identity(state["settings"], state["digests"])
            _check_is_of_this_run(self.model, self.identity, there, self.folder)
            self._restore(state)
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            if isinstance(error, CheckpointError):
                raise
            raise CheckpointError(
                f"the checkpoint in {self.folder} cannot be used: {error}. Use another folder, or "
                "delete it to start over"
            ) from error

    def _load_optimizer(self, optimizer: Any, saved: dict[str, Any]) -> None:
        kind = full_name(type(optimizer.optimizer))
        if saved["class"] != kind:
            raise CheckpointError(
                f"the checkpoint in {self.folder} holds the state of {saved['class']}, the "
                f"optimizer is {kind}. Use another folder, or delete it to start over"
            )
        optimizer.load_state_dict(saved["state"])

    def _restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["weights"])
        self.position = _Position(**state["position"])
        self.history = History(**state["history"])
        self.optimizer_state = state["optimizer"]
        self.fabric.strategy.precision.load_state_dict(state["precision"])
        self.shuffle.set_state(state["shuffle"].cpu())
        random, random_device = state["random"], state["random_device"]
        if n_ranks() > 1:
            random, random_device = random[own_rank()], random_device[own_rank()]
        torch.set_rng_state(random.cpu())
        set_device_state(random_device, self.fabric.device)


def _check_arguments(
    model: Method,
    train: MultimodalData,
    val: MultimodalData | None,
    *,
    epochs: int,
    batch_size: int,
    patience: int | None,
) -> None:
    check_trainable(train)
    for split, data in (("training", train), ("validation", val)):
        if data is not None:
            model.spec.check(data)
            check_values(data, split)
    if val is not None and len(val) == 0:
        raise DataError("there are no samples to validate on: leave val out instead")
    check_integers(epochs=epochs, batch_size=batch_size)
    if patience is not None:
        check_integers(patience=patience)
        if val is None:
            raise ValueError("patience needs validation data: pass val")


def _check_stages(stages: Sequence[Stage], trainable: set[nn.Parameter]) -> None:
    for stage in stages:
        if trainable.isdisjoint(p for module in stage.modules for p in module.parameters()):
            raise ValueError(
                f"stage {stage.name!r} has nothing to train: no parameter has requires_grad=True"
            )


def _check_shares(
    stages: Sequence[Stage],
    train: MultimodalData,
    val: MultimodalData | None,
    batch_size: int,
    devices: int,
) -> None:
    for stage in stages:
        for split, data in (("training", train), ("validation", val)):
            if data is not None:
                of = f"stage {stage.name!r}, {split} data"
                ranks.check_batches(of, len(data), stage.batch_size or batch_size, devices)


def _set_trained(
    model: nn.Module, modules: Sequence[nn.Module], trainable: set[nn.Parameter]
) -> list[nn.Parameter]:
    """Freeze all but `modules` and return what to train of them: not what the owner has frozen."""
    trained = {p for module in modules for p in module.parameters()} & trainable
    for parameter in model.parameters():
        parameter.requires_grad_(parameter in trained)
    return [p for p in model.parameters() if p in trained]


def _set_modes(model: nn.Module, modules: Sequence[nn.Module]) -> None:
    """Put in training mode what is trained; all else, also in it, is in eval mode."""
    model.eval()
    for module in modules:
        module.train()
    for module in model.modules():
        parameters = list(module.parameters())
        if parameters and not any(p.requires_grad for p in parameters):
            module.eval()


def _deterministic_cudnn() -> AbstractContextManager[None]:
    flags = torch.backends.cudnn.flags(
        enabled=torch.backends.cudnn.enabled,
        benchmark=False,
        deterministic=True,
        allow_tf32=torch.backends.cudnn.allow_tf32,
    )
    return cast(AbstractContextManager[None], flags)


@contextmanager
def _training_flags_restored(model: nn.Module) -> Iterator[None]:
    flags = [(p, p.requires_grad) for p in model.parameters()]
    try:
        yield
    finally:
        for parameter, flag in flags:
            parameter.requires_grad_(flag)


def _add_data(identity: Identity, split: str, data: MultimodalData) -> None:
    """Note all of the data that a loss may look at."""
    for name, x in data.inputs.items():
        identity.digests[f"{split} data of modality {name!r}"] = tensor_digest({name: x})
    identity.digests[f"{split} targets"] = tensor_digest({"": data.target})
    if data.composition is not None:
        identity.digests[f"{split} compositions"] = tensor_digest({"": data.composition})


def _add_stages(identity: Identity, stages: Sequence[Stage]) -> None:
    for number, stage in enumerate(stages, start=1):
        of = STAGE.format(number)
        identity.add(of, stage.name)
        for name in (f.name for f in fields(stage) if f.name not in ("name", "modules")):
            identity.add(f"{of}.{name}", getattr(stage, name))


#: Per model that was trained with checkpoints: the run, and the model as it was afterwards.
_TRAINED: WeakKeyDictionary[Method, tuple[Identity, Identity]] = WeakKeyDictionary()


def _identity_of(model: Method) -> Identity:
    identity = Identity()
    identity.add_model(model)
    return identity


def _check_checkpoint(model: Method, identity: Identity, folder: Path) -> None:
    """Refuse the checkpoint of another run; what else is wrong with it is said by who reads it."""
    state = load_checkpoint(folder)
    if state is None:
        return
    with suppress(AttributeError, KeyError, TypeError):
        there = Identity(state["settings"], state["digests"])
        _check_is_of_this_run(model, identity, there, folder)


def _check_is_of_this_run(
    model: Method, here: Identity, there: Identity, folder: Path | None
) -> None:
    differences = here.differences(there)
    if differences and _count_as_it_began(model, here):
        differences = here.differences(there)
    if differences:
        listed = "; ".join(differences[:LISTED])
        more = f" (and {len(differences) - LISTED} more)" if differences[LISTED:] else ""
        raise CheckpointError(
            f"the checkpoint in {folder} is of another run: {listed}{more}. Use another "
            "folder, or delete it to start over"
        )


def _note_changes(model: Method, run: Identity) -> None:
    after = _identity_of(model)
    after.settings[FROZEN] = run.settings[FROZEN]  # a stage freezes for its own time only
    _TRAINED[model] = run, after


def _count_as_it_began(model: Method, now: Identity) -> bool:
    """Make `now` what it was before this very model was trained, so that it can go on itself.

    What training changed counts as it was: the weights, and what the method noted in attributes.

    Returns
    -------
    bool
        False, with nothing done, if the model was not trained with checkpoints, or if its weights
        were changed since.
    """
    run, after = _TRAINED.get(model, (now, Identity()))
    if now.digests["initial weights"] != after.digests.get("initial weights"):
        return False
    now.digests["initial weights"] = run.digests["initial weights"]
    for name, value in after.settings.items():
        if name not in run.settings:
            now.settings.pop(name, None)
        elif run.settings[name] != value:
            now.settings[name] = run.settings[name]
    return True


# Notebooks from before `training` was a package say ``from mmfuse_lib.training import fit``.
renamed_function(__name__, "fit", "mmfuse_lib.fit", removed_in="0.2")
