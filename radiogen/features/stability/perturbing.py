"""Perturbed regions of one lesion, and why there is none where there is none."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import Problem, RadiogenError, fail
from radiogen.features.stability.geometry import contour, grown, noisy, shifted, shrunk, turned
from radiogen.features.stability.perturbations import (
    DEFAULT_PERTURBATIONS,
    Chain,
    Contour,
    Dilate,
    Erode,
    Noise,
    Perturbation,
    Rotate,
    Shift,
    Step,
    names_of,
)

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Spacing = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Perturbed:
    """One perturbation of one lesion.

    Parameters
    ----------
    name : str
        Of the perturbation.
    mask : ndarray of bool, H × W, or None
        None where the perturbation is not possible; ``problem`` says why.
    image : ndarray of float64, H × W, or None
        The picture to measure: the one given where it is not changed; None where none was given.
    problem : Problem or None
        RG505 nothing is left of the region, RG522 it leaves the picture, RG509 an amount in mm without spacing.
    """

    name: str
    mask: Mask | None
    image: Floats | None = None
    problem: Problem | None = None


def perturb(
    mask: Mask,
    image: Floats | None = None,
    perturbations: Sequence[Perturbation] = DEFAULT_PERTURBATIONS,
    *,
    spacing_mm: Spacing | None = None,
    seed: int = 0,
    key: str = "",
) -> tuple[Perturbed, ...]:
    """A lesion's region changed as another reader, another probe position or noise would change it.

    Parameters
    ----------
    mask : ndarray of bool, H × W
        The region.
    image : ndarray, H × W, optional
        Grey values; needed for noise, and where the picture is moved or turned.
    perturbations : sequence, default :data:`DEFAULT_PERTURBATIONS`
        :class:`Dilate`, :class:`Erode`, :class:`Shift`, :class:`Rotate`, :class:`Contour`, :class:`Noise`,
        :class:`Chain`; the same may stand several times, which makes sense for the random ones.
    spacing_mm : (float, float), optional
        Millimetres per row and per column; needed for amounts in mm.  Where it is not known, pixels are taken as
        square for rotations.
    seed : int, default 0
    key : str, default ""
        The lesion's id.  Random perturbations depend on the seed, this id and their place among the perturbations,
        and on nothing else: neither on the other lesions nor on the number of processes.

    Returns
    -------
    tuple of Perturbed
        In the order of ``perturbations``.  What is not possible has no mask, never the original one.

    Raises
    ------
    RadiogenError
        RG705 arrays that do not fit, or a picture that is needed and not given; RG505 an empty region; RG708 what
        is no perturbation.

    Notes
    -----
    A region that would reach beyond the picture is refused rather than cut off, since a cut region is another
    perturbation than the one named; a lesion that touches the border of the picture cannot be dilated.

    References
    ----------
    Zwanenburg A et al. Assessing robustness of radiomic features by image perturbation. Sci Rep 2019;9:614.
    doi:10.1038/s41598-018-36938-4

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.stability import Dilate, Erode, Shift, perturb
    >>> mask = np.zeros((12, 12), bool); mask[4:8, 4:8] = True
    >>> found = perturb(mask, perturbations=[Dilate(1), Erode(1), Erode(3), Shift(5, 0)])
    >>> [(p.name, p.problem.code if p.mask is None else int(p.mask.sum())) for p in found]
    [('dilate_1_px', 32), ('erode_1_px', 4), ('erode_3_px', 'RG505'), ('shift_5_0_px', 'RG522')]
    """
    if mask.ndim != 2 or mask.dtype != np.bool_:
        raise fail("RG705", f"the mask must be a 2D array of bool; it is {mask.ndim}D of {mask.dtype}")
    if image is not None and (image.shape != mask.shape or not np.isfinite(image).all()):
        raise fail("RG705", "the image must be finite and of the mask's shape")
    if not mask.any():
        raise fail("RG505", "the mask has no pixel")
    names = names_of(perturbations)
    picture = None if image is None else np.asarray(image, dtype=np.float64)
    _check_picture(perturbations, picture)
    streams = _streams(seed, key, len(perturbations))
    return tuple(
        _one(name, how, mask, picture, spacing_mm, rng)
        for name, how, rng in zip(names, perturbations, streams, strict=True)
    )


def _streams(seed: int, key: str, count: int) -> list[np.random.Generator]:
    """A stream of random numbers for each perturbation of one lesion."""
    words = np.frombuffer(hashlib.sha256(key.encode("utf-8")).digest(), dtype="<u4")
    root = np.random.SeedSequence([seed, *(int(w) for w in words)])
    return [np.random.default_rng(child) for child in root.spawn(count)]


def steps_of(how: Perturbation) -> tuple[Step, ...]:
    """The single steps of a perturbation."""
    return how.steps if isinstance(how, Chain) else (how,)


def _check_picture(perturbations: Sequence[Perturbation], image: Floats | None) -> None:
    for how in perturbations:
        for step in steps_of(how):
            if image is None and (isinstance(step, Noise) or (isinstance(step, Shift | Rotate) and step.of == "both")):
                raise fail("RG705", f"'{step.name}' changes the picture, and none is given")


def _one(
    name: str, how: Perturbation, mask: Mask, image: Floats | None, spacing: Spacing | None, rng: np.random.Generator
) -> Perturbed:
    try:
        for step in steps_of(how):
            mask, image = _step(step, mask, image, spacing, rng)
            if not mask.any():
                raise fail("RG505", f"nothing is left of the region after '{step.name}'")
    except RadiogenError as error:
        if error.code not in ("RG505", "RG522", "RG509"):
            raise
        return Perturbed(name, None, None, error.problems[0])
    return Perturbed(name, mask, image)


def _step(
    step: Step, mask: Mask, image: Floats | None, spacing: Spacing | None, rng: np.random.Generator
) -> tuple[Mask, Floats | None]:
    if isinstance(step, Noise):
        assert image is not None  # checked beforehand
        return mask, noisy(image, mask, step.sd, rng)
    size = _pixel(step.unit, spacing) if isinstance(step, Dilate | Erode | Shift | Contour) else (1.0, 1.0)
    if isinstance(step, Dilate):
        return grown(mask, step.amount, size), image
    if isinstance(step, Erode):
        return shrunk(mask, step.amount, size), image
    if isinstance(step, Contour):
        return contour(mask, step.sd, step.length, size, rng), image
    if isinstance(step, Shift):
        moved = shifted(mask, image if step.of == "both" else None, (step.down / size[0], step.right / size[1]))
    else:
        moved = turned(mask, image if step.of == "both" else None, step.degrees, spacing or (1.0, 1.0))
    return moved[0], image if moved[1] is None else moved[1]


def _pixel(unit: str, spacing: Spacing | None) -> Spacing:
    """The size of a pixel in the unit of an amount."""
    if unit == "px":
        return 1.0, 1.0
    if spacing is None:
        raise fail("RG509", "a perturbation in mm needs the pixel spacing, which is not known")
    return spacing
