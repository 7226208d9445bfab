"""Health: what the figures rest on: feeds, tape, history, and what was turned away at the door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tui.draw import Row, column
from tui.panels.legs import state_role
from tui.panels.ribbon import NEW_YORK

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot, Tape
    from tui.view_state import ViewState

TOLD = {
    "accepted": "quotes used",
    "duplicates": "duplicates dropped",
    "revised": "prints revised",
    "late": "too late to use",
    "bad_price": "bad prices",
    "unknown_symbol": "unknown symbols",
    "off_session": "outside the session",
    "future": "from the future",
}


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """Feeds first, then the tape, the settled history and the door's counters."""
    del view, height
    health = snapshot.health
    lines: list[Row] = [
        (
            ("feed    ", "muted"),
            (f"{feed.name} ", "strong"),
            (f"{feed.state} ", state_role(feed.state)),
            (f"{feed.quotes:,} quotes in {feed.batches:,} batches", "muted"),
        )
        for feed in health.feeds
    ]
    if not health.feeds:
        lines.append((("feed    ", "muted"), ("none: settled history only", "warn")))
    if health.tape:
        lines.append((("tape    ", "muted"), (_tape(health.tape), "text")))
    lines += [(("settled ", "muted"), (health.history, "text")), (("today's prints", "muted"),)]
    counts = [(TOLD[name], n) for name, n in msgspec.structs.asdict(health.counts).items()]
    pairs = 2 if width >= 60 else 1
    for at in range(0, len(counts), pairs):
        lines.append(
            tuple(
                span
                for what, n in counts[at : at + pairs]
                for span in (
                    (column(what, 20, right=False), "muted"),
                    (column(f"{n:,}", 8), "warn" if n and what != TOLD["accepted"] else "text"),
                    ("   ", "text"),
                )
            )
        )
    return lines


def _tape(tape: Tape) -> str:
    at, start, end = (t.astimezone(NEW_YORK) for t in (tape.position, tape.start, tape.end))
    form = "%H:%M:%S" if start.date() == end.date() else "%d %b %H:%M"
    how = "held" if tape.held else f"×{tape.speed:g}"
    return f"{at:{form}} {how}  ({start:{form}} to {end:{form}} New York)"
