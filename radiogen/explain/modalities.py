"""Exact Shapley values over the modalities of a unit, by all subsets of those that it has."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from radiogen.errors import fail
from radiogen.explain.attribution import SINGLE, Attribution, assemble
from radiogen.explain.games import cross_share, effects_matrix, exact_shapley, interaction_indices, members

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int_]

#: 2**10 coalitions
MOST = 10
#: where an input of the unit itself stands, and where there is none
OWN, ABSENT = -1, -2


def modality_shapley(
    predict: Callable[[Any], ArrayLike],
    n: int,
    modalities: Sequence[str],
    present: ArrayLike | None = None,
    *,
    background: Literal["mask"] | ArrayLike = "mask",
    empty: ArrayLike | None = None,
    min_modalities: int = 1,
    units: Sequence[Hashable] = (),
    outputs: Sequence[Hashable] = (),
    scale: str = "",
) -> Attribution:
    """Exact Shapley values over modalities.

    What a modality is worth beside others is measured by predicting every unit with every subset of its modalities.  The
    modalities that are left out are hidden by the model's own mask, or stand as those of background units.

    Parameters
    ----------
    predict : callable
        With the mask: ``predict(present)``, bool of shape (n, modalities), gives the predictions of all n units that see
        only these, shape (n,) or (n, outputs).  Take logits or log-hazards: Shapley values of probabilities add up too, but
        they saturate.
        With a background: ``predict(sources)``, int of shape (n, modalities): ``-1`` the unit's own input, ``j >= 0`` the
        input of background unit ``j``, ``-2`` none.  See :func:`radiogen.explain.mask_game` and
        :func:`radiogen.explain.background_game`.
    n : int
        Units.
    modalities : sequence of str
        At most 10.
    present : array of bool, shape (n, modalities), optional
        Who has what; default all.  The game is played over what a unit has; the rest gets NaN, not 0.
    background : "mask" or array of bool, shape (b, modalities)
        ``"mask"``: a modality that is left out is absent.  The question is what the model would say of a patient who was
        never examined with it.  An array: who of the background units has what.  A modality that is left out is that of
        another patient, averaged over the background units that have all the modalities of the unit; all inputs that are
        replaced at once come from the same background unit.
    empty : float or array, shape (outputs,)
        Prediction for a unit without any modality: the logit of the prevalence, or the mean logit, of the training data.
        Needed with the mask.
    min_modalities : int, default 1
        With the mask: subsets of fewer modalities, which the model does not predict, are worth ``empty``.
    units, outputs : sequence, optional
        Ids of the units and names of the outputs.
    scale : str
        What is predicted, such as "log-odds".

    Returns
    -------
    Attribution
        It adds up within rounding.  ``extra``: ``"interactions"`` (DataFrame: unit, output, first, second, value: pairwise
        Shapley interaction indices [2]_; NaN where the unit lacks one of the two), ``"cross_modal"`` (DataFrame: output,
        share: absolute interactions over all absolute effects, means over the units, as [3]_) and ``"cross_modal_unit"``
        (DataFrame: unit, output, share).

    Raises
    ------
    RadiogenError
        RG705 for arrays of the wrong shape, a prediction that is not finite, or a unit for which no background unit has all
        its modalities; RG708 for more than 10 modalities, or no ``empty`` with the mask.

    References
    ----------
    .. [1] Shapley LS. A value for n-person games. 1953. doi:10.1515/9781400881970-018
    .. [2] Grabisch M, Roubens M. Int J Game Theory 1999;28:547-565. doi:10.1007/s001820050125
    .. [3] Wenderoth L, Hemker K, Simidjievski N, Jamnik M. Measuring cross-modal interactions in multimodal models. AAAI 2025.
       doi:10.48550/arXiv.2412.15828

    Examples
    --------
    B-mode adds 1, SWE 2, and both together 2 more; the second unit has no SWE:

    >>> import numpy as np
    >>> from radiogen.explain import modality_shapley
    >>> def predict(present):
    ...     bmode, swe = present[:, 0], present[:, 1]
    ...     return 1.0 * bmode + 2.0 * swe + 2.0 * (bmode & swe)
    >>> found = modality_shapley(predict, 2, ["bmode", "swe"], [[True, True], [True, False]], empty=0.0)
    >>> found.values
       bmode  swe
    0    2.0  3.0
    1    1.0  NaN
    """
    names = _names(modalities)
    have = _presence(present, (n, len(names)))
    others = None if isinstance(background, str) else np.asarray(background, dtype=bool)
    ids = list(units) if len(units) else list(range(n))
    if others is None:
        game = _masked(predict, have, _empty(background, empty), min_modalities, ids)
        how = "modalities left out hidden by the model's own mask"
    else:
        game = _replaced(predict, have, _checked(others, len(names)), ids)
        how = f"modalities left out replaced by those of {len(others)} background units"
    worth = game.worth
    many = worth.shape[2]
    outs = tuple(outputs) or ((SINGLE,) if many == 1 else tuple(range(many)))
    if len(outs) != many:
        raise fail("RG705", f"{len(outs)} names are given for {many} outputs", value=outs)
    shapley, pairs = _nan_where_absent(exact_shapley(worth), interaction_indices(worth), have & game.played[:, None])
    matrix = effects_matrix(np.nan_to_num(shapley), np.nan_to_num(pairs))
    matrix[:, :, ~game.played] = np.nan
    return assemble(
        shapley.transpose(1, 0, 2), names, base=worth[0], prediction=np.where(game.played[:, None], worth[-1], np.nan),
        method=f"Exact Shapley values over {len(names)} modalities (all subsets), {how}.", note=game.note, outputs=outs,
        units=ids, scale=scale, extra=_extra(pairs, matrix, names, ids, outs),
    )  # fmt: skip


@dataclass(frozen=True)
class _Game:
    """Worth of each coalition, shape (2**M, n, outputs), and the units that could be played."""

    worth: FloatArray
    played: BoolArray
    note: str = ""


def _names(modalities: Sequence[str]) -> list[str]:
    names = list(modalities)
    if not 1 <= len(names) <= MOST or len(set(names)) < len(names):
        raise fail("RG708", f"exact Shapley values take 1 to {MOST} different modalities", value=names)
    return names


def _presence(present: ArrayLike | None, shape: tuple[int, int]) -> BoolArray:
    have = np.ones(shape, dtype=bool) if present is None else np.asarray(present, dtype=bool)
    if have.shape != shape:
        raise fail("RG705", f"`present` must have the shape {shape}", value=have.shape)
    return have


def _empty(background: object, empty: ArrayLike | None) -> FloatArray:
    if background != "mask":
        raise fail("RG708", '`background` must be "mask" or the presence of background units', value=background)
    if empty is None:
        fix = "Give the logit of the prevalence, or the mean logit, of the training data."
        raise fail("RG708", "the mask needs `empty`, the prediction for a unit without any modality", fix=fix)
    return np.atleast_1d(np.asarray(empty, dtype=float))


def _checked(others: BoolArray, modalities: int) -> BoolArray:
    if others.ndim != 2 or others.shape[1] != modalities or not len(others):
        raise fail("RG705", f"`background` must have the shape (b, {modalities})", value=others.shape)
    return others


def _predicted(predict: Callable[[Any], ArrayLike], argument: Any, n: int) -> FloatArray:
    found = np.asarray(predict(argument), dtype=float)
    if found.shape[:1] != (n,) or found.ndim > 2:
        raise fail("RG705", f"`predict` must give one row for each of {n} units", value=found.shape)
    return found.reshape(n, -1)


def _codes(have: BoolArray) -> IntArray:
    """What each unit has, as the number of a coalition."""
    return np.asarray(have @ (1 << np.arange(have.shape[1])), dtype=int)


def _masked(
    predict: Callable[[Any], ArrayLike], have: BoolArray, empty: FloatArray, least: int, ids: Sequence[Hashable]
) -> _Game:
    n, modalities = have.shape
    inside, own = members(modalities), _codes(have)
    enough = np.asarray(have.sum(axis=1) >= max(least, 1))
    worth: FloatArray | None = None
    for code in range(1, 1 << modalities):
        seen = have & inside[code]
        needed = np.asarray((code & ~own == 0) & (seen.sum(axis=1) >= max(least, 1)))
        if not needed.any():
            continue
        found = _predicted(predict, seen, n)
        _all_finite(found, needed, [m for m in range(modalities) if inside[code, m]], ids)
        if worth is None:
            worth = np.broadcast_to(empty, (1 << modalities, n, found.shape[1])).copy()
        worth[code, needed] = found[needed]
    if worth is None:
        raise fail("RG705", f"no unit has {max(least, 1)} of the modalities", column="present")
    codes = np.arange(1 << modalities)[:, None] & own
    note = "" if enough.all() else f"{int((~enough).sum())} of {n} units have too few modalities to be predicted."
    return _Game(np.take_along_axis(worth, codes[:, :, None], axis=0), enough, note)


def _all_finite(found: FloatArray, needed: BoolArray, subset: list[int], ids: Sequence[Hashable]) -> None:
    wrong = needed & ~np.isfinite(found).all(axis=1)
    if wrong.any():
        first = ids[int(np.flatnonzero(wrong)[0])]
        fix = "Give `min_modalities`, or a `predict` without a minimum."
        raise fail("RG705", f"the prediction of unit {first} from modalities number {subset} is not finite", value=first, fix=fix)


def _replaced(predict: Callable[[Any], ArrayLike], have: BoolArray, others: BoolArray, ids: Sequence[Hashable]) -> _Game:
    n, modalities = have.shape
    usable = [np.flatnonzero((others | ~row).all(axis=1)) for row in have]
    played = np.asarray(have.any(axis=1))
    for unit, found in zip(ids, usable, strict=True):
        if not len(found):
            raise fail("RG705", f"no background unit has all the modalities of unit {unit}", value=unit)
    inside, own = members(modalities), _codes(have)
    full = _predicted(predict, np.where(have, OWN, ABSENT), n)
    _all_finite(full, played, list(range(modalities)), ids)
    worth = np.zeros((1 << modalities, n, full.shape[1]))
    counts = np.array([len(u) for u in usable])
    for code in range(1 << modalities):
        needed = (code & ~own == 0) & (code != own)
        # `own` itself is the prediction, and needs no background
        worth[code] = full
        if needed.any():
            worth[code, needed] = 0.0
            _add_mean(worth[code], predict, have, inside[code], usable, counts, needed, ids)
    codes = np.arange(1 << modalities)[:, None] & own
    worth = np.take_along_axis(worth, codes[:, :, None], axis=0)
    note = "" if played.all() else f"{int((~played).sum())} of {n} units have no modality."
    return _Game(worth, played, note)


def _add_mean(
    worth: FloatArray, predict: Callable[[Any], ArrayLike], have: BoolArray, chosen: BoolArray, usable: list[IntArray],
    counts: IntArray, needed: BoolArray, ids: Sequence[Hashable],
) -> None:  # fmt: skip
    """Mean over each unit's background of the predictions in which what is not chosen is the background's."""
    for k in range(int(counts[needed].max())):
        at = np.array([u[min(k, len(u) - 1)] for u in usable])
        sources = np.where(have, np.where(chosen, OWN, at[:, None]), ABSENT)
        found = _predicted(predict, sources, len(have))
        rows = needed & (k < counts)
        _all_finite(found, rows, [int(m) for m in np.flatnonzero(chosen)], ids)
        worth[rows] += found[rows] / counts[rows, None]


def _nan_where_absent(shapley: FloatArray, pairs: FloatArray, have: BoolArray) -> tuple[FloatArray, FloatArray]:
    both = have.T[:, None] & have.T[None]
    off = ~np.eye(len(shapley), dtype=bool)[:, :, None]
    return np.where(have.T[:, :, None], shapley, np.nan), np.where((both & off)[..., None], pairs, np.nan)


def _extra(
    pairs: FloatArray, matrix: FloatArray, names: list[str], ids: Sequence[Hashable], outs: Sequence[Hashable]
) -> dict[str, pd.DataFrame]:
    rows = [
        pd.DataFrame({"unit": ids, "output": [o] * len(ids), "first": a, "second": b, "value": pairs[i, j, :, k]})
        for k, o in enumerate(outs) for i, a in enumerate(names) for j, b in enumerate(names) if i < j
    ]  # fmt: skip
    columns = ["unit", "output", "first", "second", "value"]
    with_units = np.isfinite(matrix).all(axis=(0, 1, 3))
    mean = np.abs(matrix[:, :, with_units]).mean(axis=2) if with_units.any() else np.full((*matrix.shape[:2], len(outs)), np.nan)
    each = cross_share(matrix)
    return {
        "interactions": pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns),
        "cross_modal": pd.DataFrame({"output": list(outs), "share": cross_share(mean)}),
        "cross_modal_unit": pd.concat(
            [pd.DataFrame({"unit": ids, "output": [o] * len(ids), "share": each[:, k]}) for k, o in enumerate(outs)],
            ignore_index=True,
        ),
    }
