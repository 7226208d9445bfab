"""Names of 30-Day Fed Funds futures (ZQ) as people and venues write them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rotation.errors import InputError

if TYPE_CHECKING:
    from datetime import date

Month = tuple[int, int]
"""(year, month) of a contract."""
CODES = "FGHJKMNQUVXZ"
"""The futures trade's month letters, January to December."""
_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_SYMBOL = re.compile(rf"(?<![A-Z])ZQ([{CODES}])(\d{{4}}|\d{{1,2}})(?!\d)")
_WORDS = re.compile(r"([A-Z]{3})[ -]?(\d{4}|\d{2})|(\d{4})[ -]([A-Z]{3})|(\d{4})-(\d{2})")
FIRST_YEAR, LAST_YEAR = 1988, 2199
"""ZQ has traded since October 1988; a year outside is a slip of the keyboard."""


def symbol(month: Month) -> str:
    """(2026, 12) → "ZQZ26"."""
    return f"ZQ{CODES[month[1] - 1]}{month[0] % 100:02}"


def name(month: Month) -> str:
    """(2026, 12) → "ZQZ26 (2026-12)", as errors and flags call it."""
    return f"{symbol(month)} ({month[0]}-{month[1]:02})"


def month_written(text: str) -> Month:
    """The month of "2026-12": (2026, 12). Raises InputError for anything else."""
    match = re.fullmatch(r"(\d{4})-(\d{2})", text, re.ASCII)
    if match:
        month = int(match[1]), int(match[2])
        if FIRST_YEAR <= month[0] <= LAST_YEAR and 1 <= month[1] <= 12:
            return month
    raise InputError(f"{text!r} is not a contract month; write year and month as in 2026-09")


def month_named(text: str) -> Month:
    """The month of "DEC 26", as settlement files write it. Raises InputError for anything else."""
    match = re.fullmatch(r"([A-Z]{3}) (\d{2})", text.strip().upper(), re.ASCII)
    if match and match[1] in _NAMES:
        return 2000 + int(match[2]), _NAMES.index(match[1]) + 1
    raise InputError(f"{text!r} is not a contract month of a settlement file; it should read like SEP 26")


def month_meant(text: str, session: date | None) -> Month | None:
    """The contract named in a file of settlements, in any vendor's spelling; None if it names none.

    ``ZQU24.CBT``, ``ZQU2024``, ``SEP 24``, ``2024 Sep``, ``2024-09``; ``ZQU4`` needs the ``session``.
    """
    text = text.upper().replace("_", " ").strip()
    named = _SYMBOL.search(text)
    if named is not None:
        year = _year(named[2], session)
        return None if year is None else (year, CODES.index(named[1]) + 1)
    words = _WORDS.fullmatch(text)
    if words is None:
        return None
    if words[5] is not None:
        month = int(words[6])
        return (int(words[5]), month) if 1 <= month <= len(_NAMES) else None
    letters, digits = (words[1], words[2]) if words[1] else (words[4], words[3])
    year = _year(digits, session)
    return None if letters not in _NAMES or year is None else (year, _NAMES.index(letters) + 1)


def _year(digits: str, session: date | None) -> int | None:
    if len(digits) == 1:
        # A contract trades for at most five years: the first year with this digit from the session's on.
        return None if session is None else session.year + (int(digits) - session.year) % 10
    year = int(digits)
    if len(digits) == 2:
        year += 1900 if year >= FIRST_YEAR % 100 else 2000
    return year if FIRST_YEAR <= year <= LAST_YEAR else None
