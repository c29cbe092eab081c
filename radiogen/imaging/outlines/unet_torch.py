"""The U-Net itself; importing this module imports torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.imaging.outlines.unet import NetSettings

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
except ImportError as error:  # pragma: no cover - the environment of the tests has torch
    raise fail("RG902", "the network needs torch", fix="pip install torch (the CPU build is enough)") from error

#: grey value, row and column
_CHANNELS = 3
#: channels that are normalised together, within each picture, so that nothing depends on the batch
_GROUP = 8
#: widest level, in channels of the first
_WIDEST = 8


class Block(nn.Module):
    """Two convolutions with a bypass."""

    def __init__(self, before: int, after: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.first_norm = nn.GroupNorm(max(1, after // _GROUP), after)
        self.second = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.second_norm = nn.GroupNorm(max(1, after // _GROUP), after)
        self.bypass = nn.Conv2d(before, after, 1, bias=False) if before != after else nn.Identity()
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.dropout(functional.relu(self.first_norm(self.first(x))))
        return functional.relu(self.second_norm(self.second(inner)) + self.bypass(x))


class UNet(nn.Module):
    """Residual U-Net whose first level works at half the size of its input.

    ``forward`` takes grey values (B × 1 × n × n) and gives the logits at full size and those of the deeper levels, which take
    part in training only.
    """

    def __init__(self, settings: NetSettings) -> None:
        super().__init__()
        widths = [settings.base * min(2**level, _WIDEST) for level in range(settings.depth)]
        self.stem = nn.Conv2d(_CHANNELS, settings.base, 4, stride=2, padding=1)
        self.down = nn.ModuleList(
            Block(settings.base if k == 0 else widths[k - 1], widths[k], settings.dropout) for k in range(settings.depth)
        )
        self.up = nn.ModuleList(
            Block(widths[k] + widths[k - 1], widths[k - 1], settings.dropout) for k in range(settings.depth - 1, 0, -1)
        )
        self.deep = nn.ModuleList(nn.Conv2d(widths[k - 1], 1, 1) for k in range(settings.depth - 1, 1, -1))
        self.out = nn.Conv2d(widths[0], 1, 1)

    def start(self) -> None:
        """Nothing is taken from elsewhere."""

    def parts(self, settings: NetSettings) -> list[dict[str, Any]]:
        """What is trained, with the share of the learning rate that each part gets."""
        return [{"params": list(self.parameters()), "share": 1.0}]

    def forward(self, grey: Tensor) -> tuple[Tensor, list[Tensor]]:
        size = grey.shape[-2:]
        x = self.stem(with_place(grey).contiguous(memory_format=torch.channels_last))
        passed = []
        for k, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if k else x)
            passed.append(x)
        deep = []
        for k, block in enumerate(self.up):
            wider = functional.interpolate(x, size=passed[-2 - k].shape[-2:], mode="bilinear", align_corners=False)
            x = block(torch.cat([wider, passed[-2 - k]], dim=1))
            if k < len(self.deep):
                deep.append(resized(self.deep[k](x), size))
        return resized(self.out(x), size), deep


def resized(x: Tensor, size: Any) -> Tensor:
    """Brought to rows and columns, linear between pixels."""
    return functional.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)


def with_place(grey: Tensor) -> Tensor:
    """The network's input: grey values with mean 0 and spread 1, row and column from −1 to 1 (B × 3 × n × n)."""
    mean, spread = grey.mean((2, 3), keepdim=True), grey.std((2, 3), keepdim=True) + 1e-3
    return torch.cat([(grey - mean) / spread, place(grey)], dim=1)


def place(x: Tensor) -> Tensor:
    """Row and column from −1 to 1 of maps of n × n (B × 2 × n × n)."""
    n = x.shape[-1]
    line = torch.linspace(-1, 1, n)
    rows, columns = line[:, None].expand(n, n), line[None, :].expand(n, n)
    return torch.stack([rows, columns])[None].expand(len(x), 2, n, n)


def network(settings: NetSettings) -> Any:
    """The network that the settings name, with random weights."""
    if settings.encoder == "small":
        return UNet(settings)
    from radiogen.imaging.outlines.unet_pretrained import PretrainedUNet

    return PretrainedUNet(settings)


def foreseen(settings: NetSettings, weights: Mapping[str, NDArray[Any]], small: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities of one network, mean of each picture and its mirror image.

    Parameters
    ----------
    settings : NetSettings
    weights : mapping of str to ndarray
    small : ndarray, n × size × size float32

    Returns
    -------
    ndarray, n × size × size float64

    Raises
    ------
    RadiogenError
        RG802 where the weights do not fit the settings.
    """
    net = network(settings)
    try:
        net.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in weights.items()})
    except (RuntimeError, TypeError) as error:
        raise fail("RG802", "the network's weights do not fit its settings") from error
    net.eval()
    found = np.empty(small.shape, dtype=np.float64)
    with torch.no_grad(), one_thread():
        for k, picture in enumerate(small):  # one by one: the result does not depend on what else is asked
            x = torch.from_numpy(picture)[None, None]
            both = torch.sigmoid(net(torch.cat([x, x.flip(3)]))[0])
            found[k] = ((both[0] + both[1].flip(2)) / 2)[0].numpy()
    return found


@contextmanager
def one_thread() -> Iterator[None]:
    """torch on one thread, so that sums are made in one order on every machine; as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
