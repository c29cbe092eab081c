"""Discrete-time survival networks for one or several causes.  Imports no torch until they are fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from radiogen.errors import fail
from radiogen.models.survival.interface import Floats, Ints, SurvivalModel, check_number, time_points
from radiogen.models.survival.intervals import between_cuts, cut_points, to_intervals
from radiogen.models.survival.mlp import Mlp
from radiogen.models.survival.netspec import held_out, member_seeds, net_spec

KINDS = ("nnet_survival", "deephit")


class DiscreteTime(SurvivalModel):
    """Network for the probability of an event in each interval of follow-up; no proportional hazards, competing risks.

    Parameters
    ----------
    kind : {"nnet_survival", "deephit"}, default "nnet_survival"
        ``"nnet_survival"``: hazards of the intervals.  ``"deephit"``: probabilities of the intervals, with a penalty for pairs in
        the wrong order; better ranking, worse calibration.
    n_intervals : int, default 20
        Intervals of about equally many events; fewer where events share times.
    ranking : float, default 0.2
        Factor of DeepHit's penalty.
    hidden, activation, dropout, batch_norm, l2, learning_rate, lr_decay, optimizer, momentum, epochs, patience, validation_share,
    batch_size, ensemble, standardize, precision, device, random_state
        As in :class:`DeepSurv`; ``l2`` counts beside the sum over units.  Members of an ensemble have their probabilities
        averaged.

    Attributes
    ----------
    cuts_ : ndarray, shape (K,)
        Ends of the intervals.
    causes_ : int
        Largest event code of the training data.
    members_, history_, best_epochs_
        As in :class:`DeepSurv`.

    Notes
    -----
    Within an interval incidence and survival follow a straight line between its two ends, and stay as they are beyond the
    longest follow-up.  A unit censored in the second half of an interval counts as having survived it.

    ``predict_risk`` is the number of events of cause 1 to be expected, summed over intervals: the mean incidence over the
    ends of the intervals.  ``log_hazard`` is the complementary log-log of the incidence of cause 1 at the last end, centred.

    References
    ----------
    Gensheimer MF, Narasimhan B. PeerJ 2019;7:e6257. doi:10.7717/peerj.6257; Lee C et al. AAAI 2018.
    doi:10.1609/aaai.v32i1.11842

    Examples
    --------
    >>> import numpy as np
    >>> random = np.random.default_rng(0)
    >>> x, time, event = random.normal(size=(150, 2)), random.exponential(size=150), random.integers(0, 3, 150)
    >>> model = DiscreteTime(n_intervals=5, epochs=20).fit(x, time, event)
    >>> model.predict_incidence(x[:3], [0.5, 1.0], cause=2).shape
    (3, 2)
    """

    _competing: ClassVar[bool] = True

    members_: list[Mlp]
    cuts_: Floats
    causes_: int
    history_: pd.DataFrame
    best_epochs_: list[int]

    def __init__(
        self,
        kind: str = "nnet_survival",
        n_intervals: int = 20,
        ranking: float = 0.2,
        hidden: Sequence[int] = (32, 32),
        activation: str = "relu",
        dropout: float = 0.1,
        batch_norm: bool = False,
        l2: float = 4.0,
        learning_rate: float = 0.01,
        lr_decay: float = 0.001,
        optimizer: str = "adam",
        momentum: float = 0.9,
        epochs: int = 500,
        patience: int = 50,
        validation_share: float = 0.2,
        batch_size: int | None = None,
        ensemble: int = 1,
        standardize: bool = True,
        precision: str = "float32",
        device: str = "auto",
        random_state: int | np.random.Generator | None = 0,
    ) -> None:
        self.kind = kind
        self.n_intervals = n_intervals
        self.ranking = ranking
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.l2 = l2
        self.learning_rate = learning_rate
        self.lr_decay = lr_decay
        self.optimizer = optimizer
        self.momentum = momentum
        self.epochs = epochs
        self.patience = patience
        self.validation_share = validation_share
        self.batch_size = batch_size
        self.ensemble = ensemble
        self.standardize = standardize
        self.precision = precision
        self.device = device
        self.random_state = random_state

    def fit(
        self, X: ArrayLike | pd.DataFrame, time: ArrayLike, event: ArrayLike, groups: ArrayLike | None = None
    ) -> Self:
        """Train the network or networks.

        Parameters
        ----------
        X : array or DataFrame, shape (n, p)
            Numbers without missing values.
        time : array, shape (n,)
            Follow-up times, 0 or more.
        event : array of int, shape (n,)
            0 censored, 1 the event of interest, 2, 3, … competing events.
        groups : array, shape (n,), optional
            Units of one group are held out together.

        Returns
        -------
        self

        Raises
        ------
        RadiogenError
            As :meth:`DeepSurv.fit`.
        """
        return self._fit_checked(X, time, event, groups=groups)

    def predict_incidence(self, X: ArrayLike | pd.DataFrame, times: ArrayLike, cause: int = 1) -> Floats:
        """Probability that the event of a cause has come by each time.

        Parameters
        ----------
        X : array or DataFrame, shape (m, p)
        times : float or array, shape (T,)
        cause : int, default 1

        Returns
        -------
        ndarray, shape (m, T)

        Raises
        ------
        RadiogenError
            RG708 for a cause that the training data do not have.
        """
        x, points = self._known(X), time_points(times)
        if cause not in range(1, self.causes_ + 1):
            raise fail("RG708", f"`cause` must be 1 to {self.causes_}.", value=cause)
        return between_cuts(self._incidence(x)[:, :, cause - 1], 0.0, self.cuts_, points)

    def predict_risk(self, X: ArrayLike | pd.DataFrame) -> Floats:
        """Mean incidence of cause 1 over the ends of the intervals, 0 to 1; higher for an earlier event.

        Parameters
        ----------
        X : array or DataFrame, shape (m, p)

        Returns
        -------
        ndarray, shape (m,)
        """
        return np.asarray(self._incidence(self._known(X))[:, :, 0].mean(axis=1))

    def _fit(self, x: Floats, time: Floats, event: Ints, **extra: Any) -> None:
        from radiogen.models.survival.discrete_torch import train_discrete

        spec = net_spec(self)
        if self.kind not in KINDS:
            raise fail("RG708", f"`kind` must be one of {', '.join(KINDS)}.", value=self.kind)
        for name, low, high, whole in (("ensemble", 1, 1000, True), ("n_intervals", 1, 1000, True), ("ranking", 0, 1000, False)):
            check_number(name, getattr(self, name), low, high, whole=whole)
        self.cuts_, self.causes_ = cut_points(time, event, int(self.n_intervals)), int(event.max())
        interval = to_intervals(time, event, self.cuts_)
        shape, ranking = (self.cuts_.size, self.causes_), None if self.kind == "nnet_survival" else float(self.ranking)
        self.members_, self.best_epochs_, curves = [], [], []
        for k, seed in enumerate(member_seeds(self.random_state, self.ensemble)):
            split, start = seed.spawn(2)
            held = np.zeros(event.size, dtype=bool)
            if spec.patience:
                held = held_out(event, extra.get("groups"), spec.validation_share, np.random.default_rng(split))
            trained = train_discrete(x, interval, event, held, shape, ranking, spec, self.standardize, start)
            self.members_.append(trained.net)
            self.best_epochs_.append(trained.best_epoch)
            curves.append(trained.curves(k))
        self.history_ = pd.concat(curves, ignore_index=True)
        self.centre_ = float(self._level(x).mean())

    def _incidence(self, x: Floats) -> Floats:
        """Incidence of each cause at each cut, n × K × C."""
        shape = (self.cuts_.size, self.causes_)
        convert = _from_hazards if self.kind == "nnet_survival" else _from_masses
        return np.asarray(np.mean([convert(net(x), shape) for net in self.members_], axis=0))

    def _level(self, x: Floats) -> Floats:
        last = np.clip(self._incidence(x)[:, -1, 0], 1e-12, 1.0 - 1e-12)
        return np.asarray(np.log(-np.log1p(-last)))

    def _log_hazard(self, x: Floats) -> Floats:
        return np.asarray(self._level(x) - self.centre_)

    def _survival(self, x: Floats, times: Floats) -> Floats:
        alive = np.clip(1.0 - self._incidence(x).sum(axis=2), 0.0, 1.0)
        return between_cuts(alive, 1.0, self.cuts_, times)


def _from_hazards(logits: Floats, shape: tuple[int, int]) -> Floats:
    cells = logits.reshape(-1, *shape)
    total = np.logaddexp(0.0, logsumexp(cells, axis=2))
    alive = np.exp(-np.cumsum(total, axis=1))
    before = np.concatenate([np.ones((len(cells), 1)), alive[:, :-1]], axis=1)
    return np.asarray(np.cumsum(before[:, :, None] * np.exp(cells - total[:, :, None]), axis=1))


def _from_masses(logits: Floats, shape: tuple[int, int]) -> Floats:
    masses = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    return np.asarray(np.cumsum(masses[:, :-1].reshape(-1, *shape), axis=1))


@dataclass(frozen=True)
class DiscreteRisk:
    """Mean incidence of the first cause over the intervals, from hazards (``kind="nnet_survival"``).

    Parameters
    ----------
    members : tuple of Mlp
    shape : (int, int)
        Intervals and causes.
    """

    members: tuple[Mlp, ...]
    shape: tuple[int, int]

    def __call__(self, x: Floats) -> Floats:
        """Risk of units.

        Parameters
        ----------
        x : ndarray, shape (m, p)

        Returns
        -------
        ndarray, shape (m,)
        """
        each = [_from_hazards(net(x), self.shape)[:, :, 0].mean(axis=1) for net in self.members]
        return np.asarray(np.mean(each, axis=0))
