"""Words and numbers of figures: text that cannot become markup, numbers as a journal sets them."""

from __future__ import annotations

import math
import re
import textwrap
import unicodedata
from collections.abc import Iterable
from typing import Any

#: shown where there is no value
NONE = "–"
_MINUS = "\u2212"
#: what plotly.js, or MathJax beside it, would read as markup or as a template
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;", "{": "&#123;", "}": "&#125;"}
_SPECIAL = re.compile(r"[&<>${}]")


def plain(value: Any, limit: int | None = None) -> str:
    """One line of text without control or direction-changing characters.

    Parameters
    ----------
    value : object
        Anything; ``str`` is taken of it.
    limit : int, optional
        Longer texts lose their middle: names of features differ at the end.

    Examples
    --------
    >>> plain("two\\nlines")
    'two lines'
    >>> plain("bmode_wavelet_LH_glcm_JointEntropy", 20)
    'bmode_…_JointEntropy'
    """
    spaced = re.sub(r"\s+", " ", str(value)).strip()
    kept = "".join(c for c in spaced if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
    if limit is None or width(kept) <= limit:
        return kept
    head = _fitting(kept, limit // 3)
    tail = _fitting(kept[::-1], limit - 1 - limit // 3)[::-1]
    return f"{head.rstrip()}…{tail.lstrip()}"


def width(value: str) -> int:
    """Places that a text takes: a Chinese character takes two.

    Examples
    --------
    >>> width("TP53"), width("硬度")
    (4, 4)
    """
    return len(value) + sum(unicodedata.east_asian_width(c) in "WF" for c in value)


def _fitting(value: str, room: int) -> str:
    """As much of the start of a text as fits into so many places."""
    used = 0
    for at, character in enumerate(value):
        used += width(character)
        if used > room:
            return value[:at]
    return value


def text(value: Any, limit: int | None = None) -> str:
    """Text for a plotly label, shown as it stands.

    Plotly reads labels, categories, hover texts and names as pseudo-HTML, fills in
    ``%{…}`` and hands ``$…$`` to MathJax.  Every string that a user supplies goes
    through here before it enters a figure.

    Parameters
    ----------
    value : object
        Anything; ``str`` is taken of it.
    limit : int, optional
        Longer texts lose their middle (before escaping).

    Examples
    --------
    >>> text("<b>TP53</b>")
    '&lt;b&gt;TP53&lt;/b&gt;'
    """
    return _SPECIAL.sub(lambda m: _ENTITIES[m.group()], plain(value, limit))


def distinct(values: Iterable[Any], limit: int) -> list[str]:
    """Plain texts cut to a length, up to 18 characters longer where it takes that to tell them apart, else numbered.

    Examples
    --------
    >>> distinct(["bmode_sigma_1_glcm_Contrast", "bmode_sigma_2_glcm_Contrast"], 18)
    ['bmode_si…1_glcm_Contrast', 'bmode_si…2_glcm_Contrast']
    """
    whole = [plain(v) for v in values]
    cut = [plain(v, limit) for v in whole]
    for more in (6, 12, 18):
        seen = _owners(cut, whole)
        cut = [plain(w, limit + more) if len(seen[c]) > 1 else c for c, w in zip(cut, whole, strict=True)]
    seen = _owners(cut, whole)
    return [f"{c} [{seen[c].index(w) + 1}]" if len(seen[c]) > 1 else c for c, w in zip(cut, whole, strict=True)]


def _owners(cut: list[str], whole: list[str]) -> dict[str, list[str]]:
    """The different texts behind each cut text, in their order."""
    found: dict[str, list[str]] = {}
    for c, w in zip(cut, whole, strict=True):
        if w not in found.setdefault(c, []):
            found[c].append(w)
    return found


def wrap(value: Any, places: int, lines: int = 4) -> str:
    """The text of :func:`text`, broken into lines of at most so many characters."""
    parts = textwrap.wrap(plain(value), places) or [""]
    if len(parts) > lines:
        parts = [*parts[: lines - 1], plain(" ".join(parts[lines - 1 :]), places)]
    return "<br>".join(text(p) for p in parts)


def is_number(value: Any) -> bool:
    """Whether this is a finite number (and not a bool)."""
    if isinstance(value, bool) or value is None:
        return False
    try:
        return math.isfinite(value)
    except TypeError:
        return False


def num(value: Any, digits: int = 3) -> str:
    """A number with three significant digits, counts in full.

    Examples
    --------
    >>> num(0.012345), num(1234), num(12.3456), num(float("nan"))
    ('0.0123', '1,234', '12.3', '–')
    """
    if not is_number(value):
        return infinite(value)
    number = float(value)
    if number == 0:
        return "0"
    if number.is_integer() and abs(number) < 1e9:
        return f"{int(number):,}".replace("-", _MINUS)
    size = abs(number)
    if size < 1e-4 or size >= 1e6:
        return f"{number:.{digits - 1}e}".replace("-", _MINUS)
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    return fixed(number, decimals)


def infinite(value: Any) -> str:
    """Infinity as a sign, everything else that is no number as a dash."""
    try:
        if math.isinf(value):
            return "∞" if value > 0 else _MINUS + "∞"
    except TypeError:
        pass
    return NONE


def fixed(value: Any, decimals: int) -> str:
    """A number with this many decimals.

    Examples
    --------
    >>> fixed(0.5, 2), fixed(-0.001, 2)
    ('0.50', '0.00')
    """
    if not is_number(value):
        return infinite(value)
    written = f"{float(value):,.{decimals}f}"
    # nothing is left of it but the sign
    return written.lstrip("-") if not written.strip("-0.,") else written.replace("-", _MINUS)


def pvalue(value: Any) -> str:
    """A p-value (or q-value): three decimals, and ``<0.001`` below.

    Examples
    --------
    >>> pvalue(0.03449), pvalue(2e-9)
    ('0.034', '<0.001')
    """
    if not is_number(value):
        return NONE
    return "<0.001" if value < 0.001 else f"{float(value):.3f}"


def p_equals(value: Any, name: str = "p") -> str:
    """``p = 0.034`` or ``p < 0.001``.

    Examples
    --------
    >>> p_equals(1e-5)
    'p < 0.001'
    """
    shown = pvalue(value)
    return f"{name} < 0.001" if shown.startswith("<") else f"{name} = {shown}"


def share(value: Any) -> str:
    """A share between 0 and 1 as a percentage.

    Examples
    --------
    >>> share(0.4567), share(1.0)
    ('46\\xa0%', '100\\xa0%')
    """
    if not is_number(value):
        return NONE
    percent = 100 * float(value)
    # the space does not break
    return f"{percent:.1f}\u00a0%" if 0 < percent < 10 or 99 < percent < 100 else f"{percent:.0f}\u00a0%"


def interval(estimate: Any, lower: Any, upper: Any) -> str:
    """An estimate with its interval, with as many decimals as the interval's width bears.

    Examples
    --------
    >>> interval(0.7812, 0.7123, 0.8534)
    '0.78 (0.71 to 0.85)'
    >>> interval(float("nan"), float("nan"), float("nan"))
    '–'
    """
    if not is_number(estimate):
        return NONE
    decimals = decimals_for(estimate, lower, upper)
    if not (is_number(lower) or is_number(upper)):
        return fixed(estimate, decimals)
    return f"{fixed(estimate, decimals)} ({fixed(lower, decimals)} to {fixed(upper, decimals)})"


def decimals_for(estimate: Any, lower: Any, upper: Any) -> int:
    """Decimals that show two digits of the interval's width; two at least below 10."""
    least = 2 if abs(float(estimate)) < 10 else 1 if abs(float(estimate)) < 100 else 0
    if not (is_number(lower) and is_number(upper)) or upper <= lower:
        return least
    return min(4, max(least, 1 - math.floor(math.log10(float(upper) - float(lower)))))


def listed(items: Iterable[str], last: str = "and") -> str:
    """``a, b and c``.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    found = [str(i) for i in items]
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} {last} {found[-1]}" if found else ""


def lower_first(value: str) -> str:
    """The text with a small first letter, unless it begins with an abbreviation.

    Examples
    --------
    >>> lower_first("Hazard ratio"), lower_first("AUC")
    ('hazard ratio', 'AUC')
    """
    return value if value[1:2].isupper() or value[:1].isdigit() else value[:1].lower() + value[1:]


def count(n: int, one: str, many: str | None = None) -> str:
    """A number with its noun.

    Examples
    --------
    >>> count(1, "feature"), count(2, "analysis", "analyses")
    ('1 feature', '2 analyses')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"
