"""Round numbers for the ticks of an axis, those of R's ``pretty``."""

from __future__ import annotations

import numpy as np

from radiogen.stats._validate import Floats

#: how strongly larger units (2, 10; 5) are preferred
_BIAS, _BIAS_FIVE = 1.5, 2.75
_SHRINK, _ROUNDING = 0.75, 1e-10


def pretty(low: float, high: float, count: int = 10) -> Floats:
    """About ``count`` steps of 1, 2 or 5 times a power of ten that cover the range (as Becker, Chambers and Wilks chose)."""
    least = count // 3
    span, size = high - low, max(abs(low), abs(high))
    factor = 1 + (1 / (1 + _BIAS) if _BIAS_FIVE >= 1.5 * _BIAS + 0.5 else 1.5 / (1 + _BIAS_FIVE))
    if size == 0 or span < size * factor * max(1, count) * np.finfo(float).eps * 3:
        # the two ends are one number but for rounding
        cell = (9 + size / 10 if size > 10 else size or 1.0) * _SHRINK / (least if least > 1 else 1)
    else:
        cell = span / max(1, count)
    base = 10.0 ** np.floor(np.log10(cell))
    unit = base
    for multiple, bias in ((2, _BIAS), (5, _BIAS_FIVE), (10, _BIAS)):
        if multiple * base - cell < bias * (cell - unit):
            unit = multiple * base
        else:
            break
    first, last = np.floor(low / unit + _ROUNDING), np.ceil(high / unit - _ROUNDING)
    while first * unit > low + _ROUNDING * unit:
        first -= 1
    while last * unit < high - _ROUNDING * unit:
        last += 1
    lacking = int(0.5 + least - (last - first))
    if lacking > 0:
        # the odd step is taken towards 0
        more = lacking // 2 + lacking % 2
        down, up = (more, lacking // 2) if first >= 0 else (lacking // 2, more)
        first, last = first - down, last + up
    return np.asarray(np.round(np.arange(first, last + 1)) * unit)
