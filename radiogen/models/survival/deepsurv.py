"""DeepSurv: a perceptron for the log-hazard, trained on Cox's partial likelihood.  Imports no torch until it is fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from radiogen.models.survival.baseline import baseline_hazard
from radiogen.models.survival.interface import Floats, Ints, SurvivalModel, check_number, matrix, survival_arrays
from radiogen.models.survival.mlp import Mlp
from radiogen.models.survival.netspec import held_out, member_seeds, net_spec
from radiogen.models.survival.search import DEFAULT_GRID, search_settings
from radiogen.stats._validate import same_length


class DeepSurv(SurvivalModel):
    """Cox model whose log-hazard is a neural network of the predictors.

    Parameters
    ----------
    hidden : tuple of int, default (64, 64)
        Units of the hidden layers; ``()`` is a linear Cox model trained by gradient descent.
    activation : {"relu", "selu", "elu", "tanh", "linear"}, default "relu"
    dropout : float, default 0.2
        Probability that a hidden unit is left out of a step, to a 256th.
    batch_norm : bool, default False
        Batch normalisation before each activation.
    l2 : float, default 2.0
        Factor of the sum of squared weights beside the log partial likelihood, which is a *sum over events*: the penalty is a
        prior that weighs less the more events there are.  With few events a large value leaves no log-hazard but 0.
    learning_rate : float, default 0.01
    lr_decay : float, default 0.001
        In epoch k the rate is ``learning_rate / (1 + lr_decay * k)``.
    optimizer : {"adam", "sgd"}, default "adam"
        ``"sgd"``: with Nesterov's momentum.
    momentum : float, default 0.9
        Of ``"sgd"``.
    epochs : int, default 2000
        At most.
    patience : int, default 100
        Epochs without a better likelihood of the held-out part after which training stops; the best weights are kept.  0 trains
        on all units for all epochs.
    validation_share : float, default 0.2
        Share of the units, or groups, that are held out for early stopping.
    batch_size : int or None, default None
        None: every step sees all units, and risk sets are exact.  Otherwise risk sets are those within the mini-batch.
    ties : {"efron", "breslow"}, default "efron"
    ensemble : int, default 1
        Networks from different seeds, each with its own held-out part; their log-hazards are averaged, each centred.
    standardize : bool, default True
        Predictors by mean and standard deviation of the units learnt from.
    precision : {"float32", "float64"}, default "float32"
        Of the network; the likelihood is always in float64.
    device : str, default "auto"
        ``"cpu"``, ``"cuda"``; ``"auto"``: a GPU if there is one.
    random_state : int, numpy Generator or None, default 0
        None gives another network every time.

    Attributes
    ----------
    members_ : list of Mlp
        The networks.
    history_ : DataFrame
        Columns member, epoch, train_loss, validation_loss.
    best_epochs_ : list of int
        Epochs behind the weights of each network.
    baseline_ : Baseline
        Breslow's estimate from all training units.

    search_ : DataFrame
        After :meth:`search` only.

    Notes
    -----
    The defaults were chosen by cross-validation within the training parts of six data sets; ``docs/deepsurv.md`` has the
    results, and the settings that were published for each data set (:func:`published`).

    The same ``random_state`` gives the same bits on one thread; other numbers of threads change the last ones.  Torch's
    global random numbers are neither used nor moved.

    References
    ----------
    Katzman JL et al. DeepSurv: personalized treatment recommender system using a Cox proportional hazards deep neural network.
    BMC Med Res Methodol 2018;18:24. doi:10.1186/s12874-018-0482-1

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(200, 3))
    >>> time = np.random.default_rng(1).exponential(np.exp(-x[:, 0] ** 2))
    >>> model = DeepSurv(hidden=(8,), epochs=100).fit(x, time, np.ones(200))
    >>> model.predict_survival(x[:2], [0.1, 1.0]).shape
    (2, 2)
    """

    members_: list[Mlp]
    centres_: list[float]
    history_: pd.DataFrame
    best_epochs_: list[int]
    search_: pd.DataFrame

    def __init__(
        self,
        hidden: Sequence[int] = (64, 64),
        activation: str = "relu",
        dropout: float = 0.2,
        batch_norm: bool = False,
        l2: float = 2.0,
        learning_rate: float = 0.01,
        lr_decay: float = 0.001,
        optimizer: str = "adam",
        momentum: float = 0.9,
        epochs: int = 2000,
        patience: int = 100,
        validation_share: float = 0.2,
        batch_size: int | None = None,
        ties: str = "efron",
        ensemble: int = 1,
        standardize: bool = True,
        precision: str = "float32",
        device: str = "auto",
        random_state: int | np.random.Generator | None = 0,
    ) -> None:
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
        self.ties = ties
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
        event : array of 0 and 1, shape (n,)
        groups : array, shape (n,), optional
            Units of one group, such as lesions of a patient, are held out together.

        Returns
        -------
        self

        Raises
        ------
        RadiogenError
            RG705, RG402 for unusable arrays, RG410 without events, RG701 with too few for early stopping, RG704 where training
            diverges, RG708 for a parameter out of range.
        """
        return self._fit_checked(X, time, event, groups=groups)

    @classmethod
    def search(
        cls,
        X: ArrayLike | pd.DataFrame,
        time: ArrayLike,
        event: ArrayLike,
        groups: ArrayLike | None = None,
        grid: Mapping[str, Sequence[Any]] = DEFAULT_GRID,
        folds: int = 3,
        random_state: int = 0,
        **fixed: Any,
    ) -> Self:
        """Choose settings by cross-validated partial likelihood within the given data, and fit with the best on all of them.

        Parameters
        ----------
        X : array or DataFrame, shape (n, p)
        time, event : array, shape (n,)
        groups : array, shape (n,), optional
            Units of one group stay in one fold.
        grid : mapping, default l2 (0.5, 2, 8) × hidden ((32,), (64, 64))
            Parameter -> values; every combination is tried.
        folds : int, default 3
        random_state : int, default 0
            Of folds and networks.
        **fixed
            Further parameters of the model, the same for all combinations.

        Returns
        -------
        DeepSurv
            Fitted; ``search_`` is the table of combinations, best first.

        Raises
        ------
        RadiogenError
            As :meth:`fit`; RG708 for an unusable grid, RG603 with too few events for the folds.
        """
        x = matrix(X)
        t, e = survival_arrays(time, event)
        same_length(X=x, time=t, event=e, groups=groups)
        table = search_settings(cls, x, t, e, groups, grid, folds, random_state, fixed)
        best = {name: table[name][0] for name in grid}
        model = cls(**{**fixed, **best, "random_state": random_state}).fit(X, time, event, groups)
        model.search_ = table
        return model

    def _fit(self, x: Floats, time: Floats, event: Ints, **extra: Any) -> None:
        from radiogen.models.survival.deepsurv_torch import train_deepsurv

        spec = net_spec(self)
        check_number("ensemble", self.ensemble, 1, 1000, whole=True)
        self.members_, self.centres_, self.best_epochs_, curves = [], [], [], []
        eta = np.zeros(event.size)
        for k, seed in enumerate(member_seeds(self.random_state, self.ensemble)):
            split, start = seed.spawn(2)
            held = np.zeros(event.size, dtype=bool)
            if spec.patience:
                held = held_out(event, extra.get("groups"), spec.validation_share, np.random.default_rng(split))
            trained = train_deepsurv(x, time, event, held, self.ties, spec, self.standardize, start)
            self.members_.append(trained.net)
            own = trained.net(x)[:, 0]
            self.centres_.append(float(own.mean()))
            eta += (own - self.centres_[-1]) / self.ensemble
            self.best_epochs_.append(trained.best_epoch)
            curves.append(trained.curves(k))
        self.history_ = pd.concat(curves, ignore_index=True)
        self.baseline_ = baseline_hazard(eta, time, event)

    def _log_hazard(self, x: Floats) -> Floats:
        each = [net(x)[:, 0] - centre for net, centre in zip(self.members_, self.centres_, strict=True)]
        return np.asarray(np.mean(each, axis=0))
