"""ResNet-18, the encoder of the papers' experiments, for images, spectrograms and frames."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmfuse_lib.core.errors import DataError

#: Features that the last stage makes.
WIDTH = 512

#: Mean and standard deviation of ImageNet's pixels, by which the papers' code standardises.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

#: Images a pass without gradient: bounds memory, does not change the result.
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
    augment : bool
        In training, show a random part of each image, see `RandomResizedCrop`.

    Raises
    ------
    DataError
        If the shape is another one.

    Notes
    -----
    Bytes are taken for pixels: divided by 255 and, with three channels, standardised as ImageNet
    is. Convolutions start as He et al. (2015) propose, for the variance of the backward pass.

    Examples
    --------
    >>> import torch
    >>> from mmfuse_lib.encoders import ResNet18Encoder
    >>> encoder = ResNet18Encoder((3, 2, 32, 32))  # two frames
    >>> encoder(torch.zeros(4, 3, 2, 32, 32)).shape
    torch.Size([4, 512])
    """

    mean: Tensor
    std: Tensor

    def __init__(self, shape: tuple[int, ...], dim: int = WIDTH, *, augment: bool = False) -> None:
        super().__init__()
        if len(shape) not in (3, 4):
            raise DataError(
                "ResNet18Encoder: expected (channels, height, width) or "
                f"(frames, channels, height, width), got {shape}"
            )
        channels = shape[-3]
        pixels = (IMAGENET_MEAN, IMAGENET_STD) if channels == 3 else ((0.0,), (1.0,))
        for name, values in zip(("mean", "std"), pixels, strict=True):
            self.register_buffer(name, torch.tensor(values).view(-1, 1, 1), persistent=False)
        self.augment = RandomResizedCrop() if augment else nn.Identity()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False),
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
        if not images.is_floating_point():
            images = (images.to(self.mean.dtype) / 255 - self.mean) / self.std
        maps: Tensor = self.blocks(self.stem(self.augment(images)))
        return maps.mean(dim=(2, 3))


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions and a way around them.

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


class RandomResizedCrop(nn.Module):
    """In training, a random part of each image at the image's size, half of them mirrored.

    The part has between 8 and 100 % of the area and between 3/4 and 4/3 of the image's aspect
    ratio (the usual choice for ImageNet, Szegedy et al. 2015); all images of a batch at once. In
    eval mode images pass unchanged.
    """

    def forward(self, images: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to the same shape."""
        if not self.training:
            return images
        n = len(images)
        area = torch.empty(n, device=images.device).uniform_(0.08, 1)
        ratio = (4 / 3) ** torch.empty(n, device=images.device).uniform_(-1, 1)
        size = torch.stack([(area * ratio).sqrt(), (area / ratio).sqrt()], dim=1).clamp(max=1)
        centre = (1 - size) * torch.empty(n, 2, device=images.device).uniform_(-1, 1)
        mirror = torch.randint(0, 2, (n,), device=images.device) * 2 - 1
        # Output coordinates (x, y) in [-1, 1] look at centre + size * (x, y).
        theta = torch.zeros(n, 2, 3, device=images.device)
        theta[:, 0, 0], theta[:, 1, 1] = size[:, 0] * mirror, size[:, 1]
        theta[:, :, 2] = centre
        grid = F.affine_grid(theta, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
