"""What has changed since a viewer last pressed a key: one line."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from rotation.desk import EventKind
from rotation.text import counted, signed

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot

AWAY_S = 600.0
"""After this many seconds without a key a viewer is shown what has changed."""
NEW_YORK = ZoneInfo("America/New_York")
COUNTED = {
    EventKind.ALERT: "alert",
    EventKind.RECORD: "record",
    EventKind.CORRECTED: "corrected close",
    EventKind.FEED: "feed change",
}
"""Kinds that are counted; the others are quoted."""


class Looked(msgspec.Struct, frozen=True):
    """What a viewer last saw."""

    at: dt.datetime
    day_pct: float | None
    pp: float | None
    """The spread over five sessions."""
    session: dt.date | None


def looked(snapshot: Snapshot) -> Looked:
    """What this Snapshot shows."""
    leg = snapshot.legs.get(snapshot.spread.base)
    return Looked(
        snapshot.as_of,
        leg.return_pct["1"] if leg else None,
        snapshot.spread.windows["5"].pp,
        snapshot.session,
    )


def since(before: Looked, now: Snapshot) -> str:
    """``Since 10:12: 2 alerts, IWM today +1.20 → +1.88 %``: what matters most comes first."""
    at = before.at.astimezone(NEW_YORK)
    is_today = at.date() == now.as_of.astimezone(NEW_YORK).date()
    head = f"Since {at:%H:%M}" if is_today else f"Since {at.day} {at:%b %H:%M}"
    # By time: a host that was started again counts its events anew.
    new = [event for event in now.events if event.at > before.at]
    counts = Counter(event.kind for event in new)
    parts = [counted(counts[kind], word) for kind, word in COUNTED.items() if counts[kind]]
    quoted = [event.text for event in new if event.kind in (EventKind.FED, EventKind.SETTLED)]
    after = looked(now)
    base = now.spread.base
    was_today = before.day_pct if before.session == after.session else None
    moves = [
        _move(f"{base} today", was_today, after.day_pct, "%"),
        _move("5 d spread", before.pp, after.pp, "pp"),
    ]
    return f"{head}: {', '.join([*parts, *filter(None, moves), *quoted]) or 'nothing has changed'}"


def _move(name: str, was: float | None, value: float | None, unit: str) -> str:
    if value is None or (was is not None and signed(was, 2) == signed(value, 2)):
        return ""
    begin = f"{signed(was, 2)} → " if was is not None else ""
    return f"{name} {begin}{signed(value, 2)} {unit}"
