"""What a family of features is given and what it gives: the contract between extraction and a modality."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.errors import Problem
from radiogen.imaging import Image

Spacing = tuple[float, float]
#: what a family's ``settings`` gives: plain values that JSON knows, since they are part of the cache key
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Examination:
    """One image with all that is known of it.

    Parameters
    ----------
    image : Image
        Still or loop.
    mask : ndarray of bool, shape ``image.shape``, or None
        The lesion; None where none is drawn.
    reference : ndarray of bool, shape ``image.shape``, or None
        The reference region (fat, parenchyma); None where none is drawn.
    spacing_mm : (float, float) or None
        Millimetres per row and per column at the lesion.
    type : str or None
        The manifest's word for the kind of picture, where a modality has several (Doppler: ``"colour"``,
        ``"power"``, ``"spectrum"``).
    """

    image: Image
    mask: NDArray[np.bool_] | None = None
    reference: NDArray[np.bool_] | None = None
    spacing_mm: Spacing | None = None
    type: str | None = None


@dataclass(frozen=True)
class Measured:
    """The numbers of one image.

    Parameters
    ----------
    values : Series of float64
        Index: the family's ``names(settings, calibrated=…)``, always complete; what could not be measured is NaN
        and ``attrs["missing"]`` says why, by name.
    problems : tuple of Problem
        Warnings and notes (RG5xx), without place: extraction adds file, row and column.
    quality : mapping of str to float
        Numbers on the measurement itself, such as the share of pixels that could not be decoded; for the report.
    """

    values: pd.Series
    problems: tuple[Problem, ...] = ()
    quality: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Family:
    """How one kind of image becomes numbers.

    Parameters
    ----------
    name : str
        Part of the cache key, with its version: ``"elastography/1"``; the number goes up when values change.
    measure : callable
        ``(examination, settings, engine) -> Measured``.  Coded errors (``fail("RG5..")``) cost the image its row.
    names : callable
        ``(settings, calibrated=…) -> tuple of str``: the index that ``measure`` gives, without the modality.
    settings : callable
        ``(options) -> Settings``: the modality's keys (:meth:`ModalitySection.options`, with the manifest's values in
        place of them) to complete settings.
    versions : callable
        ``(engine) -> {package: version}`` of the packages that decide a value.
    needs_mask : callable
        ``(type) -> bool``: whether an image of this type is measured only where a lesion is drawn.
    check : callable, optional
        ``(examination, settings) -> problems``: what ``radiogen check`` does in place of measuring, where measuring is
        slow; errors are raised.  Default: it measures.
    """

    name: str
    measure: Callable[[Examination, Settings, str], Measured]
    names: Callable[..., tuple[str, ...]]
    settings: Callable[[Mapping[str, Any]], Settings]
    versions: Callable[[str], dict[str, str]]
    needs_mask: Callable[[str | None], bool] = lambda _: True
    check: Callable[[Examination, Settings], tuple[Problem, ...]] | None = None


def series(values: Mapping[str, float], names: tuple[str, ...], missing: Mapping[str, str]) -> pd.Series:
    """Values in the fixed order of ``names``, NaN where there is none; ``attrs["missing"]`` says why.

    Parameters
    ----------
    values : mapping of str to float
    names : tuple of str
    missing : mapping of str to str
        Reasons by name; names without a value and without a reason get "not measured".

    Examples
    --------
    >>> from radiogen.features.family import series
    >>> found = series({"mean_kpa": 31.5}, ("mean_kpa", "ratio"), {"ratio": "no reference region is drawn"})
    >>> found.to_list(), found.attrs["missing"]
    ([31.5, nan], {'ratio': 'no reference region is drawn'})
    """
    found = pd.Series({name: values.get(name, np.nan) for name in names}, dtype=np.float64)
    found = found.where(np.isfinite(found))
    found.attrs["missing"] = {n: missing.get(n, "not measured") for n in names if np.isnan(found[n])}
    return found
