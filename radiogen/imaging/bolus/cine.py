"""The contrast pane of a loop as linear intensities, each frame moved back to where the mask was drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radiogen.imaging.image import LUMINANCE, Image
from radiogen.imaging.regions import Box, Mask, bounding_box, box_slices

Floats = NDArray[np.float64]

#: a frame with this share of black pixels in a region, and dimmer than this share of the brightest, is trimmed
_MANY_BLACK, _DIM = 0.2, 0.25


def intensities(dynamic_range_db: float | None) -> Floats:
    """The intensity of each of the 256 grey levels.

    A scanner shows the power P of an echo as the level v = 255 · (1 + 10 log10(P / Pwhite) / DR), cut off at 0 and
    255, with the dynamic range DR in dB from black to white.  Solved for P, in units of the power of black,
    P = 10^(v · DR / 2550).  Black stands for any power up to its own, so that its 1 is taken off:
    I(v) = 10^(v · DR / 2550) − 1, which is 0 for black and grows in proportion to the power.

    Parameters
    ----------
    dynamic_range_db : float or None
        None: the grey level itself.

    References
    ----------
    Arditi M, Frinking PJA, Zhou X, Rognin NG. A new formalism for the quantification of tissue perfusion by the
    destruction-replenishment method in contrast ultrasound imaging. IEEE Trans Ultrason Ferroelectr Freq Control
    2006;53:1118–1129.  Rognin NG et al. In-vivo perfusion quantification by contrast ultrasound: validation of the use
    of linearized video data vs. raw RF data. IEEE Ultrasonics Symposium 2008:1690–1693.

    Examples
    --------
    >>> from radiogen.imaging.bolus.cine import intensities
    >>> table = intensities(60.0)      # 60 dB: white has 10^6 times the power of black
    >>> float(table[0]), round(float(table[255]))
    (0.0, 999999)
    """
    levels = np.arange(256, dtype=np.float64)
    return levels if dynamic_range_db is None else 10 ** (levels * dynamic_range_db / 2550) - 1


def trimmed_mean(values: Floats) -> float:
    """The centre of a symmetric distribution that was cut off at 0: the m of m = mean(min(values, 2 m)).

    What the cut took away below is taken away above as well (Powell 1986); 0 where half of the values are 0.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.bolus.cine import trimmed_mean
    >>> round(trimmed_mean(np.maximum(np.array([-3.0, 0.0, 1.0, 2.0, 5.0]), 0)), 6)       # 1 − 4, 1 − 1, 1, 1 + 1, 1 + 4
    1.0
    """
    if (values <= 0).mean() >= 0.5:
        return 0.0
    mean = float(values.mean())
    for _ in range(200):
        lower = float(np.minimum(values, 2 * mean).mean())
        if mean - lower <= 1e-9 * mean:
            break
        mean = lower
    return mean


@dataclass(frozen=True)
class Cine:
    """A pane of a loop; see :meth:`window`.

    Parameters
    ----------
    image : Image
        Loop of 8 bits.
    pane : Box
        Top, bottom, left, right of the pane; what lies beyond is not looked at.
    table : ndarray of float64, length 256
        Intensity by grey level.
    shifts_px : ndarray of float64, N × 2
        How far each frame has moved, rows and columns.
    """

    image: Image
    pane: Box
    table: Floats
    shifts_px: Floats

    def levels(self, number: int, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Grey levels (of colours the luminance) at neighbouring rows and columns; beyond the pane those of its border."""
        frame = self.image.pixels[number]
        within = self.pane[0] <= rows[0] and rows[-1] <= self.pane[1]
        if within and self.pane[2] <= columns[0] and columns[-1] <= self.pane[3]:
            found = frame[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        else:
            inside = np.ix_(np.clip(rows, self.pane[0], self.pane[1]), np.clip(columns, self.pane[2], self.pane[3]))
            found = frame[inside]
        return np.rint(found @ LUMINANCE).astype(np.uint8) if found.ndim == 3 else found

    def window(self, number: int, box: Box, *, nearest: bool = False) -> Floats:
        """Intensities of a frame in a box that has moved with the tissue, by linear interpolation between pixels."""
        shift = np.rint(self.shifts_px[number]) if nearest else self.shifts_px[number]
        whole = np.floor(shift).astype(int)
        down, right = shift - whole
        rows = np.arange(box[0], box[1] + 1 + (down > 0)) + whole[0]
        columns = np.arange(box[2], box[3] + 1 + (right > 0)) + whole[1]
        values = np.take(self.table, self.levels(number, rows, columns))
        values = values[:-1] * (1 - down) + values[1:] * down if down else values
        return np.asarray(values[:, :-1] * (1 - right) + values[:, 1:] * right if right else values)

    def windows(self, box: Box, frames: NDArray[np.int64]) -> Iterator[Floats]:
        """The box in several frames."""
        for number in frames:
            yield self.window(int(number), box)

    def curves(self, *masks: Mask) -> Floats:
        """Mean intensity of each region in each frame; masks × frames, averaged after linearisation.

        In dim frames (below a quarter of the brightest) with a fifth of black pixels or more, noise was cut off at
        black, and the plain mean lies above the signal.  There the mean is symmetrically trimmed (:func:`trimmed_mean`).
        """
        box = bounding_box(np.logical_or.reduce(masks))
        cuts = [mask[box_slices(box)] for mask in masks]
        frames = np.arange(self.image.n_frames)
        plain = np.array([[window[cut].mean() for cut in cuts] for window in self.windows(box, frames)]).T
        for k, cut in enumerate(cuts):
            for number in np.flatnonzero(plain[k] < _DIM * plain[k].max()):
                values = self.window(int(number), box, nearest=True)[cut]  # interpolation would hide black pixels
                if (values == 0).mean() >= _MANY_BLACK:
                    plain[k, number] = trimmed_mean(values)
        return plain

    def outside(self, mask: Mask) -> Floats:
        """Share of a region that has left the pane, by frame."""
        rows, columns = np.nonzero(mask)
        down, right = rows + self.shifts_px[:, :1], columns + self.shifts_px[:, 1:]
        beyond = (down < self.pane[0] - 0.5) | (down > self.pane[1] + 0.5)
        beyond |= (right < self.pane[2] - 0.5) | (right > self.pane[3] + 0.5)
        return np.asarray(beyond.mean(axis=1))

    def saturated(self, mask: Mask) -> float:
        """Share of white pixels of a region in the frame that has most."""
        rows, columns = np.arange(mask.shape[0]), np.arange(mask.shape[1])
        box = box_slices(bounding_box(mask))
        cut, r, c = mask[box], rows[box[0]], columns[box[1]]
        return max(float((self.levels(k, r, c)[cut] == 255).mean()) for k in range(self.image.n_frames))
