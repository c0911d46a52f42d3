"""Small encoders: one modality in, a feature vector ``z`` of shape ``(B, dim)`` out.

A reader's own network slots in wherever an encoder is expected: any `nn.Module` that maps a batch
of one modality to a batch of vectors.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from mmfuse_lib.errors import DataError, UnknownNameError, check_options
from mmfuse_lib.resnet import ResNet18Encoder

#: Images with fewer pixels than this go to an MLP by default, larger ones to a convolutional net.
SMALL_IMAGE = 16 * 16


class MLPEncoder(nn.Sequential):
    """Flatten, then two hidden layers with ReLU: vectors and small images.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample.
    dim : int
        Length of the feature vector.
    hidden : int, optional
        Width of the two hidden layers; twice `dim` by default.
    """

    def __init__(self, shape: tuple[int, ...], dim: int, hidden: int | None = None) -> None:
        n_inputs = int(torch.Size(shape).numel())
        hidden = hidden or 2 * dim
        super().__init__(
            nn.Flatten(),
            nn.Linear(n_inputs, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, dim),
        )


class ImageEncoder(nn.Sequential):
    """Three 3 x 3 convolutions with batch normalisation, then pooled: images, spectrograms.

    Parameters
    ----------
    shape : tuple of int
        ``(channels, height, width)`` of one sample.
    dim : int
        Length of the feature vector.
    width : int
        Channels of the first convolution; doubled by each of the next two.
    """

    def __init__(self, shape: tuple[int, ...], dim: int, width: int = 16) -> None:
        if len(shape) != 3:
            raise DataError(f"ImageEncoder: expected (channels, height, width), got {shape}")
        widths = (shape[0], width, 2 * width, 4 * width)
        layers: list[nn.Module] = []
        for c_in, c_out in pairwise(widths):
            layers += [
                nn.Conv2d(c_in, c_out, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(c_out),
                nn.ReLU(),
            ]
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, dim))


class SequenceEncoder(nn.Module):
    """A bidirectional GRU whose final states are projected to one vector: sequences of vectors.

    Parameters
    ----------
    shape : tuple of int
        ``(time, channels)`` of one sample.
    dim : int
        Length of the feature vector.
    hidden : int
        State size per direction.
    """

    def __init__(self, shape: tuple[int, ...], dim: int, hidden: int = 64) -> None:
        super().__init__()
        if len(shape) != 2:
            raise DataError(f"SequenceEncoder: expected (time, channels), got {shape}")
        self.gru = nn.GRU(shape[1], hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, time, channels)`` to ``(B, dim)``."""
        _, state = self.gru(x)
        z: Tensor = self.out(torch.cat([state[0], state[1]], dim=1))
        return z


class ConvSequenceEncoder(nn.Sequential):
    """Three convolutions over time with batch normalisation, pooled: sequences of vectors.

    Each halves the length as long as more than `parts` steps remain. The mean over each of `parts`
    equal stretches of time is kept, so that *first up, then down* differs from *first down, then
    up*. All steps are computed at once, where a recurrent network takes one after the other.

    Parameters
    ----------
    shape : tuple of int
        ``(time, channels)`` of one sample.
    dim : int
        Length of the feature vector.
    width : int
        Channels of the first convolution; doubled by each of the next two.
    parts : int
        Stretches of time whose means are kept.
    """

    def __init__(self, shape: tuple[int, ...], dim: int, width: int = 32, parts: int = 4) -> None:
        if len(shape) != 2:
            raise DataError(f"ConvSequenceEncoder: expected (time, channels), got {shape}")
        length, channels = shape
        layers: list[nn.Module] = [_ChannelsFirst()]
        for c_in, c_out in pairwise((channels, width, 2 * width, 4 * width)):
            stride = 2 if length > parts else 1
            length = -(-length // stride)
            layers += [
                nn.Conv1d(c_in, c_out, 5, stride=stride, padding=2, bias=False),
                nn.BatchNorm1d(c_out),
                nn.ReLU(),
            ]
        pool = nn.AdaptiveAvgPool1d(parts)
        super().__init__(*layers, pool, nn.Flatten(), nn.Linear(4 * width * parts, dim))


class _ChannelsFirst(nn.Module):
    """``(B, time, channels)`` to ``(B, channels, time)``."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)


def default_encoder(shape: tuple[int, ...], dim: int) -> nn.Module:
    """Choose an encoder by the shape of one sample.

    ``(features,)`` and small images: `MLPEncoder`; ``(time, channels)``: `ConvSequenceEncoder`;
    ``(channels, height, width)``: `ImageEncoder`; ``(frames, channels, height, width)`` that are no
    small images: `ResNet18Encoder`; else `MLPEncoder` on what is flattened. The inner layers of
    each but the ResNet grow with `dim`.
    """
    if len(shape) == 2:
        return ConvSequenceEncoder(shape, dim, width=max(1, dim // 2))
    if len(shape) == 3 and shape[1] * shape[2] >= SMALL_IMAGE:
        return ImageEncoder(shape, dim, width=max(1, dim // 4))
    if len(shape) == 4 and shape[2] * shape[3] >= SMALL_IMAGE:
        return ResNet18Encoder(shape, dim)
    return MLPEncoder(shape, dim)


_ENCODERS: dict[str, Callable[..., nn.Module]] = {
    "mlp": MLPEncoder,
    "image": ImageEncoder,
    "sequence": SequenceEncoder,
    "conv_sequence": ConvSequenceEncoder,
    "resnet18": ResNet18Encoder,
}


def make_encoder(name: str, shape: tuple[int, ...], dim: int, **options: Any) -> nn.Module:
    """Return an encoder by its name.

    ``"mlp"``, ``"image"``, ``"sequence"`` (recurrent), ``"conv_sequence"`` or ``"resnet18"``.

    Raises
    ------
    UnknownNameError
        If there is none of this name, or an option does not exist.
    DataError
        If it cannot take this shape.
    """
    if name not in _ENCODERS:
        raise UnknownNameError("encoder", name, _ENCODERS)
    check_options(f"encoder {name!r}", _ENCODERS[name], options, given=("shape", "dim"))
    return _ENCODERS[name](shape, dim, **options)


@contextmanager
def eval_mode(network: nn.Module) -> Iterator[None]:
    """Put a network in eval mode for the duration; each part has its own mode again afterwards."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def feature_dim(name: str, encoder: nn.Module, shape: tuple[int, ...]) -> int:
    """Return the length of the vectors that an encoder makes, by running it on two zero samples.

    Raises
    ------
    DataError
        If the encoder cannot take this shape, or does not return ``(B, dim)``.
    """
    device = next((p.device for p in encoder.parameters()), torch.device("cpu"))
    try:
        with torch.no_grad(), eval_mode(encoder):
            z = encoder(torch.zeros(2, *shape, device=device))
    except Exception as error:
        raise DataError(
            f"the encoder of modality {name!r} cannot take samples of shape {shape}: {error}"
        ) from error
    if not isinstance(z, Tensor) or z.ndim != 2 or len(z) != 2:
        got = tuple(z.shape) if isinstance(z, Tensor) else type(z).__name__
        raise DataError(
            f"the encoder of modality {name!r} returned {got} for 2 samples: expected (2, dim)"
        )
    return int(z.shape[1])
