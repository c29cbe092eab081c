"""Perturbed regions measured on shapes whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.features.stability import Chain, Contour, Dilate, Erode, Noise, Rotate, Shift, perturb
from radiogen.features.stability.perturbations import names_of
from radiogen.imaging.regions import ring


def code(call) -> str:
    with pytest.raises(RadiogenError) as error:
        call()
    return error.value.code


def disc(radius: float, size: int = 101) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size] - size // 2
    return rows**2 + columns**2 <= radius**2


def key_shape() -> np.ndarray:
    """A bar with a tooth at one end: no turn maps it on itself."""
    mask = np.zeros((61, 61), bool)
    mask[28:33, 15:46] = True
    mask[20:28, 42:46] = True
    return mask


def tee() -> np.ndarray:
    """A lying T whose centre of mass is the pixel (30, 30): 5 + 4 + 3 + 2 + 1 to the right, 1 + 7 × 2 to the left."""
    mask = np.zeros((61, 61), bool)
    mask[30, 28:36] = True
    mask[27:34, 28] = True
    return mask


def centre(mask: np.ndarray) -> np.ndarray:
    return np.array([i.mean() for i in np.nonzero(mask)])


def only(mask: np.ndarray, how, **options) -> np.ndarray:
    found = perturb(mask, None, [how], **options)[0]
    assert found.problem is None and found.mask is not None
    return found.mask


# -- growing and shrinking ------------------------------------------------------------


def test_dilation_of_a_square_by_one_pixel() -> None:
    mask = np.zeros((20, 20), bool)
    mask[8:12, 8:12] = True
    # 16 pixels and 4 on every side; the corners are √2 away
    assert only(mask, Dilate(1)).sum() == 32
    assert only(mask, Dilate(1.5)).sum() == 36


def test_erosion_of_a_square_by_one_pixel() -> None:
    mask = np.zeros((20, 20), bool)
    mask[5:13, 6:16] = True
    found = only(mask, Erode(1))
    assert found.sum() == 6 * 8 and found[6:12, 7:15].all()


def test_dilation_and_erosion_of_a_disc_have_the_area_of_its_radius() -> None:
    for change in (2, 5):
        assert only(disc(20), Dilate(change)).sum() == pytest.approx(np.pi * (20 + change) ** 2, rel=0.02)
        assert only(disc(20), Erode(change)).sum() == pytest.approx(np.pi * (20 - change) ** 2, rel=0.08)


def test_millimetres_follow_the_spacing_of_each_axis() -> None:
    mask = np.zeros((30, 30), bool)
    mask[10:20, 10:20] = True
    found = only(mask, Dilate(0.2, "mm"), spacing_mm=(0.1, 0.2))
    rows, columns = np.nonzero(found)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 21, 9, 20)
    np.testing.assert_array_equal(found, mask | ring(mask, 0.2, spacing_mm=(0.1, 0.2)))
    np.testing.assert_array_equal(
        only(mask, Erode(0.2, "mm"), spacing_mm=(0.1, 0.2)), mask & ~ring(mask, 0.2, spacing_mm=(0.1, 0.2), side="inside")
    )


def test_the_border_of_the_picture_is_no_border_of_the_lesion() -> None:
    mask = np.zeros((20, 20), bool)
    mask[:10, 5:15] = True
    assert only(mask, Erode(1)).sum() == 9 * 8
    refused = perturb(mask, None, [Dilate(1)])[0]
    assert refused.mask is None and refused.problem is not None and refused.problem.code == "RG522"


# -- moving and turning ---------------------------------------------------------------


def test_a_shift_moves_the_centre() -> None:
    mask = key_shape()
    np.testing.assert_array_equal(only(mask, Shift(3, -4)), np.roll(mask, (3, -4), (0, 1)))
    np.testing.assert_array_equal(only(mask, Shift(0.3, -0.4, "mm"), spacing_mm=(0.1, 0.1)), np.roll(mask, (3, -4), (0, 1)))
    # parts of a pixel: a disc keeps its area and its centre follows as far as pixels can
    moved = only(disc(20), Shift(0.5, 0))
    assert moved.sum() == pytest.approx(disc(20).sum(), rel=0.02)
    assert 0 <= (centre(moved) - centre(disc(20)))[0] <= 1


def test_a_quarter_turn_is_numpy_s_quarter_turn() -> None:
    np.testing.assert_array_equal(centre(tee()), [30, 30])
    np.testing.assert_array_equal(only(tee(), Rotate(90)), np.rot90(tee()))  # anticlockwise: the stem points up
    np.testing.assert_array_equal(only(tee(), Rotate(-90)), np.rot90(tee(), -1))
    mask = key_shape()
    np.testing.assert_allclose(centre(only(mask, Rotate(90))), centre(mask), atol=0.5)


def test_turning_forth_and_back() -> None:
    mask = key_shape()
    there = only(mask, Rotate(20))
    assert (there & mask).sum() / mask.sum() < 0.8
    back = only(there, Rotate(-20))
    assert (back & mask).sum() / (back | mask).sum() > 0.9
    assert there.sum() == pytest.approx(mask.sum(), rel=0.05)


def test_a_turn_is_one_in_millimetres() -> None:
    # 31 × 5 pixels of 0.1 × 0.2 mm: 3.1 × 1.0 mm.  Turned by 90° it must be 10 × 15.5 pixels
    mask = np.zeros((81, 81), bool)
    mask[25:56, 38:43] = True
    found = only(mask, Rotate(90), spacing_mm=(0.1, 0.2))
    rows, columns = np.nonzero(found)
    assert np.ptp(rows) + 1 == pytest.approx(10, abs=1) and np.ptp(columns) + 1 == pytest.approx(15.5, abs=1)


def test_picture_and_region_move_together() -> None:
    rng = np.random.default_rng(0)
    image = rng.normal(size=(61, 61))
    mask = tee()
    for how in (Shift(2, 3, of="both"), Rotate(90, of="both")):
        found = perturb(mask, image, [how])[0]
        assert found.image is not None and found.mask is not None
        np.testing.assert_allclose(np.sort(found.image[found.mask]), np.sort(image[mask]), atol=1e-4)
    still = perturb(mask, image, [Shift(2, 3)])[0]
    assert still.image is not None
    np.testing.assert_array_equal(still.image, image)


# -- outlines and noise ---------------------------------------------------------------


def test_the_outline_is_displaced_by_the_standard_deviation_named() -> None:
    mask = disc(25)
    reach = []
    for seed in range(150):
        found = only(mask, Contour(2, 10), seed=seed)
        # to the right of the centre, on four separate rays
        reach += [r.sum() - 1 for r in (found[50, 50:], found[50, 50::-1], found[50:, 50], found[50::-1, 50])]
    assert np.mean(reach) == pytest.approx(25, abs=0.5)
    assert np.std(reach) == pytest.approx(2, rel=0.15)


def test_near_points_of_an_outline_go_together() -> None:
    # correlation exp(−d² / 4 L²) of the displacement at a distance d along the outline: 0.78 at d = L
    mask = np.zeros((160, 160), bool)
    mask[40:80, 30:130] = True
    top = np.array([40 - np.argmax(only(mask, Contour(2, 8), seed=s), axis=0)[50:110] for s in range(150)])
    correlation = [np.corrcoef(top[:, 5], top[:, 5 + d])[0, 1] for d in (1, 8, 16, 40)]
    np.testing.assert_allclose(correlation, [0.95, 0.74, 0.35, 0.0], atol=0.16)
    assert correlation[0] > 0.85 and correlation[3] < 0.25


def test_an_outline_stays_one_piece_and_holes_stay_holes() -> None:
    from scipy.ndimage import label

    for seed in range(20):
        assert label(only(disc(12), Contour(2, 3), seed=seed), structure=np.ones((3, 3)))[1] == 1
    ringed = disc(25) & ~disc(12)
    assert not only(ringed, Contour(1), seed=1)[50, 50]


def test_noise_has_the_spread_named_or_that_of_the_picture() -> None:
    rng = np.random.default_rng(1)
    image = 100 + 7 * rng.normal(size=(101, 101))
    known, own = perturb(disc(30), image, [Noise(3), Noise()])
    assert known.image is not None and own.image is not None
    assert (known.image - image).std() == pytest.approx(3, rel=0.05)
    assert (own.image - image).std() == pytest.approx(7, rel=0.1)
    np.testing.assert_array_equal(known.mask, disc(30))


def test_a_chain_does_one_after_the_other() -> None:
    mask = np.zeros((30, 30), bool)
    mask[8:20, 8:20] = True
    found = only(mask, Chain((Erode(1), Shift(2, 0), Dilate(1))))
    np.testing.assert_array_equal(found, only(only(only(mask, Erode(1)), Shift(2, 0)), Dilate(1)))


# -- seeds, reasons, refusals ---------------------------------------------------------


def test_randomness_depends_on_seed_and_lesion_alone() -> None:
    def masks(**options) -> list[np.ndarray]:
        return [p.mask for p in perturb(disc(20), None, [Contour(), Contour()], **options)]  # type: ignore[misc]

    first, again = masks(seed=3, key="u1"), masks(seed=3, key="u1")
    np.testing.assert_array_equal(first, again)
    assert (first[0] != first[1]).any()  # two draws differ
    assert (first[0] != masks(seed=4, key="u1")[0]).any()
    assert (first[0] != masks(seed=3, key="u2")[0]).any()


def test_the_mask_given_is_not_changed() -> None:
    mask, image = disc(20), np.random.default_rng(0).normal(size=(101, 101))
    before, picture = mask.copy(), image.copy()
    perturb(mask, image, [Dilate(), Erode(), Shift(1, 1, of="both"), Rotate(5, of="both"), Contour(), Noise(2)])
    np.testing.assert_array_equal(mask, before)
    np.testing.assert_array_equal(image, picture)


def test_what_is_not_possible_is_never_the_original() -> None:
    mask = np.zeros((12, 12), bool)
    mask[4:8, 4:8] = True
    wanted = {
        Dilate(5): "RG522", Erode(3): "RG505", Shift(6, 0): "RG522", Dilate(0.3, "mm"): "RG509", Contour(1, 10, "mm"): "RG509",
        Chain((Erode(1), Erode(1))): "RG505",
    }  # fmt: skip
    found = perturb(mask, None, list(wanted))
    assert [p.problem.code for p in found if p.problem is not None] == list(wanted.values())
    assert all(p.mask is None for p in found)
    corner = np.zeros((12, 12), bool)
    corner[0:3, 0:12] = True
    assert perturb(corner, None, [Rotate(90)])[0].problem.code == "RG522"  # type: ignore[union-attr]


def test_names() -> None:
    assert names_of([Shift(1, -2), Rotate(-5, of="both"), Noise(), Noise(2.5), Chain((Erode(1), Noise(1)))]) == (
        "shift_1_-2_px", "rotate_-5_deg_both", "noise", "noise_2.5", "erode_1_px+noise_1",
    )  # fmt: skip


def test_what_is_refused() -> None:
    mask = disc(20)
    assert code(lambda: Dilate(0)) == "RG708"
    assert code(lambda: Erode(1, "cm")) == "RG708"
    assert code(lambda: Shift(0, 0)) == "RG708"
    assert code(lambda: Rotate(360)) == "RG708"
    assert code(lambda: Contour(1, -1)) == "RG708"
    assert code(lambda: Noise(float("nan"))) == "RG708"
    assert code(lambda: Chain(())) == "RG708"
    assert code(lambda: Chain(("dilate",))) == "RG708"
    assert code(lambda: perturb(mask, None, ["dilate"])) == "RG708"
    assert code(lambda: perturb(mask, None, [Noise(1)])) == "RG705"
    assert code(lambda: perturb(mask, None, [Rotate(5, of="both")])) == "RG705"
    assert code(lambda: perturb(mask.astype(int), None)) == "RG705"
    assert code(lambda: perturb(mask, np.ones((3, 3)))) == "RG705"
    assert code(lambda: perturb(np.zeros((9, 9), bool))) == "RG505"
