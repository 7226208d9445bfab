"""The ribbon: where we stand in time, what the data is worth, and the rotation in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rotation.wording import QUIET
from tui.panels.base import about, kind_role
from tui.view.draw import Row, Span, arrow, change, toned, wrap

if TYPE_CHECKING:
    from rotation.snapshot import Leg, Snapshot, Streak
    from tui.view.view_state import ViewState

NEW_YORK = ZoneInfo("America/New_York")
SENTENCE_FROM = 76
"""Below this width the sentence would be cut: two terse lines stand for it."""


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """A status line, then the headline over the lines that are left."""
    status = tuple(_status(snapshot, view, width))
    if width < SENTENCE_FROM:
        return [status, *_terse(snapshot, view)][:height]
    return [status, *(((line, "text"),) for line in wrap(snapshot.headline, width, height - 1))]


def _status(snapshot: Snapshot, view: ViewState, width: int) -> list[Span]:
    clock = snapshot.as_of.astimezone(NEW_YORK)
    spans: list[Span] = [(" rotation ", "brand"), (" ", "text")] if width >= SENTENCE_FROM else []
    if snapshot.mode:
        spans += [(f" {snapshot.mode} ", "badge"), (" ", "text")]
    tape = snapshot.health.tape
    if tape:
        ended = tape.position >= tape.end
        spans.append(("end of tape " if ended else "held " if tape.held else f"×{tape.speed:g} ", "accent"))
    if view.paused:
        spans += [(" PAUSED ", "alert"), (" ", "text")]
    long = width >= SENTENCE_FROM
    when = clock.strftime("%a %d %b %Y %H:%M:%S %Z" if long else "%d %b %H:%M %Z")
    spans += [(when, "text"), (f"  {snapshot.phase}", "accent" if snapshot.phase == "REGULAR" else "muted")]
    if long and snapshot.session and snapshot.session != clock.date():
        spans.append((f"  showing {snapshot.session:%a %d %b %Y}", "warn"))
    return spans


def _terse(snapshot: Snapshot, view: ViewState) -> list[Row]:
    spread, window = snapshot.spread, str(view.window)
    leg = snapshot.legs.get(spread.base)
    day = leg.return_pct["1"] if leg else None
    over = leg.return_pct[window] if leg else None
    pp, status = spread.windows[window].pp, spread.windows[window].status
    return [
        (
            (f"{spread.base} ", "strong"),
            *_worth(leg),
            (f"{arrow(day)}{change(day)}% ", toned(day)),
            (run(leg.streak) if leg else "", "text"),
            (f" {window}d ", "muted"),
            (f"{change(over)}%", toned(over)),
        ),
        (
            (f"−{spread.against} ", "strong"),
            *_worth(snapshot.legs.get(spread.against)),
            (f"{window}d ", "muted"),
            (f"{about(pp, status)}{arrow(pp)}{change(pp)} pp ", toned(pp)),
            (run(spread.relative_streak), "text"),
        ),
    ]


def _worth(leg: Leg | None) -> tuple[Span, ...]:
    """The state of a leg that is not as it should be, as its first word: the line may be cut."""
    if leg is None or leg.status.kind in QUIET:
        return ()
    return ((f"{leg.state} ", kind_role(leg.status.kind)),)


def run(streak: Streak) -> str:
    """``5 (4+1)`` while today is provisional, ``−3`` settled, — unknown."""
    total = streak.with_today
    if total is None:
        return "—" if streak.settled is None else _signless(streak.settled)
    if not streak.provisional or total == 0:
        return _signless(total)
    return f"{_signless(total)} ({abs(total) - 1}+1)"


def _signless(length: int) -> str:
    return f"{arrow(length).strip()}{abs(length)}"
