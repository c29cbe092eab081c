"""Problems, findings and the one exception that radiogen raises.

A :class:`Problem` is one thing that is wrong, with its code from
:mod:`radiogen.catalogue`, the place where it stands and the fix.  Code that
can go on collects problems in :class:`Findings`; code that cannot raises
:class:`RadiogenError`, which carries one or more problems.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from radiogen.catalogue import CATALOGUE

Severity = Literal["error", "warning", "note"]
_ORDER = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where it stands and how to mend it.

    Parameters
    ----------
    code : str
        A key of :data:`radiogen.catalogue.CATALOGUE`, such as ``"RG204"``.
    message : str
        What is wrong, in one sentence, with names and counts.
    fix : str
        What to do about it.
    severity : {"error", "warning", "note"}
        An error stops the run, a warning is printed and reported, a note is counted.
    file : str, optional
        The file it stands in.
    line : int, optional
        Line of a YAML file, counted from 1.
    row : int, optional
        Row of a table as a spreadsheet numbers it: the header is row 1.
    column : str, optional
        The column, or the dotted key of the YAML.
    value : str, optional
        The value as it stands in the file.
    """

    code: str
    message: str
    fix: str
    severity: Severity = "error"
    file: str | None = None
    line: int | None = None
    row: int | None = None
    column: str | None = None
    value: str | None = None

    @property
    def title(self) -> str:
        """The short title of the code in the catalogue."""
        return CATALOGUE[self.code].title

    @property
    def where(self) -> str:
        """File, line or row, column and value in one readable string."""
        parts = [self.file] if self.file else []
        if self.line is not None:
            parts.append(f"line {self.line}")
        if self.row is not None:
            parts.append(f"row {self.row}")
        if self.column is not None:
            parts.append(f"column '{self.column}'" if self.line is None else f"key '{self.column}'")
        if self.value is not None:
            parts.append(f"value {_shorten(self.value)!r}")
        return ", ".join(parts)

    def render(self) -> str:
        """The problem as the terminal shows it, two to four lines."""
        lines = [f"{self.code} {self.severity}: {self.message}"]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.fix:
            lines.append(f"  fix:   {self.fix}")
        return "\n".join(lines)


def _shorten(value: str, limit: int = 80) -> str:
    return value if len(value) <= limit else value[: limit - 1] + "…"


def problem(
    code: str,
    message: str,
    *,
    fix: str | None = None,
    severity: Severity | None = None,
    file: str | Path | None = None,
    line: int | None = None,
    row: int | None = None,
    column: str | None = None,
    value: Any = None,
) -> Problem:
    """Make a :class:`Problem`; fix and severity default to the catalogue's."""
    entry = CATALOGUE[code]
    return Problem(
        code=code,
        message=message,
        fix=entry.fix if fix is None else fix,
        severity=entry.severity if severity is None else severity,
        file=None if file is None else str(file),
        line=line,
        row=row,
        column=column,
        value=None if value is None else str(value),
    )


class RadiogenError(Exception):
    """Input or a call that radiogen cannot work with, with code, place and fix.

    Parameters
    ----------
    problems : Problem or iterable of Problem
        At least one; the first gives :attr:`code`.
    """

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        found = (problems,) if isinstance(problems, Problem) else tuple(problems)
        if not found:
            raise ValueError("RadiogenError needs at least one problem")
        self.problems: tuple[Problem, ...] = found
        super().__init__("\n".join(p.render() for p in found))

    def __reduce__(self) -> tuple[Any, ...]:
        return (RadiogenError, (self.problems,))

    @property
    def code(self) -> str:
        """Code of the first problem."""
        return self.problems[0].code

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of all problems, in order."""
        return tuple(p.code for p in self.problems)


def fail(code: str, message: str, **where: Any) -> RadiogenError:
    """Build the error to raise for one problem: ``raise fail("RG203", "…", file=…)``."""
    return RadiogenError(problem(code, message, **where))


class Findings:
    """A list of problems that grows while a check goes on."""

    #: more than this many problems of one code and column are summed up in one line
    SHOWN_PER_PLACE = 5

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self._problems: list[Problem] = list(problems)

    def __iter__(self) -> Iterator[Problem]:
        return iter(sorted(self._problems, key=lambda p: _ORDER[p.severity]))

    def __len__(self) -> int:
        return len(self._problems)

    def add(self, code: str, message: str, **where: Any) -> Problem:
        """Record one problem and return it."""
        found = problem(code, message, **where)
        self._problems.append(found)
        return found

    def extend(self, problems: Iterable[Problem]) -> None:
        """Record several problems."""
        self._problems.extend(problems)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Problems that stop the run."""
        return tuple(p for p in self if p.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Warnings and notes."""
        return tuple(p for p in self if p.severity != "error")

    def place(self, file: str | Path, lines: Mapping[tuple[str | int, ...], int]) -> None:
        """Give problems that name a key of the YAML, and no row of a table, its file and line.

        Parameters
        ----------
        file : str or Path
            The YAML.
        lines : mapping
            Path of keys -> line.
        """
        for index, p in enumerate(self._problems):
            if p.column is None or p.line is not None or p.row is not None or p.file not in (None, str(file)):
                continue
            where = tuple(int(part) if part.isdigit() else part for part in p.column.split("."))
            while where and where not in lines:
                where = where[:-1]
            if where:
                self._problems[index] = replace(p, file=str(file), line=lines[where])

    def shown(self) -> tuple[Problem, ...]:
        """Problems to print: many of one kind in one column end in a count."""
        seen: dict[tuple[str, str | None, str | None], int] = {}
        kept: list[Problem] = []
        for p in self:
            key = (p.code, p.file, p.column)
            seen[key] = seen.get(key, 0) + 1
            if seen[key] <= self.SHOWN_PER_PLACE:
                kept.append(p)
        last = {(p.code, p.file, p.column): index for index, p in enumerate(kept)}
        for key, index in last.items():
            more = seen[key] - self.SHOWN_PER_PLACE
            if more > 0:
                kept[index] = replace(kept[index], message=f"{kept[index].message} (and {more} more like this)")
        return tuple(kept)

    def raise_if_errors(self) -> None:
        """Raise :class:`RadiogenError` with every error found, if there is one."""
        if self.errors:
            raise RadiogenError(p for p in self.shown() if p.severity == "error")
