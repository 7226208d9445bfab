"""What to ask a vendor for, and how its answer joins what is held: pure functions of both.

Daily history is never repaired row by row. Where a vendor restates a day that is held
(feeds.history.splits), the
whole series is fetched again, adjusted closes included: scaling them would keep the rounding of old
factors. So a series fetched in pieces equals the one fetched at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from feeds.history.daily import last_settled
from feeds.history.importing import KNOWN
from rotation.sessions import (
    SETTLE_NS,
    hours,
    is_session,
    new_york_day,
    previous_session,
    sessions_between,
    to_ns,
)

if TYPE_CHECKING:
    from datetime import date

    from feeds.history.manifest import Entry

OVERLAP = 10
"""Sessions asked for again with every tail."""
LOOK_BACK = 60
"""A hole among so many sessions is asked for again with the tail: vendors fill some of them later."""


def is_current(entry: Entry, *, since: date, now_ns: int) -> bool:
    """Whether asking now could bring nothing: the newest close is held, and compared since the last turn.

    Turns are a session's pre-market, its opening (splits are restated then) and its settled close.
    """
    if asks_whole(entry, since) or entry.last < last_settled(now_ns) or entry.checked_at is None:
        return False
    return to_ns(entry.checked_at) >= last_turn(now_ns)


def last_turn(now_ns: int) -> int:
    """The latest instant at which a vendor's series may have changed."""
    today = new_york_day(now_ns)
    turns: list[int] = []
    for day in (previous_session(today), today):
        if is_session(day):
            starts, opens, closes, _ = hours(day)
            turns += [starts, opens, closes + SETTLE_NS]
    return max(turn for turn in turns if turn <= now_ns)


def asks_whole(entry: Entry, since: date) -> bool:
    """Whether days are wanted that the series' vendor was never asked for."""
    return bool(entry.vendor) and entry.since is not None and since < entry.since


def tail_from(cached: pl.DataFrame) -> date:
    """The day to ask from: some sessions before the last held, or the first recent hole."""
    first, last = cached["date"][0], cached["date"][-1]
    recent = sessions_between(first, last)[-LOOK_BACK:]
    held = set(cached["date"].tail(LOOK_BACK).to_list())
    holes = [day for day in recent if day not in held]
    overlap: date = recent[-OVERLAP:][0]
    return min([overlap, *holes[:1]])


def join(cached: pl.DataFrame, given: pl.DataFrame, *, same_vendor: bool) -> pl.DataFrame:
    """Both series as one, sorted by date; they must agree where they overlap.

    The same vendor's figures replace the cached ones, and fill what they lacked; another's are only added
    on days that are not held: two vendors never mix within a day.
    """
    if not same_vendor:
        return pl.concat([cached, given.join(cached, on="date", how="anti")]).sort("date")
    joined = cached.join(given, on=["symbol", "date"], how="full", coalesce=True, suffix="_given")
    columns = [name for name in KNOWN if name != "date"]
    return joined.select(
        "symbol", "date", *(pl.coalesce(f"{name}_given", name).alias(name) for name in columns)
    ).sort("date")
