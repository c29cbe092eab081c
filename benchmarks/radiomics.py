"""How much faster the native radiomics engine is than others, on the same features of the same images.

    python -m benchmarks radiomics                              # the median and the largest lesion of BUSI
    python -m benchmarks radiomics --busi FOLDER --rounds 15
    python -m benchmarks radiomics --every 10                   # every tenth image too, summed

pyradiomics 3.0.1 is configured well: true 2D images, one extractor for all images, no 3D shape, one thread.  The engines
take turns within each round; the figure is the median over rounds of the ratio within a round, after one round that
compiles and warms up.  Nyxus and MIRP take part where they are installed, on the original image only, since their filters
are not pyradiomics'.  Without BUSI two simulated lesions in speckle are measured.
"""

from __future__ import annotations

import argparse
import csv
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.features.radiomics import FEATURES, extract
from radiogen.imaging import read_image, read_mask

Extractor = Callable[[NDArray[np.float64], NDArray[np.bool_]], Any]
#: original, four wavelet bands, three LoG: 8 images
EIGHT: dict[str, Any] = {"Original": {}, "Wavelet": {"wavelet": "coif1"}, "LoG": {"sigma": [1.0, 2.0, 3.0]}}
#: texture and first order, which all extractors have
CLASSES = [c for c in FEATURES if c != "shape2D"]


@dataclass(frozen=True)
class Case:
    """One image and its lesion."""

    name: str
    image: NDArray[np.float64]
    mask: NDArray[np.bool_]

    @property
    def about(self) -> str:
        """Name and size."""
        rows, columns = self.image.shape
        return f"{self.name}, {rows} × {columns}, lesion of {int(self.mask.sum()):,} px"


def cases(folder: Path) -> list[Case]:
    """The lesion images of BUSI from the smallest lesion to the largest."""
    with (folder / "index.csv").open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["label"] != "normal"]
    found = []
    for row in rows:
        image = read_image(folder / "images" / row["image"]).luminance()
        masks = [folder / "masks" / m for m in row["masks"].split(";")]
        found.append(Case(Path(row["image"]).stem, image, read_mask(masks, image.shape)))
    return sorted(found, key=lambda c: int(c.mask.sum()))


def speckle() -> list[Case]:
    """Two simulated lesions of 12,000 and 64,000 pixels in 400 × 500 speckle."""
    rng = np.random.default_rng(1)
    row, column = np.mgrid[:400, :500]
    found = []
    for pixels in (12_000, 64_000):
        radius = np.sqrt(pixels / np.pi)
        mask = ((row - 200) / 0.8) ** 2 + ((column - 250) * 0.8) ** 2 < radius**2
        image = np.clip(20 * np.log1p(rng.rayleigh(1.0, mask.shape) * np.where(mask, 8, 25)) * 2.2, 0, 255).round()
        found.append(Case("speckle", image, mask))
    return found


# -- extractors -----------------------------------------------------------------------------


def native(settings: dict[str, Any]) -> Extractor:
    """radiogen's own engine, through the public call."""
    return lambda image, mask: extract(image, mask, (0.1, 0.1), settings, "native")


def pyradiomics(settings: dict[str, Any]) -> Extractor:
    """pyradiomics itself, without radiogen around it."""
    import logging

    import SimpleITK
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    logging.getLogger("radiomics").setLevel(logging.CRITICAL)
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    layout = {**settings, "setting": {**settings["setting"], "additionalInfo": False}}
    extractor = RadiomicsFeatureExtractor(layout)

    def work(image: NDArray[np.float64], mask: NDArray[np.bool_]) -> Any:
        pictures = SimpleITK.GetImageFromArray(image), SimpleITK.GetImageFromArray(mask.astype(np.uint8))
        for picture in pictures:
            picture.SetSpacing((0.1, 0.1))
        return extractor.execute(*pictures, label=1)

    return work


def nyxus(settings: dict[str, Any]) -> Extractor:
    """Nyxus, the groups of features that correspond to the classes asked for."""
    from nyxus import Nyxus

    groups = {"firstorder": "*ALL_INTENSITY*", "shape2D": "*BASIC_MORPHOLOGY*"}
    wanted = [groups.get(c, f"*ALL_{c.upper()}*") for c in settings["featureClass"]]
    levels = -(-256 // int(settings["setting"]["binWidth"]))  # it has a number of bins, not their width
    engine = Nyxus(wanted, coarse_gray_depth=levels, n_feature_calc_threads=1)
    return lambda image, mask: engine.featurize(image.astype(np.uint16), mask.astype(np.uint16))


def mirp(settings: dict[str, Any]) -> Extractor:
    """MIRP, slice by slice, fixed bin size."""
    import logging

    from mirp import extract_features

    logging.getLogger().setLevel(logging.CRITICAL)
    families = {"firstorder": ["statistics", "intensity_histogram"], "glcm": ["cm"], "glrlm": ["rlm"], "glszm": ["szm"],
                "gldm": ["ngldm"], "ngtdm": ["ngtdm"]}  # fmt: skip
    wanted = [f for c in settings["featureClass"] for f in families[c]]

    def work(image: NDArray[np.float64], mask: NDArray[np.bool_]) -> Any:
        return extract_features(
            image=image, mask=mask.astype(np.uint8), by_slice=True,
            resegmentation_intensity_range=[0.0, 256.0], base_discretisation_method="fixed_bin_size",
            base_discretisation_bin_width=float(settings["setting"]["binWidth"]), base_feature_families=wanted,
        )  # fmt: skip

    return work


# -- measuring ------------------------------------------------------------------------------


def settings_of(images: dict[str, Any], classes: list[str]) -> dict[str, Any]:
    """Settings in pyradiomics' layout, bins of width 5."""
    return {"imageType": images, "featureClass": {c: [] for c in classes}, "setting": {"binWidth": 5}}


def interleaved(extractors: dict[str, Extractor], some: list[Case], rounds: int) -> dict[str, NDArray[np.float64]]:
    """Seconds of every extractor in every round, all cases summed; the first round is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in extractors}
    for _ in range(rounds + 1):
        for name, work in extractors.items():
            start = time.perf_counter()
            for case in some:
                work(case.image, case.mask)
            seconds[name].append(time.perf_counter() - start)
    return {name: np.asarray(values[1:]) for name, values in seconds.items()}


def line(label: str, seconds: dict[str, NDArray[np.float64]]) -> str:
    """Milliseconds of each extractor, and how many times the native engine's time the others take."""
    own = seconds["native"]
    parts = [f"native {1e3 * np.median(own):8.2f} ms"]
    for name, values in seconds.items():
        if name != "native":
            ratios = values / own
            parts.append(f"{name} {1e3 * np.median(values):9.1f} ms = {np.median(ratios):6.1f} × (quartiles "
                         f"{np.quantile(ratios, 0.25):.1f}–{np.quantile(ratios, 0.75):.1f})")  # fmt: skip
    return f"  {label:<12} " + ", ".join(parts)


def report(case: Case, rounds: int) -> None:
    """Print the lines of one image: all classes, each class, and the original image beside other extractors."""
    say(f"\n{case.about}\n")
    asked = {"all": (EIGHT, [*CLASSES, "shape2D"]), **{c: (EIGHT, [c]) for c in CLASSES}}
    asked["shape2D"] = ({"Original": {}}, ["shape2D"])
    for label, (images, classes) in asked.items():
        say(line(label, interleaved(_both(settings_of(images, classes)), [case], rounds)) + "\n")
    settings = settings_of({"Original": {}}, CLASSES)
    others = {"native": native(settings), **_others(settings)}
    if len(others) > 1:
        say(line("original", interleaved(others, [case], rounds)) + "\n")


def say(text: str) -> None:
    """To the terminal at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


def _both(settings: dict[str, Any]) -> dict[str, Extractor]:
    return {"native": native(settings), "pyradiomics": pyradiomics(settings)}


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks radiomics", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--busi", type=Path, default=Path(__file__).parents[2] / "shared" / "data" / "busi")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--every", type=int, default=0, help="also sum over one image in so many")
    options = parser.parse_args(argv)
    real = (options.busi / "index.csv").is_file()
    found = cases(options.busi) if real else speckle()
    say(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, one thread; {_versions()}\n")
    for case in [found[len(found) // 2], found[-1]] if real else found:
        report(case, options.rounds)
    if options.every:
        some = found[:: options.every]
        say(f"\n{len(some)} images, 8 image types, all classes\n")
        say(line("sum", interleaved(_both(settings_of(EIGHT, [*CLASSES, "shape2D"])), some, 3)) + "\n")
    return 0


def _others(settings: dict[str, Any]) -> dict[str, Extractor]:
    """The extractors of other projects that are installed."""
    made: dict[str, Extractor] = {}
    for name, maker in (("nyxus", nyxus), ("mirp", mirp)):
        try:
            made[name] = maker(settings)
        except ImportError:
            continue
    return made


def _versions() -> str:
    found = []
    for name in ("pyradiomics", "nyxus", "mirp", "numba", "numpy"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return ", ".join(found)


if __name__ == "__main__":
    sys.exit(main())
