"""What a price is worth now: rules for prints, for settled closes, and for figures that rest on closes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.desk import STALE_AFTER_S
from rotation.quote import NS
from rotation.sessions import (
    SETTLE_NS,
    close_ns,
    from_ns,
    is_session,
    last_closed,
    new_york_day,
    phase_at,
    previous_session,
    session_at,
)
from rotation.status import CONSOLIDATED, Kind, Mode, PriceStatus

if TYPE_CHECKING:
    from datetime import date

THIN_AFTER_S = 900.0
"""A live print older than this is stale before the opening and after the closing bell, when little trades."""
DAY_S = 86_400.0


class Provenance(msgspec.Struct, frozen=True):
    """Where the prices of one symbol come from, and what is wrong with them where something is."""

    mode: Mode | None = None
    """What the feed is worth by design; None where no feed brings this symbol."""
    source: str = ""
    """The feed's name."""
    override: Kind | None = None
    """GAPPED, HALTED or OFFLINE where the prices are not worth the mode."""
    range_incomplete: bool = False
    """Prints of today are missing from high, low and volume; the price may still be good."""
    behind_s: float = 0.0
    """Our clock is behind that of the prints by so much: they are older than it says."""


def has_volume(origin: Provenance) -> bool:
    """Whether sizes add up to the day's volume, which is that of all exchanges together.

    One exchange's is a few percent of it, and a live feed that does not say which market it is of, as Yahoo,
    may be anything: both have none. A tape is taken as it was recorded.
    """
    return origin.mode is None or not origin.mode.is_live or origin.mode.venue == CONSOLIDATED


def of_print(origin: Provenance, ts_ns: int, as_of_ns: int, *, stale_s: float = STALE_AFTER_S) -> PriceStatus:
    """Today's print: worth its feed's mode, unless it has gone quiet for longer than the hour explains.

    PROVISIONAL after the bell, where the last price before it is all that can come until the official close,
    and for no longer than until the next session opens. ``stale_s``: silence that makes a live print stale
    while the exchange is open.
    """
    mode = origin.mode or Mode(Kind.OFFLINE)
    as_of_ns += int(origin.behind_s * NS)
    age_s = max(0.0, (as_of_ns - ts_ns) / NS)
    kind = origin.override or (_quiet_kind(mode, age_s, as_of_ns, stale_s) if mode.is_live else mode.kind)
    return PriceStatus(
        kind, from_ns(ts_ns), age_s, mode.delay_s, mode.venue, origin.source, origin.range_incomplete
    )


def _quiet_kind(mode: Mode, age_s: float, as_of_ns: int, stale_s: float) -> Kind:
    session = session_at(as_of_ns - int(age_s * NS))
    after_bell_s = (as_of_ns - close_ns(session)) / NS if session else 0.0
    if after_bell_s > mode.delay_s:
        is_latest = session == last_closed(as_of_ns) and not _is_open(mode, as_of_ns, stale_s)
        return Kind.PROVISIONAL if is_latest and age_s <= after_bell_s + THIN_AFTER_S else Kind.STALE
    quiet_s = stale_s if _is_open(mode, as_of_ns, stale_s) else THIN_AFTER_S
    return Kind.STALE if age_s > quiet_s + mode.delay_s else mode.kind


def of_close(
    origin: Provenance,
    closed: date | None,
    session: date | None,
    as_of_ns: int,
    *,
    source: str = "",
    stale_s: float = STALE_AFTER_S,
) -> PriceStatus:
    """The settled close of the session ``closed`` while ``session`` is being shown.

    CLOSED when it is the latest there can be; else OFFLINE when trading goes on without us, or STALE
    where a live feed has brought nothing newer, or even the session before has no close.
    ``source``: of the history. ``stale_s``: as for ``of_print``; so soon after the bell nothing newer is due.
    """
    kind = _close_kind(origin, closed, session, as_of_ns, stale_s)
    if closed is None:
        return PriceStatus(kind, source=source)
    at = from_ns(close_ns(closed)) if is_session(closed) else None
    days = max(0, (new_york_day(as_of_ns) - closed).days)
    return PriceStatus(kind, at, days * DAY_S, source=source)


def _close_kind(
    origin: Provenance, closed: date | None, session: date | None, as_of_ns: int, stale_s: float
) -> Kind:
    if origin.mode is not None and origin.mode.kind is Kind.DEMO:
        return Kind.DEMO
    if closed is None or session is None:
        return origin.override or Kind.OFFLINE
    live = origin.mode if origin.mode is not None and origin.mode.is_live and not origin.override else None
    quiet = not _is_open(live, as_of_ns, stale_s) if live else phase_at(as_of_ns) != "REGULAR"
    if quiet and closed == last_closed(as_of_ns) and (closed == session or live):
        return Kind.CLOSED
    if live:
        return Kind.STALE
    return origin.override or Kind.OFFLINE if closed in (session, previous_session(session)) else Kind.STALE


def of_settled(origin: Provenance, closed: date, as_of_ns: int, *, source: str = "") -> PriceStatus:
    """A close in a figure of settled closes only: CLOSED while it is the latest that can be known."""
    is_demo = origin.mode is not None and origin.mode.kind is Kind.DEMO
    is_latest = closed >= last_closed(as_of_ns - SETTLE_NS)
    kind = Kind.DEMO if is_demo else Kind.CLOSED if is_latest else Kind.STALE
    return msgspec.structs.replace(of_close(origin, closed, closed, as_of_ns, source=source), kind=kind)


def _is_open(mode: Mode, as_of_ns: int, stale_s: float) -> bool:
    """Whether prints must have come: not in the first moments after the opening bell."""
    then_ns = as_of_ns - int((stale_s + mode.delay_s) * NS)
    return phase_at(as_of_ns) == "REGULAR" == phase_at(then_ns)
