"""Settled history from a seed: closes in cents as 32-bit floats hold them, equal ones among them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rotation.sessions import previous_session, sessions_between
from tests.support.core_oracle import Close
from tests.support.core_worlds import as_sent

if TYPE_CHECKING:
    from datetime import date
    from random import Random

FIRST = {"IWM": 221.28, "QQQ": 495.43, "SPY": 562.0, "KRE": 56.12}
SESSIONS = 300
"""Enough for every window and a "since", few enough for plain loops."""


def made(rng: Random, session: date) -> list[Close]:
    """Every close before ``session``, on today's scale."""
    last = previous_session(session)
    days = sessions_between(last - timedelta(days=600), last)[-SESSIONS:]
    rows = []
    for symbol, price in FIRST.items():
        level = price * rng.uniform(0.8, 1.0)
        for day in days:
            step = 0.0 if rng.random() < 0.05 else rng.gauss(0.0004, 0.011)
            level = round(level * (1 + step), 2)
            rows.append(Close(symbol, day, as_sent(level), as_sent(level * 0.97)))
    return rows


def split(rows: list[Close], symbol: str, ratio: float) -> list[Close]:
    """The same rows on the scale of before a split of ``ratio`` new shares for an old one."""
    return [
        row._replace(close=as_sent(row.close * ratio), adj_close=as_sent(row.adj_close * ratio))
        if row.symbol == symbol and row.close is not None and row.adj_close is not None
        else row
        for row in rows
    ]


def without(rows: list[Close], days: set[date], symbols: set[str]) -> list[Close]:
    """The same rows, but for those of these symbols on these days."""
    return [row for row in rows if not (row.day in days and row.symbol in symbols)]
