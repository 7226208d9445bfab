"""The Fed at a past instant: by the last settlements before it and the calendar of that time."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from feeds.fed.calendar import SHIPPED
from feeds.fed.store import FILE, FedStore
from feeds.fed.then.calibration import decided, left_out
from feeds.fed.then.ranges import ranges_on
from rotation.fed.assemble import fed
from rotation.fed.calibration import LEAST_N, CalibrationReport, absences, scores
from rotation.fed.inputs import StripQuote
from rotation.fed.prices import settled_ns
from rotation.fed.records import HistoryRecord, SourcesRecord, combine
from rotation.sessions import close_ns, from_ns, new_york_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from feeds.fed.store import Settlement
    from rotation.fed.calibration import Decided
    from rotation.fed.figures import Fed
    from rotation.fed.strip.contracts import Month

OLDEST = timedelta(days=7)
"""A running contract whose last settlement is older is left out."""
EXPIRED = timedelta(days=130)
"""How long a month that is over may matter: a block of adjacent meetings, and the month before it."""
HORIZON_YEARS = 1
"""The calendar is published for this year and the next."""
LEGACY_UNTIL = date(2024, 8, 1)
"""CME counted days in another way before about August 2024 (``chain.day_count``)."""


def fed_at(folder: Path, now_ns: int) -> Fed | None:
    """By the settlements kept in ``folder``; None if none is usable, or that time's range is not built in.

    Raises InputError where the file cannot be used.
    """
    if not ranges_on(new_york_day(now_ns)) or not (folder / FILE).is_file():
        return None
    with FedStore(folder) as opened:
        then = FedThen(opened.settlements())
        known = then.at(now_ns)
        if known is None:
            return None
        today = new_york_day(now_ns)
        return msgspec.structs.replace(known, calibration=scores(decided(opened, today, then.at), today))


def calibration_at(folder: Path, now_ns: int) -> CalibrationReport:
    """How good the odds were by the decisions before an instant's day, by what ``folder`` holds.

    Raises InputError where the file cannot be used.
    """
    today = new_york_day(now_ns)
    held: tuple[Decided, ...] = ()
    unknown = 0
    if (folder / FILE).is_file():
        with FedStore(folder) as opened:
            held = decided(opened, today, FedThen(opened.settlements()).at)
            unknown = left_out(opened, today, held)
    return CalibrationReport(
        from_ns(now_ns), LEAST_N, scores(held, today), held, unknown, absences(held, today)
    )


def fed_then(folder: Path) -> FedThen | None:
    """All settlements kept in ``folder``; None where none are. Raises InputError for a broken file."""
    if not (folder / FILE).is_file():
        return None
    with FedStore(folder) as opened:
        settlements = list(opened.settlements())
    return FedThen(settlements) if settlements else None


def after_close(then: FedThen) -> Callable[[date], Fed | None]:
    """What was known at a session's close, an hour after its settlements; each answer is kept.

    Of a half-day it is what the day before left: its settlements come after its bell.
    """
    return cache(lambda session: then.at(close_ns(session)))


class FedThen:
    """All settlements kept, to be asked for any instant."""

    def __init__(self, settlements: Iterable[Settlement]) -> None:
        """``settlements``: of one contract and session the last one counts."""
        self._by_contract: dict[Month, dict[date, Settlement]] = {}
        for each in settlements:
            self._by_contract.setdefault((each.year, each.month), {})[each.session] = each

    def at(self, now_ns: int) -> Fed | None:
        """What was known of the coming meetings; nothing that settled after ``now_ns`` enters."""
        today = new_york_day(now_ns)
        ranges = ranges_on(today)
        newest = today if settled_ns(today) <= now_ns else today - timedelta(days=1)
        running = (today.year, today.month)
        strip: list[StripQuote] = []
        expired: list[StripQuote] = []
        for month, by_session in sorted(self._by_contract.items()):
            last = max((day for day in by_session if day <= newest), default=None)
            if last is None or newest - last > (OLDEST if month >= running else EXPIRED):
                continue
            kept = by_session[last]
            quote = StripQuote(
                year=month[0], month=month[1], settle=kept.price, settle_date=last, source=kept.source
            )
            (strip if month >= running else expired).append(quote)
        if not ranges or not strip:
            return None
        record = SourcesRecord(
            strip=tuple(strip),
            scheduled=tuple(day for day in SHIPPED if day.year <= today.year + HORIZON_YEARS),
            ranges=ranges,
            range_day=today,
        )
        inputs = combine(record, HistoryRecord(tuple(expired)), now_ns, legacy=today < LEGACY_UNTIL)
        return fed(inputs, now_ns)
