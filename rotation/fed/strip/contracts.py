"""Names of 30-Day Fed Funds futures (ZQ) as people and venues write them."""

from __future__ import annotations

import re

from rotation.errors import InputError

Month = tuple[int, int]
"""(year, month) of a contract."""
CODES = "FGHJKMNQUVXZ"
"""The futures trade's month letters, January to December."""
_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
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
