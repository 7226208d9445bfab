"""Legs: a line per symbol with price, returns, streak, record and state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.panels.legs import year
from tui.panels.legs.columns import QUOTE_COLUMNS, SINCE, STATE, columns_of, fitting, state, word_only
from tui.panels.legs.table import table

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from tui.view.draw import Row
    from tui.view.view_state import ViewState

FIGURES = {
    "last": "last", "day %": "return.1", "streak": "streak.with_today", SINCE: "since.{window}",
    STATE: "status", "age": "age_s", "post": "extended", "low": "low", "high": "high", "volume": "volume",
}  # fmt: skip
"""Column → the end of the id of its figure; the returns over windows come to these."""
QUOTES = {"bid": "bid", "ask": "ask", "mid": "mid", "age": "quote_age_s"}
"""The same below, of bids and asks."""


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """A header and a line per leg, in the desk's order; the chosen window stands out.

    While the panel is zoomed each leg's year and day follow, then bids and asks where there are any.
    """
    del height
    longest = max((len(state(leg)[0]) for leg in snapshot.legs.values()), default=0)
    named = max((len(symbol) for symbol in snapshot.legs), default=0)
    among = columns_of(view)
    columns = fitting(width, longest, among, named=named)
    if all(c.head != STATE for c in columns):  # the venue gives way, the state never
        columns = [
            c._replace(cell=word_only) if c.head == STATE else c
            for c in fitting(width, 0, among, named=named)
        ]
    returns = {f"{k}d %": f"return.{k}" for k in (*view.windows, *view.returns) if k > 1}
    lines = table(columns, snapshot, view, {**FIGURES, **returns})
    has_quotes = any(leg.mid is not None for leg in snapshot.legs.values())
    if view.zoomed and view.focus == "legs":
        if snapshot.lines or snapshot.legs:
            lines += [(), *year.rows(snapshot, view, width, named)]
        if has_quotes:
            lines += [
                ((" ", "text"),),
                *table(fitting(width, 0, QUOTE_COLUMNS, named=named), snapshot, view, QUOTES),
            ]
    return lines if snapshot.legs else [*lines, (("no prices yet", "muted"),)]
