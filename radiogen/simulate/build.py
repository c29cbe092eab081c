"""Simulate a cohort and write it to a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from radiogen.cohort.paths import file_digest
from radiogen.errors import fail
from radiogen.simulate.album import Album
from radiogen.simulate.appearance import MODALITIES, draw_latents, draw_present, feature_table
from radiogen.simulate.draws import generator
from radiogen.simulate.effects import Effects, resolve_effects
from radiogen.simulate.folder import MADE_BY, TRUTH, YAML, move_in, refuse_foreign, workshop
from radiogen.simulate.maf import MAF_HEADER, maf_table
from radiogen.simulate.outcome import draw_outcome, draw_treatment
from radiogen.simulate.patients import draw_patients
from radiogen.simulate.pictures import WRITERS
from radiogen.simulate.records import clinical_table, draw_tested, modality_table, panel_table
from radiogen.simulate.template import cohort_yaml
from radiogen.simulate.truth import truth_document
from radiogen.simulate.views import Pictured

#: fewer patients than this leave folds and groups empty
SMALLEST = 20
#: largest seed; beyond it YAML readers of other languages lose digits
_LARGEST_SEED = 2**53 - 1


def draw_truth(n: int, seed: int, effects: Effects) -> pd.DataFrame:
    """Everything that is true of n patients, in memory: the complete, error-free cohort.

    Parameters
    ----------
    n : int
        Number of patients. The first m of n are the same patients whatever n is.
    seed : int
        Seed; each patient's streams follow from it and the patient's number.
    effects : Effects
        Sizes of the planted effects.

    Returns
    -------
    DataFrame, n rows
        Clinic, markers, ``mut_GENE`` and ``lp_GENE``, ``tested``, latent traits as
        ``latent_NAME``, ``has_MODALITY``, treatment, and latent and observed times.

    Examples
    --------
    >>> from radiogen.simulate.build import draw_truth
    >>> from radiogen.simulate.effects import DEFAULT
    >>> small, large = draw_truth(20, 1, DEFAULT), draw_truth(30, 1, DEFAULT)
    >>> bool((small == large.iloc[:20])["os_months"].all())
    True
    """
    patients = draw_patients(n, seed, effects)
    latents = draw_latents(patients, seed, effects)
    present = draw_present(patients, seed)
    parts = [
        patients.assign(tested=draw_tested(n, seed)),
        latents.add_prefix("latent_"),
        present.add_prefix("has_"),
        draw_treatment(patients, seed, effects),
        draw_outcome(patients, latents, seed, effects),
    ]
    return pd.concat(parts, axis=1)


def draw_features(truth: pd.DataFrame, modality: str, seed: int) -> pd.DataFrame:
    """The feature table of one modality for every patient of :func:`draw_truth`, in the same order."""
    latents = truth.filter(like="latent_").rename(columns=lambda c: c.removeprefix("latent_"))
    return feature_table(modality, truth, latents, seed)


def cohort(
    folder: str | Path,
    n: int = 200,
    seed: int = 1,
    *,
    effects: str | Mapping[str, float] | None = "default",
    images: bool = True,
    force: bool = False,
) -> Path:
    """Write a simulated cohort with known truth: tables, mutations, pictures and a ``cohort.yaml``.

    Two centres (A about three quarters, B set aside as external) with different scanners;
    pictures with masks of four modalities, each missing for some (B-mode stills, SWE with its
    colour bar, colour Doppler and pulsed-wave strips, CEUS loops; as DICOM and as PNG or JPEG);
    receptors, mutations with a list of the tested, treatment and follow-up.

    Parameters
    ----------
    folder : path
        Where to write. Made if absent.
    n : int, default 200
        Number of patients, at least 20.
    seed : int, default 1
        The same seed gives the same bytes. A patient does not depend on ``n``.
    effects : "default", None or mapping, default "default"
        ``None`` (or ``"none"``) gives a null cohort: clinic, markers, mutations, images and outcome
        are independent of each other, while scanners still differ and values are still missing.
        ER with PR, and age with menopause, stay related: each pair is one block of inputs.
        A mapping changes single sizes; its keys are the fields of :class:`radiogen.simulate.Effects`.
    images : bool, default True
        Whether the modalities are pictures with masks (about 0.4 s and 0.7 MB a patient), or feature tables.
    force : bool, default False
        Overwrite files of the same name that are not an earlier simulation's.

    Returns
    -------
    Path
        The ``cohort.yaml`` written. ``truth.json`` beside it holds effect sizes, each
        patient's true state, latent traits, linear predictors and what is true of the pictures: outlines,
        stiffness (with a map per pixel in ``truth/swe/``), vessels, velocities and boluses.

    Raises
    ------
    RadiogenError
        RG708 for n, seed or effects out of range; RG803 where files that no simulation wrote
        would be in the way; RG801 where the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from radiogen import simulate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = simulate.cohort(folder, n=20, seed=3, images=False)
    ...     path.name, sorted(p.name for p in path.parent.iterdir())
    ('cohort.yaml', ['cohort.yaml', 'data', 'truth.json'])
    """
    n, seed = _whole("n", n, SMALLEST, 10**5), _whole("seed", seed, 0, _LARGEST_SEED)
    word, sizes = resolve_effects(effects)
    place = Path(folder)
    refuse_foreign(place, force=force)
    truth = draw_truth(n, seed, sizes)
    with workshop(place) as temporary:
        files, pictured = _write_data(temporary, truth, seed, images)
        text = cohort_yaml(n, seed, word, images)
        (temporary / YAML).write_bytes(text.encode())
        document = truth_document(truth, pictured, sizes)
        head = {"made_by": MADE_BY, "radiogen": _version(), "n": n, "seed": seed, "effects_word": word, "images": images}
        hashes = {name: file_digest(temporary / name) for name in (*files, YAML)}
        _write_json(temporary / TRUTH, {**head, **document, "files": hashes})
        # the YAML comes last: where it stands, all it names does
        move_in(temporary, place, [*files, TRUTH, YAML], force=force)
    return place / YAML


def _whole(name: str, value: int, low: int, high: int) -> int:
    """A whole number in a range, or RG708."""
    whole = hasattr(value, "__index__") and not isinstance(value, bool)
    if not whole or not low <= int(value) <= high:
        raise fail("RG708", f"{name} must be a whole number from {low} to {high}", value=value)
    return int(value)


def _version() -> str:
    try:
        return version("radiogen")
    except PackageNotFoundError:
        return "not installed"


def _write_data(folder: Path, truth: pd.DataFrame, seed: int, images: bool) -> tuple[list[str], Pictured]:
    """Write all tables and pictures; give their names in the folder and what is true of the pictures."""
    data = folder / "data"
    data.mkdir()
    tables = {"clinical.csv": clinical_table(truth, seed), "panel.csv": panel_table(truth)}
    album = Album(folder, seed)
    pictured: Pictured = {}
    for modality in MODALITIES:
        present = truth[f"has_{modality}"]
        if images and modality in WRITERS:
            task, write = WRITERS[modality]
            tables[f"{modality}.csv"], pictured[modality] = write(album, truth[present], partial(generator, seed, task))
        else:
            tables[f"{modality}.csv"] = modality_table(truth, draw_features(truth, modality, seed), present)
    for name, table in tables.items():
        # an empty cell of a manifest says that the file itself knows
        manifest = images and name.removesuffix(".csv") in WRITERS
        _write_table(data / name, table, ",", missing="" if manifest else "NA")
    _write_table(data / "mutations.maf", maf_table(truth, seed), "\t", MAF_HEADER)
    return [*(f"data/{name}" for name in (*tables, "mutations.maf")), *album.names], pictured


def _write_table(path: Path, table: pd.DataFrame, delimiter: str, header: str = "", missing: str = "NA") -> None:
    """Text with line feeds on every system, so that bytes do not depend on it."""
    text = table.to_csv(index=False, sep=delimiter, na_rep=missing, lineterminator="\n")
    path.write_bytes((header + text).encode())


def _write_json(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)
    path.write_bytes((text + "\n").encode())
