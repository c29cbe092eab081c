"""The commands. Each parses its words, calls one function and prints what comes back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from radiogen import __version__
from radiogen.errors import RadiogenError

app = typer.Typer(
    name="radiogen", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Multimodal breast-ultrasound radiogenomics and prognosis.",
)
#: exit codes: done, the data are wrong, the call is wrong, a fault of radiogen itself
DONE, WRONG_DATA, WRONG_CALL, INTERNAL = 0, 1, 2, 70
#: interrupted with Ctrl-C, as shells count it
STOPPED = 130
_INTERRUPTED = "Interrupted. What was extracted is kept; the same command goes on from there."
#: errors that come from the words of the call rather than from the data
_CALL_CODES = frozenset({"RG108", "RG708", "RG801", "RG803", "RG903", "RG904", "RG905"})

CohortFile = Annotated[Path, typer.Argument(help="The cohort.yaml, or its folder.", show_default=False)]
Data = Annotated[Path | None, typer.Option("--data", help="Folder in which the paths of the YAML resolve.")]
Outside = Annotated[bool, typer.Option("--allow-outside", help="Let paths leave that folder.")]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes; the numbers do not depend on it.")]
Cache = Annotated[Path | None, typer.Option("--cache", help="Folder of extracted features.")]


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _version(wanted: bool) -> None:
    if wanted:
        _say(f"radiogen {__version__}")
        raise typer.Exit(DONE)


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Multimodal breast-ultrasound radiogenomics and prognosis."""


@app.command()
def check(cohort: CohortFile, data: Data = None, allow_outside: Outside = False, jobs: Jobs = 1) -> None:
    """Find everything that is wrong with a cohort; write nothing."""
    from radiogen.analysis.checking import check_cohort
    from radiogen.progress import terminal_progress

    with terminal_progress() as progress:
        found, findings = check_cohort(cohort, data=data, allow_outside=allow_outside, n_jobs=jobs, progress=progress)
    for problem in findings.shown():
        (_complain if problem.severity == "error" else _say)(problem.render())
    errors = len(findings.errors)
    if errors:
        _complain(f"\n{errors} error{'s' if errors > 1 else ''}, {len(findings.warnings)} warnings and notes.")
        call = any(p.code == "RG108" for p in findings.errors)
        raise typer.Exit(WRONG_CALL if call else WRONG_DATA)
    _say(repr(found))
    _say(f"No errors, {len(findings.warnings)} warnings and notes.")


@app.command()
def extract(
    cohort: CohortFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the feature tables.")] = Path("features"),
    data: Data = None, allow_outside: Outside = False, jobs: Jobs = 1, cache: Cache = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="A Dask scheduler, such as tcp://10.0.0.1:8786, in place of --jobs.")
    ] = None,
    engine: Annotated[str, typer.Option("--engine", help="Of the radiomics: native or pyradiomics.")] = "native",
) -> None:
    """Turn the images into features, one Parquet table per modality."""
    from radiogen.cohort import load_cohort
    from radiogen.features import extract as extract_features
    from radiogen.features import write_features
    from radiogen.progress import terminal_progress

    loaded = load_cohort(cohort, data=data, allow_outside=allow_outside)
    with terminal_progress() as progress:
        done = extract_features(loaded, n_jobs=jobs, cache=cache, progress=progress, scheduler=scheduler, engine=engine)
    for problem in done.findings:
        _complain(problem.render())
    written = write_features(done, output)
    for path in written:
        _say(str(path))
    if not written and len(done.images):
        _complain("None of the images could be measured; what stands above says why. Nothing was written.")
        raise typer.Exit(WRONG_DATA)
    if not written:
        _say("The cohort has no images and no feature tables; nothing was written.")


@app.command()
def stability(
    cohort: CohortFile,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the tables.")] = Path("stability"),
    modality: Annotated[str | None, typer.Option("--modality", help="Default: the only one that can be.")] = None,
    readers: Annotated[
        bool, typer.Option("--readers", help="Compare the readers of the manifest in place of perturbed regions.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="Seed of random perturbations; default the cohort's.")] = None,
    data: Data = None, allow_outside: Outside = False, jobs: Jobs = 1,
) -> None:
    """Measure features again, on perturbed regions or by other readers, and say which come out alike."""
    from radiogen.cohort import load_cohort
    from radiogen.features import stability as room
    from radiogen.features.stability.pictures import chosen_modality
    from radiogen.progress import terminal_progress

    loaded = load_cohort(cohort, data=data, allow_outside=allow_outside)
    name = chosen_modality(loaded, modality, plain=not readers)
    with terminal_progress() as progress:
        if readers:
            found = room.from_readers(loaded, name, n_jobs=jobs, progress=progress)
        else:
            own = loaded.config.seed if seed is None else seed
            found = room.stability(loaded, modality=name, n_jobs=jobs, seed=own, progress=progress)
    for row in found.problems.head(20).itertuples():
        _complain(f"{row.code} {row.lesion}, {row.repeat}: {row.message}")
    if len(found.problems) > 20:
        _complain(f"… and {len(found.problems) - 20} more.")
    written = room.write_stability(loaded, name, found, output)
    good = float((found.table["lower"] >= 0.75).mean())
    _say(f"{good:.0%} of {len(found.table)} features have an ICC of which the lower limit is at least 0.75.")
    for path in written:
        _say(str(path))
    _say(f"Copy {written[0].name} beside the tables of the cohort and write `repeats: {written[0].name}` under the modality "
         f"'{name}': analyses with `stable:` then filter by it inside their folds.")


@app.command()
def segment(
    cohort: CohortFile,
    method: Annotated[
        str, typer.Option(help="contour (from the manifest's boxes or points), unet (learnt from its masks), or auto.")
    ] = "auto",
    encoder: Annotated[
        str, typer.Option(help="What the network begins with: efficientnet_lite0 (learnt on ImageNet) or small (nothing).")
    ] = "efficientnet_lite0",
    modality: Annotated[list[str] | None, typer.Option("--modality", help="Only this modality; may be given again.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the network; default the cohort's.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an earlier segmentation.")] = False,
    data: Data = None, allow_outside: Outside = False, jobs: Jobs = 1,
) -> None:
    """Draw the masks that are missing; the given files stay as they are, and a new cohort file names the masks."""
    from radiogen.features.segmentation import segment_cohort
    from radiogen.imaging.outlines.unet import settings_for
    from radiogen.progress import terminal_progress

    with terminal_progress() as progress:
        done = segment_cohort(
            cohort, modalities=modality, method=method, settings=settings_for(encoder), seed=seed, force=force, data=data,  # type: ignore[arg-type]
            allow_outside=allow_outside, n_jobs=jobs, progress=progress,
        )  # fmt: skip
    for problem in done.problems:
        _complain(problem.render())
    for note in done.notes:
        _say(note)
    if done.cohort_yaml is None:
        _say("No mask was drawn; nothing was written.")
        return
    _say(done.counts.to_string())
    _say(f"The cohort with its new masks: {done.cohort_yaml}")


@app.command()
def report(
    cohort: CohortFile, output: Annotated[Path | None, typer.Option("--output", "-o", help="The HTML file.")] = None,
    data: Data = None, allow_outside: Outside = False, jobs: Jobs = 2, cache: Cache = None,
) -> None:
    """Run the analyses of a cohort and write one HTML file."""
    from radiogen.progress import terminal_progress
    from radiogen.report.pipeline import report_cohort

    with terminal_progress() as progress:
        made = report_cohort(cohort, output, data=data, allow_outside=allow_outside, n_jobs=jobs, cache=cache, progress=progress)
    for title, error in made.failures:
        _complain(f"The analysis '{title}' could not be done; the report says why.\n{error}")
    _say(f"The report: {made.path.resolve()}")


@app.command()
def predict(
    bundle: Annotated[Path, typer.Argument(help="Folder of locked models.", show_default=False)],
    cohort: CohortFile,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The Parquet or CSV file of predictions.")
    ] = Path("predictions.parquet"),
    model: Annotated[str | None, typer.Option("--model", help="Only this model.")] = None,
    inputs: Annotated[str | None, typer.Option("--inputs", help="Only these inputs, such as 'clinical + swe'.")] = None,
    result: Annotated[Path | None, typer.Option("--result", help="Folder for all tables, as Parquet.")] = None,
    data: Data = None, allow_outside: Outside = False, jobs: Jobs = 1, cache: Cache = None,
) -> None:
    """Apply locked models to another cohort; say how well they do, how calibration drifts, and what lies outside their range."""
    from radiogen.analysis.bundles.command import predict_cohort
    from radiogen.progress import terminal_progress

    with terminal_progress() as progress:
        text = predict_cohort(
            bundle, cohort, output, model=model, inputs=inputs, result=result, data=data, allow_outside=allow_outside,
            n_jobs=jobs, cache=cache, progress=progress,
        )  # fmt: skip
    _say(text)


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="Folder to write to.", show_default=False)],
    n: Annotated[int, typer.Option("--n", help="Number of patients.")] = 200,
    seed: Annotated[int, typer.Option("--seed", help="Seed.")] = 1,
    null: Annotated[bool, typer.Option("--null", help="No effects at all.")] = False,
    images: Annotated[bool, typer.Option("--images/--no-images", help="Write pictures, not tables of descriptors.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files.")] = False,
) -> None:
    """Write a simulated cohort with known truth."""
    from radiogen import simulate as room

    path = room.cohort(folder, n=n, seed=seed, effects=None if null else "default", images=images, force=force)
    _say(str(path))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder to write to.", show_default=False)],
    force: Annotated[bool, typer.Option("--force", help="Overwrite files.")] = False,
) -> None:
    """Write a commented cohort.yaml and empty tables to fill in."""
    from radiogen.cohort.template import write_template

    for path in write_template(folder, force=force):
        _say(str(path))


@app.command()
def schema() -> None:
    """Print the JSON schema of cohort.yaml."""
    import json

    from radiogen.cohort import CohortConfig

    _say(json.dumps(CohortConfig.model_json_schema(), indent=2))


@app.command()
def features(
    cohort: Annotated[Path | None, typer.Argument(help="A cohort: its settings and rings count.", show_default=False)] = None,
    modality: Annotated[list[str] | None, typer.Option("--modality", help="Only this modality; may be given again.")] = None,
    feature_class: Annotated[str | None, typer.Option("--class", help="Only this class, such as glcm or kinetics.")] = None,
    search: Annotated[str | None, typer.Option("--search", help="Only features with all these words.")] = None,
    show: Annotated[str | None, typer.Option("--show", help="One feature in full, by the name of its column.")] = None,
    form: Annotated[str | None, typer.Option("--format", help="table, csv, json or markdown; default by the file's end.")] = None,
    uncalibrated: Annotated[bool, typer.Option("--uncalibrated", help="Names where the pixel spacing is not known.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file.")] = None,
) -> None:
    """List every feature with its class, filter, unit, formula and IBSI code."""
    import shutil

    from radiogen.features.dictionary.command import dictionary_text, format_of
    from radiogen.files import in_one_step

    text = dictionary_text(
        cohort, modalities=modality, feature_class=feature_class, search=search, show=show, how=format_of(output, form),
        calibrated=not uncalibrated, width=min(max(shutil.get_terminal_size((80, 24)).columns, 60), 120),
    )  # fmt: skip
    if output is None:
        _say(text)
        return
    with in_one_step(output, "the dictionary of features") as beside:
        beside.write_text(f"{text}\n", encoding="utf-8")
    _say(str(output))


@app.command()
def cache(
    age: Annotated[str | None, typer.Argument(help="With --prune: only what is older, such as 12h, 30d or 4w.")] = None,
    size: Annotated[bool, typer.Option("--size", help="Say how large the cache is.")] = True,
    prune: Annotated[bool, typer.Option("--prune", help="Delete cached features: all, or what AGE and --max-size say.")] = False,
    max_size: Annotated[
        str | None, typer.Option("--max-size", help="Delete the oldest until this is left, such as 500MB or 2GB.")
    ] = None,
    folder: Cache = None,
) -> None:
    """Say how large the cache of extracted features is, or prune it; a run that is under way is not disturbed."""
    from radiogen.errors import fail
    from radiogen.features import cache as room
    from radiogen.features.cache_limits import days, size_bytes

    store = room.FeatureCache() if folder is None else room.FeatureCache(folder)
    if age is not None and not prune:
        raise fail("RG708", "an age is given without --prune", value=age)
    if prune or max_size is not None:
        older = None if age is None else days(age)
        n = store.prune(older_than_days=older, max_bytes=None if max_size is None else size_bytes(max_size))
        _say(f"{n} files deleted from {store.folder}")
    if size:
        files, in_bytes = store.size()
        _say(f"{files} files, {in_bytes / 1e6:.1f} MB in {store.folder}")


@app.command()
def doctor() -> None:
    """Say what is installed, which engines work, and how to mend what does not."""
    from radiogen.doctor import examine, render

    found = examine()
    _say(render(found))
    if not all(f.ok or f.optional for f in found):
        raise typer.Exit(WRONG_DATA)


def main(arguments: list[str] | None = None) -> None:
    """Run a command; a known problem ends with its code and fix, never with a traceback."""
    words = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in words
    try:
        app(args=[w for w in words if w != "--debug"])
    except RadiogenError as error:
        if debug:
            raise
        _complain(str(error))
        sys.exit(WRONG_CALL if set(error.codes) <= _CALL_CODES else WRONG_DATA)
    except KeyboardInterrupt:
        _complain(_INTERRUPTED)
        sys.exit(STOPPED)
    except SystemExit as end:
        if end.code == STOPPED:  # so the parser of the words ends where it was interrupted
            _complain(_INTERRUPTED)
        raise
    except BrokenPipeError:
        sys.exit(DONE)
    except Exception as error:
        if debug:
            raise
        from radiogen.errors import problem

        _complain(problem("RG999", f"{type(error).__name__}: {error}").render())
        sys.exit(INTERNAL)


if __name__ == "__main__":
    main()
