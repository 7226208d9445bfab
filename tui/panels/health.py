"""Health: what the figures rest on: feeds, tape, history, and which prints were turned away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from rich.cells import cell_len

from rotation.desk import EventKind
from rotation.status import BAD
from rotation.text import counted, day, duration
from tui.panels.base import kind_role
from tui.panels.ribbon import NEW_YORK
from tui.view.draw import UNKNOWN, Row, Span, cells, column, wrap

if TYPE_CHECKING:
    from rotation.feed_stats import FeedStats
    from rotation.snapshot import FeedHealth, Health, Snapshot, Tape
    from tui.view.view_state import ViewState

INDENT = 8
"""Cells of the words at the left."""
COUNTERS = {
    "accepted": "quotes used",
    "duplicates": "duplicates dropped",
    "revised": "prints revised",
    "late": "too late to use",
    "bad_price": "bad prices",
    "unknown_symbol": "unknown symbols",
    "off_session": "outside the session",
    "future": "ahead of the clock",
    "overnight": "overnight, not used",
}
FINE = (COUNTERS["accepted"], COUNTERS["overnight"])
"""Counters that are no warning."""
TURNED_AWAY = ("late", "bad_price", "unknown_symbol", "off_session", "future")
"""Prints that should not have come; that duplicates are dropped and prints revised is as it should be."""
LACKING = ("gapped", "incomplete", "rejects")
"""The same of what a live stream counts now; gaps that were filled and connections made anew are over."""
CALM_S = 60.0
"""A feed that has changed is shown for so long, however well it is by then: places must not flicker."""


def is_well(snapshot: Snapshot) -> bool:
    """Whether nothing is to be warned of: there are feeds, each is fine, and no counter speaks of trouble."""
    health, now = snapshot.health, snapshot.as_of
    changed = (event.at for event in snapshot.events if event.kind is EventKind.FEED)
    return (
        bool(health.feeds)
        and all(map(_is_fine, health.feeds))
        and _turned_away(health) == 0
        and all((now - at).total_seconds() >= CALM_S for at in changed)
    )


def _is_fine(feed: FeedHealth) -> bool:
    is_good = feed.refusal is None and feed.kind not in BAD
    return is_good and not (feed.stats and any(getattr(feed.stats, name) for name in LACKING))


def _turned_away(health: Health) -> int:
    return sum(getattr(health.counts, name) for name in TURNED_AWAY)


def _line(snapshot: Snapshot, width: int) -> Row:
    """All of it in one line; of what has no room the last parts are left out."""
    health, settled = snapshot.health, snapshot.ratio.daily
    fine = sum(map(_is_fine, health.feeds))
    parts = [f"feeds {fine}/{len(health.feeds)} ok"]
    parts += [f"history to {day(settled[-1][0])}"] if settled else []
    parts.append(counted(_turned_away(health), "bad print"))
    if health.tape:
        parts.append(f"tape {health.tape.position.astimezone(NEW_YORK):%H:%M:%S}")
    while len(parts) > 1 and cells(" · ".join(parts)) > width:
        parts.pop()
    return ((" · ".join(parts), "text"),)


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """Feeds first, then the tape, the settled history and the session filter's counters; or one line."""
    del view
    if height == 1:
        return [_line(snapshot, width)]
    health = snapshot.health
    lines: list[Row] = [row for feed in health.feeds for row in _feed(feed, width)]
    if not health.feeds:
        lines.append((("feed    ", "muted"), ("none: settled history only", "warn")))
    if health.tape:
        lines.append((("tape    ", "muted"), (_tape(health.tape), "text")))
    for at, text in enumerate(wrap(health.history, max(width - INDENT, 16), 4)):
        lines.append(((("" if at else "settled").ljust(INDENT), "muted"), (text, "text")))
    lines.append((("today's prints", "muted"),))
    counts = [(COUNTERS[name], n) for name, n in msgspec.structs.asdict(health.counts).items()]
    pairs = 2 if width >= 60 else 1
    lines += [
        tuple(
            span
            for what, n in counts[at : at + pairs]
            for span in (
                (column(what, 20, right=False), "muted"),
                (column(f"{n:,}", 8), "warn" if n and what not in FINE else "text"),
                ("   ", "text"),
            )
        )
        for at in range(0, len(counts), pairs)
    ]
    for at, line in enumerate(health.host):
        lines.append(((("" if at else "host").ljust(INDENT), "muted"), (line, "text")))
    return lines


def _feed(feed: FeedHealth, width: int) -> list[Row]:
    """Name and state with what it says; below, what a live stream has counted."""
    head: list[Span] = [
        ("feed    ", "muted"),
        (f"{feed.name} ", "strong"),
        (f"{feed.state} ", kind_role(feed.refusal or feed.kind)),
    ]
    room = width - sum(len(text) for text, _ in head)
    detail = feed.detail
    if not detail and feed.batches:
        batches = f"{feed.batches:,} batch" + "es" * (feed.batches != 1)
        detail = f"{counted(feed.quotes, 'quote')} in {batches}"
    below = [] if cell_len(detail) <= room else [detail]
    if feed.stats is not None:
        below.append(_counts(feed.stats))
    rows: list[Row] = [tuple(head) if detail in below else (*head, (detail, "muted"))]
    for text in below:
        rows += [((" " * INDENT, "text"), (line, "muted")) for line in wrap(text, max(width - INDENT, 16), 3)]
    return rows


def _counts(stats: FeedStats) -> str:
    """Rate, age and lag first; what went wrong only where something did."""
    rate = UNKNOWN if stats.rate_per_s is None else f"{stats.rate_per_s:.1f}"
    age = UNKNOWN if stats.age_s is None else duration(stats.age_s)
    lag = UNKNOWN if stats.lag_s is None else f"{stats.lag_s:.1f}s"
    parts = [f"{counted(stats.quotes, 'quote')}, {rate}/s", f"age {age}", f"lag {lag}"]
    parts += [
        words
        for n, words in (
            (stats.reconnects, counted(stats.reconnects, "reconnect")),
            (stats.gaps, counted(stats.gaps, "gap")),
            (stats.gapped, f"{counted(stats.gapped, 'symbol')} gapped"),
            (stats.conflated, f"{stats.conflated:,} conflated"),
            (stats.unreported, f"{counted(stats.unreported, 'correction')} not logged"),
            (stats.passed_over, f"{stats.passed_over:,} of others passed over"),
            (stats.duplicates, counted(stats.duplicates, "duplicate")),
        )
        if n
    ]
    if stats.rejects:
        parts.append(f"{stats.rejects:,} rejected: {stats.last_reject}")
    return " · ".join(parts)


def _tape(tape: Tape) -> str:
    at, start, end = (t.astimezone(NEW_YORK) for t in (tape.position, tape.start, tape.end))
    form = "%H:%M:%S" if start.date() == end.date() else "%d %b %H:%M"
    how = "held" if tape.held else f"×{tape.speed:g}"
    return f"{at:{form}} {how}  ({start:{form}} to {end:{form}} New York)"
