"""Errors of measurement on simulated pictures whose truth is known; the tables of the modalities' pages.

    python benchmarks/measurement_errors.py                 # all, some minutes on one core
    python benchmarks/measurement_errors.py swe ceus        # some

Every line is the median, the 95th percentile and the largest absolute error over the pictures.  Seeds are fixed.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from radiogen.errors import RadiogenError
from radiogen.imaging import Image
from radiogen.simulate.bmode import Picture, Traits, draw_picture
from radiogen.simulate.scanner import SCANNERS, Scanner

Errors = Mapping[str, list[float]]
#: kinds of file: quality (None: without loss) and Pillow's chroma subsampling
FILES = {"PNG": None, "JPEG 85 4:4:4": 0, "JPEG 85 4:2:0": 2}


def _plane(seed: int) -> tuple[np.random.Generator, Picture, Scanner]:
    rng = np.random.default_rng(seed)
    scanner = SCANNERS[("Alpha", "Beta")[seed % 2]]
    return rng, draw_picture(rng, Traits(float(rng.uniform(8, 28)), *rng.normal(0, 0.7, 5)), scanner), scanner


def _saved(pixels: NDArray[np.uint8], subsampling: int | None) -> NDArray[np.uint8]:
    if subsampling is None:
        return pixels
    buffer = io.BytesIO()
    PillowImage.fromarray(pixels).save(buffer, "JPEG", quality=85, subsampling=subsampling)
    return np.asarray(PillowImage.open(buffer))


def swe() -> dict[str, Errors]:
    """Stiffness per pixel in percent of full scale, the lesion's mean in kPa, and what became of planted marks."""
    from radiogen.imaging.elastography import decode_stiffness
    from radiogen.simulate.colourmaps import COLOUR_MAPS
    from radiogen.simulate.elastography import draw_swe

    out: dict[str, Errors] = {}
    for kind, subsampling in FILES.items():
        found: dict[str, list[float]] = defaultdict(list)
        for number, (colour_map, opacity) in enumerate((m, o) for m in COLOUR_MAPS for o in (0.3, 0.45, 0.6, 0.7)):
            for k in range(3):
                rng, plane, scanner = _plane(1000 + 3 * number + k)
                drawn = draw_swe(rng, plane, float(rng.normal(0, 0.6)), scanner, colour_map=colour_map, opacity=opacity)
                decoded = decode_stiffness(_saved(drawn.image, subsampling), scale_max=drawn.scale_max_kpa)
                field = np.isfinite(drawn.kpa) & ~drawn.planted
                seen, lesion = field & decoded.decoded, drawn.mask & np.isfinite(drawn.kpa)
                error = np.abs(decoded.values - drawn.shown_kpa)[seen] / drawn.scale_max_kpa
                found[f"{colour_map}: median of a picture, % of scale"].append(100 * float(np.median(error)))
                found["lesion's mean, kPa"].append(
                    float(decoded.values[drawn.mask & seen].mean() - drawn.shown_kpa[lesion].mean())
                )
                found["opacity"].append(decoded.opacity - opacity)
                found["right pixels lost, %"].append(100 * float((field & ~decoded.decoded).sum() / field.sum()))
                if drawn.planted.any():
                    kept = drawn.planted & decoded.decoded
                    found["planted pixels not flagged, %"].append(100 * float(kept.sum() / drawn.planted.sum()))
        out[kind] = found
    return out


def doppler() -> dict[str, Errors]:
    """Indices of colour pictures."""
    from radiogen.imaging.doppler import measure_flow
    from radiogen.simulate.doppler import draw_colour_doppler

    out: dict[str, Errors] = {}
    for kind, subsampling in FILES.items():
        found: dict[str, list[float]] = defaultdict(list)
        for k in range(60):
            rng, plane, scanner = _plane(5000 + k)
            drawn = draw_colour_doppler(rng, plane, float(rng.normal(0, 1)), scanner)
            image = _saved(drawn.image, subsampling)
            flow = measure_flow(image, drawn.mask, spacing_mm=drawn.spacing_mm, scale_max=drawn.scale_max_cm_s).values
            found["vascularity index, points"].append(flow["vascularity_index_pct"] - drawn.vascularity_index_pct)
            found["vessel count"].append(flow["vessel_count"] - drawn.vessel_count)
            if drawn.length_mm > 0:
                found["vessel length, %"].append(100 * (flow["vessel_length_mm"] / drawn.length_mm - 1))
        out[kind] = found
    return out


def spectrum() -> dict[str, Errors]:
    """Velocities and indices of pulsed-wave strips, in percent of the truth."""
    from radiogen.imaging.doppler import measure_spectrum
    from radiogen.simulate.spectrum import draw_spectrum, draw_velocities

    out: dict[str, Errors] = {}
    for snr in (8, 14, 20, 26):
        found: dict[str, list[float]] = defaultdict(list)
        for k in range(60):
            rng = np.random.default_rng(9000 + k)
            psv, edv = draw_velocities(rng, float(rng.normal()), float(rng.normal()))
            drawn = draw_spectrum(rng, psv, edv, snr_db=snr, direction=1 if k % 4 else -1)
            calibration = {"cm_s_per_px": drawn.cm_s_per_px, "s_per_px": drawn.s_per_px, "baseline_row": drawn.baseline_row}
            values = measure_spectrum(drawn.image, **calibration).values
            for name in ("psv_cm_s", "edv_cm_s", "ri", "pi", "heart_rate_per_min"):
                if name in values and getattr(drawn, name) > 0:
                    found[f"{name}, %"].append(100 * (values[name] / getattr(drawn, name) - 1))
        out[f"SNR {snr} dB"] = found
    return out


def ceus() -> dict[str, Errors]:
    """Parameters of curves from loops, in percent of the truth."""
    from radiogen.imaging.bolus.kinetics import fit_curve
    from radiogen.imaging.contrast import time_intensity
    from radiogen.simulate.contrast import draw_ceus

    out: dict[str, dict[str, list[float]]] = {"range declared": defaultdict(list), "range not declared": defaultdict(list)}
    for k in range(40):
        rng, plane, scanner = _plane(7000 + k)
        drawn = draw_ceus(rng, plane, float(rng.normal(0, 0.8)), float(rng.normal(0, 0.8)), scanner)
        loop = Image(drawn.frames, None, "DICOM", "MONOCHROME2", n_frames=len(drawn.frames), frame_times_s=drawn.times_s)
        for name, found in out.items():
            declared = drawn.dynamic_range_db if name == "range declared" else None
            curve = time_intensity(
                loop, drawn.mask, contrast_box=drawn.contrast_box, tissue_box=drawn.tissue_box, dynamic_range_db=declared
            )
            fit, truth = fit_curve(curve.times_s, curve.lesion), drawn.lesion_bolus
            pairs = {
                "time to peak": (fit.time_to_peak_s, truth.time_to_peak_s),
                "rise time": (fit.rise_time_s, truth.rise_time_s),
                "mean transit time": (fit.mean_transit_time_s, truth.mean_transit_time_s),
                "peak enhancement": (fit.peak_enhancement, truth.peak_enhancement_au),
                "area": (fit.auc, truth.auc_au_s),
            }
            for label, (measured, true) in pairs.items():
                found[f"{label}, %"].append(100 * (measured / true - 1))
    return dict(out)


TABLES: Mapping[str, Callable[[], dict[str, Errors]]] = {"swe": swe, "doppler": doppler, "spectrum": spectrum, "ceus": ceus}


def _print(title: str, errors: Errors) -> None:
    sys.stdout.write(f"\n{title}\n")
    for name, values in errors.items():
        size = np.abs(np.asarray(values, dtype=np.float64))
        median, high, worst = np.nanmedian(size), np.nanpercentile(size, 95), np.nanmax(size)
        missing = int(np.isnan(size).sum())
        note = f", {missing} missing" if missing else ""
        sys.stdout.write(f"  {name:<44} median {median:7.2f}   p95 {high:7.2f}   max {worst:7.2f}   n {size.size}{note}\n")


def main(argv: list[str] | None = None) -> int:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", help=f"some of {', '.join(TABLES)}; default all")
    for name in parser.parse_args(argv).tables or TABLES:
        try:
            for title, errors in TABLES[name]().items():
                _print(f"{name}: {title}", errors)
        except (KeyError, RadiogenError) as error:
            sys.stderr.write(f"{name}: {error}\n")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
