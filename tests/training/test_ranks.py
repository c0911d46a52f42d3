"""Several processes train one model: as one process would, agreed on everything, with a clear end.

Processes on the CPU, connected by gloo over the loopback interface. What takes many runs is run in
one pair of processes, as starting a pair takes seconds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.optim import SGD

from mmfuse_lib import History, fit
from mmfuse_lib.core.errors import (
    CheckpointError,
    DataError,
    TrainingError,
    UnknownNameError,
    UnusedTermWarning,
)
from mmfuse_lib.core.ranks import (
    LostRankError,
    agree_on_buffers,
    gathered,
    n_ranks,
    own_rank,
    taking_part,
    total,
    whole_batch,
)
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.methods import DIMML, DMIL, MLA, OGMGE, Contrastive, Ensemble, I2MoE, JointFusion
from mmfuse_lib.methods.base import Method, Stage
from mmfuse_lib.methods.dmil import focus
from mmfuse_lib.training import ranks
from mmfuse_lib.training.checkpoints import FILE_NAME
from tests.support import linear, noisy_encoder, same, two_labels, weights, xor

ROOT = Path(__file__).parents[2]
#: 51 samples in batches of 17, which two ranks share as 9 and 8; 21 as 11 and 10.
TRAIN, VAL = xor(51), xor(21, seed=1)
TOLERANCE = 1e-5

sgd = partial(SGD, momentum=0.9)


def plain(dim: int = 4) -> nn.Sequential:
    """An encoder without anything random, and without statistics of a batch."""
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, dim))


def build(
    kind: type[Method] = JointFusion,
    data: MultimodalData = TRAIN,
    encoder: Callable[[], nn.Module] = plain,
    **options: Any,
) -> Method:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return kind.for_data(data, encoders={"a": encoder(), "b": encoder()}, seed=7, **options)


class Clipped(JointFusion):
    """Gradients that are shortened, in batches of its own."""

    def stages(self, epochs: int) -> list[Stage]:
        return [replace(s, clip=0.1, batch_size=13) for s in super().stages(epochs)]


class Focused(JointFusion):
    """A loss that weighs each sample by a mean over the batch."""

    def task_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        logits = self(batch.inputs)
        weight = focus(logits.detach().unsqueeze(0), batch.target)
        loss = nn.functional.cross_entropy(logits, batch.target, reduction="none")
        return {"total": (weight * loss).mean()}


class OneSided(JointFusion):
    """A loss that reaches the second encoder on the first rank alone, as a sparse gate's may."""

    def task_terms(self, batch: MultimodalData) -> dict[str, Tensor]:
        z_a, z_b = self.encode(batch.inputs)
        loss = nn.functional.cross_entropy(self.fusion([z_a, z_b.detach()]), batch.target)
        if own_rank() == 0:
            loss = loss + z_b.square().mean()
        return {"total": loss}


@dataclass(frozen=True)
class Run:
    """A model, data and options: all that a run is made of."""

    build: Callable[[], Method]
    data: tuple[MultimodalData, ...] = (TRAIN, VAL)
    options: dict[str, Any] = field(default_factory=dict)

    def __call__(self, devices: int, **more: Any) -> tuple[dict[str, Tensor], History]:
        model = self.build()
        given: dict[str, Any] = {
            "epochs": 4, "batch_size": 17, "lr": 0.01, "optimizer": sgd, "device": "cpu",
            "progress": False, **self.options, **more,
        }  # fmt: skip
        history = fit(model, *self.data, devices=devices, **given)
        return weights(model), history


#: Runs that several ranks do as one process does.
SAME = {
    "joint": Run(build),
    "joint, AdamW, patience": Run(build, options={"optimizer": torch.optim.AdamW, "patience": 1}),
    "joint, no validation data": Run(build, (TRAIN,)),
    "regression": Run(partial(build, data=linear(51)), (linear(51), linear(21, seed=1))),
    "multi-label": Run(partial(build, data=two_labels(51)), (two_labels(51), two_labels(21, 1))),
    "clipped": Run(partial(build, Clipped)),
    "focused": Run(partial(build, Focused)),
    "ensemble": Run(partial(build, Ensemble)),
    "DI-MML": Run(partial(build, DIMML, temperature=1.0)),
    "DI-MML, both sides": Run(partial(build, DIMML, temperature=1.0, one_way=False)),
    "DMIL": Run(partial(build, DMIL, variational=False, synergy_first=True)),
    "I2MoE": Run(partial(build, I2MoE, perturbation="mean", dropout=0.0)),
    "OGM-GE": Run(partial(build, OGMGE, alpha=0.8, noise=False)),
    "MLA": Run(partial(build, MLA)),
    "contrastive": Run(partial(build, Contrastive, finetune=True)),
}  # fmt: skip

#: Runs that draw random numbers and keep statistics of batches.
NOISY = Run(partial(build, encoder=noisy_encoder))
NOISY_OGMGE = Run(partial(build, OGMGE, encoder=noisy_encoder))


def digest(state: dict[str, Tensor]) -> list[list[float]]:
    return [x.flatten().tolist() for x in state.values()]


def check_collectives() -> None:
    """What ranks tell each other, seen from both; called in a pair that is connected."""
    with taking_part():
        assert n_ranks() == 2
        rank = own_rank()
        assert gathered(rank) == [0, 1]
        x = torch.full((2 - rank, 3), 1.0 + rank, requires_grad=True)  # two rows and one
        whole = whole_batch(x)
        assert whole[:, 0].tolist() == [1, 1, 2]
        (whole * torch.tensor([[1.0], [2.0], [3.0]]) * (1 + rank)).sum().backward()
        expected = torch.tensor([[3.0], [6.0]] if rank == 0 else [[9.0]])  # of both ranks' losses
        assert x.grad is not None
        assert torch.equal(x.grad, expected.expand_as(x))
        norm = nn.BatchNorm1d(1)
        assert norm.running_mean is not None
        assert norm.num_batches_tracked is not None
        norm.running_mean.fill_(float(rank))
        norm.num_batches_tracked.fill_(5 - rank)
        agree_on_buffers(norm)
        assert (float(norm.running_mean), int(norm.num_batches_tracked)) == (0.5, 5)


def step_under_scaled_loss(overflow_on: int | None) -> tuple[float, float]:
    """One step as half precision does it; return the weight and the scale after it."""
    with taking_part():
        w = nn.Parameter(torch.tensor([1.0]))
        scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
        optimizer = SGD([w], lr=1.0)
        factor = float("inf") if own_rank() == overflow_on else 0.25
        scaler.scale(w.sum() * factor).backward()
        ranks.add_up_gradients([w])
        scaler.step(optimizer)
        scaler.update()
        return float(w.detach()), scaler.get_scale()


def in_pair() -> dict[str, Any]:
    """All that needs two ranks and no process of its own."""
    found: dict[str, Any] = {name: run(devices=2) for name, run in SAME.items()}
    found["noisy"], found["noisy OGM-GE"] = NOISY(devices=2), NOISY_OGMGE(devices=2)
    found["one-sided"] = Run(partial(build, OneSided))(devices=2)
    check_collectives()
    found["scaled"] = [step_under_scaled_loss(on) for on in (None, 0, 1)]
    with taking_part():
        found["agreed"] = [
            name
            for name, result in found.items()
            if name != "scaled"
            and gathered((digest(result[0]), result[1])) == [(digest(result[0]), result[1])] * 2
        ]
        everywhere = gathered(found["scaled"])
        assert everywhere[0] == everywhere[1]
        found["draws"] = gathered(ranks.seed_of(3, own_rank()))
    return found


@pytest.fixture(scope="module")
def pair() -> dict[str, Any]:
    return ranks.launch(in_pair, 2)


@pytest.fixture(scope="module")
def alone() -> Callable[[str], tuple[dict[str, Tensor], History]]:
    return lambda name: SAME[name](devices=1)


def assert_close(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, x in one.items():
        torch.testing.assert_close(x, other[name], atol=TOLERANCE, rtol=0, msg=name)


def assert_same_history(one: History, other: History) -> None:
    assert one.best_epoch == other.best_epoch
    assert len(one.records) == len(other.records)
    for a, b in zip(one.records, other.records, strict=True):
        assert a.keys() == b.keys()
        assert {**a, "value": 0} == {**b, "value": 0}
        assert a["value"] == pytest.approx(b["value"], abs=TOLERANCE), a


@pytest.mark.parametrize("name", SAME)
def test_two_ranks_do_what_one_process_does_with_the_whole_batch(
    name: str, pair: dict[str, Any]
) -> None:
    expected, expected_history = SAME[name](devices=1)
    found, history = pair[name]
    assert not all(torch.equal(x, y) for x, y in zip(
        expected.values(), SAME[name].build().state_dict().values(), strict=True
    )), "nothing was trained"  # fmt: skip
    assert_close(found, expected)
    assert_same_history(history, expected_history)


def test_ranks_end_with_the_same_bits_whatever_is_random(pair: dict[str, Any]) -> None:
    assert set(pair["agreed"]) == {*SAME, "noisy", "noisy OGM-GE", "one-sided"}


def test_what_only_one_rank_has_a_gradient_of_moves_on_all(pair: dict[str, Any]) -> None:
    began = weights(build(OneSided))
    name = next(name for name in began if name.startswith("encoders.b"))
    assert not torch.equal(pair["one-sided"][0][name], began[name])


def test_ranks_draw_their_own_numbers_and_the_first_those_of_the_seed(
    pair: dict[str, Any],
) -> None:
    first, second = pair["draws"]
    assert first == 3
    assert second not in (3, 4)
    assert len({ranks.seed_of(seed, rank) for seed in range(4) for rank in range(4)}) == 16


def test_a_scaled_loss_that_overflows_on_one_rank_is_left_out_by_all(
    pair: dict[str, Any],
) -> None:
    # The gradient is 1/4 on each rank; after an overflow the scale is halved and nothing moves.
    assert pair["scaled"] == [(0.5, 4.0), (1.0, 2.0), (1.0, 2.0)]


@dataclass
class Act:
    """Acts in the n-th pass of an encoder, on one rank."""

    act: Callable[[], None]
    rank: int
    n_passes: int

    def __call__(self, *_: object) -> None:
        self.n_passes -= 1
        if self.n_passes == 0 and os.environ.get("RANK") == str(self.rank):
            self.act()


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def raise_own_error() -> None:
    raise OneRankError("no luck here", 7)


def be_interrupted() -> None:
    raise KeyboardInterrupt


class OneRankError(Exception):
    """An error that pickle cannot make again: it takes two arguments, and keeps one."""

    def __init__(self, text: str, number: int) -> None:
        super().__init__(text)


def acting(run: Run, act: Callable[[], None], rank: int = 1, n_passes: int = 12) -> Run:
    """The run, with something that happens on one rank in the midst of it."""

    def make() -> Method:
        model = run.build()
        model.encoders["a"].register_forward_pre_hook(Act(act, rank, n_passes))
        return model

    return replace(run, build=make)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_rank_ends_the_run_which_continues_bit_for_bit(
    pair: dict[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    killed = acting(NOISY, kill_itself)
    model = killed.build()
    began = weights(model)
    started = time.monotonic()
    with pytest.raises(TrainingError, match=r"rank 1 of 2 was killed by SIGKILL") as caught:
        replace(killed, build=lambda: model)(2, checkpoint_dir=tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert time.monotonic() - started < 120  # and not the half hour that torch would wait
    assert same(weights(model), began)
    state = torch.load(tmp_path / FILE_NAME, weights_only=True)
    assert 0 < state["position"]["epoch"] < 4
    found, history = NOISY(2, checkpoint_dir=tmp_path)
    expected, expected_history = pair["noisy"]
    assert same(found, expected)
    assert history == expected_history
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]  # one rank has written
    with pytest.raises(CheckpointError, match="devices is not set, there it is 2"):
        NOISY(1, checkpoint_dir=tmp_path)
