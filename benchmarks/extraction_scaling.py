"""What extraction costs per image, what a second worker gives, and how memory grows with the number of images.

    python -m benchmarks extraction_scaling                          # BUSI: cost per stage, 1 and 2 workers
    python -m benchmarks extraction_scaling --rounds 5 --images 40
    python -m benchmarks extraction_scaling --synthetic 10000        # tiny pictures: overhead, memory, duplicates

One and two workers take turns; the ratio is the median over rounds of the ratio within a round, once with workers that
run already and once with their start.  Costs per stage are processor time in one process, so that a busy machine changes
them little.  The synthetic runs stand in processes of their own, whose peak memory is theirs alone.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from radiogen.cohort import Cohort, load_cohort

#: seeds the synthetic pictures
_SEED = 20260101
_YAML = """radiogen: 1
cohort: {name: synthetic, unit: patient}
tables:
  clinical: {path: clinical.csv, id: id, predictors: [age]}
modalities:
  bmode: {images: bmode.csv, id: id%s}
"""
_FIRST_ORDER = ", settings: {imageType: {Original: {}}, featureClass: {firstorder: []}}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks extraction_scaling", description=__doc__)
    parser.add_argument("--data", type=Path, default=_busi(), help="folder of BUSI with index.csv")
    parser.add_argument("--images", type=int, default=92, help="images of BUSI that are measured")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of 1 and 2 workers; 0 for the cost per stage alone")
    parser.add_argument("--engine", default=None, help="engine of the radiomics; default extraction's own")
    parser.add_argument("--synthetic", type=int, default=0, metavar="N", help="tiny pictures instead: N / 4 and N of them")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    words = parser.parse_args(argv)
    if words.child:
        return _child(Path(words.child[0]), Path(words.child[1]))
    if words.synthetic:
        return _synthetic(words.synthetic)
    if words.data is None:
        sys.stderr.write("Name the folder of the BUSI data with --data.\n")
        return 2
    cohort = load_cohort(Path(__file__).parents[1] / "cohorts" / "busi" / "cohort.yaml", data=words.data)
    keep = cohort.images.iloc[np.linspace(0, len(cohort.images) - 1, min(words.images, len(cohort.images))).astype(int)]
    cohort = cohort.subset(cohort.index.isin(keep["unit"]))
    options = {} if words.engine is None else {"engine": words.engine}
    _stages(cohort, options)
    if words.rounds:
        _workers(cohort, options, words.rounds)
    return 0


def _busi() -> Path | None:
    folder = Path(__file__).resolve().parents[2] / "shared" / "data" / "busi"
    return folder if (folder / "index.csv").is_file() else None


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


# -- cost per stage -----------------------------------------------------------------------------


def _stages(cohort: Cohort, options: dict[str, Any]) -> None:
    """Processor time per image of reading, looking, measuring and keeping."""
    from radiogen.features import FeatureCache, extract, job, write_features
    from radiogen.features.jobs import make_jobs, rows_of

    with tempfile.TemporaryDirectory() as folder:
        cache = FeatureCache(Path(folder) / "cache")
        extract(cohort.subset(cohort.index == cohort.index[0]), cache=False, **options)  # imports, compilation
        clocks: dict[str, float] = {}
        parts = {
            "hash": "_files", "decode": "read_image", "decode mask": "read_mask", "quality": "assess",
            "fingerprint": "fingerprint", "features": "_work",
        }  # fmt: skip
        for name, part in parts.items():
            setattr(job, part, _clocked(getattr(job, part), name, clocks))
        start = time.process_time()
        done = extract(cohort, cache=cache, **options)
        whole = time.process_time() - start
        n = int((done.quality["readable"]).sum()) if done.quality is not None else len(cohort.images)
        for name, seconds in clocks.items():
            _say(f"{name:<12} {1e3 * seconds / n:8.2f} ms per image")
        _say(f"{'all':<12} {1e3 * whole / n:8.2f} ms per image, {n} images in one process")
        jobs = make_jobs(cohort, rows_of(cohort.images), cache=cache)
        _say(f"one job travels as {len(_pickled(jobs[0])) / 1e3:.1f} kB, one entry of the cache has "
             f"{cache.size().bytes / max(1, cache.size().entries) / 1e3:.1f} kB")  # fmt: skip
        start = time.process_time()
        extract(cohort, cache=cache, **options)
        _say(f"{'from cache':<12} {1e3 * (time.process_time() - start) / n:8.2f} ms per image")
        (path,) = write_features(done, Path(folder) / "out")
        columns = done.modalities["bmode"].shape[1]
        _say(f"table: {path.stat().st_size / n / 1e3:.1f} kB per image as Parquet, {columns} columns")


def _clocked(function: Callable[..., Any], name: str, clocks: dict[str, float]) -> Callable[..., Any]:
    def timed(*args: Any, **options: Any) -> Any:
        start = time.process_time()
        try:
            return function(*args, **options)
        finally:
            clocks[name] = clocks.get(name, 0.0) + time.process_time() - start

    return timed


def _pickled(value: Any) -> bytes:
    import pickle

    return pickle.dumps(value)


# -- workers ------------------------------------------------------------------------------------


def _workers(cohort: Cohort, options: dict[str, Any], rounds: int) -> None:
    """Wall time of one and of two workers, in turn."""
    from joblib.externals.loky import get_reusable_executor

    from radiogen.features import extract

    def seconds(n_jobs: int) -> float:
        start = time.perf_counter()
        extract(cohort, n_jobs, cache=False, **options)
        return time.perf_counter() - start

    running, starting = [], []
    for k in range(rounds):
        get_reusable_executor().shutdown(wait=True)
        one, cold, warm = seconds(1), seconds(2), seconds(2)
        starting.append(one / cold)
        running.append(one / warm)
        _say(f"round {k + 1}: 1 worker {one:.2f} s, 2 workers {warm:.2f} s, with their start {cold:.2f} s")
    _say(f"two workers are {statistics.median(running):.2f} times one; {statistics.median(starting):.2f} with their start")


# -- many tiny pictures ----------------------------------------------------------------------------


def _synthetic(n: int) -> int:
    """Time, peak memory and duplicates of a quarter of ``n`` and of ``n`` pictures, fresh and from the cache."""
    peaks: dict[str, list[tuple[int, float]]] = {}
    for size in (n // 4, n):
        with tempfile.TemporaryDirectory() as folder:
            _write(Path(folder), size)
            for what in ("fresh", "cached"):
                words = [sys.executable, "-m", "benchmarks", "extraction_scaling", "--child", folder, f"{folder}/cache"]
                done = subprocess.run(words, capture_output=True, text=True, check=True)
                seconds, megabytes = (float(v) for v in done.stdout.split())
                _say(f"{size:>6} images, {what}: {1e3 * seconds / size:.2f} ms per image, peak {megabytes:.0f} MB")
                peaks.setdefault(what, []).append((size, megabytes))
    for what, ((few, low), (many, high)) in peaks.items():
        _say(f"{what}: {1e3 * (high - low) / (many - few):.1f} kB per image")
    return 0


def _child(folder: Path, cache: Path) -> int:
    """One extraction in this process: processor seconds, and peak megabytes."""
    import resource

    from radiogen.features import extract, write_features

    cohort = load_cohort(folder)
    start = time.process_time()
    done = extract(cohort, cache=cache)
    write_features(done, folder / "out")
    _say(f"{time.process_time() - start} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}")
    return 0


def _write(folder: Path, n: int) -> None:
    from PIL import Image
    from scipy.ndimage import gaussian_filter

    size = (40, 56)
    (folder / "images").mkdir()
    mask = np.zeros(size, np.uint8)
    mask[10:30, 14:40] = 255
    Image.fromarray(mask).save(folder / "images" / "mask.png")
    rng = np.random.default_rng(_SEED)
    for k in range(n):
        noise = gaussian_filter(rng.normal(size=size), 1.5)
        grey = np.clip(130 + 35 * noise / noise.std(), 0, 255).astype(np.uint8)
        Image.fromarray(grey).save(folder / "images" / f"{k}.png", compress_level=1)
    (folder / "bmode.csv").write_text("id,image,mask\n" + "".join(f"p{k},images/{k}.png,images/mask.png\n" for k in range(n)))
    (folder / "clinical.csv").write_text("id,age\n" + "".join(f"p{k},{40 + k % 40}\n" for k in range(n)))
    (folder / "cohort.yaml").write_text(_YAML % _FIRST_ORDER)


if __name__ == "__main__":
    sys.exit(main())
