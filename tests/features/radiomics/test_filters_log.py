"""The Laplacian of Gaussian: ITK to the bit, and the Laplacian of what can be differentiated by hand."""

from __future__ import annotations

import numpy as np
import pytest

from radiogen.features.radiomics.filters.laplacian_of_gaussian import laplacian
from radiogen.features.radiomics.filters.view import View


def itk(image: np.ndarray, spacing: tuple[float, float], sigma: float) -> np.ndarray:
    import SimpleITK

    picture = SimpleITK.GetImageFromArray(image)
    picture.SetSpacing(spacing[::-1])
    log = SimpleITK.LaplacianRecursiveGaussianImageFilter()
    log.SetNormalizeAcrossScale(True)
    log.SetSigma(sigma)
    return SimpleITK.GetArrayFromImage(log.Execute(picture))


@pytest.mark.parametrize("sigma", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.1, 0.07)])
@pytest.mark.parametrize("shape", [(60, 90), (33, 17), (4, 61)])
def test_every_box_has_the_bits_of_itk(shape: tuple[int, int], spacing: tuple[float, float], sigma: float) -> None:
    pytest.importorskip("SimpleITK")
    image = np.random.default_rng(0).integers(0, 256, shape).astype(float)
    image[:, : shape[1] // 3] = 0  # flat areas: the signs of the smallest numbers decide bins
    image[: shape[0] // 3] = 17.3
    whole = itk(image, spacing, sigma)
    rows, columns = shape
    for box in ((0, rows, 0, columns), (rows // 2, rows, columns // 3, columns), (0, 3, columns - 2, columns)):
        found = laplacian(View(image, box, spacing), sigma)
        np.testing.assert_array_equal(found, whole[box[0] : box[1], box[2] : box[3]], err_msg=str(box))


def test_the_laplacian_of_a_paraboloid() -> None:
    """3 x² + y² with x and y in mm has Laplacian 8; the filter multiplies by sigma² = 0.25 mm²."""
    rows, columns = np.mgrid[:160, :200]
    y, x = (rows - 80) * 0.1, (columns - 100) * 0.05
    found = laplacian(View(3 * x**2 + y**2, (78, 82, 98, 103), (0.1, 0.05)), 0.5)
    np.testing.assert_allclose(found, 8 * 0.25, rtol=2e-3)


def test_a_blob_of_the_filters_size_gives_the_strongest_answer() -> None:
    """A Gaussian of width s has its largest scaled Laplacian at sigma = s (scale-space theory in 2D)."""
    rows, columns = np.mgrid[:101, :101]
    blob = np.exp(-((rows - 50) ** 2 + (columns - 50) ** 2) / (2 * 4.0**2))
    at = {s: float(laplacian(View(blob, (50, 51, 50, 51), (1.0, 1.0)), s)[0, 0]) for s in (2.0, 3.0, 4.0, 5.0, 6.0)}
    assert min(at, key=lambda s: at[s]) == 4.0
    # centre of the smoothed blob: s²/(s² + σ²) · (-2/(s² + σ²)) · σ² = -2 · 16 · 16 / 32² = -0.5
    assert at[4.0] == pytest.approx(-0.5, rel=0.01)
