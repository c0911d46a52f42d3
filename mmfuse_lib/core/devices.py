"""The device on which a network computes, and the mode it is in."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def make_fabric(
    device: str, precision: str = "32-true", devices: int = 1, plugins: Sequence[Any] = ()
) -> Fabric:
    """Return a Fabric on one device, or on one of several; `device` as in `fit`.

    Parameters
    ----------
    device, precision, devices
        As in `mmfuse_lib.fit`.
    plugins : sequence
        Fabric's own, for several devices: how the processes have been started.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?|mps", device):
        raise ValueError(f"device is {device!r}: expected 'auto', 'cpu', 'cuda', 'cuda:N' or 'mps'")
    kind, _, index = device.partition(":")
    is_there = torch.backends.mps.is_available if kind == "mps" else torch.cuda.is_available
    if kind in ("cuda", "mps") and not is_there():
        raise ValueError(
            f"device is {device!r} but torch sees no {kind.upper()} device: use device='auto'"
        )
    from lightning_fabric import Fabric  # here: takes a second to load, only training needs it

    return Fabric(
        accelerator=kind,
        devices=[int(index)] if index else devices,
        strategy="auto" if devices == 1 else "ddp",
        plugins=list(plugins) or None,
        precision=precision,  # type: ignore[arg-type]
    )


@cache
def find_device(device: str) -> torch.device:
    """Return the torch device that `device` (as in `fit`) means on this machine."""
    return make_fabric(device).device


def name_of_device(device: str) -> str:
    """Return what a result says of a device (as in `fit`): the GPU, or the threads of the CPU."""
    place = find_device(device)
    if place.type == "cuda":
        return torch.cuda.get_device_name(place)
    return f"{place.type} ({platform.machine()}, threads: {torch.get_num_threads()})"


def free_memory(device: torch.device) -> float:
    """Return how many bytes can still be put on a device; infinite where it is not known."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "mps" and hasattr(torch.mps, "recommended_max_memory"):  # from torch 2.5 on
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    return float("inf")


def device_of(model: nn.Module) -> torch.device:
    """Return the device of a model's parameters."""
    return next((p.device for p in model.parameters()), torch.device("cpu"))


@contextmanager
def eval_mode(network: nn.Module) -> Iterator[None]:
    """Put a network in eval mode, and give each part its own mode back afterwards."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
