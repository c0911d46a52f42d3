"""Small encoders: one modality in, a feature vector ``z`` of shape ``(B, dim)`` out."""

from collections import OrderedDict
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.encoders.transforms import Pixels


class MLPEncoder(nn.Sequential):
    """A multilayer perceptron with two hidden layers: for vectors and small images.

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
    """Three 3 x 3 convolutions with batch normalisation, then a mean: for images, spectrograms.

    Bytes are taken as pixels, see `mmfuse_lib.encoders.transforms.Pixels`.

    Parameters
    ----------
    shape : tuple of int
        ``(channels, height, width)`` of one sample, or ``(frames, channels, height, width)``; then
        each frame is encoded and the features are averaged.
    dim : int
        Length of the feature vector.
    width : int
        Channels of the first convolution; doubled by each of the next two.
    """

    def __init__(self, shape: tuple[int, ...], dim: int, width: int = 16) -> None:
        if len(shape) not in (3, 4):
            raise DataError(
                "ImageEncoder: expected (channels, height, width) or "
                f"(frames, channels, height, width), got {shape}"
            )
        widths = (shape[-3], width, 2 * width, 4 * width)
        layers: list[nn.Module] = []
        for c_in, c_out in pairwise(widths):
            layers += [
                nn.Conv2d(c_in, c_out, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(c_out),
                nn.ReLU(),
            ]
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, dim)]
        numbered = {str(number): layer for number, layer in enumerate(layers)}
        super().__init__(OrderedDict[str, nn.Module](pixels=Pixels(), **numbered))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, [frames,] channels, height, width)`` to ``(B, dim)``."""
        z = x.flatten(0, 1) if x.ndim == 5 else x
        for layer in self:
            z = layer(z)
        return z.view(*x.shape[:2], -1).mean(dim=1) if x.ndim == 5 else z


class SequenceEncoder(nn.Module):
    """A bidirectional GRU with its final states projected to a vector: for sequences of vectors.

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
    """Three convolutions over time with batch normalisation, then means: for sequences of vectors.

    Each halves the length as long as more than `parts` steps remain. The mean over each of `parts`
    equal stretches of time is kept, so that *first up, then down* differs from *first down, then
    up*. All steps are computed at once, unlike in a recurrent network.

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
        pool = _Means(parts)
        super().__init__(*layers, pool, nn.Flatten(), nn.Linear(4 * width * parts, dim))


class _Means(nn.Module):
    """Means of stretches of nearly equal length; on the CPU where Apple's GPUs lack them."""

    def __init__(self, parts: int) -> None:
        super().__init__()
        self.parts = parts

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type == "mps" and x.shape[-1] % self.parts:
            return F.adaptive_avg_pool1d(x.cpu(), self.parts).to(x.device)
        return F.adaptive_avg_pool1d(x, self.parts)


class _ChannelsFirst(nn.Module):
    """Transposition of ``(B, time, channels)`` to ``(B, channels, time)``."""

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(1, 2)
