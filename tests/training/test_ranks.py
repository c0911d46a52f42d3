"""Several processes train one model: as one process would, agreed on everything, with a clear end.

Processes on the CPU, connected by gloo over the loopback interface. What takes many runs is run in
one pair of processes, as starting a pair takes seconds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
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
from mmfuse_lib.training.checkpoints import FILE_NAME, load_checkpoint, save_checkpoint
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
        loss = (whole * torch.tensor([[1.0], [2.0], [3.0]]) * (1 + rank)).sum()
        loss.backward()  # type: ignore[no-untyped-call]
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
        scaled = scaler.scale(w.sum() * factor)
        scaled.backward()  # type: ignore[no-untyped-call]
        ranks.add_up_gradients([w])
        scaler.step(optimizer)
        scaler.update()
        return float(w.detach()), scaler.get_scale()


def ends_after_a_slow_write(folder: Path) -> list[int]:
    """Return where each rank finds the run right after it has ended, if writing takes a while."""

    def slow(*arguments: Any) -> None:
        time.sleep(0.2)
        save_checkpoint(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmfuse_lib.training.fit.save_checkpoint", slow)
        SAME["joint"](devices=2, epochs=1, checkpoint_dir=folder)
        state = load_checkpoint(folder)
    assert state is not None
    with taking_part():
        return gathered(state["position"]["stage"])


def in_pair(folder: Path) -> dict[str, Any]:
    """All that needs two ranks and no process of its own."""
    found: dict[str, Any] = {name: run(devices=2) for name, run in SAME.items()}
    found["noisy"], found["noisy OGM-GE"] = NOISY(devices=2), NOISY_OGMGE(devices=2)
    found["one-sided"] = Run(partial(build, OneSided))(devices=2)
    check_collectives()
    found["read at once"] = ends_after_a_slow_write(folder)
    found["scaled"] = [step_under_scaled_loss(on) for on in (None, 0, 1)]
    with taking_part():
        found["agreed"] = [
            name
            for name, result in found.items()
            if name not in ("scaled", "read at once")
            and gathered((digest(result[0]), result[1])) == [(digest(result[0]), result[1])] * 2
        ]
        everywhere = gathered(found["scaled"])
        assert everywhere[0] == everywhere[1]
        found["draws"] = gathered(ranks.seed_of(3, own_rank()))
    return found


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return ranks.launch(partial(in_pair, tmp_path_factory.mktemp("run")), 2)


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


def test_a_run_that_has_ended_is_found_by_all_at_its_end(pair: dict[str, Any]) -> None:
    assert pair["read at once"] == [1, 1]  # past its one stage


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
    pair: dict[str, Any], tmp_path: Path
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


def test_an_error_of_one_rank_ends_all_and_reaches_the_caller() -> None:
    with pytest.raises(TrainingError, match="no luck here") as caught:
        acting(SAME["joint"], raise_own_error)(2)
    assert str(caught.value) == "OneRankError: no luck here"
    (note,) = caught.value.__notes__
    assert note.startswith("On rank 1 of 2:\nTraceback")
    assert "in raise_own_error" in note


def test_an_interrupt_within_a_rank_is_one_of_the_caller() -> None:
    with pytest.raises(KeyboardInterrupt):
        acting(SAME["joint"], be_interrupted, rank=0, n_passes=1)(2)


def test_who_interrupts_the_caller_ends_the_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    real = ranks._start

    def start(*arguments: Any) -> subprocess.Popen[bytes]:
        started.append(real(*arguments))
        return started[-1]

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ranks, "_start", start)
    monkeypatch.setattr(time, "sleep", interrupt)
    model = build()
    began = weights(model)
    with pytest.raises(KeyboardInterrupt):
        fit(model, TRAIN, device="cpu", devices=2, progress=False)
    assert [process.poll() is not None for process in started] == [True, True]
    assert same(weights(model), began)


def test_ranks_end_when_their_caller_is_gone(tmp_path: Path) -> None:
    torch.save(wait_for_long, tmp_path / ranks.JOB)
    worker = ranks._start(0, 2, tmp_path)
    assert worker.stdin is not None
    worker.stdin.close()  # as the system does when a process is killed
    assert worker.wait(timeout=120) == 1
    assert [path.name for path in tmp_path.iterdir()] == [ranks.JOB]  # no result, no error


def wait_for_long() -> None:
    time.sleep(600)


def end_at_once() -> None:
    if os.environ["RANK"] == "1":
        os._exit(3)
    ranks.join("cpu", "32-true", 2)
    with taking_part():
        total(torch.ones(1))


def test_a_rank_that_ends_without_a_word_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "GRACE", 0.1)
    with pytest.raises(TrainingError, match="rank 1 of 2 ended with exit code 3"):
        ranks.launch(end_at_once, 2)


def fill_the_disk() -> None:
    import resource  # here: not on Windows

    resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))  # bytes of a file
    raise ValueError("no word of this can be written")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_an_error_that_cannot_be_written_is_not_read() -> None:
    with pytest.raises(TrainingError, match="rank 0 of 1 ended with exit code 1 and no error"):
        ranks.launch(fill_the_disk, 1)


@pytest.mark.parametrize("error", [OSError("disk full"), RuntimeError("enforce fail")])
def test_data_that_cannot_be_written_are_an_error_that_says_what_to_do(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(ranks, "_start", never_started)
    monkeypatch.setattr(torch, "save", fails)
    with pytest.raises(TrainingError, match=rf"cannot hand the data .*{error}.*TMPDIR"):
        fit(build(), TRAIN, device="cpu", devices=2, progress=False)


def test_a_model_that_cannot_be_sent_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "_start", never_started)
    model = build()
    model.lock = threading.Lock()  # type: ignore[assignment]
    with pytest.raises(TrainingError, match=r"cannot hand the model, .*cannot pickle.*lock"):
        fit(model, TRAIN, device="cpu", devices=2, progress=False)


SCRIPT = """
import warnings
from functools import partial

import torch
from tests.support import weights
from tests.training.test_ranks import SAME, TRAIN, VAL
from mmfuse_lib import fit, methods


class OfTheScript(methods.JointFusion):
    def task_terms(self, batch):
        terms = super().task_terms(batch)
        return {**terms, "unused": self.fusion(self.encode(batch.inputs)).square().mean()}


torch.set_num_threads(1)
encoders = {name: torch.nn.Linear(3, 4) for name in "ab"}
with warnings.catch_warnings(record=True) as caught:
    model = OfTheScript.for_data(TRAIN, encoders=encoders, seed=0)
    before = weights(model)
    history = fit(  # no guard: the script is not run again
        model, TRAIN, VAL, epochs=2, device="cpu", devices=2, batch_size=17,
        optimizer=lambda parameters, lr: torch.optim.SGD(parameters, lr=lr),
    )
assert not torch.equal(before["fusion.hidden.bias"], model.state_dict()["fusion.hidden.bias"])
assert not model.training
(warning,) = caught
print(len(history.records), warning.category.__name__, warning.filename == __file__)
"""


def run_script(text: str, folder: Path, *program: str) -> subprocess.CompletedProcess[str]:
    path = folder / "script.py"
    path.write_text(text)
    return subprocess.run(
        [sys.executable, *program, str(path)], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}, check=False,
    )  # fmt: skip


def test_a_script_needs_no_guard_and_may_define_its_own_method(tmp_path: Path) -> None:
    done = run_script(SCRIPT, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["12", UnusedTermWarning.__name__, "True"]
    assert done.stderr.count("2/2") == done.stderr.count("joint: 100%") > 0  # the bar of one rank
    assert "Warning" not in done.stderr


UNDER_TORCHRUN = """
import os
import torch
from tests.training.test_ranks import SAME

torch.set_num_threads(1)
found, history = SAME["joint"](devices=2)
torch.save(found, f"found-{os.environ['RANK']}.pt")
"""


def test_under_torchrun_each_process_takes_part(tmp_path: Path, pair: dict[str, Any]) -> None:
    program = ["-m", "torch.distributed.run", "--standalone", "--local-addr=127.0.0.1"]
    done = run_script(UNDER_TORCHRUN, tmp_path, *program, "--nproc-per-node=2")
    assert done.returncode == 0, done.stderr
    for rank in range(2):
        assert same(torch.load(tmp_path / f"found-{rank}.pt"), pair["joint"][0])


def test_torchrun_and_devices_must_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(ValueError, match="devices is 2, but torchrun started 3 processes"):
        ranks.check_devices(2, "ddp", "cpu", "32-true")


def never_started(*_: object) -> None:
    raise AssertionError("processes were started")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"devices": 0}, DataError, "devices is 0: expected an integer of at least 1"),
        ({"devices": 2.0}, DataError, "devices is 2.0: expected an integer"),
        ({"devices": "2"}, DataError, "devices is '2': expected an integer"),
        ({"strategy": "fsdp"}, UnknownNameError, "unknown strategy 'fsdp'.*Known: ddp"),
        ({"devices": 1, "strategy": "dpp"}, UnknownNameError, "Did you mean 'ddp'"),
        ({"device": "cuda:1"}, ValueError, "device is 'cuda:1'"),
        ({"device": "mps"}, ValueError, "mps|MPS|Mac"),
        ({"device": "gpu"}, ValueError, "device is 'gpu': expected"),
        ({"device": "cuda", "devices": 999}, ValueError, "CUDA device"),
        ({"precision": "fp8"}, ValueError, "fp8"),
        ({"batch_size": 1}, DataError, "51 samples in batches of at most 1 leave 1 to a batch"),
        ({"batch_size": 2, "devices": 3}, DataError, "too few for 3 devices"),
        ({"val": VAL[torch.arange(1)]}, DataError, "validation data: 1 samples"),
    ],
)
def test_what_cannot_be_had_is_named_before_anything_is_started(
    options: dict[str, Any], error: type[Exception], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranks, "_start", never_started)
    given = {"devices": 2, "device": "cpu", "progress": False, "val": VAL, **options}
    with pytest.raises(error, match=message):
        fit(build(), TRAIN, **given)


def test_several_devices_on_a_machine_without_gpu_are_those_that_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match="torch sees no CUDA device: device='cpu' trains in 2"):
        ranks.check_devices(2, "ddp", "auto", "32-true")


@pytest.mark.parametrize("state", [{}, {"settings": None, "digests": 1}])
def test_a_checkpoint_made_by_hand_is_left_to_who_reads_it(
    state: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranks, "_start", never_started)
    torch.save(state, tmp_path / FILE_NAME)
    with pytest.raises(AssertionError, match="processes were started"):
        fit(build(), TRAIN, device="cpu", devices=2, progress=False, checkpoint_dir=tmp_path)


def test_a_stage_with_smaller_batches_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "_start", never_started)
    model = build(Contrastive, batch_size=1)
    with pytest.raises(DataError, match=r"stage 'contrastive', training data: 51 samples"):
        fit(model, TRAIN, device="cpu", devices=2, progress=False)


def test_what_three_ranks_share_stays_as_it_is_to_the_last_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mmfuse_lib.core.ranks.n_ranks", lambda: 3)
    monkeypatch.setattr("mmfuse_lib.core.ranks.copy_first", lambda _: None)
    monkeypatch.setattr("mmfuse_lib.core.ranks.total", lambda x: x + x + x)
    values = torch.cat([torch.arange(100) / 7, torch.tensor([-torch.inf])])
    assert not torch.equal((values + values + values) / 3, values), "nothing is rounded"
    module = nn.Module()
    module.register_buffer("constants", values.clone())
    agree_on_buffers(module)
    assert torch.equal(module.get_buffer("constants"), values)


def test_alone_nothing_is_asked_of_others() -> None:
    x = torch.ones(2, 3)
    assert whole_batch(x) is x
    assert (n_ranks(), own_rank(), gathered("x")) == (1, 0, ["x"])
    assert ranks.own_share(x) is x


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
@pytest.mark.parametrize("name", ["joint", "ensemble", "DI-MML", "OGM-GE", "MLA", "contrastive"])
def test_two_gpus_do_what_one_does_with_the_whole_batch(name: str) -> None:
    run = SAME[name]
    expected, expected_history = run(1, device="cuda")
    found, history = run(2, device="cuda")
    for key, x in expected.items():
        torch.testing.assert_close(found[key], x, atol=1e-3, rtol=1e-3, msg=key)
    assert history.best_epoch.keys() == expected_history.best_epoch.keys()


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
@pytest.mark.parametrize("precision", ["16-mixed", "bf16-mixed"])
def test_two_gpus_train_in_half_precision(precision: str) -> None:
    _, history = NOISY(2, device="cuda", precision=precision)
    assert all(torch.tensor([record["value"] for record in history.records]).isfinite())
