"""Decision curves: the net benefit of acting on predicted risks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from radiogen.errors import fail
from radiogen.stats._draws import check_draws, check_seed, chunks, cluster_codes, counts, percentile
from radiogen.stats._horizon import probabilities
from radiogen.stats._validate import Bools, Floats, Ints, binary, normal_quantile, numbers
from radiogen.stats.result import StatResult

#: per how many units the avoided interventions are counted
_PER = 100
#: 1 % to 99 %, as decimal numbers a risk can equal
_THRESHOLDS = np.round(np.arange(1, 100) / 100, 2)
ALL, NONE = "all", "none"


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class DecisionCurve(StatResult):
    """Net benefit of each model, of treating all and of treating none, at each threshold.

    The fields of :class:`StatResult` hold the net benefit, one row for each strategy and threshold.

    Parameters
    ----------
    curve : DataFrame
        ``model``, ``threshold``, ``net_benefit``, ``lower``, ``upper``, ``standardised``, ``standardised_lower``,
        ``standardised_upper``, ``interventions_avoided`` (net, per 100 units, against treating all) with ``_lower`` and
        ``_upper``, ``positive`` (share at or above the threshold), ``tp_rate``, ``fp_rate`` (shares of all units).
    prevalence : float
        Share (or estimated risk by the horizon) that net benefits rest on.
    replicates : mapping of str to ndarray
        Bootstrap net benefits of each strategy, (resamples, thresholds), of the same resamples for all.
    """

    curve: pd.DataFrame = field(default_factory=pd.DataFrame)
    prevalence: float = float("nan")
    replicates: Mapping[str, Floats] = field(default_factory=dict)

    def __repr__(self) -> str:
        # all thresholds would fill pages; about eight of them are shown
        cuts = pd.unique(self.curve["threshold"])
        shown = cuts[np.unique(np.linspace(0, cuts.size - 1, min(8, cuts.size)).round().astype(int))]
        wide = self.curve[self.curve["threshold"].isin(shown)].pivot(index="threshold", columns="model", values="net_benefit")
        return f"{self.method}\n{wide[pd.unique(self.curve['model'])].to_string()}"

    def difference(self, a: str, b: str) -> pd.DataFrame:
        """Net benefit of ``a`` less that of ``b``, with paired bootstrap limits.

        Parameters
        ----------
        a, b : str
            Models, or "all" or "none".

        Returns
        -------
        DataFrame
            ``threshold``, ``difference``, ``lower``, ``upper``; no limits where there was no bootstrap.

        Raises
        ------
        RadiogenError
            RG708 for a name that is not there.
        """
        for name in (a, b):
            if name not in set(self.curve["model"]):
                raise fail("RG708", f"There is no model '{name}'; there are {', '.join(pd.unique(self.curve['model']))}.")
        first, second = (self.curve[self.curve["model"] == name].reset_index(drop=True) for name in (a, b))
        table = first[["threshold"]].assign(difference=first["net_benefit"] - second["net_benefit"], lower=np.nan, upper=np.nan)
        if self.replicates:
            table["lower"], table["upper"] = percentile(self.replicates[a] - self.replicates[b], self.level)
        return table


@dataclass(frozen=True)
class Rates:
    """Shares of true and false positives of one strategy, (resamples or 1, thresholds)."""

    tp: Floats
    fp: Floats


def stacked(pieces: list[Rates]) -> Rates:
    """The resamples of all pieces, one under the other."""
    return Rates(np.vstack([p.tp for p in pieces]), np.vstack([p.fp for p in pieces]))


def decision_curve(
    y: ArrayLike,
    risks: Mapping[str, ArrayLike] | pd.DataFrame | ArrayLike,
    thresholds: ArrayLike | None = None,
    level: float = 0.95,
    n_boot: int = 500,
    seed: int = 0,
    cluster: ArrayLike | None = None,
    prevalence: float | None = None,
    harm: Mapping[str, float] | None = None,
) -> DecisionCurve:
    """Net benefit of models over thresholds of risk.

    Parameters
    ----------
    y : array-like of 0/1, shape (n,)
        The outcome.
    risks : mapping, DataFrame or array-like
        Predicted probabilities, one array of shape (n,) for each model; a single array is named "model".
    thresholds : float or array-like of float, optional
        Risks from which on one would act, between 0 and 1; by default 0.01, 0.02, …, 0.99.
    level : float, default 0.95
        Level of the pointwise percentile bands.
    n_boot : int, default 500
        Bootstrap resamples; 0 gives no bands.
    seed : int, default 0
        Seed of the bootstrap.
    cluster : array-like, shape (n,), optional
        Units with the same value (lesions of a patient) are drawn together.
    prevalence : float, optional
        The prevalence where ``y`` was sampled by outcome (case-control); by default that of ``y``.
    harm : mapping of str to float, optional
        Harm of measuring each model's predictors, in units of net benefit, taken off its net benefit.

    Returns
    -------
    DecisionCurve
        ``curve``, ``difference(a, b)``; rows of models first, then "all" and "none".

    Raises
    ------
    RadiogenError
        RG705 for unusable arrays, risks that are not probabilities, or a model called "all" or "none"; RG701 where only
        one class occurs; RG708 for thresholds, a prevalence or a level out of range.

    Notes
    -----
    Net benefit at threshold t: TP/n - FP/n · t/(1 - t); a unit counts as positive where its risk is at least t.
    Interventions avoided: (net benefit - that of treating all) / (t/(1 - t)), per 100 units.  Standardised: net benefit
    over prevalence, at most 1.  The models must be fixed before, or their risks come out of cross-validation; net
    benefit of a model on its own training data is too good.

    References
    ----------
    Vickers and Elkin, Med Decis Making 2006;26:565, doi 10.1177/0272989X06295361.  Vickers et al., BMC Med Inform Decis
    Mak 2008;8:53, doi 10.1186/1472-6947-8-53.  Kerr et al. (standardised), J Clin Oncol 2016;34:2534,
    doi 10.1200/JCO.2015.65.5654.

    Examples
    --------
    >>> r = decision_curve([0, 0, 1, 1], {"m": [0.1, 0.4, 0.35, 0.8]}, [0.2, 0.5], n_boot=0)
    >>> r.curve[["model", "threshold", "net_benefit"]].head(2).to_numpy().tolist()
    [['m', 0.2, 0.4375], ['m', 0.5, 0.25]]
    """
    normal_quantile(level)
    positive = binary(y)
    models = risk_table(risks, positive.size)
    cuts = check_thresholds(thresholds)
    check_draws(n_boot, least=0)
    rng = check_seed(seed)
    codes, _ = cluster_codes(cluster, positive.size)
    if prevalence is not None and (not isinstance(prevalence, int | float) or not 0 < prevalence < 1):
        raise fail("RG708", "`prevalence` must lie between 0 and 1.", value=prevalence)
    if prevalence is not None and codes is not None:
        raise fail("RG708", "Resampling by cluster and sampling by outcome (`prevalence`) cannot go together.")
    strata = None if prevalence is None else [np.flatnonzero(positive), np.flatnonzero(~positive)]
    ones = np.ones((1, positive.size))
    point, share = _binary_rates(positive, models, cuts, ones, prevalence)
    pieces = [
        _binary_rates(positive, models, cuts, counts(rng, size, positive.size, codes, strata), prevalence)
        for size in chunks(n_boot, positive.size)
    ]
    drawn = {name: stacked([p[0][name] for p in pieces]) for name in point if pieces}
    shares = np.concatenate([p[1] for p in pieces]) if pieces else np.empty(0)
    how = f"{words_of(n_boot, seed, cluster)}" + ("" if prevalence is None else f", prevalence {prevalence:g}")
    return assemble(
        point, float(share[0]), drawn, shares, cuts, f"net benefit{how}", level, harm or {}, list(models),
        n=positive.size, events=int(positive.sum()), notes=(),
    )  # fmt: skip


def _binary_rates(
    y: Bools, models: Mapping[str, Floats], cuts: Floats, w: Floats, prevalence: float | None
) -> tuple[dict[str, Rates], Floats]:
    """Rates of all strategies and the prevalence for each row of weights."""
    cases, controls = w[:, y].sum(axis=1), w[:, ~y].sum(axis=1)
    share = cases / (cases + controls) if prevalence is None else np.full(len(w), prevalence)
    rates = {}
    for name, risk in models.items():
        place = np.searchsorted(cuts, risk, side="right")
        tp, fp = (_at_or_above(w, np.flatnonzero(side), place, cuts.size) for side in (y, ~y))
        # a resample may lack a class: its rate in it is then 0
        tp = np.divide(tp, cases[:, None], out=np.zeros_like(tp), where=cases[:, None] > 0) * share[:, None]
        fp = np.divide(fp, controls[:, None], out=np.zeros_like(fp), where=controls[:, None] > 0) * (1 - share[:, None])
        rates[name] = Rates(tp, fp)
    return rates, share


def _at_or_above(w: Floats, rows: Ints, place: Ints, size: int) -> Floats:
    """Weight of the rows whose risk is at or above each threshold."""
    ordered = rows[np.argsort(place[rows], kind="stable")]
    first = np.flatnonzero(np.r_[True, np.diff(place[ordered]) != 0])
    per_place = np.zeros((w.shape[0], size + 1))
    per_place[:, place[ordered[first]]] = np.add.reduceat(w[:, ordered], first, axis=1)
    return np.asarray(np.cumsum(per_place[:, :0:-1], axis=1)[:, ::-1])


def risk_table(risks: Any, n: int) -> dict[str, Floats]:
    """Risks of each model by name, checked."""
    if isinstance(risks, pd.DataFrame):
        named: dict[str, Any] = {str(name): risks[name] for name in risks.columns}
    elif isinstance(risks, Mapping):
        named = {str(name): values for name, values in risks.items()}
    else:
        named = {"model": risks}
    if not named:
        raise fail("RG705", "`risks` has no model.")
    if {ALL, NONE} & set(named):
        raise fail("RG705", "A model may not be called 'all' or 'none': these are the strategies it is compared with.")
    return {name: probabilities(values, f"risks['{name}']", n) for name, values in named.items()}


def check_thresholds(thresholds: ArrayLike | None) -> Floats:
    """Different thresholds between 0 and 1 in increasing order."""
    if thresholds is None:
        return _THRESHOLDS
    cuts = np.unique(numbers(thresholds, "thresholds"))
    if cuts[0] <= 0 or cuts[-1] >= 1:
        raise fail("RG708", "`thresholds` must lie between 0 and 1, without these two.", value=(cuts[0], cuts[-1]))
    return cuts


def words_of(n_boot: int, seed: int, cluster: Any) -> str:
    """How the bands were made."""
    unit = "" if cluster is None else " by cluster"
    return f", percentile bootstrap{unit} of {n_boot} (seed {seed}), pointwise" if n_boot else ", without bands"


def assemble(
    point: Mapping[str, Rates], share: float, drawn: Mapping[str, Rates], shares: Floats, cuts: Floats, method: str,
    level: float, harm: Mapping[str, float], names: list[str], **fields: Any,
) -> DecisionCurve:  # fmt: skip
    """The result from the rates of the models; treating all and none follow from the prevalence."""
    unknown = [name for name in harm if name not in names]
    if unknown:
        raise fail("RG708", "`harm` names a model that is not there.", value=unknown[0])
    odds = cuts / (1 - cuts)
    everyone, nobody = Rates(np.full((1, cuts.size), share), np.full((1, cuts.size), 1 - share)), np.zeros((1, cuts.size))
    strategies = {**point, ALL: everyone, NONE: Rates(nobody, nobody)}
    resampled = dict(drawn)
    if shares.size:
        wide = np.repeat(shares[:, None], cuts.size, axis=1)
        resampled |= {ALL: Rates(wide, 1 - wide), NONE: Rates(np.zeros_like(wide), np.zeros_like(wide))}
    benefit = {name: (r.tp - r.fp * odds)[0] - harm.get(name, 0.0) for name, r in strategies.items()}
    replicates = {name: r.tp - r.fp * odds - harm.get(name, 0.0) for name, r in resampled.items()} if shares.size else {}
    rows = []
    for name, rate in strategies.items():
        part = pd.DataFrame({"model": name, "threshold": cuts, "net_benefit": benefit[name]})
        part["lower"], part["upper"] = percentile(replicates[name], level) if replicates else (np.nan, np.nan)
        avoided = (benefit[name] - benefit[ALL]) / odds * _PER
        part = part.assign(standardised=benefit[name] / share, standardised_lower=np.nan, standardised_upper=np.nan)
        part = part.assign(
            interventions_avoided=avoided, interventions_avoided_lower=np.nan, interventions_avoided_upper=np.nan
        )
        if replicates:
            usable = shares > 0
            relative = replicates[name][usable] / shares[usable, None]
            part["standardised_lower"], part["standardised_upper"] = percentile(relative, level)
            saved = (replicates[name] - replicates[ALL]) / odds * _PER
            part["interventions_avoided_lower"], part["interventions_avoided_upper"] = percentile(saved, level)
        rows.append(part.assign(positive=rate.tp[0] + rate.fp[0], tp_rate=rate.tp[0], fp_rate=rate.fp[0]))
    curve = pd.concat(rows, ignore_index=True)
    return DecisionCurve(
        method=method, estimate=curve["net_benefit"].to_numpy(dtype=float),
        lower=curve["lower"].to_numpy(dtype=float) if replicates else None,
        upper=curve["upper"].to_numpy(dtype=float) if replicates else None, label=curve["model"].tolist(),
        level=level, curve=curve, prevalence=share, replicates=replicates,
        extra={k: curve[k].to_numpy(dtype=float) for k in curve if k not in ("model", "net_benefit", "lower", "upper")},
        **fields,
    )  # fmt: skip
