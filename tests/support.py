"""Data whose answer is known, and looks at weights and random states, for the tests."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from mmfuse_lib.data import MultimodalData, from_arrays
from mmfuse_lib.methods import Method


def bits(n: int, seed: int) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Two fair bits, and two modalities of three numbers that show one of them each, noisily."""
    rng = torch.Generator().manual_seed(seed)
    a, b = torch.randint(2, (2, n), generator=rng)
    views = {
        name: (2.0 * bit[:, None] - 1) + 0.2 * torch.randn(n, 3, generator=rng)
        for name, bit in (("a", a), ("b", b))
    }
    return a, b, views


def xor(n: int, seed: int = 0) -> MultimodalData:
    """Only both modalities together tell the label."""
    a, b, views = bits(n, seed)
    return from_arrays(views, a ^ b)


def copy_of_first(n: int, seed: int = 0) -> MultimodalData:
    """The first modality tells the label, the second nothing."""
    a, _, views = bits(n, seed)
    return from_arrays(views, a)


def linear(n: int, seed: int = 0) -> MultimodalData:
    """A target that is linear in both modalities, with a little noise."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n, 3))
    target = a @ [1.0, -2.0, 0.5] + b @ [0.0, 1.0, 1.0] + 0.05 * rng.normal(size=n)
    return from_arrays({"a": a, "b": b}, target)


def two_labels(n: int, seed: int = 0) -> MultimodalData:
    """Two labels a sample: the first bit, and whether the two differ."""
    a, b, views = bits(n, seed)
    return from_arrays(views, torch.stack([a, a ^ b], dim=1), class_names=("first", "differ"))


def noisy_encoder(dim: int = 4) -> nn.Sequential:
    """An encoder of three numbers whose training draws random numbers and keeps statistics."""
    return nn.Sequential(
        nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, dim)
    )


def interrupted(model: Method, n_passes: int) -> Method:
    """The model, stopped as by Ctrl+C in the n-th pass of its encoder of modality a."""
    left = [n_passes]

    def hook(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    model.encoders["a"].register_forward_pre_hook(hook)
    return model


def weights(model: nn.Module) -> dict[str, Tensor]:
    """A copy of all parameters and buffers."""
    return {name: x.detach().clone() for name, x in model.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether two sets of weights are identical, bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def randomness() -> bytes:
    """The global random states of PyTorch and NumPy."""
    return torch.get_rng_state().numpy().tobytes() + repr(np.random.get_state()).encode()  # noqa: NPY002


def leaves_no_random_trace(action: Callable[[], object]) -> bool:
    """Whether the global random states are the same before and after, wherever they start."""
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        before = randomness()
        action()
        if randomness() != before:
            return False
    return True
