"""Spread: the pair's difference over every window, how unusual it is, and how rare the runs are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.text import day
from tui.panels.base import about, pair_note
from tui.panels.ribbon import run
from tui.view.draw import UNKNOWN, Row, Span, arrow, bar, change, column, number, toned

if TYPE_CHECKING:
    from rotation.snapshot import BaseRate, Snapshot, SpreadWindow
    from tui.view.view_state import ViewState

WIDE = 70
"""From here on a bar for the percentile fits beside the figures."""


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """A line per window, the relative streak, then base rates as room allows."""
    del height
    spread = snapshot.spread
    lines = [_head(width)]
    lines += [_line(int(k), w, view, width) for k, w in spread.windows.items()]
    if why := pair_note(snapshot):
        lines.append(((why, "warn"),))
    lines += [
        (),
        (
            (f"{spread.base} against {spread.against} ", "muted"),
            ("relative streak ", "muted"),
            (run(spread.relative_streak), "strong"),
        ),
    ]
    lines += _rarity("spread", spread.base_rate)
    leg = snapshot.legs.get(spread.base)
    if leg:
        lines += _rarity(spread.base, leg.base_rate)
    return lines


def _head(width: int) -> Row:
    names = [column("", 5), column("spread pp", 11), column("z", 7), column("pctile", 7), column("n", 7)]
    if width >= WIDE:
        names.append("  rank      ")
    return ((" ".join([*names, " widest since"]), "faint"),)


def _line(k: int, window: SpreadWindow, view: ViewState, width: int) -> Row:
    chosen = k == view.window
    role = toned(window.pp)
    figure = f"{about(window.pp, window.status)}{arrow(window.pp)}{change(window.pp)}"
    spans: list[Span] = [
        (column(f"{'▸' if chosen else ' '}{k}d", 5, right=False), "accent" if chosen else "text"),
        (" " + column(figure, 11), f"{role}-strong" if chosen and role != "muted" else role),
        (" " + column(change(window.z), 7), "text"),
        (" " + column(number(window.percentile, 1), 7), "text"),
        (" " + column(f"{window.n:,}", 7), "muted"),
    ]
    if width >= WIDE:
        share = (window.percentile or 0) / 100
        spans += [("   ", "text"), (bar(share, 10), "accent" if chosen else "faint")]
    spans.append(("  " + _since(window), "text" if chosen else "muted"))
    return tuple(spans)


def _since(window: SpreadWindow) -> str:
    since = window.since
    if since is None or (window.status is not None and window.status.apart):
        return UNKNOWN
    if since.date is None:
        return f"record since {day(since.first_date)}" if since.first_date else "record"
    return f"{day(since.date)} ({change(since.value_pp)})"


def _rarity(what: str, rate: BaseRate | None) -> list[Row]:
    """``IWM run ▲5: 107 times in 6,069 sessions, by chance 100.0 %``."""
    if rate is None:
        return []
    return [
        (
            (f"{what} run {arrow(rate.length)}{abs(rate.length)}: ", "muted"),
            (f"{rate.runs:,}", "text"),
            (f" times in {rate.n:,} sessions, by chance ", "muted"),
            (f"{100 * rate.p_longest:.1f} %", "text"),
        )
    ]
