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
#: errors that come from the words of the call rather than from the data
_CALL_CODES = frozenset({"RG108", "RG708", "RG801", "RG803"})

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
) -> None:
    """Turn the images into features, one Parquet table per modality."""
    from radiogen.cohort import load_cohort
    from radiogen.features import extract as extract_features
    from radiogen.features import write_features
    from radiogen.progress import terminal_progress

    loaded = load_cohort(cohort, data=data, allow_outside=allow_outside)
    with terminal_progress() as progress:
        done = extract_features(loaded, n_jobs=jobs, cache=cache, progress=progress)
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
def segment(
    cohort: CohortFile,
    method: Annotated[
        str, typer.Option(help="contour (from the manifest's boxes or points), unet (learnt from its masks), or auto.")
    ] = "auto",
    modality: Annotated[list[str] | None, typer.Option("--modality", help="Only this modality; may be given again.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the network; default the cohort's.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an earlier segmentation.")] = False,
    data: Data = None, allow_outside: Outside = False, jobs: Jobs = 1,
) -> None:
    """Draw the masks that are missing; the given files stay as they are, and a new cohort file names the masks."""
    from radiogen.features.segmentation import segment_cohort
    from radiogen.progress import terminal_progress

    with terminal_progress() as progress:
        done = segment_cohort(
            cohort, modalities=modality, method=method, seed=seed, force=force, data=data, allow_outside=allow_outside,  # type: ignore[arg-type]
            n_jobs=jobs, progress=progress,
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
def cache(
    size: Annotated[bool, typer.Option("--size", help="Say how large the cache is.")] = True,
    prune: Annotated[bool, typer.Option("--prune", help="Delete all cached features.")] = False,
    folder: Cache = None,
) -> None:
    """Say how large the cache of extracted features is, or empty it."""
    from radiogen.features import cache as room

    store = room.FeatureCache() if folder is None else room.FeatureCache(folder)
    if prune:
        _say(f"{store.prune()} files deleted from {store.folder}")
    elif size:
        files, size_bytes = store.size()
        _say(f"{files} files, {size_bytes / 1e6:.1f} MB in {store.folder}")


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
        _complain("Interrupted. What was extracted is kept; the same command goes on from there.")
        sys.exit(130)
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
