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

    about = {
        "cox": "Cox model without selection among clinical predictors, Efron's rule for ties, with a ridge of "
        f"{risk.COX_RIDGE:g} that matters only under separation; image features were limited to one per ten training events.",
        "coxnet": f"Cox model with elastic-net penalty (Breslow ties): {risk.COXNET_STRENGTHS} strengths × L1 shares "
        f"{', '.join(map(str, risk.COXNET_L1_RATIOS))}, tuned by cross-validated partial likelihood "
        "(Verweij and van Houwelingen 1993).",
        "rsf": f"Random survival forest: {risk.FOREST_TREES} trees, at least {risk.FOREST_LEAF} units per leaf, square root of "
        f"the number of columns per split, times rounded up to {risk.FOREST_TIMES} quantiles of the event times, half of the "
        f"units per tree from {risk.FOREST_HALF_FROM} units on; not tuned.",
    }
    return [about[n] for n in names if n in about]


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
