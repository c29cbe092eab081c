"""Sentences for a methods section, with every setting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from radiogen.analysis.network_wording import network_methods
from radiogen.analysis.provenance import listed
from radiogen.cohort.learning import FDR_LEVEL, MRMR_FEATURES

if TYPE_CHECKING:
    from radiogen.analysis.classification import ClassData
    from radiogen.analysis.design import Design
    from radiogen.analysis.recipe import Recipe
    from radiogen.cohort.endpoint import Target
    from radiogen.cohort.learning import HarmonizeSection, SelectSection, StableSection


def preprocessing(design: Design, screen: int, recipe: Recipe) -> list[str]:
    """How predictors were prepared."""
    image = bool(design.screened)
    sentences = [*(_harmonised(recipe.harmonize) if image and recipe.harmonize else ()),
                 *(_stable(recipe.stable, recipe) if image and recipe.stable else ())]  # fmt: skip
    sentences.append(
        "Within each training fold, missing numbers were replaced by the training median, with a missing indicator where "
        "at least five units lack the value, "
        "categories were coded against their first level, and all columns were scaled to mean 0 and standard "
        "deviation 1."
    )
    if image:
        kept = f"the {screen} most related to the outcome were kept" if recipe.select is None else _selected(recipe.select)
        sentences.append(
            "Of the image features, the later of two with an absolute Pearson correlation above 0.95 was dropped, and "
            f"{kept}, again within each training fold; clinical predictors were never dropped."
        )
    return sentences


def _harmonised(section: HarmonizeSection) -> list[str]:
    kept = f", keeping the effect of {listed(section.covariates)}" if section.covariates else ""
    priors = "parametric" if section.parametric else "non-parametric"
    shrunk = f"{priors} empirical Bayes" if section.empirical_bayes else "no empirical Bayes"
    how = f"{shrunk}{', location only' if section.mean_only else ''}"
    text = (
        f"Image features were harmonised between {section.batch}s by ComBat ({how}; Johnson et al. 2007, "
        f"doi:10.1093/biostatistics/kxj037) fitted within each training fold{kept}, without the outcome."
    )
    if section.unseen == "estimate":
        text += " Batches that the training data lack were harmonised with location and scale from their own unlabelled features."
    return [text]


def _stable(section: StableSection, recipe: Recipe) -> list[str]:
    after = ", harmonised as they are," if recipe.harmonize is not None else ""
    what = "the lower limit of the 95 % interval of" if section.bound == "lower" else "an estimate of"
    return [
        f"Image features of {listed(list(recipe.repeats))} entered where {what} the intraclass correlation ICC({section.model}) "
        f"over repeated measurements of the training units{after} was at least {section.threshold:g}."
    ]


def _selected(section: SelectSection) -> str:
    about = {
        "mrmr": f"{section.features or MRMR_FEATURES} were chosen by minimum redundancy and maximum relevance",
        "fdr": f"those with a univariable test below a false discovery rate of {section.level or FDR_LEVEL:g} were kept",
        "lasso": "those with a coefficient in a cross-validated lasso were kept",
        "elastic_net": "those with a coefficient in a cross-validated elastic net were kept",
        "shadow": "those more important to a forest than permuted copies (Boruta) were kept",
        "stability": "those chosen in most random halves (stability selection) were kept",
        "clusters": "one of each cluster of correlated features was kept",
    }
    return about[section.method]


def evaluation(design: Design, settings: dict[str, Any], balanced: str) -> list[str]:
    """How the models were evaluated."""
    sentences = [
        f"Models were evaluated by {settings['repeats']} × {settings['folds']}-fold cross-validation, balanced by "
        f"{balanced}, in which units of one group (patient, near-duplicate images) stay in one fold; settings were "
        f"tuned by {settings['inner_folds']}-fold cross-validation inside each training fold (seed {settings['seed']})."
    ]
    if len(design.sets) > 1:
        sentences.append(
            f"The inputs {listed(list(design.sets))} were evaluated on the same {settings['analysed']} units and the same folds."
        )
    if settings["missing_modality"] == "complete":
        sentences.append("Units needed at least one known value in every block of inputs.")
    else:
        others = " in the models other than the networks" if "fusion" in settings["models"] else ""
        alone = list(settings["models"]) == ["fusion"]
        how = "" if alone else f": its columns took the training medians, with an indicator{others}"
        sentences.append(f"Units without a block of inputs were kept{how}.")
    if settings["external"]:
        sentences.append(
            f"The final models, with settings and cut-points chosen on all development data, were applied once to "
            f"{settings['external']} external units."
        )
    return sentences


def _models(names: tuple[str, ...]) -> list[str]:
    from radiogen.models.classifiers import FOREST_LEAF, FOREST_TREES, SVM_COSTS, SVM_TUNING_UNITS
    from radiogen.models.linear import L1_RATIOS, N_LAMBDA

    about = {
        "elastic_net": "Elastic-net logistic regression (multinomial for more than two classes): "
        f"{N_LAMBDA} penalty strengths × L1 shares {', '.join(map(str, L1_RATIOS))}, tuned by log-likelihood.",
        "forest": f"Random forest: {FOREST_TREES} trees, at least {FOREST_LEAF} units per leaf, square root of the number of "
        "columns per split, not tuned; its cut-point comes from out-of-bag predictions (with several units per group "
        "from inner folds).",
        "svm": f"Support vector machine with radial kernel (gamma 1 / number of columns): cost {', '.join(map(str, SVM_COSTS))} "
        f"tuned by AUC on at most {SVM_TUNING_UNITS} units; probabilities by Platt's sigmoid on inner predictions, a falling "
        "sigmoid replaced by a constant.",
        "graph": "Graph of similar patients: one round of GATv2 messages from the 10 most similar training units of other "
        "groups; each test unit is attached alone, so that no prediction depends on other test units; not tuned. Its controls "
        "are the same network with neighbours drawn at random (graph_shuffled) and without neighbours (graph_none).",
    }
    return [about[n] for n in names if n in about]


def classify_methods(data: ClassData, target: Target, settings: dict[str, Any]) -> tuple[str, ...]:
    """The methods of a classification."""
    counts = ", ".join(
        f"{c} {int((data.y[data.design.development] == i).sum())}" for i, c in enumerate(data.classes)
    )
    sentences = [f"{target.name} was predicted in {settings['analysed']} development units ({counts})."]
    sentences += evaluation(data.design, settings, "class")
    sentences += preprocessing(data.design, settings["screen"], data.recipe)
    sentences += [*_models(data.models), *network_methods(data.networks)]
    sentences.append(
        "The area under the ROC curve is the share of concordant pairs among pairs of units of the same test fold, "
        "over all repeats; its 95 % interval and the paired tests between inputs use DeLong's variance with the placement "
        "values of each unit summed over repeats (LeDell et al. 2015, doi:10.1214/15-EJS1035). The dependence between "
        "folds through shared training data is not in the intervals. ROC curves are averaged over folds at equal "
        "false-positive rates; counts of confusion matrices are means over repeats."
    )
    if len(data.classes) == 2:
        sentences.append(
            "Cut-points maximise Youden's index of the inner predictions of each training fold. Sensitivity, specificity, "
            "predictive values and accuracy (Wilson intervals), calibration intercept, slope and ICI were computed per repeat "
            "and averaged, limits included; the Brier score is the mean over units and repeats."
        )
    else:
        sentences.append(
            "Each class was judged against all others; the macro AUC is their unweighted mean. Units were assigned to the "
            "most probable class."
        )
    return tuple(sentences)
