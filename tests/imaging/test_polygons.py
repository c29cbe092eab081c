"""Outlines of LabelMe as masks: by hand, against scikit-image, and every way in which such a file can be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.imaging import read_image, read_mask
from radiogen.imaging.formats.polygons import read_polygons

SHAPE = (6, 8)


def drawn(*points: tuple[float, float], kind: str | None = "polygon", label: Any = "lesion", **more: Any) -> dict[str, Any]:
    return {"label": label, "shape_type": kind, "points": [list(p) for p in points], **more}


def annotation(*shapes: Any, rows: Any = 6, columns: Any = 8, **more: Any) -> bytes:
    content = {"version": "5.4.1", "flags": {}, "shapes": list(shapes), "imagePath": "a.png", "imageData": None,
               "imageHeight": rows, "imageWidth": columns, **more}  # fmt: skip
    return json.dumps(content).encode()


SQUARE = drawn((2, 1), (5, 1), (5, 4), (2, 4))  # columns 2 to 4, rows 1 to 3


def test_a_square_by_hand() -> None:
    by_hand = np.zeros(SHAPE, bool)
    by_hand[1:4, 2:5] = True
    np.testing.assert_array_equal(read_polygons(annotation(SQUARE), SHAPE), by_hand)
    corners = drawn((5, 4), (2, 1), kind="rectangle")  # any two opposite corners
    np.testing.assert_array_equal(read_polygons(annotation(corners), SHAPE), by_hand)
    old = drawn(*SQUARE["points"], kind=None)  # early versions do not name the kind
    np.testing.assert_array_equal(read_polygons(annotation(old), SHAPE), by_hand)


def test_a_pixel_counts_where_its_centre_lies_inside() -> None:
    by_hand = np.zeros(SHAPE, bool)
    by_hand[1:3, 2:4] = True  # centres at 1.5, 2.5 down and 2.5, 3.5 across lie within 1.4 … 2.6 and 2.4 … 3.6
    np.testing.assert_array_equal(read_polygons(annotation(drawn((2.4, 1.4), (3.6, 1.4), (3.6, 2.6), (2.4, 2.6))), SHAPE), by_hand)


def test_a_triangle_by_hand() -> None:
    """x + y < 4 from the corner: centres with (column + 0.5) + (row + 0.5) < 4, that is row + column < 3."""
    rows, columns = np.mgrid[:6, :8]
    np.testing.assert_array_equal(read_polygons(annotation(drawn((0, 0), (4, 0), (0, 4))), SHAPE), rows + columns < 3)


def test_a_circle_by_hand() -> None:
    """Centre (4, 3), radius 1.5: the four pixels around the centre and the eight beside them (distance √2.5)."""
    rows, columns = np.mgrid[:6, :8]
    inside = (rows + 0.5 - 3) ** 2 + (columns + 0.5 - 4) ** 2 <= 1.5**2
    assert inside.sum() == 4  # √0.5 is inside, √2.5 = 1.58 is not
    np.testing.assert_array_equal(read_polygons(annotation(drawn((4, 3), (4, 4.5), kind="circle")), SHAPE), inside)
    assert read_polygons(annotation(drawn((4, 3), (4, 4.6), kind="circle")), SHAPE).sum() == 12


def test_neighbours_share_no_pixel() -> None:
    left, right = drawn((0, 0), (3.5, 0), (3.5, 6), (0, 6)), drawn((3.5, 0), (8, 0), (8, 6), (3.5, 6))
    one, other = (read_polygons(annotation(s), SHAPE) for s in (left, right))
    assert not (one & other).any() and (one | other).all()


def test_an_outline_that_crosses_itself_is_filled_by_parity() -> None:
    twice = drawn((0, 0), (6, 0), (6, 6), (0, 6), (0, 0), (1, 1), (5, 1), (5, 5), (1, 5), (1, 1))
    by_hand = np.zeros(SHAPE, bool)
    by_hand[:6, :6] = True
    by_hand[1:5, 1:5] = False
    np.testing.assert_array_equal(read_polygons(annotation(twice), SHAPE), by_hand)


@pytest.mark.parametrize("seed", range(8))
def test_against_scikit_image(seed: int) -> None:
    """Random stars: skimage.draw.polygon counts pixels by their index, so that its outline is shifted by half a pixel."""
    draw = pytest.importorskip("skimage.draw")
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 40))
    radius = rng.uniform(8, 45, 40)
    points = np.c_[50 + radius * np.cos(angle), 40 + radius * np.sin(angle)]
    expected = np.zeros((80, 100), bool)
    expected[draw.polygon(points[:, 1] - 0.5, points[:, 0] - 0.5, expected.shape)] = True
    np.testing.assert_array_equal(read_polygons(annotation(drawn(*points), rows=80, columns=100), (80, 100)), expected)


def test_labels() -> None:
    fat = drawn((6, 5), (8, 5), (8, 6), (6, 6), label="fat")
    both = annotation(SQUARE, fat)
    assert read_polygons(both, SHAPE, label="lesion").sum() == 9
    assert read_polygons(both, SHAPE, label="fat").sum() == 2
    assert refusal(both) == ("RG531", "the outlines have several labels ('lesion', 'fat'), and it is not said which is the lesion")
    assert refusal(both, label="tumour") == ("RG531", "no outline has the label 'tumour'; there is 'lesion', 'fat'")
    assert read_polygons(annotation(drawn(*SQUARE["points"], label="1")), SHAPE, label=1).sum() == 9
    two = annotation(SQUARE, drawn((6, 5), (8, 5), (8, 6), (6, 6)))
    assert read_polygons(two, SHAPE).sum() == 11  # outlines of one label are united


def test_lines_and_points_have_no_area() -> None:
    caliper = drawn((0, 0), (7, 5), kind="line", label="caliper")
    assert read_polygons(annotation(caliper, SQUARE), SHAPE).sum() == 9
    assert refusal(annotation(caliper))[0] == "RG531"


def test_another_size_needs_resize() -> None:
    large = annotation(drawn((4, 2), (10, 2), (10, 8), (4, 8)), rows=12, columns=16)
    assert refusal(large) == ("RG504", "the outlines were drawn on 12 × 16 pixels (rows × columns), the image has 6 × 8")
    by_hand = np.zeros(SHAPE, bool)
    by_hand[1:4, 2:5] = True
    np.testing.assert_array_equal(read_polygons(large, SHAPE, resize="nearest"), by_hand)
    wide = annotation(drawn((8, 3), (8, 5.2), kind="circle"), rows=6, columns=16)  # becomes an ellipse, half as wide
    by_hand = np.zeros(SHAPE, bool)
    by_hand[1:5, 3:5] = True  # centres at 7 and 9 across, 1.5 to 4.5 down: √(1² + 1.5²) = 1.8 is within 2.2
    np.testing.assert_array_equal(read_polygons(wide, SHAPE, resize="nearest"), by_hand)


def test_outlines_beyond_the_image_are_cut_off() -> None:
    assert read_polygons(annotation(drawn((-5, -5), (50, -5), (50, 50), (-5, 50))), SHAPE).all()
    assert read_polygons(annotation(drawn((-1e300, -1e300), (1e300, -1e300), (0, 1e300))), SHAPE).any()
    assert not read_polygons(annotation(drawn((20, 20), (30, 20), (30, 30))), SHAPE).any()


def refusal(data: bytes, **options: Any) -> tuple[str, str]:
    with pytest.raises(RadiogenError) as caught:
        read_polygons(data, SHAPE, **options)
    return caught.value.code, caught.value.problems[0].message


@pytest.mark.parametrize(
    "data",
    [
        b"{", b"{}", b"[1, 2]", b'{"shapes": null}', b'{"shapes": {}}', b"\xff\xfe{", b"{" * 100_000, b'{"a":' * 100_000,
        annotation(),
        annotation(None), annotation(3), annotation([]),
        annotation(SQUARE, rows=None), annotation(SQUARE, columns="8"), annotation(SQUARE, rows=0), annotation(SQUARE, rows=True),
        annotation(drawn(*SQUARE["points"], label=None)), annotation(drawn(*SQUARE["points"], label={})),
        annotation(drawn(*SQUARE["points"], kind="mask")), annotation(drawn(*SQUARE["points"], kind=3)),
        annotation({"label": "lesion", "points": None}), annotation({"label": "lesion", "points": [[1, 2], [3, None], [4, 5]]}),
        annotation({"label": "lesion", "points": [[1, 2], [3], [4, 5]]}), annotation({"label": "lesion", "points": "abc"}),
        annotation({"label": "lesion", "points": [[1, 2, 3]] * 3}), annotation({"label": "lesion", "points": [[1, {}]] * 3}),
        annotation(drawn((1, 1), (2, 2))), annotation(drawn((1, 1), kind="circle")), annotation(drawn((1, 1), kind="rectangle")),
        annotation(drawn((float("nan"), 1), (2, 2), (3, 1))), annotation(drawn((float("inf"), 1), (2, 2), (3, 1))),
        annotation({"label": "lesion", "points": [[10**400, 2], [3, 4], [5, 6]]}),
    ],
)  # fmt: skip
def test_what_is_no_annotation_is_refused(data: bytes) -> None:
    assert refusal(data)[0] == "RG531"


def test_huge_files_are_refused_before_they_are_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    from radiogen.imaging.formats import polygons

    monkeypatch.setattr(polygons, "MAX_JSON_BYTES", 100)
    assert refusal(annotation(SQUARE))[0] == "RG531"
    monkeypatch.setattr(polygons, "MAX_JSON_BYTES", 10_000_000)
    monkeypatch.setattr(polygons, "_MAX_CROSSINGS", 1000)
    assert refusal(annotation(drawn(*[(k % 2 * 7.0, k % 3 * 3.0) for k in range(2000)])))[0] == "RG531"


def test_as_a_mask_of_read_mask(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf \n" + annotation(SQUARE))
    (tmp_path / "b.json").write_bytes(annotation(drawn((6, 5), (8, 5), (8, 6), (6, 6))))
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    assert read_mask(paths, SHAPE).sum() == 11
    assert read_mask(paths[0], SHAPE, label="lesion").sum() == 9
    for shape, options, code in (((5, 8), {}, "RG504"), (SHAPE, {"label": "fat"}, "RG531")):
        with pytest.raises(RadiogenError) as caught:
            read_mask(paths[0], shape, **options)
        assert caught.value.code == code and caught.value.problems[0].file == str(paths[0])
    (tmp_path / "outside.json").write_bytes(annotation(drawn((20, 20), (30, 20), (30, 30))))
    with pytest.raises(RadiogenError) as caught:
        read_mask(tmp_path / "outside.json", SHAPE)
    assert caught.value.code == "RG505"
    with pytest.raises(RadiogenError) as caught:
        read_image(tmp_path / "a.json")  # an annotation is no picture
    assert caught.value.code == "RG502"
