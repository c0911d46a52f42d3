"""`fit`: resuming bit for bit, stopping, choosing the epoch, freezing, batches, errors."""

import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lightning_fabric.plugins.precision import Precision
from torch import Tensor, nn

import mmfuse_lib.training.fit as training
from mmfuse_lib import History, evaluate, fit
from mmfuse_lib.core.devices import make_fabric
from mmfuse_lib.core.errors import CheckpointError, DataError, TrainingError, UnusedTermWarning
from mmfuse_lib.data import MultimodalData, from_arrays
from mmfuse_lib.methods import DIMML, DMIL, Ensemble, I2MoE, JointFusion, Method, Stage, Unimodal
from mmfuse_lib.training import checkpoints
from mmfuse_lib.training.checkpoints import FILE_NAME, load_checkpoint
from mmfuse_lib.training.terms import CHECK_EVERY
from tests.support import leaves_no_random_trace, linear, noisy_encoder, same, weights, xor

ROOT = Path(__file__).parents[2]
TRAIN, VAL = xor(48), xor(20, seed=1)


def quiet_fit(model: Method, *data: MultimodalData, **options: Any) -> History:
    """Train on the CPU, without a bar."""
    return fit(model, *data, **{"device": "cpu", "progress": False, "batch_size": 20, **options})


def build(kind: type[Method] = JointFusion, data: MultimodalData = TRAIN) -> Method:
    """A model that draws random numbers and keeps statistics; always the same one."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return kind.for_data(data, encoders={"a": noisy_encoder(), "b": noisy_encoder()}, seed=7)


def hook_encoders(model: Method, hook: Callable[[], None]) -> None:
    for encoder in model.encoders.values():
        encoder.register_forward_pre_hook(lambda *_: hook())


@dataclass
class Calls:
    """Counts the forward passes of a model's encoders; interrupts one of them."""

    stop_at: int | None = None
    n: int = 0

    def __call__(self) -> None:
        self.n += 1
        if self.n == self.stop_at:
            raise KeyboardInterrupt


def watched(model: Method, stop_at: int | None = None) -> Calls:
    calls = Calls(stop_at)
    hook_encoders(model, calls)
    return calls


class TwoStages(JointFusion):
    """Trains the first encoder, then the rest; keeps what the second stage began with."""

    def stages(self, epochs: int) -> list[Stage]:
        self.start_of_second: dict[str, Tensor] = {}
        rest = [self.encoders["b"], self.fusion]
        return [
            Stage("first", epochs, modules=[self.encoders["a"]], loss=self.task_terms),
            Stage("second", epochs, modules=rest, loss=self.second_terms),
        ]

    def second_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        if not self.start_of_second:
            self.start_of_second = weights(self)
        return self.task_terms(batch)


class Prepared(TwoStages):
    """Keeps, in a buffer, what it computed from the training data when the second stage began."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.register_buffer("mean", torch.zeros(4))
        self.prepared_on: list[tuple[int, bool, bool]] = []

    def stages(self, epochs: int) -> list[Stage]:
        first, second = super().stages(epochs)
        return [first, replace(second, prepare=self.prepare)]

    def prepare(self, train: MultimodalData) -> None:
        states = self.training, torch.is_grad_enabled()
        self.prepared_on.append((len(train), *states))
        self.mean = self.encode(train.inputs)[0].mean(dim=0)

    def second_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        distance = (self.encode(batch.inputs)[0] - self.mean).square().mean()
        terms = super().second_terms(batch)
        return {**terms, "total": terms["total"] + distance}


# Resume.


@dataclass
class Run:
    """A way to train, and what comes out of it when nobody interrupts."""

    kind: type[Method]
    options: dict[str, Any]
    val: bool = True
    train: MultimodalData = field(default_factory=lambda: TRAIN)

    def __call__(self, model: Method, folder: Path | None) -> History:
        data = (self.train, VAL) if self.val else (self.train,)
        return quiet_fit(model, *data, seed=3, lr=1e-2, checkpoint_dir=folder, **self.options)

    def uninterrupted(self, folder: Path | None = None) -> tuple[dict[str, Tensor], History, int]:
        model = build(self.kind)
        calls = watched(model)
        history = self(model, folder)
        return weights(model), history, calls.n


def shuffled_labels(seed: int) -> MultimodalData:
    order = torch.randperm(48, generator=torch.Generator().manual_seed(seed))
    return from_arrays(TRAIN.inputs, TRAIN.target[order])


RUNS = {
    "no validation": Run(JointFusion, {"epochs": 6}, val=False),
    "validation": Run(JointFusion, {"epochs": 6}),
    "early stop": Run(JointFusion, {"epochs": 40, "patience": 2}, train=shuffled_labels(0)),
    "two stages": Run(Ensemble, {"epochs": 3}),
    "prepared": Run(Prepared, {"epochs": 3}),
    "two stages, early stop": Run(Ensemble, {"epochs": 20, "patience": 1}),
    "bf16": Run(JointFusion, {"epochs": 3, "precision": "bf16-mixed"}),
    "SGD": Run(JointFusion, {"epochs": 3, "optimizer": partial(torch.optim.SGD, momentum=0.9)}),
}
every_run = pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)


def test_the_runs_stop_early_where_they_should() -> None:
    _, history, _ = RUNS["early stop"].uninterrupted()
    assert history.to_frame()["epoch"].max() < 40
    _, history, _ = RUNS["two stages, early stop"].uninterrupted()
    assert (history.to_frame().groupby("stage")["epoch"].max() < 20).all()


@every_run
def test_a_run_interrupted_in_any_batch_resumes_bit_for_bit(run: Run, tmp_path: Path) -> None:
    expected, expected_history, n_calls = run.uninterrupted()
    for stop_at in range(1, n_calls + 1, n_calls // 5):
        folder = tmp_path / str(stop_at)
        model = build(run.kind)
        watched(model, stop_at)
        with pytest.raises(KeyboardInterrupt):
            run(model, folder)
        fresh = build(run.kind)
        history = run(fresh, folder)
        assert same(weights(fresh), expected), f"interrupted in call {stop_at} of {n_calls}"
        assert history == expected_history


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", ["two stages", "prepared", "two stages, early stop"])
def test_a_run_interrupted_around_any_checkpoint_resumes_bit_for_bit(
    name: str, moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RUNS[name]
    expected, expected_history, _ = run.uninterrupted()
    save = checkpoints.save_checkpoint
    n_saves, stop_at = 0, 0

    def interrupted_save(folder: Path, state: dict[str, Any]) -> None:
        nonlocal n_saves
        n_saves += 1
        if n_saves == stop_at and moment == "before":
            raise KeyboardInterrupt
        save(folder, state)
        if n_saves == stop_at:
            raise KeyboardInterrupt

    monkeypatch.setattr(training, "save_checkpoint", interrupted_save)
    run.uninterrupted(tmp_path / "all")
    total = n_saves
    assert total > 6
    for number in range(1, total + 1, max(1, total // 4)):
        n_saves, stop_at = 0, number
        with pytest.raises(KeyboardInterrupt):
            run(build(run.kind), tmp_path / str(number))
        stop_at = 0
        fresh = build(run.kind)
        history = run(fresh, tmp_path / str(number))
        assert same(weights(fresh), expected), f"interrupted {moment} save {number} of {total}"
        assert history == expected_history


def test_a_run_interrupted_again_and_again_ends_the_same(tmp_path: Path) -> None:
    run = RUNS["two stages"]
    expected, expected_history, _ = run.uninterrupted()
    for n_interrupts in range(100):  # noqa: B007
        model = build(run.kind)
        watched(model, stop_at=6)  # one epoch takes 4 calls
        try:
            history = run(model, tmp_path)
        except KeyboardInterrupt:
            continue
        break
    assert n_interrupts > 3
    assert same(weights(model), expected)
    assert history == expected_history


def test_the_model_of_the_interrupted_run_can_go_on_itself(tmp_path: Path) -> None:
    run = RUNS["validation"]
    expected, expected_history, n_calls = run.uninterrupted()
    model = build()
    watched(model, stop_at=n_calls // 2)
    with pytest.raises(KeyboardInterrupt):
        run(model, tmp_path)
    assert run(model, tmp_path) == expected_history
    assert same(weights(model), expected)


KILLED = """
import os, signal, sys, torch
from pathlib import Path
from tests.training.test_fit import RUNS, build, hook_encoders
torch.set_num_threads(1)
run, n = RUNS["two stages"], 0
model = build(run.kind)
def die():
    global n
    n += 1
    if n == 18:
        os.kill(os.getpid(), signal.SIGKILL)
hook_encoders(model, die)
run(model, Path(sys.argv[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_process_is_resumed_bit_for_bit_by_another(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    run = RUNS["two stages"]
    expected, expected_history, n_calls = run.uninterrupted()
    fresh = build(run.kind)
    calls = watched(fresh)
    assert run(fresh, tmp_path) == expected_history
    assert same(weights(fresh), expected)
    assert calls.n < n_calls, "it started over"


@every_run
def test_checkpoints_change_nothing(run: Run, tmp_path: Path) -> None:
    without, with_checkpoints = run.uninterrupted(), run.uninterrupted(tmp_path)
    assert same(without[0], with_checkpoints[0])
    assert without[1:] == with_checkpoints[1:]


@every_run
def test_a_finished_run_returns_at_once_with_the_same_result(run: Run, tmp_path: Path) -> None:
    expected, expected_history, _ = run.uninterrupted(tmp_path)
    fresh = build(run.kind)
    calls = watched(fresh)
    history = run(fresh, tmp_path)
    assert calls.n == 0
    assert history == expected_history
    assert same(weights(fresh), expected)


def test_an_interrupt_passes_on_and_leaves_a_checkpoint_that_loads(tmp_path: Path) -> None:
    model = build()
    watched(model, stop_at=2 * 8 + 3)  # the third epoch's second batch
    with pytest.raises(KeyboardInterrupt):
        RUNS["validation"](model, tmp_path)
    state = load_checkpoint(tmp_path)
    assert state is not None
    assert state["position"]["epoch"] == 2
    assert [p.name for p in tmp_path.iterdir()] == [FILE_NAME]


def test_resuming_does_not_depend_on_the_callers_random_state(tmp_path: Path) -> None:
    run = RUNS["validation"]
    expected, _, _ = run.uninterrupted()
    model = build()
    watched(model, stop_at=20)
    torch.manual_seed(1)
    with pytest.raises(KeyboardInterrupt):
        run(model, tmp_path)
    torch.manual_seed(2)
    fresh = build()
    run(fresh, tmp_path)
    assert same(weights(fresh), expected)


def with_class(kind: type[Method]) -> Callable[[Path], object]:
    return lambda folder: quiet_fit(build(kind), TRAIN, VAL, epochs=2, checkpoint_dir=folder)


def with_options(**options: Any) -> Callable[[Path], object]:
    return lambda folder: quiet_fit(
        build(), TRAIN, VAL, **{"epochs": 2, "checkpoint_dir": folder, **options}
    )


def with_data(*data: MultimodalData) -> Callable[[Path], object]:
    return lambda folder: quiet_fit(build(), *data, epochs=2, checkpoint_dir=folder)


class Relabelled(JointFusion):
    """The same weights under another schedule, and the same name."""

    def stages(self, epochs: int) -> list[Stage]:
        return [Stage("other", epochs, modules=[self], loss=self.task_terms)]


Relabelled.__qualname__, Relabelled.__module__ = JointFusion.__qualname__, JointFusion.__module__


@pytest.mark.parametrize(
    "other",
    [
        with_options(epochs=3),
        with_options(seed=1),
        with_options(lr=0.1),
        with_options(batch_size=8),
        with_options(patience=1),
        with_options(precision="bf16-mixed"),
        with_options(optimizer=torch.optim.SGD),
        with_class(Ensemble),
        with_class(Relabelled),
        with_data(TRAIN),
        with_data(TRAIN, TRAIN),
        with_data(xor(48, seed=5), VAL),
        with_data(shuffled_labels(0), VAL),
        with_data(TRAIN[torch.arange(47, -1, -1)], VAL),
        lambda folder: quiet_fit(
            JointFusion.for_data(TRAIN), TRAIN, VAL, epochs=2, checkpoint_dir=folder
        ),
    ],
    ids=[
        "epochs", "seed", "lr", "batch size", "patience", "precision", "optimizer",
        "class", "stages", "no validation", "validation data", "training data", "shuffled labels",
        "order of samples", "encoders",
    ],
)  # fmt: skip
def test_the_checkpoint_of_another_run_is_refused(
    other: Callable[[Path], object], tmp_path: Path
) -> None:
    with_options()(tmp_path)
    with pytest.raises(CheckpointError, match="is of another run"):
        other(tmp_path)
    with_options()(tmp_path)  # and is left as it was


# Which setting it is that differs.


@dataclass
class Choice:
    """A reader's own class of options."""

    weight: float = 1.0


class Weighted(JointFusion):
    """Its options change the loss, not the weights."""

    def __init__(
        self, *args: Any, weight: float = 1.0, choice: Choice | None = None,
        curve: Callable[[float], float] = float, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **options)
        self._weight, self.choice, self.curve = weight, choice or Choice(), curve

    def task_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        terms = super().task_terms(batch)
        factor = self.curve(self._weight) * self.choice.weight
        return {**terms, "total": factor * terms["total"]}


def times(factor: float) -> Callable[[float], float]:
    return lambda x: x * factor


def weighted(change: Callable[[Weighted], object] = lambda _: None, **options: Any) -> Method:
    encoders = {"a": noisy_encoder(), "b": noisy_encoder()}
    with torch.random.fork_rng():
        torch.manual_seed(7)
        for encoder in encoders.values():
            for layer in (encoder[0], encoder[4]):
                layer.reset_parameters()  # type: ignore[operator]
    model = Weighted.for_data(TRAIN, encoders=encoders, seed=7, **options)
    change(model)
    return model


def set_dropout(model: Method) -> None:
    model.encoders["a"][3].p = 0.1  # type: ignore[index]


def replace_relu(model: Method) -> None:
    model.encoders["b"][2] = nn.Tanh()  # type: ignore[operator]


def move_one_weight(model: Method) -> None:
    next(model.parameters()).data[0, 0] += 1e-6


def freeze(model: Method) -> None:
    model.encoders["a"].requires_grad_(requires_grad=False)


def other_loss(model: Method) -> None:
    class Weighted(type(model)):  # type: ignore[misc]
        def task_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
            terms = super().task_terms(batch)
            return {**terms, "total": terms["total"] + 1}

    Weighted.__qualname__ = type(model).__qualname__
    Weighted.task_terms.__qualname__ = type(model).task_terms.__qualname__
    model.__class__ = Weighted


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: weighted(weight=2), r": _weight is 2, there it is 1\.0\. Use another folder"),
        (lambda: weighted(choice=Choice(3)), r": choice\.weight is 3, there it is 1\.0\. Use"),
        (lambda: weighted(curve=times(2)), r"curve\.factor is 2, there it is not set"),
        (lambda: weighted(set_dropout), r": encoders\.a\.3\.p is 0\.1, there it is 0\.3\. Use"),
        (lambda: weighted(replace_relu), r"encoders\.b\.2 is torch.*Tanh, there it is torch.*ReLU"),
        (lambda: weighted(freeze), r"frozen parameters is encoders\.a\.0\.weight"),
        (lambda: weighted(move_one_weight), ": it has other initial weights. Use"),
        (lambda: weighted(other_loss), r": it has other code of .*Weighted;"),
    ],
    ids=["option", "dataclass", "closure", "dropout", "layer", "frozen", "weights", "code"],
)
def test_the_option_of_the_model_that_differs_is_named(
    make: Callable[[], Method], message: str, tmp_path: Path
) -> None:
    quiet_fit(weighted(), TRAIN, epochs=1, checkpoint_dir=tmp_path)
    with pytest.raises(CheckpointError, match=message):
        quiet_fit(make(), TRAIN, epochs=1, checkpoint_dir=tmp_path)


def test_the_same_model_built_again_is_the_same_run(tmp_path: Path) -> None:
    histories = [
        quiet_fit(
            weighted(curve=times(2), choice=Choice(3)), TRAIN, epochs=2, checkpoint_dir=tmp_path
        )
        for _ in range(2)
    ]
    assert histories[0] == histories[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": 0.1}, r"lr is 0\.1, there it is 0\.001"),
        ({"patience": 3}, "patience is 3, there it is None"),
        ({"optimizer": torch.optim.SGD}, "optimizer is torch.*SGD, there it is mmfuse.*adamw"),
        ({"lr": 0.1, "seed": 2, "epochs": 3, "batch_size": 9}, r"batch_size is 9.*\(and \d more\)"),
    ],
)
def test_the_argument_of_fit_that_differs_is_named(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with_options()(tmp_path)
    with pytest.raises(CheckpointError, match=message):
        with_options(**options)(tmp_path)


def test_the_data_that_differ_are_named(tmp_path: Path) -> None:
    with_options()(tmp_path)
    b = TRAIN.inputs["b"].clone()
    b[3, 1] += 1
    moved = replace(TRAIN, inputs={**TRAIN.inputs, "b": b})
    known = replace(TRAIN, composition=torch.zeros(48, dtype=torch.int64))
    for data, message in (
        ((moved, VAL), ": it has other training data of modality 'b'. Use"),
        ((shuffled_labels(0), VAL), ": it has other training targets. Use"),
        ((known, VAL), ": it has other training compositions. Use"),
        ((TRAIN,), "it has other validation data of modality 'a'"),
    ):
        with pytest.raises(CheckpointError, match=message):
            with_data(*data)(tmp_path)


def make_sgd(momentum: float) -> Callable[..., torch.optim.Optimizer]:
    return lambda parameters, lr: torch.optim.SGD(parameters, lr=lr, momentum=momentum)


def nesterov(momentum: float) -> Callable[..., torch.optim.Optimizer]:
    return lambda parameters, lr: torch.optim.SGD(
        parameters, lr=lr, momentum=momentum, nesterov=True
    )


nesterov.__qualname__ = make_sgd.__qualname__


class Halved(torch.optim.SGD):
    def step(self, closure: Any = None) -> Any:
        return super().step(closure)


def other_step() -> type[torch.optim.Optimizer]:
    class Halved(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            self.param_groups[0]["lr"] /= 2
            return super().step(closure)

    Halved.__qualname__ = "Halved"
    return Halved


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        (make_sgd(0.5), make_sgd(0.9), r"optimizer\.momentum is 0\.9, there it is 0\.5"),
        (make_sgd(0.5), nesterov(0.5), "other code of optimizer"),
        (partial(torch.optim.SGD, momentum=0.5), partial(torch.optim.SGD, momentum=0.9),
         r"optimizer\.momentum is 0\.9, there it is 0\.5"),
        (Halved, other_step(), "other code of optimizer"),
    ],
    ids=["closure", "code", "partial", "class"],
)  # fmt: skip
def test_another_optimizer_is_named(one: Any, other: Any, message: str, tmp_path: Path) -> None:
    first = with_options(optimizer=one)(tmp_path)
    with pytest.raises(CheckpointError, match=message):
        with_options(optimizer=other)(tmp_path)
    assert with_options(optimizer=one)(tmp_path) == first


def test_a_trained_model_that_was_changed_does_not_go_on(tmp_path: Path) -> None:
    model = weighted()
    watched(model, stop_at=10)
    with pytest.raises(KeyboardInterrupt):
        quiet_fit(model, TRAIN, epochs=4, checkpoint_dir=tmp_path)
    assert isinstance(model, Weighted)
    model._weight = 0.5
    with pytest.raises(CheckpointError, match=r": _weight is 0\.5, there it is 1\.0\. Use"):
        quiet_fit(model, TRAIN, epochs=4, checkpoint_dir=tmp_path)
    model._weight = 1.0
    freeze(model)
    with pytest.raises(CheckpointError, match=r": frozen parameters is encoders\.a\.0"):
        quiet_fit(model, TRAIN, epochs=4, checkpoint_dir=tmp_path)
    model.requires_grad_()
    move_one_weight(model)
    with pytest.raises(CheckpointError, match="other initial weights"):
        quiet_fit(model, TRAIN, epochs=4, checkpoint_dir=tmp_path)


def test_what_a_model_notes_while_it_trains_does_not_keep_it_from_going_on(tmp_path: Path) -> None:
    expected = quiet_fit(build(Watched), TRAIN, VAL, epochs=3)
    model = build(Watched)
    watched(model, stop_at=10)
    with pytest.raises(KeyboardInterrupt):
        quiet_fit(model, TRAIN, VAL, epochs=3, checkpoint_dir=tmp_path)
    history = quiet_fit(model, TRAIN, VAL, epochs=3, checkpoint_dir=tmp_path)
    assert total(history, "val") == total(expected, "val")
    assert quiet_fit(model, TRAIN, VAL, epochs=3, checkpoint_dir=tmp_path) == history


@pytest.mark.parametrize(
    "make",
    [
        lambda: partial(training.adamw),
        lambda: partial(torch.optim.SGD, momentum=0.5),
        lambda: lambda parameters, lr: torch.optim.SGD(parameters, lr=lr),
    ],
    ids=["partial of a function", "partial of a class", "lambda"],
)
def test_an_optimizer_made_anew_is_the_same_optimizer(
    make: Callable[[], Any], tmp_path: Path
) -> None:
    first = with_options(optimizer=make())(tmp_path)
    assert with_options(optimizer=make())(tmp_path) == first


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut"])
def test_a_broken_checkpoint_stops_before_training(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    model = build()
    calls = watched(model)
    with pytest.raises(CheckpointError, match="cannot read the checkpoint"):
        quiet_fit(model, TRAIN, checkpoint_dir=tmp_path)
    assert calls.n == 0


KEYS = (
    "settings", "digests", "position", "history", "weights", "optimizer", "precision", "shuffle",
    "random", "random_device",
)  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_what_a_checkpoint_lacks_is_named_before_training(key: str, tmp_path: Path) -> None:
    quiet_fit(build(), TRAIN, epochs=1, checkpoint_dir=tmp_path)
    state = torch.load(tmp_path / FILE_NAME, weights_only=True)
    assert set(state) == set(KEYS)
    del state[key]
    torch.save(state, tmp_path / FILE_NAME)
    model = build()
    calls = watched(model)
    with pytest.raises(CheckpointError, match=rf"lacks '{key}': it is of another version"):
        quiet_fit(model, TRAIN, epochs=1, checkpoint_dir=tmp_path)
    assert calls.n == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("settings", None),
        ("position", {"stage": 0, "epochs": 3}),
        ("history", []),
        ("weights", {"other": torch.zeros(2)}),
        ("random", torch.zeros(3, dtype=torch.uint8)),
    ],
)
def test_a_checkpoint_made_by_hand_is_refused(key: str, value: Any, tmp_path: Path) -> None:
    quiet_fit(build(), TRAIN, epochs=1, checkpoint_dir=tmp_path)
    state = torch.load(tmp_path / FILE_NAME, weights_only=True)
    torch.save({**state, key: value}, tmp_path / FILE_NAME)
    with pytest.raises(CheckpointError, match="cannot be used"):
        quiet_fit(build(), TRAIN, epochs=1, checkpoint_dir=tmp_path)


def test_a_folder_that_cannot_be_written_stops_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    model = build()
    calls = watched(model)
    with pytest.raises(CheckpointError, match="cannot write the checkpoint"):
        quiet_fit(model, TRAIN, checkpoint_dir=tmp_path / "file" / "run")
    assert calls.n == 0


class Scaled(Precision):
    """A precision with a state of its own, as the loss scale of half precision on a GPU is."""

    def __init__(self) -> None:
        self.n_steps = 0

    def optimizer_step(self, optimizer: Any, **options: Any) -> Any:
        self.n_steps += 1
        return super().optimizer_step(optimizer, **options)

    def state_dict(self) -> dict[str, Any]:
        return {"n_steps": self.n_steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.n_steps = state["n_steps"]


def test_the_state_of_the_precision_is_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[Scaled] = []

    def make(device: str, precision: str) -> Any:
        fabric = make_fabric(device, precision)
        used.append(Scaled())
        fabric.strategy.precision = used[-1]
        return fabric

    monkeypatch.setattr(training, "make_fabric", make)
    model = build()
    watched(model, stop_at=2 * 3 * 2 + 1)  # three batches an epoch, two encoders
    with pytest.raises(KeyboardInterrupt):
        quiet_fit(model, TRAIN, epochs=5, checkpoint_dir=tmp_path)
    quiet_fit(build(), TRAIN, epochs=5, checkpoint_dir=tmp_path)
    assert [precision.n_steps for precision in used] == [6, 15]


# Randomness.


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    results = []
    for seed in (3, 3, 4):
        model = build()
        results.append((quiet_fit(model, TRAIN, VAL, epochs=3, seed=seed), weights(model)))
    assert results[0][0] == results[1][0]
    assert same(results[0][1], results[1][1])
    assert results[0][0] != results[2][0]
    assert not same(results[0][1], results[2][1])


def interrupted_fit() -> None:
    model = build()
    watched(model, stop_at=5)
    with pytest.raises(KeyboardInterrupt):
        quiet_fit(model, TRAIN, VAL, epochs=3, seed=9)


@pytest.mark.parametrize(
    "action", [lambda: quiet_fit(build(), TRAIN, VAL, epochs=2, seed=9), interrupted_fit]
)
def test_training_leaves_the_global_random_states_alone(action: Callable[[], object]) -> None:
    assert leaves_no_random_trace(action)


def test_training_on_the_cpu_seeds_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build()
    seeded: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    quiet_fit(model, TRAIN, epochs=1)
    assert seeded == []


# Choosing the epoch.


def loss_on(model: Method, data: MultimodalData) -> float:
    with torch.no_grad():
        return float(model.task_terms(data)["total"])


def total(history: History, split: str, stage: str = "joint") -> list[float]:
    frame = history.to_frame().query("term == 'total' and split == @split and stage == @stage")
    return [float(v) for v in frame.sort_values("epoch")["value"]]


def test_the_weights_of_the_best_validation_epoch_are_restored() -> None:
    model = build()
    history = quiet_fit(model, shuffled_labels(0), VAL, epochs=15, lr=1e-2)
    losses = total(history, "val")
    best = history.best_epoch["joint"]
    assert len(losses) == 15
    assert best == int(np.argmin(losses)) + 1
    assert best < 15, "the last weights are the best: the test would not notice"
    assert loss_on(model, VAL) == pytest.approx(min(losses), abs=1e-6)
    assert loss_on(model, VAL) < losses[-1] - 1e-3


class Told(JointFusion):
    """Its validation loss is what it is told."""

    losses = (3.0, 2.0, 2.0, 2.5)

    def task_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        terms = super().task_terms(batch)
        if not self.training:
            self.n_validations = getattr(self, "n_validations", 0) + 1
            terms["total"] = torch.tensor(self.losses[self.n_validations - 1])
        return terms


def test_of_equally_good_epochs_the_first_is_kept_and_counts_for_the_patience() -> None:
    model, reference = build(Told), build()
    history = quiet_fit(model, TRAIN, VAL, epochs=4)
    assert history.best_epoch == {"joint": 2}
    quiet_fit(reference, TRAIN, epochs=2)
    assert same(weights(model), weights(reference))
    history = quiet_fit(build(Told), TRAIN, VAL, epochs=4, patience=1)
    assert total(history, "val") == [3.0, 2.0, 2.0]


def test_early_stopping_stops_after_the_patience_and_restores_the_best() -> None:
    model = build()
    history = quiet_fit(model, shuffled_labels(1), VAL, epochs=100, patience=3, lr=3e-2)
    losses, best = total(history, "val"), history.best_epoch["joint"]
    assert len(losses) == best + 3 < 100
    assert loss_on(model, VAL) == pytest.approx(min(losses), abs=1e-6)


def test_without_validation_the_last_weights_stay() -> None:
    without, with_best_last = JointFusion.for_data(TRAIN), JointFusion.for_data(TRAIN)
    assert quiet_fit(without, TRAIN, epochs=4).best_epoch == {}
    assert quiet_fit(with_best_last, TRAIN, TRAIN, epochs=4).best_epoch == {"joint": 4}
    assert same(weights(without), weights(with_best_last))


def test_the_best_weights_are_carried_from_stage_to_stage() -> None:
    model = build(TwoStages)
    assert isinstance(model, TwoStages)
    history = quiet_fit(model, shuffled_labels(1), VAL, epochs=12, lr=3e-2)
    losses = total(history, "val", "first")
    assert history.best_epoch["first"] < 12, "the test would not notice"
    after = weights(model)
    model.load_state_dict(model.start_of_second)
    assert loss_on(model, VAL) == pytest.approx(min(losses), abs=1e-6)
    for name, x in after.items():
        assert torch.equal(x, model.start_of_second[name]) or not name.startswith("encoders.a")


# What a stage prepares, how fast it learns, what it watches.


def test_a_stage_prepares_once_from_what_the_stage_before_learned() -> None:
    model = build(Prepared)
    assert isinstance(model, Prepared)
    quiet_fit(model, shuffled_labels(1), VAL, epochs=12, lr=3e-2)
    assert model.prepared_on == [(48, False, False)]
    with torch.no_grad():
        expected = model.encode(shuffled_labels(1).inputs)[0].mean(dim=0)
    assert torch.allclose(model.mean, expected, atol=1e-6)


class Watched(JointFusion):
    """Its learning rate falls to a tenth in the third epoch; it watches a term of its own."""

    def stages(self, epochs: int) -> list[Stage]:
        def lr_factor(epoch: int) -> float:
            return 1.0 if epoch < 2 else 0.1

        (stage,) = super().stages(epochs)
        return [replace(stage, loss=self.terms, monitor="falls", lr_factor=lr_factor)]

    def terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        self.n_calls = getattr(self, "n_calls", 0) + 1
        total = self.task_terms(batch)["total"]
        return {"total": total, "falls": torch.tensor(-float(self.n_calls))}


def test_the_learning_rate_follows_the_stage() -> None:
    rates: list[float] = []

    class Recorded(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            rates.append(self.param_groups[0]["lr"])
            return super().step(closure)

    quiet_fit(build(Watched), TRAIN, epochs=4, batch_size=48, lr=0.5, optimizer=Recorded)
    assert rates == [0.5, 0.5, 0.05, 0.05]


def test_the_monitored_term_picks_the_epoch() -> None:
    model = build(Watched)
    history = quiet_fit(model, shuffled_labels(1), VAL, epochs=12, lr=3e-2)
    assert np.argmin(total(history, "val")) + 1 < 12, "the test would not notice"
    assert history.best_epoch == {"joint": 12}


def test_what_a_stage_does_not_train_is_frozen_and_in_eval_mode() -> None:
    model = build(TwoStages)
    seen: dict[str, set[tuple[bool, ...]]] = {"a": set(), "b": set()}
    for name, encoder in model.encoders.items():
        encoder.register_forward_pre_hook(
            lambda module, _, name=name: seen[name].add(
                (
                    all(m.training for m in module.modules()),
                    any(m.training for m in module.modules()),
                    all(p.requires_grad for p in module.parameters()),
                    any(p.requires_grad for p in module.parameters()),
                )
            )
        )
    before = weights(model)
    stages = model.stages(1)
    model.stages = lambda epochs: stages[:1]  # type: ignore[method-assign]
    quiet_fit(model, TRAIN, epochs=1)
    assert seen == {"a": {(True,) * 4}, "b": {(False,) * 4}}
    for name, x in weights(model).items():
        assert torch.equal(x, before[name]) != name.startswith("encoders.a."), name


# What was frozen by its owner.


def frozen_build() -> Method:
    model = build()
    model.encoders["a"].requires_grad_(requires_grad=False)
    return model


def test_what_its_owner_froze_stays_with_its_statistics() -> None:
    model = frozen_build()
    before = weights(model)
    quiet_fit(model, TRAIN, VAL, epochs=2)
    for name, x in weights(model).items():
        assert torch.equal(x, before[name]) == name.startswith("encoders.a."), name


def test_gradient_flags_are_as_before_after_training_and_after_an_interrupt() -> None:
    for stop_at in (None, 3):
        model = frozen_build()
        flags = {name: p.requires_grad for name, p in model.named_parameters()}
        watched(model, stop_at)
        if stop_at is None:
            quiet_fit(model, TRAIN, epochs=1)
        else:
            with pytest.raises(KeyboardInterrupt):
                quiet_fit(model, TRAIN, epochs=1)
        assert {name: p.requires_grad for name, p in model.named_parameters()} == flags
    assert len(set(flags.values())) == 2


def test_a_stage_with_nothing_to_train_is_refused_before_training() -> None:
    model = build()
    model.requires_grad_(requires_grad=False)
    calls = watched(model)
    with pytest.raises(ValueError, match="stage 'joint' has nothing to train"):
        quiet_fit(model, TRAIN)
    assert calls.n == 0


def test_the_model_ends_in_eval_mode_where_it_was() -> None:
    model = build()
    quiet_fit(model, TRAIN, epochs=1)
    assert not any(m.training for m in model.modules())
    assert {p.device.type for p in model.parameters()} == {"cpu"}


# Batches and records.


class Recorder(JointFusion):
    """Notes which samples (by their first number) each training batch holds."""

    def task_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        if self.training:
            self.batches.append(batch.inputs["a"][:, 0].tolist())
        return super().task_terms(batch)

    batches: list[list[float]]


@settings(deadline=None, max_examples=25)
@given(n=st.integers(2, 40), batch_size=st.integers(1, 50), seed=st.integers(0, 99))
def test_each_sample_is_seen_once_an_epoch_in_batches_of_nearly_equal_size(
    n: int, batch_size: int, seed: int
) -> None:
    x = np.arange(n, dtype=np.float32)[:, None]
    data = from_arrays({"a": x, "b": x}, np.arange(n) % 2)
    model = Recorder.for_data(data, dim=2)
    model.batches = []
    quiet_fit(model, data, epochs=2, batch_size=batch_size, seed=seed)
    n_batches = -(-n // batch_size)
    assert len(model.batches) == 2 * n_batches
    sizes = [len(b) for b in model.batches]
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
    for epoch in (model.batches[:n_batches], model.batches[n_batches:]):
        assert sorted(sum(epoch, [])) == list(range(n))  # noqa: RUF017


def test_the_order_changes_from_epoch_to_epoch_and_with_the_seed() -> None:
    x = np.arange(30, dtype=np.float32)[:, None]
    data = from_arrays({"a": x, "b": x}, np.arange(30) % 2)
    orders = []
    for seed in (0, 1):
        model = Recorder.for_data(data, dim=2)
        model.batches = []
        quiet_fit(model, data, epochs=2, batch_size=30, seed=seed)
        orders += model.batches
    assert len({tuple(order) for order in orders}) == 4
    assert sorted(orders[0]) != orders[0]


def test_records_are_means_over_samples_whatever_the_batches() -> None:
    model = JointFusion.for_data(TRAIN)
    history = quiet_fit(model, TRAIN, VAL, epochs=2, batch_size=7, lr=0.0)
    frame = history.to_frame()
    assert list(frame.columns) == ["stage", "epoch", "split", "term", "value"]
    assert len(frame) == 2 * 2 * 2
    with torch.no_grad():
        for split, data in (("train", TRAIN), ("val", VAL)):
            for term, expected in model.task_terms(data).items():
                values = frame[(frame["split"] == split) & (frame["term"] == term)]
                assert values["epoch"].tolist() == [1, 2]
                assert values["value"].tolist() == pytest.approx([expected.item()] * 2, abs=1e-6)


def test_training_lowers_the_loss() -> None:
    losses = total(quiet_fit(JointFusion.for_data(TRAIN), TRAIN, epochs=30, lr=1e-2), "train")
    assert losses[-1] < 0.1 * losses[0]


def test_regression_is_recorded_and_resumed(tmp_path: Path) -> None:
    data = linear(50)
    models = [build(JointFusion, data) for _ in range(3)]
    expected = quiet_fit(models[0], data, epochs=4)
    watched(models[1], stop_at=15)
    with pytest.raises(KeyboardInterrupt):
        quiet_fit(models[1], data, epochs=4, checkpoint_dir=tmp_path)
    assert quiet_fit(models[2], data, epochs=4, checkpoint_dir=tmp_path) == expected
    assert same(weights(models[2]), weights(models[0]))
    assert set(expected.to_frame()["term"]) == {"total"}


def test_the_readers_optimizer_is_called_with_what_is_trained_and_lr_once_a_stage() -> None:
    calls: list[tuple[int, float]] = []

    def mine(parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        calls.append((sum(p.numel() for p in parameters), lr))
        return torch.optim.SGD(parameters, lr=lr)

    model = build(Ensemble)
    quiet_fit(model, TRAIN, epochs=2, lr=0.25, optimizer=mine)
    assert isinstance(model, Ensemble)
    sizes = [sum(p.numel() for p in model.member(name).parameters()) for name in ("a", "b")]
    assert calls == [(sizes[0], 0.25), (sizes[1], 0.25)]


# Errors.


class Exploding(JointFusion):
    """The loss is `value` in one training (or validation) batch of one epoch."""

    value = float("nan")
    epoch, batch, in_validation = 2, 2, False
    n_batches, calls = 3, 0

    def task_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        terms = super().task_terms(batch)
        if self.training != self.in_validation:
            self.calls += 1
            if self.calls == (self.epoch - 1) * self.n_batches + self.batch:
                terms["total"] = terms["total"] * self.value
        return terms


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_loss_that_is_no_number_names_stage_epoch_and_batch(value: str) -> None:
    model = build(Exploding)
    assert isinstance(model, Exploding)
    model.value = float(value)
    with pytest.raises(TrainingError, match=rf"is {value} in stage 'joint', epoch 2, batch 2:"):
        quiet_fit(model, TRAIN, VAL, epochs=5)


def test_a_validation_loss_that_is_no_number_is_named_too() -> None:
    model = build(Exploding)
    assert isinstance(model, Exploding)
    model.in_validation, model.n_batches, model.batch = True, 1, 1
    with pytest.raises(TrainingError, match=r"stage 'joint \(validation\)', epoch 2, batch 1"):
        quiet_fit(model, TRAIN, VAL, epochs=5)


def test_a_long_epoch_is_stopped_long_before_its_end() -> None:
    data = xor(400)
    exploding = Exploding.for_data(data)
    exploding.epoch, exploding.batch = 1, 7
    with pytest.raises(TrainingError, match="epoch 1, batch 7"):
        quiet_fit(exploding, data, batch_size=2)
    assert exploding.calls <= CHECK_EVERY + 1


def test_the_checkpoint_before_the_explosion_stays_usable(tmp_path: Path) -> None:
    with pytest.raises(TrainingError):
        quiet_fit(build(Exploding), TRAIN, VAL, epochs=5, checkpoint_dir=tmp_path)
    state = load_checkpoint(tmp_path)
    assert state is not None
    assert state["position"]["epoch"] == 1
    assert all(torch.isfinite(x).all() for x in state["weights"].values())


class Extra(JointFusion):
    """An attempt at a loss of one's own: a term that never joins the total."""

    detached, added = False, False

    def task_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        terms = super().task_terms(batch)
        spread = self.encode(batch.inputs)[0].var()
        terms["spread"] = spread.detach() if self.detached else spread
        if self.added:
            terms["total"] = terms["total"] - 0.1 * spread
        return terms


def test_a_term_that_could_be_minimised_and_is_not_is_named_once_a_stage() -> None:
    with pytest.warns(UnusedTermWarning, match="stage 'joint' does not minimise 'spread'") as found:
        quiet_fit(build(Extra), TRAIN, VAL, epochs=3)
    assert len(found) == 1
    assert found[0].filename == __file__


def test_a_trained_number_that_is_only_recorded_is_named() -> None:
    class Bare(JointFusion):
        own: Tensor

        def task_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
            terms, (bias, *_) = super().task_terms(batch), self.fusion.parameters()
            return {**terms, "bias": bias.sum() + 1, "own": self.own}

    Bare.own = nn.Parameter(torch.zeros(()))
    model = build(Bare)
    with pytest.warns(UnusedTermWarning, match="'bias', 'own'"):
        quiet_fit(model, TRAIN, epochs=1)


@pytest.mark.parametrize("option", ["detached", "added"])
def test_a_term_that_is_detached_or_part_of_the_total_is_fine(
    option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Extra, option, True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UnusedTermWarning)
        quiet_fit(build(Extra), TRAIN, VAL, epochs=1)


METHODS: dict[str, Callable[[MultimodalData], Method]] = {
    "JointFusion": lambda data: JointFusion.for_data(data, dim=8),
    "JointFusion, sparse": lambda data: JointFusion.for_data(data, dim=8, fusion="sparse_moe"),
    "Ensemble": lambda data: Ensemble.for_data(data, dim=8),
    "DIMML": lambda data: DIMML.for_data(data, dim=8),
    "DMIL": lambda data: DMIL.for_data(data, dim=8, latent_dim=8),
    "DMIL, synergy first": lambda data: DMIL.for_data(data, dim=8, synergy_first=True),
    "I2MoE": lambda data: I2MoE.for_data(data, dim=8),
    "I2MoE, latent": lambda data: I2MoE.for_data(data, dim=8, losses_on="latent"),
}
every_method = pytest.mark.parametrize("make", METHODS.values(), ids=METHODS)


@every_method
def test_no_method_returns_a_term_that_looks_minimised_only(
    make: Callable[[MultimodalData], Method],
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UnusedTermWarning)
        quiet_fit(make(TRAIN), TRAIN, VAL, epochs=10, batch_size=48)


@pytest.mark.parametrize("name", ["total", "falls"])
def test_a_loss_without_the_term_that_is_needed_is_refused_in_the_first_epoch(name: str) -> None:
    class Short(Watched):
        def terms(self, batch: MultimodalData) -> dict[str, Tensor]:
            found = super().terms(batch)
            del found[name]
            return found

    model = build(Short)
    calls = watched(model)
    n_calls = {"total": 2, "falls": 8}[name]  # the first batch, or an epoch and its validation
    with pytest.raises(ValueError, match=rf"stage 'joint' returns .*: expected also '{name}'"):
        quiet_fit(model, TRAIN, VAL)
    assert calls.n == n_calls


def with_value(data: MultimodalData, value: float, dtype: torch.dtype) -> MultimodalData:
    b = data.inputs["b"].to(dtype, copy=True)
    b[7, 1] = value
    return replace(data, inputs={**data.inputs, "b": b})


@pytest.mark.parametrize("split", ["training", "validation"])
@pytest.mark.parametrize(
    ("value", "dtype", "message"),
    [
        (float("nan"), torch.float32, r"has NaN or infinite values \(first in sample 7\)"),
        (float("-inf"), torch.float32, r"has NaN or infinite values \(first in sample 7\)"),
        (1e200, torch.float64, r"beyond the range of single precision.* \(first in sample 7\)"),
    ],
)
def test_values_that_cannot_be_used_are_refused_before_training(
    value: float, dtype: torch.dtype, message: str, split: str
) -> None:
    model = build()
    calls = watched(model)
    data = [TRAIN, VAL]
    number = ["training", "validation"].index(split)
    data[number] = with_value(data[number].to("cpu"), value, dtype)
    with pytest.raises(DataError, match=rf"{split} data: modality 'b' .*{message}"):
        quiet_fit(model, *data)
    assert calls.n == 0


def test_a_target_that_is_no_number_is_refused() -> None:
    data = linear(30)
    target = data.target.clone()
    target[4] = float("nan")
    with pytest.raises(DataError, match=r"training data: the target has NaN .*sample 4"):
        quiet_fit(build(JointFusion, data), replace(data, target=target))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs is 0: expected"),
        ({"epochs": -1}, "epochs is -1: expected"),
        ({"epochs": 1.5}, r"epochs is 1\.5: expected"),
        ({"batch_size": 0}, "batch_size is 0: expected"),
        ({"batch_size": 2.5}, r"batch_size is 2\.5: expected"),
        ({"patience": 0}, "patience is 0: expected"),
        ({"patience": 2}, "patience needs validation data"),
        ({"lr": -1.0}, "learning rate"),
        ({"precision": "7-bit"}, "'7-bit'"),
        ({"device": "nonsense"}, "device is 'nonsense': expected 'auto'"),
        ({"device": "cuda:x"}, "device is 'cuda:x'"),
        ({"device": "cpu:0"}, "device is 'cpu:0': expected"),
        ({"device": ""}, "device is ''"),
    ],
)
def test_arguments_that_cannot_be_used_are_named_before_training(
    options: dict[str, Any], message: str
) -> None:
    model = build()
    calls = watched(model)
    data = (TRAIN, VAL) if options.get("patience") == 0 else (TRAIN,)
    with pytest.raises(ValueError, match=message):
        quiet_fit(model, *data, **options)
    assert calls.n == 0


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_a_device_that_is_not_there_is_named(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match=rf"device is '{device}' but torch sees no .*'auto'"):
        make_fabric(device)


NOT_B = from_arrays({"a": TRAIN.inputs["a"]}, TRAIN.target)
WIDER = from_arrays({"a": TRAIN.inputs["a"], "b": TRAIN.inputs["b"][:, :2]}, TRAIN.target)
THREE_CLASSES = from_arrays(TRAIN.inputs, torch.arange(48) % 3)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (NOT_B, "modality 'b' is missing"),
        (WIDER, r"modality 'b' has shape \(48, 2\): expected \(batch, 3\)"),
        (THREE_CLASSES, "the model was built for classification with classes"),
        (from_arrays(TRAIN.inputs, TRAIN.target.float()), "the data has regression"),
        (TRAIN[:0], "no samples"),
    ],
    ids=["modality", "shape", "classes", "task", "empty"],
)
@pytest.mark.parametrize("role", ["train", "val"])
def test_data_that_do_not_fit_the_model_are_refused_before_training(
    other: MultimodalData, message: str, role: str
) -> None:
    model = build()
    calls = watched(model)
    data = (other, VAL) if role == "train" else (TRAIN, other)
    with pytest.raises(DataError, match=message):
        quiet_fit(model, *data)
    assert calls.n == 0


def test_a_validation_set_of_one_class_is_fine() -> None:
    history = quiet_fit(build(), TRAIN, VAL[VAL.target == 0], epochs=1)
    assert len(total(history, "val")) == 1


# The bar, precision, devices.


def test_the_bar_shows_each_stage_and_silence_is_silent(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    fit(build(TwoStages), TRAIN, VAL, epochs=2, batch_size=20, device="cpu")
    shown = capsys.readouterr()
    for text in ("first", "second", "2/2", "total="):
        assert text in shown.err
    quiet_fit(build(TwoStages), TRAIN, VAL, epochs=2)
    silent = capsys.readouterr()
    assert (silent.out, silent.err) == ("", "")


on_cuda = pytest.param(
    "cuda",
    marks=[
        pytest.mark.gpu,
        pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
    ],
)


@pytest.mark.parametrize("device", ["cpu", on_cuda])
def test_bf16_mixed_trains_and_keeps_float32_weights(device: str) -> None:
    full, mixed = JointFusion.for_data(TRAIN), JointFusion.for_data(TRAIN)
    options: dict[str, Any] = {"epochs": 15, "lr": 1e-2, "device": device}
    expected = total(quiet_fit(full, TRAIN, **options), "train")
    losses = total(quiet_fit(mixed, TRAIN, precision="bf16-mixed", **options), "train")
    assert {p.dtype for p in mixed.parameters()} == {torch.float32}
    assert losses[-1] < 0.2 * losses[0]
    assert losses == pytest.approx(expected, rel=0.2, abs=0.02)
    assert losses != expected, "mixed precision was not used"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")
def test_cuda_trains_evaluates_resumes_and_gives_the_model_back(tmp_path: Path) -> None:
    data = xor(600)
    options: dict[str, Any] = {"epochs": 20, "batch_size": 64, "lr": 3e-3, "progress": False}
    seen: set[str] = set()
    expected = build(JointFusion, data)
    expected.encoders["a"].register_forward_pre_hook(lambda _, x: seen.add(x[0].device.type))
    torch.manual_seed(5)
    torch.cuda.manual_seed(5)
    before = torch.get_rng_state(), torch.cuda.get_rng_state()
    history = fit(expected, data, xor(200, seed=1), device="auto", **options)
    assert seen == {"cuda"}
    assert {p.device.type for p in expected.parameters()} == {"cpu"}
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.equal(torch.cuda.get_rng_state(), before[1])
    on_gpu = evaluate(expected, xor(400, seed=2), device="auto")
    on_cpu = evaluate(expected, xor(400, seed=2), device="cpu")
    assert {p.device.type for p in expected.parameters()} == {"cpu"}
    assert on_gpu.metrics["accuracy"] > 0.95
    assert on_gpu.metrics == pytest.approx(on_cpu.metrics, abs=5e-3)

    model = build(JointFusion, data)
    watched(model, stop_at=200)
    with pytest.raises(KeyboardInterrupt):
        fit(model, data, xor(200, seed=1), checkpoint_dir=tmp_path, **options)
    assert {p.device.type for p in model.parameters()} == {"cpu"}
    fresh = build(JointFusion, data)
    again = fit(fresh, data.to("cuda"), xor(200, seed=1), checkpoint_dir=tmp_path, **options)
    assert again == history
    assert same(weights(fresh), weights(expected))


@pytest.mark.parametrize("device", [on_cuda])
@pytest.mark.parametrize("kind", [JointFusion, Ensemble])
def test_the_losses_are_those_of_the_cpu(kind: type[Method], device: str) -> None:
    data = xor(600)
    options: dict[str, Any] = {"epochs": 3, "lr": 1e-3, "batch_size": 64}
    expected = quiet_fit(kind.for_data(data), data, data, **options)
    found = quiet_fit(kind.for_data(data), data, data, device=device, **options)
    values = [[record["value"] for record in h.records] for h in (found, expected)]
    assert values[0] == pytest.approx(values[1], rel=1e-3, abs=5e-3)  # accuracies of 600 too


def test_unimodal_models_train_on_data_with_more_modalities() -> None:
    model = Unimodal.for_data(TRAIN, modality="a")
    assert len(total(quiet_fit(model, TRAIN, VAL, epochs=2), "val")) == 2


@pytest.mark.parametrize("n_batches", [3, 49, 50, 51, 100])
def test_an_epoch_may_have_any_number_of_batches(n_batches: int) -> None:
    data = xor(2 * n_batches)
    history = quiet_fit(build(data=data), data, epochs=1, batch_size=2)
    assert [r["term"] for r in history.records] == ["total", "accuracy"]
