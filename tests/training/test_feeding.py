"""Batches cut ahead of time: the same ones, while the device computes, and nothing is left."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch
from torch import Tensor

from mmfuse_lib import fit
from mmfuse_lib.data import MultimodalData
from mmfuse_lib.methods import JointFusion
from mmfuse_lib.training import feeding
from mmfuse_lib.training.feeding import AHEAD, feed, move_if_it_fits
from tests.support import interrupted, same, weights, xor

CPU = torch.device("cpu")
DATA, VAL = xor(60), xor(20, seed=1)
OPTIONS: dict[str, Any] = {"epochs": 3, "batch_size": 4, "device": "cpu", "progress": False}

#: Seconds after which a test that would wait for ever fails.
LONG = 60


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count all data on the CPU as large."""
    monkeypatch.setattr(feeding, "LARGE", 0)


def threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("feeding")]


def cut(n_samples: int, n_batches: int) -> tuple[Tensor, ...]:
    order = torch.randperm(n_samples, generator=torch.Generator().manual_seed(0))
    return order.tensor_split(n_batches)


def mapped(x: Tensor, path: Path) -> Tensor:
    np.save(path, x.numpy())
    return torch.from_numpy(np.load(path, mmap_mode="c"))


def same_data(one: MultimodalData, other: MultimodalData) -> bool:
    pairs = [(one.target, other.target), *((x, other.inputs[m]) for m, x in one.inputs.items())]
    return all(a.dtype == b.dtype and torch.equal(a, b) for a, b in pairs)


def of_kind(kind: str, folder: Path) -> MultimodalData:
    a, b = DATA.inputs.values()
    images = (torch.rand(60, 2, 3, 4, 5) * 255).to(torch.uint8)
    inputs = {
        "in memory": {"a": a, "b": b},
        "mapped": {"a": mapped(a, folder / "a.npy"), "b": mapped(images, folder / "b.npy")},
        "strided": {"a": a[:, ::2], "b": images.to(memory_format=torch.channels_last_3d)},
        "short": {"a": a.to(torch.bfloat16), "b": b.half()},
        "with a gradient": {"a": a.clone().requires_grad_(), "b": b},
    }[kind]
    return replace(DATA, inputs=inputs, groups=torch.arange(60) // 7)


@pytest.mark.usefixtures("ahead")
@pytest.mark.parametrize("kind", ["in memory", "mapped", "strided", "short", "with a gradient"])
@pytest.mark.parametrize("n_batches", [1, 3, AHEAD, AHEAD + 1, 30])
def test_the_same_batches_in_the_same_order(kind: str, n_batches: int, tmp_path: Path) -> None:
    data, batches = of_kind(kind, tmp_path), cut(60, n_batches)
    with feed(data, batches, CPU) as fed:
        found = list(fed)
    assert len(found) == n_batches
    for batch, index in zip(found, batches, strict=True):
        assert same_data(batch, data[index])
        assert batch.groups is not None
        assert torch.equal(batch.groups, index // 7)
    assert threads() == []


@pytest.mark.parametrize("interrupt", [None, 22])
def test_training_gives_the_same_bits(
    interrupt: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = {m: mapped(x, tmp_path / f"{m}.npy") for m, x in DATA.inputs.items()}
    data = replace(DATA, inputs=inputs)

    def trained(folder: Path) -> tuple[Any, dict[str, Tensor]]:
        if interrupt is not None:
            model = interrupted(JointFusion.for_data(DATA, dim=8), interrupt)
            with pytest.raises(KeyboardInterrupt):
                fit(model, data, VAL, checkpoint_dir=folder, **OPTIONS)
            assert threads() == []
        model = JointFusion.for_data(DATA, dim=8)
        return fit(model, data, VAL, checkpoint_dir=folder, **OPTIONS), weights(model)

    history, expected = trained(tmp_path / "one")
    monkeypatch.setattr(feeding, "LARGE", 0)
    found_history, found = trained(tmp_path / "other")
    assert found_history == history
    assert same(found, expected)


class SlowDisk:
    """A disk that for a batch takes as long as the device computes on the batch before.

    Cutting a batch ends only when the device has begun on the one before it, and computing on a
    batch ends only when the next is being cut: without overlap both would wait for ever.
    """

    def __init__(self, n_batches: int) -> None:
        self.is_being_cut = [threading.Event() for _ in range(n_batches)]
        self.is_computed_on = [threading.Event() for _ in range(n_batches)]
        self.cuts: dict[int, int] = {}
        self.real_cut = feeding._cut

    def number(self, batches: tuple[Tensor, ...]) -> None:
        self.cuts = {int(index[0]): k for k, index in enumerate(batches)}

    def cut(self, data: MultimodalData, index: Tensor, pinned: bool) -> MultimodalData:
        k = self.cuts[int(index[0])]
        self.is_being_cut[k].set()
        if k > 0:
            assert self.is_computed_on[k - 1].wait(LONG), f"batch {k - 1} waits for batch {k}"
        return self.real_cut(data, index, pinned)

    def compute(self, k: int) -> None:
        self.is_computed_on[k].set()
        if k + 1 < len(self.is_being_cut):
            assert self.is_being_cut[k + 1].wait(LONG), f"batch {k + 1} is not cut during {k}"


@pytest.mark.usefixtures("ahead")
def test_the_next_batch_is_read_while_the_device_computes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batches = cut(60, 12)
    disk = SlowDisk(12)
    disk.number(batches)
    monkeypatch.setattr(feeding, "_cut", disk.cut)
    with feed(DATA, batches, CPU) as fed:
        for k, _ in enumerate(fed):
            disk.compute(k)


@pytest.mark.usefixtures("ahead")
def test_fit_reads_the_next_batch_while_it_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    model = JointFusion.for_data(DATA, dim=8)
    disk = SlowDisk(15)
    computed = iter(range(15))

    def feed_from_disk(data: MultimodalData, batches: tuple[Tensor, ...], device: Any) -> Any:
        disk.number(batches)
        return feed(data, batches, device)

    monkeypatch.setattr("mmfuse_lib.training.fit.feed", feed_from_disk)
    monkeypatch.setattr(feeding, "_cut", disk.cut)
    model.encoders["a"].register_forward_pre_hook(lambda *_: disk.compute(next(computed)))
    fit(model, DATA, **{**OPTIONS, "epochs": 1})
    assert next(computed, None) is None


@pytest.mark.usefixtures("ahead")
@pytest.mark.parametrize("n_used", [1, 7])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_stops_the_training_stops_the_reading(
    error: type[BaseException], n_used: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_cut = list[int]()
    real = feeding._cut

    def counted(*args: Any) -> MultimodalData:
        n_cut.append(1)
        return real(*args)

    def use_some() -> None:
        with feed(DATA, cut(60, 30), CPU) as fed:
            for k, _ in enumerate(fed):
                if k + 1 == n_used:
                    raise error

    monkeypatch.setattr(feeding, "_cut", counted)
    with pytest.raises(error):
        use_some()
    assert threads() == []
    assert len(n_cut) <= n_used + AHEAD


@pytest.mark.usefixtures("ahead")
@pytest.mark.parametrize("bad", [0, 3, 11])
def test_an_error_in_reading_is_raised_at_its_batch(
    bad: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches, real, used = cut(60, 12), feeding._cut, list[MultimodalData]()

    def broken(data: MultimodalData, index: Tensor, pinned: bool) -> MultimodalData:
        if index is batches[bad]:
            raise OSError("the disk is gone")
        return real(data, index, pinned)

    def use_all() -> None:
        with feed(DATA, batches, CPU) as fed:
            used.extend(fed)

    monkeypatch.setattr(feeding, "_cut", broken)
    with pytest.raises(OSError, match="the disk is gone"):
        use_all()
    assert len(used) == bad
    assert threads() == []


@pytest.mark.usefixtures("ahead")
def test_only_a_few_batches_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, real = list[int](), feeding._cut

    def counted(*args: Any) -> MultimodalData:
        begun.append(1)
        return real(*args)

    monkeypatch.setattr(feeding, "_cut", counted)
    with feed(DATA, cut(60, 30), CPU) as fed:
        for k, _ in enumerate(fed):
            assert len(begun) <= k + 1 + AHEAD


def refuse(*_: Any, **__: Any) -> NoReturn:
    raise AssertionError("a thread was started")


@pytest.mark.parametrize("large", [False, True])
def test_small_data_in_memory_need_no_threads(large: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "ThreadPoolExecutor", refuse)
    monkeypatch.setattr(feeding, "LARGE", DATA.nbytes + (not large))
    expected = pytest.raises(AssertionError, match="a thread") if large else nullcontext()
    with expected, feed(DATA, cut(60, 3), CPU) as fed:
        assert len(list(fed)) == 3


@pytest.mark.parametrize(("free", "moves"), [(2.0, True), (1.9, False), (float("inf"), True)])
def test_data_go_to_the_device_if_they_take_half_of_its_memory_at_most(
    free: float, moves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "free_memory", lambda _: free * DATA.nbytes)
    there = torch.device("meta")
    assert (move_if_it_fits(DATA, there).target.device == there) == moves


GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")


@pytest.mark.gpu
@GPU
def test_on_a_gpu_batches_are_pinned_and_arrive_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cuda, batches = torch.device("cuda", 0), cut(60, 30)
    pinned, real = list[bool](), feeding._cut

    def watched(*args: Any) -> MultimodalData:
        batch = real(*args)
        pinned.extend(x.is_pinned() for x in (*batch.inputs.values(), batch.target))
        return batch

    monkeypatch.setattr(feeding, "_cut", watched)
    with feed(DATA, batches, cuda) as fed:
        found = list(fed)  # held together, so that memory that is used too early would show
    assert len(pinned) == 90
    assert all(pinned)
    for batch, index in zip(found, batches, strict=True):
        assert batch.target.device == cuda
        assert same_data(batch.to("cpu"), DATA[index])
    assert threads() == []


@pytest.mark.gpu
@GPU
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_on_a_gpu_data_that_do_not_fit_train_the_same_model(
    precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained() -> tuple[Any, dict[str, Tensor]]:
        model = JointFusion.for_data(DATA, dim=8)
        options = {**OPTIONS, "device": "cuda", "precision": precision}
        return fit(model, DATA, VAL, **options), weights(model)

    history, expected = trained()
    monkeypatch.setattr(feeding, "free_memory", lambda _: 0)
    found_history, found = trained()
    assert found_history == history
    assert same(found, expected)


@pytest.mark.gpu
@GPU
def test_an_interrupt_on_a_gpu_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "free_memory", lambda _: 0)
    model = interrupted(JointFusion.for_data(DATA, dim=8), 20)
    with pytest.raises(KeyboardInterrupt):
        fit(model, DATA, VAL, **{**OPTIONS, "device": "cuda"})
    assert threads() == []
