"""Colour Doppler: pixels, directions, velocities and indices of pictures drawn by hand."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as PillowImage

from radiogen.errors import RadiogenError
from radiogen.imaging import Image
from radiogen.imaging.doppler import FLOW_NAMES, Flow, measure_flow
from radiogen.imaging.flow.flowindices import flow_indices
from radiogen.imaging.region import Region

SHAPE = (140, 200)
BAR = (20, 119, 170, 181)


def bar_colours(length: int = 100) -> np.ndarray:
    """From the upper end: yellow, red, dark red, five black rows on either side of the middle, dark blue, blue, cyan."""
    v = np.linspace(1, -1, length)
    return np.array([colour(x) if abs(x) > 0.1 else (0, 0, 0) for x in v], np.uint8)


def colour(velocity: float) -> tuple[int, int, int]:
    """The colour of a velocity from -1 to 1: a map that the simulated cohorts do not have."""
    s = abs(velocity)
    strong, light = round(90 + 165 * min(2 * s, 1)), round(255 * max(2 * s - 1, 0))
    return (strong, light, 0) if velocity > 0 else (0, light, strong)


def picture(grey: int = 60, *, bar: bool = True, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    image = np.full((*shape, 3), grey, np.uint8)
    if bar:
        image[BAR[0] : BAR[1] + 1, BAR[2] : BAR[3] + 1] = bar_colours()[:, None]
    return image


def square(top: int = 20, bottom: int = 119, left: int = 20, right: int = 119) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[top : bottom + 1, left : right + 1] = True
    return mask


def jpeg(image: np.ndarray, quality: int = 85, subsampling: int = 2) -> np.ndarray:
    buffer = io.BytesIO()
    PillowImage.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(PillowImage.open(buffer))


# -- one vessel, worked out by hand ---------------------------------------------------------


@pytest.fixture
def vessel() -> np.ndarray:
    """3 × 40 pixels of half the scale towards the probe, wholly in the lesion."""
    image = picture()
    image[68:71, 50:90] = colour(0.5)
    return image


def test_a_vessel_of_known_size(vessel: np.ndarray) -> None:
    flow = measure_flow(vessel, square(), spacing_mm=(0.1, 0.1), scale_max=6.0)
    v = flow.values
    assert v["vascularity_index_pct"] == pytest.approx(100 * 120 / 10_000)
    assert v["vessel_count"] == 1 and v["branch_points"] == 0 and v["penetrating_vessels"] == 0
    assert v["vessel_area_mm2"] == pytest.approx(1.2)
    assert v["vessel_length_mm"] == pytest.approx(4.0)
    # the bar has 100 colours from -6 to 6: half of the scale to within one of them
    assert v["mean_velocity_cm_s"] == pytest.approx(3.0, abs=0.13)
    assert v["max_velocity_cm_s"] == pytest.approx(3.0, abs=0.13)
    assert v["flow_index"] == pytest.approx(50, abs=2.1)
    assert v["vascularisation_flow_index"] == pytest.approx(1.2 * v["flow_index"] / 100)
    assert v["towards_share_pct"] == 100
    # 40 pixels are fewer than the radius √(10,000 / π) = 56.4
    assert v["adler_grade"] == 1
    # the lesion is 50 pixels deep, the centre begins deeper than 25: rows and columns 45 to 94
    assert v["central_share_pct"] == pytest.approx(100)
    assert v["central_vascularity_index_pct"] == pytest.approx(100 * 120 / 2500)
    assert v["peripheral_vascularity_index_pct"] == 0
    assert set(v) | set(flow.missing) == set(FLOW_NAMES) and not flow.missing and not flow.problems
    assert int(flow.coloured.sum()) == 120 and int(flow.labels.max()) == 1
    assert flow.bar is not None and flow.bar.box == BAR
    assert np.isnan(flow.velocity_cm_s[~flow.coloured]).all() and not flow.direction[~flow.coloured].any()


def test_two_directions_and_an_unequal_scale(vessel: np.ndarray) -> None:
    vessel[90:93, 50:70] = colour(-0.8)
    flow = measure_flow(vessel, square(), scale_max=6.0)
    assert flow.values["vessel_count"] == 2
    assert flow.values["towards_share_pct"] == pytest.approx(100 * 120 / 180)
    assert np.nanmin(flow.velocity_cm_s) == pytest.approx(-4.8, abs=0.13)
    assert (flow.direction[90:93, 50:70] == -1).all() and (flow.direction[68:71, 50:90] == 1).all()
    # with its zero in the middle the bar does not fit a scale from -2 to 6
    unequal = measure_flow(vessel, square(), scale_max=6.0, scale_min=-2.0)
    assert [p.code for p in unequal.problems] == ["RG520"]


def test_a_shifted_baseline() -> None:
    image = picture(bar=False)
    # 75 colours towards the probe and 25 away: from -2 to 6 cm/s
    up, down = bar_colours(150)[:75], bar_colours(50)[25:]
    image[BAR[0] : BAR[1] + 1, BAR[2] : BAR[3] + 1] = np.vstack([up, down])[:, None]
    image[68:71, 50:90] = colour(0.5)
    image[90:93, 50:90] = colour(-0.5)
    flow = measure_flow(image, square(), scale_max=6.0, scale_min=-2.0)
    assert np.nanmax(flow.velocity_cm_s) == pytest.approx(3.0, abs=0.13)
    assert np.nanmin(flow.velocity_cm_s) == pytest.approx(-1.0, abs=0.13)
    assert not flow.problems


def test_without_spacing_and_scale_numbers_with_units_are_missing(vessel: np.ndarray) -> None:
    flow = measure_flow(vessel, square())
    assert set(flow.missing) == {"vessel_area_mm2", "vessel_length_mm", "mean_velocity_cm_s", "max_velocity_cm_s"}
    assert "spacing" in flow.missing["vessel_length_mm"] and "scale_max" in flow.missing["mean_velocity_cm_s"]
    assert np.isnan(flow.velocity_cm_s).all()
    assert flow.values["towards_share_pct"] == 100 and flow.values["adler_grade"] == 1


def test_a_grey_picture_has_no_flow() -> None:
    for image in (picture(), picture(bar=False)):
        flow = measure_flow(image, square(), spacing_mm=0.1, scale_max=6)
        assert flow.values["vascularity_index_pct"] == 0 and flow.values["adler_grade"] == 0
        assert flow.values["vascularisation_flow_index"] == 0 and flow.values["vessel_length_mm"] == 0
        assert flow.missing["flow_index"] == "there is no flow in the lesion"
    assert [p.code for p in flow.problems] == ["RG519"] and flow.problems[0].severity == "warning"
    grey = Image(np.full(SHAPE, 80.0), (0.1, 0.1), "PNG", "L")
    assert measure_flow(grey, square()).values["vascularity_index_pct"] == 0


def test_without_a_bar_pixels_are_counted_and_directions_are_not_guessed() -> None:
    image = picture(bar=False)
    image[68:71, 50:90] = colour(0.5)
    flow = measure_flow(image, square(), spacing_mm=0.1, scale_max=6)
    assert flow.values["vascularity_index_pct"] == pytest.approx(1.2)
    assert flow.values["vessel_length_mm"] == pytest.approx(4)
    for name in ("flow_index", "vascularisation_flow_index", "towards_share_pct", "mean_velocity_cm_s"):
        assert flow.missing[name] == "the picture has no colour bar"


def test_power_doppler_has_no_direction() -> None:
    image = picture(bar=False)
    ramp = np.linspace(1, 0.02, 100)
    image[BAR[0] : BAR[1] + 1, BAR[2] : BAR[3] + 1] = np.array([colour(x) for x in ramp], np.uint8)[:, None]
    image[68:71, 50:90] = colour(0.75)
    flow = measure_flow(image, square(), power=True, scale_max=6)
    assert flow.values["flow_index"] == pytest.approx(100 * (0.75 - 0.02) / 0.98, abs=1.1)
    assert flow.missing["towards_share_pct"] == flow.missing["mean_velocity_cm_s"] == "power Doppler has no direction"
    assert not flow.direction.any()


# -- what is not flow -------------------------------------------------------------------------


def test_marks_are_not_flow(vessel: np.ndarray) -> None:
    vessel[30:110, 30] = vessel[30:110, 110] = (60, 200, 60)  # a green box
    vessel[40:45, 40:43] = (255, 255, 255)
    vessel[100, 60:64] = (255, 0, 255)  # magenta
    vessel[105:107, 60] = colour(0.9)  # two pixels
    flow = measure_flow(vessel, square())
    assert flow.values["vascularity_index_pct"] == pytest.approx(1.2)
    assert flow.values["vessel_count"] == 1


def test_a_tinted_picture_is_grey(vessel: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(20, 180, SHAPE)
    image = np.stack([grey, grey * 0.85, grey * 0.65], axis=2).astype(np.uint8)  # sepia
    coloured = (vessel != 60).any(axis=2)
    image[coloured] = vessel[coloured]
    assert measure_flow(image, square()).values["vascularity_index_pct"] == pytest.approx(1.2, abs=0.1)


def test_only_the_colour_box_counts(vessel: np.ndarray) -> None:
    box = Region((0, 139), (0, 69), 2, 1, (0.1, 0.1), (3, 3))
    flow = measure_flow(Image(vessel, None, "DICOM", "RGB", (box,)), square(left=20, right=119))
    # columns 20 to 69 of the lesion, columns 50 to 69 of the vessel
    assert flow.values["vascularity_index_pct"] == pytest.approx(100 * 60 / 5000)
    assert flow.quality["in_field_share"] == pytest.approx(0.5)
    assert [p.code for p in flow.problems] == ["RG521"]
    assert flow.values["vessel_length_mm"] == pytest.approx(2.0)  # the file's own scale
    away = replace(box, columns=(150, 199))
    with pytest.raises(RadiogenError) as raised:
        measure_flow(Image(vessel, None, "DICOM", "RGB", (away,)), square())
    assert raised.value.code == "RG522"


# -- the rules ------------------------------------------------------------------------------


def indices(coloured: np.ndarray, lesion: np.ndarray | None = None) -> dict[str, float]:
    return flow_indices(coloured, square() if lesion is None else lesion)[0]


def bars(lengths: list[int], left: int = 30) -> np.ndarray:
    """Vessels of one pixel's width, ten rows apart."""
    mask = np.zeros(SHAPE, bool)
    for k, length in enumerate(lengths):
        mask[30 + 10 * k, left : left + length] = True
    return mask


@pytest.mark.parametrize(
    ("lengths", "grade"),
    # the radius of a circle of 10,000 pixels is 56.4 pixels
    [([], 0), ([3], 0), ([5], 1), ([56], 1), ([57], 2), ([20, 20], 1), ([20, 60], 2), ([5, 5, 5], 2), ([5, 5, 5, 5], 3),
     ([60] * 6, 3)],
)  # fmt: skip
def test_adler_grades(lengths: list[int], grade: int) -> None:
    assert indices(bars(lengths))["adler_grade"] == grade


def test_penetrating_vessels_cross_the_border() -> None:
    inside, across, outside = bars([20]), bars([0, 20], left=10), bars([0, 0, 8], left=5)
    touching = bars([0, 0, 0, 13], left=10)  # three pixels in the lesion
    assert indices(inside | across | outside | touching)["penetrating_vessels"] == 1
    assert indices(inside | across | outside | touching)["vessel_count"] == 2


def test_a_tree_has_branch_points() -> None:
    mask = bars([60])
    mask[30:60, 50] = True
    mask[45, 50:80] = True
    v = indices(mask)
    assert v["branch_points"] == 2 and v["vessel_count"] == 1


def test_centre_and_rim() -> None:
    # a lesion of 20 × 20: deepest 10; deeper than 5: rows and columns 5 to 14, 100 of 400 pixels
    lesion = square(0, 19, 0, 19)
    mask = np.zeros(SHAPE, bool)
    mask[10, 0:10] = True  # 5 of 10 pixels in the centre
    v = indices(mask, lesion)
    assert v["central_share_pct"] == 50
    assert v["central_vascularity_index_pct"] == pytest.approx(5)
    assert v["peripheral_vascularity_index_pct"] == pytest.approx(100 * 5 / 300)


def test_length_in_unequal_pixels() -> None:
    mask = np.zeros(SHAPE, bool)
    mask[40:60, 70] = True
    values, _ = flow_indices(mask, square(), spacing_mm=(0.2, 0.1))
    assert values["vessel_length_mm"] == pytest.approx(4.0)
    assert values["vessel_area_mm2"] == pytest.approx(20 * 0.02)


# -- compression ----------------------------------------------------------------------------


def other_make(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Round arcs and straight vessels of flat or graded colour on speckle, and the truth."""
    rng = np.random.default_rng(seed)
    shape = (300, 400)
    rows, columns = np.indices(shape)
    lesion = np.hypot((rows - 150) / 80, (columns - 160) / 110) <= 1
    grey = np.clip(np.where(lesion, 45, 110) * rng.gamma(6, 1 / 6, shape), 0, 255)
    image = np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)
    truth = np.zeros(shape, bool)
    for _ in range(int(rng.integers(2, 8))):
        centre, radius = rng.uniform([80, 60], [220, 260]), rng.uniform(20, 90)
        angle, half = rng.uniform(-np.pi, np.pi), rng.uniform(0.3, 1.2)
        off = np.abs(np.angle(np.exp(1j * (np.arctan2(rows - centre[0], columns - centre[1]) - angle))))
        width = rng.uniform(1.5, 5)
        distance = np.abs(np.hypot(rows - centre[0], columns - centre[1]) - radius)
        tube = (distance <= width) & (off <= half)
        speed, sign = rng.uniform(0.3, 1.0), rng.choice([-1, 1])
        table = np.array([colour(sign * max(x, 0.12)) for x in np.linspace(0, 1, 101)], np.uint8)
        share = speed * (1 - rng.choice([0.0, 0.7]) * (distance / width) ** 2)
        image[tube] = table[np.rint(100 * np.clip(share[tube], 0, 1)).astype(int)]
        truth |= tube
    image[20:180, 360:376] = bar_colours(160)[:, None]
    return image, lesion, truth


@pytest.mark.parametrize(("quality", "subsampling"), [(None, 0), (85, 0), (85, 1), (85, 2), (70, 0)])
def test_the_vascularity_index_survives_compression(quality: int | None, subsampling: int) -> None:
    errors = []
    for seed in range(12):
        image, lesion, truth = other_make(seed)
        shown = image if quality is None else jpeg(image, quality, subsampling)
        # its bar is searched for in one picture of each kind
        bar = (20, 179, 360, 375) if seed else None
        found = measure_flow(shown, lesion, bar=bar).values["vascularity_index_pct"]
        errors.append(found - 100 * truth[lesion].mean())
    assert np.abs(errors).max() < (0.01 if quality is None else 2.0)
    assert abs(np.mean(errors)) < 0.5


def test_velocity_survives_jpeg(vessel: np.ndarray) -> None:
    vessel[64:75, 50:90] = colour(0.5)
    flow: Flow = measure_flow(jpeg(vessel), square(), scale_max=6.0, spacing_mm=0.1)
    assert flow.soft
    assert flow.values["mean_velocity_cm_s"] == pytest.approx(3.0, abs=0.4)
    assert flow.values["vessel_count"] == 1
    assert flow.values["vessel_length_mm"] == pytest.approx(4.0, abs=0.25)


# -- refusals ---------------------------------------------------------------------------------


def test_wrong_calls_are_refused(vessel: np.ndarray) -> None:
    def code(**changes: object) -> str:
        with pytest.raises(RadiogenError) as raised:
            measure_flow(**{"image": vessel, "mask": square(), **changes})  # type: ignore[arg-type]
        return raised.value.code

    assert code(mask=np.zeros(SHAPE, bool)) == "RG505"
    assert code(mask=np.ones((5, 5), bool)) == "RG504"
    assert code(mask=square().astype(int)) == "RG705"
    assert code(image=vessel[..., 0]) == "RG705"
    assert code(image=Image(np.zeros((2, *SHAPE, 3), np.uint8), None, "DICOM", "RGB", n_frames=2)) == "RG511"
    assert code(scale_max=-1.0) == "RG708"
    assert code(scale_max=math.inf) == "RG708"
    assert code(scale_max=5.0, scale_min=1.0) == "RG708"
    assert code(scale_min=-5.0) == "RG708"
    assert code(spacing_mm=0.0) == "RG509"
    assert code(bar=(0, 9, 0, 9)) == "RG519"


def test_the_input_is_not_changed(vessel: np.ndarray) -> None:
    before, mask = vessel.copy(), square()
    measure_flow(vessel, mask, scale_max=5)
    assert (vessel == before).all() and (mask == square()).all()
