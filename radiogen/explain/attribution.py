"""The frozen object that every attribution is: what each input adds to a prediction, and whether it adds up."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radiogen.errors import fail

FloatArray = NDArray[np.float64]

#: the name of the output of a model that has one
SINGLE = "prediction"
#: rows of the table that a notebook shows
_SHOWN = 20


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class Attribution:
    """What each input adds to the prediction of each unit.

    Parameters
    ----------
    method : str
        How it was made, in one sentence, fit for a table's footnote.
    values : DataFrame, or mapping of str to array
        One row per unit and one column per feature; of several outputs the columns are (output, feature).  Of arrays
        (pictures, loops) a mapping of the input's name to an array of the input's shape.  NaN: the unit does not have it.
    base, prediction : array, shape (n,) or (n, outputs)
        The prediction without any input (or its mean over the background), and the prediction.
    residual : array, shape (n,) or (n, outputs)
        ``prediction - base - sum of the attributions``.
    adds_up : bool
        Whether every residual is within the tolerance of the method.
    note : str
        What a reader must know; where it does not add up, that and by how much.
    outputs : tuple
        Names of the outputs; a time where the output is survival at a time.
    units : tuple
        Ids, in the order of the rows.
    scale : str
        What the numbers are: "log-odds", "log-hazard", "probability" …; empty where it is not known.
    data : DataFrame, optional
        Values of the features, same rows and columns as ``values`` of one output.
    se : DataFrame, optional
        Monte Carlo standard errors, in the form of ``values``.
    extra : mapping of str to anything
        Further results by name, such as ``"interactions"``; ``attribution["interactions"]`` reads one.

    Examples
    --------
    >>> import numpy as np
    >>> from radiogen.explain.attribution import assemble
    >>> found = assemble(np.array([[1.0, -0.5]]), ["age", "size"], base=0.2, prediction=[0.7], method="by hand")
    >>> found.adds_up, found.to_frame()["value"].tolist()
    (True, [1.0, -0.5])
    """

    method: str
    values: Any
    base: FloatArray
    prediction: FloatArray
    residual: FloatArray
    adds_up: bool
    note: str = ""
    outputs: tuple[Hashable, ...] = (SINGLE,)
    units: tuple[Hashable, ...] = ()
    scale: str = ""
    data: pd.DataFrame | None = None
    se: pd.DataFrame | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Arrays of a frozen result cannot be written to; they are copies, so that no caller's array is locked."""
        for name in ("base", "prediction", "residual"):
            own = np.array(getattr(self, name), dtype=float)
            own.setflags(write=False)
            object.__setattr__(self, name, own)

    def __getitem__(self, name: str) -> Any:
        return self.extra[name]

    def __len__(self) -> int:
        return len(self.prediction)

    @property
    def arrays(self) -> tuple[FloatArray, ...]:
        """Arrays in the order of the inputs; of a table its matrix."""
        if isinstance(self.values, pd.DataFrame):
            return (self.values.to_numpy(dtype=float),)
        return tuple(self.values.values())

    def totals(self) -> pd.DataFrame:
        """One number per unit and feature, and per unit and picture the sum over it; NaN where the unit does not have it."""
        if isinstance(self.values, pd.DataFrame):
            return self.values.copy()
        parts = {}
        for name, array in self.values.items():
            flat = array.reshape(len(array), -1)
            parts[name] = np.where(np.isnan(flat).all(axis=1), np.nan, np.nansum(flat, axis=1))
        return pd.DataFrame(parts, index=self._index())

    def of(self, output: Hashable) -> Attribution:
        """The attribution of one output.

        Raises
        ------
        RadiogenError
            RG708 where there is no such output.
        """
        if output not in self.outputs:
            raise fail("RG708", f"there is no output {output!r}; there are {list(self.outputs)}", value=output)
        if len(self.outputs) == 1:
            return self
        at = self.outputs.index(output)
        chosen = {
            k: v[v["output"] == output].reset_index(drop=True) if isinstance(v, pd.DataFrame) and "output" in v else v
            for k, v in self.extra.items()
        }
        return assemble(
            self.values[output].to_numpy(dtype=float), list(self.values[output].columns), base=self.base[:, at],
            prediction=self.prediction[:, at], residual=self.residual[:, at], method=self.method, note=self.note,
            adds_up=self.adds_up, outputs=(output,), units=self.units, scale=self.scale, data=self.data, extra=chosen,
            se=None if self.se is None else self.se[output].to_numpy(dtype=float),
        )  # fmt: skip

    def to_frame(self) -> pd.DataFrame:
        """One row per unit, output and feature.

        Returns
        -------
        DataFrame
            ``unit``, ``output``, ``feature``, ``value`` (the attribution), ``feature_value`` and ``se`` where known, and
            ``base``, ``prediction``, ``residual`` of the unit.
        """
        rows = []
        wide = self.totals()
        for k, output in enumerate(self.outputs):
            part = wide[output] if len(self.outputs) > 1 else wide
            names = list(part.columns)
            rows.append(pd.DataFrame({
                "unit": np.repeat(np.asarray(self._index(), dtype=object), len(names)), "output": output,
                "feature": names * len(part), "value": part.to_numpy(dtype=float).ravel(),
                **({"feature_value": self.data[names].to_numpy().ravel()} if self.data is not None else {}),
                **({"se": self._se(output).ravel()} if self.se is not None else {}),
                **{f: np.repeat(_column(getattr(self, f), k), len(names)) for f in ("base", "prediction", "residual")},
            }))  # fmt: skip
        return pd.concat(rows, ignore_index=True)

    def importance(self) -> pd.DataFrame:
        """Mean absolute attribution by output and feature, the largest first.

        Returns
        -------
        DataFrame
            ``output``, ``feature``, ``mean_absolute``, ``mean``, ``n`` (units that have it), ``share`` of the sum of the
            mean absolute attributions of the output.
        """
        long = self.to_frame().assign(size=lambda f: f["value"].abs())
        found = long.groupby(["output", "feature"], sort=False).agg(
            mean_absolute=("size", "mean"), mean=("value", "mean"), n=("value", "count")
        ).reset_index()  # fmt: skip
        total = found.groupby("output")["mean_absolute"].transform("sum")
        found["share"] = found["mean_absolute"] / total.where(total > 0)
        place = {o: i for i, o in enumerate(self.outputs)}
        found = found.assign(_place=found["output"].map(place))
        ordered = found.sort_values(["_place", "mean_absolute"], ascending=[True, False], kind="stable")
        return ordered.drop(columns="_place").reset_index(drop=True)

    def __repr__(self) -> str:
        state = "adds up" if self.adds_up else "does not add up"
        return f"{self.method} {len(self)} units, {state}\n{self.importance().head(_SHOWN).to_string(index=False)}"

    def _repr_html_(self) -> str:
        parts = [f"<p>{escape(self.method)}</p>", self.importance().head(_SHOWN).to_html(index=False, escape=True)]
        state = "The attributions add up to the prediction." if self.adds_up and not self.note else self.note
        return "\n".join([*parts, f"<p>{escape(state)}</p>"] if state else parts)

    def _index(self) -> Sequence[Hashable]:
        return self.units or tuple(range(len(self.prediction)))

    def _se(self, output: Hashable) -> FloatArray:
        assert self.se is not None
        part = self.se[output] if len(self.outputs) > 1 else self.se
        return np.asarray(part.to_numpy(dtype=float))


def _column(array: FloatArray, at: int) -> FloatArray:
    return array if array.ndim == 1 else np.asarray(array[:, at])


def assemble(
    values: FloatArray,
    features: Sequence[Hashable],
    *,
    base: Any,
    prediction: Any,
    method: str,
    residual: Any = None,
    adds_up: bool | None = None,
    note: str = "",
    outputs: Sequence[Hashable] = (SINGLE,),
    units: Sequence[Hashable] = (),
    scale: str = "",
    data: pd.DataFrame | None = None,
    se: FloatArray | None = None,
    extra: Mapping[str, Any] | None = None,
    relative: float = 1e-5,
    absolute: float = 1e-5,
) -> Attribution:
    """An attribution of features from its numbers: the residual is computed, and whether it adds up.

    Parameters
    ----------
    values : array, shape (n, features) or (n, features, outputs)
    features : sequence
    base, prediction : float or array, shape (n,) or (n, outputs)
    residual, adds_up : optional
        Default: computed.
    relative, absolute : float
        A residual may be so large: ``absolute + relative * |prediction - base|``.

    Returns
    -------
    Attribution
    """
    own = np.asarray(values, dtype=float)
    if own.ndim == 3 and own.shape[2] == 1:
        own = own[:, :, 0]
    shape = (own.shape[0],) if own.ndim == 2 else (own.shape[0], own.shape[2])
    at_base = np.broadcast_to(_fitting(base, shape), shape)
    at_unit = np.broadcast_to(_fitting(prediction, shape), shape)
    left = at_unit - at_base - np.nansum(own, axis=1) if residual is None else np.asarray(residual, dtype=float)
    index = list(units) if len(units) else list(range(len(own)))
    fits, said = judge(left, at_unit - at_base, index, relative=relative, absolute=absolute)
    if adds_up is None:
        note = " ".join(part for part in (note, said) if part)
    return Attribution(
        method=method, values=_frame(own, features, outputs, index), base=at_base, prediction=at_unit, residual=left,
        adds_up=fits if adds_up is None else adds_up, note=note, outputs=tuple(outputs), units=tuple(index), scale=scale,
        data=data, extra=dict(extra or {}),
        se=None if se is None else _frame(np.asarray(se, dtype=float), features, outputs, index),
    )  # fmt: skip


def _fitting(value: Any, shape: tuple[int, ...]) -> FloatArray:
    """Numbers whose last axis may be one output too many, or one per output for all units."""
    array = np.asarray(value, dtype=float)
    return array.reshape(shape) if array.size == int(np.prod(shape)) else array


def _frame(
    values: FloatArray, features: Sequence[Hashable], outputs: Sequence[Hashable], index: Sequence[Hashable]
) -> pd.DataFrame:
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    if values.ndim == 2:
        return pd.DataFrame(values, index=list(index), columns=list(features))
    columns = pd.MultiIndex.from_product([list(outputs), list(features)], names=["output", "feature"])
    return pd.DataFrame(values.transpose(0, 2, 1).reshape(len(values), -1), index=list(index), columns=columns)


def judge(
    residual: FloatArray, difference: FloatArray, units: Sequence[Hashable], *, relative: float, absolute: float
) -> tuple[bool, str]:
    """Whether residuals are within the tolerance, and a sentence where they are not.

    Parameters
    ----------
    residual, difference : array, shape (n,) or (n, outputs)
        The second is ``prediction - base``.
    units : sequence
        Ids, for the sentence.
    relative, absolute : float
        ``|residual| <= absolute + relative * |difference|``; units without a prediction (NaN) do not count.

    Returns
    -------
    (bool, str)
    """
    size, allowed = np.abs(residual), absolute + relative * np.abs(difference)
    wrong = ~(size <= allowed) & ~np.isnan(difference)
    if not wrong.any():
        return True, ""
    excess = np.where(wrong, np.where(np.isnan(size), np.inf, size / allowed), -np.inf)
    worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(excess)), excess.shape))
    parts = float(np.abs(difference[worst]))
    share = f", {100 * size[worst] / parts:.3g} % of |prediction − base|" if parts > 0 else ""
    many = int(wrong.reshape(len(wrong), -1).any(axis=1).sum())
    return False, (
        f"The attributions of {many} of {len(residual)} units do not add up to their prediction: the residual of unit "
        f"{units[worst[0]]} is {size[worst]:.3g}{share}."
    )
