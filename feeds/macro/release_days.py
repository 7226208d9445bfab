"""Release days from tapes, from kept bars and from our log of the Fed: nothing is asked."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from feeds.errors import InputError
from feeds.fed.calendar import SHIPPED as FOMC
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
from rotation.macro.release_views import views_of
from rotation.macro.releases import SHIPPED, at_of
from rotation.quote import MINUTE_NS
from rotation.sessions import NEW_YORK, from_ns, new_york_day, to_ns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from feeds.fed.store import FedStore
    from feeds.macro.minutes.store import BarStore
    from rotation.macro.release_days import Line
    from rotation.macro.releases import Calendar

    Published = Mapping[ReleaseKind, Sequence[datetime]]

log = logging.getLogger(__name__)

NOTHING = Values((), ())
TAPE = "tape"


def published(calendar: Calendar = SHIPPED, fomc: Iterable[date] = FOMC) -> dict[ReleaseKind, list[datetime]]:
    """When each kind is published, oldest first, New York."""
    tables = {**calendar, ReleaseKind.FOMC: tuple(fomc)}
    return {kind: sorted(at_of(kind, day) for day in days) for kind, days in tables.items()}


def release_days(
    folder: Path,
    tapes: Sequence[Path],
    pair: tuple[str, str],
    now_ns: int,
    *,
    bars: BarStore | None = None,
    times: Published | None = None,
) -> ReleaseDays:
    """Every publication up to ``now_ns`` of which ``tapes``, kept ``bars`` or the log have a path.

    ``folder``: of the log; ``times``: when each kind is published, by default as shipped. Raises InputError
    for a tape or a log that cannot be used.
    """
    frame = _prints(tapes) if tapes else None
    times = times or published()
    made = Kept(folder, pair, frame=frame, bars=bars).days(times, now_ns)
    views = views_of(made, times, pair, from_ns(now_ns))
    return ReleaseDays(from_ns(now_ns), *pair, tuple(made), compared(made), views)


def _prints(tapes: Sequence[Path]) -> pl.DataFrame:
    from feeds.tapes.reading import read_tape  # noqa: PLC0415 - most who ask for release days have no tape

    return read_tape(tapes).select("symbol", "ts_ns", "price")


def _opened(folder: Path | None) -> FedStore | None:
    """The log of the Fed in a folder; None where there is none. Raises InputError if it cannot be used."""
    if folder is None or not folder.is_dir():
        return None
    from feeds.fed.store import FILE, FedStore  # noqa: PLC0415 - brings SQLite

    return FedStore(folder) if (folder / FILE).is_file() else None


class Kept:
    """What paths are made of: prices of tapes, else kept bars, and the log of the Fed."""

    def __init__(
        self,
        folder: Path | None,
        pair: tuple[str, str],
        *,
        frame: pl.DataFrame | None = None,
        bars: BarStore | None = None,
    ) -> None:
        """``folder``: of the log; None: without it. ``frame``: of tapes: symbol, ts_ns and price."""
        self._folder = folder
        self._pair = pair
        self._frame = frame
        self._bars = bars
        self._meetings: tuple[date, ...] = FOMC
        self._over: dict[int, Line] = {}
        """P(cut) around publications whose minutes are over: it changes no more."""

    def usable_days(self, times: Published, now_ns: int, *, newest: int) -> list[ReleaseDay]:
        """As ``days``; without P(cut) where the log cannot be used."""
        try:
            return self.days(times, now_ns, newest=newest)
        except InputError as error:
            log.warning("release days: %s", error)
            return Kept(None, self._pair, frame=self._frame, bars=self._bars).days(
                times, now_ns, newest=newest
            )

    def days(self, times: Published, now_ns: int, *, newest: int | None = None) -> list[ReleaseDay]:
        """Those with a path by ``now_ns``, oldest first; of each kind the ``newest`` publications, or all.

        Raises InputError for a log that cannot be used.
        """
        self._meetings = tuple(at.date() for at in times.get(ReleaseKind.FOMC, ())) or FOMC
        past = sorted(
            (at, kind)
            for kind, all_ in times.items()
            for at in [each for each in all_ if to_ns(each) <= now_ns][-(newest or len(all_)) :]
        )
        store = _opened(self._folder)
        made = []
        try:
            for at, kind in past:
                day = self._day(kind, at, store, now_ns)
                if day.spread_pp or day.cut_pp:
                    made.append(day)
        finally:
            if store is not None:
                store.close()
        return made

    def _day(self, kind: ReleaseKind, at: datetime, store: FedStore | None, now_ns: int) -> ReleaseDay:
        at_ns = to_ns(at)
        cut = self._cut(at_ns, store, now_ns)
        for legs, source, step in self._prices(at_ns):
            spread = spread_path(legs[0], legs[1], at_ns, now_ns, step)
            if spread:
                until_ns = min(now_ns, at_ns + AFTER * MINUTE_NS)
                last_ns = min(leg.last_ns(until_ns) or at_ns for leg in legs)
                return ReleaseDay(kind, at, spread, cut, source, step, from_ns(last_ns))
        return ReleaseDay(kind, at, (), cut)

    def _cut(self, at_ns: int, store: FedStore | None, now_ns: int) -> Line:
        if now_ns < at_ns + AFTER * MINUTE_NS + QUIET_NS:
            return cut_path(_cuts(store, self._meetings, at_ns, now_ns), at_ns, now_ns)
        if at_ns not in self._over:
            self._over[at_ns] = cut_path(_cuts(store, self._meetings, at_ns, now_ns), at_ns, now_ns)
        return self._over[at_ns]

    def _prices(self, at_ns: int) -> Iterable[tuple[tuple[Values, Values], str, int]]:
        """Both legs' prices by each who has any, the best first: whose, and minutes of the coarser bars."""
        base, against = self._pair
        if self._frame is not None:
            yield (_printed(self._frame, base, at_ns), _printed(self._frame, against, at_ns)), TAPE, 0
        if self._bars is not None:
            held = self._bars.get(base, at_ns), self._bars.get(against, at_ns)
            if held[0] is not None and held[1] is not None:
                source = " and ".join(dict.fromkeys((held[0].source, held[1].source)))
                step = max(held[0].step_min, held[1].step_min)
                yield (held[0].values(), held[1].values()), source, step


def _span(at_ns: int) -> tuple[int, int]:
    """The first and the last instant that a path can need."""
    return at_ns - BEFORE * MINUTE_NS - OLDEST_NS, at_ns + AFTER * MINUTE_NS


def _printed(frame: pl.DataFrame, symbol: str, at_ns: int) -> Values:
    since, until = _span(at_ns)
    rows = frame.filter(
        (pl.col("symbol") == symbol) & pl.col("ts_ns").is_between(since, until) & (pl.col("price") > 0)
    ).sort("ts_ns", maintain_order=True)
    return Values(rows["ts_ns"].to_list(), rows["price"].to_list())


def _cuts(store: FedStore | None, meetings: Iterable[date], at_ns: int, now_ns: int) -> Values:
    """P(cut) at the meeting that was next, as it was logged by ``now_ns``."""
    day = new_york_day(at_ns)
    meeting = min((each for each in meetings if each >= day), default=None)
    if store is None or meeting is None:
        return NOTHING
    since, until = at_ns - BEFORE * MINUTE_NS, min(now_ns, at_ns + AFTER * MINUTE_NS)
    midnight = to_ns(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK))
    rows = store.between(midnight, until, meeting=meeting, engine=FUTURES)
    around = store.between(max(midnight, since - QUIET_NS), min(now_ns, until + QUIET_NS), engine=FUTURES)
    times = sorted({row.ts_ns for row in around if row.kind == "live"})
    return Logged([row.ts_ns for row in rows], [row.cut for row in rows], times)
