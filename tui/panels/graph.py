"""Rotation graph: every leg against the benchmark on a plane, with its trail, and a table beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from rotation.graph.figures import Quadrant
from rotation.status import BAD
from rotation.text import day
from rotation.wording import word
from tui.panels.base import kind_role
from tui.view.draw import UNKNOWN, Row, Span, cells, column, number, whole
from tui.view.marks import marker
from tui.view.plane import Line, plane

if TYPE_CHECKING:
    from collections.abc import Callable

    from rotation.graph.figures import Point, Trail
    from rotation.snapshot import Snapshot
    from tui.view.view_state import ViewState

    MarkOf = Callable[[str, str, str], str]

TABLE = 65
"""Cells of the table."""
BESIDE_FROM = 110
"""Cells from which plane and table stand side by side."""
LEGEND_FROM = 94
"""Cells from which the head has its legend, too."""
PLANE_LEAST = 9
"""Lines below which there is no plane."""
LEAST, HEADING, SPEED = 34, 9, 7
"""Cells of the columns that are always there, and of those that give way to the status, the speed first.
Without room for a status one that is bad stands in the place of the quadrant."""
NONE = "No session is shown yet."
COMPUTING = "computing the graph…"
PAUSED = "paused: the graph is shown once the screen resumes"
SHORT = "No leg has two years of closes beside the benchmark's: see rotation-tui history sync --help"
ROLES = {
    Quadrant.LEADING: "up",
    Quadrant.WEAKENING: "warn",
    Quadrant.LAGGING: "down",
    Quadrant.IMPROVING: "accent",
}
COMPASS = "↑↗→↘↓↙←↖"


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """The plane above or left of the table. ``c`` goes through weekly and daily."""
    graph = snapshot.graph
    if graph is None:
        why = NONE if snapshot.session is None else PAUSED if view.paused else COMPUTING
        return [((why, "muted"),)]
    step = "daily" if view.chart == "daily" else "weekly"
    trails = [trail for trail in getattr(graph, step).values() if _points(trail)]
    if not trails:
        return [((SHORT, "muted"),)]
    base = snapshot.spread.base
    trails.sort(key=lambda trail: (trail.symbol != base, trail.symbol != snapshot.spread.against))
    trails, drawn = _drawn(trails, view.trail)
    head: Row = (
        (f"against {graph.benchmark}, {step}", "strong"),
        (f"   c: {'weekly' if step == 'daily' else 'daily'}", "muted"),
        (f"   o: {drawn}", "muted"),
        ("   right: ahead of its average, up: gaining" if width >= LEGEND_FROM else "", "faint"),
    )
    head = whole(head, width)
    mark = marker(view, "graph")
    prefix = "daily." if step == "daily" else ""

    def marked(role: str, symbol: str, of: str) -> str:
        return mark(role, f"graph.{symbol.lower()}.{prefix}{of}")

    table = _table(trails, base, width, marked)
    if width >= BESIDE_FROM and height > max(PLANE_LEAST, len(table)):
        room = width - TABLE - 2
        left = _plane(trails, base, room, height - 1)
        right = [*table, *[()] * (len(left) - len(table))]
        return [head, *((*row, ("  ", "text"), *beside) for row, beside in zip(left, right, strict=False))]
    room = height - len(table) - 1
    return [head, *(_plane(trails, base, width, room) if room >= PLANE_LEAST else []), *table]


def _drawn(trails: list[Trail], chosen: int) -> tuple[list[Trail], str]:
    """Without the tails that are not chosen: of these only the newest point is drawn. And which ones are."""
    place = chosen % (len(trails) + 2)
    if place == 0:
        return trails, "all trails"
    only = trails[place - 1].symbol if place <= len(trails) else ""
    made = [
        trail if trail.symbol == only else replace(trail, tail=() if trail.head else trail.tail[-1:])
        for trail in trails
    ]
    return made, f"trail of {only}" if only else "no trails"


def _points(trail: Trail) -> tuple[Point, ...]:
    return (*trail.tail, *((trail.head,) if trail.head else ()))


def _plane(trails: list[Trail], base: str, width: int, height: int) -> list[Row]:
    """All trails on one scale, 100 in the middle both ways; the named quadrants in the corners."""
    wide = max(abs(point.ratio - 100) for trail in trails for point in _points(trail))
    high = max(abs(point.momentum - 100) for trail in trails for point in _points(trail))
    lines = [
        Line(
            [(_place(point.ratio, wide), _place(point.momentum, high)) for point in _points(trail)],
            f"{trail.symbol}{'' if trail.head else ' ' + UNKNOWN}",
            _role(trail, base),
        )
        for trail in reversed(trails)  # The pair lies above the others.
    ]
    corners = (Quadrant.IMPROVING, Quadrant.LEADING), (Quadrant.LAGGING, Quadrant.WEAKENING)
    rows = plane(lines, width, height - 2)
    top, bottom = (_corner(pair, width) for pair in corners)
    return [top, *rows, bottom]


def _place(value: float, most: float) -> float:
    """A coordinate in 0…1; ``most``: the farthest from 100, which keeps clear of the edge."""
    return 0.5 + (value - 100) / (most or 1) / 2.2


def _corner(pair: tuple[Quadrant, Quadrant], width: int) -> Row:
    left, right = pair
    gap = " " * (width - len(left) - len(right))
    return ((left.value, ROLES[left]), (gap, "text"), (right.value, ROLES[right]))


def _role(trail: Trail, base: str) -> str:
    """The base leg stands out; the others have the colour of their quadrant."""
    if trail.symbol == base:
        return "strong"
    return ROLES[trail.quadrant] if trail.quadrant else "muted"


class _Extra(NamedTuple):
    """Which columns there is room for beside symbol, quadrant, ratio and momentum."""

    heading: bool
    speed: bool
    status: bool

    @classmethod
    def of(cls, width: int, status: int) -> _Extra:
        """Those of a table so wide whose statuses take so many cells."""
        room = width - LEAST - status
        return cls(room >= HEADING, room >= HEADING + SPEED, room >= 0)


def _table(trails: list[Trail], base: str, width: int, mark: MarkOf) -> list[Row]:
    extra = _Extra.of(width, max(cells(_state(trail)) for trail in trails))
    head = f"{'':6}{'quadrant':<11}{'ratio':>7}{'momentum':>10}"
    head += f"{'heading':>{HEADING}}" * extra.heading + f"{'speed':>{SPEED}}" * extra.speed
    return [((head, "muted"),), *(_line(trail, base, extra, width, mark) for trail in trails)]


def _state(trail: Trail) -> str:
    """``  ~ LIVE``: what the head is worth, of another instant or not yet settled; empty without a head."""
    if trail.status is None or trail.head is None:
        return ""
    sign = "≈ " if trail.status.apart else "~ " if trail.is_provisional else ""
    return f"  {sign}{word(trail.status)}"


def _line(trail: Trail, base: str, extra: _Extra, width: int, mark: MarkOf) -> Row:
    symbol = trail.symbol
    name = (column(trail.symbol, 6, right=False), "strong" if trail.symbol == base else "text")
    if trail.head is None or trail.quadrant is None:
        last = trail.tail[-1]
        forms = (
            f"  last settled {day(last.date)}, {last.quadrant.value}",
            f"  {day(last.date)}, {last.quadrant.value}",
        )
        shown = next((form for form in forms if 7 + len(form) <= width), forms[-1])
        return (name, (UNKNOWN, mark("muted", symbol, "quadrant")), (shown, "muted"))
    status = trail.status
    quadrant = (
        column(trail.quadrant.value, 11, right=False),
        mark(ROLES[trail.quadrant], symbol, "quadrant"),
    )
    if not extra.status and status is not None and status.kind in BAD:
        quadrant = (column(word(status), 11, right=False), mark(kind_role(status.kind), symbol, "quadrant"))
    spans: list[Span] = [
        name,
        quadrant,
        (column(number(trail.head.ratio), 7), mark("text", symbol, "ratio")),
        (column(number(trail.head.momentum), 10), mark("text", symbol, "momentum")),
    ]
    if extra.heading:
        spans.append((column(_heading(trail.heading_deg), HEADING), mark("text", symbol, "heading")))
    if extra.speed:
        spans.append((column(number(trail.speed), SPEED), mark("text", symbol, "speed")))
    if extra.status and status is not None:
        spans.append((_state(trail), kind_role(status.kind)))
    return tuple(spans)


def _heading(degrees: float | None) -> str:
    return UNKNOWN if degrees is None else f"{degrees:3.0f}° {COMPASS[round(degrees / 45) % 8]}"
