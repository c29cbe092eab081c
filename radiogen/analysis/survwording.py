"""Sentences for the methods section of a survival analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from radiogen.analysis.network_wording import network_methods
from radiogen.analysis.wording import evaluation, preprocessing

if TYPE_CHECKING:
    from radiogen.analysis.survival import RiskData
    from radiogen.cohort.endpoint import Endpoint


def _models(names: tuple[str, ...]) -> list[str]:
    from radiogen.models import risk
    from radiogen.models.survival import DeepSurv, DiscreteTime, GradientBoostedCox

    trees, net, discrete = GradientBoostedCox(), DeepSurv(), DiscreteTime()
    about = {
        "cox": "Cox model without selection among clinical predictors, Efron's rule for ties, with a ridge of "
        f"{risk.COX_RIDGE:g} that matters only under separation; image features were limited to one per ten training events.",
        "coxnet": f"Cox model with elastic-net penalty (Breslow ties): {risk.COXNET_STRENGTHS} strengths × L1 shares "
        f"{', '.join(map(str, risk.COXNET_L1_RATIOS))}, tuned by cross-validated partial likelihood "
        "(Verweij and van Houwelingen 1993).",
        "rsf": f"Random survival forest: {risk.FOREST_TREES} trees, at least {risk.FOREST_LEAF} units per leaf, square root of "
        f"the number of columns per split, times rounded up to {risk.FOREST_TIMES} quantiles of the event times, half of the "
        f"units per tree from {risk.FOREST_HALF_FROM} units on; not tuned.",
        "firth_cox": "Cox model with Firth's penalty (Breslow ties; Heinze and Schemper 2001, "
        "doi:10.1111/j.0006-341X.2001.00114.x); image features were limited to one per ten training events.",
        "gbm": f"Boosted Cox model: regression trees of depth {trees.max_depth} with at least {trees.min_leaf} units per leaf, "
        f"rate {trees.learning_rate:g}, {trees.subsample:.0%} of the units per tree, at most {trees.n_stages} trees, their "
        "number by the partial likelihood (Efron ties) of the inner test parts.",
        "deepsurv": f"DeepSurv (Katzman et al. 2018, doi:10.1186/s12874-018-0482-1): layers of {_layers(net)} units, dropout "
        f"{net.dropout:g}, penalty {net.l2:g} on squared weights beside the log partial likelihood (Efron ties), stopped early "
        "by the likelihood of an inner fold; not tuned.",
        "discrete": f"Discrete-time network (Gensheimer and Narasimhan 2019, doi:10.7717/peerj.6257): {discrete.n_intervals} "
        f"intervals of about equally many events, layers of {_layers(discrete)} units, dropout {discrete.dropout:g}, stopped "
        "early by the likelihood of an inner fold; risk is the mean incidence over the intervals; not tuned.",
    }
    return [about[n] for n in names if n in about]


def _layers(net: Any) -> str:
    return " and ".join(str(width) for width in net.hidden)


def survive_methods(data: RiskData, endpoint: Endpoint, settings: dict[str, Any]) -> tuple[str, ...]:
    """The methods of a survival analysis."""
    name = endpoint.label or endpoint.name
    sentences = [
        f"{name} (in {endpoint.unit}) was analysed in {settings['analysed']} development units with {settings['events']} events."
    ]
    if endpoint.kind == "competing":
        others = ", ".join(endpoint.labels[1:]) or "none"
        sentences.append(
            f"The event of interest is {endpoint.labels[0]}; competing: {others}. Curves are cumulative incidences (Aalen and "
            "Johansen) with log(-log) intervals; Cox models, log-rank tests and risks are of the cause-specific hazard."
        )
    else:
        sentences.append(
            "Curves are Kaplan and Meier's with intervals on the log scale (Greenwood); groups were compared by the log-rank "
            "test; median follow-up is from the reverse Kaplan-Meier curve."
        )
    sentences.append(
        "Curves are of all development units whose follow-up is known, whatever inputs they have. Hazard "
        "ratios are from Cox models with Efron's rule for ties and Wald intervals, each on the units without a missing value in "
        "its columns. Proportional hazards were tested in the Cox model of all predictors of that table by the score test of "
        "Grambsch and Therneau (doi:10.1093/biomet/81.3.515), time by one minus Kaplan-Meier."
    )
    sentences += evaluation(data.design, settings, "event")
    sentences += preprocessing(data.design, settings["screen"], data.recipe)
    sentences += [*_models(data.models), *network_methods(data.networks)]
    sentences.append(
        "Discrimination is Harrell's C over comparable pairs of units of the same test fold, over all repeats (pairs tied "
        "in risk count one half, pairs of events at one time are left out); intervals and paired tests use the infinitesimal "
        "jackknife with each unit's pairs summed over repeats."
    )
    return tuple(sentences)
