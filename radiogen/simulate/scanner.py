"""The two scanners of the simulated centres."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scanner:
    """What differs between two machines, in terms of their pictures.

    Parameters
    ----------
    name : str
        Its name in the tables.
    spacings_mm : tuple of float
        Pixel sizes of the depth settings, smallest first.
    lateral_mm, axial_mm : float
        Standard deviation of the point spread function at the focus.
    focus : float
        Depth of the focus as a share of the image.
    spread : float
        How much wider the beam is at the far end than at the focus.
    looks : int
        Images from different angles that are averaged (spatial compounding).
    range_db, gain_db, gamma : float
        Dynamic range of the log compression, gain, and exponent of the grey map.
    tgc_db : float
        Error of the time-gain compensation at the lower edge; negative darkens.
    noise_db : float
        Electronic noise at the lower edge, below the mean of tissue.
    """

    name: str
    spacings_mm: tuple[float, ...]
    lateral_mm: float
    axial_mm: float
    focus: float
    spread: float
    looks: int
    range_db: float
    gain_db: float
    gamma: float
    tgc_db: float
    noise_db: float


SCANNERS = {
    "Alpha": Scanner(
        "Alpha", (0.15, 0.20, 0.25, 0.32), lateral_mm=0.26, axial_mm=0.11, focus=0.45, spread=0.9, looks=3,
        range_db=40.0, gain_db=2.0, gamma=1.55, tgc_db=-11.0, noise_db=-40.0,
    ),
    "Beta": Scanner(
        "Beta", (0.16, 0.21, 0.27, 0.34), lateral_mm=0.38, axial_mm=0.17, focus=0.55, spread=0.6, looks=2,
        range_db=41.0, gain_db=2.5, gamma=1.50, tgc_db=-9.0, noise_db=-37.0,
    ),
}  # fmt: skip
