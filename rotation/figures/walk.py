"""One walk over a settled series, oldest first: since, percentile and run counts at every row.

Each function gives at row i what ``rotation.market`` gives live with rows 0 … i - 1 before it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from typing import TYPE_CHECKING

from rotation.figures.figure import RECORD, Value
from rotation.market import records
from rotation.market.records import tie
from rotation.market.streaks import expected_runs

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence


class _Highs:
    """The rows so far that no later one reaches, oldest and highest first."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._negated: list[float] = []

    def push(self, row: int, value: float) -> None:
        while self._negated and -self._negated[-1] <= value:
            self._negated.pop()
            self._rows.pop()
        self._rows.append(row)
        self._negated.append(-value)

    def at_least(self, value: float) -> int | None:
        """The latest row that is >= value; None if none is."""
        place = bisect_right(self._negated, -value)
        return self._rows[place - 1] if place else None


def since_rows(values: Sequence[float | None], *, low: bool | None = None) -> list[int | None]:
    """At each row the latest earlier one at least as extreme: its place, -1 for a record, None for no claim.

    ``low``: which side to look at; None: a fall is compared with falls, all else with rises.
    """
    highs, lows, known = _Highs(), _Highs(), 0
    rows: list[int | None] = []
    for row, value in enumerate(values):
        match: int | None = None
        if value is not None and known >= records.SINCE_LEAST:
            falling = value < 0 if low is None else low
            match = lows.at_least(-value - tie(value)) if falling else highs.at_least(value - tie(value))
            match = -1 if match is None else match
        rows.append(match)
        if value is not None:
            known += 1
            highs.push(row, value)
            lows.push(row, -value)
    return rows


def since(days: Sequence[dt.date], values: Sequence[float | None]) -> list[Value]:
    """For each row the latest earlier session at least as extreme; RECORD without one."""
    return [_named(days, row) for row in since_rows(values)]


def since_either_way(days: Sequence[dt.date], values: Sequence[float | None]) -> list[Value]:
    """The same for the distance from 0, on whichever side."""
    distances = [None if value is None else abs(value) for value in values]
    return [_named(days, row) for row in since_rows(distances, low=False)]


def _named(days: Sequence[dt.date], row: int | None) -> Value:
    if row is None:
        return None
    return RECORD if row < 0 else days[row]


def percentiles(values: Sequence[float | None]) -> list[Value]:
    """Midrank of each value among those before it, in percent."""
    ranked: list[float] = []
    ranks: list[Value] = []
    for value in values:
        if value is None:
            ranks.append(None)
            continue
        below, upto = bisect_left(ranked, value - tie(value)), bisect_right(ranked, value + tie(value))
        ranks.append(50 * (below + upto) / len(ranked) if ranked else None)
        insort(ranked, value)
    return ranks


def counts(values: Sequence[float | None]) -> list[Value]:
    """Known values before each row."""
    numbers: list[Value] = []
    known = 0
    for value in values:
        numbers.append(known)
        known += value is not None
    return numbers


def run_rates(
    lengths: Sequence[int | None], with_today: Sequence[int | None]
) -> tuple[list[Value], list[Value]]:
    """At each row how many earlier runs reached its length, and how many to expect (``streaks.Runs.rate``).

    ``lengths``: signed run length of every row by ``streaks.streaks``; ``with_today`` as it is shown.
    """
    reached: Counter[int] = Counter()
    n = ups = downs = 0
    times: list[Value] = []
    expected: list[Value] = []
    for length, shown in zip(lengths, with_today, strict=True):
        if shown and n:
            times.append(reached[shown])
            expected.append(expected_runs(n, abs(shown), (ups if shown > 0 else downs) / n))
        else:
            times.append(None)
            expected.append(None)
        if length is not None:
            reached[length] += 1
            n, ups, downs = n + 1, ups + (length > 0), downs + (length < 0)
    return times, expected
