"""Backbones by name."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from torch import Tensor, nn

from radiogen.errors import fail
from radiogen.imaging.outlines.unet_weights import weights_file
from radiogen.models.backbones.compact import WIDTHS, CompactTrunk
from radiogen.models.backbones.lite0 import FEATURES, Lite0
from radiogen.models.backbones.loading import load_into, load_own
from radiogen.models.backbones.published import published_file
from radiogen.models.backbones.report import LoadReport
from radiogen.models.backbones.stems import first_convolution, fold_first
from radiogen.models.backbones.weights import Stored, read_weights, sha256_of
from radiogen.models.backbones.zoo import Vision, head_names, vision, vision_names, width

#: radiogen's own
_OWN = ("compact", "efficientnet_lite0")


class Backbone(nn.Module):
    """An encoder of pictures; made by :func:`backbone`.

    Attributes
    ----------
    name : str
    in_channels : int
    features : int
        D, the width of the embedding.
    has_map : bool
        Whether there is a map to pool: False for vision transformers.
    report : LoadReport
        Where the weights come from and what did not fit.
    frozen : bool
        Whether the weights stay as they are.
    smallest : int
        Least side of a picture; with ``exact`` the only one.
    """

    def __init__(
        self, name: str, trunk: nn.Module, in_channels: int, features: int, report: LoadReport, *,
        has_map: bool = True, smallest: int = 32, exact: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.trunk, self.smallest, self.exact = trunk, smallest, exact
        self.name, self.in_channels, self.features, self.report, self.has_map = name, in_channels, features, report, has_map
        self.frozen = self._fixed = False

    def forward(self, x: Tensor) -> Tensor:
        """Embeddings B × D: the global average of :meth:`feature_map`, for a transformer its class token.

        Parameters
        ----------
        x : Tensor, shape (B, in_channels, H, W)
            From 0 to 1; the normalisation that the weights need is part of the first convolution.

        Raises
        ------
        RadiogenError
            RG705 for another shape.
        """
        return self.feature_map(x).mean((2, 3)) if self.has_map else self.trunk(self._checked(x))

    def feature_map(self, x: Tensor) -> Tensor:
        """The last convolutional map, B × D × h × w.

        Raises
        ------
        RadiogenError
            RG705 for pictures of another shape; RG731 for a vision transformer, which has no such map.
        """
        if not self.has_map:
            raise fail("RG731", f"'{self.name}' is a transformer over patches and has no convolutional map", value=self.name)
        return self.trunk(self._checked(x))

    def freeze(self, frozen: bool = True, *, statistics: bool | None = None) -> Backbone:
        """Keep the weights as they are, or let them learn again.

        Parameters
        ----------
        frozen : bool, default True
            No gradient reaches the weights.
        statistics : bool, optional
            Keep BatchNorm's means and variances as they were learnt, and dropout off, even while the network around is
            trained.  Default: as ``frozen``.  ``freeze(False, statistics=True)`` trains the weights under fixed statistics,
            which small batches do not disturb.

        Returns
        -------
        Backbone
            Itself.
        """
        self.requires_grad_(not frozen)
        self.frozen, self._fixed = frozen, frozen if statistics is None else statistics
        return self.train(self.training)

    def train(self, mode: bool = True) -> Backbone:
        """As of ``Module``; the trunk stays in evaluation where :meth:`freeze` fixed its statistics."""
        super().train(mode)
        if self._fixed:
            self.trunk.eval()
        return self

    def _checked(self, x: Tensor) -> Tensor:
        if x.ndim != 4 or x.shape[1] != self.in_channels:
            raise fail("RG705", f"'{self.name}' takes pictures of the shape (B, {self.in_channels}, H, W)", value=tuple(x.shape))
        side = min(x.shape[2:])
        if side < self.smallest or (self.exact and max(x.shape[2:]) != self.smallest):
            size = f"{'' if self.exact else 'at least '}{self.smallest} × {self.smallest}"
            raise fail("RG705", f"'{self.name}' takes pictures of {size} pixels", value=tuple(x.shape[2:]))
        return x


def backbone(name: str, in_channels: int = 1, weights: str | Path | None = None) -> Backbone:
    """An encoder of pictures from 0 to 1.

    Parameters
    ----------
    name : str
        ``"compact"``: 96 thousand weights, trained from the start on a CPU in minutes.  ``"efficientnet_lite0"``: 3 million,
        its ImageNet weights installed with radiogen.  ``"resnet18"``, ``"resnet50"``, ``"densenet121"``, ``"mobilenet_v2"``,
        ``"googlenet"`` and every other classifier of torchvision.
    in_channels : int, default 1
        1 grey or kPa, 3 RGB; the first convolution is folded to it (:class:`radiogen.models.backbones.stems.FoldedStem`).
    weights : str or Path, optional
        Default: random, drawn from torch's generator.  ``"imagenet"``: from torch's hub cache, or downloaded into it (for
        EfficientNet-Lite0 from its package).  Otherwise a file: ``.safetensors``, or ``.pth`` read without running code.
        Prefixes such as ``"module."`` and a classifier's head are left out and reported.

    Returns
    -------
    Backbone
        In evaluation mode where weights were loaded, in training mode otherwise.

    Raises
    ------
    RadiogenError
        RG730 for an unknown name; RG732 for a file that cannot be read, RG733 for one that holds code, RG734 for weights
        of another network; RG735 where ImageNet's weights cannot be fetched; RG902 and RG736 where torchvision is missing
        or unusable; RG708 for ``in_channels`` below 1.

    Examples
    --------
    >>> import torch
    >>> from radiogen.models import backbone
    >>> net = backbone("compact").eval()
    >>> net.features, net(torch.rand(2, 1, 96, 96)).shape, net.feature_map(torch.rand(2, 1, 96, 96)).shape
    (64, torch.Size([2, 64]), torch.Size([2, 64, 6, 6]))
    """
    if not isinstance(name, str):
        raise fail("RG705", "the name of a backbone is a text, such as 'compact' or 'resnet18'", value=name)
    if isinstance(in_channels, bool) or not isinstance(in_channels, int) or in_channels < 1:
        raise fail("RG708", "`in_channels` must be a whole number of at least 1", value=in_channels)
    if name == "compact":
        net = _compact(in_channels, weights)
    elif name == "efficientnet_lite0":
        net = _lite0(in_channels, weights)
    else:
        net = _vision(name, in_channels, weights)
    return net if weights is None else net.eval()


def _compact(channels: int, weights: str | Path | None) -> Backbone:
    if weights == "imagenet":
        raise fail("RG735", "there are no ImageNet weights of 'compact': it is trained from the start", value="imagenet",
                   fix="Leave `weights` out, or take another backbone.")  # fmt: skip
    net = Backbone("compact", CompactTrunk(channels), channels, WIDTHS[-1], LoadReport(), smallest=16)
    return net if weights is None else _own_file(net, read_weights(weights))


def _lite0(channels: int, weights: str | Path | None) -> Backbone:
    trunk, report = Lite0(channels, imagenet=weights == "imagenet"), LoadReport()
    if weights == "imagenet":
        file, stem = weights_file(), ("encoder.stem.weight",)
        report = LoadReport(str(file), sha256_of(file), len(trunk.state_dict()) - 1, reshaped=stem)  # the shift is new
    net = Backbone("efficientnet_lite0", trunk, channels, FEATURES, report)
    return net if weights in (None, "imagenet") else _own_file(net, read_weights(weights))  # type: ignore[arg-type]


def _vision(name: str, channels: int, weights: str | Path | None) -> Backbone:
    known = vision_names()
    if name not in known:
        near = get_close_matches(name, [*_OWN, *known], n=3) or [*_OWN, "resnet18", "resnet50", "densenet121", "mobilenet_v2"]
        raise fail("RG730", f"there is no backbone '{name}'; near it: {', '.join(near)}", value=name)
    stored = None if weights is None else read_weights(published_file(name) if weights == "imagenet" else weights)
    found = vision(name)
    if stored is None or stored.own:
        net = _assembled(name, found, channels, LoadReport())
        return net if stored is None else _own_file(net, stored)
    report, plain = load_into(found.net, stored, head_names(found), first_convolution(found.net), channels)
    return _assembled(name, found, channels, report, plain)


def _assembled(name: str, found: Vision, channels: int, report: LoadReport, plain: Tensor | None = None) -> Backbone:
    """The trunk behind a stem for the channels asked for."""
    stem = fold_first(found.trunk, channels, found.mean, found.std)
    if plain is not None:
        stem.take_plain(plain)
    features = width(found.trunk, channels, found.smallest)
    return Backbone(
        name, found.trunk, channels, features, report, has_map=found.has_map, smallest=found.smallest, exact=found.exact
    )  # fmt: skip


def _own_file(net: Backbone, stored: Stored) -> Backbone:
    """A backbone with the weights that one of its kind was saved with."""
    net.report = load_own(net.trunk, stored)
    return net
