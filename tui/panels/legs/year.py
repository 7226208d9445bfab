"""The zoom of the legs: of each a year of closes, and where its price stands in that and in the day."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rotation.sessions import previous_session
from rotation.status import Kind
from tui.panels.legs.columns import Column, bound, fitting, share_of
from tui.panels.legs.table import table
from tui.view.draw import UNKNOWN, Row, Span, change, number
from tui.view.tracks import sparkline, track

if TYPE_CHECKING:
    from collections.abc import Callable

    from rotation.context.figures import HistoryLine
    from rotation.snapshot import Leg, Snapshot
    from tui.view.view_state import ViewState

YEAR = 252
"""Sessions of the lines."""
LINE, YEAR_TRACK, DAY_TRACK = 32, 19, 11
"""Cells of a leg's year, of its range, and of the day's."""
DAY = {"day low": "low", "day high": "high"}
"""Column → the end of the id of its figure."""
COMPUTING = "reading a year of closes…"
PAUSED = "paused: a year of closes is shown once the screen resumes"


def rows(snapshot: Snapshot, view: ViewState, width: int, named: int) -> list[Row]:
    """Of every leg the closes of a year, where the price stands in their range, and in the day's."""
    if not any(symbol in snapshot.lines for symbol in snapshot.legs):
        why = PAUSED if view.paused else COMPUTING
        return [((why, "muted"),)]
    years = {
        symbol: _Year.of(leg, snapshot.lines.get(symbol), snapshot) for symbol, leg in snapshot.legs.items()
    }

    def of(read: Callable[[_Year, int], Span], size: int) -> Callable[[str, Leg, ViewState], Span]:
        return lambda symbol, _leg, _view: read(years[symbol], size)

    def day_track(symbol: str, leg: Leg, _view: ViewState) -> Span:
        before, level = years[symbol].before, None
        if before is not None and leg.low is not None and leg.high is not None and leg.low < leg.high:
            level = (before - leg.low) / (leg.high - leg.low)
        return track(share_of(leg.last, leg.low, leg.high), DAY_TRACK, level=level), "muted"

    columns = (
        Column("", 5, 0, lambda symbol, _leg, _view: (symbol, "strong"), right=False),
        Column(
            f"closes, {YEAR} sessions", LINE, 1, of(lambda year, size: year.line(size), LINE), right=False
        ),
        Column("low", 9, 4, of(lambda year, _: (number(year.low), "muted"), 0)),
        Column("52 weeks", YEAR_TRACK, 2, of(lambda year, size: year.track(size), YEAR_TRACK), right=False),
        Column("high", 9, 3, of(lambda year, _: (number(year.high), "muted"), 0)),
        Column("from high", 9, 6, of(lambda year, _: year.from_high(), 0)),
        Column("┊ close", 9, 9, of(lambda year, _: (number(year.before), "muted"), 0)),
        Column("day low", 10, 8, bound("≤", lambda leg: leg.low)),
        Column("today", DAY_TRACK, 5, day_track, right=False),
        Column("day high", 10, 7, bound("≥", lambda leg: leg.high)),
    )
    return table(fitting(width, 0, tuple(columns), named=named), snapshot, view, DAY, are_absent=False)


class _Year(NamedTuple):
    """A leg's closes and its price."""

    values: tuple[float, ...]
    """Oldest first, the price of the session shown last."""
    low: float | None
    high: float | None
    last: float | None
    n: int
    """Closes among the sessions of a year; fewer than YEAR - 1 where some are missing."""
    before: float | None
    """The previous close: of the session before the one shown; None where that is not known."""

    @classmethod
    def of(cls, leg: Leg, line: HistoryLine | None, snapshot: Snapshot) -> _Year:
        closes = [value for _, value in line.points] if line else []
        ends = [end[1] for end in (line.low, line.high) if end] if line else []
        last = leg.last if leg.session == snapshot.session else None
        now = [] if last is None else [last]
        known = [*ends, *now]
        low, high = min(known, default=None), max(known, default=None)
        before = None
        # Of one that is not adjusted the closes are on another scale than the price.
        if line and line.points and leg.session and leg.status.kind is not Kind.UNADJUSTED:
            when, close = line.points[-1]
            before = close if when == previous_session(leg.session) else None
        return cls((*closes, *now) if closes else (), low, high, last, line.n if line else 0, before)

    def line(self, width: int) -> Span:
        if not self.values:
            return UNKNOWN, "muted"
        fewer = f" n {self.n}" if self.n < YEAR - 1 else ""
        return sparkline(self.values, width - len(fewer)) + fewer, "line"

    def track(self, width: int) -> Span:
        return track(share_of(self.last, self.low, self.high), width), "text"

    def from_high(self) -> Span:
        if self.last is None or not self.high:
            return UNKNOWN, "muted"
        pct = (self.last / self.high - 1) * 100
        return ("at high", "accent") if not pct else (f"{change(pct, 1)} %", "muted")
