"""Settings of a survival network and its training, checked; torch-free."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.models.survival.interface import check_number
from radiogen.models.survival.mlp import ACTIVATIONS
from radiogen.stats._validate import groups as group_codes

OPTIMIZERS = ("adam", "sgd")
PRECISIONS = ("float32", "float64")
#: parameter, smallest, largest, whole
_RANGES = (
    ("dropout", 0.0, 0.95, False), ("l2", 0.0, 1e6, False), ("learning_rate", 1e-12, 10.0, False), ("lr_decay", 0.0, 10.0, False),
    ("momentum", 0.0, 0.999, False), ("epochs", 1, 1e6, True), ("patience", 0, 1e6, True), ("validation_share", 0.05, 0.5, False),
)  # fmt: skip


@dataclass(frozen=True)
class NetSpec:
    """What :class:`radiogen.models.survival.DeepSurv` and its like are given; see there for the meaning."""

    hidden: tuple[int, ...]
    activation: str
    dropout: float
    batch_norm: bool
    l2: float
    learning_rate: float
    lr_decay: float
    optimizer: str
    momentum: float
    epochs: int
    patience: int
    validation_share: float
    batch_size: int | None
    precision: str
    device: str

    def __post_init__(self) -> None:
        for name, low, high, whole in _RANGES:
            check_number(name, getattr(self, name), low, high, whole=whole)
        for width in self.hidden:
            check_number("hidden", width, 1, 65_536, whole=True)
        if self.batch_size is not None:
            check_number("batch_size", self.batch_size, 2, 1e9, whole=True)
        for name, words in (("activation", tuple(ACTIVATIONS)), ("optimizer", OPTIMIZERS), ("precision", PRECISIONS)):
            if getattr(self, name) not in words:
                raise fail("RG708", f"`{name}` must be one of {', '.join(words)}.", value=getattr(self, name))
        if self.device not in ("auto", "cpu") and not str(self.device).startswith("cuda"):
            raise fail("RG708", "`device` must be 'auto', 'cpu' or 'cuda'.", value=self.device)


def net_spec(model: Any) -> NetSpec:
    """The settings that a model holds as attributes of the same names."""
    values = {name: getattr(model, name) for name in NetSpec.__dataclass_fields__}
    hidden = values["hidden"]
    values["hidden"] = tuple(hidden) if isinstance(hidden, Iterable) and not isinstance(hidden, str) else (hidden,)
    return NetSpec(**values)


def member_seeds(random_state: Any, count: int) -> list[np.random.SeedSequence]:
    """A seed for each network of an ensemble; the first ones do not depend on how many there are.

    Parameters
    ----------
    random_state : int, numpy Generator or None
        None draws from the operating system, and two fits differ.
    count : int
    """
    if isinstance(random_state, np.random.Generator):
        root = np.random.SeedSequence(random_state.integers(2**63))
    elif random_state is None:
        root = np.random.SeedSequence()
    else:
        check_number("random_state", random_state, 0, 2**63, whole=True)
        root = np.random.SeedSequence(int(random_state))
    return root.spawn(count)


def held_out(
    event: NDArray[np.int64], groups: Any, share: float, random: np.random.Generator
) -> NDArray[np.bool_]:
    """Units for early stopping: a share of the groups with an event and of those without.

    Parameters
    ----------
    event : ndarray, shape (n,)
    groups : array, shape (n,), or None
        Units of one group, such as a patient's lesions, stay together.
    share : float
    random : numpy Generator

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    RadiogenError
        RG701 where fewer than two groups have an event.
    """
    codes = np.arange(event.size) if groups is None else group_codes(groups, "groups")[0]
    dead = np.bincount(codes, weights=event == 1) > 0
    if dead.sum() < 2:
        raise fail(
            "RG701", f"{int(dead.sum())} units (groups) have an event; early stopping needs one in each of its two parts.",
            fix="Set `patience=0`, which trains for a fixed number of epochs, or use a Cox model.",
        )  # fmt: skip
    chosen = np.zeros(dead.size, dtype=bool)
    for kind in (dead, ~dead):
        members = random.permutation(np.flatnonzero(kind))
        count = int(np.clip(round(share * members.size), min(1, members.size - 1) if members.size else 0, members.size))
        chosen[members[:count]] = True
    return np.asarray(chosen[codes])
