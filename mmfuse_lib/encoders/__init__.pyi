from .registry import default_encoder as default_encoder
from .registry import feature_dim as feature_dim
from .registry import make_encoder as make_encoder
from .resnet import ResNet18Encoder as ResNet18Encoder
from .small import ConvSequenceEncoder as ConvSequenceEncoder
from .small import ImageEncoder as ImageEncoder
from .small import MLPEncoder as MLPEncoder
from .small import SequenceEncoder as SequenceEncoder
