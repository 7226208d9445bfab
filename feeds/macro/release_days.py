"""Release days from tapes and from our log of the Fed: nothing is asked."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from feeds.fed.calendar import SHIPPED as FOMC
from feeds.fed.store import FILE, FedStore
from feeds.tapes.reading import read_tape
from rotation.fed.figures import FUTURES
from rotation.macro.figures import ReleaseKind
from rotation.macro.release_days import (
    AFTER,
    BEFORE,
    OLDEST_NS,
    QUIET_NS,
    Logged,
    ReleaseDay,
    ReleaseDays,
    Values,
    compared,
    cut_path,
    spread_path,
)
from rotation.macro.releases import SHIPPED, at_of
from rotation.quote import MINUTE_NS
from rotation.sessions import NEW_YORK, from_ns, new_york_day, to_ns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NOTHING = Values((), ())


def release_days(folder: Path, tapes: Sequence[Path], pair: tuple[str, str], now_ns: int) -> ReleaseDays:
    """Every publication up to ``now_ns`` of which ``tapes`` or the log in ``folder`` have a path.

    Raises InputError for a tape or a log that cannot be used.
    """
    frame = read_tape(tapes).select("symbol", "ts_ns", "price") if tapes else None
    tables = {**SHIPPED, ReleaseKind.FOMC: FOMC}
    times = sorted((at_of(kind, day), kind) for kind, days in tables.items() for day in days)
    past = [(at, kind, to_ns(at)) for at, kind in times if to_ns(at) <= now_ns]
    store = FedStore(folder) if (folder / FILE).is_file() else None
    made = []
    try:
        for at, kind, at_ns in past:
            legs = [_prices(frame, symbol, at_ns) for symbol in pair]
            spread = spread_path(legs[0], legs[1], at_ns, now_ns)
            cut = cut_path(_cuts(store, at_ns, now_ns), at_ns, now_ns)
            if spread or cut:
                made.append(ReleaseDay(kind, at, spread, cut))
    finally:
        if store is not None:
            store.close()
    return ReleaseDays(from_ns(now_ns), *pair, tuple(made), compared(made))


def _span(at_ns: int) -> tuple[int, int]:
    """The first and the last instant that a path can need."""
    return at_ns - BEFORE * MINUTE_NS - OLDEST_NS, at_ns + AFTER * MINUTE_NS


def _prices(frame: pl.DataFrame | None, symbol: str, at_ns: int) -> Values:
    if frame is None:
        return NOTHING
    since, until = _span(at_ns)
    rows = frame.filter(
        (pl.col("symbol") == symbol) & pl.col("ts_ns").is_between(since, until) & (pl.col("price") > 0)
    ).sort("ts_ns", maintain_order=True)
    return Values(rows["ts_ns"].to_list(), rows["price"].to_list())


def _cuts(store: FedStore | None, at_ns: int, now_ns: int) -> Values:
    """P(cut) at the meeting that was next, as it was logged by ``now_ns``."""
    day = new_york_day(at_ns)
    meeting = min((each for each in FOMC if each >= day), default=None)
    if store is None or meeting is None:
        return NOTHING
    since, until = at_ns - BEFORE * MINUTE_NS, min(now_ns, at_ns + AFTER * MINUTE_NS)
    midnight = to_ns(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK))
    rows = store.between(midnight, until, meeting=meeting, engine=FUTURES)
    around = store.between(max(midnight, since - QUIET_NS), min(now_ns, until + QUIET_NS), engine=FUTURES)
    times = sorted({row.ts_ns for row in around if row.kind == "live"})
    return Logged([row.ts_ns for row in rows], [row.cut for row in rows], times)
