"""How well lesions are drawn on BUSI: the contour from a box or a point, and the U-Net without either.

    python benchmarks/segmentation_busi.py ../shared/data/busi                     # the contour, some minutes
    python benchmarks/segmentation_busi.py ../shared/data/busi --net               # the U-Net, some minutes a fold
    python benchmarks/segmentation_busi.py ../shared/data/busi --net --encoder small --nets 3     # without ImageNet
    python benchmarks/segmentation_busi.py ../shared/data/busi --fit               # the outline's weights, fitted anew

The folder has `index.csv` (image, label, masks; ';' between masks), `images/` and `masks/`.  Lesion images are sorted by
name and numbered from 0.  The contour was tuned on the images whose number is a multiple of 4 and is reported on the
others.  The network is trained without one fourth of the images, number modulo 4.  Its settings were chosen on even numbers:
the small one's on fourths 0 and 2, those of the one on ImageNet's encoder by cross-validation within the even numbers
(and the images without a lesion) alone.  Fourths 1 and 3 are reported.  BUSI has no patient ids; the one pair of
near-duplicates, malignant (27) and (28), stays in one fold.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import RadiogenError
from radiogen.imaging import read_image, read_mask
from radiogen.imaging.outlines.outline import ANGLES, EVIDENCE, RADII, ray_evidence
from radiogen.imaging.outlines.overlap import agreement, dice
from radiogen.imaging.outlines.unet import DEFAULT_ENCODER, Encoder, settings_for
from radiogen.imaging.outlines.window import cut_window
from radiogen.imaging.regions import Box, bounding_box
from radiogen.imaging.segment import segment

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
FOLDS = 4


@dataclass(frozen=True)
class Picture:
    """One image with its lesions (none in a normal one) and its number."""

    name: str
    label: str
    grey: Floats
    lesions: tuple[Mask, ...]
    number: int

    @property
    def mask(self) -> Mask:
        """All lesions."""
        return np.any(self.lesions, axis=0) if self.lesions else np.zeros(self.grey.shape, dtype=bool)

    @property
    def boxes(self) -> list[Box]:
        """One per lesion."""
        return [bounding_box(m) for m in self.lesions]


def load(folder: Path) -> list[Picture]:
    """Lesion images by name, then the normal ones (number -1)."""
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda r: r["image"])
    found = []
    for row in rows:
        grey = read_image(folder / "images" / row["image"]).luminance()
        lesions = []
        if row["label"] != "normal":
            lesions = [read_mask(folder / "masks" / m, grey.shape) for m in row["masks"].split(";")]  # type: ignore[arg-type]
        found.append((row, grey, tuple(lesions)))
    number = {row["image"]: k for k, row in enumerate(r for r, _, lesions in found if lesions)}
    # near-duplicates share one number, so that they are on one side of every split
    if {"malignant (27).png", "malignant (28).png"} <= number.keys():
        number["malignant (27).png"] = number["malignant (28).png"]
    pictures = [Picture(r["image"], r["label"], g, m, number.get(r["image"], -1)) for r, g, m in found]
    return sorted(pictures, key=lambda p: (p.number < 0, p.name))


# -- the contour ------------------------------------------------------------------------


def moved(box: Box, shape: tuple[int, ...], rng: np.random.Generator, reach: float) -> Box:
    """Every side moved by up to a share of the box's size."""
    top, bottom, left, right = box
    height, width = bottom - top + 1, right - left + 1
    t, b, le, r = rng.uniform(-reach, reach, 4) * np.array([height, height, width, width]) + np.array(box)
    t, le = float(np.clip(round(t), 0, shape[0] - 5)), float(np.clip(round(le), 0, shape[1] - 5))
    return int(t), int(np.clip(round(b), t + 4, shape[0] - 1)), int(le), int(np.clip(round(r), le + 4, shape[1] - 1))


def loose(box: Box, shape: tuple[int, ...], share: float) -> Box:
    """A margin of a share of the box's size on every side."""
    top, bottom, left, right = box
    rows, columns = round(share * (bottom - top + 1)), round(share * (right - left + 1))
    return max(top - rows, 0), min(bottom + rows, shape[0] - 1), max(left - columns, 0), min(right + columns, shape[1] - 1)


Change = Callable[[Box, tuple[int, ...], np.random.Generator], Box]
BOXES: dict[str, Change] = {
    "exact box": lambda box, shape, rng: box,
    "box moved by up to 5 %": lambda box, shape, rng: moved(box, shape, rng, 0.05),
    "box moved by up to 10 %": lambda box, shape, rng: moved(box, shape, rng, 0.10),
    "box 10 % too large": lambda box, shape, rng: loose(box, shape, 0.10),
}


def drawn(picture: Picture, change: Change, method: str, seed: int) -> Mask:
    """All lesions of a picture, each from its box."""
    rng = np.random.default_rng([seed, picture.number])
    shape = picture.grey.shape
    parts = [segment(picture.grey, box=change(b, shape, rng), method=method) for b in picture.boxes]  # type: ignore[arg-type]
    return np.any(parts, axis=0)


def pointed(picture: Picture) -> Mask:
    """All lesions of a picture, each from the centre of its mask."""
    parts = []
    for lesion in picture.lesions:
        row, column = np.argwhere(lesion).mean(axis=0)
        parts.append(segment(picture.grey, point=(int(row), int(column))))
    return np.any(parts, axis=0)


def report(title: str, pictures: Sequence[Picture], masks: Sequence[Mask | None]) -> None:
    """One line: Dice of all, benign and malignant, and border distances of what was drawn."""
    scores = np.array([0.0 if m is None else dice(m, p.mask) for p, m in zip(pictures, masks, strict=True)])
    borders = [agreement(m, p.mask) for p, m in zip(pictures, masks, strict=True) if m is not None]
    label = np.array([p.label for p in pictures])
    interval = 1.96 * scores.std(ddof=1) / np.sqrt(len(scores))
    sys.stdout.write(
        f"{title:44s} n {len(scores):3d}  Dice {scores.mean():.3f} ± {interval:.3f} (median {np.median(scores):.3f}, below 0.5: "
        f"{int((scores < 0.5).sum())}; benign {scores[label == 'benign'].mean():.3f}, malignant "
        f"{scores[label == 'malignant'].mean():.3f})  HD95 {np.mean([b.hausdorff95 for b in borders]):.1f} px  "
        f"mean distance {np.mean([b.surface for b in borders]):.1f} px\n"
    )
    sys.stdout.flush()


def contour(pictures: Sequence[Picture]) -> None:
    """All figures of the contour, on the images that it was not tuned on."""
    these = [p for p in pictures if p.lesions and p.number % 4]
    sys.stdout.write(f"Contour: {len(these)} images that it was not tuned on\n")
    for title, change in BOXES.items():
        for method in ("ellipse", "outline", "contour"):
            report(f"{title}, {method}", these, [drawn(p, change, method, 1) for p in these])
    report("point at the centre, contour", these, [pointed(p) for p in these])


# -- the weights of the outline -----------------------------------------------------------


def examples(pictures: Sequence[Picture]) -> Iterator[tuple[Floats, NDArray[np.intp]]]:
    """Evidence, and the true radius of every direction as a candidate's number."""
    from scipy.ndimage import map_coordinates

    v, u = np.sin(ANGLES)[:, None] * RADII, np.cos(ANGLES)[:, None] * RADII
    for picture in pictures:
        rng = np.random.default_rng([0, picture.number])
        for lesion, box in zip(picture.lesions, picture.boxes, strict=True):
            for change in BOXES.values():
                window = cut_window(picture.grey, change(box, picture.grey.shape, rng))
                top, bottom, left, right = window.box
                rows = (top + bottom) / 2 + v * (bottom - top) / 2 - 0.5
                columns = (left + right) / 2 + u * (right - left) / 2 - 0.5
                inside = map_coordinates(lesion.astype(np.float64), [rows, columns], order=1) > 0.5
                yield ray_evidence(window), np.minimum(inside.sum(axis=1), len(RADII) - 1)


def fit(pictures: Sequence[Picture]) -> Floats:
    """Weights of a conditional logit of the radius, by maximum likelihood with a slight ridge."""
    from scipy.optimize import minimize

    pairs = list(examples([p for p in pictures if p.lesions and p.number % 4 == 0]))
    x = np.concatenate([evidence.transpose(1, 2, 0) for evidence, _ in pairs])
    at = np.concatenate([radius for _, radius in pairs])
    spread = x.reshape(-1, x.shape[2]).std(axis=0)
    x = x / spread
    # readers differ by about a candidate and a half
    wanted = np.exp(-((np.arange(len(RADII))[None, :] - at[:, None]) ** 2) / (2 * 1.5**2))
    wanted /= wanted.sum(axis=1, keepdims=True)

    def loss(w: Floats) -> tuple[float, Floats]:
        score = x @ w
        score -= score.max(axis=1, keepdims=True)
        share = np.exp(score)
        total = share.sum(axis=1, keepdims=True)
        value = -float((wanted * (score - np.log(total))).sum()) / len(at) + 1e-3 * float(w @ w)
        return value, -np.einsum("ij,ijk->k", wanted - share / total, x) / len(at) + 2e-3 * w

    return np.asarray(minimize(loss, np.zeros(x.shape[2]), jac=True, method="L-BFGS-B").x / spread)


# -- the network ----------------------------------------------------------------------------


def network(
    pictures: Sequence[Picture], folds: Sequence[int], encoder: Encoder, changes: Mapping[str, int | None], keep: Path | None
) -> None:
    """Train without each fold and draw its images."""
    from radiogen.imaging.outlines.unet_training import train_net

    settings = settings_for(encoder, **{name: value for name, value in changes.items() if value is not None})
    sys.stdout.write(f"U-Net: {settings}\n")
    held: list[Picture] = []
    alone: list[Mask | None] = []
    found: list[Mask | None] = []
    for fold in folds:
        train = [p for p in pictures if not p.lesions or p.number % FOLDS != fold]
        began = time.process_time()
        net = train_net([p.grey for p in train], [p.mask for p in train], settings=settings, seed=fold)
        sys.stdout.write(f"fourth {fold}: trained in {(time.process_time() - began) / 60:.1f} minutes of one core\n")
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            net.save(keep / f"fold{fold}.npz")
        test = [p for p in pictures if p.lesions and p.number % FOLDS == fold]
        own, outlined = ([_or_none(draw, p) for p in test] for draw in (net.predict, net.draw))
        report(f"fourth {fold}, {net.trained_on} lesions, network alone", test, own)
        report(f"fourth {fold}, network and contour", test, outlined)
        held += test
        alone += own
        found += outlined
    report("all fourths asked for, network alone", held, alone)
    report("all fourths asked for, network and contour", held, found)


def _or_none(draw: Callable[[Floats], Mask], picture: Picture) -> Mask | None:
    """What is drawn; None, a Dice of 0, where the network sees no lesion."""
    try:
        return draw(picture.grey)
    except RadiogenError as error:
        if error.code != "RG530":
            raise
        return None


def main(argv: list[str] | None = None) -> int:
    """Read the arguments and write the figures to standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--net", action="store_true", help="train and test the U-Net, and leave the contour out")
    parser.add_argument("--folds", type=int, nargs="+", default=[1, 3], choices=range(FOLDS), help="fourths that are held out")
    parser.add_argument("--encoder", default=DEFAULT_ENCODER, choices=get_args(Encoder), help="what the network begins with")
    parser.add_argument("--nets", type=int, help="networks whose probabilities are averaged; default the settings'")
    parser.add_argument("--steps", type=int, help="steps of training; default the settings'")
    parser.add_argument("--keep", type=Path, help="folder for the networks")
    parser.add_argument("--fit", action="store_true", help="fit the outline's weights on the tuning images and print them")
    given = parser.parse_args(argv)
    pictures = load(given.folder)
    if given.fit:
        weights = fit(pictures)
        sys.stdout.write("".join(f"{n:24s} {w:8.3f}\n" for n, w in zip(EVIDENCE, weights, strict=True)))
    elif given.net:
        network(pictures, given.folds, given.encoder, {"nets": given.nets, "steps": given.steps}, given.keep)
    else:
        contour(pictures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
