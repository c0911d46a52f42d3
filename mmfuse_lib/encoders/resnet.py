"""ResNet-18, the encoder of the papers' experiments, for images, spectrograms and frames."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfuse_lib.core.errors import DataError
from mmfuse_lib.encoders.transforms import Pixels

#: Number of features of the last stage.
WIDTH = 512

#: Images at once in a pass without gradients; bounds memory, does not change the result.
IMAGES_AT_ONCE = 256


class ResNet18Encoder(nn.Module):
    """ResNet-18 (He et al. 2016) up to its average pooling, trained from scratch.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample: ``(channels, height, width)``, with any number of channels, or
        ``(frames, channels, height, width)``; then each frame is encoded and the features are
        averaged.
    dim : int
        Length of the feature vector; other than 512, a linear layer is added.

    Raises
    ------
    DataError
        If the shape is another one.

    Notes
    -----
    Bytes are taken as pixels, see `Pixels`. Convolutions start as in He et al. (2015), by the
    variance of the backward pass.

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib.encoders import ResNet18Encoder
    >>> encoder = ResNet18Encoder((3, 2, 32, 32))  # two frames
    >>> encoder(torch.zeros(4, 3, 2, 32, 32)).shape
    torch.Size([4, 512])
    """

    def __init__(self, shape: tuple[int, ...], dim: int = WIDTH) -> None:
        super().__init__()
        if len(shape) not in (3, 4):
            raise DataError(
                "ResNet18Encoder: expected (channels, height, width) or "
                f"(frames, channels, height, width), got {shape}"
            )
        self.pixels = Pixels()
        self.stem = nn.Sequential(
            nn.Conv2d(shape[-3], 64, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.blocks = nn.Sequential(
            ResidualBlock(64, 64), ResidualBlock(64, 64),
            ResidualBlock(64, 128, stride=2), ResidualBlock(128, 128),
            ResidualBlock(128, 256, stride=2), ResidualBlock(256, 256),
            ResidualBlock(256, WIDTH, stride=2), ResidualBlock(WIDTH, WIDTH),
        )  # fmt: skip
        self.out = nn.Identity() if dim == WIDTH else nn.Linear(WIDTH, dim)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, [frames,] channels, height, width)`` to ``(B, dim)``."""
        images = x.flatten(0, 1) if x.ndim == 5 else x
        if self.training or torch.is_grad_enabled():
            features = self._encode(images)
        else:
            parts = torch.split(images, IMAGES_AT_ONCE)
            features = torch.cat([self._encode(part) for part in parts])
        if x.ndim == 5:
            features = features.view(*x.shape[:2], WIDTH).mean(dim=1)
        z: Tensor = self.out(features)
        return z

    def _encode(self, images: Tensor) -> Tensor:
        maps: Tensor = self.blocks(self.stem(self.pixels(images)))
        return maps.mean(dim=(2, 3))


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut around them.

    Parameters
    ----------
    c_in, c_out : int
        Channels.
    stride : int
        Of the first convolution.
    """

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(c_out, c_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(c_out),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or c_in != c_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(c_in, c_out, 1, stride=stride, bias=False), nn.BatchNorm2d(c_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, c_in, H, W)`` to ``(B, c_out, H / stride, W / stride)``."""
        return F.relu(self.residual(x) + self.shortcut(x))
