"""The registry of filters: complete, and at one with the names that the table of features is made of."""

from __future__ import annotations

from importlib import import_module

import numpy as np

from radiogen.features.radiomics import extract, load_settings
from radiogen.features.radiomics.filters.registry import FILTERS, filtered_images
from radiogen.features.radiomics.names import IMAGE_TYPES, image_names

ALL = {
    "imageType": {
        "Original": {}, "Wavelet": {"level": 3, "wavelet": "db2"}, "LoG": {"sigma": [1, 2.5]}, "Square": {}, "SquareRoot": {},
        "Logarithm": {}, "Exponential": {}, "Gradient": {}, "LBP2D": {}, "Mean": {"meanSize": [3, 7]},
        "Laws": {"lawsKernels": ["E5L5", "S3S3"], "lawsRotation": True, "lawsPooling": "min", "lawsEnergyDistance": 3},
        "Gabor": {"gaborSigma": [1, 2.5], "gaborWavelength": [3.0], "gaborRotationStep": 90, "gaborPooling": "max"},
    },
    "featureClass": {"firstorder": ["Mean"]},
    "setting": {"binWidth": 5},
}  # fmt: skip


def scene() -> tuple[np.ndarray, np.ndarray]:
    image = np.random.default_rng(0).integers(0, 256, (37, 42)).astype(float)
    rows, columns = np.mgrid[:37, :42]
    return image, (rows - 20) ** 2 + (columns - 18) ** 2 < 120


def test_every_image_type_has_a_filter_that_declares_what_it_needs() -> None:
    assert tuple(FILTERS) == IMAGE_TYPES
    needs_whole = {kind for kind, entry in FILTERS.items() if entry.whole_image}
    assert needs_whole == {"Square", "SquareRoot", "Logarithm", "Exponential"}
    for entry in FILTERS.values():
        assert entry.margin and callable(import_module(f"radiogen.features.radiomics.filters.{entry.module}").apply)


def test_filters_give_the_names_of_the_table() -> None:
    image, mask = scene()
    settings = load_settings(ALL)
    assert tuple(f.name for f in filtered_images(image, mask, (1.0, 1.0), settings)) == image_names(settings)
    # three levels give 3 × 3 details and one approximation; LoG, Mean, Laws and Gabor two each; seven others
    assert len(set(image_names(settings))) == len(image_names(settings)) == 10 + 4 * 2 + 7


def test_every_image_type_is_measured() -> None:
    image, mask = scene()
    found = extract(image, mask, (1.0, 1.0), ALL, engine="native")
    assert found.notna().all() and len(found) == 25
    rows, columns = np.nonzero(mask)
    assert found["original_firstorder_Mean"] == image[rows, columns].mean()


def test_filters_do_not_depend_on_the_region() -> None:
    """A pixel has one value, in whatever region it lies; what is filtered is the image."""
    image, mask = scene()
    settings = load_settings(ALL)
    large = {f.name: f.image for f in filtered_images(image, np.ones_like(mask), (0.9, 1.1), settings)}
    rows, columns = np.nonzero(mask)
    top, left = rows.min(), columns.min()
    for small in filtered_images(image, mask, (0.9, 1.1), settings):
        expected = large[small.name][top : rows.max() + 1, left : columns.max() + 1]
        if small.name.startswith(("gabor", "laws", "mean")):  # sums of the box only: the last bits may differ
            np.testing.assert_allclose(small.image, expected, rtol=1e-9, atol=1e-9, err_msg=small.name)
        else:
            np.testing.assert_array_equal(small.image, expected, err_msg=small.name)
