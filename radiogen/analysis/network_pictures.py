"""Pictures of a cohort as the inputs of a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from radiogen.errors import fail
from radiogen.models.fusion.examples import FloatArray, Pictures
from radiogen.models.fusion.spec import InputSpec

if TYPE_CHECKING:
    from radiogen.cohort.cohort import Cohort
    from radiogen.cohort.learning import NetworkSection, View
    from radiogen.features.pictures import PictureStack
    from radiogen.progress import Progress


@dataclass(frozen=True)
class Shown:
    """One picture input of a network.

    Parameters
    ----------
    spec : InputSpec
    pictures : Pictures
        Owners are positions in the frame of units.
    options : mapping
        With which the same kind of pictures is cut from another cohort.
    curve : array, shape (n, columns), or None
        Of loops: the lesion's curve of each unit; NaN where it is not known.
    scale : str
        What pixels and curves are measured in.
    digest : str
        SHA-256 over contents and options.
    notes : tuple of str
        How many pictures could not be used, and why.
    """

    spec: InputSpec
    pictures: Pictures
    options: Mapping[str, Any]
    curve: FloatArray | None = None
    scale: str = ""
    digest: str = ""
    notes: tuple[str, ...] = field(default=())

    def locked(self) -> Shown:
        """The same without pixels: what a final model has to remember."""
        nobody = Pictures(self.pictures.pixels[:0].copy(), np.zeros(0, dtype=int))
        return replace(self, pictures=nobody, curve=None)

    def for_nobody(self, n: int) -> Shown:
        """The input of a cohort of which nobody was examined in this way."""
        empty = None if not self.spec.columns else np.full((n, len(self.spec.columns)), np.nan)
        return replace(self.locked(), curve=empty)


def development_pictures(
    cohort: Cohort, ids: pd.Index, section: NetworkSection, n_jobs: int = 1, progress: Progress | None = None
) -> dict[str, Shown]:
    """The pictures that the section asks for, of these units.

    Parameters
    ----------
    cohort : Cohort
    ids : Index
        Units of the design.
    section : NetworkSection
    n_jobs : int
        Processes that decode.

    Raises
    ------
    RadiogenError
        RG701 where no picture of a modality can be used; those of :func:`radiogen.features.pictures.stack`.
    """
    found = {}
    for modality, asked in section.views.items():
        for name, kind in dict.fromkeys(part for view in asked for part in _parts(view)):
            options = {"size": (section.size, section.size), "frames": section.frames, **dict(kind)}
            found[f"{modality}:{name}"] = _cut(cohort, ids, f"{modality}:{name}", options, section, n_jobs, progress)
    return found


def _parts(view: View) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """Names and options of the stacks that a view stands for."""
    from radiogen.features.pictures import views_of

    if view == "spectrum":
        return [(view, (("kind", "spectrum"), ("view", "whole")))]
    if view == "colour":
        return [(view, (("kind", "colour"), ("view", "lesion")))]
    return [(part, (("view", part),)) for part in views_of(view)]


def same_pictures(
    cohort: Cohort, ids: pd.Index, section: NetworkSection, asked: Mapping[str, Shown], n_jobs: int = 1
) -> dict[str, Shown]:
    """The same kinds of pictures of another cohort, for a locked model.

    Parameters
    ----------
    asked : mapping of str to Shown
        By input; their ``options`` are used, their pixels are not.

    Raises
    ------
    RadiogenError
        RG705 for pictures that are measured in another unit; those of :func:`radiogen.features.pictures.stack`.
    """
    found = {}
    for name, own in asked.items():
        declared = cohort.config.modalities.get(own.spec.modality)
        if declared is None or declared.images is None:
            found[name] = own.for_nobody(len(ids))
            continue
        shown = _cut(cohort, ids, name, own.options, section, n_jobs, None, locked=True)
        if len(shown.pictures.owner) and shown.scale != own.scale:
            raise fail("RG705", f"the network saw pictures of '{own.spec.modality}' in {own.scale}, and here they are in "
                       f"{shown.scale}", column=own.spec.modality, fix="Declare the unit in which the network was trained "
                       "(`to_kpa: true` turns m/s into kPa), or leave the modality out.")  # fmt: skip
        found[name] = shown if len(shown.pictures.owner) else own.for_nobody(len(ids))
    return found


def _cut(
    cohort: Cohort, ids: pd.Index, name: str, options: Mapping[str, Any], section: NetworkSection, n_jobs: int,
    progress: Progress | None, locked: bool = False,
) -> Shown:  # fmt: skip
    from radiogen.features.pictures import stack

    modality = name.split(":", 1)[0]
    made = stack(cohort, modality, n_jobs=n_jobs, progress=progress, **options)
    owner = made.owner(ids)
    own = np.flatnonzero(owner >= 0)
    if not len(own) and not locked:
        raise fail("RG701", f"no picture of '{modality}' can be used for the units analysed", value=modality,
                   fix="See `radiogen check`: masks may be missing, or files cannot be read.")  # fmt: skip
    curve = None if made.curve is None else made.curve.reindex(ids).to_numpy(dtype=float)
    loop = made.pixels.ndim == 5
    spec = InputSpec(
        name, "cine" if loop else "image", modality=modality,
        columns=() if curve is None else tuple(f"curve_{k}" for k in range(curve.shape[1])),
        channels=len(made.channels), size=(made.pixels.shape[-2], made.pixels.shape[-1]), backbone=section.backbone,
        weights=section.weights, physical=made.physical, aligned=name,
    )  # fmt: skip
    # a memory map stays one: rows are read when a network asks for them
    pixels = made.pixels if len(own) == len(owner) else made.pixels[own]
    return Shown(spec, Pictures(pixels, owner[own]), made.options, curve, _scale(made), made.digest, _notes(made, modality))


def _scale(made: PictureStack) -> str:
    curve = "" if made.curve is None else f", curves in {made.curve.attrs['unit']}"
    return f"{made.scale.unit} from {made.scale.low:g} to {made.scale.high:g}{curve}"


def _notes(made: PictureStack, modality: str) -> tuple[str, ...]:
    if not len(made.missing):
        return ()
    codes = made.missing["code"].value_counts()
    why = ", ".join(f"{code} {count}" for code, count in codes.items())
    return (f"{len(made.missing)} pictures of {modality} could not be shown to the network ({why}).",)
