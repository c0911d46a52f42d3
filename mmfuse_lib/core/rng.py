"""Seeded random numbers that leave no trace in the global random state."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

CPU = torch.device("cpu")


@contextmanager
def isolated_rng(seed: int, device: torch.device = CPU) -> Iterator[None]:
    """Seed torch on the CPU and on `device`, and restore the states afterwards.

    No other device is seeded, unlike with `torch.manual_seed`.
    """
    before = device_state(device)
    with torch.random.fork_rng(devices=[]):
        try:
            set_seed(seed, device)
            yield
        finally:
            set_device_state(before, device)


def device_state(device: torch.device) -> Tensor | None:
    """Return the random state of a GPU; None for the CPU."""
    if device.type == "cuda":
        return torch.cuda.get_rng_state(device)
    return torch.mps.get_rng_state() if device.type == "mps" else None


def set_device_state(state: Tensor | None, device: torch.device) -> None:
    """Restore a state that `device_state` returned; the tensor may be on any device."""
    if state is not None and device.type == "cuda":
        torch.cuda.set_rng_state(state.cpu(), device)
    if state is not None and device.type == "mps":
        torch.mps.set_rng_state(state.cpu())


def set_seed(seed: int, device: torch.device) -> None:
    """Seed torch on the CPU and on `device`, for good."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    if device.type == "mps":
        torch.mps.manual_seed(seed)
