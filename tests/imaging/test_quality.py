"""Quality of pictures: numbers worked out by hand, planted faults, and what real pictures give."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from radiogen.errors import RadiogenError
from radiogen.imaging import Image, read_image, read_mask
from radiogen.imaging.image import from_rgb
from radiogen.imaging.marks import find_marks
from radiogen.imaging.quality import NAMES, THRESHOLDS, assess, flags

#: images of the real set with calipers in the lesion, told by eye
MARKED = {
    "benign (200).png", "benign (213).png", "benign (264).png", "benign (281).png", "malignant (111).png",
    "malignant (114).png", "malignant (12).png", "malignant (126).png", "malignant (127).png", "malignant (198).png",
    "malignant (26).png",
}  # fmt: skip
INKS = {"white": (230, 230, 230), "yellow": (255, 255, 0), "green": (0, 255, 0), "cyan": (0, 255, 255)}


def image(pixels: np.ndarray, **more) -> Image:
    return Image(pixels.astype(np.float64) if pixels.ndim == 2 else pixels, None, "PNG", "L", **more)


def box(shape: tuple[int, int], top: int, bottom: int, left: int, right: int) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[top:bottom, left:right] = True
    return mask


def tissue(seed: int = 1, shape: tuple[int, int] = (220, 260)) -> tuple[np.ndarray, np.ndarray]:
    """Speckle as a scanner draws it, with a darker ellipse, and its mask."""
    rng = np.random.default_rng(seed)
    speckle = gaussian_filter(rng.rayleigh(size=shape), (1.1, 1.9))
    grey = 110 + 28 * (speckle - speckle.mean()) / speckle.std()
    y, x = np.ogrid[: shape[0], : shape[1]]
    mask = ((y - 110) / 40) ** 2 + ((x - 130) / 60) ** 2 < 1
    grey[mask] -= 70
    return np.clip(np.rint(grey), 0, 255), mask


def drawn(grey: np.ndarray, ink: tuple[int, int, int], what: str, at: tuple[int, int]) -> np.ndarray:
    """The picture with marks; ``at`` is (row, column)."""
    picture = Pillow.fromarray(np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2))
    draw, (row, column) = ImageDraw.Draw(picture), at
    if what == "+":
        draw.line((column - 8, row, column + 8, row), ink, 2)
        draw.line((column, row - 8, column, row + 8), ink, 2)
    elif what == "x":
        draw.line((column - 6, row - 6, column + 6, row + 6), ink, 1)
        draw.line((column - 6, row + 6, column + 6, row - 6), ink, 1)
    elif what == "dots":
        for k in range(12):
            x = column - 30 + 5 * k
            draw.rectangle((x, row + k // 3, x + 1, row + k // 3 + 1), fill=ink)
    else:
        draw.text((column - 20, row - 8), what, fill=ink, font=ImageFont.load_default(16))
    return np.array(picture)


def jpeg(rgb: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    Pillow.fromarray(rgb).save(stream, "JPEG", quality=85)
    return np.array(Pillow.open(stream))


# -- by hand --------------------------------------------------------------------------------------


def test_sharpness_of_a_chequered_and_of_a_ramped_picture():
    # from pixel to pixel 100; the mean of nine of 0 and 100 in turn changes by 100/9: 1 - 1/9
    rows, columns = np.indices((60, 60))
    grey = 100.0 * ((rows + columns) % 2)
    assert assess(image(grey))["focus"] == pytest.approx(8 / 9)
    # a blur leaves a ramp as it is
    assert assess(image(2.0 * rows + 2.0 * columns))["focus"] == pytest.approx(0, abs=1e-9)
    assert np.isnan(assess(image(np.full((60, 60), 90.0)))["focus"])


def test_contrast_with_a_ring_of_which_half_is_like_the_lesion():
    # lesion 40; ring in equal parts 40 and 120: means 40 and 80, sd 0 and 40: CNR 1; the histograms share one half
    grey = np.where(np.indices((120, 120))[1] % 2, 40.0, 120.0)
    mask = box((120, 120), 40, 80, 40, 80)
    grey[mask] = 40
    found = assess(image(grey), mask)
    assert found["cnr"] == pytest.approx(1.0, abs=0.02) and found["gcnr"] == pytest.approx(0.5, abs=0.01)


def test_a_change_of_the_grey_map_leaves_the_generalised_contrast():
    grey, mask = tissue()
    curved = 255 * (grey / 255) ** 0.5
    before, after = assess(image(grey), mask), assess(image(curved), mask)
    assert after["gcnr"] == pytest.approx(before["gcnr"], abs=0.03)
    assert abs(after["cnr"] - before["cnr"]) > 0.1


def test_the_shadow_is_measured_against_the_same_depth():
    grey = np.full((200, 200), 150.0)
    mask = box((200, 200), 40, 80, 80, 120)
    grey[82:, 80:120] = 50
    # (150 - 50) / (150 + 50)
    assert assess(image(grey), mask)["shadow_index"] == pytest.approx(0.5)
    grey[82:, 80:120] = 250
    assert assess(image(grey), mask)["shadow_index"] == pytest.approx(-0.25)
    grey[82:] = 0  # nothing at that depth anywhere
    assert np.isnan(assess(image(grey), mask)["shadow_index"])
    assert np.isnan(assess(image(grey[:80]), mask[:80])["shadow_index"])


def test_the_ends_of_the_scale_are_counted_in_the_lesion_alone():
    grey = np.full((100, 100), 255.0)
    mask = box((100, 100), 30, 70, 30, 70)
    grey[mask] = 90
    grey[30:34, 30:70], grey[34:40, 30:70] = 255, 0  # 4 and 6 of 40 rows
    found = assess(image(grey), mask)
    assert (found["saturated_pct"], found["black_pct"]) == pytest.approx((10, 15))


def test_sixteen_bits_and_a_loop_are_measured_on_the_same_scale():
    grey, mask = tissue()
    grey[0, 0] = 255
    deep = np.rint(grey * 257)
    a, b = assess(image(grey), mask), assess(Image(deep, None, "TIFF", "I;16"), mask)
    assert {k: b[k] for k in NAMES} == pytest.approx(a, rel=1e-3, nan_ok=True)
    loop = np.stack([np.zeros_like(grey), grey, np.zeros_like(grey)]).astype(np.uint8)
    c = assess(Image(loop, None, "DICOM", "MONOCHROME2", n_frames=3), mask)
    assert c == {**a, "n_frames": 3.0}


def test_without_a_lesion_what_concerns_it_is_not_known():
    grey, mask = tissue()
    for none in (None, np.zeros_like(mask)):
        found = assess(image(grey), none, spacing_mm=(0.1, 0.1))
        assert tuple(found) == NAMES and found["calibrated"] == 1.0 and found["focus"] > 0.5
        missing = {"cnr", "gcnr", "shadow_index", "marks_in_roi_pct", "text_over_lesion", "calipers_in_roi"}
        assert {k for k, v in found.items() if np.isnan(v)} == missing
        assert (found["rows"], found["columns"], found["saturated_pct"]) == (220, 260, 0)


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(RadiogenError) as error:
        assess(image(np.zeros((20, 30))), np.ones((20, 20), bool))
    assert error.value.code == "RG504"


def test_flags_are_raised_beyond_a_threshold_and_not_at_it():
    for flag, threshold in THRESHOLDS.items():
        beyond = threshold.value + (-1e-9 if threshold.side == "below" else 1e-9)
        assert flags({threshold.name: beyond}) == (flag,)
        assert flags({threshold.name: threshold.value}) == flags({threshold.name: np.nan}) == ()


# -- planted faults -------------------------------------------------------------------------------


def test_more_blur_is_less_sharp_and_more_gain_more_saturated():
    grey, mask = tissue()
    sharp = [assess(image(gaussian_filter(grey, s)), mask)["focus"] for s in (0, 0.7, 1.5, 2.5, 4)]
    assert sharp == sorted(sharp, reverse=True) and sharp[0] > 0.5 > 0.4 > sharp[3]
    bright = [assess(image(np.clip(grey * g, 0, 255)), mask)["saturated_pct"] for g in (1, 3, 5, 8)]
    assert bright == sorted(bright) and bright[0] == 0 and bright[-1] > 50
    faint = [assess(image(np.where(mask, grey + d, grey)), mask)["gcnr"] for d in (0, 25, 45, 68)]
    assert faint == sorted(faint, reverse=True) and faint[-1] < THRESHOLDS["low contrast"].value


@pytest.mark.parametrize("ink", INKS)
@pytest.mark.parametrize("what", ["+", "x", "dots"])
@pytest.mark.parametrize("lossy", [False, True])
def test_calipers_are_found_whatever_their_colour(ink, what, lossy):
    grey, mask = tissue()
    rgb = drawn(grey, INKS[ink], what, (110, 130))
    pixels = from_rgb(jpeg(rgb) if lossy else rgb)
    clean = from_rgb(jpeg(drawn(grey, INKS[ink], "", (0, 0)))) if lossy else grey
    found = assess(Image(pixels, None, "PNG", "RGB"), mask)
    assert found["calipers_in_roi"] == 1 and 0 < found["marks_in_roi_pct"] < 5 and "calipers" in flags(found)
    assert assess(Image(clean, None, "PNG", "L"), mask)["marks_in_roi_pct"] == 0


@pytest.mark.parametrize("ink", INKS)
@pytest.mark.parametrize("lossy", [False, True])
def test_text_is_found_over_the_lesion_and_no_flag_beside_it(ink, lossy):
    grey, mask = tissue()
    over, beside = (drawn(grey, INKS[ink], "RT 10h", at) for at in ((110, 130), (200, 60)))
    pixels = [from_rgb(jpeg(p) if lossy else p) for p in (over, beside)]
    found = [assess(Image(p, None, "PNG", "RGB"), mask) for p in pixels]
    assert [q["text_over_lesion"] for q in found] == [1, 0] and found[1]["marks_in_roi_pct"] == 0
    if ink == "white":  # of smoothed letters in colour on bright tissue too little is left
        assert find_marks(Image(pixels[1], None, "PNG", "RGB")).text[190:215, 30:110].any()


def test_marks_are_left_out_of_all_numbers_but_their_own():
    grey, mask = tissue()
    clean, marked = assess(image(grey), mask), assess(image(from_rgb(drawn(grey, (255, 255, 255), "+", (110, 130)))), mask)
    assert marked["saturated_pct"] == 0 and marked["gcnr"] == pytest.approx(clean["gcnr"], abs=0.01)
    assert marked["focus"] == pytest.approx(clean["focus"], abs=0.01)


def test_measured_colour_is_no_mark_and_white_ink_on_it_is():
    grey, mask = tissue()
    rng = np.random.default_rng(3)
    share = gaussian_filter(rng.normal(size=grey.shape), 10)
    share = (share - share.min()) / np.ptp(share)
    colours = np.stack([255 * share, 255 * (1 - abs(2 * share - 1)), 255 * (1 - share)], axis=2)
    overlay = np.rint(0.5 * colours + 0.5 * grey[..., None]).astype(np.uint8)
    plain = assess(Image(overlay, None, "PNG", "RGB"), mask)
    assert plain["marks_in_roi_pct"] == 0 and np.isnan(plain["gcnr"]) and np.isnan(plain["saturated_pct"])
    overlay[109:111, 122:139] = overlay[102:119, 130:132] = 255
    assert assess(Image(overlay, None, "PNG", "RGB"), mask)["calipers_in_roi"] == 1


def test_flow_in_a_few_pixels_is_told_from_ink_by_its_hues():
    grey, mask = tissue()
    rgb = np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)
    rgb[109:111, 118:143] = rgb[98:123, 130:132] = (255, 220, 0)  # crossing vessels in the shape of a caliper
    assert assess(Image(rgb, None, "PNG", "RGB"), mask)["calipers_in_roi"] == 1
    rgb[100:200, 250:256] = [[(255, 255 * k // 100, 0)] * 3 + [(0, 255 * k // 100, 255)] * 3 for k in range(100)]  # the bar
    assert assess(Image(rgb, None, "PNG", "RGB"), mask)["calipers_in_roi"] == 0
    assert assess(Image(rgb, None, "PNG", "RGB"), mask, colour=False)["calipers_in_roi"] == 1


def test_calcifications_and_fascia_are_no_marks():
    grey, mask = tissue()
    smooth = np.zeros_like(grey)
    for k in range(9):  # a row of bright specks, as even as dots
        smooth[105, 95 + 8 * k] = 4000
    smooth[118, 90:170] += 500  # a bright line
    picture = np.clip(grey + gaussian_filter(smooth, 1.2), 0, 255)
    assert assess(image(picture), mask)["marks_in_roi_pct"] == 0


# -- real pictures --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def busi(shared: Path) -> list[tuple[str, Image, np.ndarray]]:
    folder = shared / "data" / "busi"
    with (folder / "index.csv").open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["label"] != "normal"]
    found = []
    for row in rows:
        picture = read_image(folder / "images" / row["image"])
        found.append((row["image"], picture, read_mask([folder / "masks" / m for m in row["masks"].split(";")], picture.shape)))
    return found


def test_calipers_in_real_pictures_are_those_that_the_eye_sees(busi):
    found = {name: assess(picture, mask) for name, picture, mask in busi}
    assert len(found) == 92
    assert {n for n, q in found.items() if q["calipers_in_roi"]} == MARKED
    assert {n for n, q in found.items() if q["marks_in_roi_pct"] > 0} == MARKED
    assert not any(q["text_over_lesion"] for q in found.values())
    shares = {f: sum(f in flags(q) for q in found.values()) / len(found) for f in THRESHOLDS}
    assert shares["blurred"] == shares["saturated"] == 0
    assert max(shares["black"], shares["low contrast"], shares["shadow"]) < 0.06


def test_blur_is_seen_in_real_pictures(busi):
    for _, picture, mask in busi[::6]:
        grey = picture.luminance()
        sharp = [assess(image(gaussian_filter(grey, s)), mask)["focus"] for s in (0.5, 1.0, 1.5, 2.0, 3.0)]
        assert sharp == sorted(sharp, reverse=True)
        assert assess(picture, mask)["focus"] > THRESHOLDS["blurred"].value > sharp[-1]
