"""Units put together from the inputs of several units, and the two games that are played with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radiogen.errors import fail
from radiogen.explain.modalities import ABSENT, OWN
from radiogen.models.fusion.examples import Examples, Pictures

IntArray = NDArray[np.int_]
BoolArray = NDArray[np.bool_]
Score = Callable[[Examples], ArrayLike]


def mask_game(score: Score, examples: Examples) -> Callable[[BoolArray], ArrayLike]:
    """The ``predict`` of :func:`radiogen.explain.modality_shapley` that hides modalities by the model's own mask.

    Parameters
    ----------
    score : callable
        Examples to predictions, shape (n,) or (n, outputs), such as ``lambda e: trained.logits(e)["TP53"]``.
    examples : Examples
        The n units to explain; their ``present`` goes to ``modality_shapley`` too.

    Returns
    -------
    callable

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.explain import mask_game, modality_shapley
    >>> from radiogen.models.fusion.examples import Examples
    >>> cohort = Examples(np.array(["a", "b"]), ("swe",), np.array([[True], [True]]), {"swe": np.array([[1.0], [3.0]])})
    >>> score = lambda e: np.where(e.present[:, 0], e.tables["swe"][:, 0], 0.0)
    >>> modality_shapley(mask_game(score, cohort), 2, cohort.modalities, cohort.present, empty=0.5).values["swe"].tolist()
    [0.5, 2.5]
    """
    return lambda present: score(examples.with_present(present))


def background_game(
    score: Score, examples: Examples, background: Examples, modality_of: Mapping[str, str] | None = None
) -> Callable[[IntArray], ArrayLike]:
    """The ``predict`` of :func:`radiogen.explain.modality_shapley` that replaces modalities by those of other units.

    Parameters
    ----------
    score : callable
        Examples to predictions.
    examples, background : Examples
        The units to explain, and those that stand in; of the same modalities.  Take background units from the training data;
        give ``background.present`` to ``modality_shapley``.
    modality_of : mapping of str to str, optional
        Input to its modality: ``{i.name: i.modality for i in plan.inputs}``.  Default: an input is its modality.

    Returns
    -------
    callable
    """
    return lambda sources: score(mixed(examples, background, sources, modality_of))


def mixed(examples: Examples, background: Examples, sources: ArrayLike, modality_of: Mapping[str, str] | None = None) -> Examples:
    """Units whose inputs come from several units.

    Parameters
    ----------
    examples, background : Examples
        Of the same modalities and inputs.
    sources : array of int, shape (n, modalities)
        Where each modality of each unit comes from: -1 the unit, ``j >= 0`` background unit ``j``, -2 nowhere.
    modality_of : mapping of str to str, optional
        Input to modality; default the same name.

    Returns
    -------
    Examples

    Raises
    ------
    RadiogenError
        RG705 where modalities differ, or an input belongs to no modality.
    """
    at = np.asarray(sources, dtype=int)
    if examples.modalities != background.modalities or at.shape != examples.present.shape:
        raise fail("RG705", "examples, background and sources must have the same modalities", value=background.modalities)
    column = {name: _column(name, examples.modalities, modality_of) for name in (*examples.tables, *examples.pictures)}
    other = np.take_along_axis(background.present, np.maximum(at, 0), axis=0)
    present = np.where(at == OWN, examples.present, np.where(at == ABSENT, False, other))
    tables = {}
    for name, table in examples.tables.items():
        chosen = at[:, column[name]]
        tables[name] = np.where((chosen >= 0)[:, None], background.tables[name][np.maximum(chosen, 0)], table)
    pictures = {
        name: _pictures(own, background.pictures[name], at[:, column[name]]) for name, own in examples.pictures.items()
    }
    return Examples(examples.units, examples.modalities, present, tables, pictures)


def _column(name: str, modalities: tuple[str, ...], modality_of: Mapping[str, str] | None) -> int:
    modality = (modality_of or {}).get(name, name)
    if modality not in modalities:
        fix = "Give `modality_of`: {i.name: i.modality for i in plan.inputs}."
        raise fail("RG705", f"the input '{name}' belongs to none of the modalities {list(modalities)}", value=name, fix=fix)
    return modalities.index(modality)


def _pictures(own: Pictures, other: Pictures, source: IntArray) -> Pictures:
    """Pictures of each unit from where its source says; none from nowhere."""
    mine = np.flatnonzero(source == OWN)
    theirs = np.flatnonzero(source >= 0)
    first, second = own.of(mine), other.of(source[theirs])
    owner = np.concatenate([mine[first.owner], theirs[second.owner]]).astype(int)
    order = np.argsort(owner, kind="stable")
    return Pictures(np.concatenate([first.pixels, second.pixels])[order], owner[order])
