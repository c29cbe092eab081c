"""The stationary wavelet: PyWavelets to the bit, at every border and for every length of filter."""

from __future__ import annotations

import numpy as np
import pytest
import pywt

from radiogen.features.radiomics.filters.registry import filtered_images
from radiogen.features.radiomics.filters.stationary_wavelet import analyse
from radiogen.features.radiomics.settings import load_settings

LETTERS = str.maketrans("LH", "ad")


def test_haar_by_hand() -> None:
    """One bright column in zeros: the mean of two neighbours times √2, and their difference, along the rows."""
    image = np.zeros((4, 8))
    image[:, 3] = 6.0
    half = np.sqrt(0.5)
    found = analyse(image, np.array([half, half]), np.array([-half, half]), (1, 3, 2, 5))
    # columns constant: L down the columns multiplies by √2, H gives 0; sample o combines columns o and o + 1
    np.testing.assert_allclose(found["LL"], [[6, 6, 0], [6, 6, 0]], atol=1e-12)
    np.testing.assert_allclose(np.abs(found["HL"]), [[6, 6, 0], [6, 6, 0]], atol=1e-12)
    np.testing.assert_allclose(found["LH"], 0, atol=1e-12)
    np.testing.assert_allclose(found["HH"], 0, atol=1e-12)


@pytest.mark.parametrize("wavelet", ["haar", "coif1", "db10", "bior1.3", "rbio2.4", "dmey"])
@pytest.mark.parametrize("shape", [(2, 2), (8, 6), (64, 30), (34, 90)])
def test_every_box_has_the_bits_of_pywavelets(wavelet: str, shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape).astype(float)
    whole = pywt.swtn(image, wavelet, level=1, axes=(1, 0))[0]
    filters = pywt.Wavelet(wavelet)
    rows, columns = shape
    for box in (
        (0, rows, 0, columns), (rows // 2, rows, columns // 2, columns), (0, 1, 0, columns), (rows - 1, rows, 0, 1),
    ):  # fmt: skip
        found = analyse(image, np.array(filters.dec_lo), np.array(filters.dec_hi), box)
        for name, values in found.items():
            expected = whole[name.translate(LETTERS)][box[0] : box[1], box[2] : box[3]]
            np.testing.assert_array_equal(values, expected, err_msg=f"{name} {box}")


def test_levels_filter_the_approximation_again_with_undilated_filters() -> None:
    """As pyradiomics does it; an odd side has its first line once more at its end."""
    image = np.random.default_rng(1).normal(size=(31, 44))
    mask = np.zeros(image.shape, bool)
    mask[20:31, 5:17] = True
    settings = load_settings({"imageType": {"Wavelet": {"wavelet": "db2", "level": 2, "start_level": 1}}})
    found = {f.name: f.image for f in filtered_images(image, mask, (1.0, 1.0), settings)}
    data = np.vstack([image, image[:1]])
    expected = {}
    for level in (0, 1, 2):
        parts = pywt.swtn(data, "db2", level=1, axes=(1, 0))[0]
        if level:
            expected |= {f"wavelet{'' if level == 1 else level}-{n}": parts[n.translate(LETTERS)] for n in ("LH", "HL", "HH")}
        data = parts["aa"]
    expected["wavelet2-LL"] = data
    assert list(found) == list(expected)
    for name, values in found.items():
        np.testing.assert_array_equal(values, expected[name][20:31, 5:17], err_msg=name)
