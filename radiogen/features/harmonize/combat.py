"""ComBat as a transformer that learns on training units only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from radiogen.errors import fail
from radiogen.features.harmonize.design import Covariates, check_rank
from radiogen.features.harmonize.model import Options, batch_effect, standardise
from radiogen.features.harmonize.tables import Call, label_text, read_call

Floats = NDArray[np.float64]


class ComBat(TransformerMixin, BaseEstimator):
    """Location and scale of every feature made alike between batches (scanners, centres); a scikit-learn transformer.

    Fitted on training units, it maps any unit of a batch that it knows.  What covariates explain is kept.

    Parameters
    ----------
    batch : str, optional
        Column of ``X`` with the batch.  Default None: the batch is passed to ``fit`` and ``transform``.
    covariates : sequence of str, default ()
        Columns of ``X`` whose effect is kept: numbers as they are, text and true/false as categories.  They must be
        known of new units too.  **Never the outcome, nor what is known only with it**: ComBat would move the
        features of a training unit by its outcome.  A column that holds the outcome under another name cannot be
        recognised here.
    parametric : bool, default True
        Priors: normal for the location and inverse gamma for the scale; False: the estimates of the other
        features, which takes p² steps for each batch.
    mean_only : bool, default False
        Only the location; for batches whose scale is known to be the same, or of one unit.
    reference : str, optional
        A batch that stays as it is, and to which the others are brought.  Default None: their weighted mean.
    empirical_bayes : bool, default True
        Shrink the parameters of a batch over its features; False: each feature for itself.
    unseen : {"refuse", "estimate"}, default "refuse"
        What ``transform`` does with a batch that the training units lack.  ``"estimate"``: location and scale are
        estimated from the batch's own unlabelled rows of that call, against the mean, the covariate effects and the
        spread of training.  A unit's values then depend on which others of its batch are in the call.
    min_rows : int, default 10
        So many rows an unseen batch must have.
    tolerance : float, default 1e-4
        Relative change at which the parametric adjustment stops; the value of sva and neuroCombat, with which the
        results are theirs.

    Attributes
    ----------
    batches_ : tuple of str
        Batches of the training units, sorted.
    sizes_ : tuple of int
        Their units.
    gamma_, delta_ : DataFrame, batches × features
        Location and squared scale of each batch, in units of the spread within batches.
    unchanged_ : tuple of str
        Constant features, and those that no training unit has; they stay as they are.
    feature_names_in_ : ndarray of str
    n_features_in_ : int

    Notes
    -----
    With batch i, unit j and feature g, Johnson's model is

        x_ijg = α_g + β_g · covariates_j + γ_ig + δ_ig ε_ijg

    and the harmonised value is x* = σ_g (z − γ*_ig) / δ*_ig + α_g + β_g · covariates, with
    z = (x − α_g − β_g · covariates) / σ_g.

    Missing values stay missing: a feature is fitted on its own complete rows.  A feature that varies between batches
    but not within them loses its batch means and is not scaled; like a constant one it has no part in the priors.
    Labels of batches are compared as text.

    When batches differ in patients (more cancers in one hospital) and not only in machines, the difference is taken
    away with them unless a covariate holds it; where batch and covariate cannot be told apart ComBat refuses.

    ``y`` is never looked at.

    References
    ----------
    Johnson WE, Li C, Rabinovic A. Adjusting batch effects in microarray expression data using empirical Bayes methods.
    Biostatistics 2007;8:118-127. doi:10.1093/biostatistics/kxj037

    Fortin JP et al. Harmonization of cortical thickness measurements across scanners and sites. NeuroImage
    2018;167:104-120. doi:10.1016/j.neuroimage.2017.11.024

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.features.harmonize import ComBat
    >>> rng = np.random.default_rng(0)
    >>> scanner = np.repeat(["a", "b"], 50)
    >>> X = rng.normal(size=(100, 20)) + 3 * (scanner == "b")[:, None]
    >>> harmonised = ComBat().fit_transform(X, batch=scanner)
    >>> gap = lambda m: float(np.abs(m[:50].mean(axis=0) - m[50:].mean(axis=0)).mean())
    >>> round(gap(X), 1), round(gap(harmonised), 1)
    (3.0, 0.1)
    """

    def __init__(
        self,
        batch: str | None = None,
        covariates: Sequence[str] = (),
        *,
        parametric: bool = True,
        mean_only: bool = False,
        reference: str | None = None,
        empirical_bayes: bool = True,
        unseen: Literal["refuse", "estimate"] = "refuse",
        min_rows: int = 10,
        tolerance: float = 1e-4,
    ) -> None:
        self.batch = batch
        self.covariates = covariates
        self.parametric = parametric
        self.mean_only = mean_only
        self.reference = reference
        self.empirical_bayes = empirical_bayes
        self.unseen = unseen
        self.min_rows = min_rows
        self.tolerance = tolerance

    def fit(self, X: Any, y: Any = None, *, batch: Any = None, covariates: pd.DataFrame | None = None) -> ComBat:
        """Learn mean, covariate effects, spread, and location and scale of each batch.

        Parameters
        ----------
        X : DataFrame or array, shape (n, p)
            Features of training units, and the columns named in ``batch`` and ``covariates``.  NaN is missing.
        y : ignored
        batch : array-like, length n, optional
            Batch of each unit, where it is no column of ``X``.  A Series has the index of a DataFrame ``X``.
        covariates : DataFrame, n rows, optional
            Where they are no columns of ``X``.

        Raises
        ------
        RadiogenError
            RG701 fewer than two batches, or one with a single unit (unless ``mean_only``); RG705 values that are
            infinite or no numbers, missing batches or covariates; RG708 an option that makes no sense; RG710 a
            covariate that cannot be told from the batch; RG203 a column that X lacks; RG704 no convergence.
        """
        self._check_options()
        call = self._read(X, batch, covariates)
        labels, codes = np.unique(call.batch.astype(str), return_inverse=True)
        counts = np.bincount(codes)
        reference = self._check_batches(labels, counts)
        levels = Covariates.learn(call.covariates)
        beside = levels.columns(call.covariates)
        indicators = np.eye(len(labels))[codes]
        check_rank(indicators, beside, levels.terms)
        standard = standardise(call.values, indicators, beside, reference, call.names)
        z = standard.scaled(call.values, beside)
        effects = [self._effect(z[codes == i], standard.flat, i == reference) for i in range(len(labels))]
        self._levels, self._standard, self._names = levels, standard, call.names
        self.batches_, self.sizes_ = tuple(str(b) for b in labels), tuple(int(c) for c in counts)
        self.gamma_ = pd.DataFrame([g for g, _ in effects], index=list(self.batches_), columns=list(call.names))
        self.delta_ = pd.DataFrame([d for _, d in effects], index=list(self.batches_), columns=list(call.names))
        values = np.where(np.isnan(call.values), -np.inf, call.values).max(axis=0)
        constant = (np.isnan(call.values) | (call.values == values)).all(axis=0)
        self.unchanged_ = tuple(n for n, c in zip(call.names, constant, strict=True) if c)
        self.feature_names_in_, self.n_features_in_ = np.asarray(call.columns, dtype=object), len(call.columns)
        return self

    def transform(self, X: Any, *, batch: Any = None, covariates: pd.DataFrame | None = None) -> Any:
        """Harmonised features; a DataFrame stays one, without the columns of batch and covariates.

        Parameters
        ----------
        X : DataFrame or array, shape (n, p)
        batch, covariates
            As in ``fit``.

        Returns
        -------
        DataFrame or ndarray, shape (n, features)

        Raises
        ------
        RadiogenError
            RG709 a batch that training lacks (or, with ``unseen="estimate"``, that has too few rows), or a feature
            that training never saw in a batch; RG221 a category that training lacks; RG705, RG708, RG203 as in ``fit``.
        """
        check_is_fitted(self, "gamma_")
        call = self._read(X, batch, covariates)
        if call.names != self._names:
            text = f"X must have the {len(self._names)} features of training, in their order; it has {len(call.names)}"
            raise fail("RG705", text)
        beside = self._levels.columns(call.covariates)
        z = self._standard.scaled(call.values, beside)
        out = call.values.copy()
        for label in dict.fromkeys(call.batch):
            rows = np.flatnonzero(call.batch == label)
            if self.reference is not None and label == label_text(self.reference):
                continue
            gamma, delta = self._parameters(str(label), z[rows])
            self._check_known(gamma, call, rows, str(label))
            out[rows] = self._standard.restored((z[rows] - gamma) / np.sqrt(delta), beside[rows])
        kept = [self._names.index(n) for n in self.unchanged_]
        out[:, kept] = call.values[:, kept]
        return out if call.frame is None else pd.DataFrame(out, index=call.frame.index, columns=call.frame.columns)

    def fit_transform(self, X: Any, y: Any = None, *, batch: Any = None, covariates: pd.DataFrame | None = None) -> Any:
        """``fit``, then ``transform`` of the same units."""
        return self.fit(X, y, batch=batch, covariates=covariates).transform(X, batch=batch, covariates=covariates)

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> NDArray:
        """Names of the features, without batch and covariates."""
        check_is_fitted(self, "gamma_")
        return np.asarray(self._names, dtype=object)

    # -- parts ----------------------------------------------------------------------

    def _read(self, X: Any, batch: Any, covariates: Any) -> Call:
        return read_call(X, batch, covariates, self.batch, self.covariates)

    def _by_name(self, X: Any) -> Any:
        """A DataFrame with the columns of training, in their order."""
        if not isinstance(X, pd.DataFrame):
            return X
        known = {str(c): c for c in X.columns}
        wanted = [str(n) for n in self.feature_names_in_]
        lacking = [n for n in wanted if n not in known]
        other = [n for n in known if n not in wanted]
        if lacking or other:
            what = "lacks a column of training" if lacking else "has a column that training lacks"
            raise fail("RG705", f"X {what}: '{(lacking or other)[0]}'", column=(lacking or other)[0])
        return X[[known[n] for n in wanted]]

    def _check_options(self) -> None:
        for name in ("parametric", "mean_only", "empirical_bayes"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise fail("RG708", f"`{name}` must be True or False", value=getattr(self, name))
        if self.unseen not in ("refuse", "estimate"):
            raise fail("RG708", "`unseen` must be 'refuse' or 'estimate'", value=self.unseen)
        if not self.min_rows >= 2:
            raise fail("RG708", "`min_rows` must be 2 or more", value=self.min_rows)
        if not 0 < self.tolerance < 1:
            raise fail("RG708", "`tolerance` must be between 0 and 1", value=self.tolerance)

    def _check_batches(self, labels: NDArray, counts: NDArray) -> int | None:
        if len(labels) < 2:
            raise fail("RG701", f"ComBat needs at least 2 batches; all units are of '{labels[0]}'" if len(labels) else
                       "ComBat needs units", fix="Leave the harmonisation out.")  # fmt: skip
        if counts.min() < 2 and not self.mean_only:
            single = labels[counts == 1]
            raise fail("RG701", f"{len(single)} batches have one unit only, such as '{single[0]}': their scale is not known",
                       value=single[0], fix="Merge such batches, leave them out, or use `mean_only=True`.")  # fmt: skip
        if self.reference is None:
            return None
        found = np.flatnonzero(labels == label_text(self.reference))
        if not len(found):
            raise fail("RG709", f"the reference batch '{self.reference}' is not among the batches {', '.join(labels)}",
                       value=self.reference)  # fmt: skip
        return int(found[0])

    def _effect(self, z: Floats, flat: NDArray[np.bool_], is_reference: bool) -> tuple[Floats, Floats]:
        if is_reference:
            return np.zeros(z.shape[1]), np.ones(z.shape[1])
        return batch_effect(z, flat, Options(self.parametric, self.mean_only, self.empirical_bayes, self.tolerance))

    def _parameters(self, label: str, z: Floats) -> tuple[Floats, Floats]:
        if label in self.gamma_.index:
            return self.gamma_.loc[label].to_numpy(), self.delta_.loc[label].to_numpy()
        known = ", ".join(self.batches_)
        if self.unseen == "refuse":
            raise fail("RG709", f"the batch '{label}' is not among those of training ({known})", value=label)
        if len(z) < self.min_rows:
            raise fail("RG709", f"the batch '{label}' is not among those of training ({known}) and has {len(z)} rows; "
                       f"{self.min_rows} are needed to estimate it", value=label)  # fmt: skip
        return self._effect(z, self._standard.flat, False)

    def _check_known(self, gamma: Floats, call: Call, rows: NDArray[np.intp], label: str) -> None:
        blind = np.isnan(gamma) & ~np.isnan(call.values[rows]).all(axis=0) & ~np.isin(self._names, self.unchanged_)
        if blind.any():
            name = call.names[int(np.flatnonzero(blind)[0])]
            raise fail("RG709", f"{int(blind.sum())} features, such as '{name}', have no value in batch '{label}' in training",
                       column=name, value=label)  # fmt: skip
