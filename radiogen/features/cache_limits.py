"""Limits of the cache as a user writes them: ages and sizes."""

from __future__ import annotations

import re

from radiogen.errors import fail

_DAYS = {"h": 1 / 24, "d": 1.0, "w": 7.0}
_BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def days(text: str) -> float:
    """An age such as ``12h``, ``30d`` or ``4w``, in days.

    Raises
    ------
    RadiogenError
        RG708 for anything else.

    Examples
    --------
    >>> from radiogen.features.cache_limits import days
    >>> days("30d"), days("12h")
    (30.0, 0.5)
    """
    return _number(text, _DAYS, "an age such as 12h, 30d or 4w")


def size_bytes(text: str) -> int:
    """A size such as ``500MB`` or ``2GB`` (powers of 1,000), in bytes.

    Raises
    ------
    RadiogenError
        RG708 for anything else.

    Examples
    --------
    >>> from radiogen.features.cache_limits import size_bytes
    >>> size_bytes("2GB"), size_bytes("1.5 kB")
    (2000000000, 1500)
    """
    return int(_number(text, {k.lower(): v for k, v in _BYTES.items()}, "a size such as 500MB or 2GB"))


def _number(text: str, units: dict[str, float] | dict[str, int], what: str) -> float:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)", text.strip().lower())
    if match is None or match[2] not in units:
        raise fail("RG708", f"this is not {what}", value=text)
    return float(match[1]) * units[match[2]]
