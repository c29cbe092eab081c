"""Text values: when two are the same, when one is a number, when one looks missing.

Tables are read as text, so that ids keep their zeros and nothing is guessed;
this module holds the only rules by which text becomes a number.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")

#: texts that mean "not known" in many exports; undeclared, they are an error in a predictor
MISSING_LOOKALIKES = frozenset(
    {
        "na", "n/a", "#n/a", "nan", "null", "none", "nil", "missing", "unknown", "unk", "not available", "not known",
        "not applicable", "not done", "not evaluated", "not reported", "not stated", "not recorded", "not given",
        "not performed", "not assessed", "not tested", "not determined", "not specified", "unspecified", "no data",
        "no information", "missing data", "data missing", "n.a.", "n.a", "n.d.", "n.k.", "unk.", "<na>", "nat", "blank",
        "(blank)", "[not available]", "[unknown]", "[not applicable]", "[not evaluated]", "[not reported]", "[discrepancy]",
        ".", "..", "...", "?", "??", "-", "--", "/", "#value!", "#ref!", "#div/0!", "#null!", "#name?", "#num!",
        "unbekannt", "k.a.", "k. a.", "keine angabe", "inconnu", "inconnue", "desconocido", "desconocida", "desconhecido",
        "sconosciuto", "onbekend", "ukjent", "okänt", "未知", "不详", "不明", "缺失", "未查", "未做", "未测", "未检测",
    }
)  # fmt: skip

#: what text editors, web pages and spreadsheets leave around a text, besides spaces
INVISIBLE = "\u00a0\u200b\u200c\u200d\u200e\u200f\ufeff\u2060\u00ad"
_AROUND = INVISIBLE + "\u3000\u202f \t\r\n\v\f"
_DROPPED = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\ufeff\u2060\u00ad"))
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹣－"), "-")
#: Cyrillic and Greek capitals (in lower case) that look like Latin ones, which a keyboard layout lets slip in
_ALIKE = {ord(a): b for a, b in zip("авекмнорстухіјѕαβεζηικμνορτυχ", "abekmhopctyxijsabezhikmnoptyx", strict=True)}


def is_number(text: str) -> bool:
    """Whether a text is a finite decimal number, written with a point."""
    return _NUMBER.fullmatch(text) is not None and math.isfinite(float(text))


def is_infinite(text: str) -> bool:
    """Whether a text is an infinite number, or one too large to be held (``1e999``)."""
    word = text.strip().casefold().lstrip("+-")
    return word in ("inf", "infinity", "∞") or (_NUMBER.fullmatch(text) is not None and not is_number(text))


def bare(text: str) -> str:
    """A text without the spaces and invisible characters around it."""
    return text.strip(_AROUND)


def fold(text: str) -> str:
    """One text for texts that look the same: case, width, spaces, kinds of dash, look-alike letters.

    Examples
    --------
    >>> fold("Ｐ\\u2011００３"), fold("p-003 ")
    ('p-003', 'p-003')
    """
    plain = unicodedata.normalize("NFKC", text).translate(_DROPPED).translate(_DASHES).casefold()
    return "".join(plain.translate(_ALIKE).split())


def is_decimal_comma(text: str) -> bool:
    """Whether a text is a number written with a decimal comma."""
    return _DECIMAL_COMMA.fullmatch(text) is not None


def to_number(text: str | None) -> float:
    """The number a text stands for; NaN for missing.

    Raises
    ------
    ValueError
        If the text is not a finite number.
    """
    if text is None:
        return math.nan
    if not is_number(text):
        raise ValueError(text)
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def canonical(value: Any) -> str:
    """One text for values that mean the same: 1, 1.0, ``"1"`` and ``"01"`` are all ``"1"``; other text is stripped.

    Used to compare a cell with a value of the YAML; never for ids.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    text = unicodedata.normalize("NFC", str(value)).strip()
    if is_number(text):
        number = float(text)
        whole = math.isfinite(number) and abs(number) < 1e15 and number == int(number)
        return str(int(number)) if whole else repr(number)
    return text.lower() if text.lower() in ("true", "false") else text


def canonical_set(values: Iterable[Any]) -> frozenset[str]:
    """The canonical texts of several values."""
    return frozenset(canonical(v) for v in values)


def looks_missing(text: str) -> bool:
    """Whether a text is a usual code for "not known" that cannot be a number."""
    return bare(text).casefold().translate(_DASHES) in MISSING_LOOKALIKES


def suggest(word: str, known: Iterable[Any]) -> str:
    """`` Did you mean 'x'?`` for the nearest known word, or nothing."""
    near = nearest(word, known)
    return f" Did you mean '{near}'?" if near is not None else ""


def nearest(word: str, known: Iterable[Any], likeness: float = 0.6) -> str | None:
    """The known word most like this one, whatever the case; None where none is as like (0 to 1) as asked."""
    import difflib

    names = {str(k).casefold(): str(k) for k in known}
    near = difflib.get_close_matches(word.casefold(), list(names), n=1, cutoff=likeness)
    return names[near[0]] if near else None


def listing(names: Iterable[Any], limit: int = 20) -> str:
    """Names for a message, the first ``limit`` of them."""
    found = [str(n) for n in names]
    more = f", … ({len(found)} in all)" if len(found) > limit else ""
    return ", ".join(found[:limit]) + more
