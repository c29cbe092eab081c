"""torchvision's classifiers taken apart: what makes the last map, and what is only the classifier behind it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from radiogen.errors import fail
from radiogen.models.backbones.vision import torchvision_models

#: side of ImageNet's pictures in most trainings
_CROP = 224
#: classifiers in the middle of GoogLeNet and Inception, for their training alone
_AUXILIARY = ("aux1", "aux2", "AuxLogits")


@dataclass(frozen=True)
class Vision:
    """One of torchvision's classifiers, its parts told apart.

    Parameters
    ----------
    net : Module
        All of it, with torchvision's names, over 3 channels.
    trunk : Module
        Its modules up to the last map, or for a transformer up to the embedding.
    has_map : bool
        Whether the trunk gives a map B × D × h × w; otherwise an embedding B × D.
    mean, std : tuple of 3 float
        What its pictures from 0 to 1 are normalised with.
    smallest : int
        Side of the smallest picture it sees.
    exact : bool
        Whether it sees no other size.
    """

    net: nn.Module
    trunk: nn.Module
    has_map: bool
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    smallest: int
    exact: bool


def vision_names() -> list[str]:
    """Names of torchvision's classifiers."""
    models = torchvision_models()
    return list(models.list_models(module=models))


def vision(name: str) -> Vision:
    """A classifier with random weights.

    Parameters
    ----------
    name : str
        As torchvision writes it.

    Raises
    ------
    RadiogenError
        RG730 where it is built in a way that is not known here; errors of
        :func:`radiogen.models.backbones.vision.torchvision_models`.
    """
    models = torchvision_models()
    options: dict[str, Any] = {}
    if name in ("googlenet", "inception_v3"):  # torchvision's own start takes seconds and is meant for the auxiliary classifiers
        options = {"aux_logits": False, "init_weights": False}
    net = models.get_model(name, weights=None, **options)
    family = type(net).__name__
    if family not in _TRUNKS:
        raise fail("RG730", f"the networks {family} of this torchvision are not known here", value=name)
    mean, std = _normalisation(name)
    smallest, exact = published(name).meta.get("min_size", (32, 32))[0], family in _ONE_SIZE
    if not exact and smallest >= _CROP:  # the size that it was trained on, not one that it needs
        smallest = 32
    return Vision(net, _TRUNKS[family](net), family not in _WITHOUT_MAP, mean, std, max(32, smallest), exact)


def published(name: str) -> Any:
    """torchvision's entry of the ImageNet weights of a classifier: those of the original training where there are several."""
    known: Any = torchvision_models().get_model_weights(name)
    return next((known[n] for n in ("IMAGENET1K_V1", "IMAGENET1K_SWAG_LINEAR_V1") if n in known.__members__), known.DEFAULT)


def head_names(found: Vision) -> tuple[str, ...]:
    """Parts of the network, at its top level, that its trunk does not use."""
    used = {id(p) for p in found.trunk.parameters()}
    own = {name: {id(p) for p in part.parameters()} for name, part in found.net.named_children()}
    return (*(name for name, weights in own.items() if weights and not weights & used), *_AUXILIARY)


def _normalisation(name: str) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """What the published weights expect: ImageNet's, or (x - 0.5) / 0.5 for the few trained so."""
    if name in ("googlenet", "inception_v3"):  # torchvision turns ImageNet's normalisation into this within the network
        return (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
    transform = published(name).transforms()
    return _three(transform.mean), _three(transform.std)


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = values
    return red, green, blue


def _until(stop: str) -> Callable[[nn.Module], nn.Module]:
    """The children before the one of this name, in their order, auxiliary classifiers left out."""

    def trunk(net: nn.Module) -> nn.Module:
        names = list(dict(net.named_children()))
        kept = [n for n in names[: names.index(stop)] if n not in _AUXILIARY]
        return nn.Sequential(OrderedDict((n, net.get_submodule(n)) for n in kept))

    return trunk


def _only(*names: str) -> Callable[[nn.Module], nn.Module]:
    """These children, one after the other."""
    return lambda net: nn.Sequential(OrderedDict((n, net.get_submodule(n)) for n in names))


def _densenet(net: nn.Module) -> nn.Module:
    """torchvision rectifies the last map outside its features."""
    return nn.Sequential(OrderedDict(features=net.get_submodule("features"), last=nn.ReLU(inplace=True)))


def _maxvit(net: nn.Module) -> nn.Module:
    blocks: Any = net.get_submodule("blocks")
    return nn.Sequential(OrderedDict(stem=net.get_submodule("stem"), blocks=nn.Sequential(*blocks)))


class _Tokens(nn.Module):
    """A vision transformer up to its class token."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        net.heads = nn.Identity()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


_TRUNKS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "AlexNet": _only("features"), "ConvNeXt": _only("features"), "DenseNet": _densenet, "EfficientNet": _only("features"),
    "GoogLeNet": _until("avgpool"), "Inception3": _until("avgpool"), "MNASNet": _only("layers"), "MaxVit": _maxvit,
    "MobileNetV2": _only("features"), "MobileNetV3": _only("features"), "RegNet": _only("stem", "trunk_output"),
    "ResNet": _until("avgpool"), "ShuffleNetV2": _until("fc"), "SqueezeNet": _only("features"),
    "SwinTransformer": _only("features", "norm", "permute"), "VGG": _only("features"), "VisionTransformer": _Tokens,
}  # fmt: skip
_WITHOUT_MAP = ("VisionTransformer",)
#: the size of the picture decides the shapes of their weights
_ONE_SIZE = ("MaxVit", "VisionTransformer")


def width(trunk: nn.Module, channels: int, side: int) -> int:
    """Channels of what a trunk gives, found with an empty picture; no random number is drawn."""
    training = trunk.training
    trunk.eval()
    with torch.no_grad():
        features = int(trunk(torch.zeros(1, channels, side, side)).shape[1])
    trunk.train(training)
    return features
