"""Ratios of settled closes: IWM/QQQ for the chart, IWN/IVW for value against growth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rotation.market.records import TRAILING, Records
from rotation.snapshot import Extreme, ValueGrowth

if TYPE_CHECKING:
    from datetime import date

    from rotation.history import History

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
