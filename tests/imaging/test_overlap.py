"""Agreement of masks: squares worked out by hand, and Hausdorff's distance against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist, directed_hausdorff

from radiogen.errors import RadiogenError
from radiogen.imaging.outlines.overlap import agreement, border, dice, hausdorff, hausdorff95, jaccard, surface_distance


def _square(left: int, *, top: int = 2, side: int = 4) -> np.ndarray:
    mask = np.zeros((12, 16), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def _blob(seed: int) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(np.random.default_rng(seed).normal(size=(30, 40)), 3) > 0.02


def test_two_squares_one_apart() -> None:
    a, b = _square(2), _square(3)  # 16 pixels each, 12 common, 20 in either
    assert dice(a, b) == 24 / 32
    assert jaccard(a, b) == 12 / 20
    # of 12 border pixels of each, the 4 of the outer side are 1 from the other's border; so are the 2 inner ones of the
    # opposite side, which lie inside; the other 6 (the rows at top and bottom) are shared
    assert hausdorff(a, b) == 1.0
    assert surface_distance(a, b) == (6 * 1.0) / 12


def test_the_spacing_counts_along_its_own_axis() -> None:
    a = _square(2)
    assert hausdorff(a, _square(5), spacing_mm=(0.5, 0.1)) == pytest.approx(0.3)
    assert hausdorff(a, _square(2, top=4), spacing_mm=(0.5, 0.1)) == pytest.approx(1.0)
    found = agreement(a, _square(5), spacing_mm=0.2)
    assert (found.unit, found.hausdorff) == ("mm", pytest.approx(0.6))
    assert agreement(a, a).unit == "px"


def test_border_is_what_touches_the_outside() -> None:
    assert int(border(_square(2)).sum()) == 12
    assert border(np.ones((3, 3), bool)).astype(int).tolist() == [[1, 1, 1], [1, 0, 1], [1, 1, 1]]


@pytest.mark.parametrize("seeds", [(1, 2), (3, 4), (5, 6)])
def test_hausdorff_is_scipys(seeds: tuple[int, int]) -> None:
    a, b = _blob(seeds[0]), _blob(seeds[1])
    spacing = np.array([0.3, 0.2])
    x, y = np.argwhere(border(a)) * spacing, np.argwhere(border(b)) * spacing
    theirs = max(directed_hausdorff(x, y)[0], directed_hausdorff(y, x)[0])
    assert hausdorff(a, b, spacing_mm=(0.3, 0.2)) == pytest.approx(theirs)
    apart = cdist(x, y)
    assert surface_distance(a, b, spacing_mm=(0.3, 0.2)) == pytest.approx(np.concatenate([apart.min(1), apart.min(0)]).mean())
    assert hausdorff95(a, b, spacing_mm=(0.3, 0.2)) == pytest.approx(
        max(np.percentile(apart.min(1), 95), np.percentile(apart.min(0), 95))
    )


def test_measures_are_symmetric_and_agree_with_each_other() -> None:
    a, b = _blob(7), _blob(8)
    assert agreement(a, b) == agreement(b, a)
    found = agreement(a, b)
    assert found.dice == dice(a, b) and found.hausdorff == hausdorff(a, b) and found.surface == surface_distance(a, b)
    assert found.jaccard == pytest.approx(found.dice / (2 - found.dice))


def test_a_stray_pixel_moves_the_hausdorff_distance_and_not_its_95th_percentile() -> None:
    a = np.zeros((60, 60), bool)
    a[10:40, 10:40] = True
    b = a.copy()
    b[55, 55] = True
    assert hausdorff(a, b) == pytest.approx(np.hypot(16, 16))
    assert hausdorff95(a, b) == 0.0


def test_what_is_not_defined_is_refused() -> None:
    a, nothing = _square(2), np.zeros((12, 16), bool)
    assert dice(a, nothing) == 0.0
    for call, code in (
        (lambda: dice(nothing, nothing), "RG505"),
        (lambda: hausdorff(a, nothing), "RG505"),
        (lambda: dice(a, a[:, :5]), "RG705"),
        (lambda: hausdorff(a, a, percentile=0), "RG708"),
        (lambda: hausdorff(a, a, spacing_mm=-1), "RG509"),
    ):
        with pytest.raises(RadiogenError) as error:
            call()
        assert error.value.code == code
