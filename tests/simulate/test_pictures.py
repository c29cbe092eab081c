"""Geometry against formulas, speckle against Rayleigh, pictures against their truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import binary_dilation

from radiogen.imaging import read_image
from radiogen.simulate.bmode import SHAPE, Traits, _envelope, choose_spacing, draw_picture
from radiogen.simulate.draws import generator
from radiogen.simulate.lesion import Lesion
from radiogen.simulate.scanner import SCANNERS

TRAITS = Traits(diameter_mm=18.0, margin=0.0, texture=0.0, shadow=0.0, contrast=0.0, aspect=0.0)


def test_circle_ellipse_and_lobulated_circle_have_the_areas_of_the_formulas() -> None:
    circle = Lesion(0, 0, 3.0, 3.0, 0.0, (), ())
    assert circle.area_mm2 == pytest.approx(np.pi * 9, rel=1e-9)
    assert circle.diameter_mm == pytest.approx(6.0)
    ellipse = Lesion(0, 0, 5.0, 2.0, 0.7, (), ())
    assert ellipse.area_mm2 == pytest.approx(np.pi * 10, rel=1e-6)
    assert ellipse.diameter_mm == pytest.approx(10.0, rel=1e-5)
    # r = 3 (1 + 0.2 cos 4t): half the integral of r² is 9 pi (1 + 0.2² / 2)
    lobed = Lesion(0, 0, 3.0, 3.0, 0.0, ((4, 0.2, 0.3),), ())
    assert lobed.area_mm2 == pytest.approx(9 * np.pi * 1.02, rel=1e-9)


def test_mask_of_a_small_circle_is_the_pixels_counted_by_hand() -> None:
    # centre on the corner of four pixels of 1 mm, radius 1.6: centres at (±.5, ±.5), distance .71, and at
    # (±.5, ±1.5) and (±1.5, ±.5), distance 1.58, are inside; (±1.5, ±1.5), distance 2.12, is not
    mask = Lesion(3.0, 3.0, 1.6, 1.6, 0.0, (), ()).mask((6, 6), 1.0)
    rows = ["......", "..##..", ".####.", ".####.", "..##..", "......"]
    assert ["".join("#" if v else "." for v in row) for row in mask] == rows


def test_masks_have_the_area_and_the_diameter_of_the_truth(folder: Path, truth: dict[str, Any]) -> None:
    manifest = pd.read_csv(folder / "data/bmode.csv")
    assert len(manifest) >= 22
    for row in manifest.itertuples():
        lesion = next(v for v in truth["patients"][row.patient_id]["lesion"] if v["view"] == row.view)
        mask = np.asarray(Image.open(folder / "data" / row.mask))
        assert mask.shape == SHAPE and set(np.unique(mask)) == {0, 255}
        pixels = (mask > 0).sum()
        # counting pixel centres errs by about the square root of the pixels on the edge
        assert pixels * lesion["spacing_mm"] ** 2 == pytest.approx(lesion["area_mm2"], rel=1.2 / np.sqrt(pixels))
        # centre A's files bring the spacing along, centre B's do not
        image = read_image(folder / "data" / row.image)
        assert np.isnan(row.spacing_mm) == (image.format == "DICOM")
        spacing = image.spacing_mm[0] if image.spacing_mm else row.spacing_mm
        assert lesion["spacing_mm"] == pytest.approx(spacing)
        y, x = np.nonzero(mask)
        extent = np.hypot(np.ptp(x) + 1, np.ptp(y) + 1) * lesion["spacing_mm"]
        assert extent > 0.93 * lesion["diameter_mm"]
        latent = truth["patients"][row.patient_id]["latent"]["diameter_mm"]
        assert lesion["diameter_mm"] == pytest.approx(latent, rel=1e-6) if row.view == 1 else lesion["diameter_mm"] <= latent


def test_lesions_are_darker_than_the_tissue_around_them(folder: Path) -> None:
    differences = []
    for row in pd.read_csv(folder / "data/bmode.csv").itertuples():
        picture = read_image(folder / "data" / row.image)
        grey = picture.pixels
        mask = np.asarray(Image.open(folder / "data" / row.mask)) > 0
        assert picture.kind == "grey" and picture.shape == SHAPE
        ring = binary_dilation(mask, iterations=12) & ~binary_dilation(mask, iterations=3)
        differences.append(grey[ring].mean() - grey[mask].mean())
    assert min(differences) > 5
    assert np.mean(differences) > 35


def test_speckle_of_an_even_tissue_is_rayleigh_with_its_power_kept() -> None:
    # the envelope of circular Gaussian noise: mean / SD = sqrt(pi / (4 - pi)) = 1.913, mean square 2 s²
    one_look = replace(SCANNERS["Alpha"], looks=1, noise_db=-200.0)
    envelope = np.concatenate(
        [_envelope(generator(1, "image", k), np.full(SHAPE, -20.0), 0.2, one_look).ravel() for k in range(8)]
    )
    assert envelope.mean() / envelope.std() == pytest.approx(np.sqrt(np.pi / (4 - np.pi)), rel=0.03)
    assert np.mean(envelope**2) == pytest.approx(2 * 10 ** (-20 / 10), rel=0.04)


def test_speckle_is_coarser_away_from_the_focus_and_on_scanner_beta() -> None:
    def lateral_correlation(name: str, rows: slice) -> float:
        flat = replace(SCANNERS[name], noise_db=-200.0)
        total = [
            _envelope(generator(2, "image", k), np.zeros(SHAPE), 0.2, flat)[rows] for k in range(4)
        ]
        stack = np.concatenate(total)
        return float(np.corrcoef(stack[:, :-2].ravel(), stack[:, 2:].ravel())[0, 1])

    focus, deep = slice(80, 110), slice(185, 200)
    assert lateral_correlation("Alpha", deep) > lateral_correlation("Alpha", focus) + 0.1
    assert lateral_correlation("Beta", focus) > lateral_correlation("Alpha", focus) + 0.05


def mean_over(name: str, traits: Traits, measure: Any) -> float:
    return float(np.mean([measure(draw_picture(generator(3, "image", k), traits, SCANNERS[name])) for k in range(6)]))


def test_traits_show_in_the_picture() -> None:
    def behind(picture: Any) -> float:
        """Grey below the lesion's middle third against the same rows beside the lesion."""
        rows, columns = np.nonzero(picture.mask)
        below = slice(rows.max() + 6, SHAPE[0])
        left, right = columns.min(), columns.max()
        third = (right - left) // 3
        middle = picture.image[below, left + third : right - third].mean()
        sides = np.concatenate([picture.image[below, : left - 12], picture.image[below, right + 12 :]], axis=1)
        return float(middle - sides.mean())

    assert mean_over("Alpha", replace(TRAITS, shadow=2.0), behind) < -20
    assert mean_over("Alpha", replace(TRAITS, shadow=-1.5), behind) > 15

    def spread(picture: Any) -> float:
        return float(picture.image[picture.mask].std())

    assert mean_over("Alpha", replace(TRAITS, texture=1.5), spread) > mean_over("Alpha", TRAITS, spread) + 4

    def roughness(picture: Any) -> float:
        return float(np.ptp(np.log(picture.lesion.radius(np.linspace(-np.pi, np.pi, 720)))))

    assert mean_over("Alpha", replace(TRAITS, margin=2.0), roughness) > mean_over("Alpha", TRAITS, roughness)


def test_the_same_lesion_is_brighter_on_scanner_beta() -> None:
    def inside(picture: Any) -> float:
        return float(picture.image[picture.mask].mean())

    assert mean_over("Beta", TRAITS, inside) > mean_over("Alpha", TRAITS, inside) + 8


def test_the_depth_setting_grows_with_the_lesion_and_lesions_stay_in_the_picture() -> None:
    alpha = SCANNERS["Alpha"]
    assert [choose_spacing(alpha, d) for d in (6.0, 15.0, 15.1, 25.1, 42.0)] == [0.15, 0.15, 0.20, 0.32, 0.32]
    for k in range(12):
        for aspect in (0.0, 2.0):
            picture = draw_picture(generator(4, "image", k), replace(TRAITS, diameter_mm=42.0, margin=2.0, aspect=aspect), alpha)
            edges = np.concatenate([picture.mask[0], picture.mask[-1], picture.mask[:, 0], picture.mask[:, -1]])
            assert not edges.any()
