"""Settings of radiomics extraction, in the layout of pyradiomics' parameter files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from radiogen.errors import RadiogenError, fail
from radiogen.features.radiomics.names import FEATURES, IMAGE_TYPES
from radiogen.features.radiomics.rules import check_required, checked, hint

#: What is used where nothing is declared; see :func:`load_settings` for the reasons.
DEFAULT_SETTINGS: dict[str, dict[str, Any]] = {
    "imageType": {"Original": {}, "Wavelet": {"wavelet": "coif1"}, "LoG": {"sigma": [1.0, 2.0, 3.0]}},
    "featureClass": {name: [] for name in FEATURES},
    "setting": {"binWidth": 5, "minimumROISize": 64},
}

_SECTIONS = ("imageType", "featureClass", "setting", "voxelSetting")
Settings = dict[str, dict[str, Any]]


def load_settings(settings: str | Path | Mapping[str, Any] | None = None) -> Settings:
    """Settings from a parameter file or a mapping, complete and in one form.

    Parameters
    ----------
    settings : path, mapping or None
        A YAML or JSON file, or a mapping, with ``imageType``, ``featureClass`` and ``setting`` as in
        pyradiomics' parameter files.  What is given stands alone, as in pyradiomics: without ``imageType``
        only the original image is used, without ``featureClass`` all classes, and settings that are not named
        have pyradiomics' defaults (``binWidth`` 25).  None: :data:`DEFAULT_SETTINGS`.

    Returns
    -------
    dict
        ``imageType``, ``featureClass`` and ``setting``.

    Raises
    ------
    RadiogenError
        RG201 no such file, RG101 not YAML, RG102 unknown key, RG104 wrong value.

    Notes
    -----
    The defaults for 8-bit B-mode:

    - Fixed bins of width 5, at most 51 on the scale of 0 to 255.  A fixed width gives more reproducible
      texture than a fixed number of bins [1]_, and a change of gain, which adds to log-compressed grey values,
      only shifts the bins.  pyradiomics' own width of 25 is made for other units: on breast lesions (BUSI,
      median range of grey values 195) it leaves 8 bins, and 1 or 2 in the detail images of the wavelet and
      2 in a fine LoG image; width 5 leaves about 40, 3 to 13 and 10.
    - The original, the four images of an undecimated 2D wavelet (coif1) and the Laplacian of Gaussian with
      sigma 1, 2 and 3 (mm where the image is calibrated, pixels elsewhere), as pyradiomics offers them [2]_.
    - Regions of more than 64 pixels: below that the grey-level matrices are nearly empty.

    ``label``, ``label_channel``, ``force2D``, ``force2Ddimension``, ``additionalInfo``, ``geometryTolerance``,
    ``correctMask``, the options ``lbp3D…`` and ``voxelSetting`` are left out, and so is the class ``shape`` (3D): radiogen
    always works on true 2D images and on masks that it has read itself.  Of ``resampledPixelSpacing`` the first two
    numbers count (mm per column, mm per row).  Settings in the options of an image type stand in place of the
    common ones for that image type; those of the steps before the filters (normalisation, resampling,
    resegmentation) have no effect there, as in pyradiomics.  All settings: docs/radiomics.md.

    References
    ----------
    .. [1] Duron L et al. Gray-level discretization impacts reproducible MRI radiomics texture features.
       PLoS ONE 2019;14(3):e0213459. doi:10.1371/journal.pone.0213459
    .. [2] van Griethuysen JJM et al. Computational radiomics system to decode the radiographic phenotype.
       Cancer Res 2017;77(21):e104-e107. doi:10.1158/0008-5472.CAN-17-0339

    Examples
    --------
    >>> from radiogen.features.radiomics import load_settings
    >>> load_settings({"setting": {"binWidth": 10}})["imageType"]
    {'Original': {}}
    """
    if settings is None:
        return deepcopy(DEFAULT_SETTINGS)
    given = _read(Path(settings)) if isinstance(settings, str | Path) else settings
    where = {"file": settings} if isinstance(settings, str | Path) else {}
    if not isinstance(given, Mapping):
        raise fail("RG104", "radiomics settings must be a mapping of imageType, featureClass and setting", **where)
    for key in given:
        if key not in _SECTIONS:
            raise fail("RG102", f"unknown section '{key}' of the radiomics settings.{hint(key, _SECTIONS)}", **where)
        if not isinstance(given[key] or {}, Mapping):
            raise fail("RG104", f"the section '{key}' of the radiomics settings must be a mapping", column=str(key), **where)
    try:
        return _normal(given)
    except RadiogenError as error:
        first = error.problems[0]
        raise fail(error.code, first.message, value=first.value, column=first.column, **where) from error


def _read(path: Path) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if not path.is_file():
        raise fail("RG201", "there is no such file of radiomics settings", file=path)
    try:
        return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise fail("RG101", f"the radiomics settings cannot be parsed: {' '.join(str(error).split())}", file=path) from error


def _normal(given: Mapping[str, Any]) -> Settings:
    images = {str(k): _options(k, v) for k, v in (given.get("imageType") or {"Original": {}}).items()}
    classes = given.get("featureClass") or {name: [] for name in FEATURES}
    wanted = {str(k): _names(str(k), v) for k, v in classes.items() if k != "shape"}
    for name in images:
        if name not in IMAGE_TYPES:
            text = f"image type '{name}' does not exist in 2D.{hint(name, IMAGE_TYPES)}"
            raise fail("RG104", text, value=name, column="imageType")
    setting = checked(given.get("setting") or {})
    resolved = {kind: checked(options) for kind, options in images.items()}
    for kind, options in resolved.items():
        check_required(kind, {**setting, **options})
    return {"imageType": resolved, "featureClass": wanted, "setting": setting}


def _options(kind: Any, options: Any) -> Mapping[str, Any]:
    if not isinstance(options or {}, Mapping):
        raise fail("RG104", f"the options of the image type '{kind}' must be a mapping", value=options, column=str(kind))
    return options or {}


def _names(name: str, features: Any) -> list[str]:
    if name not in FEATURES:
        text = f"feature class '{name}' does not exist in 2D.{hint(name, tuple(FEATURES))}"
        raise fail("RG104", text, value=name, column="featureClass")
    if features is None:
        return []
    if not isinstance(features, list):
        raise fail("RG104", f"the features of class '{name}' must be a list", value=features, column=name)
    for feature in features:
        if feature not in FEATURES[name]:
            text = f"class '{name}' has no feature '{feature}'.{hint(feature, FEATURES[name])}"
            raise fail("RG104", text, value=feature, column=name)
    return [str(f) for f in features]


def settings_text(settings: Settings) -> str:
    """The settings as canonical JSON: equal text means equal features."""
    return json.dumps(settings, sort_keys=True, ensure_ascii=True, default=str)
