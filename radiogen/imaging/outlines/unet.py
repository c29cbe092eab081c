"""A U-Net that draws lesions: what it is, how it looks at a picture, and its file.

Training is in :mod:`radiogen.imaging.outlines.unet_training`.  The module itself does not import torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import RadiogenError, fail
from radiogen.files import in_one_step
from radiogen.imaging.image import Image
from radiogen.imaging.outlines.phase import Floats
from radiogen.imaging.regions import Mask, bounding_box
from radiogen.imaging.segment import segment

Encoder = Literal["small", "efficientnet_lite0"]
Weights = Mapping[str, NDArray[Any]]
#: format of the file
_FORMAT = "radiogen U-Net 1"
_CAP = 500_000_000
#: what :func:`settings_for` takes where nothing is said
DEFAULT_ENCODER: Encoder = "efficientnet_lite0"


@dataclass(frozen=True)
class NetSettings:
    """The network and its training; :func:`settings_for` gives those that suit an encoder, the defaults are the small one's.

    Parameters
    ----------
    size : int, default 64
        Side of the square to which pictures are brought; a multiple of ``2 ** depth``, of 32 with the pretrained encoder.
        Where a lesion is, is decided by the whole picture: on BUSI's tuning images 96 pixels did no better for the small
        network and took twice the time.
    base : int, default 16
        Channels of the first level; they double from level to level.  With the pretrained encoder, of the way up alone.
    depth : int, default 4
        Levels.  The first one already works at half of ``size``; that of the pretrained encoder, whose depth is 4, at a
        quarter.
    steps : int, default 1200
        Steps of training, each on ``batch`` pictures; the time of training does not depend on the cohort's size.
    batch : int, default 8
    learning_rate : float, default 0.002
        Its largest value, after the first twentieth of the steps; then it falls along a cosine.
    weight_decay : float, default 0.01
    dropout : float, default 0.1
        Share of channels that each block leaves out in training.
    nets : int, default 2
        Networks whose probabilities are averaged; they differ by their random start and their draws.
    encoder : {"small", "efficientnet_lite0"}, default "small"
        ``"small"`` learns everything from the cohort's pictures; ``"efficientnet_lite0"`` starts from weights learnt on
        ImageNet.
    encoder_rate : float, default 0.0
        Share of the learning rate that the pretrained encoder's weights get; 0 leaves them as they are.
    frozen : int, default 0
        Stages of the pretrained encoder, from the first, that stay as they are whatever ``encoder_rate``, 0 to 7; its first
        convolution always does.
    empty : float, default 1.0
        Largest share of pictures without a lesion among those that are drawn; where there are more, each round leaves some
        out by chance.  A network that sees many of them comes to see none where a lesion is faint.
    threshold : float, default 0.5
        A pixel is lesion from this probability on.
    """

    size: int = 64
    base: int = 16
    depth: int = 4
    steps: int = 1200
    batch: int = 8
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    dropout: float = 0.1
    nets: int = 2
    encoder: Encoder = "small"
    encoder_rate: float = 0.0
    frozen: int = 0
    empty: float = 1.0
    threshold: float = 0.5

    def __post_init__(self) -> None:
        least = {"size": 1, "base": 1, "depth": 1, "steps": 1, "batch": 1, "nets": 1, "frozen": 0}
        for name, fewest in least.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < fewest:
                raise fail("RG708", f"`{name}` of the network must be a whole number of at least {fewest}", value=value)
        if self.encoder not in get_args(Encoder):
            raise fail("RG708", f"the encoder of the network is one of {', '.join(get_args(Encoder))}", value=self.encoder)
        if self.depth > 6 or self.size % self._multiple or self.size > 1024 or self.base > 128:
            raise fail("RG708", "the network has at most 6 levels and 128 channels at first, and a size of at most 1024 that "
                       f"is a multiple of {self._multiple}", value=self.size)
        if self.encoder != "small" and (self.depth != 4 or self.frozen > 7):
            raise fail("RG708", "the pretrained encoder has 4 levels and 7 stages", value=(self.depth, self.frozen))
        if isinstance(self.empty, bool) or not 0 <= self.empty <= 1:
            raise fail("RG708", "the share of pictures without a lesion lies from 0 to 1", value=self.empty)
        if not 0 < self.threshold < 1:
            raise fail("RG708", "the probability from which on a pixel is lesion lies between 0 and 1", value=self.threshold)
        shares = (self.weight_decay, self.dropout, self.encoder_rate)
        if not (0 < self.learning_rate < 1 and all(0 <= share < 1 for share in shares)):
            raise fail("RG708", "learning rate, weight decay, dropout and the encoder's share lie between 0 and 1")

    @property
    def _multiple(self) -> int:
        return 32 if self.encoder != "small" else 2 ** min(self.depth, 6)


#: what BUSI's tuning images chose for each encoder
_SETTINGS: Mapping[Encoder, Mapping[str, Any]] = {
    "small": {},
    "efficientnet_lite0": {
        "size": 192, "base": 32, "steps": 300, "learning_rate": 1e-3, "nets": 2, "encoder_rate": 0.5, "frozen": 2, "empty": 0.1,
        "threshold": 0.35,
    },
}  # fmt: skip


def settings_for(encoder: Encoder = DEFAULT_ENCODER, **changes: Any) -> NetSettings:
    """The settings that suit an encoder; they were chosen on BUSI's tuning images.

    Parameters
    ----------
    encoder : {"efficientnet_lite0", "small"}, default "efficientnet_lite0"
    **changes
        Other values of :class:`NetSettings`.

    Raises
    ------
    RadiogenError
        RG708 for an encoder that is none, or settings out of range.

    Examples
    --------
    >>> from radiogen.imaging.outlines.unet import settings_for
    >>> settings_for("small").size, settings_for("small", nets=1).nets
    (64, 1)
    """
    return NetSettings(encoder=encoder, **{**_SETTINGS.get(encoder, {}), **changes})


@dataclass(frozen=True, repr=False)
class SegmentationNet:
    """Trained networks, ready to draw.

    Parameters
    ----------
    settings : NetSettings
    weights : sequence of mapping of str to ndarray
        One per network.
    trained_on : int
        Number of pictures with a lesion that it learnt from.
    """

    settings: NetSettings
    weights: Sequence[Weights]
    trained_on: int = 0

    def probability(self, image: Image | NDArray[np.float64]) -> Floats:
        """Probability of lesion at every pixel, mean of all networks and of the picture and its mirror image.

        Parameters
        ----------
        image : Image or ndarray, H × W
            Colours count by their luminance; of a loop the frame in the middle.

        Returns
        -------
        ndarray, H × W float64

        Raises
        ------
        RadiogenError
            RG705 for an array that is no picture, RG902 without torch, RG802 for weights that do not fit.
        """
        return self.probabilities([image])[0]

    def probabilities(self, images: Sequence[Image | NDArray[np.float64]]) -> list[Floats]:
        """:meth:`probability` of several pictures of any sizes."""
        from radiogen.imaging.outlines.unet_torch import foreseen

        if not len(images):
            return []
        grey = [luminance(image) for image in images]
        small = np.stack([seen(g, self.settings.size) for g in grey])
        total = np.sum([foreseen(self.settings, weights, small) for weights in self.weights], axis=0) / len(self.weights)
        return [enlarge(p, (g.shape[0], g.shape[1])) for p, g in zip(total, grey, strict=True)]

    def predict(self, image: Image | NDArray[np.float64]) -> Mask:
        """The lesion: of the parts above the settings' threshold the one that holds most, without holes.

        Parameters and errors as for :meth:`probability`.

        Raises
        ------
        RadiogenError
            RG530 where the network sees no lesion.
        """
        return lesion_of(self.probability(image), self.settings.threshold)

    def draw(self, image: Image | NDArray[np.float64]) -> Mask:
        """The lesion, found by the network and outlined by the contour in the box around what it found.

        The network sees a small picture: it says where the lesion is better than where it ends.  On BUSI the two draw
        equally well on average (smooth lesions the contour, irregular ones the network).  Where the contour finds no
        outline the network's own stands.  Parameters and errors as for :meth:`predict`.
        """
        grey = luminance(image)
        found = self.predict(grey)
        try:
            return segment(grey, box=bounding_box(found), spacing_mm=image.spacing_mm if isinstance(image, Image) else None)
        except RadiogenError as error:
            if error.code != "RG530":
                raise
            return found

    def save(self, path: str | Path) -> Path:
        """Write the network to one file: arrays and JSON, nothing that runs code when it is read.

        Parameters
        ----------
        path : path
            Ends in ``.npz``; a file there is replaced in one step.

        Raises
        ------
        RadiogenError
            RG708 for another ending, RG801 where it cannot be written.
        """
        path = Path(path)
        if path.suffix != ".npz":
            raise fail("RG708", "the file of a network ends in .npz", value=path.name)
        about = {"format": _FORMAT, "settings": asdict(self.settings), "trained_on": self.trained_on, "nets": len(self.weights)}
        arrays: dict[str, NDArray[Any]] = {"about": np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)}
        arrays.update({f"{k}/{name}": array for k, weights in enumerate(self.weights) for name, array in weights.items()})
        with in_one_step(path, "the network", make_folder=False) as part, part.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        return path

    def __repr__(self) -> str:
        s = self.settings
        kind = "U-Net" if s.encoder == "small" else f"U-Net on {s.encoder}"
        return f"<SegmentationNet {len(self.weights)} × {kind} of {s.base} channels at {s.size} px, trained on {self.trained_on}>"


def load_net(path: str | Path) -> SegmentationNet:
    """Read a network written by :meth:`SegmentationNet.save`.

    Raises
    ------
    RadiogenError
        RG802 where the file is not one, or is damaged.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _CAP:
            raise fail("RG802", "the file is too large for a network", file=path)
        with np.load(path, allow_pickle=False) as stored:
            about = json.loads(bytes(stored["about"].astype(np.uint8)).decode())
            if about["format"] != _FORMAT:
                raise fail("RG802", f"the file's format is {about['format']!r}", file=path)
            known = {f.name for f in fields(NetSettings)}
            settings = NetSettings(**{k: v for k, v in about["settings"].items() if k in known})
            weights = [
                {name.partition("/")[2]: stored[name] for name in stored.files if name.partition("/")[0] == str(k)}
                for k in range(int(about["nets"]))
            ]
    except RadiogenError as error:
        raise error if error.code == "RG802" else fail("RG802", "the network's settings make no sense", file=path) from error
    except Exception as error:  # a file of another kind fails in many ways; none of them is a fault of radiogen
        raise fail("RG802", f"this is not a network written by radiogen ({type(error).__name__})", file=path) from error
    return SegmentationNet(settings, weights, int(about.get("trained_on", 0)))


def lesion_of(probability: Floats, threshold: float = 0.5) -> Mask:
    """From probabilities to one lesion, as :meth:`SegmentationNet.predict` says.

    Raises
    ------
    RadiogenError
        RG530 where no pixel has a probability of ``threshold``.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.imaging.outlines.unet import lesion_of
    >>> p = np.zeros((4, 7)); p[1:3, 0:2] = 0.9; p[1:3, 4:7] = 0.7
    >>> np.flatnonzero(lesion_of(p).any(axis=0)).tolist()
    [4, 5, 6]
    """
    from scipy.ndimage import binary_fill_holes, label, sum_labels

    parts, n = label(probability >= threshold)
    if n == 0:
        raise fail("RG530", f"the network sees no lesion: its largest probability is {float(probability.max()):.2f}")
    weight = sum_labels(probability, parts, np.arange(1, n + 1))
    return np.asarray(binary_fill_holes(parts == 1 + int(np.argmax(weight))), dtype=bool)


def shrink(picture: Floats, size: int) -> NDArray[np.float32]:
    """A picture (or mask) as a square of ``size`` pixels, averaged over the pixels that each one covers."""
    from PIL import Image as Pillow

    small = Pillow.fromarray(np.asarray(picture, dtype=np.float32)).resize((size, size), Pillow.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.float32)


def enlarge(square: Floats, shape: tuple[int, int]) -> Floats:
    """A square brought back to the picture's rows and columns, linear between pixels."""
    from PIL import Image as Pillow

    large = Pillow.fromarray(np.asarray(square, dtype=np.float32)).resize((shape[1], shape[0]), Pillow.Resampling.BILINEAR)
    return np.asarray(large, dtype=np.float64)


def luminance(image: Image | NDArray[np.float64]) -> Floats:
    """Grey values of whatever it is.

    Raises
    ------
    RadiogenError
        RG705 for an array that is no picture.
    """
    if isinstance(image, Image):
        return image.luminance()
    grey = np.asarray(image, dtype=np.float64)
    if grey.ndim != 2 or not grey.size or not np.isfinite(grey).all():
        raise fail("RG705", f"a picture has rows, columns and finite grey values; the array has the shape {grey.shape}")
    return grey


def seen(grey: Floats, size: int) -> NDArray[np.float32]:
    """A picture as the network takes it: small, and from 0 to 1 (half a per cent is cut off at both ends).

    The scale is the picture's own, so that 8 and 16 bits look alike.
    """
    small = shrink(grey, size)
    low, high = np.percentile(small, [0.5, 99.5])
    return np.asarray(np.clip((small - low) / max(float(high - low), 1e-9), 0, 1), dtype=np.float32)
