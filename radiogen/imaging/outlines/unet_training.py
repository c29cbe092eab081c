"""Training a U-Net on pictures with masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radiogen.errors import fail
from radiogen.imaging.image import Image
from radiogen.imaging.outlines.unet import NetSettings, SegmentationNet, Weights, luminance, seen, settings_for, shrink
from radiogen.imaging.regions import Mask

#: a picture (0 to 1) and its mask (0 to 1), both m × m float32
Lesson = tuple[NDArray[np.float32], NDArray[np.float32]]
#: fewest pictures with a lesion that a network learns from
FEWEST = 4
#: pictures are kept a sixth larger than the network takes them: the draws turn and stretch them
_STORED = 7 / 6
#: share of the steps in which the learning rate rises, and what is left of it at the end
_RISE, _FLOOR = 0.05, 0.01
#: the weights that are kept are a moving average over about this share of the steps
_AVERAGE = 0.1
#: weight of the deeper levels in the loss, and longest gradient
_DEEP, _LONGEST = 0.3, 5.0


def train_net(
    images: Sequence[Image | NDArray[np.float64]],
    masks: Sequence[Mask],
    *,
    settings: NetSettings | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> SegmentationNet:
    """Train a network to draw what the masks show.

    Parameters
    ----------
    images : sequence of Image or ndarray
        Pictures of any sizes; of loops the frame in the middle, of colours the luminance.
    masks : sequence of ndarray of bool
        One per picture, of its rows and columns.  Empty masks are pictures without a lesion and teach what is none.
    settings : NetSettings, optional
        Default :func:`radiogen.imaging.outlines.unet.settings_for`: a U-Net on an encoder that was trained on ImageNet.
    seed : int, default 0
        Decides starts and draws; on one machine equal seeds give equal networks.
    progress : callable, optional
        Called as ``progress(steps done, steps in all)``.

    Returns
    -------
    SegmentationNet

    Raises
    ------
    RadiogenError
        RG701 for fewer than 4 pictures with a lesion, RG705 where pictures and masks do not fit, RG708 for
        settings out of range, RG902 without torch or the package of the encoder's weights.

    Notes
    -----
    Loss: binary cross-entropy plus soft Dice, at the output and (0.3) at the deeper levels.  AdamW with a cosine;
    the weights kept are an exponential moving average.  Draws: mirror image, turn, stretch, shift, elastic bend,
    gain, gamma, gain along depth, speckle; and in every second picture the lesion of another one is pasted in, with the
    brightness of its new surroundings.

    References
    ----------
    Ronneberger O et al. (2015) MICCAI 234-241, doi 10.1007/978-3-319-24574-4_28; Milletari F et al. (2016) 3DV 565-571,
    doi 10.1109/3DV.2016.79 (Dice loss).

    Examples
    --------
    >>> from radiogen.imaging.outlines.unet_training import train_net       # doctest: +SKIP
    >>> net = train_net(pictures, masks, seed=1)                    # doctest: +SKIP
    >>> mask = net.predict(pictures[0])                             # doctest: +SKIP
    """
    settings = settings or settings_for()
    if len(images) != len(masks):
        raise fail("RG705", f"there are {len(images)} pictures and {len(masks)} masks")
    lessons = [lesson(image, mask, settings) for image, mask in zip(images, masks, strict=True)]
    return train_on(lessons, settings=settings, seed=seed, progress=progress)


def lesson(image: Image | NDArray[np.float64], mask: Mask, settings: NetSettings) -> Lesson:
    """One picture and its mask as they are kept for training; errors as for :func:`train_net`."""
    grey, mask = luminance(image), np.asarray(mask, dtype=bool)
    if grey.shape != mask.shape:
        raise fail("RG705", f"a picture has {grey.shape} pixels and its mask {mask.shape}")
    side = round(settings.size * _STORED)
    return seen(grey, side), shrink(mask.astype(np.float64), side)


def train_on(
    lessons: Sequence[Lesson], *, settings: NetSettings, seed: int, progress: Callable[[int, int], None] | None = None
) -> SegmentationNet:
    """:func:`train_net` on pictures that :func:`lesson` has made small."""
    n_lesions = sum(bool(truth.any()) for _, truth in lessons)
    if n_lesions < FEWEST:
        raise fail("RG701", f"{n_lesions} pictures have a lesion; a network needs {FEWEST} at the very least")
    done = [0]

    def step() -> None:
        done[0] += 1
        if progress is not None:
            progress(done[0], settings.steps * settings.nets)

    grey, truth = (np.stack(part) for part in zip(*lessons, strict=True))
    weights = [_trained(grey, truth, settings, child, step) for child in np.random.SeedSequence(seed).spawn(settings.nets)]
    return SegmentationNet(settings, tuple(weights), n_lesions)


def _trained(
    grey: NDArray[np.float32], truth: NDArray[np.float32], settings: NetSettings, seed: np.random.SeedSequence,
    step: Callable[[], None],
) -> Weights:
    import torch

    from radiogen.imaging.outlines.unet_draws import Draws
    from radiogen.imaging.outlines.unet_torch import network, one_thread

    start, draws_seed = (int(s) for s in seed.generate_state(2))
    # torch's own generator starts and drops out; what it was at before comes back afterwards
    with torch.random.fork_rng(devices=[]), one_thread():
        torch.manual_seed(start)
        net = network(settings).to(memory_format=torch.channels_last)
        net.start()
        draws = Draws(grey, truth, settings.size, draws_seed, settings.empty)
        optimiser = torch.optim.AdamW(net.parts(settings), lr=settings.learning_rate, weight_decay=settings.weight_decay)
        kept = {name: value.detach().clone() for name, value in net.state_dict().items()}
        keep = 1 - 1 / max(_AVERAGE * settings.steps, 1)
        net.train()
        for number in range(settings.steps):
            for group in optimiser.param_groups:
                group["lr"] = group["share"] * settings.learning_rate * _schedule(number, settings.steps)
            x, y = draws.batch(settings.batch)
            logits, deep = net(x)
            loss = _loss(logits, y) + _DEEP * sum(_loss(d, y) for d in deep)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), _LONGEST)
            optimiser.step()
            share = min(keep, (number + 1) / (number + 10))
            with torch.no_grad():
                for name, value in net.state_dict().items():
                    kept[name].lerp_(value, 1 - share)
            step()
    return {name: value.contiguous().numpy().copy() for name, value in kept.items()}


def _schedule(number: int, steps: int) -> float:
    """Share of the largest learning rate: a rise, then half a cosine."""
    rise = min(1.0, (number + 1) / max(_RISE * steps, 1))
    return float(rise * (_FLOOR + (1 - _FLOOR) * (1 + np.cos(np.pi * number / steps)) / 2))


def _loss(logits: Any, truth: Any) -> Any:
    """Binary cross-entropy plus one less the soft Dice of each picture."""
    import torch

    p = torch.sigmoid(logits)
    both, either = (p * truth).sum((1, 2, 3)), p.sum((1, 2, 3)) + truth.sum((1, 2, 3))
    soft = 1 - (2 * both + 1) / (either + 1)
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, truth) + soft.mean()
