"""Random numbers that depend on the seed and the place in the training alone, so that a killed run can go on."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What numbers are drawn for; each has a stream of its own, so that one more draw for one moves no other."""

    START = 0
    ORDER = 1
    MODALITIES = 2
    AUGMENT = 3
    NETWORK = 4
    SPLIT = 5
    SPECKLE = 6
    SAMPLES = 7


def generator(seed: int, purpose: Purpose, *place: int) -> np.random.Generator:
    """The generator of a purpose at a place such as (member, epoch, step).

    Examples
    --------
    >>> from radiogen.models.training.seeds import Purpose, generator
    >>> a, b = (generator(1, Purpose.ORDER, 0, epoch).integers(1000) for epoch in (3, 3))
    >>> int(a) == int(b)
    True
    """
    return np.random.default_rng(np.random.SeedSequence([seed, int(purpose), *place]))


def torch_seed(seed: int, purpose: Purpose, *place: int) -> int:
    """A seed for torch's own generator, which dropout and initial weights draw from."""
    words = np.random.SeedSequence([seed, int(purpose), *place]).generate_state(2, np.uint32)
    return int(words[0]) << 31 ^ int(words[1])
