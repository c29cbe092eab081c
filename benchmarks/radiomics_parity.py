"""Parity of radiogen's own radiomics engine with pyradiomics on BUSI images.

    python -m benchmarks.radiomics_parity --busi PATH --images 50     # images with the lesion's first mask, evenly drawn

PATH is the folder with ``index.csv``, ``images`` and ``masks``.  For every setting the table has the largest relative
difference of any feature, per feature class (rows) and image type (columns); differences below 1e-12 in absolute value
count as none.  ``nan`` in place of a number says that a feature is missing in one engine only.  It ends with exit code 1
if a difference is above 1e-8.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radiogen.errors import RadiogenError
from radiogen.features.radiomics import FEATURES, extract

IMAGES: dict[str, Any] = {
    "Original": {}, "Wavelet": {"wavelet": "coif1"}, "LoG": {"sigma": [1.0, 2.0, 3.0]}, "Square": {}, "SquareRoot": {},
    "Logarithm": {}, "Exponential": {}, "Gradient": {}, "LBP2D": {},
}  # fmt: skip
Spacing = tuple[float, float] | None
SETTINGS: dict[str, tuple[dict[str, Any], Spacing]] = {
    "binWidth 5": ({"binWidth": 5}, None),
    "binWidth 25": ({"binWidth": 25}, (0.1, 0.1)),
    "binCount 32": ({"binCount": 32}, (0.08, 0.1)),
    "binCount 128": ({"binCount": 128}, None),
    "binWidth 5, 0.1 mm to 0.15 mm": ({"binWidth": 5, "resampledPixelSpacing": [0.15, 0.15]}, (0.1, 0.1)),
    "binWidth 5, normalised × 100": ({"binWidth": 5, "normalize": True, "normalizeScale": 100}, None),
    "binCount 32, normalised, outliers cut at 2": ({"binCount": 32, "normalize": True, "removeOutliers": 2}, None),
    "binWidth 5, resegmented 20 to 150": ({"binWidth": 5, "resegmentRange": [20, 150]}, None),
}
LIMIT = 1e-8
_BELOW = 1e-12


def _pictures(folder: Path, number: int) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.bool_]]]:
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] != "normal"]
    for i in np.unique(np.linspace(0, len(rows) - 1, min(number, len(rows))).round().astype(int)):
        row = rows[i]
        with Image.open(folder / "images" / row["image"]) as image:
            grey = np.asarray(image.convert("L"), np.float64)
        with Image.open(folder / "masks" / row["masks"].split(";")[0]) as mask:
            yield row["image"], grey, np.asarray(mask.convert("L")) > 127


def _difference(ours: float, theirs: float) -> float:
    if np.isnan(ours) and np.isnan(theirs):
        return 0.0
    gap = abs(ours - theirs)
    return 0.0 if gap < _BELOW else gap / abs(theirs) if theirs else float("inf")


def _kind(image: str) -> str:
    return image if image.startswith("wavelet") else image.split("-")[0]


def compare(folder: Path, number: int, setting: dict[str, Any], spacing: Spacing) -> tuple[dict[tuple[str, str], float], int]:
    """Largest difference per class and image type, and how many images both engines measured."""
    worst: dict[tuple[str, str], float] = defaultdict(float)
    measured = 0
    for name, image, mask in _pictures(folder, number):
        found = []
        for engine in ("native", "pyradiomics"):
            try:
                found.append(extract(image, mask, spacing, {"imageType": IMAGES, "setting": setting}, engine))
            except RadiogenError as error:
                found.append(error.code)
        if isinstance(found[0], str) or isinstance(found[1], str):
            if not isinstance(found[0], str) or found[0] != found[1]:
                sys.stdout.write(f"  {name}: native {_short(found[0])}, pyradiomics {_short(found[1])}\n")
            continue
        measured += 1
        ours, theirs = found
        for feature, value, expected in zip(ours.index, ours, theirs, strict=True):
            kind, feature_class, _ = feature.split("_")
            gap = _difference(value, expected)
            key = feature_class, _kind(kind)
            worst[key] = max(worst[key], gap) if not np.isnan(gap) and not np.isnan(worst[key]) else float("nan")
    return worst, measured


def _short(found: Any) -> str:
    return found if isinstance(found, str) else "gives values"


def _write(title: str, worst: dict[tuple[str, str], float], measured: int) -> None:
    kinds = list(dict.fromkeys(kind for _, kind in worst))
    sys.stdout.write(f"\n{title} ({measured} images)\n{'':11}" + "".join(f"{k:>13}" for k in kinds) + "\n")
    for feature_class in FEATURES:
        cells = (worst.get((feature_class, kind)) for kind in kinds)
        sys.stdout.write(f"{feature_class:11}" + "".join(f"{'':13}" if c is None else f"{c:13.1e}" for c in cells) + "\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Print one table per setting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--busi", type=Path, required=True, help="folder with index.csv, images and masks")
    parser.add_argument("--images", type=int, default=10, help="how many images, evenly drawn (default 10)")
    chosen = parser.parse_args(arguments)
    largest = 0.0
    for title, (setting, spacing) in SETTINGS.items():
        worst, measured = compare(chosen.busi, chosen.images, setting, spacing)
        _write(title, worst, measured)
        largest = max([largest, *(float("inf") if np.isnan(v) else v for v in worst.values())])
    sys.stdout.write(f"\nlargest relative difference: {largest:.1e} (limit {LIMIT:.0e})\n")
    return int(largest > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
