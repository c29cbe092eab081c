"""Radiomics of one image: values worked out by hand, names, settings, and what is refused."""

from __future__ import annotations

import logging
import math
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pywt

from radiogen.errors import RadiogenError
from radiogen.features.radiomics import DEFAULT_SETTINGS, FEATURES, engine_versions, extract, feature_names, load_settings
from radiogen.features.radiomics.names import PHYSICAL
from radiogen.features.radiomics.rules import IGNORED, NATIVE, RULES
from tests.features.radiomics.small_pictures import FIRST, code, four_pixels, noise

# -- values by hand -------------------------------------------------------------------------


def test_first_order_by_hand(engine: str) -> None:
    """10, 20, 30, 40 with bins of 10: each value in a bin of its own."""
    image, mask = four_pixels()
    found = extract(image, mask, spacing_mm=(0.5, 0.25), settings=FIRST, engine=engine)
    by_hand = {
        "Mean": 25, "Median": 25, "Minimum": 10, "Maximum": 40, "Range": 30,
        "Energy": 100 + 400 + 900 + 1600, "TotalEnergy": 3000 * 0.5 * 0.25, "RootMeanSquared": math.sqrt(750),
        "Variance": (225 + 25 + 25 + 225) / 4, "MeanAbsoluteDeviation": 10, "Skewness": 0,
        "Kurtosis": ((15**4 + 5**4) / 2) / 125**2, "Entropy": 2, "Uniformity": 0.25,
    }  # fmt: skip
    for name, value in by_hand.items():
        assert found[f"original_firstorder_{name}"] == pytest.approx(value, abs=1e-9), name


def test_glcm_by_hand(engine: str) -> None:
    """Two rows of one grey level each: along the rows equal pairs only, down the columns unequal ones only."""
    image = np.full((12, 12), 99.0)
    image[5, 5:7], image[6, 5:7] = 10, 20
    mask = np.zeros((12, 12), bool)
    mask[5:7, 5:7] = True
    settings = {"featureClass": {"glcm": ["Contrast", "JointEnergy"]}, "setting": {"binWidth": 10}}
    found = extract(image, mask, settings=settings, engine=engine)
    # angles 0°, 45°, 90°, 135°: contrast 0, 1, 1, 1; energy 1/2 each (two cells of 1/2)
    assert found["original_glcm_Contrast"] == pytest.approx(0.75)
    assert found["original_glcm_JointEnergy"] == pytest.approx(0.5)


def test_shape_of_a_square_by_hand(engine: str) -> None:
    """10 × 10 pixels of 0.5 mm; the mesh cuts the four corners, an eighth of a pixel each."""
    mask = np.zeros((30, 30), bool)
    mask[8:18, 12:22] = True
    found = extract(np.ones((30, 30)), mask, spacing_mm=(0.5, 0.5), settings={"featureClass": {"shape2D": []}}, engine=engine)
    perimeter, area = (4 * 9 + 4 * math.sqrt(0.5)) * 0.5, (100 - 4 / 8) * 0.25
    by_hand = {
        "PixelSurface": 25, "MeshSurface": area, "Perimeter": perimeter, "PerimeterSurfaceRatio": perimeter / area,
        "Sphericity": 2 * math.sqrt(math.pi * area) / perimeter, "Elongation": 1,
        "MaximumDiameter": math.hypot(10, 9) * 0.5,
        "MajorAxisLength": 4 * math.sqrt((10**2 - 1) / 12) * 0.5, "MinorAxisLength": 4 * math.sqrt((10**2 - 1) / 12) * 0.5,
    }  # fmt: skip
    assert set(found.index) == {f"original_shape2D_{n}" for n in by_hand}
    for name, value in by_hand.items():
        assert found[f"original_shape2D_{name}"] == pytest.approx(value), name


def test_rows_and_columns_are_not_exchanged(engine: str) -> None:
    """Ten rows of 0.5 mm and five columns of 0.1 mm: the long axis runs down."""
    mask = np.zeros((30, 30), bool)
    mask[8:18, 12:17] = True
    found = extract(np.ones((30, 30)), mask, spacing_mm=(0.5, 0.1), settings={"featureClass": {"shape2D": []}}, engine=engine)
    assert found["original_shape2D_MajorAxisLength"] == pytest.approx(4 * 0.5 * math.sqrt(99 / 12))
    assert found["original_shape2D_MinorAxisLength"] == pytest.approx(4 * 0.1 * math.sqrt(24 / 12))


# -- true 2D ----------------------------------------------------------------------------------


def test_the_wavelet_is_two_dimensional(engine: str) -> None:
    """Horizontal stripes change down the rows only: energy in LH, none in HL and HH."""
    image = np.tile(np.where(np.arange(40) % 2 == 0, 50.0, 150.0)[:, None], (1, 50))
    mask = noise()[1]
    settings = {"imageType": {"Wavelet": {"wavelet": "coif1"}}, "featureClass": {"firstorder": ["Energy"]}}
    found = extract(image, mask, settings=settings, engine=engine)
    assert [n.split("_")[0] for n in found.index] == ["wavelet-LH", "wavelet-HL", "wavelet-HH", "wavelet-LL"]
    assert found["wavelet-LH_firstorder_Energy"] > 1e6
    assert found[["wavelet-HL_firstorder_Energy", "wavelet-HH_firstorder_Energy"]].max() < 1e-12


def test_the_wavelet_is_that_of_pywavelets(engine: str) -> None:
    image, mask = noise()
    settings = {"imageType": {"Wavelet": {"wavelet": "coif1"}}, "featureClass": {"firstorder": ["Mean"]}}
    found = extract(image, mask, settings=settings, engine=engine)
    ((_, (down, across, both)),) = pywt.swt2(image, "coif1", level=1)
    expected = {"LH": down, "HL": across, "HH": both}
    for name, filtered in expected.items():
        assert found[f"wavelet-{name}_firstorder_Mean"] == pytest.approx(filtered[mask].mean(), abs=1e-9), name


def test_log_is_computed_and_is_the_laplacian(engine: str) -> None:
    """r² has Laplacian 4 everywhere; ITK's filter multiplies by sigma², here (2 px × 0.5 mm)² = 1 mm²."""
    rows, columns = np.mgrid[:120, :120] * 0.5
    image = (rows - 30) ** 2 + (columns - 30) ** 2
    mask = np.zeros((120, 120), bool)
    mask[55:65, 55:65] = True
    settings = {"imageType": {"LoG": {"sigma": [1.0]}}, "featureClass": {"firstorder": ["Mean"]}}
    found = extract(image, mask, (0.5, 0.5), settings, engine=engine)
    assert found["log-sigma-1-0-mm-3D_firstorder_Mean"] == pytest.approx(4, rel=0.01)


# -- names and units -----------------------------------------------------------------------------


def test_without_spacing_nothing_claims_millimetres(engine: str) -> None:
    image, mask = noise()
    settings = {
        "imageType": {"Original": {}, "LoG": {"sigma": [2.0]}, "Gradient": {}},
        "featureClass": {"firstorder": ["Mean", "TotalEnergy"], "shape2D": ["Perimeter", "Elongation"]},
    }
    pixels = extract(image, mask, settings=settings, engine=engine)
    mm = extract(image, mask, (1.0, 1.0), settings, engine=engine)
    assert list(pixels.index) == [
        "original_shape2D_Perimeter", "original_shape2D_Elongation",
        "original_firstorder_Mean", "original_firstorder_TotalEnergy",
        "log-sigma-2-0-px-2D_firstorder_Mean", "log-sigma-2-0-px-2D_firstorder_TotalEnergy",
        "gradient-px_firstorder_Mean", "gradient-px_firstorder_TotalEnergy",
    ]  # fmt: skip
    missing = pixels.index[pixels.isna()]
    assert [n.split("_")[2] for n in missing] == ["Perimeter"] + ["TotalEnergy"] * 3
    assert set(pixels.attrs["missing"]) == set(missing)
    assert "spacing" in pixels.attrs["missing"]["original_shape2D_Perimeter"]
    assert mm.notna().all() and "log-sigma-2-0-mm-3D_firstorder_Mean" in mm.index
    np.testing.assert_array_equal(pixels.dropna(), mm[pixels.notna().to_numpy()])


def test_the_list_of_units_is_complete(engine: str) -> None:
    """Doubling the pixel changes exactly the features that are listed as physical."""
    image, mask = noise()
    settings = {"imageType": {"Original": {}}, "setting": {"binWidth": 5}}
    small, large = (extract(image, mask, (s, s), settings, engine=engine) for s in (1.0, 2.0))
    changed = {tuple(n.split("_")[1:]) for n in small.index[~np.isclose(small, large, rtol=1e-9)]}
    assert changed == PHYSICAL


def test_names_and_their_order_are_those_of_pyradiomics() -> None:
    pytest.importorskip("radiomics")
    import SimpleITK
    from radiomics import featureextractor, getFeatureClasses

    for name, features in FEATURES.items():
        known = getFeatureClasses()[name].getFeatureNames()
        assert tuple(n for n, deprecated in known.items() if not deprecated) == features
    image, mask = noise()
    for images in (DEFAULT_SETTINGS["imageType"], {"Wavelet": {"level": 2}, "Square": {}, "Logarithm": {}, "Exponential": {}}):
        settings = load_settings({**DEFAULT_SETTINGS, "imageType": images})
        extractor = featureextractor.RadiomicsFeatureExtractor({**settings, "setting": {"binWidth": 5, "additionalInfo": False}})
        previous = logging.getLogger("radiomics").level
        logging.getLogger("radiomics").setLevel(logging.CRITICAL)
        found = extractor.execute(SimpleITK.GetImageFromArray(image), SimpleITK.GetImageFromArray(mask.astype(np.uint8)))
        logging.getLogger("radiomics").setLevel(previous)
        assert tuple(found) == feature_names(settings, calibrated=True)
        ours = extract(image, mask, (1.0, 1.0), settings, engine="pyradiomics")
        np.testing.assert_array_equal(ours.to_numpy(), [float(np.real(v)) for v in found.values()])


def test_default_settings_give_753_finite_features(engine: str) -> None:
    image, mask = noise()
    found = extract(image, mask, spacing_mm=(1.0, 1.0), engine=engine)
    assert len(found) == 9 + 8 * (18 + 24 + 16 + 16 + 14 + 5) == 753
    assert np.isfinite(found).all() and found.attrs["missing"] == {}


def test_an_image_too_small_for_a_filter_keeps_its_columns(engine: str) -> None:
    image, mask = noise(shape=(40, 50))
    settings = {"imageType": {"Original": {}, "LoG": {"sigma": [60.0]}}, "featureClass": {"firstorder": ["Mean"]}}
    found = extract(image, mask, (1.0, 1.0), settings, engine=engine)
    assert np.isnan(found["log-sigma-60-0-mm-3D_firstorder_Mean"])
    assert "too small" in found.attrs["missing"]["log-sigma-60-0-mm-3D_firstorder_Mean"]
    assert found["original_firstorder_Mean"] == pytest.approx(image[mask].mean())


# -- what is refused --------------------------------------------------------------------------------


def test_refusals(engine: str) -> None:
    image, mask = noise()
    assert code(image, mask, engine="naive") == "RG708"
    assert code(image, mask[:-1], engine=engine) == "RG705"
    assert code(image, mask.astype(int), engine=engine) == "RG705"
    assert code(np.where(mask, np.nan, image), mask, engine=engine) == "RG705"
    assert code(image, np.zeros_like(mask), engine=engine) == "RG505"
    line = np.zeros_like(mask)
    line[10, 5:40] = True
    assert code(image, line, engine=engine) == "RG510"
    small = np.zeros_like(mask)
    small[10:18, 10:18] = True  # 64 pixels: not more than 64
    assert code(image, small, engine=engine) == "RG510"
    small[18, 10] = True
    assert len(extract(image, small, engine=engine)) == 753
    spacing = {"resampledPixelSpacing": [0.1, 0.1]}
    assert code(image, mask, settings={"setting": spacing}, engine=engine) == "RG509"
    coarse = {"resampledPixelSpacing": [30, 30]}  # nothing is left of a region of 26 pixels
    assert code(image, mask, (1.0, 1.0), settings={"setting": coarse}, engine=engine) == "RG510"


@pytest.mark.parametrize(
    ("settings", "expected", "hint"),
    [
        ({"imagetype": {}}, "RG102", "imageType"),
        ({"imageType": {"Wavelets": {}}}, "RG104", "Wavelet"),
        ({"imageType": {"LBP3D": {}}}, "RG104", "2D"),
        ({"imageType": {"LoG": {}}}, "RG104", "sigma"),
        ({"imageType": {"LoG": {"sigma": [0.0]}}}, "RG104", "sigma"),
        ({"featureClass": {"glcms": []}}, "RG104", "glcm"),
        ({"featureClass": {"glcm": ["Contrst"]}}, "RG104", "Contrast"),
        ({"featureClass": {"glcm": "Contrast"}}, "RG104", "list"),
        ({"setting": [1]}, "RG104", "mapping"),
        ([1], "RG104", "mapping"),
        ({"imageType": {"Wavelet": [2]}}, "RG104", "mapping"),
        ({"imageType": {"Wavelet": {"wavelet": "coif99"}}}, "RG104", "coif1"),
        ({"imageType": {"Wavelet": {"wavelet": "mexh"}}}, "RG104", "discrete"),
        ({"imageType": {"Gradient": {"gradientUseSpacings": True}}}, "RG102", "gradientUseSpacing"),
        ({"setting": {"normalise": True}}, "RG102", "normalize"),
        ({"setting": {"resegmentMode": "relativ"}}, "RG104", "relative"),
        ({"setting": {"resegmentRange": [1, 2, 3]}}, "RG104", "one or two"),
        ({"setting": {"distances": [1.5]}}, "RG104", "whole"),
        ({"setting": {"normalize": 1}}, "RG104", "true or false"),
        ({"setting": {"interpolator": "sitkCubic"}}, "RG104", "sitkBSpline"),
        ({"setting": {"binWidth": -5}}, "RG104", "binWidth"),
        ({"setting": {"binwidth": 5}}, "RG102", "binWidth"),  # pyradiomics refuses it too
    ],
)
def test_wrong_settings(settings: Any, expected: str, hint: str) -> None:
    with pytest.raises(RadiogenError) as caught:
        extract(*noise(), settings=settings)
    assert caught.value.code == expected
    assert hint in caught.value.problems[0].message


def test_without_pyradiomics_the_fix_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "radiomics.featureextractor", None)  # an import now fails
    with pytest.raises(RadiogenError) as caught:
        extract(*noise(), engine="pyradiomics")
    assert caught.value.code == "RG901" and "pip install" in caught.value.problems[0].fix

    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("radiogen.features.radiomics.engine.version", absent)
    with pytest.raises(RadiogenError, match="RG901"):
        engine_versions("pyradiomics")


def test_settings_from_a_file(engine: str, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        "imageType:\n  Original: {}\nfeatureClass:\n  shape:\n  firstorder: [Mean]\n"
        "setting:\n  binWidth: 12\n  label: 255\n  force2D: true\n"
    )
    settings = load_settings(tmp_path / "p.yaml")
    # the 3D class, the label and force2D have no meaning here
    assert settings == {"imageType": {"Original": {}}, "featureClass": {"firstorder": ["Mean"]}, "setting": {"binWidth": 12}}
    image, mask = noise()
    found = extract(image, mask, settings=tmp_path / "p.yaml", engine=engine)
    assert list(found.index) == ["original_firstorder_Mean"]
    with pytest.raises(RadiogenError, match="RG201"):
        load_settings(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1")
    with pytest.raises(RadiogenError, match="RG101"):
        load_settings(tmp_path / "bad.yaml")


def test_the_default_settings_cannot_be_changed_by_accident() -> None:
    load_settings()["setting"]["binWidth"] = 99
    assert load_settings()["setting"]["binWidth"] == DEFAULT_SETTINGS["setting"]["binWidth"] == 5


def test_nothing_is_left_changed_and_nothing_is_said(engine: str, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("radiomics")
    import SimpleITK
    from radiomics import logger

    before = (logger.level, SimpleITK.ProcessObject.GetGlobalDefaultNumberOfThreads(), np.geterr())
    extract(*noise(), engine=engine)
    extract(*noise(), (0.1, 0.1), {"setting": {"resampledPixelSpacing": [0.2, 0.2], "normalize": True}}, engine)
    code(*noise(), settings={"setting": {"binWidth": -5}}, engine=engine)
    assert (logger.level, SimpleITK.ProcessObject.GetGlobalDefaultNumberOfThreads(), np.geterr()) == before
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("bad", [{"binWidth": -5}, {"binWidth": 0}, {"binCount": "many"}, {"resampledPixelSpacing": [0.1, -0.1]}])
def test_settings_that_make_no_sense_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(RadiogenError, match="RG104"):
        load_settings({"setting": bad})


def test_a_parameter_file_made_for_volumes_is_read(engine: str, tmp_path: Path) -> None:
    """What has a meaning in 2D is kept; a third spacing, labels and 3D classes are not."""
    (tmp_path / "volume.yaml").write_text(
        "setting:\n  binWidth: 25\n  label: 1\n  interpolator: 'sitkBSpline'\n  resampledPixelSpacing: [0.2, 0.2, 3]\n"
        "  weightingNorm:\n  binCount:\n  normalizeScale: 100\n  voxelArrayShift: 300\n  geometryTolerance: 0.001\n"
        "  additionalInfo: true\n  padDistance:\n"
        "imageType:\n  Original: {}\n  LoG:\n    sigma: [1.0, 3.0]\n    binWidth: 10\n  Wavelet:\n"
        "featureClass:\n  shape:\n  firstorder: []\n  glcm:\n    - 'JointEntropy'\n"
        "voxelSetting:\n  kernelRadius: 2\n"
    )
    settings = load_settings(tmp_path / "volume.yaml")
    assert settings["setting"] == {
        "binWidth": 25, "interpolator": "sitkBSpline", "resampledPixelSpacing": [0.2, 0.2], "weightingNorm": None,
        "binCount": None, "normalizeScale": 100, "voxelArrayShift": 300,
    }  # fmt: skip
    assert settings["imageType"] == {"Original": {}, "LoG": {"sigma": [1.0, 3.0], "binWidth": 10}, "Wavelet": {}}
    assert settings["featureClass"] == {"firstorder": [], "glcm": ["JointEntropy"]}
    found = extract(*noise(), (0.1, 0.1), settings, engine)
    assert len(found) == (1 + 2 + 4) * 19 and found.notna().all()


def test_every_setting_of_pyradiomics_is_known() -> None:
    """The keys of its schema are either checked here or left out on purpose."""
    pytest.importorskip("radiomics")
    from radiomics import getParameterValidationFiles
    from ruamel.yaml import YAML

    schema = YAML(typ="safe", pure=True).load(Path(getParameterValidationFiles()[0]))
    assert set(schema["mapping"]["setting"]["mapping"]) == (set(RULES) | set(IGNORED)) - set(NATIVE)


def test_importing_it_loads_no_compiler() -> None:
    """numba, SimpleITK and scikit-image cost seconds and are imported when they are first used."""
    heavy = "('numba', 'SimpleITK', 'skimage', 'pywt', 'radiomics')"
    script = f"import sys, radiogen.features.radiomics; sys.exit(any(m in sys.modules for m in {heavy}))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
