"""The encoder EfficientNet-Lite0, with weights learnt on ImageNet; importing this module imports torch."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from radiogen.errors import fail
from radiogen.imaging.outlines.unet_weights import folded, imagenet_weights

#: channels of the stem
_STEM = 32
#: stages: blocks, size of the kernel, stride of the first block, widening within, channels
_STAGES = (
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)  # fmt: skip
#: the stages whose output is passed on, the last of the strides 4, 8, 16 and 32, and their channels
_PASSED = (1, 2, 4, 6)
CHANNELS = tuple(_STAGES[stage][4] for stage in _PASSED)
#: ImageNet's grey values were taken as (value - 127) / 128
_MIDDLE, _SPREAD = 127.0, 128.0
#: the classifier behind the encoder is left out
_HEAD = ("_conv_head.", "_bn1.", "_fc.")


class Encoder(nn.Module):
    """EfficientNet-Lite0 without its classifier: 2.9 million weights.

    ``forward`` takes pictures as :func:`as_imagenet` makes them, B × 3 × n × n with n a multiple of 32, and gives four maps
    of features at 1/4, 1/8, 1/16 and 1/32 of n with :data:`CHANNELS` channels.  The normalisations are folded into
    the convolutions (:func:`radiogen.imaging.outlines.unet_weights.folded`).

    References
    ----------
    Tan M, Le QV (2019) EfficientNet: rethinking model scaling for convolutional neural networks. ICML, arXiv:1905.11946;
    its Lite form has ReLU6 and no squeeze-and-excitation.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Same(3, _STEM, 3, stride=2)
        blocks, before = [], _STEM
        for repeats, kernel, stride, wider, after in _STAGES:
            stage = [_Block(before if k == 0 else after, after, kernel, stride if k == 0 else 1, wider) for k in range(repeats)]
            blocks.append(nn.Sequential(*stage))
            before = after
        self.stages = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = functional.relu6(self.stem(x), inplace=True)
        passed = []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in _PASSED:
                passed.append(x)
        return passed

    def load_imagenet(self) -> None:
        """Take the weights of the package, every one of them.

        Raises
        ------
        RadiogenError
            RG902 where the package is missing, is another, or does not fit.
        """
        arrays = {name: array for name, array in imagenet_weights().items() if not name.startswith(_HEAD)}
        found = folded(arrays, self._pairs())
        own = {name: value.shape for name, value in self.state_dict().items()}
        if own != {name: value.shape for name, value in found.items()}:
            raise fail("RG902", "the shapes of the weights do not fit the encoder")
        self.load_state_dict(found)

    def _pairs(self) -> dict[str, tuple[str, str]]:
        """Our names of the convolutions, and those of the package for them and for their normalisations."""
        pairs, number = {"stem": ("_conv_stem", "_bn0")}, 0
        for k, stage in enumerate(self.stages):
            for j, block in enumerate(stage):  # type: ignore[arg-type]
                ours, theirs = f"stages.{k}.{j}", f"_blocks.{number}"
                if block.widen is not None:
                    pairs[f"{ours}.widen"] = (f"{theirs}._expand_conv", f"{theirs}._bn0")
                pairs[f"{ours}.depthwise"] = (f"{theirs}._depthwise_conv", f"{theirs}._bn1")
                pairs[f"{ours}.narrow"] = (f"{theirs}._project_conv", f"{theirs}._bn2")
                number += 1
        return pairs


class _Same(nn.Conv2d):
    """A convolution padded as TensorFlow does: at stride 2 one row and column more below and to the right."""

    def __init__(self, before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(before, after, kernel, stride=stride, groups=groups, padding=(kernel - 1) // 2 if stride == 1 else 0)
        self.lack = (kernel - stride) // 2, (kernel - stride + 1) // 2

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if self.stride[0] == 1 else functional.pad(x, self.lack * 2))


class _Block(nn.Module):
    """Inverted bottleneck: widened, filtered channel by channel, narrowed; with a bypass where the shapes allow it."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, wider: int) -> None:
        super().__init__()
        inner = before * wider
        self.widen = _Same(before, inner, 1) if wider > 1 else None
        self.depthwise = _Same(inner, inner, kernel, stride, groups=inner)
        self.narrow = _Same(inner, after, 1)
        self.bypass = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.widen is None else functional.relu6(self.widen(x), inplace=True)
        y = self.narrow(functional.relu6(self.depthwise(y), inplace=True))
        return x + y if self.bypass else y


def as_imagenet(grey: Tensor) -> Tensor:
    """Grey values from 0 to 1 (B × 1 × n × n) as the encoder takes them: three equal channels on ImageNet's scale."""
    return ((255 * grey - _MIDDLE) / _SPREAD).expand(-1, 3, -1, -1)
