"""Ratios of settled closes: IWM/QQQ for the chart, IWN/IVW for value against growth."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import polars as pl

from rotation.market.records import TRAILING, Records
from rotation.snapshot import Extreme, ValueGrowth

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from rotation.history import History
    from rotation.market.prints import Prints
    from rotation.quote import Quote

CHART_SESSIONS = 252

PROXY = "Ratio of dividend-adjusted closes: a price proxy for the valuation gap, not a valuation."


def settled_ratio(history: History, base: str, against: str, column: str, through: date) -> pl.DataFrame:
    """``date``, ``value`` of base / against rebased to 100 at the first common session, and ``unit``.

    Rows up to and including ``through``. Rebasing makes the level independent of splits and
    dividends that come later. ``unit`` turns any later base / against into the same terms.
    """
    rows = history.through(through).drop_nulls(column)
    pair = (
        rows.filter(pl.col("symbol") == base)
        .join(rows.filter(pl.col("symbol") == against), on="date", suffix="_against")
        .sort("date")
    )
    ratio = pl.col(column) / pl.col(f"{column}_against")
    unit = 100 / ratio.first()
    return pair.select("date", value=ratio * unit, unit=unit)


def value_growth(history: History, base: str, against: str, through: date) -> ValueGrowth | None:
    """Where value stands against growth, with the trailing year's extremes and since when they are ones.

    None without a common session up to ``through``.
    """
    ratio = settled_ratio(history, base, against, "adj_close", through)
    if ratio.is_empty():
        return None
    dates, values = ratio["date"], ratio["value"]
    earlier = Records(dates[:-1], values[:-1])
    return ValueGrowth(
        base=base,
        against=against,
        session=dates[-1],
        value=values[-1],
        first_date=dates[0],
        low=_extreme(dates, values, low=True),
        high=_extreme(dates, values, low=False),
        percentile=earlier.percentile(values[-1]),
        n=earlier.n,
        note=PROXY,
    )


def _extreme(dates: pl.Series, values: pl.Series, *, low: bool) -> Extreme:
    start = max(0, len(values) - TRAILING)
    year = values[start:]
    at = start + int((year.arg_min() if low else year.arg_max()) or 0)
    since = Records(dates[:at], values[:at]).since(values[at], low=low)
    return Extreme(
        date=dates[at],
        value=values[at],
        since=since.date if since else None,
        first_date=since.first_date if since else None,
    )


class MinuteChanges:
    """From which minute on the prints of a symbol have changed since the snapshot before.

    Prints say so once; the pairs of one snapshot that share a leg are all told.
    """

    def __init__(self) -> None:
        """Nothing asked yet; one of these serves one snapshot."""
        self._taken: dict[int, int | None] = {}

    def of(self, prints: Prints) -> int | None:
        """The lowest minute with another last price; None where there is none."""
        key = id(prints)
        if key not in self._taken:
            self._taken[key] = prints.take_changed()
        return self._taken[key]


class MinuteLine:
    """Today's ratio at the end of each minute in which a leg traded, once both have.

    It is made anew from the earliest minute on that has another last price: as a rule that is the newest.
    """

    def __init__(self) -> None:
        """No line yet."""
        self._of: tuple[Prints | None, Prints | None, float] = (None, None, 0.0)
        self._line: tuple[tuple[int, float], ...] = ()

    def forget(self) -> None:
        """Make the line anew when it is next asked for."""
        self._of, self._line = (None, None, 0.0), ()

    def of(
        self, base: Prints | None, against: Prints | None, unit: float, changes: MinuteChanges
    ) -> tuple[tuple[int, float], ...]:
        """(minute since the open, price of ``base`` / price of ``against`` × ``unit``), oldest first."""
        if base is None or against is None:
            return ()
        changed = [minute for prints in (base, against) if (minute := changes.of(prints)) is not None]
        if self._of[0] is not base or self._of[1] is not against or self._of[2] != unit:
            self._of, self._line = (base, against, unit), ()
            changed = [min((*base.minutes, *against.minutes), default=0)]
        if changed:
            start = min(changed)
            kept = bisect_left(self._line, (start,))
            self._line = (*self._line[:kept], *_minutes(base, against, start, unit))
        return self._line


def _minutes(base: Prints, against: Prints, start: int, unit: float) -> Iterator[tuple[int, float]]:
    """The line from a minute on."""
    uppers, lowers = base.minutes, against.minutes
    minutes = range(start, max((*uppers, *lowers), default=start - 1) + 1)
    b, a = _last_before(base, start), _last_before(against, start)
    for minute in minutes:
        upper, lower = uppers.get(minute), lowers.get(minute)
        b, a = upper or b, lower or a
        if b and a and (upper or lower):
            yield minute, b.price / a.price * unit


def _last_before(prints: Prints, minute: int) -> Quote | None:
    """The last price known before a minute; None where none is."""
    minutes = prints.minutes
    first = min(minutes, default=minute)
    earlier = (minutes.get(place) for place in range(minute - 1, first - 1, -1))
    return next((quote for quote in earlier if quote is not None), None)
