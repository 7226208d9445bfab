"""Events: one's own alerts and how they stand, then what has happened, the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.desk import EventKind
from rotation.text import counted
from tui.panels.ribbon import NEW_YORK
from tui.view.draw import Row, column, wrap
from tui.view.view_state import filter_of

if TYPE_CHECKING:
    import datetime as dt

    from rotation.desk import AlertLine, DeskEvent
    from rotation.snapshot import Snapshot
    from tui.view.view_state import ViewState

ROLES = {
    EventKind.ALERT: "alert",
    EventKind.RECORD: "strong",
    EventKind.DELIVERY: "warn",
    EventKind.CONFIG: "warn",
    EventKind.CORRECTED: "warn",
}
"""Kinds that stand out; the others are muted."""
NONE = "no alerts set; to set one: rotation-tui alerts add 'spread.5.pp > 10'"
QUIET = "no events yet: closes, records, alerts, feed changes and the Fed will appear here"
KIND = 10
"""Cells of the kind."""
BESIDE_FROM = 60
"""From this width on what is said stands beside its time; below it under it."""


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """Alerts are left out on a host: they are the operator's."""
    del height
    wanted = filter_of(view, "events")
    lines: list[Row] = []
    if not snapshot.health.host:
        shown = tuple(
            each for each in snapshot.alerts if wanted in f"{each.name} {each.condition}".casefold()
        )
        lines += _alerts(shown, snapshot.as_of, width) if shown or not wanted else []
        lines.append(())
    if not snapshot.events:
        return [*lines, *(((line, "muted"),) for line in wrap(QUIET, width, 3))]
    for event in reversed(snapshot.events):
        if wanted not in f"{event.kind.value} {event.text}".casefold():
            continue
        lines += _event(event, snapshot.as_of, width)
    return lines


def _alerts(alerts: tuple[AlertLine, ...], now: dt.datetime, width: int) -> list[Row]:
    if not alerts:
        return [((line, "muted"),) for line in wrap(NONE, width, 3)]
    named = max(min(max(len(alert.name) for alert in alerts), width // 3), 8)
    lines = [_alert(alert, now, named) for alert in alerts]
    if width >= BESIDE_FROM:
        return lines
    return [row for line in lines for row in _under(line, width)]


def _under(line: Row, width: int) -> list[Row]:
    """How an alert stands, and its condition below it."""
    *head, (words, role) = line
    return [tuple(head), *(((f"  {text}", role),) for text in wrap(words.strip(), width - 2, 3) if text)]


def _alert(alert: AlertLine, now: dt.datetime, named: int) -> Row:
    name = (column(alert.name, named, right=False), "strong")
    condition = (f"  {alert.condition}", "text") if alert.condition != alert.name else ("", "text")
    if alert.problem:
        return (name, ("  off     ", "warn"), (f"  {alert.problem}", "warn"))
    if alert.last_at is None:
        return (name, ("  armed   ", "muted"), condition)
    role = "muted" if alert.is_armed else "alert"
    word = "armed, last" if alert.is_armed else "HIT"
    times = f", {counted(alert.fired, 'time')}" if alert.fired > 1 else ""
    return (name, (f"  {word} {when(alert.last_at, now)}{times}", role), condition)


def _event(event: DeskEvent, now: dt.datetime, width: int) -> list[Row]:
    if width < BESIDE_FROM:
        role = ROLES.get(event.kind, "muted")
        above: Row = ((f"{when(event.at, now)}  ", "faint"), (event.kind.value, role))
        return [above, *(((f"  {line}", "text"),) for line in wrap(event.text, width - 2, 4))]
    at = column(when(event.at, now), 15, right=False)
    left = len(at) + KIND
    text = wrap(event.text, max(width - left, 16), 3)
    role = ROLES.get(event.kind, "muted")
    head: Row = ((at, "faint"), (column(event.kind.value, KIND, right=False), role), (text[0], "text"))
    return [head, *(((" " * left, "text"), (line, "text")) for line in text[1:])]


def when(at: dt.datetime, now: dt.datetime) -> str:
    """``10:31:07``, of another day ``16 Jul 10:31``: New York's time."""
    made, today = at.astimezone(NEW_YORK), now.astimezone(NEW_YORK).date()
    return f"{made:%H:%M:%S}" if made.date() == today else f"{made.day} {made:%b %H:%M}"
