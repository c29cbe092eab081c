"""SHAP values of models of tables, through the package shap."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radiogen.errors import fail
from radiogen.explain.attribution import SINGLE, Attribution, assemble
from radiogen.explain.rows import Table

FloatArray = NDArray[np.float64]
Kind = Literal["auto", "linear", "tree", "permutation"]

_HOW = {
    "linear": "SHAP values of a linear model (exact, interventional)",
    "tree": "SHAP values of a tree model (interventional TreeSHAP, exact)",
    "permutation": "SHAP values from antithetic permutations",
}
#: one order and its reverse make 2 * features + 1 predictions per background row
_ROUNDS = 10


def shap_values(
    model: Any,
    X: Any,
    background: Any,
    kind: Kind = "auto",
    *,
    names: Sequence[str] | None = None,
    outputs: Sequence[Hashable] = (),
    rounds: int = _ROUNDS,
    seed: int = 0,
    scale: str = "",
) -> Attribution:
    """SHAP values by column.

    Parameters
    ----------
    model : estimator or callable
        A scikit-learn linear or tree model, or anything with ``decision_function``, ``predict_proba`` or ``predict``, or a
        function of ``X`` to shape (n,) or (n, outputs).
    X, background : DataFrame or array, shape (n, p) and (b, p)
        Units to explain, and units of the training data against which features are left out (interventional).
    kind : {"auto", "linear", "tree", "permutation"}
        ``"auto"``: linear for an estimator with ``coef_``, tree for one that shap knows as trees, permutation for the rest
        (pipelines, functions).
    names : sequence of str, optional
        Of the columns; default those of ``X``.
    outputs : sequence, optional
        Names of the outputs; default the model's classes.
    rounds : int, default 10
        Permutation: pairs of an order and its reverse per unit.
    seed : int, default 0
        Permutation.  NumPy's global generator, which shap seeds, is put back.
    scale : str
        Default from the model: "log-odds" of a linear classifier, "probability" of a forest.

    Returns
    -------
    Attribution
        With ``data``.  Explained is the linear predictor of a linear model, the raw output of trees (log-odds of boosted
        trees, probabilities of a forest), and otherwise the function's value.  Of two classes only the second is shown.

    Raises
    ------
    RadiogenError
        RG902 where shap is missing; RG705 for shapes that do not fit; RG708 for an unknown kind or a model that it does not
        fit.

    References
    ----------
    Lundberg SM, Lee SI. A unified approach to interpreting model predictions. NeurIPS 2017. doi:10.48550/arXiv.1705.07874
    Lundberg SM et al. From local explanations to global understanding with explainable AI for trees. Nat Mach Intell
    2020;2:56-67. doi:10.1038/s42256-019-0138-9

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from radiogen.explain import shap_values
    >>> background = np.array([[0.0, 0.0], [2.0, 4.0], [4.0, 2.0]])
    >>> model = LinearRegression().fit(background, background @ [3.0, -1.0])
    >>> shap_values(model, np.array([[3.0, 1.0]]), background).values.round(6).values.tolist()
    [[3.0, 1.0]]
    """
    if kind not in ("auto", *_HOW):
        raise fail("RG708", f"`kind` must be auto or one of {', '.join(_HOW)}", value=kind)
    shap = _shap()
    table = Table(_function(model), X, background)
    columns = [str(c) for c in (names if names is not None else table.columns)]
    if len(columns) != len(table.columns):
        raise fail("RG705", f"{len(table.columns)} columns need as many names", value=len(columns))
    chosen = _kind(shap, model, kind)
    data = table.numbers().set_axis(columns, axis=1)
    _to_numbers(table)
    with _numpy_as_before():
        if chosen == "permutation":
            values, base, prediction = _permutation(shap, table, rounds, seed)
        else:
            values, base, prediction = _by_structure(shap, chosen, model, table)
    classes = list(getattr(model, "classes_", []))
    if len(classes) == values.shape[2] == 2:
        # the first is the second with the sign turned
        values, base, prediction = values[:, :, 1:], base[:, 1:], prediction[:, 1:]
    many = values.shape[2]
    outs = tuple(outputs) or ((SINGLE,) if many == 1 else tuple(classes) if len(classes) == many else tuple(range(many)))
    if len(outs) != many:
        raise fail("RG705", f"{len(outs)} names are given for {many} outputs", value=outs)
    return assemble(
        values, columns, base=base, prediction=prediction, outputs=outs, units=table.units,
        method=f"{_HOW[chosen]}, against {len(table.background)} background rows.", relative=1e-4, absolute=1e-5,
        scale=scale or _scale(chosen, model), data=data,
    )  # fmt: skip


def _shap() -> Any:
    try:
        import shap
    except ImportError as error:
        raise fail("RG902", "SHAP values need the package shap", fix="pip install shap") from error
    return shap


def _to_numbers(table: Table) -> None:
    try:
        table.x, table.background = table.x.astype(float), table.background.astype(float)
    except (TypeError, ValueError) as error:
        fix = "Encode them, or use `grouped_shapley` with a group for each column."
        raise fail("RG705", f"SHAP values need columns of numbers: {error}", fix=fix) from error


@contextmanager
def _numpy_as_before() -> Iterator[None]:
    """shap seeds NumPy's global generator; it is put back."""
    before = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(before)


def _kind(shap: Any, model: Any, kind: Kind) -> str:
    linear = hasattr(model, "coef_") and hasattr(model, "intercept_")
    if kind == "linear" and not linear:
        raise fail("RG708", f"{type(model).__name__} has no coefficients", value=kind, fix='Use kind="permutation".')
    if kind != "auto":
        return kind
    if linear:
        return "linear"
    try:
        known = shap.explainers.Tree.supports_model_with_masker(model, None)
    except (AssertionError, AttributeError, TypeError, ValueError):
        known = False
    return "tree" if known else "permutation"


def _function(model: Any) -> Callable[[Any], ArrayLike]:
    """What a model says: a function itself, else log-odds before probabilities before predictions."""
    for name in ("decision_function", "predict_proba", "predict"):
        if hasattr(model, name):
            return getattr(model, name)  # type: ignore[no-any-return]
    if not callable(model):
        raise fail("RG708", f"{type(model).__name__} neither predicts nor can be called", value=type(model).__name__)
    return model  # type: ignore[no-any-return]


def _by_structure(shap: Any, kind: str, model: Any, table: Table) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Values (n, p, outputs), base and prediction (n, outputs) of a linear or tree model."""
    x, other = table.x, table.background
    if kind == "linear":
        return _linear(shap, model, x, other)
    try:
        explainer = shap.TreeExplainer(model, data=other, feature_perturbation="interventional")
    except Exception as error:
        fix = 'Use kind="permutation".'
        raise fail("RG708", f"shap knows no trees in {type(model).__name__}: {error}", value=kind, fix=fix) from error
    # shap's own check stops at the first unit that does not add up; the residual says it for each
    values = _cube(explainer.shap_values(x, check_additivity=False), len(x))
    base = np.broadcast_to(np.atleast_1d(np.asarray(explainer.expected_value, dtype=float)), (len(x), values.shape[2]))
    return values, base, np.asarray(explainer.model.predict(x), dtype=float).reshape(len(x), -1)


def _linear(shap: Any, model: Any, x: FloatArray, other: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    masker = shap.maskers.Independent(other, max_samples=len(other))
    explainer = shap.LinearExplainer(model, masker)
    values = _cube(explainer.shap_values(x), len(x))
    base = np.broadcast_to(np.atleast_1d(np.asarray(explainer.expected_value, dtype=float)), (len(x), values.shape[2]))
    weights = np.atleast_2d(np.asarray(model.coef_, dtype=float))
    return values, base, x @ weights.T + np.atleast_1d(np.asarray(model.intercept_, dtype=float))


def _cube(found: Any, n: int) -> FloatArray:
    """Values as (n, features, outputs), from the several forms in which shap gives them."""
    array = np.stack(found, axis=2) if isinstance(found, list) else np.asarray(found, dtype=float)
    return array.reshape(n, array.shape[1], -1)


def _permutation(shap: Any, table: Table, rounds: int, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    if rounds < 1:
        raise fail("RG708", "`rounds` must be at least 1", value=rounds)
    masker = shap.maskers.Independent(table.background, max_samples=len(table.background))
    explainer = shap.PermutationExplainer(table.ask, masker, seed=seed)
    prediction = table.ask(table.x)
    found, bases = [], []
    for row in table.x:
        # each unit alone and from the same seed: its values do not depend on the units beside it
        np.random.seed(seed)
        one = explainer(row[None], max_evals=rounds * (2 * len(row) + 1), silent=True)
        found.append(_cube(one.values, 1)[0])
        bases.append(np.asarray(one.base_values, dtype=float).reshape(-1))
    values, base = np.stack(found), np.stack(bases)
    return values, np.broadcast_to(base, prediction.shape), prediction


def _scale(kind: str, model: Any) -> str:
    classifier = hasattr(model, "classes_")
    if kind == "linear" or (kind == "permutation" and hasattr(model, "decision_function")):
        # a distance from a hyperplane, as of a support vector machine, is no log-odds
        return "log-odds" if kind == "linear" and classifier and hasattr(model, "predict_proba") else ""
    if kind == "tree" and classifier:
        # only boosted trees add up log-odds; a single tree gives shares, as a forest does
        return "log-odds" if hasattr(model, "learning_rate") else "probability"
    return "probability" if classifier else ""
