"""The IBSI filters Mean, Laws and Gabor: answers to impulses, checkerboards and waves worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from radiogen.errors import RadiogenError
from radiogen.features.radiomics import extract, feature_names, load_settings
from radiogen.features.radiomics.filters.laws import KERNELS
from radiogen.features.radiomics.filters.registry import filtered_images


def maps(image: np.ndarray, mask: np.ndarray, kind: str, spacing: tuple[float, float] = (1.0, 1.0), **options: Any) -> Any:
    settings = load_settings({"imageType": {kind: options}})
    return {f.name: f.image for f in filtered_images(image, mask, spacing, settings)}


def impulse(size: int = 11) -> tuple[np.ndarray, np.ndarray]:
    image = np.zeros((size, size))
    image[size // 2, size // 2] = 1.0
    return image, np.ones((size, size), bool)


def checkerboard(size: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[:size, :size]
    return ((rows + columns) % 2).astype(float), np.ones((size, size), bool)


# -- mean ---------------------------------------------------------------------------------------


def test_mean_of_an_impulse_is_its_square() -> None:
    (found,) = maps(*impulse(), "Mean", meanSize=[3]).values()
    expected = np.zeros((11, 11))
    expected[4:7, 4:7] = 1 / 9
    np.testing.assert_allclose(found, expected, atol=1e-15)


def test_mean_is_mirrored_with_the_border_line() -> None:
    """1 2 3 … becomes 2 1 | 1 2 3: the first mean of five is (2 + 1 + 1 + 2 + 3) / 5."""
    image = np.tile(np.arange(1.0, 9.0), (6, 1))
    found = maps(image, np.ones(image.shape, bool), "Mean", meanSize=[5])["mean-5"]
    np.testing.assert_allclose(found[:, 0], 9 / 5)
    np.testing.assert_allclose(found[:, 3], 4)


def test_a_mean_that_is_a_whole_number_is_one() -> None:
    """Columns 0, 50, 46: any three beside each other have the mean 32, which is the edge of a bin of width 2."""
    image = np.tile([[0.0, 50.0, 46.0]], (40, 14))[:, :40]
    inside = np.zeros(image.shape, bool)
    inside[5:35, 5:35] = True
    assert (maps(image, inside, "Mean", meanSize=[3])["mean-3"] == 32).all()


def test_mean_of_a_checkerboard() -> None:
    """A square of odd side over a checkerboard holds one more of its centre's colour: 5 or 4 of 9."""
    image, mask = checkerboard()
    found = maps(image, mask, "Mean", meanSize=[3])["mean-3"][1:-1, 1:-1]
    np.testing.assert_allclose(found, np.where(image[1:-1, 1:-1] == 1, 5 / 9, 4 / 9))


# -- laws ---------------------------------------------------------------------------------------


def test_kernels_have_unit_length_and_their_names_numbers() -> None:
    for name, weights in KERNELS.items():
        assert len(weights) == int(name[1]) and (name[0] == "L" or np.sum(weights) == 0)
        response = maps(*impulse(), "Laws", lawsKernels=[name + "L3"])[f"laws-{name}L3"]
        assert np.sum(response**2) == pytest.approx(1)


def test_a_response_that_is_a_whole_number_is_one() -> None:
    """E5W5 has the norm 10; on an impulse of 10 its response is the product of the kernels, its energy over 3 × 3 whole ninths."""
    image, mask = impulse()
    found = maps(10 * image, mask, "Laws", lawsKernels=["E5W5"])["laws-E5W5"]
    np.testing.assert_array_equal(found[3:8, 3:8], np.outer([-1, 2, 0, -2, 1], [-1, -2, 0, 2, 1]))
    energy = maps(90 * image, mask, "Laws", lawsKernels=["E5W5"], lawsEnergyDistance=1)["laws-E5W5-energy-1"]
    assert energy[4, 4] == (1 + 2 + 0) * (1 + 2 + 0) and np.array_equal(energy, energy.round())
    turned = maps(10 * image, mask, "Laws", lawsKernels=["E5W5"], lawsRotation=True)["laws-E5W5-rot-max"]
    np.testing.assert_array_equal(turned, turned.round())


def test_laws_answer_to_an_impulse_is_the_kernel() -> None:
    """E5 along the rows, L3 down the columns."""
    found = maps(*impulse(), "Laws", lawsKernels=["E5L3"])["laws-E5L3"]
    expected = np.zeros((11, 11))
    expected[4:7, 3:8] = np.outer(np.array([1, 2, 1]) / np.sqrt(6), np.array([-1, -2, 0, 2, 1]) / np.sqrt(10))
    np.testing.assert_allclose(found, expected, atol=1e-15)


def test_laws_pooled_over_four_turns() -> None:
    """The largest of the kernel and its quarter turns; an odd kernel and its half turn are each other's negatives."""
    found = maps(*impulse(), "Laws", lawsKernels=["E3L3"], lawsRotation=True, lawsPooling="max")["laws-E3L3-rot-max"]
    e, level = np.array([-1, 0, 1]) / np.sqrt(2), np.array([1, 2, 1]) / np.sqrt(6)
    kernel = np.outer(level, e)
    expected = np.max([np.rot90(kernel, k) for k in range(4)], axis=0)
    np.testing.assert_allclose(found[4:7, 4:7], expected, atol=1e-15)
    mean = maps(*impulse(), "Laws", lawsKernels=["E3L3"], lawsRotation=True, lawsPooling="mean")["laws-E3L3-rot-mean"]
    np.testing.assert_allclose(mean, 0, atol=1e-15)


def test_laws_are_the_same_for_a_turned_image() -> None:
    image = np.random.default_rng(0).normal(size=(17, 17))
    mask = np.ones(image.shape, bool)
    options = {"lawsKernels": ["L5E3", "S5W5"], "lawsRotation": True, "lawsEnergyDistance": 2}
    straight, turned = maps(image, mask, "Laws", **options), maps(np.rot90(image), mask, "Laws", **options)
    assert list(straight) == ["laws-L5E3-rot-max-energy-2", "laws-S5W5-rot-max-energy-2"]
    for name, values in straight.items():
        np.testing.assert_allclose(turned[name], np.rot90(values), rtol=1e-12)


def test_energy_is_the_mean_absolute_response() -> None:
    """R5R5 on a checkerboard: the ripple answers ± 16 · 16 / 70 / 2 everywhere inside, and its energy has no sign."""
    image, mask = checkerboard(20)
    inside = np.zeros_like(mask)
    inside[6:14, 6:14] = True
    response = maps(image, inside, "Laws", lawsKernels=["R5R5"])["laws-R5R5"]
    energy = maps(image, inside, "Laws", lawsKernels=["R5R5"], lawsEnergyDistance=3)["laws-R5R5-energy-3"]
    np.testing.assert_allclose(np.abs(response), 16 * 16 / 70 / 2)
    np.testing.assert_allclose(energy, 16 * 16 / 70 / 2)


def test_energy_at_the_border_mirrors_the_responses() -> None:
    image = np.random.default_rng(3).normal(size=(9, 8))
    mask = np.ones(image.shape, bool)
    response = np.abs(maps(image, mask, "Laws", lawsKernels=["E3S3"])["laws-E3S3"])
    padded = np.pad(response, 2, "symmetric")
    expected = [[padded[r : r + 5, c : c + 5].mean() for c in range(8)] for r in range(9)]
    found = maps(image, mask, "Laws", lawsKernels=["E3S3"], lawsEnergyDistance=2)["laws-E3S3-energy-2"]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


# -- gabor ---------------------------------------------------------------------------------------


def wave(wavelength_mm: float, angle: float, spacing: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """cos(2 π x' / λ), x' turned clockwise by the angle; the region lies far from the borders."""
    rows, columns = np.mgrid[:121, :161]
    theta = np.radians(angle)
    along = columns * spacing[1] * np.cos(theta) + rows * spacing[0] * np.sin(theta)
    mask = np.zeros(rows.shape, bool)
    mask[55:66, 70:91] = True
    return np.cos(2 * np.pi * along / wavelength_mm), mask


@pytest.mark.parametrize("angle", [0.0, 30.0, 120.0])
@pytest.mark.parametrize("aspect", [1.0, 0.5])
def test_gabor_answers_its_own_wave_with_half_the_envelopes_sum(angle: float, aspect: float) -> None:
    """cos = (e⁺ + e⁻) / 2; the filter passes one half: modulus Σ envelope / 2 = π σ² / γ / pixel area, here in mm."""
    spacing = (0.1, 0.1)
    image, mask = wave(0.8, angle, spacing)
    options = {"gaborSigma": [0.5], "gaborWavelength": [0.8], "gaborAspect": aspect, "gaborAngle": [angle]}
    (found,) = maps(image, mask, "Gabor", spacing, **options).values()
    expected = np.pi * 0.5**2 / aspect / 0.1**2
    other = np.exp(-((2 * 2 * np.pi / 0.8 * 0.5) ** 2) / 2)  # what is left of the other half, relative
    np.testing.assert_allclose(found, expected, rtol=2 * other + 1e-7)


def test_gabor_does_not_answer_a_wave_across() -> None:
    image, mask = wave(0.8, 90.0, (0.1, 0.1))
    options = {"gaborSigma": [0.8], "gaborWavelength": [0.8], "gaborAngle": [0.0, 90.0]}
    found = maps(image, mask, "Gabor", (0.1, 0.1), **options)
    assert list(found) == [
        "gabor-sigma-0-8-mm-lambda-0-8-mm-gamma-1-0-theta-0-0",
        "gabor-sigma-0-8-mm-lambda-0-8-mm-gamma-1-0-theta-90-0",
    ]
    across, along = found.values()
    assert across.max() < 1e-6 * along.min()


def test_gabor_kernel_of_an_impulse_is_its_envelope() -> None:
    """Modulus of the kernel itself: a Gaussian, longer across the wave where the aspect is below one."""
    image, mask = impulse(121)  # wide enough that no mirror image answers
    options = {"gaborSigma": [3.0], "gaborWavelength": [5.0], "gaborAspect": 0.5}
    (found,) = maps(image, mask, "Gabor", **options).values()
    rows, columns = np.mgrid[-60:61, -60:61]
    np.testing.assert_allclose(found, np.exp(-(columns**2 + (0.5 * rows) ** 2) / 18), atol=2e-10)


def test_gabor_pooled_is_the_same_for_a_turned_image() -> None:
    image, mask = np.random.default_rng(5).normal(size=(31, 31)), np.ones((31, 31), bool)
    options = {"gaborSigma": [2.0], "gaborWavelength": [4.0], "gaborRotationStep": 45, "gaborPooling": "max"}
    straight, turned = maps(image, mask, "Gabor", **options), maps(np.rot90(image), mask, "Gabor", **options)
    assert list(straight) == ["gabor-sigma-2-0-mm-lambda-4-0-mm-gamma-1-0-rot-45-max"]
    (a,), (b,) = straight.values(), turned.values()
    np.testing.assert_allclose(b, np.rot90(a), rtol=1e-9)


# -- names and engines -----------------------------------------------------------------------------


SETTINGS = {
    "imageType": {
        "Mean": {"meanSize": [3, 5]},
        "Laws": {"lawsKernels": ["E5L5"]},
        "Gabor": {"gaborSigma": [2.0], "gaborWavelength": [4.0]},
    },
    "featureClass": {"firstorder": ["Mean"]},
}


def test_without_spacing_widths_count_pixels() -> None:
    image = np.random.default_rng(0).normal(100, 20, (40, 40))
    mask = np.zeros(image.shape, bool)
    mask[10:30, 10:30] = True
    pixels, mm = extract(image, mask, settings=SETTINGS, engine="native"), extract(
        image, mask, (1.0, 1.0), SETTINGS, engine="native"
    )
    assert [n.split("_")[0] for n in pixels.index] == [
        "mean-3", "mean-5", "laws-E5L5", "gabor-sigma-2-0-px-lambda-4-0-px-gamma-1-0-theta-0-0",
    ]  # fmt: skip
    assert tuple(mm.index) == feature_names(load_settings(SETTINGS), calibrated=True)
    np.testing.assert_array_equal(pixels.to_numpy(), mm.to_numpy())


def test_pyradiomics_does_not_have_them() -> None:
    with pytest.raises(RadiogenError, match="native") as caught:
        extract(np.ones((9, 9)), np.ones((9, 9), bool), settings=SETTINGS, engine="pyradiomics")
    assert caught.value.code == "RG104"


@pytest.mark.parametrize(
    "options",
    [
        {"Mean": {}}, {"Mean": {"meanSize": [4]}}, {"Laws": {"lawsKernels": ["L7E5"]}}, {"Laws": {"lawsKernels": "L5E5"}},
        {"Gabor": {"gaborSigma": [1.0]}},
        {"Gabor": {"gaborSigma": [1.0], "gaborWavelength": [2.0], "gaborRotationStep": 50}},
        {"Gabor": {"gaborSigma": [1.0], "gaborWavelength": [2.0], "gaborPooling": "sum"}},
    ],
)  # fmt: skip
def test_wrong_options(options: dict[str, Any]) -> None:
    with pytest.raises(RadiogenError, match="RG104"):
        load_settings({"imageType": options})
