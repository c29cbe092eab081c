"""How far ultrasound pictures are moved and changed while training; no torch here."""

from __future__ import annotations

from dataclasses import dataclass, fields

from radiogen.errors import fail


@dataclass(frozen=True)
class Augmentation:
    """Largest changes; every one is drawn anew for each picture (each loop) and step.

    Parameters
    ----------
    flip : float, default 0.5
        Probability of a mirror image.  Left and right of a breast are alike on a screen; depth is not, so that pictures
        are never turned upside down.
    rotation : float, default 8
        Degrees to either side: as far as a probe is tilted without the picture looking wrong.
    scale : float, default 0.1
        Share by which a picture is made larger or smaller: lesions differ more in size than that, and size tells much.
    moved : float, default 0.7
        Probability that a picture is rotated and scaled at all; the others keep their resolution.
    gain : float, default 0.2
        Relative change of the brightness as a whole: what sonographers' settings of gain differ by on the screen.
    tgc : float, default 0.15
        Relative change at each of the knots along depth, between which the curve is smooth: the sliders of a machine.
    tgc_knots : int, default 4
    attenuation : float, default 0.25
        Relative loss of brightness from the top to the bottom, none to this: a thick or fatty breast, too low a power.
    speckle : float, default 0.25
        Weight of multiplied Rayleigh noise of mean 1, none to this: speckle is what fully developed scattering gives, and
        two scans of one lesion never share it.
    speckled : float, default 0.5
        Probability of speckle.
    blur : float, default 0.2
        Probability of a blur by a binomial kernel of 3 pixels: a lower frequency or a poor focus.
    shadow : float, default 0.15
        Probability of an acoustic shadow, a darker band downwards from a depth on.
    shadow_depth : float, default 0.5
        Largest relative loss of brightness within a shadow: what lies in it can still be seen.

    Examples
    --------
    >>> from radiogen.models.training.augmentation import Augmentation
    >>> Augmentation(rotation=5).rotation
    5
    """

    flip: float = 0.5
    rotation: float = 8.0
    scale: float = 0.1
    moved: float = 0.7
    gain: float = 0.2
    tgc: float = 0.15
    tgc_knots: int = 4
    attenuation: float = 0.25
    speckle: float = 0.25
    speckled: float = 0.5
    blur: float = 0.2
    shadow: float = 0.15
    shadow_depth: float = 0.5

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            low, high = (2, 64) if f.name == "tgc_knots" else (0, 45) if f.name == "rotation" else (0, 1)
            if isinstance(value, bool) or not low <= value <= high:
                raise fail("RG708", f"`{f.name}` of the augmentation lies from {low} to {high}", value=value)
        if self.scale >= 1:
            raise fail("RG708", "`scale` of the augmentation is below 1", value=self.scale)
