"""Weights of a file brought to the network by their names, every array that did not fit accounted for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from radiogen.errors import fail
from radiogen.models.backbones.report import LoadReport
from radiogen.models.backbones.weights import Stored

#: how often BatchNorm was called in training: of no use to a network that is applied
_COUNTER = "num_batches_tracked"
#: DenseNet's arrays as torchvision's older files call them
_OLD_DENSE = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")
#: a file that gives a smaller share of a network's weights was not made for it
_ENOUGH = 0.5


def load_own(trunk: nn.Module, stored: Stored) -> LoadReport:
    """Load what a backbone of the same name and channels was saved with, alone or as a part of a larger network.

    Parameters
    ----------
    trunk : Module
        Changed in place.
    stored : Stored

    Returns
    -------
    LoadReport

    Raises
    ------
    RadiogenError
        RG734 for another network.
    """
    prefix, named = _matched(stored, trunk)
    return _filled(trunk, named, stored, prefix, ())


def load_into(net: nn.Module, stored: Stored, heads: Sequence[str], stem: str, channels: int) -> tuple[LoadReport, Tensor | None]:
    """Load a file into one of torchvision's networks before its stem is folded.

    Parameters
    ----------
    net : Module
        Over 3 channels; changed in place.
    stored : Stored
    heads : sequence of str
        Parts of the network that only classify; what the file has of them is left out.
    stem : str
        Name of the first convolution.
    channels : int
        Of the pictures to come.

    Returns
    -------
    (LoadReport, Tensor or None)
        The second: the file's first convolution where it was made for ``channels`` other than 3; it takes pictures from
        0 to 1 as they are.

    Raises
    ------
    RadiogenError
        RG734 for another network.
    """
    prefix, named = _matched(stored, net)
    head = {ours: theirs for ours, theirs in named.items() if ours.partition(".")[0] in heads}
    named = {ours: theirs for ours, theirs in named.items() if ours not in head}
    first, plain, reshaped = f"{stem}.weight", None, (f"{stem}.weight",) if channels != 3 else ()
    if channels != 3 and first in named and stored.arrays[named[first]].shape[1:2] == (channels,):
        own = net.state_dict()[first]
        plain, reshaped = stored.arrays[named.pop(first)], ()
        if plain.shape != (own.shape[0], channels, *own.shape[2:]):
            raise fail("RG734", f"'{first}' has the shape {tuple(plain.shape)}", file=stored.path)
    report = _filled(net, named, stored, prefix, heads, done=() if plain is None else (first,))
    taken = tuple(name for name in reshaped if name not in report.missing)
    return replace(report, head=tuple(sorted(head.values())), reshaped=taken), plain


def _matched(stored: Stored, net: nn.Module) -> tuple[str, dict[str, str]]:
    """The prefix of the file's names, and our names of its arrays to theirs; those without the prefix keep their names."""
    wanted = net.state_dict()
    numbered = {_numbered(name, net): name for name in wanted}  # a Sequential of the network's children numbers them
    best, prefix, named = -1, "", {}
    for places in ({name: name for name in wanted}, numbered):
        for start in _prefixes(stored.arrays, places):
            ours = {theirs: _old_dense(theirs.removeprefix(start)) for theirs in stored.arrays}
            fitting = sum(name in places for name in ours.values())
            if fitting > best:
                best, prefix, named = fitting, start, {places.get(name, name): theirs for theirs, name in ours.items()}
    return prefix, named


def _prefixes(names: Iterable[str], wanted: Mapping[str, Any]) -> list[str]:
    """What may stand before every name: what stands before the first and the last array wanted."""
    ends = [name for name in wanted if not name.endswith(_COUNTER)]
    found = {name[: -len(end)] for name in names for end in (ends[0], ends[len(ends) // 2]) if f".{name}".endswith(f".{end}")}
    return ["", *sorted(found - {""})]


def _numbered(name: str, net: nn.Module) -> str:
    first, dot, rest = name.partition(".")
    children = [n for n, _ in net.named_children()]
    return f"{children.index(first)}{dot}{rest}" if first in children else name


def _old_dense(name: str) -> str:
    return _OLD_DENSE.sub(r"\1\2", name)


def _filled(
    net: nn.Module, named: Mapping[str, str], stored: Stored, prefix: str, heads: Sequence[str], done: tuple[str, ...] = ()
) -> LoadReport:
    """Load the arrays that fit, and say what became of the others; ``done`` are those that were brought already."""
    own = {name: value for name, value in net.state_dict().items() if name.partition(".")[0] not in heads}
    fitting = {name: stored.arrays[theirs] for name, theirs in named.items() if name in own}
    _refuse_misfits(fitting, own, stored)
    counted = {name: value.numel() for name, value in own.items() if not name.endswith(_COUNTER) and name not in done}
    missing = tuple(name for name in counted if name not in fitting)
    if sum(counted[name] for name in missing) > (1 - _ENOUGH) * sum(counted.values()):
        raise fail(
            "RG734", f"the weights are of another network: of {len(counted)} arrays {len(missing)} are missing "
            f"({_some(missing)}); the file has {_some(tuple(stored.arrays))}", file=stored.path,
        )  # fmt: skip
    _load(net, fitting, stored)
    unexpected = tuple(theirs for name, theirs in named.items() if name not in own and not name.endswith(_COUNTER))
    loaded = len(counted) - len(missing) + len(done)
    return LoadReport(str(stored.path), stored.sha256, loaded, missing, unexpected, prefix=prefix)


def _refuse_misfits(fitting: Mapping[str, Tensor], own: Mapping[str, Tensor], stored: Stored) -> None:
    wrong = [f"{name} {tuple(array.shape)} for {tuple(own[name].shape)}" for name, array in fitting.items()
             if array.shape != own[name].shape]  # fmt: skip
    if wrong:
        raise fail("RG734", f"{len(wrong)} arrays have the shape of another network: {_some(wrong)}", file=stored.path)


def _load(net: nn.Module, fitting: Mapping[str, Tensor], stored: Stored) -> None:
    state = net.state_dict()  # with the versions of this torchvision's modules, which some of them insist on
    for name, array in fitting.items():
        state[name] = array
    try:
        net.load_state_dict(state)
    except (RuntimeError, ValueError) as error:
        raise fail("RG734", f"the weights do not fit: {str(error).partition(chr(10))[0]}", file=stored.path) from error


def _some(names: Sequence[str]) -> str:
    return (", ".join(names[:4]) + (", …" if len(names) > 4 else "")) if names else "none"

