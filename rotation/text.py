"""How dates, signs, shares and durations are written, in English whatever the locale."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def duration(seconds: float) -> str:
    """``42s``, ``3m``, ``5h`` or ``12d``: the largest unit that is not 0."""
    whole = int(seconds)
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def spelled_duration(seconds: float) -> str:
    """``42 s``, ``15 min``, ``3 h`` or ``12 d``, as a sentence has it: the largest unit that is not 0."""
    whole = int(seconds)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if whole >= size:
            return f"{whole // size} {unit}"
    return f"{whole} s"


def counted(number: int, noun: str) -> str:
    """``1 symbol``, ``3 symbols``, ``1,200 symbols``; ``noun`` is the singular of a word that takes an s."""
    return f"{number:,} {noun}" + "s" * (number != 1)


def percent(p: float) -> str:
    """A share of 1 in whole per cent; what is not quite certain never reads 0 or 100."""
    if 0 < p <= 0.005:
        return "under 1"
    return "over 99" if 0.995 <= p < 1 else f"{100 * p:.0f}"


def percentile(value: float | None) -> str:
    """``99.8``; what is no record is never rounded to 0.0 or 100.0. ``—`` where unknown."""
    if value is None:
        return "—"
    return f"{value if value in (0, 100) else min(max(value, 0.1), 99.9):.1f}"


def signed(value: float, decimals: int) -> str:
    """``+1.88`` or ``−1.88`` with a real minus; what rounds to nothing has no sign."""
    text = f"{value:+.{decimals}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def ordinal(n: int) -> str:
    """``1st``, ``2nd``, ``3rd``, ``11th``."""
    suffix = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{suffix}"


def day(value: date) -> str:
    """``27 May 2020``, in English whatever the locale."""
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def short_day(value: date) -> str:
    """``27 May``."""
    return f"{value.day} {MONTHS[value.month - 1]}"
