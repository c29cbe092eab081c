"""Kinds of perturbation: small frozen descriptions of how a region or a picture is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from radiogen.errors import fail

Unit = Literal["px", "mm"]
#: what is moved or turned: the region alone, as another reader would, or picture and region, as the probe would
Of = Literal["region", "both"]


def _positive(name: str, value: float) -> None:
    if not (np.isfinite(value) and value > 0):
        raise fail("RG708", f"`{name}` of a perturbation must be above zero", value=value)


def _choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise fail("RG708", f"`{name}` must be one of {', '.join(allowed)}", value=value)


@dataclass(frozen=True)
class Dilate:
    """The region grown by an even margin.

    Parameters
    ----------
    amount : float, default 1
        Pixels join whose centre is at most so far from the centre of one of the region.
    unit : {"px", "mm"}, default "px"
        mm needs the pixel spacing.
    """

    amount: float = 1.0
    unit: Unit = "px"

    def __post_init__(self) -> None:
        _positive("amount", self.amount)
        _choice("unit", self.unit, ("px", "mm"))

    @property
    def name(self) -> str:
        """Such as ``dilate_1_px``."""
        return f"dilate_{self.amount:g}_{self.unit}"


@dataclass(frozen=True)
class Erode:
    """The region shrunk by an even margin.

    Parameters
    ----------
    amount : float, default 1
        Pixels go whose centre is at most so far from the centre of one outside.  The border of the picture is no
        border of the region.
    unit : {"px", "mm"}, default "px"
    """

    amount: float = 1.0
    unit: Unit = "px"

    def __post_init__(self) -> None:
        _positive("amount", self.amount)
        _choice("unit", self.unit, ("px", "mm"))

    @property
    def name(self) -> str:
        """Such as ``erode_1_px``."""
        return f"erode_{self.amount:g}_{self.unit}"


@dataclass(frozen=True)
class Shift:
    """The region, or picture and region, moved.

    Parameters
    ----------
    down, right : float
        How far; parts of a pixel are interpolated linearly.
    unit : {"px", "mm"}, default "px"
    of : {"region", "both"}, default "region"
        With ``"both"`` the picture is moved too: whole pixels then change nothing in the lesion, and parts of a
        pixel show what another sampling of the same tissue gives.
    """

    down: float = 0.0
    right: float = 0.0
    unit: Unit = "px"
    of: Of = "region"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.down) and np.isfinite(self.right)) or self.down == self.right == 0:
            raise fail("RG708", "a shift needs finite numbers, not both 0", value=(self.down, self.right))
        _choice("unit", self.unit, ("px", "mm"))
        _choice("of", self.of, ("region", "both"))

    @property
    def name(self) -> str:
        """Such as ``shift_1_-2_px``: down, then right."""
        return f"shift_{self.down:g}_{self.right:g}_{self.unit}" + ("_both" if self.of == "both" else "")


@dataclass(frozen=True)
class Rotate:
    """The region, or picture and region, turned about the region's centre.

    Parameters
    ----------
    degrees : float
        Anticlockwise on the screen.
    of : {"region", "both"}, default "region"
    """

    degrees: float = 5.0
    of: Of = "region"

    def __post_init__(self) -> None:
        if not np.isfinite(self.degrees) or self.degrees % 360 == 0:
            raise fail("RG708", "a rotation needs an angle that turns something", value=self.degrees)
        _choice("of", self.of, ("region", "both"))

    @property
    def name(self) -> str:
        """Such as ``rotate_5_deg``."""
        return f"rotate_{self.degrees:g}_deg" + ("_both" if self.of == "both" else "")


@dataclass(frozen=True)
class Contour:
    """The outline drawn again: every point of it moved in or out at random, near points together.

    Parameters
    ----------
    sd : float, default 1
        Standard deviation of the displacement of a point.
    length : float, default 10
        Correlation length: points so far apart along the outline are displaced together with a correlation of
        0.78, twice as far with 0.37 (a Gaussian process).
    unit : {"px", "mm"}, default "px"
        Of both.
    """

    sd: float = 1.0
    length: float = 10.0
    unit: Unit = "px"

    def __post_init__(self) -> None:
        _positive("sd", self.sd)
        _positive("length", self.length)
        _choice("unit", self.unit, ("px", "mm"))

    @property
    def name(self) -> str:
        """Such as ``contour_1_px``."""
        return f"contour_{self.sd:g}_{self.unit}"


@dataclass(frozen=True)
class Noise:
    """Gaussian noise added to the grey values.

    Parameters
    ----------
    sd : float, optional
        Standard deviation in grey values.  Default None: that of the noise the picture has already, estimated from
        its finest diagonal differences in the region (median absolute value / 0.6745); speckle is correlated between
        neighbours, so that this is less than the whole of it.
    """

    sd: float | None = None

    def __post_init__(self) -> None:
        if self.sd is not None:
            _positive("sd", self.sd)

    @property
    def name(self) -> str:
        """Such as ``noise_2`` or ``noise``."""
        return "noise" if self.sd is None else f"noise_{self.sd:g}"


@dataclass(frozen=True)
class Chain:
    """Several perturbations, one after the other.

    Parameters
    ----------
    steps : tuple of perturbations
    """

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if not self.steps:
            raise fail("RG708", "a chain needs at least one step")
        _known(self.steps)

    @property
    def name(self) -> str:
        """The names of the steps, joined by ``+``."""
        return "+".join(step.name for step in self.steps)


Step = Dilate | Erode | Shift | Rotate | Contour | Noise
Perturbation = Step | Chain

#: What is done where nothing is asked for: outlines a pixel too wide and too narrow, displaced, turned, and drawn
#: again three times, as readers differ; in pixels, so that uncalibrated pictures are perturbed too.
DEFAULT_PERTURBATIONS: tuple[Perturbation, ...] = (
    Dilate(1), Erode(1), Shift(1, 1), Shift(-1, -1), Rotate(5), Rotate(-5), Contour(1), Contour(1), Contour(1),
)  # fmt: skip


def names_of(perturbations: Sequence[Perturbation]) -> tuple[str, ...]:
    """Their names, numbered where the same stands more than once.

    Examples
    --------
    >>> from radiogen.features.stability.perturbations import Contour, Dilate, names_of
    >>> names_of([Dilate(2), Contour(), Contour()])
    ('dilate_2_px', 'contour_1_px_1', 'contour_1_px_2')
    """
    _known(perturbations)
    plain = [p.name for p in perturbations]
    return tuple(n if plain.count(n) == 1 else f"{n}_{plain[: i + 1].count(n)}" for i, n in enumerate(plain))


def _known(perturbations: Sequence[object]) -> None:
    for one in perturbations:
        if not isinstance(one, Perturbation):
            raise fail("RG708", f"{one!r} is no perturbation; there is Dilate, Erode, Shift, Rotate, Contour, Noise and Chain")
