"""Size and shape of the region in two dimensions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from radiogen.features.radiomics.classes.inputs import Inputs


def shape(inputs: Inputs, wanted: tuple[str, ...]) -> dict[str, float]:
    """Features of the outline of the region and of the spread of its pixels.

    Parameters
    ----------
    inputs : Inputs
        ``mask`` and ``spacing``.
    wanted : tuple of str
        Names of features.

    Returns
    -------
    dict
        All features of the family.

    Notes
    -----
    The outline is that of marching squares at one half: its corners lie midway between a pixel of the region
    and one outside it, and pixels that touch by a corner alone are not joined.

    References
    ----------
    Lorensen WE, Cline HE. Marching cubes: a high resolution 3D surface construction algorithm. Comput Graph
    1987;21(4):163-169. doi:10.1145/37402.37422
    """
    padded = np.pad(inputs.mask, 1)
    spacing = np.array(inputs.spacing)
    surface, perimeter = _outline(padded, spacing)
    minor, major = _principal(padded, spacing)
    found = {
        "MeshSurface": surface,
        "Perimeter": perimeter,
        "PerimeterSurfaceRatio": perimeter / surface,
        "Sphericity": 2 * np.sqrt(np.pi * surface) / perimeter,
        "PixelSurface": int(inputs.mask.sum()) * (spacing[1] * spacing[0]),
        "MajorAxisLength": np.sqrt(major) * 4,
        "MinorAxisLength": np.sqrt(minor) * 4,
        "Elongation": np.sqrt(minor / major),
        "MaximumDiameter": _diameter(padded, spacing),
    }
    return {name: float(value) for name, value in found.items()}


def _outline(padded: NDArray[np.bool_], spacing: NDArray[np.float64]) -> tuple[float, float]:
    """Area and length of the outline, from the kinds of squares between four pixels."""
    corners = padded.view(np.uint8)
    kinds = corners[:-1, :-1] | corners[:-1, 1:] << 1 | corners[1:, 1:] << 2 | corners[1:, :-1] << 3
    number = np.bincount(kinds.ravel(), minlength=16)
    one, three = number[[1, 2, 4, 8]].sum(), number[[7, 11, 13, 14]].sum()
    level, upright, opposite = number[[3, 12]].sum(), number[[6, 9]].sum(), number[[5, 10]].sum()
    rows, columns = spacing
    area = (one / 8 + (level + upright) / 2 + opposite / 4 + three * 7 / 8 + number[15]) * rows * columns
    slanting = np.hypot(rows, columns) / 2
    length = (one + three + 2 * opposite) * slanting + level * columns + upright * rows
    return float(area), float(length)


def _principal(padded: NDArray[np.bool_], spacing: NDArray[np.float64]) -> tuple[float, float]:
    """Eigenvalues of the covariance of the pixels' places, the smaller first; NaN where rounding made one negative."""
    values = np.linalg.eigvalsh(_covariance(padded) * np.outer(spacing, spacing))
    if values[0] < _LINE * values[1]:
        values = _of_a_line(padded, spacing)
    return float(values[0]), float(values[1])


#: below this ratio of the eigenvalues the region is a line, and what is left of the smaller one is rounding
_LINE = 1e-6


def _covariance(padded: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Covariance of rows and columns in pixels, from sums of whole numbers."""
    by_row, by_column = padded.sum(axis=1), padded.sum(axis=0)
    rows, columns = np.arange(len(by_row)), np.arange(len(by_column))
    size, row, column = int(by_row.sum()), int(by_row @ rows), int(by_column @ columns)
    cross = float(rows @ (padded.astype(np.float64) @ columns))
    both = size * cross - row * column
    return np.array([
        [size * int(by_row @ rows**2) - row * row, both], [both, size * int(by_column @ columns**2) - column * column],
    ], dtype=np.float64) / size**2  # fmt: skip


def _of_a_line(padded: NDArray[np.bool_], spacing: NDArray[np.float64]) -> NDArray[np.float64]:
    """The eigenvalues with pyradiomics' order of operations."""
    places = np.argwhere(padded) * spacing[None, :]
    places -= places.mean(axis=0)
    places /= np.sqrt(len(places))
    values = np.linalg.eigvals(np.dot(places.T.copy(), places))
    values[(values < 0) & (values > -1e-10)] = 0
    return np.sort(np.where(values < 0, np.nan, values))


def _diameter(padded: NDArray[np.bool_], spacing: NDArray[np.float64]) -> float:
    """Largest distance between two corners of the outline, of which only those of its convex hull count."""
    points = _extremes(padded) * spacing
    if len(np.unique(points[:, 0])) > 2:
        points = points[ConvexHull(points).vertices]
    return float(pdist(points).max())


def _extremes(padded: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Corners of the outline that are the first or last of their row or column, in pixels."""
    rows, columns = np.flatnonzero(padded.any(axis=1)), np.flatnonzero(padded.any(axis=0))
    left, right = padded[rows].argmax(axis=1), padded.shape[1] - 1 - padded[rows, ::-1].argmax(axis=1)
    top, bottom = padded[:, columns].argmax(axis=0), padded.shape[0] - 1 - padded[::-1, columns].argmax(axis=0)
    return np.concatenate([
        np.column_stack([rows, left - 0.5]), np.column_stack([rows, right + 0.5]),
        np.column_stack([top - 0.5, columns]), np.column_stack([bottom + 0.5, columns]),
    ])  # fmt: skip
