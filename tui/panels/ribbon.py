"""The ribbon: where we stand in time, what the data is worth, who leads, and the rotation in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rotation.market.headline import WINDOW as SENTENCE_WINDOW
from rotation.market.headline import headline as headline_of
from rotation.status import BAD, Kind
from rotation.story.verdict import Verdict, verdict, verdict_words
from rotation.wording import PHASES, QUIET, connection_words, word_with_venue
from tui.panels.base import about, kind_role
from tui.panels.breadth.panel import clause
from tui.view.draw import Row, Span, arrow, change, toned, whole, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rotation.snapshot import Leg, Snapshot, Streak
    from tui.view.view_state import ViewState

NEW_YORK = ZoneInfo("America/New_York")
SENTENCE_FROM = 76
"""Below this width the sentence would be cut: two terse lines stand for it."""
VERDICT_ROLES = {Verdict.BASE: "up-strong", Verdict.AGAINST: "down-strong", Verdict.NEITHER: "strong"}
"""As the spread of the chosen window is coloured, a lead and a gap."""
GO_LIVE = "live with: rotation-tui history sync"
GO_LIVE_SHORT = "live: rotation-tui history sync"
"""Beside the demo's clock on 80 columns, without seconds and phase: both are the tape's, and it is marked DEMO."""
TIE = "\N{NO-BREAK SPACE}"


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """The connection and the time, then who leads and the headline over the lines that are left."""
    status = tuple(_status(snapshot, view, width))
    if width < SENTENCE_FROM:
        return [status, *_terse(snapshot, view, width)][:height]
    return [status, *_led(snapshot, view, width, height - 1)]


def _led(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """The longest sentence that has room after who leads over the chosen window."""
    spread = snapshot.spread
    leader = verdict(spread.windows.get(str(view.window)))
    words = "" if leader is None else verdict_words(spread, leader)
    if words and str(view.window) != SENTENCE_WINDOW:
        words += f" over {view.window}d"  # the sentence beside it speaks of its own window
    before = f"{words.replace(' ', TIE)}{2 * TIE}" if words else ""
    lines: list[str] = []
    for sentence in _sentences(snapshot):
        lines = wrap(before + sentence, width, height + 1)
        if len(lines) <= height:
            break
    else:
        lines = wrap(before + sentence, width, height)
    first, *others = lines
    role = VERDICT_ROLES[leader] if leader is not None else "text"
    led: Row = ((words, role), (first.removeprefix(words), "text")) if words else ((first, "text"),)
    return [led, *(((line, "text"),) for line in others)]


def _sentences(snapshot: Snapshot) -> Iterator[str]:
    """The sentence, its longest form first.

    With the members that are up where it does not say so already; as it is; without its rare clauses, the
    least rare first; and without its records.
    """
    headline = snapshot.headline
    is_in = any(each.figure.startswith("breadth.") for each in snapshot.clauses)
    if more := "" if is_in else clause(snapshot):
        yield f"{headline.removesuffix('.')}; {more}."
    yield headline
    rare = [f"; {each.text}" for each in snapshot.clauses]
    bare = headline.removesuffix("".join(rare) + ".")
    if bare != headline:
        yield from ("".join((bare, *rare[:n])) + "." for n in range(len(rare) - 1, -1, -1))
    if snapshot.data_as_of is not None:
        today = snapshot.as_of.astimezone(NEW_YORK).date()
        legs, spread, session = snapshot.legs, snapshot.spread, snapshot.session
        yield headline_of(legs, spread, session, snapshot.fed, today=today, claims=False)


def _status(snapshot: Snapshot, view: ViewState, width: int) -> list[Span]:
    """The connection and the age of what is shown come before the clock, which gives way to them."""
    spans: list[Span] = [(" rotation ", "brand"), (" ", "text")] if width >= SENTENCE_FROM else []
    if snapshot.mode:
        spans += [(f" {snapshot.mode} ", "badge"), (" ", "text")]
    tape = snapshot.health.tape
    if tape:
        ended = tape.position >= tape.end
        spans.append(("end of tape " if ended else "held " if tape.held else f"×{tape.speed:g} ", "accent"))
    if view.paused:
        spans += [(" PAUSED ", "alert"), (" ", "text")]
    if words := connection_words(snapshot.connection, snapshot.as_of):
        spans += [_connection(snapshot, words), ("  ", "text")]
    room = width - sum(len(text) for text, _ in spans)
    for clock in _clocks(snapshot, view):
        if sum(len(text) for text, _ in clock) <= room:
            return spans + clock
    return spans


def _connection(snapshot: Snapshot, words: str) -> Span:
    connection = snapshot.connection
    kind = connection.kind if connection else None
    if connection is None or connection.kind in BAD or connection.auction_missing:
        return f"✖ {words}", "alert"
    return (f"● {words}", "accent") if kind is Kind.LIVE else (f"○ {words}", "muted")


def _clocks(snapshot: Snapshot, view: ViewState) -> list[list[Span]]:
    """The time, the phase and the session shown where it is another: the longest that fits is taken."""
    clock = snapshot.as_of.astimezone(NEW_YORK)
    phase = (f"  {PHASES[snapshot.phase]}", "accent" if snapshot.phase == "REGULAR" else "muted")
    time = "%H:%M:%S" if view.motion else "%H:%M"
    long: list[Span] = [(clock.strftime(f"%a %d %b %Y {time} %Z"), "text"), phase]
    short: list[Span] = [(clock.strftime("%d %b %H:%M %Z"), "text"), phase]
    forms = [long, short, short[:1], [(clock.strftime("%H:%M %Z"), "text")]]
    if snapshot.mode == Kind.DEMO and not snapshot.health.host:
        dated = clock.strftime("%d %b %Y %H:%M %Z")
        forms[:0] = [
            [*long, (f"  {GO_LIVE}", "muted")],
            [(dated, "text"), (f"  {GO_LIVE_SHORT}", "muted")],
        ]
    if snapshot.session and snapshot.session != clock.date():
        forms.insert(0, [*long, (f"  showing {snapshot.session:%a %d %b %Y}", "warn")])
    return forms


def _terse(snapshot: Snapshot, view: ViewState, width: int) -> list[Row]:
    """Who leads and by how much, where that can be said, and the base; else both legs with their states."""
    spread, window = snapshot.spread, str(view.window)
    leg = snapshot.legs.get(spread.base)
    day = leg.return_pct["1"] if leg else None
    over = leg.return_pct.get(window) if leg else None
    chosen = spread.windows.get(window)
    pp, status = (chosen.pp, chosen.status) if chosen else (None, None)
    base: Row = (
        (f"{spread.base} ", "strong"),
        *_worth(leg),
        (f"{arrow(day)}{change(day)}% ", toned(day)),
        (run(leg.streak) if leg else "", "text"),
        (f" {window}d ", "muted"),
        (f"{change(over)}%", toned(over)),
    )
    leader = verdict(chosen)
    if leader is not None:
        led: Row = (
            (verdict_words(spread, leader), VERDICT_ROLES[leader]),
            (f" {window}d ", "muted"),
            (f"{change(pp)} pp", toned(pp)),
            (f" vs {spread.against}", "strong"),
            (f" {run(spread.relative_streak)}", "text"),
        )
        return [whole(led, width), base]
    against: Row = (
        (f"−{spread.against} ", "strong"),
        *_worth(snapshot.legs.get(spread.against)),
        (f"{window}d ", "muted"),
        (f"{about(pp, status)}{arrow(pp)}{change(pp)} pp ", toned(pp)),
        (run(spread.relative_streak), "text"),
    )
    return [base, against]


def _worth(leg: Leg | None) -> tuple[Span, ...]:
    """The state of a leg that is not as it should be, as its first word: the line may be cut."""
    if leg is None or leg.status.kind in QUIET:
        return ()
    return ((f"{word_with_venue(leg.status)} ", kind_role(leg.status.kind)),)


def run(streak: Streak) -> str:
    """``▲5 (4+1)`` while today is provisional, ``▼1 today`` if it began today, ``▼3`` settled, — unknown."""
    total = streak.with_today
    if total is None:
        return "—" if streak.settled is None else _signless(streak.settled)
    if not streak.provisional or total == 0:
        return _signless(total)
    settled = abs(total) - 1
    return f"{_signless(total)} ({settled}+1)" if settled else f"{_signless(total)} today"


def _signless(length: int) -> str:
    return f"{arrow(length).strip()}{abs(length)}"
