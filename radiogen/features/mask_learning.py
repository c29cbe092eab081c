"""What a network learns from the masks of one modality, and how well it draws what it was not shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from radiogen.errors import Problem, RadiogenError
from radiogen.features.near_duplicates import Picture, find_twins, merge_groups
from radiogen.features.parallel import in_order, silent
from radiogen.imaging import Fingerprint, Image, fingerprint, read_image, read_mask
from radiogen.imaging.outlines.overlap import agreement
from radiogen.imaging.outlines.unet import NetSettings, SegmentationNet
from radiogen.imaging.regions import Mask
from radiogen.progress import Progress

#: fewest patients with a mask drawn by hand from whom a network is trained
FEWEST_PATIENTS = 20
#: parts of the cross-validation; the networks of all parts together draw what has no mask
FOLDS = 4


@dataclass(frozen=True)
class Sheet:
    """One row of a manifest with what is needed to draw, or to learn, its lesion."""

    modality: str
    unit: str
    patient: str
    group: str
    external: bool
    image: str
    masks: tuple[str, ...]
    manifest: str
    row: int
    spacing_mm: tuple[float, float] | None = None
    calibration: Literal["file", "ignore"] = "file"
    resize: Literal["nearest"] | None = None
    label: int | str | None = None
    box: tuple[int, ...] | None = None
    point: tuple[int, ...] | None = None
    source: str | None = None
    type: str | None = None

    def read(self) -> Image:
        """The image; errors of :func:`radiogen.imaging.read_image`."""
        return read_image(self.image, spacing_mm=self.spacing_mm, calibration=self.calibration)

    def read_mask(self, image: Image) -> Mask:
        """The mask drawn; errors of :func:`radiogen.imaging.read_mask`."""
        return read_mask(self.masks, image.shape, resize=self.resize, label=self.label)


@dataclass(frozen=True)
class Learnt:
    """Networks of one modality.

    Parameters
    ----------
    net : SegmentationNet
        The networks of all folds together.
    validation : DataFrame
        One row per picture with a lesion: ``modality``, ``unit``, ``image``, ``fold``, ``dice`` (0 where no lesion was
        seen), ``hausdorff95`` (NaN then), ``unit_of_distance`` (``mm`` or ``px``); each drawn by the network of the fold
        that had not seen its patient.
    n_patients : int
    n_without_lesion : int
        Pictures whose mask is empty; they teach what is no lesion.
    problems : tuple of Problem
        Masked images that could not be read.
    """

    net: SegmentationNet
    validation: pd.DataFrame
    n_patients: int
    n_without_lesion: int
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class _Lesson:
    sheet: Sheet
    pair: Any
    print: Fingerprint


@dataclass(frozen=True)
class _Fold:
    number: int
    lessons: Sequence[Any]
    held: Sequence[Sheet]
    settings: NetSettings
    seed: int


@dataclass
class _Read:
    lessons: list[_Lesson] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def learn(
    sheets: Sequence[Sheet], groups: pd.Series, *, settings: NetSettings, seed: np.random.SeedSequence, n_jobs: int = 1,
    progress: Progress | None = None,
) -> Learnt | None:
    """Train networks on masks drawn by hand, cross-validated by patient; None where there are too few patients.

    Parameters
    ----------
    sheets : sequence of Sheet
        Rows with a mask, of development units only.
    groups : Series, index unit id
        Fold groups of the cohort; units that share nearly the same picture are joined here.
    settings : NetSettings
    seed : SeedSequence
    n_jobs : int, default 1
        Folds trained at once; the result does not depend on it.
    progress : callable, optional

    Raises
    ------
    RadiogenError
        RG902 without torch or the package of the encoder's weights.
    """
    read = _read_all(sheets, settings)
    lesions = [lesson for lesson in read.lessons if lesson.pair[1].any()]
    patients = {lesson.sheet.patient for lesson in lesions}
    if len(patients) < FEWEST_PATIENTS:
        return None
    folds = _folds(read.lessons, groups, seed)
    child = seed.spawn(FOLDS)
    tasks = []
    for number in range(FOLDS):
        train = [lesson.pair for lesson, fold in zip(read.lessons, folds, strict=True) if fold != number]
        held = [q.sheet for q, fold in zip(read.lessons, folds, strict=True) if fold == number and q.pair[1].any()]
        tasks.append(_Fold(number, train, held, settings, int(child[number].generate_state(1)[0])))
    show = progress or silent
    label = f"training networks on masks of {sheets[0].modality}"
    show(0, FOLDS, label)
    nets, rows = [], []
    for done, (net, found) in enumerate(in_order(_train_fold, tasks, n_jobs), start=1):
        nets.append(net)
        rows += found
        show(done, FOLDS, label)
    weights = tuple(w for net in nets for w in net.weights)
    whole = SegmentationNet(replace(settings, nets=len(weights)), weights, len(lesions))
    return Learnt(whole, pd.DataFrame(rows), len(patients), len(read.lessons) - len(lesions), tuple(read.problems))


def check_weights(settings: NetSettings) -> None:
    """Tell before the work that the network cannot start.

    Raises
    ------
    RadiogenError
        RG902 without torch, or without the package of the encoder's weights.
    """
    from radiogen.imaging.outlines.unet_torch import network

    network(settings).start()


def _read_all(sheets: Sequence[Sheet], settings: NetSettings) -> _Read:
    from radiogen.imaging.outlines.unet_training import lesson

    read = _Read()
    for sheet in sheets:
        try:
            image = sheet.read()
            mask = _mask_or_none(sheet, image)
            grey = image.luminance()
        except RadiogenError as error:
            read.problems += [placed(p, sheet) for p in error.problems]
            continue
        read.lessons.append(_Lesson(sheet, lesson(grey, mask, settings), fingerprint(grey)))
    return read


def _mask_or_none(sheet: Sheet, image: Image) -> Mask:
    """The mask; one in which nothing is drawn shows a picture without a lesion."""
    try:
        return sheet.read_mask(image)
    except RadiogenError as error:
        if error.code != "RG505":
            raise
        return np.zeros(image.shape, dtype=bool)


def _folds(lessons: Sequence[_Lesson], groups: pd.Series, seed: np.random.SeedSequence) -> list[int]:
    """The fold of every lesson: groups in random order, each to the fold that has fewest pictures."""
    prints = [
        Picture(q.sheet.unit, q.sheet.modality, q.sheet.image, q.sheet.manifest, q.sheet.row, q.print) for q in lessons
    ]
    joined = merge_groups(groups, ((t.a.unit, t.b.unit) for t in find_twins(prints, groups)))
    own = [joined.loc[q.sheet.unit] for q in lessons]
    names = list(dict.fromkeys(own))
    order = np.random.default_rng(seed).permutation(len(names))
    size = dict.fromkeys(range(FOLDS), 0)
    fold_of = {}
    for k in order:
        fold = min(size, key=lambda f: (size[f], f))
        fold_of[names[int(k)]] = fold
        size[fold] += own.count(names[int(k)])
    return [fold_of[name] for name in own]


def _train_fold(task: _Fold) -> tuple[SegmentationNet, list[dict[str, Any]]]:
    from radiogen.imaging.outlines.unet_training import train_on

    net = train_on(task.lessons, settings=task.settings, seed=task.seed)
    return net, [_judged(net, sheet, task.number) for sheet in task.held]


def _judged(net: SegmentationNet, sheet: Sheet, fold: int) -> dict[str, Any]:
    image = sheet.read()
    truth = sheet.read_mask(image)
    spacing = image.spacing_for(truth)
    row: dict[str, Any] = {"modality": sheet.modality, "unit": sheet.unit, "image": Path(sheet.image).name, "fold": fold}
    try:
        found = agreement(net.draw(image), truth, spacing_mm=spacing)
    except RadiogenError as error:
        if error.code != "RG530":
            raise
        return {**row, "dice": 0.0, "hausdorff95": np.nan, "unit_of_distance": "px" if spacing is None else "mm"}
    return {**row, "dice": found.dice, "hausdorff95": found.hausdorff95, "unit_of_distance": found.unit}


def placed(found: Problem, sheet: Sheet, column: str | None = None) -> Problem:
    """A problem of one image as a warning at its row of the manifest."""
    name = Path(sheet.image).name
    message = found.message if name in found.message else f"{found.message} ({name})"
    return replace(found, message=message, severity="warning", file=sheet.manifest, row=sheet.row, column=column, value=name)
