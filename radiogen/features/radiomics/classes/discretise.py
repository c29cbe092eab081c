"""Grey values to grey levels, to the bit as pyradiomics does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.compiled import compiled
from radiogen.errors import fail

#: pyradiomics' bin width where neither width nor count is set
DEFAULT_WIDTH = 25
#: more bins than this are a width in the wrong unit
MOST_BINS = 1e7


def bin_edges(values: NDArray[np.floating[Any]], setting: Mapping[str, Any]) -> NDArray[np.floating[Any]]:
    """Edges of the bins: ``binCount`` bins of equal width or, without it, bins of ``binWidth``.

    Parameters
    ----------
    values : ndarray of float32 or float64, N
        Values of the region.  The edges are computed in their precision, since pyradiomics does so.
    setting : mapping
        ``binCount``, ``binWidth`` (default 25).

    Returns
    -------
    ndarray
        Ascending; bin k holds ``edges[k - 1] <= value < edges[k]``.  Bins of a fixed width begin at the
        multiple of the width at or below the smallest value; of a fixed number of bins the last one holds
        the largest value too.

    Raises
    ------
    RadiogenError
        RG516 if there would be more than ten million bins, or values too close together for ``binCount``.

    References
    ----------
    van Griethuysen JJM et al. Cancer Res 2017;77(21):e104-e107. doi:10.1158/0008-5472.CAN-17-0339

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.radiomics.classes.discretise import bin_edges
    >>> bin_edges(np.array([54.0, 166.0]), {"binWidth": 25}).tolist()
    [50.0, 75.0, 100.0, 125.0, 150.0, 175.0, 200.0]
    """
    low, high = values.min(), values.max()
    count = setting.get("binCount")
    width = setting.get("binWidth", DEFAULT_WIDTH)
    number = count if count is not None else (float(high) - float(low)) / width
    if not number < MOST_BINS:
        raise fail("RG516", f"values from {low:g} to {high:g} make {number:.3g} bins; set a larger `binWidth`", column="binWidth")
    if count is not None:
        try:
            edges = np.histogram_bin_edges(np.array([low, high]), count)
        except ValueError as error:  # the values are too close together
            message = f"values from {low:g} to {high:g} cannot be parted into {count} bins"
            raise fail("RG516", message, column="binCount") from error
        edges[-1] += 1  # the largest value belongs to the last bin
        return edges
    edges = np.arange(low - (low % width), high + 2 * width, width)
    return edges if len(edges) > 1 else np.array([edges[0] - 0.5, edges[0] + 0.5])


@compiled
def level_map(image, mask, edges, levels, pad):  # type: ignore[no-untyped-def]
    """Write the level of every pixel of the region into ``levels``, which is wider by ``pad`` on each side.

    The bin is guessed by a division and put right by comparison with the edges themselves, which gives what a
    search among the edges gives.  Returns the number of pixels per level, at index level - 1.
    """
    rows, columns = image.shape
    last = edges.size - 1
    counts = np.zeros(max(last, 1), np.int64)
    first = edges[0]
    scale = 1.0 / (edges[1] - first)
    for r in range(rows):
        source, inside, target = image[r], mask[r], levels[r + pad, pad : pad + columns]
        for c in range(columns):
            if inside[c]:
                value = source[c]
                guess = (value - first) * scale
                k = int(guess) if guess < last else last - 1
                while k > 0 and value < edges[k]:
                    k -= 1
                while k < last - 1 and value >= edges[k + 1]:
                    k += 1
                target[c] = k + 1
                counts[k] += 1
    return counts
