"""The dictionary has every feature that the families give, and none that they do not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from radiogen.cohort.frames import feature_name
from radiogen.cohort.modality import Kind, RingSection
from radiogen.errors import RadiogenError
from radiogen.features.contrast import NAMES as CONTRAST
from radiogen.features.dictionary import COLUMNS, cohort_settings, entries, feature_dictionary
from radiogen.features.dictionary.filters import FILTERS, filter_of
from radiogen.features.dictionary.sheets import sheet
from radiogen.features.dictionary.table import kinds
from radiogen.features.doppler import NAMES as DOPPLER
from radiogen.features.families import FAMILIES, family_of
from radiogen.features.radiomics.names import FEATURES, IMAGE_TYPES, PHYSICAL

#: options of the image types that need some, with all that shows in a name
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "LoG": [{"sigma": [0.5, 2.0, 10]}],
    "Wavelet": [{"wavelet": "coif1"}, {"wavelet": "haar", "level": 3}],
    "Gradient": [{}, {"gradientUseSpacing": False}],
    "Mean": [{"meanSize": [3, 15]}],
    "Laws": [
        {"lawsKernels": ["E5L5", "S3W5"]},
        {"lawsKernels": ["R5R5"], "lawsRotation": True, "lawsPooling": "max", "lawsEnergyDistance": 7},
        {"lawsKernels": ["L5E5"], "lawsRotation": True, "lawsPooling": "mean"},
        {"lawsKernels": ["L3E3"], "lawsEnergyDistance": 3},
    ],
    "Gabor": [
        {"gaborSigma": [2.5], "gaborWavelength": [1.5], "gaborAngle": [0.0, 45.0, 22.5], "gaborAspect": 1.5},
        {"gaborSigma": [5.0], "gaborWavelength": [2.0], "gaborRotationStep": 22.5, "gaborPooling": "mean"},
    ],
}


def keys_of(kind: str) -> dict[str, Any]:
    return {"kind": kind, **({"unit": "kPa"} if kind == "swe" else {})}


def given(kind: str, options: dict[str, Any], calibrated: bool) -> list[str]:
    family = family_of(kind)  # type: ignore[arg-type]
    return [feature_name("m", n) for n in family.names(family.settings(options), calibrated=calibrated)]


@pytest.mark.parametrize("calibrated", [True, False])
@pytest.mark.parametrize("kind", list(FAMILIES))
def test_what_a_family_gives_is_what_the_dictionary_has(kind: Kind, calibrated: bool) -> None:
    table = feature_dictionary({"m": keys_of(kind)}, calibrated=calibrated)
    assert table["feature"].tolist() == given(kind, keys_of(kind), calibrated)
    assert table["feature"].is_unique
    assert (table[["region", "class", "formula", "reference"]] != "").all(axis=None)


def test_the_default_is_all_kinds() -> None:
    table = feature_dictionary()
    assert list(table.columns) == list(COLUMNS)
    assert set(table["modality"]) == set(kinds()) - {"grey"}
    assert table["feature"].is_unique
    assert table.map(lambda v: isinstance(v, str)).all(axis=None)
    assert feature_dictionary(modalities=["ceus"])["modality"].unique().tolist() == ["ceus"]


@pytest.mark.parametrize("calibrated", [True, False])
@pytest.mark.parametrize("image", IMAGE_TYPES)
def test_every_image_type_is_described(image: str, calibrated: bool) -> None:
    for options in OPTIONS.get(image, [{}]):
        settings = {"imageType": {image: options}}
        table = feature_dictionary({"m": {"settings": settings}}, calibrated=calibrated)
        assert table["feature"].tolist() == given("grey", {"settings": settings}, calibrated)
        # every filtered picture has a label of its own
        pictures = {f.removeprefix("m_").rsplit("_", 2)[0] for f in table.loc[table["class"] != "shape2D", "feature"]}
        assert table.loc[table["class"] != "shape2D", "filter"].nunique() == len(pictures)
        assert not table["filter"].str.contains(r"[{}]|-$", regex=True).any()


def test_no_description_is_of_a_feature_that_nobody_gives() -> None:
    for name, features in FEATURES.items():
        assert sorted(sheet(name).lines) == sorted(features)
    assert sorted(sheet("doppler").lines) == sorted(DOPPLER)
    assert sorted(sheet("contrast").lines) == sorted(CONTRAST)
    family = family_of("swe")
    names = family.names(family.settings({"unit": "kPa"}), calibrated=True)
    for part in sheet("elastography").lines:
        assert any(n.startswith(part) for n in names), part


def test_a_feature_without_a_description_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from radiogen.features import doppler

    monkeypatch.setattr(doppler, "NAMES", (*DOPPLER, "new_index"))
    with pytest.raises(RadiogenError, match="new_index"):
        feature_dictionary(modalities=["doppler"])


@pytest.mark.parametrize(
    ("image", "label", "unit"),
    [
        ("original", "original", "{x}"),
        ("wavelet-HL", "wavelet HL", "{x}"),
        ("wavelet2-LL", "wavelet LL, level 2", "{x}"),
        ("log-sigma-0-5-mm-3D", "LoG σ 0.5 mm", "{x}"),
        ("log-sigma-10-px-2D", "LoG σ 10 px", "{x}"),
        ("gradient", "gradient", "{x}/mm"),
        ("gradient-px", "gradient, per pixel", "{x}/px"),
        ("mean-15", "mean 15 × 15", "{x}"),
        ("laws-E5W5-rot-max-energy-7", "Laws E5W5, max over quarter turns, energy within 7 px", "{x}"),
        ("gabor-sigma-5-0-mm-lambda-2-0-mm-gamma-1-5-rot-22-5-mean", "Gabor σ 5, λ 2 mm, γ 1.5, mean over turns by 22.5°", "{x}"),
        ("gabor-sigma-5-0-px-lambda-2-0-px-gamma-1-0-theta--45-0", "Gabor σ 5, λ 2 px, γ 1, θ −45°", "{x}"),
    ],
)
def test_filters_by_their_names(image: str, label: str, unit: str) -> None:
    found = filter_of(image)
    assert (found.label, found.unit) == (label, unit)


def test_a_filter_that_nobody_described() -> None:
    with pytest.raises(RadiogenError) as raised:
        filter_of("curvelet-3")
    assert raised.value.code == "RG708"
    assert len({pattern for pattern, _ in FILTERS}) == len(FILTERS)


# -- units ----------------------------------------------------------------------------


def test_units_of_radiomics() -> None:
    table = feature_dictionary(modalities=["bmode"]).set_index("feature")["unit"]
    assert table["bmode_original_firstorder_Mean"] == "grey value"
    assert table["bmode_wavelet_LL_firstorder_Variance"] == "grey value²"
    assert table["bmode_original_firstorder_TotalEnergy"] == "grey value²·mm²"
    assert table["bmode_original_shape2D_PerimeterSurfaceRatio"] == "1/mm"
    assert table["bmode_original_glcm_Contrast"] == ""
    gradient = {"m": {"settings": {"imageType": {"Gradient": {}}}}}
    units = feature_dictionary(gradient).set_index("feature")["unit"]
    assert (units["m_gradient_firstorder_Mean"], units["m_gradient_firstorder_Energy"]) == ("grey value/mm", "(grey value/mm)²")
    units = feature_dictionary({"m": {"settings": {"imageType": {"LBP2D": {}}}}}).set_index("feature")["unit"]
    assert (units["m_lbp_2D_firstorder_Mean"], units["m_lbp_2D_firstorder_TotalEnergy"]) == ("", "mm²")


def test_what_depends_on_the_size_of_a_pixel_says_so() -> None:
    found = {(c, f) for c in FEATURES for f, line in sheet(c).lines.items() if "mm" in line.unit}
    assert found == set(PHYSICAL)


PAGES = {"swe": "swe.md", "doppler": "doppler.md", "ceus": "ceus.md"}
#: how the pages write a range of values, which is no unit
_RANGES = ("0 to 100", "0 to 3")


@pytest.mark.parametrize("modality", list(PAGES))
def test_units_are_those_of_the_pages(repo: Path, modality: str) -> None:
    text = (repo / "docs" / PAGES[modality]).read_text(encoding="utf-8")
    table = feature_dictionary(modalities=[modality])
    units = {f.removeprefix(f"{modality}_"): u for f, u in zip(table["feature"], table["unit"], strict=True)}
    own = {n for n in units if "original_" not in n}
    seen = set()
    for line in text.splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        names = [n for c in cells[:3] for n in re.findall(r"^`([^`]+)`$", c) if n in own]
        if not names or len(cells) < 3:
            continue
        unit = cells[len([c for c in cells if c.startswith("`")])]
        for name in names:
            assert units[name] == ("" if unit in _RANGES else unit), name
            seen.add(name)
    assert own - seen == set()


# -- settings -------------------------------------------------------------------------


def test_rings_and_metres_per_second() -> None:
    keys = {"bmode": {"rings": [{"width": 1.5, "unit": "px", "side": "inside"}]}, "swe": {"unit": "m/s", "shell_px": 10}}
    table = feature_dictionary(keys).set_index("feature")
    ring = table.loc["bmode_inside_1p5_px_original_glcm_JointEntropy"]
    assert (ring["region"], ring["ibsi"]) == ("ring 1.5 px inside", "TU9B")
    assert not table.index.str.contains("inside.*shape2D").any()
    rings = [RingSection(width=1.5, unit="px", side="inside")]
    assert [f for f in table.index if f.startswith("bmode_")] == [f"bmode_{n[2:]}" for n in given("bmode", {"rings": rings}, True)]
    assert table.loc["swe_with_shell_mean_m_s", ["region", "unit"]].tolist() == ["lesion and shell", "m/s"]
    assert table.loc["swe_original_firstorder_Variance", "unit"] == "(m/s)²"
    stiff = table.loc["swe_shell_share_above_5p16_m_s_pct"]
    assert stiff["unit"] == "%" and "5.16 m/s" in stiff["formula"]


def test_amplitudes_say_when_they_are_relative() -> None:
    plain = feature_dictionary({"ceus": {}}).set_index("feature")["note"]
    linear = feature_dictionary({"ceus": {"dynamic_range_db": 60}}).set_index("feature")["note"]
    assert "not linear" in plain["ceus_peak_enhancement_au"] and "not linear" not in plain["ceus_rise_time_s"]
    assert not linear.str.contains("not linear").any()


def test_keys_that_are_not_understood() -> None:
    with pytest.raises(RadiogenError) as raised:
        feature_dictionary({"bmode": {"rings": [{"width": -1}]}})
    assert (raised.value.code, raised.value.problems[0].column) == ("RG104", "rings.0.width")
    with pytest.raises(RadiogenError, match="Did you mean 'bmode'"):
        feature_dictionary(modalities=["b_mode"])


COHORT = """\
radiogen: 1
cohort: {name: tiny}
tables:
  clinical: {path: c.csv, id: id}
modalities:
"""


def test_a_cohort_needs_no_data(tmp_path: Path) -> None:
    (tmp_path / "cohort.yaml").write_text(COHORT + "  left:\n    kind: swe\n    images: i.csv\n    stiff_above: 100\n  mri: {features: f.csv}\n")
    settings = cohort_settings(tmp_path)
    assert list(settings) == ["left"]
    assert "left_share_above_100_kpa_pct" in [e.feature for e in entries(settings)]
    (tmp_path / "cohort.yaml").write_text(COHORT + "  mri: {features: f.csv}\n")
    with pytest.raises(RadiogenError) as raised:
        cohort_settings(tmp_path / "cohort.yaml")
    assert raised.value.code == "RG706"


# -- IBSI -----------------------------------------------------------------------------

#: identifiers of the reference manual and the tags of its table of values
TAGS = {
    "firstorder": {
        "QG58": "stat_p10", "8DWT": "stat_p90", "N8CA": "stat_energy", "TLU2": "ih_entropy", "SALO": "stat_iqr", "84IY": "stat_max",
        "4FUA": "stat_mad", "Q4LE": "stat_mean", "Y12H": "stat_median", "1GSF": "stat_min", "2OJQ": "stat_range",
        "1128": "stat_rmad", "5ZWQ": "stat_rms", "KE2A": "stat_skew", "BJ5W": "ih_uniformity", "ECT3": "stat_var",
    },
    "glcm": {
        "QWB0": "auto_corr", "AE86": "clust_prom", "7NFM": "clust_shade", "DG8W": "clust_tend", "ACUI": "contrast", "NI2N": "corr",
        "TF7R": "diff_avg", "NTRS": "diff_entr", "D3YU": "diff_var", "IB1Z": "inv_diff", "WF0Z": "inv_diff_mom",
        "1QCO": "inv_diff_mom_norm", "NDRX": "inv_diff_norm", "R8DG": "info_corr1", "JN9H": "info_corr2", "E8JP": "inv_var",
        "60VM": "joint_avg", "8ZQL": "energy", "TU9B": "joint_entr", "GYBY": "joint_max", "ZGXS": "sum_avg", "P6QZ": "sum_entr",
        "UR99": "joint_var",
    },
    "glrlm": {
        "R5YN": "glnu", "OVBL": "glnu_norm", "8CE5": "gl_var", "G3QZ": "hgre", "W4KF": "lre", "3KUM": "lrhge", "IVPO": "lrlge",
        "V3SW": "lgre", "HJ9O": "rl_entr", "W92Y": "rlnu", "IC23": "rlnu_norm", "9ZK5": "r_perc", "SXLW": "rl_var", "22OV": "sre",
        "GD3A": "srhge", "HTZT": "srlge",
    },
    "glszm": {
        "JNSA": "glnu", "Y1RO": "glnu_norm", "BYLV": "gl_var", "5GN9": "hgze", "48P8": "lze", "J17V": "lzhge", "YH51": "lzlge",
        "XMSY": "lgze", "4JP3": "zsnu", "VB3A": "zsnu_norm", "5QRC": "sze", "HW1V": "szhge", "5RAI": "szlge", "GU8N": "zs_entr",
        "P30P": "z_perc", "3NSA": "zs_var",
    },
    "gldm": {
        "FCBV": "dc_entr", "Z87G": "dcnu", "OKJI": "dcnu_norm", "DNX2": "dc_var", "FP8K": "glnu", "1PFV": "gl_var", "OAE7": "hgce",
        "IMOQ": "hde", "9QMG": "hdhge", "NBZI": "hdlge", "TL9H": "lgce", "SODN": "lde", "JA6D": "ldhge", "EQ3F": "ldlge",
    },
    "ngtdm": {"NQ30": "busyness", "QCDE": "coarseness", "HDEZ": "complexity", "65HE": "contrast", "1X9X": "strength"},
}  # fmt: skip
_AFFIXES = {"firstorder": ("", ""), "glcm": ("cm_", "_2_5D_avg"), "glrlm": ("rlm_", "_2_5D_avg"), "glszm": ("szm_", "_2_5D"),
            "gldm": ("ngl_", "_2_5D"), "ngtdm": ("ngt_", "_2_5D")}  # fmt: skip


def test_identifiers_are_known_and_used_once() -> None:
    for name, tags in TAGS.items():
        codes = [line.ibsi for line in sheet(name).lines.values() if line.ibsi]
        assert sorted(codes) == sorted(tags)
    without = {(c, f): line.note for c in FEATURES for f, line in sheet(c).lines.items() if not line.ibsi}
    assert {k for k in without if k[0] != "shape2D"} == {("firstorder", "Kurtosis"), ("firstorder", "TotalEnergy"), ("glcm", "MCC")}
    assert all("IBSI" in note for note in without.values())


@pytest.mark.parametrize("name", list(TAGS))
def test_features_with_an_identifier_have_its_reference_value(name: str, shared: Path) -> None:
    """The digital phantom, in-plane neighbours only, matrices of all slices merged: each value within IBSI's tolerance."""
    radiomics = pytest.importorskip("radiomics")
    import importlib
    import logging

    import SimpleITK as sitk  # noqa: N813

    folder = shared / "data" / "ibsi"
    image = sitk.Cast(sitk.ReadImage(str(folder / "digital_phantom" / "phantom.nii.gz")), sitk.sitkFloat64)
    mask = sitk.Cast(sitk.ReadImage(str(folder / "digital_phantom" / "mask.nii.gz")), sitk.sitkUInt8)
    reference = pd.read_csv(folder / "ibsi_1_dig_phantom.csv", sep=";", index_col="tag")
    module = importlib.import_module(f"radiomics.{name}")
    radiomics.logger.setLevel(logging.ERROR)
    found = getattr(module, f"Radiomics{'FirstOrder' if name == 'firstorder' else name.upper()}")(
        image, mask, binWidth=1, force2D=True, force2Ddimension=0
    )
    found.enableAllFeatures()
    values = {k: float(np.ravel(v)[0]) for k, v in found.execute().items()}
    before, after = _AFFIXES[name]
    for feature, line in sheet(name).lines.items():
        if line.ibsi:
            row = reference.loc[f"{before}{TAGS[name][line.ibsi]}{after}"]
            expected = float(row["reference value"])
            # the table gives three digits
            assert values[feature] == pytest.approx(expected, abs=float(row["tolerance"]) + 0.006 * abs(expected)), feature
    if name == "firstorder":
        assert values["Kurtosis"] - 3 == pytest.approx(float(reference.loc["stat_kurt", "reference value"]), abs=0.005)
