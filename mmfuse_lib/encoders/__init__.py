"""Encoders: one modality in, a feature vector ``z`` of shape ``(B, dim)`` out.

A reader's own network slots in wherever an encoder is expected: any `nn.Module` that maps a batch
of one modality to a batch of vectors.
"""

from mmfuse_lib.encoders.registry import default_encoder, feature_dim, make_encoder
from mmfuse_lib.encoders.resnet import ResNet18Encoder
from mmfuse_lib.encoders.small import ConvSequenceEncoder, ImageEncoder, MLPEncoder, SequenceEncoder
from mmfuse_lib.encoders.transforms import Augmented, Noise, RandomResizedCrop

__all__ = [
    "Augmented",
    "ConvSequenceEncoder",
    "ImageEncoder",
    "MLPEncoder",
    "Noise",
    "RandomResizedCrop",
    "ResNet18Encoder",
    "SequenceEncoder",
    "default_encoder",
    "feature_dim",
    "make_encoder",
]
