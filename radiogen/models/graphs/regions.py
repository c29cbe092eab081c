"""A lesion and its surroundings as a graph: superpixels are nodes, and those that touch are joined."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.imaging.image import Spacing, check_spacing
from radiogen.imaging.regions import Mask, bounding_box, box_slices, ring
from radiogen.models.tabular.table import Floats, Ints, check_range

#: features of a region that do not depend on the channels
SHAPE_FEATURES = ("distance", "below", "size", "inside")
#: longer side of the picture on which superpixels are found, in pixels
_SIDE = 192
#: fewest pixels of a superpixel
_FEWEST = 9
#: smoothing before superpixels are sought, in sides of a superpixel
_SMOOTH = 0.2
#: bins of the entropy, and the percentiles between which they lie
_BINS, _PERCENTILES = 16, (1.0, 99.0)


@dataclass(frozen=True, repr=False, eq=False)
class RegionGraph:
    """Regions of one picture and which of them touch.

    Parameters
    ----------
    nodes : array, shape (n, F)
        Features of the regions.
    edges : array of int, shape (2, E)
        From and to; each border stands in both directions.
    names : tuple of str
        Of the features.
    inside : array of bool, shape (n,)
        Whether a region lies in the lesion, else in the ring around it.
    labels : array of int, shape (H, W)
        Region of each pixel of the picture, -1 where there is none.

    Raises
    ------
    RadiogenError
        RG705 where the parts do not fit, or a feature is not finite.
    """

    nodes: Floats
    edges: Ints
    names: tuple[str, ...]
    inside: NDArray[np.bool_]
    labels: Ints = field(default_factory=lambda: np.empty((0, 0), dtype=np.int64))

    def __post_init__(self) -> None:
        n = len(self.nodes)
        if np.ndim(self.nodes) != 2 or not n or self.nodes.shape[1] != len(self.names) or not np.isfinite(self.nodes).all():
            raise fail("RG705", f"a graph of regions needs finite features, one column for each of its {len(self.names)} names")
        pairs = np.ndim(self.edges) == 2 and len(self.edges) == 2
        if not pairs or (self.edges.size and not 0 <= self.edges.min() <= self.edges.max() < n):
            raise fail("RG705", f"the edges of a graph of {n} regions are two rows of numbers from 0 to {n - 1}")
        if np.shape(self.inside) != (n,):
            raise fail("RG705", f"`inside` must have one value for each of the {n} regions")

    def __repr__(self) -> str:
        inside, borders = int(self.inside.sum()), self.edges.shape[1] // 2
        return f"RegionGraph({inside} regions in the lesion, {len(self.nodes) - inside} around it, {borders} borders)"


def region_graph(
    pixels: Any,
    mask: Mask,
    *,
    lesion_regions: int = 24,
    ring_regions: int = 16,
    ring_width: float = 0.5,
    compactness: float = 0.1,
    spacing_mm: float | Spacing | None = None,
    within: Mask | None = None,
) -> RegionGraph:
    """The graph of a lesion's superpixels and of those of the ring around it.

    Parameters
    ----------
    pixels : array, shape (H, W) or (H, W, C)
        Grey values, kPa or colours.  A pixel with NaN is not known and belongs to no region.
    mask : array of bool, shape (H, W)
        The lesion.
    lesion_regions, ring_regions : int, default 24 and 16
        Superpixels wanted; fewer where a part is small (9 pixels each at least).  A superpixel never crosses the border.
    ring_width : float, default 0.5
        Width of the ring, as a share of the radius of the circle that has the lesion's area.
    compactness : float, default 0.1
        SLIC's weight of nearness against likeness, for values brought to 0 to 1.
    spacing_mm : float or (float, float), optional
        Only where pixels are not square: rows and columns are then weighted by it.
    within : array of bool, shape (H, W), optional
        The field of the picture; the ring ends at its border.

    Returns
    -------
    RegionGraph
        Features ``mean``, ``sd``, ``entropy`` (bits, 16 bins between the 1st and the 99th percentile of lesion and ring),
        ``roughness`` (mean absolute difference of adjacent pixels) in the picture's own units, per channel where there are
        several; ``distance`` (from the border, mean, negative inside), ``below`` (centre below that of the lesion), both in
        radii of the lesion; ``size`` (share of the lesion or ring) and ``inside`` (1 or 0).

    Raises
    ------
    RadiogenError
        RG505 where the lesion is empty or holds no known pixel; RG705 for shapes that do not fit or no numbers; RG708 for
        an option out of range.

    Notes
    -----
    Lengths are relative to the lesion, so that no pixel is taken for a millimetre.  There is no feature of left and right: a
    mirrored picture tells the same.  All is determined by the picture; there is no chance in it.

    References
    ----------
    Achanta R et al. (2012) IEEE TPAMI 34:2274, doi 10.1109/TPAMI.2012.120 (SLIC); Irving B (2016) arXiv 1606.09518 (masked).

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.models.graphs.regions import region_graph
    >>> rows, columns = np.mgrid[:60, :60]
    >>> mask = (rows - 30) ** 2 + (columns - 30) ** 2 < 200
    >>> graph = region_graph(np.where(mask, 40.0, 120.0), mask, lesion_regions=6, ring_regions=4)
    >>> float(graph.nodes[graph.inside, 0].max()), float(graph.nodes[~graph.inside, 0].min())
    (40.0, 120.0)
    """
    values, lesion = _read(pixels, mask)
    for name, count in (("lesion_regions", lesion_regions), ("ring_regions", ring_regions)):
        check_range(name, count, 1, 10_000, whole=True)
    check_range("ring_width", ring_width, 1e-6, 10)
    check_range("compactness", compactness, 1e-6, 1e6)
    sampling = check_spacing(spacing_mm) or (1.0, 1.0)
    known = np.isfinite(values).all(axis=2)
    if not (lesion & known).any():
        raise fail("RG505", "the lesion has no known pixel")
    radius = float(np.sqrt(lesion.sum() * sampling[0] * sampling[1] / np.pi))
    around = _around(lesion, ring_width * radius, sampling, within)
    crop = box_slices(bounding_box(lesion | around, margin=1))
    labels = np.full(lesion.shape, -1, dtype=np.int64)
    inside_labels = _superpixels(values[crop], (lesion & known)[crop], lesion_regions, compactness)
    ring_labels = _superpixels(values[crop], (around & known)[crop], ring_regions, compactness)
    first = int(inside_labels.max()) + 1
    labels[crop] = np.where(ring_labels >= 0, ring_labels + first, inside_labels)
    nodes, names = _features(values[crop], labels[crop], lesion[crop], first, radius, sampling)
    return RegionGraph(nodes, _borders(labels), names, np.arange(len(nodes)) < first, labels)


def _read(pixels: Any, mask: Any) -> tuple[Floats, Mask]:
    try:
        values = np.asarray(pixels, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise fail("RG705", "the picture must hold numbers") from error
    values = values[..., None] if values.ndim == 2 else values
    lesion = np.asarray(mask)
    if lesion.dtype != np.bool_ and not np.isin(lesion, (0, 1)).all():
        raise fail("RG705", "the mask must be True and False")
    if values.ndim != 3 or values.shape[:2] != lesion.shape:
        raise fail("RG705", f"the picture has the shape {np.shape(pixels)} and the mask {lesion.shape}")
    if np.isinf(values).any():
        raise fail("RG705", "the picture has infinite values")
    if not lesion.any():
        raise fail("RG505", "the mask has no pixel")
    return values, lesion.astype(bool)


def _around(lesion: Mask, width: float, sampling: Spacing, within: Mask | None) -> Mask:
    if within is not None and np.shape(within) != lesion.shape:
        raise fail("RG705", f"`within` has the shape {np.shape(within)} and the mask {lesion.shape}")
    # a ring narrower than a pixel would be empty
    return ring(lesion, max(width, *sampling), spacing_mm=sampling, unit="mm", within=within)


def _superpixels(values: Floats, part: Mask, wanted: int, compactness: float) -> Ints:
    """Numbers 0, 1, … of the superpixels of a part, -1 elsewhere."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter
    from skimage.segmentation import slic

    labels = np.full(part.shape, -1, dtype=np.int64)
    if not part.any():
        return labels
    wanted = min(wanted, max(1, int(part.sum()) // _FEWEST))
    step = -(-max(part.shape) // _SIDE)
    low, high = values[part].min(axis=0), values[part].max(axis=0)
    chosen, coarse = part[::step, ::step], values[::step, ::step]
    if wanted == 1 or chosen.sum() < 2 * wanted:
        return np.where(part, 0, -1)
    scaled = np.where(chosen[..., None], (coarse - low) / np.where(high > low, high - low, 1.0), 0.0)
    # speckle is smoothed away before regions are sought, without what lies beyond the part
    sigma = _SMOOTH * float(np.sqrt(chosen.sum() / wanted))
    weight = np.where(chosen, gaussian_filter(chosen.astype(float), sigma), 1.0)
    small = gaussian_filter(scaled, (sigma, sigma, 0)) / weight[..., None]
    # numbers of skimage's pixels from 1, 0 for those that it leaves out
    found = slic(small, n_segments=wanted, compactness=compactness, mask=chosen, start_label=1, channel_axis=2)
    full = np.repeat(np.repeat(found, step, axis=0), step, axis=1)[: part.shape[0], : part.shape[1]]
    full = np.where(part, full, 0)
    if not full.any():
        return np.where(part, 0, -1)
    nearest = distance_transform_edt(full == 0, return_distances=False, return_indices=True)
    labels[part] = np.unique(full[tuple(nearest)][part], return_inverse=True)[1]
    return labels


def _features(
    values: Floats, labels: Ints, lesion: Mask, first: int, radius: float, sampling: Spacing
) -> tuple[Floats, tuple[str, ...]]:
    from scipy.ndimage import distance_transform_edt

    held = labels >= 0
    own = labels[held]
    count = np.bincount(own).astype(float)

    def mean(of: Floats) -> Floats:
        return np.bincount(own, weights=of, minlength=len(count)) / count

    columns: dict[str, Floats] = {}
    channels = values.shape[2]
    for channel in range(channels):
        suffix = f"_{channel}" if channels > 1 else ""
        grey = values[..., channel]
        average = mean(grey[held])
        columns[f"mean{suffix}"] = average
        columns[f"sd{suffix}"] = np.sqrt(mean((grey[held] - average[own]) ** 2))
        columns[f"entropy{suffix}"] = _entropy(grey[held], own, count)
        columns[f"roughness{suffix}"] = _roughness(grey, labels, len(count))
    outside = distance_transform_edt(~lesion, sampling=sampling)
    # a lesion that fills the picture has no border in it
    depth = np.zeros(lesion.shape) if lesion.all() else distance_transform_edt(lesion, sampling=sampling)
    rows = np.broadcast_to(np.arange(len(lesion))[:, None] * sampling[0], lesion.shape)
    inside = np.arange(len(count)) < first
    total = np.where(inside, count[:first].sum(), count[first:].sum())
    columns["distance"] = mean((outside - depth)[held]) / radius
    columns["below"] = (mean(rows[held]) - rows[lesion].mean()) / radius
    columns["size"] = count / total
    columns["inside"] = inside.astype(float)
    return np.column_stack(list(columns.values())), tuple(columns)


def _entropy(grey: Floats, own: Ints, count: Floats) -> Floats:
    low, high = np.percentile(grey, _PERCENTILES)
    width = high - low if high > low else 1.0
    bins = np.clip(((grey - low) / width * _BINS).astype(np.int64), 0, _BINS - 1)
    share = np.bincount(own * _BINS + bins, minlength=len(count) * _BINS).reshape(-1, _BINS) / count[:, None]
    return -(share * np.log2(np.where(share > 0, share, 1.0))).sum(axis=1)


def _pairs(labels: Ints) -> list[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Slices of each pixel and of its neighbour: to the right, and below."""
    every = slice(None)
    return [((every, slice(None, -1)), (every, slice(1, None))), ((slice(None, -1), every), (slice(1, None), every))]


def _roughness(grey: Floats, labels: Ints, regions: int) -> Floats:
    """Mean absolute difference of adjacent pixels of one region; 0 for a region of one pixel."""
    total, number = np.zeros(regions), np.zeros(regions)
    for one, other in _pairs(labels):
        same = (labels[one] == labels[other]) & (labels[one] >= 0)
        owner = labels[one][same]
        total += np.bincount(owner, weights=np.abs(grey[one] - grey[other])[same], minlength=regions)
        number += np.bincount(owner, minlength=regions)
    return np.where(number > 0, total / np.maximum(number, 1), 0.0)


def _borders(labels: Ints) -> Ints:
    """Pairs of regions that share a side of a pixel, in both directions and in order."""
    found = []
    for one, other in _pairs(labels):
        a, b = labels[one], labels[other]
        touch = (a != b) & (a >= 0) & (b >= 0)
        found.append(np.stack([a[touch], b[touch]]))
    pairs = np.concatenate(found, axis=1)
    return np.unique(np.concatenate([pairs, pairs[::-1]], axis=1), axis=1).astype(np.int64)
