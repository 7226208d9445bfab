"""The points of the ratio's charts in time: settled closes of a year, then the minutes of the session."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from rotation.sessions import NEW_YORK, previous_session
from rotation.status import Kind
from rotation.text import day
from tui.panels.base import Point, about, worth_of
from tui.view.chart.crosshair import place_of
from tui.view.draw import number

if TYPE_CHECKING:
    from rotation.snapshot import Ratio, Snapshot
    from tui.view.view_state import ViewState

DAILY, TODAY = "daily", "today"
OPENS = time(9, 30)


class At(NamedTuple):
    """The point under the crosshair."""

    chart: str
    """DAILY or TODAY."""
    number: int
    """Its place among the points of that chart."""
    point: Point


def has_now(ratio: Ratio, session: date | None) -> bool:
    """Whether the daily line ends with the session's value, which is not among its closes yet."""
    is_settled = bool(ratio.daily) and ratio.daily[-1][0] == session
    return ratio.value is not None and bool(ratio.intraday) and session is not None and not is_settled


def previous_close(ratio: Ratio, session: date | None) -> tuple[date, float] | None:
    """The settled value of the session before the one shown; None where that is not known."""
    if session is None:
        return None
    before = next((point for point in reversed(ratio.daily) if point[0] < session), None)
    return before if before is not None and before[0] == previous_session(session) else None


def today_pct(ratio: Ratio, session: date | None) -> float | None:
    """Change of the ratio since the previous close in percent; None without that, or prints of both legs."""
    before = previous_close(ratio, session)
    if not ratio.intraday or before is None or ratio.value is None:
        return None
    return (ratio.value / before[1] - 1) * 100


def moments(snapshot: Snapshot, view: ViewState) -> list[str]:
    """Of the charts that are chosen; where both are, the minutes follow the closes."""
    return [moment for moment, _, _ in _sequence(snapshot, view)]


def at_of(snapshot: Snapshot, view: ViewState) -> At | None:
    """The last point until the crosshair's moment, else the first; None without points."""
    sequence = _sequence(snapshot, view)
    if not sequence:
        return None
    moment, chart, index = sequence[place_of([each[0] for each in sequence], view.crosshair)]
    return At(chart, index, _point(snapshot, moment, chart, index))


def _sequence(snapshot: Snapshot, view: ViewState) -> list[tuple[str, str, int]]:
    """Moment, chart and place in it of every point. With both charts, now is the last of the minutes."""
    ratio, session = snapshot.ratio, snapshot.session
    closes = [(when.isoformat(), DAILY, n) for n, (when, _) in enumerate(ratio.daily)]
    if view.chart == DAILY and has_now(ratio, session) and session is not None:
        closes.append((session.isoformat(), DAILY, len(closes)))
    minutes = []
    if session is not None:
        opens = datetime.combine(session, OPENS)
        minutes = [
            ((opens + timedelta(minutes=minute)).isoformat("T", "minutes"), TODAY, n)
            for n, (minute, _) in enumerate(ratio.intraday)
        ]
    return closes if view.chart == DAILY else minutes if view.chart == TODAY else closes + minutes


def _point(snapshot: Snapshot, moment: str, chart: str, index: int) -> Point:
    ratio = snapshot.ratio
    if chart == DAILY and index < len(ratio.daily):
        closed, value = ratio.daily[index]
        return Point(day(closed), number(value), "settled closes", "muted")
    status = ratio.status
    if chart == DAILY:
        now = f"{about(ratio.value, status)}{number(ratio.value)}"
        return Point(day(date.fromisoformat(moment)), now, *worth_of(status))
    at, value = datetime.fromisoformat(moment), ratio.intraday[index][1]
    clock = snapshot.as_of.astimezone(NEW_YORK).replace(tzinfo=None)
    # A minute goes by its end, and one that is not over by the time shown.
    when = f"{day(at.date())} {f'{at:%H:%M}' if at <= clock else f'{clock:%H:%M:%S}'} New York"
    is_last = index == len(ratio.intraday) - 1
    if is_last and status is not None and status.kind is not Kind.CLOSED:
        return Point(when, f"{about(value, status)}{number(value)}", *worth_of(status))
    is_marked = status is not None and status.kind in (Kind.DEMO, Kind.REPLAY)
    return Point(when, number(value), *(worth_of(status) if is_marked else ("provisional", "muted")))
