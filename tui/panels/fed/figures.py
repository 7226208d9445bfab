"""What the Fed panel and its zoom share: probabilities, meetings, engines, contract ages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.fed.prediction_markets import VENUES
from rotation.text import MONTHS, day, duration
from tui.panels.base import status_role
from tui.view.draw import UNKNOWN, Row, Span, change, number
from tui.view.table import Column, T

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from rotation.fed.figures import Fed, FedContract, FedEngine, FedMeeting, Stop
    from tui.view.marks import Mark

MEETINGS_NAMED = 8
"""Coming meetings that have figures of their own."""
STATE_MARK = {"ok": "", "degraded": "~", "unsolved": "×"}
STOPS: dict[Stop, str] = {
    "": "",
    "missing contract": "a contract is missing",
    "prices of two times": "prices too far apart in time",
    "implausible price": "a price is implausible",
}
"""In words, why there are no odds from a meeting on."""


def share(p: float | None) -> str:
    """``92.0`` of 0.92; unknown is —."""
    return UNKNOWN if p is None else f"{100 * p:.1f}"


def target(name: str) -> str:
    """A target range as a person reads it: ``475-500``, below zero ``−25-0``."""
    return name.replace("--", "-−").replace("-", "−", 1) if name.startswith("-") else name


def lower_bp(name: str) -> int:
    """``475-500`` → 475; a range below zero begins with a minus."""
    return int(name[: name.index("-", 1)])


def _mark(meeting: FedMeeting) -> Span:
    return STATE_MARK[meeting.state], "warn"


def rate_role(value: float | None) -> str:
    """Rates are no profit or loss: a change has its sign, and no colour of a gain or a loss."""
    return "text" if value else "muted"


def _bp(value: float | None) -> Span:
    return change(value, 1), rate_role(value)


def _likeliest(meeting: FedMeeting) -> Span:
    if not meeting.outcomes:
        return UNKNOWN, "muted"
    name = max(meeting.outcomes, key=meeting.outcomes.__getitem__)
    return f"{target(name)} {share(meeting.outcomes[name])}", "muted"


MEETINGS: tuple[Column[FedMeeting], ...] = (
    Column("meeting", 11, 0, lambda m: (day(m.date), "strong"), right=False),
    Column("", 1, 0, _mark),
    Column("rate %", 6, 3, lambda m: (number(m.implied_pct, 3), "text")),
    Column("move bp", 7, 1, lambda m: _bp(m.move_bp)),
    Column("sum bp", 7, 4, lambda m: _bp(m.cumulative_bp)),
    Column(
        "cuts",
        5,
        5,
        lambda m: (number(None if m.cumulative_bp is None else -m.cumulative_bp / 25, 1), "muted"),
    ),
    Column("cut %", 6, 0, lambda m: (share(m.cut), "muted" if m.cut is None else "accent")),
    Column("hold %", 6, 7, lambda m: (share(m.hold), "text")),
    Column("hike %", 6, 8, lambda m: (share(m.hike), "text")),
    Column("≥1 cut", 6, 6, lambda m: (share(m.at_least_one_cut), "text")),
    Column("most likely", 13, 9, _likeliest),
)


def stop(fed: Fed, width: int) -> Row:
    """From which meeting on there are no odds, and why; nothing where the strip solves all of them."""
    if fed.stopped_at is None:
        return ()
    short = f"× no odds from {day(fed.stopped_at)}"
    forms = (f"{short}: {STOPS[fed.stopped_by]}", short) if STOPS[fed.stopped_by] else (short,)
    return ((next((form for form in forms if len(form) <= width), f"× {short_day(fed.stopped_at)}"), "warn"),)


Engine = tuple[str, "FedEngine"]

ENGINES: tuple[Column[Engine], ...] = (
    Column("", 10, 0, lambda e: (e[0], "strong"), right=False),
    Column("mean bp", 7, 1, lambda e: _bp(e[1].mean_bp)),
    Column("vs futures", 10, 2, lambda e: (change(e[1].gap_bp, 1), "text" if e[1].gap_bp else "muted")),
    Column("cut", 5, 0, lambda e: (share(e[1].cut), "muted" if e[1].cut is None else "accent")),
    Column("hold", 5, 4, lambda e: (share(e[1].hold), "text")),
    Column("hike", 5, 5, lambda e: (share(e[1].hike), "text")),
    Column("state", 11, 3, lambda e: (e[1].state, status_role(e[1].status)), right=False),
    Column("age", 4, 6, lambda e: (age(e[1].age_s), "muted")),
    Column("sum %", 5, 7, lambda e: (share(e[1].raw_sum), "muted")),
)


OF_MEETING = {
    "meeting": "date", "move bp": "move_bp", "sum bp": "cumulative_bp", "cut %": "cut", "hold %": "hold",
    "hike %": "hike", "≥1 cut": "at_least_one_cut",
}  # fmt: skip
"""Column of a meeting → the end of the id of its figure."""


def mark_meetings(mark: Mark, fed: Fed) -> Callable[[str, str, FedMeeting], str]:
    """Marks a table of meetings; those after the eighth have no figures of their own."""
    places = {meeting.date: place for place, meeting in enumerate(fed.meetings)}

    def marked(role: str, head: str, meeting: FedMeeting) -> str:
        place, of = places.get(meeting.date, MEETINGS_NAMED), OF_MEETING.get(head, "")
        if not of or place >= MEETINGS_NAMED:
            return role
        return mark(role, f"fed.{place + 1 if place else 'next'}.{of}")

    return marked


def mark_engines(mark: Mark) -> Callable[[str, str, Engine], str]:
    """Marks a table of engines: the markets' own odds of a cut, and those of the futures."""

    def marked(role: str, head: str, engine: Engine) -> str:
        if head == "state" and engine[0] == "futures":
            return mark(role, "fed.status")
        if engine[0] not in (*VENUES, "futures"):
            return role
        if engine[0] == "futures":
            ends = {"cut": "cut", "hold": "hold", "hike": "hike"}
            return mark(role, f"fed.next.{ends[head]}") if head in ends else role
        return mark(role, f"fed.next.{engine[0].lower()}.cut") if head == "cut" else role

    return marked


def leading(columns: Sequence[Column[T]], fed: Fed) -> list[Column[T]]:
    """Columns in which hike outlasts cut where that is what the next meeting is about."""
    if (fed.hike or 0.0) <= (fed.cut or 0.0):
        return list(columns)
    ranks = {c.head.removesuffix(" %"): c.rank for c in columns}
    swap = {"cut": ranks["hike"], "hike": ranks["cut"]}
    return [c._replace(rank=swap.get(c.head.removesuffix(" %"), c.rank)) for c in columns]


def age(seconds: float | None) -> str:
    """``42s``; unknown is —."""
    return UNKNOWN if seconds is None else duration(seconds)


def details(named: Engine) -> str:
    """What an engine's figures are made of, and what is weak about them; empty where nothing is known."""
    name, engine = named
    total = "" if engine.raw_sum is None else f"quotes total {share(engine.raw_sum)} %"
    scaled = f"{total}, scaled to 100" if total and engine.cut is not None else total
    text = "; ".join(part for part in (engine.kind, scaled, engine.note) if part)
    return f"{name}: {text}" if text else ""


def contracts(fed: Fed, width: int, most: int) -> list[Row]:
    """Every contract's age on at most ``most`` lines; the oldest is named, and first, where they differ."""
    ages = [c.age_s for c in fed.contracts if c.age_s is not None]
    oldest = max(ages) if ages and duration(max(ages)) != duration(min(ages)) else None
    if not ages and not any(c.settle_date for c in fed.contracts if c.kind == "settlement"):
        return []
    items = [(f"{c.symbol} {_how_old(c)}", "muted") for c in fed.contracts]
    if oldest is not None:
        at = next(i for i, c in enumerate(fed.contracts) if c.age_s == oldest)
        items.insert(0, (f"{items.pop(at)[0]} oldest", "warn"))
    rows = _flow(items, width)
    if len(rows) > most:
        last = [*rows[most - 1], (" · …", "faint")]
        rows = [*rows[: most - 1], tuple(last)]
    return rows


def _how_old(c: FedContract) -> str:
    if c.age_s is not None:
        return duration(c.age_s)
    return short_day(c.settle_date) if c.kind == "settlement" and c.settle_date else UNKNOWN


def short_day(value: date) -> str:
    """``15 Jul``."""
    return f"{value.day} {MONTHS[value.month - 1]}"


def _flow(items: Sequence[Span], width: int) -> list[Row]:
    """Items one after the other with a dot between, each whole on its line."""
    rows: list[list[Span]] = []
    room = 0
    for text, role in items:
        if rows and len(text) + 3 <= room:
            rows[-1] += [(" · ", "faint"), (text, role)]
            room -= len(text) + 3
        else:
            rows.append([(text, role)])
            room = width - len(text)
    return [tuple(row) for row in rows]
