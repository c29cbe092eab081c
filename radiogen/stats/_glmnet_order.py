"""The order in which R's glmnet takes tied times, for its digits."""

from __future__ import annotations

import numpy as np

from radiogen.stats._validate import Bools, Floats

#: glmnet moves censored times so much later, to keep them at risk at an event of the same time
_LATER = 100 * float(np.finfo(float).eps)
#: pieces up to this length are sorted by insertion
_SHORT = 10


def glmnet_times(time: Floats, event: Bools) -> Floats:
    """Whole numbers in place of times, with the risk sets that glmnet 4.1 makes of them.

    Times of events become 2, 4, …; a censored unit gets the odd number after the last event that comes before it
    in the sorted order.  Where adding 2.2e-14 to a time is lost in rounding (from 256 on), a censoring tied with an event
    comes before or after it as an unstable sort has it.
    """
    moved = time + np.where(event, 0.0, _LATER)
    out, group, last = np.empty(time.size), 0, -np.inf
    for row in _singleton(moved.tolist()):
        if event[row] and moved[row] > last:
            group, last = group + 1, float(moved[row])
        out[row] = 2 * group + (0 if event[row] else 1)
    return out


def _singleton(values: list[float]) -> list[int]:
    """The ascending order of values by Singleton's quicksort (Algorithm 347, CACM 1969;12:185), ties as it leaves them."""
    order = list(range(len(values)))
    waiting: list[tuple[int, int]] = []
    low, high = 0, len(values) - 1
    while True:
        if high - low > _SHORT or (low == 0 and low < high):
            left, right = _partition(values, order, low, high)
            # the longer piece waits
            if right - low > high - left:
                waiting.append((low, right))
                low = left
            else:
                waiting.append((left, high))
                high = right
            continue
        if low > 0:
            _insert(values, order, low, high)
        if not waiting:
            return order
        low, high = waiting.pop()


def _partition(values: list[float], order: list[int], low: int, high: int) -> tuple[int, int]:
    """Split a piece at the median of its first, middle and last value: the start of the upper and the end of the lower part."""
    # the middle as if counted from 1
    middle = (low + high + 2) // 2 - 1
    if values[order[low]] > values[order[middle]]:
        order[low], order[middle] = order[middle], order[low]
    if values[order[high]] < values[order[middle]]:
        order[high], order[middle] = order[middle], order[high]
        if values[order[low]] > values[order[middle]]:
            order[low], order[middle] = order[middle], order[low]
    pivot, left, right = values[order[middle]], low, high
    while True:
        right -= 1
        while values[order[right]] > pivot:
            right -= 1
        left += 1
        while values[order[left]] < pivot:
            left += 1
        if left > right:
            return left, right
        order[left], order[right] = order[right], order[left]


def _insert(values: list[float], order: list[int], low: int, high: int) -> None:
    """Sort a short piece whose predecessor is no larger than any of its values."""
    for place in range(low + 1, high + 1):
        own, k = order[place], place - 1
        while values[own] < values[order[k]]:
            order[k + 1] = order[k]
            k -= 1
        order[k + 1] = own
