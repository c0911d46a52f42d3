"""A stage's own step, optimizer, batch size, schedule, clipping; that by default it has none."""

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import mmfuse_lib.training.fit as training
from mmfuse_lib import History, fit
from mmfuse_lib.core.devices import make_fabric
from mmfuse_lib.core.errors import CheckpointError, TrainingError
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.methods import DIMML, DMIL, I2MoE, JointFusion, Method, Stage
from mmfuse_lib.methods.base import Update, constant
from mmfuse_lib.training.checkpoints import load_checkpoint, save_checkpoint
from mmfuse_lib.training.fit import adamw
from mmfuse_lib.training.terms import CHECK_EVERY
from tests.support import interrupted, noisy_encoder, same, weights, xor

TRAIN, VAL = xor(48), xor(20, seed=1)
N_BATCHES = 3
SGD = partial(torch.optim.SGD, momentum=0.9)


def quiet_fit(model: Method, *data: MultimodalData, **options: Any) -> History:
    return fit(model, *data, **{"device": "cpu", "progress": False, "batch_size": 16, **options})


def build(kind: type[Method] = JointFusion, **options: Any) -> Method:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        encoders = {"a": noisy_encoder(), "b": noisy_encoder()}
        return kind.for_data(TRAIN, encoders=encoders, seed=7, **options)


def changed(model: Method, change: Callable[[Stage], Stage]) -> Method:
    """The model, with each of its stages changed."""
    stages = model.stages
    model.stages = lambda epochs: [change(stage) for stage in stages(epochs)]  # type: ignore[method-assign]
    return model


def spelled_out(stage: Stage) -> Stage:
    """The stage, with what it does by default said in words."""

    def step(batch: MultimodalData, update: Update) -> dict[str, Tensor]:
        terms = stage.loss(batch)
        update(terms["total"], lambda: None)
        return terms

    return replace(stage, step=step, optimizer=adamw, batch_size=16, clip=float("inf"))


# Without them, all is as it was.

METHODS: dict[str, Callable[[], Method]] = {
    "JointFusion": build,
    "DIMML": lambda: build(DIMML, lr_schedule=lambda epoch: 0.5**epoch),
    "DMIL": lambda: build(DMIL, latent_dim=8),
    "I2MoE": lambda: build(I2MoE),
}


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("make", METHODS.values(), ids=METHODS)
def test_the_default_step_spelled_out_gives_the_same_bits(
    make: Callable[[], Method], precision: str
) -> None:
    plain, spelled = make(), changed(make(), spelled_out)
    histories = [
        quiet_fit(model, TRAIN, VAL, epochs=6, precision=precision) for model in (plain, spelled)
    ]
    assert same(weights(plain), weights(spelled))
    assert histories[0] == histories[1]


def by_hand(model: Method, epochs: int, lr: float = 1e-3) -> Method:
    """Train as most people would write it; the batches are those of `fit` with seed 0."""
    shuffle = torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, fused=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(epochs):
            model.train()
            for index in torch.randperm(len(TRAIN), generator=shuffle).tensor_split(N_BATCHES):
                batch = TRAIN[index]
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(batch.inputs), batch.target).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
    return model


def test_the_default_is_the_loop_that_most_people_would_write() -> None:
    model = build()
    quiet_fit(model, TRAIN, epochs=3)
    assert same(weights(model), weights(by_hand(build(), 3)))


# What an update does.


class Bare(JointFusion):
    """One number a parameter: what is learned can be computed by hand."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.w = nn.Parameter(torch.tensor([3.0, 4.0]))
        self.noted: list[Any] = []
        self.options: dict[str, Any] = {}

    def stages(self, epochs: int) -> list[Stage]:
        options = {"optimizer": torch.optim.SGD, "batch_size": 24, **self.options}
        return [Stage("bare", epochs, [self], self.terms, **options)]

    def terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        self.noted.append(("loss", len(batch)))
        return {"total": self.w.square().sum() / 2}


def bare(**options: Any) -> Bare:
    model = Bare.for_data(TRAIN)
    model.options = options
    return model


def test_an_update_moves_against_the_gradient() -> None:
    model = bare()
    quiet_fit(model, TRAIN, epochs=1, lr=0.5)  # two batches, each halves w
    assert model.w.tolist() == [0.75, 1.0]


def test_gradients_longer_than_the_limit_are_shortened_to_it() -> None:
    model = bare(clip=2.5)
    quiet_fit(model, TRAIN, epochs=1, lr=1.0)  # w is 5 long, then 2.5, then 0
    torch.testing.assert_close(model.w.detach(), torch.zeros(2), atol=1e-5, rtol=0)
    model = bare(clip=2.5)
    quiet_fit(model, TRAIN, epochs=1, lr=0.5)  # 5 -> 3.75 -> 2.5
    torch.testing.assert_close(model.w.detach(), torch.tensor([1.5, 2.0]), atol=1e-5, rtol=0)


def test_gradients_are_changed_after_the_backward_pass_and_before_clipping() -> None:
    model = bare(clip=2.5)

    def step(batch: MultimodalData, update: Update) -> dict[str, Tensor]:
        def change() -> None:
            assert model.w.grad is not None
            assert not torch.is_grad_enabled()
            assert model.w.grad.tolist() == model.w.tolist()
            model.w.grad[0] = 0.0

        terms = model.terms(batch)
        update(terms["total"], change)
        return terms

    model.options["step"] = step
    quiet_fit(model, TRAIN, epochs=1, lr=0.5)  # (3, 4): 4 -> 4 - 1.25 -> 2.75 - 1.25
    torch.testing.assert_close(model.w.detach(), torch.tensor([3.0, 1.5]), atol=1e-5, rtol=0)


def test_a_step_may_update_twice_and_knows_where_it_stands() -> None:
    model = bare()
    seen = []

    def step(batch: MultimodalData, update: Update) -> dict[str, Tensor]:
        seen.append((update.epoch, update.batch, update.n_batches, len(batch)))
        for part in (0, 1):
            update(model.w[part].square() / 2)
        return {"total": model.w.sum().detach()}

    model.options["step"] = step
    history = quiet_fit(model, TRAIN, VAL, epochs=2, lr=0.5)
    # Each half moves once a batch: the other has a gradient of zero, as both are one parameter.
    assert model.w.tolist() == [3.0 / 16, 4.0 / 16]
    assert seen == [(e, b, 2, 24) for e in (0, 1) for b in (0, 1)]
    frame = history.to_frame().set_index(["split", "epoch"])["value"]
    assert frame["train", 1] == pytest.approx((3.5 + 1.75) / 2), "what the step returns"
    assert frame["val", 1] == pytest.approx((0.75**2 + 1.0) / 2), "the loss"


def test_what_a_loss_does_not_depend_on_rests_and_one_optimizer_serves_all() -> None:
    made = []

    def sgd(parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        made.append(torch.optim.SGD(parameters, lr=lr, momentum=0.5))
        return made[-1]

    class Two(Bare):
        def stages(self, epochs: int) -> list[Stage]:
            self.v = nn.Parameter(torch.tensor(1.0))
            return [replace(super().stages(epochs)[0], step=self.step, optimizer=sgd)]

        def step(self, batch: MultimodalData, update: Update) -> dict[str, Tensor]:
            before = self.w.tolist()
            update(self.v)
            assert self.w.tolist() == before, "momentum does not move it"
            update(self.w.sum())
            return {"total": self.v.detach()}

    model = Two.for_data(TRAIN)
    quiet_fit(model, TRAIN, epochs=1, lr=1.0)
    assert len(made) == 1
    assert model.v.item() == 1 - 1 - 1.5
    assert model.w.tolist() == [3 - 2.5, 4 - 2.5]


def test_the_learning_rate_follows_the_batch() -> None:
    asked, rates = [], []

    def schedule(batch: int, n_batches: int) -> float:
        asked.append((batch, n_batches))
        return 1 / (1 + batch)

    model = bare(lr_step=schedule)

    def step(batch: MultimodalData, update: Any) -> dict[str, Tensor]:
        rates.append(update.optimizer.param_groups[0]["lr"])
        terms = model.terms(batch)
        update(terms["total"])
        return terms

    model.options["step"] = step
    quiet_fit(model, TRAIN, epochs=3, lr=0.5)
    assert asked == [(i, 6) for i in range(6)]
    assert rates == [0.5 / (1 + i) for i in range(6)]


def test_a_stage_has_its_own_batch_size_also_on_validation_data() -> None:
    model = bare(batch_size=30)
    quiet_fit(model, TRAIN, VAL, epochs=1, batch_size=5)
    assert model.noted == [("loss", 24), ("loss", 24), ("loss", 20)]


def test_a_stage_has_its_own_optimizer_and_the_others_that_of_fit() -> None:
    calls = []

    def note(name: str, parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        calls.append((name, lr))
        return torch.optim.SGD(parameters, lr=lr)

    model = build(DIMML)
    changed(
        model,
        lambda s: replace(s, optimizer=partial(note, "its own")) if s.name == "fusion" else s,
    )
    quiet_fit(model, TRAIN, epochs=3, lr=0.25, optimizer=partial(note, "of fit"))
    assert calls == [("of fit", 0.25), ("of fit", 0.25), ("its own", 0.25)]


def test_a_copied_model_trains_as_the_model_does() -> None:
    model = build(Stepped)
    copied = copy.deepcopy(model)
    for one in (model, copied):
        quiet_fit(one, TRAIN, epochs=2)
    assert same(weights(model), weights(copied))
    plain = build()
    quiet_fit(plain, TRAIN, epochs=2)
    assert not same(weights(plain), weights(copied)), "its step did something"


# Mixed precision.


def falling(batch: int, n_batches: int) -> float:
    return 1 - batch / n_batches


class Stepped(JointFusion):
    """Two updates a batch, with noisy gradients; everything that a stage may bring."""

    changed: dict[str, Any] = {}  # noqa: RUF012 (a test replaces it)

    def stages(self, epochs: int) -> list[Stage]:
        own = Stage(
            "own", epochs, [self], self.task_terms, step=self.step, optimizer=SGD, batch_size=12,
            lr_step=falling, clip=0.5,
        )  # fmt: skip
        own = replace(own, **self.changed)
        return [own, Stage("usual", epochs, [self.fusion], self.task_terms)]

    def step(self, batch: MultimodalData, update: Update) -> dict[str, Tensor]:
        for _ in range(2):
            terms = self.task_terms(batch)
            update(terms["total"], self.add_noise)
        return terms

    def add_noise(self) -> None:
        for p in self.encoders.parameters():
            if p.grad is not None:
                p.grad = p.grad + 0.01 * torch.randn_like(p.grad)


def with_scaler(monkeypatch: pytest.MonkeyPatch, scale: float) -> list[torch.amp.GradScaler]:
    """Let `fit` scale its losses, as half precision on a GPU does, but in single precision."""
    used: list[torch.amp.GradScaler] = []

    def make(device: str, precision: str) -> Any:
        from lightning_fabric.plugins.precision import MixedPrecision

        fabric = make_fabric(device, precision)
        scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        mixed = MixedPrecision("16-mixed", "cpu", scaler=scaler)
        mixed._desired_input_dtype = torch.float32
        mixed.forward_context = lambda: torch.autocast("cpu", enabled=False)  # type: ignore[method-assign]
        fabric.strategy.precision = mixed
        used.append(scaler)
        return fabric

    monkeypatch.setattr(training, "make_fabric", make)
    return used


@pytest.mark.parametrize("optimizer", [SGD, adamw], ids=["SGD", "AdamW, fused"])
def test_scaling_the_loss_changes_neither_what_gradients_sees_nor_clipping(
    optimizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make() -> Method:
        return changed(build(Stepped), lambda s: replace(s, optimizer=optimizer))

    expected = make()
    quiet_fit(expected, TRAIN, epochs=2)
    used = with_scaler(monkeypatch, scale=2.0**12)  # a power of two: scaling is exact
    model = make()
    quiet_fit(model, TRAIN, epochs=2)
    assert used[0].get_scale() == 2.0**12
    for name, w in weights(model).items():
        torch.testing.assert_close(w, weights(expected)[name], atol=1e-6, rtol=1e-5)


def test_it_is_the_gradients_before_scaling_that_are_clipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_scaler(monkeypatch, scale=2.0**12)
    model = bare(clip=2.5)
    quiet_fit(model, TRAIN, epochs=1, lr=0.5)  # 5 long, then 3.75, then 2.5
    torch.testing.assert_close(model.w.detach(), torch.tensor([1.5, 2.0]), atol=1e-5, rtol=0)


def test_a_step_whose_scaled_gradients_overflow_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used = with_scaler(monkeypatch, scale=2.0**127)
    model = bare(clip=1.0)
    quiet_fit(model, TRAIN, epochs=1, lr=0.5)
    assert model.w.tolist() == [3.0, 4.0]
    assert used[0].get_scale() < 2.0**127


def test_under_autocast_the_second_update_sees_the_weights_after_the_first() -> None:
    seen = []

    class Twice(Bare):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.v = nn.Parameter(torch.ones(1, 2))

        def step(self, batch: MultimodalData, update: Update) -> dict[str, Tensor]:
            for _ in range(2):
                product = nn.functional.linear(torch.ones(1, 2), self.v)
                seen.append((product.item(), product.dtype))
                update(product.sum())
            return {"total": product.detach().sum()}

    model = Twice.for_data(TRAIN)
    model.options = {"step": model.step, "batch_size": 48}
    quiet_fit(model, TRAIN, epochs=1, lr=0.25, precision="bf16-mixed")
    assert seen == [(2.0, torch.bfloat16), (1.5, torch.bfloat16)]


# Checkpoints.


@pytest.mark.parametrize("n_calls", [3, 17, 29, 42, 44])  # 10 an epoch: 8 steps of 4 batches, val
def test_a_stage_with_everything_of_its_own_resumes_bit_for_bit(
    n_calls: int, tmp_path: Path
) -> None:
    expected = build(Stepped)
    history = quiet_fit(expected, TRAIN, VAL, epochs=4)
    with pytest.raises(KeyboardInterrupt):
        quiet_fit(
            interrupted(build(Stepped), n_calls), TRAIN, VAL, epochs=4, checkpoint_dir=tmp_path
        )
    model = build(Stepped)
    assert quiet_fit(model, TRAIN, VAL, epochs=4, checkpoint_dir=tmp_path) == history
    assert same(weights(model), weights(expected))


def test_the_checkpoint_says_whose_state_it_holds(tmp_path: Path) -> None:
    kinds: list[Any] = [torch.optim.SGD, torch.optim.RMSprop]

    def chosen(parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        optimizer: torch.optim.Optimizer = kinds_now[0](parameters, lr=lr)
        return optimizer

    kinds_now = [kinds[0]]
    with pytest.raises(KeyboardInterrupt):
        quiet_fit(interrupted(build(), 5), TRAIN, optimizer=chosen, checkpoint_dir=tmp_path)
    state = load_checkpoint(tmp_path)
    assert state is not None
    assert state["optimizer"]["class"] == "torch.optim.sgd.SGD"
    state["optimizer"]["class"] = "torch.optim.rmsprop.RMSprop"
    save_checkpoint(tmp_path, state)
    with pytest.raises(
        CheckpointError, match=r"holds the state of .*RMSprop, the optimizer is .*SGD"
    ):
        quiet_fit(build(), TRAIN, optimizer=chosen, checkpoint_dir=tmp_path)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"step": lambda batch, update: {}}, "step"),
        ({"optimizer": torch.optim.Adam}, "optimizer"),
        ({"batch_size": 8}, "batch_size is 8, there it is 12"),
        ({"lr_step": lambda batch, n_batches: 0.5}, "lr_step is .*, there it is .*falling"),
        ({"clip": 0.25}, "clip is 0.25, there it is 0.5"),
    ],
)
def test_another_value_of_a_stages_own_is_another_run(
    change: dict[str, Any], named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet_fit(build(Stepped), TRAIN, epochs=1, checkpoint_dir=tmp_path)
    monkeypatch.setattr(Stepped, "changed", change)
    with pytest.raises(CheckpointError, match=rf"of another run: stage 1\.{named}"):
        quiet_fit(build(Stepped), TRAIN, epochs=1, checkpoint_dir=tmp_path)


# Errors.


def never(batch: MultimodalData, update: Update) -> dict[str, Tensor]:
    return {"total": torch.tensor(0.0)}


def once(terms: Any, batch: MultimodalData, update: Update) -> Any:
    update(terms["total"] if isinstance(terms, dict) and "total" in terms else next_loss())
    return terms


def next_loss() -> Tensor:
    return nn.Parameter(torch.zeros(())).square()


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (never, "the step of stage 'bare' never called update"),
        (partial(once, None), "the step and loss of stage 'bare' returns None: expected a dict"),
        (partial(once, {"other": torch.zeros(())}), "returns other: expected also 'total'"),
    ],
)
def test_a_step_that_cannot_train_is_named(step: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        quiet_fit(bare(step=step), TRAIN, epochs=1)


@pytest.mark.parametrize("where", ["returned", "minimised"])
def test_a_loss_of_a_step_that_is_no_number_names_stage_epoch_and_batch(where: str) -> None:
    model = bare(batch_size=16)

    def step(batch: MultimodalData, update: Update) -> dict[str, Tensor]:
        total = model.w.square().sum()
        bad = torch.tensor(float("nan") if (update.epoch, update.batch) == (1, 1) else 1.0)
        update(total * bad if where == "minimised" else total)
        return {"total": (total * bad if where == "returned" else torch.zeros(())).detach()}

    model.options["step"] = step
    with pytest.raises(TrainingError, match="is nan in stage 'bare', epoch 2, batch 2:"):
        quiet_fit(model, TRAIN, epochs=3, lr=1e-3)


def test_a_long_epoch_of_steps_is_stopped_long_before_its_end() -> None:
    data, n_steps = xor(400), 0

    def step(batch: MultimodalData, update: Update) -> dict[str, Tensor]:
        nonlocal n_steps
        n_steps += 1
        update(model.w.sum() * (float("inf") if n_steps == 7 else 1.0))
        return {"total": torch.zeros(())}

    model = bare(step=step, batch_size=2)
    with pytest.raises(TrainingError, match="epoch 1, batch 7"):
        quiet_fit(model, data)
    assert n_steps <= CHECK_EVERY + 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 2.0}, r"batch_size=2\.0: expected an integer of at least 1"),
        ({"clip": "1"}, "clip='1': expected a positive number"),
        ({"step": 3}, "step=3: expected a callable"),
        ({"optimizer": "sgd"}, "optimizer='sgd': expected a callable"),
        ({"lr_step": 0.5}, "lr_step=0.5: expected a callable"),
        ({"batch_size": 0}, "batch_size=0: expected an integer of at least 1"),
        ({"batch_size": 2.5}, "batch_size=2.5: expected an integer"),
        ({"clip": 0.0}, "clip=0.0: expected a positive number"),
        ({"clip": float("nan")}, "clip=nan: expected a positive number"),
        (
            {"lr_step": lambda batch, n: 1.0, "lr_factor": lambda epoch: 1.0},
            "lr_factor and lr_step: expected one schedule",
        ),
    ],
)
def test_a_stage_that_cannot_be_used_is_named_before_training(
    options: dict[str, Any], message: str
) -> None:
    model = bare(**options)
    with pytest.raises(ValueError, match=f"stage 'bare' has {message}"):
        quiet_fit(model, TRAIN)
    assert model.noted == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"loss": None}, "loss=None: expected a callable"),
        ({"modules": nn.Linear(2, 2)}, "a Linear as modules: expected a list"),
        ({"epochs": 2.5}, r"epochs=2\.5: expected an integer of at least 0"),
        ({"epochs": -1}, "epochs=-1: expected an integer of at least 0"),
    ],
)
def test_a_stage_is_checked_when_it_is_made(wrong: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"name": "s", "epochs": 1, "modules": [], "loss": lambda b: {}}
    with pytest.raises(ValueError, match=f"stage 's' has {message}"):
        Stage(**good | wrong)


def test_the_usual_schedule_beside_that_of_the_batch_is_none() -> None:
    stage = Stage("s", 1, [], lambda b: {}, lr_factor=constant, lr_step=lambda b, n: 1.0)
    assert stage.lr_factor(3) == 1.0
