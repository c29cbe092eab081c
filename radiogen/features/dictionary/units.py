"""Units: from the end of a feature's name, and of powers and quotients of another unit."""

from __future__ import annotations

#: ends of names and their units, the longer first
SUFFIXES: tuple[tuple[str, str], ...] = (
    ("_au_per_s", "a.u./s"),
    ("_per_min", "1/min"),
    ("_au_s", "a.u.·s"),
    ("_cm_s", "cm/s"),
    ("_m_s", "m/s"),
    ("_mm2", "mm²"),
    ("_kpa", "kPa"),
    ("_pct", "%"),
    ("_mm", "mm"),
    ("_au", "a.u."),
    ("_s", "s"),
)


def unit_of_name(name: str) -> str:
    """The unit that the end of a name states; empty for a plain number.

    Examples
    --------
    >>> from radiogen.features.dictionary.units import unit_of_name
    >>> unit_of_name("wash_in_auc_au_s"), unit_of_name("sd_ratio")
    ('a.u.·s', '')
    """
    return next((unit for end, unit in SUFFIXES if name.endswith(end)), "")


def filled(pattern: str, unit: str) -> str:
    """A unit with another in the place of ``{x}``, in brackets where it is a quotient and raised to a power.

    Examples
    --------
    >>> from radiogen.features.dictionary.units import filled
    >>> filled("{x}²·mm²", "grey value"), filled("{x}²", "m/s"), filled("{x}²", "")
    ('grey value²·mm²', '(m/s)²', '')
    """
    if "{x}" not in pattern:
        return pattern
    if not unit:
        return pattern.replace("{x}²·", "").replace("{x}²", "").replace("{x}", "")
    return pattern.replace("{x}²", f"({unit})²" if "/" in unit else f"{unit}²").replace("{x}", unit)
