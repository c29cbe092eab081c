"""The pictures of a cohort as arrays for networks: decoded once and kept."""

from __future__ import annotations

import math
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from radiogen.cohort.cohort import Cohort
from radiogen.cohort.modality import ModalitySection
from radiogen.errors import RadiogenError, fail
from radiogen.features.cache import FeatureCache, open_cache
from radiogen.features.jobs import ImageRow, make_jobs, rows_of
from radiogen.features.parallel import silent, workers
from radiogen.features.pictures.assembling import assemble
from radiogen.features.pictures.kinds import channels_of, common_top, is_asked_for, kind_of_pictures
from radiogen.features.pictures.result import PictureStack
from radiogen.features.pictures.taking import take_all
from radiogen.features.pictures.views import MARGIN, RING_MM, RING_SHARE, needs_lesion
from radiogen.features.pictures.wishing import make_wish
from radiogen.progress import Progress

#: these are faults of the call, not of one image
_FATAL = {"RG104", "RG801", "RG901"}
#: packages that decide a pixel, beside the readers
_PACKAGES = ("numpy", "scipy")


def stack(
    cohort: Cohort,
    modality: str,
    *,
    view: str = "lesion",
    size: tuple[int, int] = (96, 96),
    frames: int = 16,
    kind: str | None = None,
    colour: bool = False,
    visit: str | None = None,
    margin: float = MARGIN,
    ring_mm: float = RING_MM,
    ring_share: float = RING_SHARE,
    scale_max: float | None = None,
    start: str = "arrival",
    duration_s: float | None = None,
    n_jobs: int = 1,
    cache: FeatureCache | str | Path | bool | None = None,
    progress: Progress | None = None,
) -> PictureStack:
    """The pictures of one modality as one array of bytes, for networks.

    Images and masks are read as extraction reads them.  A picture that cannot be used costs its own row and is named
    in ``missing``.

    Parameters
    ----------
    cohort : Cohort
    modality : str
        With images.
    view : str, default "lesion"
        ``"whole"``: the pane of the picture without even margins, letterboxed (of stiffness, the colour overlay).
        ``"lesion"``: the box of the lesion with a margin.  ``"masked"``: the same window, all but the lesion 0.
        ``"ring"``: all but the peritumoral ring 0.  ``"lesion+ring"``: all but lesion and ring 0.  The lesion is always in
        the middle; what of the window lies beyond the picture is 0.
    size : (int, int), default (96, 96)
        Rows and columns.  The aspect of tissue is kept, in millimetres where the spacing is known.
    frames : int, default 16
        Of loops.
    kind : str, optional
        ``"grey"`` (B-mode and other imaging), ``"stiffness"`` (SWE decoded, with a channel ``valid``), ``"colour"`` (as
        it stands, red, green and blue), ``"power"`` and ``"spectrum"`` (Doppler), ``"cine"`` (CEUS).  Default: the first
        that the modality has: grey, stiffness, colour, cine.
    colour : bool, default False
        Red, green and blue where the default is one channel: SWE as it is displayed, a spectrum in its colours.
    visit : str, optional
        Default: the baseline visit, or all pictures where no visits are declared.
    margin : float, default 0.25
        Of the lesion's box, on every side, as a share of its longer side.
    ring_mm : float, default 5
        Width of the peritumoral ring.
    ring_share : float, default 0.2
        Width of the ring where the spacing is not known, as a share of the lesion's equivalent diameter.
    scale_max : float, optional
        Stiffness that 255 stands for, in the unit shown.  Default: the highest end of a colour scale that is declared
        in the modality, at any visit.  Values above are cut off.
    start : {"arrival", "first"}, default "arrival"
        Where the clock of loops starts: at the arrival of contrast (at the first frame where that cannot be measured,
        which ``details`` says) or at the first frame.
    duration_s : float, optional
        Time from the start over which the frames are spread.  Default: what the loops have in common; loops that last
        less than half as long as the middle one are missing.
    n_jobs : int, default 1
        Processes; -1 for all processors.  The result does not depend on it.
    cache : folder, bool or FeatureCache, optional
        Where pixels are kept, found by the content of image and mask, options and versions.  Default:
        ``$RADIOGEN_CACHE`` or the user's cache folder; False: nowhere, and the pixels stay in memory.
    progress : callable, optional

    Returns
    -------
    PictureStack

    Raises
    ------
    RadiogenError
        RG109 unknown modality or visit, RG706 a modality without images, RG708 an option out of range, RG520 no scale of
        stiffness declared, RG801 the cache cannot be written.

    Notes
    -----
    For another cohort pass ``**found.options``: the scale and the duration are then those of the first.

    Examples
    --------
    >>> import shutil, tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from PIL import Image
    >>> import radiogen as rg
    >>> from radiogen.features.pictures import stack
    >>> folder = Path(tempfile.mkdtemp())
    >>> grey, mask = np.full((20, 20), 90, np.uint8), np.zeros((20, 20), np.uint8)
    >>> mask[6:14, 6:14] = 255
    >>> for name, pixels in (("a", grey), ("m", mask)):
    ...     Image.fromarray(pixels).save(folder / f"{name}.png")
    >>> _ = (folder / "clinical.csv").write_text("id,age\\np1,50\\np2,61\\n")
    >>> _ = (folder / "bmode.csv").write_text("id,image,mask\\np1,a.png,m.png\\np2,a.png,\\n")
    >>> _ = (folder / "cohort.yaml").write_text(
    ...     "radiogen: 1\\ncohort: {name: two, unit: patient}\\n"
    ...     "tables: {clinical: {path: clinical.csv, id: id}}\\nmodalities: {bmode: {images: bmode.csv, id: id}}\\n")
    >>> found = stack(rg.load_cohort(folder / "cohort.yaml"), "bmode", size=(12, 12), cache=False)
    >>> found
    <PictureStack bmode grey, lesion: 1 of 1 units, 1 missing, 1 × 12 × 12, 0 to 255 are 0 to 1 of full scale>
    >>> found.unit.tolist(), found.missing["unit"].tolist(), found.missing["code"].tolist()
    (['p1'], ['p2'], ['RG503'])
    >>> shutil.rmtree(folder)
    """
    n_jobs = workers(n_jobs)
    section = _section(cohort, modality)
    own = section.kind_for(modality)
    wanted = kind_of_pictures(own, kind, colour)
    wish = make_wish(
        wanted, colour=colour, view=view, size=size, margin=margin, ring_mm=ring_mm, ring_share=ring_share,
        scale_max=scale_max, frames=frames, start=start, duration_s=duration_s,
    )  # fmt: skip
    every = rows_of(cohort.images[cohort.images["modality"] == modality]) if len(cohort.images) else []
    at = _visit(cohort, visit)
    here = [r for r in every if at is None or r.visit == at]
    rows = [r for r in here if is_asked_for(r, own, wanted)]
    # of a Doppler picture without a word and without a mask the file tells whether it is a strip, which has none
    usable = [r for r in rows if r.masks or not (needs_lesion(view) or wanted == "cine") or (own == "doppler" and r.type is None)]
    folder = open_cache(cache)
    if folder is not None:
        folder.open()
    jobs = make_jobs(cohort, usable, versions={name: version(name) for name in _PACKAGES}, cache=folder)
    shown = "kpa" if section.unit != "m/s" or section.to_kpa else "m_s"
    if wanted == "stiffness" and math.isnan(wish.top):
        wish = replace(wish, top=common_top([_scale_max(section, r) for r in every], section.unit, shown))
    taken = take_all(jobs, wish, len(channels_of(wanted, colour, shown)), n_jobs, progress or silent)
    for picture in taken.pictures:
        if picture.error is not None and picture.error.code in _FATAL:
            raise RadiogenError(replace(picture.error, file=None))
    return assemble(cohort, modality, taken, rows=rows, usable=usable, jobs=jobs, shown=shown, visit=visit,
                    other=len(here) - len(rows))  # fmt: skip


def _section(cohort: Cohort, modality: str) -> ModalitySection:
    known = cohort.config.modalities
    if modality not in known:
        raise fail("RG109", f"there is no modality '{modality}'; the cohort has {', '.join(known) or 'none'}", value=modality)
    if known[modality].images is None:
        raise fail("RG706", f"the modality '{modality}' has no images, only a feature table", value=modality,
                   fix="Name a modality with `images:`.")  # fmt: skip
    return known[modality]


def _visit(cohort: Cohort, visit: str | None) -> str | None:
    """The visit whose pictures are taken; None for all, where no visits are declared."""
    visits = cohort.config.visits
    if visits is None and visit is None:
        return None
    known = () if visits is None else tuple(dict.fromkeys((visits.baseline, *visits.order)))
    if visit is not None and visit not in known:
        raise fail("RG109", f"there is no visit '{visit}'; the cohort declares {', '.join(known) or 'none'}", value=visit)
    return visit if visits is None or visit is not None else visits.baseline


def _scale_max(section: ModalitySection, row: ImageRow) -> float | None:
    return row.declared.get("scale_max", section.scale_max)
