"""Breadth: how many members of each index take part, McClellan with its line, and the movers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.status import BAD
from rotation.text import day
from rotation.wording import word
from tui.panels.base import kind_role
from tui.view.draw import UNKNOWN, Row, Span, bar, braille, change, column, toned, wrap

if TYPE_CHECKING:
    from rotation.breadth.figures import BreadthFigures, IndexBreadth, Mover
    from rotation.snapshot import Snapshot
    from tui.view.view_state import ViewState

INDICES = {"IWM": "Russell 2000", "QQQ": "Nasdaq 100"}
BAR = 20
LINE_HEIGHT = 4
NONE = "No holdings file on or before this session: see rotation-tui members import --help"


def clause(snapshot: Snapshot) -> str:
    """``1,554 of 1,664 members up`` of the base's fund; empty where that is not known."""
    index = snapshot.breadth.indices.get(snapshot.spread.base) if snapshot.breadth else None
    if index is None or index.now is None or index.now.advances is None:
        return ""
    bad = index.status is not None and index.status.kind in BAD
    return f"{'≈ ' if bad else ''}{index.now.advances:,} of {index.now.counted:,} members up"


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """Both indices one below the other, the base's first."""
    del view, height
    if snapshot.breadth is None:
        return [((line, "muted"),) for line in wrap(NONE, width, 3)]
    indices = snapshot.breadth.indices
    order = sorted(indices, key=lambda fund: fund != snapshot.spread.base)
    lines: list[Row] = []
    for fund in order:
        lines += [*([()] if lines else []), *_index(indices[fund], width)]
    return lines


def _index(index: IndexBreadth, width: int) -> list[Row]:
    figures = index.now or index.settled
    name = INDICES.get(index.fund, index.fund)
    if figures is None:
        return [((f"{name} ({index.fund})  ", "strong"), ("no member has a known price", "muted"))]
    lines = [_head(index, name, figures), _up_down(figures), *_shares(figures)]
    lines += _mcclellan(index, figures, width)
    return [*lines, *_movers("top", index.top, width), *_movers("bottom", index.bottom, width)]


def _head(index: IndexBreadth, name: str, figures: BreadthFigures) -> Row:
    spans: list[Span] = [(f"{name} ({index.fund})  ", "strong")]
    if index.now is None:
        spans.append((f"close of {day(figures.session)}  ", "muted"))
    elif index.status is not None:
        spans.append((f"{word(index.status)}  ", kind_role(index.status.kind)))
    counted = f"{figures.counted:,} of {figures.total:,} counted, members of {day(figures.membership_date)}"
    return (*spans, (counted, "muted"))


def _up_down(figures: BreadthFigures) -> Row:
    up, down = figures.advances or 0, figures.declines or 0
    return (
        ("up ", "muted"),
        (column(f"{up:,}", 6), "up"),
        (" ", "text"),
        (bar(up / figures.counted, BAR), "up"),
        ("  down ", "muted"),
        (column(f"{down:,}", 6), "down"),
        (" ", "text"),
        (bar(down / figures.counted, BAR), "down"),
    )


def _shares(figures: BreadthFigures) -> list[Row]:
    above = UNKNOWN if figures.above_mean is None else f"{figures.above_mean * 100:.1f} %"
    net = UNKNOWN if figures.net_highs is None else change(figures.net_highs, 0)
    return [
        (
            ("above 50-day mean ", "muted"),
            (column(above, 8), "text"),
            (f" of {figures.mean_counted:,}", "faint"),
            ("   highs − lows ", "muted"),
            (net, toned(figures.net_highs)),
            (f" of {figures.range_counted:,}", "faint"),
        )
    ]


def _mcclellan(index: IndexBreadth, figures: BreadthFigures, width: int) -> list[Row]:
    """The value × 1,000 and its settled line, with 0 in the middle."""
    value = figures.mcclellan
    shown = UNKNOWN if value is None else change(value * 1_000, 1)
    lines: list[Row] = [(("McClellan ", "muted"), (shown, toned(value)))]
    points = [each for _, each in index.line] + ([value] if index.now and value is not None else [])
    most = max((abs(each) for each in points), default=0.0)
    if len(points) < 2 or not most:
        return lines
    path = [(n / (len(points) - 1), 0.5 + each / most / 2) for n, each in enumerate(points)]
    return [*lines, *(((line, "accent"),) for line in braille(path, min(width, 60), LINE_HEIGHT))]


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
