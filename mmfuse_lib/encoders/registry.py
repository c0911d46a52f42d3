"""Encoders by name or by the shape of a sample, and the length of the vectors they return."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmfuse_lib.core.devices import device_of, eval_mode
from mmfuse_lib.core.errors import DataError, check_names, check_options
from mmfuse_lib.encoders.resnet import ResNet18Encoder
from mmfuse_lib.encoders.small import ConvSequenceEncoder, ImageEncoder, MLPEncoder, SequenceEncoder
from mmfuse_lib.encoders.transforms import Augmented, make_transform

#: Images with fewer pixels than this go to an MLP by default, larger ones to a convolutional net.
SMALL_IMAGE = 16 * 16


def default_choice(shape: tuple[int, ...], dim: int) -> dict[str, Any]:
    """Choose an encoder by the shape of one sample, as `make_encoder` takes it: name and options.

    ``(features,)`` and small images: `MLPEncoder`; ``(time, channels)``: `ConvSequenceEncoder`;
    ``(channels, height, width)``: `ImageEncoder`; ``(frames, channels, height, width)`` of larger
    images: `ResNet18Encoder`; all other shapes: `MLPEncoder` on the flattened sample. The inner
    layers of all but the ResNet grow with `dim`.
    """
    if len(shape) == 2:
        return {"name": "conv_sequence", "width": max(1, dim // 2)}
    if len(shape) == 3 and shape[1] * shape[2] >= SMALL_IMAGE:
        return {"name": "image", "width": max(1, dim // 4)}
    if len(shape) == 4 and shape[2] * shape[3] >= SMALL_IMAGE:
        return {"name": "resnet18"}
    return {"name": "mlp"}


def default_encoder(shape: tuple[int, ...], dim: int) -> nn.Module:
    """Return the encoder that `default_choice` chooses."""
    return make_encoder(default_choice(shape, dim), shape, dim)


_ENCODERS: dict[str, Callable[..., nn.Module]] = {
    "mlp": MLPEncoder,
    "image": ImageEncoder,
    "sequence": SequenceEncoder,
    "conv_sequence": ConvSequenceEncoder,
    "resnet18": ResNet18Encoder,
}


def make_encoder(
    chosen: str | Mapping[str, Any], shape: tuple[int, ...], dim: int, **options: Any
) -> nn.Module:
    """Return an encoder by its name.

    Parameters
    ----------
    chosen : str or mapping
        ``"mlp"``, ``"image"``, ``"sequence"`` (recurrent), ``"conv_sequence"`` or ``"resnet18"``;
        or a mapping of ``name`` and options, as files of settings have it.
    shape : tuple of int
        Shape of one sample.
    dim : int
        Length of the feature vector.
    **options
        What the encoder takes. Each also takes ``augment``: what `make_transform` makes of it
        changes the samples in training (see `Augmented`).

    Raises
    ------
    UnknownNameError
        If the encoder or an option does not exist.
    DataError
        If it cannot take this shape, or a mapping lacks the name.

    Examples
    --------
    >>> encoder = make_encoder({"name": "resnet18", "augment": True}, (3, 64, 64), 32)
    """
    options = {**(chosen if isinstance(chosen, Mapping) else {"name": chosen}), **options}
    if not isinstance(options.get("name"), str):
        raise DataError(f"encoder {chosen!r}: expected a network, a name, or a mapping with a name")
    name, augment = options.pop("name"), options.pop("augment", False)
    check_names("encoder", [name], _ENCODERS)
    check_options(f"encoder {name!r}", _ENCODERS[name], options, given=("shape", "dim"))
    encoder = _ENCODERS[name](shape, dim, **options)
    return Augmented(encoder, make_transform(augment, shape)) if augment else encoder


def feature_dim(
    name: str, encoder: nn.Module, shape: tuple[int, ...], dtype: torch.dtype = torch.float32
) -> int:
    """Return the length of an encoder's vectors, by running it on two samples of zeros.

    Raises
    ------
    DataError
        If the encoder cannot take this shape or type, or does not return ``(B, dim)``.
    """
    try:
        with torch.no_grad(), eval_mode(encoder):
            z = encoder(torch.zeros(2, *shape, dtype=dtype, device=device_of(encoder)))
    except Exception as error:
        of = "" if dtype == torch.float32 else " of bytes: expected floats, or one that does"
        raise DataError(
            f"the encoder of modality {name!r} cannot take samples of shape {shape}{of}: {error}"
        ) from error
    if not isinstance(z, Tensor) or z.ndim != 2 or len(z) != 2:
        got = tuple(z.shape) if isinstance(z, Tensor) else type(z).__name__
        raise DataError(
            f"the encoder of modality {name!r} returned {got} for 2 samples: expected (2, dim)"
        )
    return int(z.shape[1])
