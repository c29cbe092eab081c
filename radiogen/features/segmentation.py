"""Masks for the images of a cohort that have none: by a contour from a box or point, or by a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from radiogen.cohort.cohort import Cohort
from radiogen.cohort.loader import load_cohort
from radiogen.cohort.modality import ModalitySection
from radiogen.cohort.paths import Folder
from radiogen.cohort.raw_table import RawTable
from radiogen.cohort.tables import read_table
from radiogen.errors import Findings, Problem, RadiogenError, fail, problem
from radiogen.features import segmented_files as files
from radiogen.features.mask_learning import FEWEST_PATIENTS, Learnt, Sheet, check_weights, learn, placed
from radiogen.features.parallel import in_order, silent, workers
from radiogen.features.part import MANUAL, is_automatic
from radiogen.imaging.outlines.unet import NetSettings, settings_for
from radiogen.imaging.segment import segment
from radiogen.progress import Progress

Method = Literal["auto", "contour", "unet"]
#: what stands in the manifest's column ``mask_source``, beside :data:`MANUAL`
CONTOUR, UNET = "contour", "unet"


@dataclass(frozen=True)
class Segmented:
    """What :func:`segment_cohort` did.

    Parameters
    ----------
    cohort_yaml : Path or None
        The new cohort file; None where no image lacked a mask, so that nothing was written.
    manifests : mapping of str to Path
        New manifest of each modality that got masks.
    masks : tuple of Path
        The masks written.
    images : DataFrame
        One row per image that had no mask: ``modality``, ``unit``, ``image``, ``row``, ``mask_source`` (``contour``,
        ``unet``, or None where none could be drawn) and ``mask``.
    validation : DataFrame
        Cross-validated figures of the network, one row per picture (:class:`radiogen.features.mask_learning.Learnt`);
        empty where none was trained.
    problems : tuple of Problem
        Why images have no mask; warnings with file and row.
    notes : tuple of str
        How the masks came about, in sentences for the terminal and for a methods section.
    """

    cohort_yaml: Path | None
    manifests: dict[str, Path] = field(default_factory=dict)
    masks: tuple[Path, ...] = ()
    images: pd.DataFrame = field(default_factory=pd.DataFrame)
    validation: pd.DataFrame = field(default_factory=pd.DataFrame)
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> pd.DataFrame:
        """Images per modality: drawn by contour, by the network, and without a mask still."""
        columns = [CONTOUR, UNET, "none"]
        if self.images.empty:
            return pd.DataFrame(columns=columns)
        source = self.images["mask_source"].fillna("none")
        return pd.crosstab(self.images["modality"], source).reindex(columns=columns, fill_value=0)


@dataclass
class _Work:
    """One modality under way."""

    name: str
    section: ModalitySection
    raw: RawTable
    to: files.Places
    bare: list[Sheet]
    drawn: list[Sheet]
    png: dict[int, tuple[bytes, str]] = field(default_factory=dict)
    learnt: Learnt | None = None
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def segment_cohort(
    cohort_yaml: str | Path,
    *,
    modalities: Sequence[str] | None = None,
    method: Method = "auto",
    settings: NetSettings | None = None,
    n_jobs: int = 1,
    seed: int | None = None,
    data: str | Path | None = None,
    allow_outside: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Segmented:
    """Fill in the missing masks of a cohort; the inputs are not changed.

    A row of a manifest without a mask gets one by the contour (:func:`radiogen.imaging.segment.segment`) where it
    has a box (column ``box``: ``top bottom left right`` in pixels from 0, both ends inside) or a point (column
    ``point``: ``row column``); otherwise by a U-Net that learns from the modality's
    masks drawn by hand and finds the lesion, which the contour then outlines.
    Beside each manifest are written the masks (``masks_automatic/``) and ``<manifest>.segmented.csv``, the same table with
    ``mask`` filled in and a column ``mask_source`` (``manual``, ``contour`` or ``unet``); beside the cohort file
    ``<cohort>.segmented.yaml``, in which only the manifests' names differ.

    Parameters
    ----------
    cohort_yaml : path
        The cohort file, or a folder with a ``cohort.yaml``.
    modalities : sequence of str, optional
        Default all with images.
    method : {"auto", "contour", "unet"}, default "auto"
        ``"contour"`` leaves rows with neither box nor point alone; ``"unet"`` takes no notice of boxes and points.
    settings : NetSettings, optional
        Of the network; default :func:`radiogen.imaging.outlines.unet.settings_for`, a U-Net on an encoder that was trained on
        ImageNet: 8 networks a modality, some minutes each on one core.
    n_jobs : int, default 1
        Processes; -1 for all processors.  The masks do not depend on it.
    seed : int, optional
        Of the network; default the cohort's.
    data, allow_outside
        As for :func:`radiogen.load_cohort`.
    force : bool, default False
        Overwrite the files of an earlier segmentation.
    progress : callable, optional
        Called as ``progress(done, total, label)``.

    Returns
    -------
    Segmented

    Raises
    ------
    RadiogenError
        Everything that is wrong with the cohort; RG109 unknown modality, RG708 unknown method, RG803 outputs that exist
        without ``force``, RG801 where they cannot be written or are inputs, RG902 where a network is
        needed without torch or the package with its encoder's weights; and RG530 (or what else is wrong with them) where no
        image at all could be segmented.

    Notes
    -----
    No outcome is seen.  The network learns from masks drawn by hand of development units alone, never from
    external ones nor from automatic masks, and needs at least 20 patients; otherwise each image gets RG530.  It is
    cross-validated in 4 parts by patient (near-duplicates together), and the networks of all parts together
    draw what has no mask, those of external units too.  Pictures whose mask is empty teach it what is no lesion.
    It draws one lesion a picture.

    Examples
    --------
    >>> from radiogen.features.segmentation import segment_cohort           # doctest: +SKIP
    >>> done = segment_cohort("cohort.yaml", n_jobs=2)                      # doctest: +SKIP
    >>> done.counts, done.validation["dice"].mean()                         # doctest: +SKIP
    """
    if method not in ("auto", "contour", "unet"):
        raise fail("RG708", "the method is auto, contour or unet", value=method)
    n_jobs = workers(n_jobs)
    yaml = Path(cohort_yaml)
    yaml = yaml / "cohort.yaml" if yaml.is_dir() else yaml
    cohort = load_cohort(yaml, data=data, allow_outside=allow_outside)
    works = _works(cohort, yaml, modalities, allow_outside)
    if not works:
        return Segmented(None, notes=("No image lacks a mask; nothing was written.",))
    new_yaml = files.yaml_place(yaml)
    tables = [w.to.manifest for w in works]
    if not force:
        files.refuse_to_overwrite([new_yaml, *tables], [w.to.masks for w in works])
    inputs = [p for w in works for s in (*w.bare, *w.drawn) for p in (s.image, *s.masks)]
    outputs = [_mask_path(w, s) for w in works for s in w.bare]
    # what would stop the writing is told before the work
    text = yaml.read_bytes().decode("utf-8-sig")
    files.yaml_with(text, {w.name: w.to.named for w in works})
    for work in works:
        files.mask_cell(_mask_path(work, work.bare[0]), work.section, work.to.manifest, cohort.root)
    files.refuse_to_touch([yaml, *(w.raw.file for w in works), *inputs], [new_yaml, *tables, *outputs])
    children = np.random.SeedSequence(cohort.config.seed if seed is None else seed).spawn(len(cohort.config.modalities))
    order = {name: k for k, name in enumerate(cohort.config.modalities)}
    settings = settings or settings_for()
    if method != "contour" and any(_for_network(w, method) and len(_patients(w)) >= FEWEST_PATIENTS for w in works):
        check_weights(settings)
    for work in works:
        _by_contour(work, method, n_jobs, progress)
        _by_network(work, method, cohort, settings, children[order[work.name]], n_jobs, progress)
    if not any(w.png for w in works):
        raise RadiogenError(replace(p, severity="error") for p in Findings(p for w in works for p in w.problems).shown())
    return _written(works, cohort, text, new_yaml)


# -- what is to be done ---------------------------------------------------------------------


def _works(cohort: Cohort, yaml: Path, asked: Sequence[str] | None, allow_outside: bool) -> list[_Work]:
    """The modalities with images that lack a mask."""
    declared = cohort.config.modalities
    for name in asked or ():
        if name not in declared:
            raise fail("RG109", f"there is no modality '{name}'; the cohort has {', '.join(declared) or 'none'}", value=name)
    named = [Path(s.images).as_posix() for s in declared.values() if s.images is not None]
    found = []
    for name, section in declared.items():
        if section.images is None or (asked is not None and name not in asked):
            continue
        sheets = _sheets(cohort, name, section)
        bare = [s for s in sheets if not s.masks]
        if not bare:
            continue
        findings = Findings()
        folder = Folder(cohort.root, allow_outside or cohort.config.allow_outside, yaml, findings)
        raw = read_table(section.reading(section.images), f"modalities.{name}.images", folder)
        findings.raise_if_errors()
        assert raw is not None
        files.mask_png(np.zeros((1, 1), dtype=bool), section.mask_label)  # a label that no picture can carry is told at once
        to = files.places(name, section, raw, shared=named.count(Path(section.images).as_posix()) > 1)
        found.append(_Work(name, section, raw, to, bare, [s for s in sheets if s.masks]))
    return found


def _sheets(cohort: Cohort, name: str, section: ModalitySection) -> list[Sheet]:
    """The rows of a modality in which a lesion can be drawn."""
    images = cohort.images[cohort.images["modality"] == name]
    units = cohort.units
    found = []
    for r in images.to_dict("records"):
        if r.get("type") == "spectrum":  # a Doppler spectrum shows times and velocities, no lesion
            continue
        unit, spacing = str(r["unit"]), (float(r["spacing_row_mm"]), float(r["spacing_col_mm"]))
        found.append(
            Sheet(
                modality=name, unit=unit, patient=str(r["patient"]), group=str(units.at[unit, "group"]),
                external=bool(units.at[unit, "external"]), image=str(r["image"]), masks=tuple(map(str, r["masks"])),
                manifest=str(r["manifest"]), row=int(r["row"]), spacing_mm=None if np.isnan(spacing).any() else spacing,
                calibration=section.calibration, resize=section.resize, label=section.mask_label, box=_numbers(r.get("box")),
                point=_numbers(r.get("point")), source=_text(r.get("mask_source")),
            )
        )  # fmt: skip
    return found


def _numbers(value: Any) -> tuple[int, ...] | None:
    return tuple(int(v) for v in value) if isinstance(value, tuple | list) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


# -- drawing --------------------------------------------------------------------------------


def _by_contour(work: _Work, method: Method, n_jobs: int, progress: Progress | None) -> None:
    these = [] if method == "unet" else [s for s in work.bare if s.box is not None or s.point is not None]
    if not these:
        return
    show, label = progress or silent, f"drawing outlines of {work.name}"
    show(0, len(these), label)
    for done, (sheet, found) in enumerate(zip(these, in_order(_contour, these, n_jobs), strict=True), start=1):
        _take(work, sheet, found, CONTOUR)
        show(done, len(these), label)
    work.notes.append(f"{work.name}: {len([s for s in these if s.row in work.png])} masks drawn from a box or point by the "
                      "phase-based contour")


def _contour(sheet: Sheet) -> bytes | tuple[Problem, ...]:
    """The mask of one row as a PNG, or why there is none."""
    try:
        image = sheet.read()
        box, point = (sheet.box, None) if sheet.box is not None else (None, sheet.point)
        return files.mask_png(segment(image, box=box, point=point), sheet.label)  # type: ignore[arg-type]
    except RadiogenError as error:
        return error.problems


def _by_network(
    work: _Work, method: Method, cohort: Cohort, settings: NetSettings, seed: np.random.SeedSequence, n_jobs: int,
    progress: Progress | None,
) -> None:
    these = _for_network(work, method)
    if not these:
        return
    if method == "contour":
        work.problems += [_none(work, s, "there is neither a box nor a point") for s in these]
        return
    known = _known(work)
    learnt = None
    if len(_patients(work)) >= FEWEST_PATIENTS:
        learnt = learn(known, cohort.units["group"], settings=settings, seed=seed, n_jobs=n_jobs, progress=progress)
    if learnt is None:
        why = (f"there is neither a box nor a point, and '{work.name}' has masks drawn by hand of "
               f"{len(_patients(work))} patients; a network needs {FEWEST_PATIENTS}")
        work.problems += [_none(work, s, why) for s in these]
        return
    work.learnt = learnt
    work.problems += learnt.problems
    work.notes.append(_told(work.name, learnt))
    show, label = progress or silent, f"drawing {work.name} by the network"
    show(0, len(these), label)
    for done, sheet in enumerate(these, start=1):
        try:
            found: bytes | tuple[Problem, ...] = files.mask_png(learnt.net.draw(sheet.read()), sheet.label)
        except RadiogenError as error:
            found = error.problems
        _take(work, sheet, found, UNET)
        show(done, len(these), label)


def _for_network(work: _Work, method: Method) -> list[Sheet]:
    """The rows that are left to a network."""
    return [s for s in work.bare if method == "unet" or (s.box is None and s.point is None)]


def _known(work: _Work) -> list[Sheet]:
    """The rows that a network may learn from."""
    return [s for s in work.drawn if not s.external and not is_automatic(s.source)]


def _patients(work: _Work) -> set[str]:
    return {s.patient for s in _known(work)}


def _told(name: str, learnt: Learnt) -> str:
    """The network in one sentence."""
    scores = learnt.validation["dice"]
    kind = "small U-Net" if learnt.net.settings.encoder == "small" else "U-Net on EfficientNet-Lite0 pretrained on ImageNet"
    parts = [f"{name}: the network ({kind}) learnt from {len(scores)} lesions of {learnt.n_patients} patients of the "
             "development data"]
    if learnt.n_without_lesion:
        parts.append(f" and {learnt.n_without_lesion} pictures without one")
    parts.append(f"; cross-validated by patient its Dice is {scores.mean():.3f} on average (median {scores.median():.3f}, "
                 f"below 0.5: {int((scores < 0.5).sum())})")
    for unit, rows in learnt.validation.groupby("unit_of_distance"):
        if rows["hausdorff95"].notna().any():
            parts.append(f", the 95 % Hausdorff distance {rows['hausdorff95'].mean():.1f} {unit}")
    parts.append("; no outcome was seen")
    return "".join(parts)


def _take(work: _Work, sheet: Sheet, found: bytes | tuple[Problem, ...], source: str) -> None:
    if isinstance(found, bytes):
        work.png[sheet.row] = (found, source)
    else:
        work.problems += [placed(p, sheet, work.section.column("image")) for p in found]


def _none(work: _Work, sheet: Sheet, why: str) -> Problem:
    return placed(problem("RG530", why), sheet, work.section.column("mask"))


# -- writing --------------------------------------------------------------------------------


def _mask_path(work: _Work, sheet: Sheet) -> Path:
    return work.to.masks / f"{files.safe_name(Path(sheet.image).stem)}-row{sheet.row}.png"


def _written(works: Sequence[_Work], cohort: Cohort, text: str, new_yaml: Path) -> Segmented:
    """Masks first, then the tables that name them, and the cohort file last."""
    done = [w for w in works if w.png]
    masks: list[Path] = []
    rows: list[dict[str, Any]] = []
    for work in works:
        cells = {}
        for sheet in work.bare:
            row = {"modality": work.name, "unit": sheet.unit, "image": Path(sheet.image).name, "row": sheet.row}
            png, source = work.png.get(sheet.row, (None, None))
            if png is not None and source is not None:
                masks.append(_mask_path(work, sheet))
                files.write(masks[-1], png)
                cells[sheet.row] = (files.mask_cell(masks[-1], work.section, work.to.manifest, cohort.root), source)
            rows.append({**row, "mask_source": source, "mask": None if png is None else str(masks[-1])})
        if cells:
            files.write(work.to.manifest, files.filled(work.raw, work.section, cells, MANUAL))
    files.write(new_yaml, files.yaml_with(text, {w.name: w.to.named for w in done}).encode("utf-8"))
    validation = [w.learnt.validation for w in works if w.learnt is not None]
    return Segmented(
        cohort_yaml=new_yaml,
        manifests={w.name: w.to.manifest for w in done},
        masks=tuple(masks),
        images=pd.DataFrame(rows),
        validation=pd.concat(validation, ignore_index=True) if validation else pd.DataFrame(),
        problems=tuple(p for w in works for p in w.problems),
        notes=tuple(n for w in works for n in w.notes),
    )
