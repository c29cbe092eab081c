"""The learning rate of every step."""

from __future__ import annotations

import math

from radiogen.models.fusion.spec import TrainSettings

#: share of the learning rate that is left at the end of the cosine: the last epochs still move a little
_FLOOR = 0.01


def learning_rate(settings: TrainSettings, epoch: int, step: int, steps: int) -> float:
    """The learning rate of a step.

    Parameters
    ----------
    settings : TrainSettings
        ``schedule``, ``learning_rate``, ``epochs``, ``step_epochs`` and ``step_factor``.
    epoch, step : int
        Counted from 0.
    steps : int
        Steps of one epoch.

    Returns
    -------
    float

    Notes
    -----
    ``"cosine"`` falls from the learning rate to a hundredth of it over all epochs, whether or not early stopping ends
    the training before; ``"step"`` is multiplied by ``step_factor`` after every ``step_epochs``.

    References
    ----------
    Loshchilov I, Hutter F (2017) SGDR, ICLR, doi 10.48550/arXiv.1608.03983 (cosine).

    Examples
    --------
    >>> from radiogen.models.fusion.spec import TrainSettings
    >>> from radiogen.models.training.schedule import learning_rate
    >>> steps = TrainSettings(schedule="step", learning_rate=0.1, step_epochs=5, step_factor=0.5)
    >>> [learning_rate(steps, epoch, 0, 10) for epoch in (0, 4, 5, 10)]
    [0.1, 0.1, 0.05, 0.025]
    """
    if settings.schedule == "constant":
        return settings.learning_rate
    if settings.schedule == "step":
        return settings.learning_rate * settings.step_factor ** (epoch // settings.step_epochs)
    done = (epoch * steps + step) / (settings.epochs * steps)
    return settings.learning_rate * (_FLOOR + (1 - _FLOOR) * (1 + math.cos(math.pi * done)) / 2)
