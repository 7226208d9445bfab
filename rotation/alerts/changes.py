"""What has happened between two Snapshots of a desk: closes, records, corrections, the Fed, feeds. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rotation.desk import EventKind
from rotation.market.records import tie
from rotation.text import day, short_day, signed

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from rotation.fed.figures import Fed
    from rotation.snapshot import FeedHealth, Leg, SincePct, SincePp, Snapshot

ONCE_MAX = 2_000
"""Records of a run that are remembered, so that none is reported twice."""


class Change(NamedTuple):
    """An event before it has a number and a time."""

    kind: EventKind
    subject: str
    text: str


class Changes:
    """Compares each Snapshot with the one before; a record is reported once a session, even if it flaps."""

    def __init__(self) -> None:
        self._before: Snapshot | None = None
        self._records: dict[tuple[object, ...], None] = {}

    def begin_anew(self) -> None:
        """The next Snapshot is the first of another desk."""
        self._before = None

    def take(self, now: Snapshot) -> list[Change]:
        """What is new in this Snapshot. The first one is what the run begins with: nothing has happened."""
        before, self._before = self._before, now
        if before is None:
            # What is a record already when the desk opens is on its screen.
            for _ in self._new_records(now):
                pass
            return []
        changes: list[Change] = []
        if before.legs is not now.legs:
            changes += _settled(before, now)
            changes += _corrected(before, now)
        if before.spread is not now.spread or before.legs is not now.legs:
            changes += self._new_records(now)
        if before.fed is not now.fed:
            changes += _fed(before.fed, now.fed)
        return [*changes, *_feeds(before, now)]

    def _new_records(self, now: Snapshot) -> Iterator[Change]:
        base = now.spread.base
        leg = now.legs.get(base)
        provisional = leg is not None and leg.settled_session is None
        for name, since, value, unit in _claims(now):
            if since is None or since.date is not None or since.first_date is None:
                continue
            key = (now.session, name, value > 0, provisional)
            if key in self._records:
                continue
            self._records[key] = None
            if len(self._records) > ONCE_MAX:
                del self._records[next(iter(self._records))]
            claim = "on pace for a record" if provisional else "a record"
            yield Change(
                EventKind.RECORD,
                name,
                f"{name} {signed(value, 2)} {unit}: {claim} (data from {day(since.first_date)})",
            )


def _claims(now: Snapshot) -> Iterator[tuple[str, SincePct | SincePp | None, float, str]]:
    """The series whose records are reported: the spread, and the return of the base, over each window."""
    spread = now.spread
    leg = now.legs.get(spread.base)
    for key, window in spread.windows.items():
        k = int(key)
        # A figure that is not of one instant claims nothing.
        if window.pp is not None and not (window.status and window.status.apart):
            yield f"{spread.base} − {spread.against} over {_sessions(k)}", window.since, window.pp, "pp"
        value = leg.return_pct.get(key) if leg else None
        if leg and value is not None:
            yield f"{spread.base} over {_sessions(k)}", leg.since[key], value, "%"


def _sessions(k: int) -> str:
    return "a session" if k == 1 else f"{k} sessions"


def _settled(before: Snapshot, now: Snapshot) -> Iterator[Change]:
    by_session: dict[dt.date, list[str]] = {}
    for symbol, leg in now.legs.items():
        was = before.legs.get(symbol)
        session = leg.settled_session
        if session and was is not None and was.last is not None and was.settled_session != session:
            by_session.setdefault(session, []).append(symbol)
    for session, symbols in by_session.items():
        listed = ", ".join(_close(now.legs[symbol], symbol) for symbol in symbols)
        yield Change(EventKind.SETTLED, f"{session}", f"official closes of {short_day(session)}: {listed}")


def _close(leg: Leg, symbol: str) -> str:
    value = leg.return_pct["1"]
    return symbol if value is None else f"{symbol} {signed(value, 2)} %"


def _corrected(before: Snapshot, now: Snapshot) -> Iterator[Change]:
    for symbol, leg in now.legs.items():
        was = before.legs.get(symbol)
        if was is None or was.last is None or leg.last is None:
            continue
        session = leg.settled_session
        if session and session == was.settled_session and abs(leg.last - was.last) > tie(was.last):
            yield Change(
                EventKind.CORRECTED,
                symbol,
                f"{symbol} close of {short_day(session)} corrected from {was.last:,.2f} to {leg.last:,.2f}",
            )


def _fed(before: Fed | None, now: Fed | None) -> Iterator[Change]:
    if before is None or now is None:
        return
    was, is_now = before.target_range_bp, now.target_range_bp
    if was and is_now and was != is_now:
        moved = is_now[1] - was[1]
        how = "cut" if moved < 0 else "raised"
        yield Change(
            EventKind.FED,
            f"{before.meeting}",
            f"target range {how} by {abs(moved)} bp to {is_now[0] / 100:.2f}–{is_now[1] / 100:.2f} %",
        )
    if before.meeting != now.meeting:
        yield Change(EventKind.FED, f"{now.meeting}", f"next FOMC meeting: {day(now.meeting)}")


def _feeds(before: Snapshot, now: Snapshot) -> Iterator[Change]:
    was = {feed.name: feed for feed in before.health.feeds}
    for feed in now.health.feeds:
        old = was.get(feed.name)
        if old is not None and (old.kind, old.refusal) != (feed.kind, feed.refusal):
            yield Change(
                EventKind.FEED, feed.name, f"{feed.name}: {_state(old)} → {_state(feed)}{_why(feed)}"
            )


def _state(feed: FeedHealth) -> str:
    return (feed.refusal or feed.kind).value


def _why(feed: FeedHealth) -> str:
    return f" ({feed.detail})" if feed.detail else ""
