"""Breadth: how many members of each index take part, the lines of it, sectors by weight, and the movers."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from rotation.breadth.figures import COUNTED_LEAST
from rotation.context.wants import Part
from rotation.status import BAD
from rotation.text import counted, day
from rotation.wording import word
from tui.panels.asked import not_yet
from tui.panels.base import kind_role
from tui.panels.breadth import charts
from tui.view.draw import UNKNOWN, Row, Span, bar, change, column, fit, toned, wrap
from tui.view.marks import marker

if TYPE_CHECKING:
    from rotation.breadth.figures import BreadthFigures, IndexBreadth, Mover
    from rotation.snapshot import Snapshot
    from tui.view.marks import Mark
    from tui.view.view_state import ViewState

INDICES = {"IWM": "Russell 2000", "QQQ": "Nasdaq 100"}
BAR = 20
BESIDE_FROM = 110
"""Cells from which the two indices stand side by side."""
GAP = 3
SHARES_FROM = 64
"""Cells from which the counts of both shares fit."""
FIXED = 9
"""Lines of an index beside its charts and sectors."""
LINE_LEAST, LINE_MOST = 3, 6
"""Lines of a chart."""
NO_CLOSES = "no member has a close for this session"
HOW = "rotation-tui history sync --universe {fund}"
NONE = "No holdings file for this session: rotation-tui members import --help"


def clause(snapshot: Snapshot) -> str:
    """``1,554 of 1,664 members up`` of the base's fund; empty where that is not known.

    Where many are not counted, as after the opening bell, it says how many there are.
    """
    index = snapshot.breadth.indices.get(snapshot.spread.base) if snapshot.breadth else None
    if index is None or index.now is None or index.now.advances is None:
        return ""
    now = index.now
    if now.counted < COUNTED_LEAST * now.total:
        return f"≈ {now.advances:,} of {now.counted:,} counted up, of {counted(now.total, 'member')}"
    bad = index.status is not None and index.status.kind in BAD
    return f"{'≈ ' if bad else ''}{now.advances:,} of {now.counted:,} members up"


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """Both indices side by side where there is room, else one below the other; the base's first."""
    mark = marker(view, "breadth")
    if snapshot.breadth is None:
        none: list[Row] = [((line, "muted"),) for line in wrap(NONE, width, 3)]
        return not_yet(snapshot, view, Part.BREADTH, "breadth") or none
    later = not_yet(snapshot, view, Part.SECTORS, "sectors and movers", "are")
    indices = snapshot.breadth.indices
    order = sorted(indices, key=lambda fund: fund != snapshot.spread.base)
    if width >= BESIDE_FROM and len(order) == 2:
        half = (width - GAP) // 2
        left, right = (_index(indices[fund], half, height, mark) for fund in order)
        pairs = zip_longest(left, right, fillvalue=())
        return [*((*fit(own, half), (" " * GAP, "text"), *beside) for own, beside in pairs), *later]
    lines: list[Row] = []
    for fund in order:
        lines += [*([()] if lines else []), *_index(indices[fund], width, height, mark)]
    return [*lines, *later]


def _index(index: IndexBreadth, width: int, height: int, mark: Mark) -> list[Row]:
    def marked(role: str, of: str) -> str:
        return mark(role, f"breadth.{index.fund.lower()}.{of}")

    figures = index.now or index.settled
    name = INDICES.get(index.fund, index.fund)
    if figures is None:
        return [
            ((f"{name} ({index.fund})  ", "strong"), (NO_CLOSES, "muted")),
            ((HOW.format(fund=index.fund), "muted"),),
        ]
    heat = charts.sectors(index, width)
    # Two charts share what the other lines leave; low screens scroll.
    room = min(max((height - FIXED - len(heat)) // 2, LINE_LEAST), LINE_MOST)
    return [
        *_head(index, name, figures, width),
        _up_down(figures, width, marked),
        *_shares(figures, width, marked),
        *charts.advance_decline(index, figures.net, width, room),
        *charts.mcclellan(index, figures.mcclellan, width, room, marked),
        *heat,
        *_movers("top", index.top, width),
        *_movers("bottom", index.bottom, width),
    ]


def _head(index: IndexBreadth, name: str, figures: BreadthFigures, width: int) -> list[Row]:
    """Name and worth, then who is counted: on one line where both fit."""
    spans: list[Span] = [(f"{name} ({index.fund})  ", "strong")]
    if index.now is None:
        spans.append((f"close of {day(figures.session)}  ", "muted"))
    elif index.status is not None:
        spans.append((f"{word(index.status)}  ", kind_role(index.status.kind)))
    counted = f"{figures.counted:,} of {figures.total:,} counted, members of {day(figures.membership_date)}"
    if sum(len(text) for text, _ in spans) + len(counted) <= width:
        return [(*spans, (counted, "muted"))]
    return [tuple(spans), *(((line, "muted"),) for line in wrap(counted, width, 2))]


def _up_down(figures: BreadthFigures, width: int, mark: Mark) -> Row:
    up, down = figures.advances or 0, figures.declines or 0
    room = min(BAR, (width - 25) // 2)
    return (
        ("up ", "muted"),
        (column(f"{up:,}", 6), mark("up", "advances")),
        (" ", "text"),
        (bar(up / figures.counted, room), "up"),
        ("  down ", "muted"),
        (column(f"{down:,}", 6), mark("down", "declines")),
        (" ", "text"),
        (bar(down / figures.counted, room), "down"),
    )


def _shares(figures: BreadthFigures, width: int, mark: Mark) -> list[Row]:
    above = UNKNOWN if figures.above_mean is None else f"{figures.above_mean * 100:.1f} %"
    net = UNKNOWN if figures.net_highs is None else change(figures.net_highs, 0)
    means: Row = (
        ("above 50-day mean ", "muted"),
        (column(above, 8), mark("text", "above_mean")),
        (f" of {figures.mean_counted:,}", "faint"),
    )
    highs: Row = (
        ("highs − lows ", "muted"),
        (net, mark(toned(figures.net_highs), "net_highs")),
        (f" of {figures.range_counted:,}" if width >= SHARES_FROM else "", "faint"),
    )
    apart = sum(len(text) for text, _ in (*means, *highs)) + 3 > width
    return [means, highs] if apart else [(*means, ("   ", "text"), *highs)]


def _movers(end: str, movers: tuple[Mover, ...], width: int) -> list[Row]:
    if not movers:
        return []
    spans: list[Span] = [(column(end, 7, right=False), "muted")]
    for mover in movers:
        text = f"{mover.symbol} {change(mover.return_pct, 1)} %  "
        if sum(len(each) for each, _ in spans) + len(text) > width:
            break
        spans.append((text, toned(mover.return_pct)))
    return [tuple(spans)]
