"""An optimiser step by hand, and data of several modalities, for the tests of balancing methods."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mmfuse_lib.data import MultimodalData, from_arrays


class ByHand:
    """An `Update` without an optimiser: gradient descent at learning rate 1, on every parameter."""

    def __init__(self, model: nn.Module, epoch: int = 0) -> None:
        self.model, self.epoch, self.batch, self.n_batches = model, epoch, 0, 1
        self.losses: list[float] = []

    def __call__(self, loss: Tensor, gradients: Callable[[], None] | None = None) -> None:
        self.model.zero_grad()
        self.losses.append(loss.item())
        loss.backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            if gradients is not None:
                gradients()
            for p in self.model.parameters():
                if p.grad is not None:
                    p.sub_(p.grad)


def linear_map(weight: list[list[float]]) -> nn.Linear:
    """A linear encoder without bias."""
    layer = nn.Linear(len(weight[0]), len(weight), bias=False)
    layer.weight.data = torch.tensor(weight)
    return layer


def strong_and_weak(n: int, seed: int) -> MultimodalData:
    """Both modalities show the label: the first plainly, the second as the sign of a product.

    The second takes an encoder that has learned, which joint training does not wait for.
    """
    rng = torch.Generator().manual_seed(seed)
    y, other = torch.randint(2, (2, n), generator=rng)
    sign, factor = 2.0 * y - 1.0, 2.0 * other - 1.0
    noise = torch.randn(2, n, 2, generator=rng)
    strong = sign[:, None] + 0.3 * noise[0]
    weak = torch.stack([factor, factor * sign], dim=1) + 0.4 * noise[1]
    return from_arrays({"strong": strong, "weak": weak}, y)


def three(n: int, seed: int = 0) -> MultimodalData:
    """Three modalities of different shapes that all show one of three classes, noisily."""
    rng = torch.Generator().manual_seed(seed)
    y = torch.randint(3, (n,), generator=rng)
    shown = nn.functional.one_hot(y, 3).float()
    wide = torch.cat([shown, shown], dim=1)
    return from_arrays(
        {
            "a": shown + 0.3 * torch.randn(n, 3, generator=rng),
            "b": wide + 0.3 * torch.randn(n, 6, generator=rng),
            "c": shown + 0.3 * torch.randn(n, 3, generator=rng),
        },
        y,
    )
