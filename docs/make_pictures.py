"""Draw the documentation's pictures into docs/generated/pictures: simulated images and what is measured in them.

Every picture is simulated, with fixed seeds, so that nothing in the documentation shows a patient.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from panels import BLUE, ORANGE, RED, SKY, WHITE, YELLOW, Panel, Plot, beside_scale, coloured, with_scale

from radiogen.imaging import Image
from radiogen.imaging.bolus.kinetics import fit_curve
from radiogen.imaging.bolus.parametric import parametric_maps
from radiogen.imaging.contrast import time_intensity
from radiogen.imaging.doppler import measure_flow, measure_spectrum
from radiogen.imaging.elastography import decode_stiffness
from radiogen.imaging.flow.vessels import centre_lines
from radiogen.imaging.outlines.outline import WAVELENGTHS
from radiogen.imaging.outlines.overlap import dice
from radiogen.imaging.outlines.phase import phase_edges
from radiogen.imaging.quality import assess, flags
from radiogen.imaging.regions import bounding_box, box_slices, ring
from radiogen.imaging.segment import segment
from radiogen.simulate.bmode import Picture, Traits, draw_picture
from radiogen.simulate.contrast import draw_ceus
from radiogen.simulate.doppler import draw_colour_doppler
from radiogen.simulate.elastography import MARGIN as SCREEN
from radiogen.simulate.elastography import draw_swe
from radiogen.simulate.lettering import write
from radiogen.simulate.scanner import SCANNERS
from radiogen.simulate.spectrum import draw_spectrum

FOLDER = Path(__file__).with_name("generated") / "pictures"


def lesion(seed: int, diameter_mm: float = 17.0, margin: float = 0.6) -> tuple[np.random.Generator, Picture]:
    """A B-mode picture of a lesion, and the random numbers that are left."""
    rng = np.random.default_rng(seed)
    traits = Traits(diameter_mm, margin=margin, texture=0.3, shadow=0.4, contrast=0.0, aspect=0.2)
    return rng, draw_picture(rng, traits, SCANNERS["Alpha"])


def regions() -> None:
    """Rings around a lesion, and the regions of a DICOM screen."""
    _, picture = lesion(21)
    spacing = (picture.spacing_mm, picture.spacing_mm)
    outer = ring(picture.mask, 2.0, spacing_mm=spacing)
    inner = ring(picture.mask, 1.5, spacing_mm=spacing, side="inside")
    panel = Panel(picture.image, smooth=True).tint(outer, SKY, 0.35).tint(inner, ORANGE, 0.35)
    panel.outline(picture.mask, YELLOW).save(FOLDER / "rings.png", "blue: 2 mm outside   orange: 1.5 mm inside")
    rng, plane = lesion(5, 15.0)
    flow = draw_colour_doppler(rng, plane, 1.0, SCANNERS["Alpha"])
    rows, columns = plane.image.shape
    panel = Panel(flow.image).box((0, rows - 1, 0, columns - 1), SKY, "tissue").box(flow.colour_box, YELLOW, "colour flow")
    panel.box(flow.bar_box, ORANGE).word(flow.bar_box[1] + 19, columns + 6, "bar", ORANGE)
    panel.outline(flow.mask, WHITE).save(FOLDER / "dicom_regions.png")


def bmode() -> None:
    """A lesion in grey values, and in bins of two widths."""
    _, picture = lesion(21)
    box = box_slices(bounding_box(picture.mask, margin=14))
    grey, mask = picture.image[box], picture.mask[box]
    Panel(grey, 4, smooth=True).outline(mask, YELLOW).save(FOLDER / "bmode_lesion.png")
    for width in (25, 5):
        low = int(grey[mask].min()) // width
        bins = grey // width - low
        colours = coloured(np.where(mask, bins, np.nan), 0, int(bins[mask].max()), grey)
        number = int(bins[mask].max()) + 1
        Panel(colours, 4).save(FOLDER / f"bmode_bins_{width}.png", f"bins of {width}: {number} levels")


def swe() -> None:
    """A shear-wave screen, its map of stiffness, what was not decoded, and the map against the truth."""
    for seed in range(100):  # a picture with a cross-hair
        rng, plane = lesion(300 + seed, 15.0)
        drawn = draw_swe(rng, plane, 0.8, SCANNERS["Alpha"], colour_map="jet", opacity=0.5)
        if (drawn.planted & drawn.mask).sum() > 15:
            break
    found = decode_stiffness(drawn.image, scale_max=180)
    shell = ring(drawn.mask, 2.0, spacing_mm=(drawn.spacing_mm, drawn.spacing_mm))
    Panel(drawn.image).save(FOLDER / "swe_screen.png")
    picture = slice(None), slice(0, -SCREEN)
    ground = drawn.image[(*picture, 0)]
    panel = with_scale(coloured(found.values[picture], 0, 180, ground), 0, 180, "kPa")
    panel.outline(beside_scale((drawn.mask | shell)[picture]), SKY).outline(beside_scale(drawn.mask[picture]), WHITE)
    panel.outline(beside_scale(drawn.reference[picture]), ORANGE).save(FOLDER / "swe_map.png")
    panel = with_scale(coloured(found.residual[picture], 0, 2, ground), 0, 2, "of 255")
    panel.tint(beside_scale(found.flagged[picture]), RED, 1.0)
    panel.save(FOLDER / "swe_flags.png", f"orange: {int(found.flagged.sum())} pixels not decoded")
    known = found.decoded & np.isfinite(drawn.kpa) & ~drawn.planted
    pick = np.random.default_rng(0).permutation(int(known.sum()))[:700]
    truth, value = drawn.shown_kpa[known][pick], found.values[known][pick]
    ticks = (0, 50, 100, 150)
    plot = Plot((0, 180), (0, 180), "true stiffness, kPa", "decoded stiffness, kPa", ticks, ticks)
    plot.curve((0, 180), (0, 180), (150, 150, 150), 1.5).dots(truth, value, BLUE, 2.2, 0.5)
    error = np.median(np.abs(found.values - drawn.shown_kpa)[known])
    plot.text(10, 160, f"median error {error:.2f} kPa", anchor="start").save(FOLDER / "swe_truth.svg", "Decoded against true kPa")


def doppler() -> None:
    """A colour picture, its vessels and their centre lines; a strip with its envelope and beats."""
    rng, plane = lesion(8, 16.0)
    drawn = draw_colour_doppler(rng, plane, 1.3, SCANNERS["Alpha"])
    Panel(drawn.image).outline(drawn.mask, YELLOW).save(FOLDER / "doppler_screen.png")
    found = measure_flow(drawn.image, drawn.mask, spacing_mm=drawn.spacing_mm, scale_max=drawn.scale_max_cm_s)
    top, _, left, right = drawn.colour_box
    crop = box_slices(drawn.colour_box)
    speed = coloured(np.abs(found.velocity_cm_s[crop]), 0, drawn.scale_max_cm_s, drawn.image[(*crop, 0)])
    lines = centre_lines(found.coloured)
    panel = with_scale(speed, 0, drawn.scale_max_cm_s, "cm/s", 480 // (right - left), 0.6)
    panel.outline(beside_scale(drawn.mask[crop], 0.6), YELLOW)
    for a, b in lines.links:
        panel.line(lines.pixels[[a, b], 0] - top, lines.pixels[[a, b], 1] - left, RED, 3)
    for row, column in lines.pixels[lines.degree() >= 3]:
        panel.dot(row - top, column - left, WHITE, 6)
    v = found.values
    foot = f"VI {v['vascularity_index_pct']:.1f} %, {v['vessel_count']:.0f} vessels, {v['vessel_length_mm']:.1f} mm"
    panel.save(FOLDER / "doppler_vessels.png", foot)
    strip = draw_spectrum(np.random.default_rng(3), 18.0, 4.5, snr_db=18)
    scale = {"cm_s_per_px": strip.cm_s_per_px, "s_per_px": strip.s_per_px, "baseline_row": strip.baseline_row}
    spectrum = measure_spectrum(strip.image, **scale)
    panel = Panel(strip.image)
    height = strip.baseline_row - spectrum.envelope_cm_s / strip.cm_s_per_px
    panel.line(height, np.arange(len(height)), YELLOW, 3)
    for beat in spectrum.beats:
        for time, speed_cm_s, colour in ((beat.peak_s, beat.psv, ORANGE), (beat.end_s, beat.edv, SKY)):
            panel.dot(strip.baseline_row - speed_cm_s / strip.cm_s_per_px, time / strip.s_per_px, colour, 9)
    for time in [b.start_s for b in spectrum.beats] + [spectrum.beats[-1].end_s]:
        panel.line((strip.baseline_row + 4, strip.baseline_row + 16), (time / strip.s_per_px,) * 2, WHITE, 3)
    v = spectrum.values
    foot = f"PSV {v['psv_cm_s']:.1f} cm/s, EDV {v['edv_cm_s']:.1f} cm/s, RI {v['ri']:.2f}, PI {v['pi']:.2f}"
    panel.save(FOLDER / "doppler_strip.png", f"{foot}, {v['n_beats']:.0f} beats")


def ceus() -> None:
    """Frames of a contrast loop, its curves with what is read off them, and a parametric map."""
    rng, plane = lesion(13, 17.0)
    loop = draw_ceus(rng, plane, 0.6, 1.6, SCANNERS["Alpha"])
    image = Image(loop.frames, None, "DICOM", "MONOCHROME2", n_frames=len(loop.frames), frame_times_s=loop.times_s)
    boxes = {"contrast_box": loop.contrast_box, "tissue_box": loop.tissue_box}
    curves = time_intensity(image, loop.mask, dynamic_range_db=loop.dynamic_range_db, reference=loop.reference, **boxes)
    fit, beside = fit_curve(curves.times_s, curves.lesion), fit_curve(curves.times_s, curves.reference)
    wide = loop.mask.shape[1]
    chosen = [np.abs(loop.times_s - t).argmin() for t in (2.0, fit.time_to_peak_s, 45.0)]
    montage = np.concatenate([loop.frames[k] for k in chosen])
    panel = Panel(montage, 2, smooth=True)
    masks = np.concatenate([np.zeros_like(loop.mask), loop.mask, np.zeros_like(loop.mask)])
    panel.outline(masks, YELLOW).outline(np.roll(masks, -wide // 2, axis=1), YELLOW)
    panel.outline(np.concatenate([np.zeros_like(loop.mask), loop.reference, np.zeros_like(loop.mask)]), SKY)
    for number, k in enumerate(chosen):
        panel.word(3 + number * loop.mask.shape[0], wide - 46, f"{loop.times_s[k]:.0f} s", WHITE)
    panel.save(FOLDER / "ceus_frames.png")
    _curve(curves, fit, beside)
    maps = parametric_maps(curves, fit, block=3)
    shown = np.full(loop.mask.shape, np.nan)
    inside = np.where(maps.inside, maps.peak_enhancement, np.nan)
    shown[box_slices(maps.box)] = inside.repeat(maps.block, 0).repeat(maps.block, 1)
    crop = box_slices(bounding_box(loop.mask, margin=12))
    high = float(np.ceil(np.nanmax(shown) / 1000) * 1000)
    panel = with_scale(coloured(shown[crop], 0, high, loop.frames[(chosen[1], *crop)]), 0, high, "a.u.", 6, 0.5)
    panel.outline(beside_scale(loop.mask[crop], 0.5), YELLOW).save(FOLDER / "ceus_map.png")


def _curve(curves, fit, beside) -> None:  # type: ignore[no-untyped-def]
    """The time-intensity curves with the parameters of the lesion's."""
    t = np.linspace(0, 76, 300)
    top = fit.offset + fit.peak_enhancement
    y_ticks = range(0, int(1.3 * top), 1000)
    plot = Plot((0, 76), (0, 1.32 * top), "time, s", "intensity, linear a.u.", (0, 20, 40, 60), y_ticks)
    peak, arrival, end = fit.time_to_peak_s, fit.arrival_time_s, fit.time_to_peak_s + fit.fall_time_s
    for low, high, colour in ((arrival, peak, ORANGE), (peak, end, SKY)):
        inside = np.linspace(low, high, 80)
        plot.area(inside, fit.curve(inside), fit.offset, colour, 0.35)
    plot.text((arrival + 2.2 * peak) / 3.2, fit.offset + 0.24 * fit.peak_enhancement, "WiAUC", (120, 80, 0))
    plot.text(0.62 * peak + 0.38 * end, fit.offset + 0.24 * fit.peak_enhancement, "WoAUC", (0, 80, 130))
    plot.dots(curves.times_s, curves.lesion, (90, 90, 90)).dots(curves.times_s, curves.reference, (170, 170, 170))
    plot.curve(t, beside.curve(t), (130, 130, 130), 2, "5 4").curve(t, fit.curve(t), BLUE)
    plot.curve((arrival, arrival + 1.05 * fit.peak_enhancement / fit.wash_in_rate), (fit.offset, 1.05 * top), RED, 1.6, "6 4")
    plot.curve((peak, end), (fit.offset + fit.wash_out_rate * fit.fall_time_s, fit.offset), RED, 1.6, "6 4")
    plot.curve((peak, peak), (0, 1.13 * top), RED, 1.2, "2 4")
    plot.span((arrival, peak), 1.13 * top, "RT", RED).span((peak, end), 1.13 * top, "FT", RED)
    plot.height(min(end + 3, 66), (fit.offset, top), "PE", RED)
    plot.text(arrival, 0, "t0", RED, "end", up=6).text(peak, 0, "TTP", RED, "start", up=6)
    plot.text(36, float(beside.curve(np.array([36.0]))[0]), "parenchyma", (110, 110, 110), up=-24)
    plot.save(FOLDER / "ceus_curve.svg", "Time-intensity curve of a lesion with its fit and parameters")


def segmentation() -> None:
    """The outline that is found in a box, and the edges that guide it."""
    _, picture = lesion(34, 18.0, margin=1.6)
    top, bottom, left, right = bounding_box(picture.mask)
    box = (top - 3, bottom + 2, left - 4, right + 3)
    found = segment(picture.image.astype(np.float64), box=box)
    place = bounding_box(picture.mask, margin=22)
    crop, inner = box_slices(place), [b - place[0 if k < 2 else 2] for k, b in enumerate(box)]
    panel = Panel(picture.image[crop], 4, smooth=True).box(inner, SKY).outline(picture.mask[crop], YELLOW)
    panel.outline(found[crop], ORANGE)
    panel.save(FOLDER / "segment.png", f"yellow: truth   orange: contour   Dice {dice(found, picture.mask):.2f}")
    side = np.sqrt((bottom - top) * (right - left)) / 72
    edges = phase_edges(picture.image / 255.0, [w * side for w in WAVELENGTHS])
    panel = with_scale(coloured(edges.strength[crop], 0, 0.7), 0, 0.7, "0 to 1", 4, 0.6)
    panel.outline(beside_scale(picture.mask[crop], 0.6), YELLOW).save(FOLDER / "segment_edges.png")


def quality() -> None:
    """One picture as it is and made worse, with what is said of it."""
    from scipy.ndimage import gaussian_filter

    _, picture = lesion(21)
    top, bottom, left, right = bounding_box(picture.mask)
    plain, middle = picture.image, (top + bottom) // 2
    blurred = np.rint(gaussian_filter(plain.astype(float), 2.2)).astype(np.uint8)
    bright = np.clip(plain.astype(float) * 1.9 + 60, 0, 255).astype(np.uint8)
    marked = plain.copy()
    for column in (left + 4, right - 4):
        marked[middle, column - 5 : column + 6] = marked[middle - 5 : middle + 6, column] = 235
    for column in range(left + 14, right - 12, 5):
        marked[middle, column : column + 2] = 235
    written = plain.copy()
    write(written, top + 8, (left + right) // 2 - 14, "23.4 mm", 235)
    for name, pixels in {"plain": plain, "blurred": blurred, "bright": bright, "calipers": marked, "text": written}.items():
        image = Image(pixels.astype(np.float64), (picture.spacing_mm,) * 2, "PNG", "L")
        found = assess(image, picture.mask, spacing_mm=image.spacing_mm)
        said = ", ".join(flags(found)) or "no flag"
        crop = box_slices(bounding_box(picture.mask, margin=24))
        panel = Panel(pixels[crop], 3, smooth=name != "text").outline(picture.mask[crop], YELLOW)
        foot = f"{said}: focus {found['focus']:.2f}, {found['saturated_pct']:.1f} % at the top"
        panel.save(FOLDER / f"quality_{name}.png", foot)


def main() -> int:
    """Draw all pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for draw in (regions, bmode, swe, doppler, ceus, segmentation, quality):
        draw()
    return 0


if __name__ == "__main__":
    sys.exit(main())
