"""Closes and splits behind a session's prints, from Yahoo's daily chart. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

import msgspec

from feeds.errors import SourceError
from feeds.parsing.fields import price
from feeds.vendors.yahoo.chart import parse_chart
from rotation.quote import NS
from rotation.sessions import NEW_YORK, new_york_day, previous_session, to_ns

if TYPE_CHECKING:
    from datetime import date

DAYS_BEFORE, DAYS_AFTER = 7, 3
"""Around the session: a split of this morning is listed under 09:30."""


class Scale(msgspec.Struct, frozen=True):
    """One symbol's."""

    close: float | None
    """Yahoo's present close of the session before; None if a split is listed: it may be on either scale."""
    ratio: float | None
    """Ratio of a split with this ex-date; None if none is listed."""


def params(session: date) -> dict[str, str]:
    """What to ask the chart for."""
    start, end = session - timedelta(days=DAYS_BEFORE), session + timedelta(days=DAYS_AFTER)
    return {
        "period1": str(_midnight_s(start)),
        "period2": str(_midnight_s(end)),
        "interval": "1d",
        "includePrePost": "false",
        "events": "div,splits",
    }


def parse_scale(body: bytes, named: str, session: date) -> Scale:
    """A daily chart's close before ``session`` and the split of its day. Raises SourceError."""
    chart = parse_chart(body)
    if chart.symbol != named:
        raise SourceError("Yahoo: an answer for another symbol")
    ratio = next((split.ratio for split in chart.splits if new_york_day(split.ts_ns) == session), None)
    before = previous_session(session)
    closes = (row.close for row in chart.rows if row.ts_ns is not None and new_york_day(row.ts_ns) == before)
    close = next((known for value in closes if (known := price(value)) is not None), None)
    return Scale(None if ratio else close, ratio)


def _midnight_s(day: date) -> int:
    return to_ns(datetime.combine(day, time(), NEW_YORK)) // NS
