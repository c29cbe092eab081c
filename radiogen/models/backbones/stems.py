"""The first convolution with ImageNet's normalisation made part of it, for any number of channels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from radiogen.errors import fail


class FoldedStem(nn.Module):
    r"""A convolution on pictures from 0 to 1 that does what another did on normalised RGB.

    With weights :math:`W` over red, green and blue, means :math:`m` and deviations :math:`s`, a grey picture :math:`x`
    repeated three times and normalised gives

    .. math:: \sum_c W_c * \frac{x - m_c}{s_c} = \sum_c \frac{W_c}{s_c} * x - \sum_c \frac{m_c W_c}{s_c} * 1.

    The second term is the same for all pictures.  It is no constant: the zeros with which the normalised picture was padded
    stand for three different grey values, which no padding of one channel can give.  The picture of ones is therefore
    padded with zeros and convolved as well, once per batch, and the sum is exact up to the border.

    Parameters
    ----------
    conv : Conv2d
        Over 3 channels, padded with zeros, in one group.
    channels : int
        Of the pictures to come.  1: as above, exact.  3: each channel normalised on its own, exact.  Any other number k:
        every channel gets a k-th of the grey weights (mean inflation), so that k equal channels give what one gives.
    mean, std : sequence of 3 float
        The normalisation that belongs to the weights.
    lack : (int, int, int, int), default (0, 0, 0, 0)
        Zeros added left, right, above and below before ``conv``, for convolutions that are padded unevenly.

    Raises
    ------
    RadiogenError
        RG705 for a convolution over other than 3 channels or in several groups; RG708 for ``channels`` below 1.

    References
    ----------
    Inflation of weights by their mean over the channels: Carreira J, Zisserman A (2017) Quo vadis, action recognition?
    CVPR 4724-4733. https://doi.org/10.1109/CVPR.2017.502

    Examples
    --------
    >>> import torch
    >>> from radiogen.models.backbones.stems import FoldedStem
    >>> conv = torch.nn.Conv2d(3, 8, 7, stride=2, padding=3)
    >>> mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    >>> stem, grey = FoldedStem(conv, 1, mean.tolist(), std.tolist()), torch.rand(2, 1, 32, 32)
    >>> wanted = conv((grey.expand(-1, 3, -1, -1) - mean[:, None, None]) / std[:, None, None])
    >>> torch.allclose(stem(grey), wanted, atol=1e-5)
    True
    """

    def __init__(
        self, conv: nn.Conv2d, channels: int, mean: Sequence[float], std: Sequence[float],
        lack: tuple[int, int, int, int] = (0, 0, 0, 0),
    ) -> None:  # fmt: skip
        super().__init__()
        if conv.in_channels != 3 or conv.groups != 1 or conv.padding_mode != "zeros":
            raise fail("RG705", "the first convolution must see 3 channels in one group, padded with zeros", value=conv)
        if channels < 1:
            raise fail("RG708", "a picture has at least one channel", value=channels)
        self.stride, self.padding, self.dilation, self.lack = conv.stride, conv.padding, conv.dilation, lack
        weight = conv.weight.detach().double()
        scaled = weight / torch.tensor(std, dtype=torch.float64)[:, None, None]
        shift = -(scaled * torch.tensor(mean, dtype=torch.float64)[:, None, None]).sum(1, keepdim=True)
        if channels != 3:
            scaled = scaled.sum(1, keepdim=True).expand(-1, channels, -1, -1) / channels
        self.weight = nn.Parameter(scaled.to(conv.weight.dtype).contiguous())
        self.shift = nn.Parameter(shift.to(conv.weight.dtype))
        self.bias = None if conv.bias is None else nn.Parameter(conv.bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        ones = x.new_ones(1, 1, *x.shape[-2:])
        return self._conv(x, self.weight, None) + self._conv(ones, self.shift, self.bias)

    def take_plain(self, weight: Tensor) -> None:
        """Take weights that were learnt on pictures from 0 to 1 as they stand: nothing is normalised."""
        with torch.no_grad():
            self.weight.copy_(weight)
            self.shift.zero_()

    def _conv(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if any(self.lack):
            x = functional.pad(x, self.lack)
        return functional.conv2d(x, weight, bias, self.stride, self.padding, self.dilation)


def fold_first(net: nn.Module, channels: int, mean: Sequence[float], std: Sequence[float]) -> FoldedStem:
    """Put a :class:`FoldedStem` in the place of a network's first convolution over 3 channels.

    Parameters
    ----------
    net : Module
        Changed in place.
    channels, mean, std
        As of :class:`FoldedStem`.

    Returns
    -------
    FoldedStem
        The new first convolution.

    Raises
    ------
    RadiogenError
        RG705 where there is none to replace.
    """
    name = first_convolution(net)
    home, _, last = name.rpartition(".")
    conv = net.get_submodule(name)
    assert isinstance(conv, nn.Conv2d)  # as it was found
    stem = FoldedStem(conv, channels, mean, std)
    setattr(net.get_submodule(home), last, stem)
    return stem


def first_convolution(net: nn.Module) -> str:
    """Name of a network's first convolution over 3 channels; RG705 where there is none."""
    for name, module in net.named_modules():
        if isinstance(module, nn.Conv2d) and module.in_channels == 3:
            return name
    raise fail("RG705", "the network has no convolution over 3 channels to begin with", value=type(net).__name__)
