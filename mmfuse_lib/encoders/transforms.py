"""Augmentation: a transform of one modality in training, in front of any encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfuse_lib.core.errors import DataError, check_names, check_options

#: Mean and standard deviation of ImageNet's pixels, by which the papers' code standardises.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Augmented(nn.Module):
    """An encoder that, in training, sees what a transform makes of its modality.

    In eval mode, and where all weights of the encoder are frozen, the transform rests. Bytes reach
    the transform as the numbers that `Pixels` makes of them.

    Parameters
    ----------
    encoder : nn.Module
        Any encoder, a reader's own too.
    transform : callable
        Maps a batch of the modality to a batch of the same shape: one of this module, a
        `torch.nn.Sequential` of several, or any function.
    """

    def __init__(self, encoder: nn.Module, transform: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.transform = transform
        self.pixels = Pixels()
        self.encoder = encoder

    def forward(self, x: Tensor) -> Tensor:
        """Map a batch to ``(B, dim)``."""
        if self.training:
            x = self.transform(self.pixels(x))
        z: Tensor = self.encoder(x)
        return z


class Pixels(nn.Module):
    """Bytes as numbers: divided by 255 and, with three channels, standardised as ImageNet is.

    Numbers pass unchanged.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name, values in (("mean", IMAGENET_MEAN), ("std", IMAGENET_STD)):
            self.register_buffer(name, torch.tensor(values).view(-1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Map ``(..., channels, height, width)`` to the same shape."""
        if images.is_floating_point():
            return images
        numbers = images.to(self.mean.dtype) / 255
        return (numbers - self.mean) / self.std if images.shape[-3:-2] == (3,) else numbers


class RandomResizedCrop(nn.Module):
    """A random part of each image at the image's size, half of them mirrored.

    The part has between 8 and 100 % of the area and between 3/4 and 4/3 of the image's aspect
    ratio (the usual choice for ImageNet, Szegedy et al. 2015). All images of a batch are cut at
    once, each in its own way, the frames of a video too.
    """

    #: Axes that a sample has at least.
    n_axes = 3

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, [frames,] channels, height, width)`` to the same shape."""
        images = x.flatten(0, -4)
        n = len(images)
        area = torch.empty(n, device=x.device).uniform_(0.08, 1)
        ratio = (4 / 3) ** torch.empty(n, device=x.device).uniform_(-1, 1)
        size = torch.stack([(area * ratio).sqrt(), (area / ratio).sqrt()], dim=1).clamp(max=1)
        centre = (1 - size) * torch.empty(n, 2, device=x.device).uniform_(-1, 1)
        mirror = torch.randint(0, 2, (n,), device=x.device) * 2 - 1
        # Output coordinates (x, y) in [-1, 1] look at centre + size * (x, y).
        theta = torch.zeros(n, 2, 3, device=x.device)
        theta[:, 0, 0], theta[:, 1, 1] = size[:, 0] * mirror, size[:, 1]
        theta[:, :, 2] = centre
        grid = F.affine_grid(theta, list(images.shape), align_corners=False)
        parts = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
        return parts.view(x.shape)


class Noise(nn.Module):
    """Gaussian noise on every number: vectors and sequences as well as images.

    Parameters
    ----------
    std : float
        Standard deviation, in the units of the modality.
    """

    n_axes = 1

    def __init__(self, std: float = 0.1) -> None:
        super().__init__()
        self.std = std

    def forward(self, x: Tensor) -> Tensor:
        """Map a batch of any shape to the same shape."""
        return x + self.std * torch.randn_like(x)


TRANSFORMS: dict[str, type[RandomResizedCrop | Noise]] = {"crop": RandomResizedCrop, "noise": Noise}


def make_transform(chosen: bool | str | Mapping[str, Any], shape: tuple[int, ...]) -> nn.Module:
    """Return a transform by its name in `TRANSFORMS`; ``True`` stands for ``"crop"``.

    Parameters
    ----------
    chosen : str or mapping
        The name, or a mapping of ``name`` and the options, e.g. ``{"name": "noise", "std": 0.2}``.
    shape : tuple of int
        Shape of one sample.

    Raises
    ------
    UnknownNameError
        If there is none of this name, or an option does not exist.
    DataError
        If it cannot take this shape.
    """
    options = dict(chosen) if isinstance(chosen, Mapping) else {"name": chosen}
    name: Any = options.pop("name", None)
    name = "crop" if name is True else name
    check_names("augmentation", [name], TRANSFORMS)
    kind = TRANSFORMS[str(name)]
    check_options(f"augmentation {name!r}", kind, options)
    if len(shape) < kind.n_axes:
        raise DataError(f"augmentation {name!r} takes images, not samples of shape {shape}")
    return kind(**options)
