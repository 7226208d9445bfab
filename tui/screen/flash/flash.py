"""A figure that has just changed is lit for a moment: one cell a line, not again before it has rested.

The scene stays what it is; what is lit is laid over the rows on their way to the terminal. It begins and ends
with paints that are due anyway, and has one of its own only where no other comes. Nothing is lit at the first
paint, after a choice of the viewer's, where another session, pair or list of legs begins, and of a price that
is not good: what is old must not look alive. Pure; the caller keeps the time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from rotation.status import BAD, Kind
from tui.view.draw import cells
from tui.view.theme import FLASHED, LIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rotation.snapshot import Snapshot
    from rotation.status import DerivedStatus, PriceStatus
    from tui.screen.scene import Scene
    from tui.view.draw import Row
    from tui.view.view_state import ViewState

FLASH_S = 0.4
"""So long a cell is lit at least: until the first paint after it."""
OWN_PAINT_S = 0.75
"""After so long it is painted as it was, whether anything else is due or not."""
REST_S = 2.0
"""From the beginning of one flash of a cell to that of the next, at least."""
PANELS = ("legs", "spread", "ratio")
_WINDOW = re.compile(r"\W?\d+d")
_DIGIT = re.compile(r"\d")


class _Cell(NamedTuple):
    panel: str
    line: int
    span: int


class Flash:
    """What is lit on one screen."""

    def __init__(self) -> None:
        self._about: object = None
        """View, size, session, pair and legs: across a change of them nothing is compared."""
        self._rows: dict[str, list[Row]] = {}
        """What each panel showed last, unlit."""
        self._was_good: frozenset[str] = frozenset()
        self._lit_s: dict[_Cell, float] = {}
        """When a cell was last lit; forgotten once it has rested."""
        self.wait_s: float | None = None
        """Paint again after so many seconds where nothing else has by then; None where nothing is lit."""

    def over(
        self, made: Scene, snapshot: Snapshot | None, view: ViewState, now_s: float, *, is_on: bool = True
    ) -> Scene:
        """The scene with what has just changed lit. ``snapshot``: what it shows, of the pair that is shown.

        ``is_on``: False forgets everything.
        """
        about = snapshot and (
            view,
            {name: made.places.get(name) for name in PANELS},
            snapshot.session,
            (snapshot.spread.base, snapshot.spread.against),
            snapshot.legs.keys(),
        )
        if snapshot is None or not is_on or about != self._about:
            self._about = about if is_on else None
            self._lit_s.clear()
            self._rows = {name: made.rows[name] for name in PANELS if name in made.rows} if is_on else {}
            self._was_good = _good(snapshot) if snapshot else frozenset()
            self.wait_s = None
            return made
        good = _good(snapshot)
        self._lit_s = {cell: at_s for cell, at_s in self._lit_s.items() if now_s < at_s + REST_S}
        for name in PANELS:
            rows = made.rows.get(name)
            if rows is not None and rows is not self._rows.get(name):
                for cell in _changed(name, self._rows.get(name, []), rows, good & self._was_good):
                    self._lit_s.setdefault(cell, now_s)
                self._rows[name] = rows
        self._was_good = good
        lit = [cell for cell, at_s in self._lit_s.items() if now_s < at_s + FLASH_S]
        ends = [self._lit_s[cell] + OWN_PAINT_S - now_s for cell in lit]
        self.wait_s = min(ends, default=None)
        return made._replace(rows=_lit(made.rows, lit)) if lit else made


def _good(snapshot: Snapshot) -> frozenset[str]:
    """The symbols whose price is alive; "" where spread and ratio are."""
    symbols = {symbol for symbol, leg in snapshot.legs.items() if _is_good(leg.status)}
    pair = snapshot.ratio.status
    return frozenset(symbols | ({""} if pair is not None and _is_good(pair) and not pair.apart else set()))


def _is_good(status: PriceStatus | DerivedStatus) -> bool:
    return status.kind not in BAD and status.kind is not Kind.CLOSED


def _changed(name: str, before: list[Row], now: list[Row], good: frozenset[str]) -> Iterator[_Cell]:
    """Of each line that may be lit the first figure that is another one than before."""
    if len(before) != len(now):
        return
    for line, (old, new) in enumerate(zip(before, now, strict=True)):
        if old is new or old == new or len(old) != len(new) or old[:2] != new[:2]:
            continue
        if _subject(name, new) not in good:
            continue
        for span, (was, current) in enumerate(zip(old, new, strict=True)):
            if was[0] != current[0] and _is_figure(was) and _is_figure(current):
                yield _Cell(name, line, span)
                break


def _subject(name: str, row: Row) -> str | None:
    """The symbol that a line is of, "" of the pair; None of a line that is never lit."""
    first = row[1][0].strip() if len(row) > 2 else ""
    if name == "legs":
        return first or None
    return "" if name == "ratio" or _WINDOW.fullmatch(first) else None


def _is_figure(span: tuple[str, str]) -> bool:
    return span[1] in FLASHED and _DIGIT.search(span[0]) is not None


def _lit(rows: dict[str, list[Row]], cells_lit: list[_Cell]) -> dict[str, list[Row]]:
    """The rows with these cells in their lit roles; the blanks before a figure stay as they are."""
    made = dict(rows)
    for name in {cell.panel for cell in cells_lit}:
        made[name] = list(rows[name])
    for name, line, at in cells_lit:
        row = made[name][line]
        if at >= len(row) or row[at][1] not in FLASHED:
            continue
        text, role = row[at]
        value = text.strip()
        before, _, after = text.partition(value)
        pieces = tuple(
            piece for piece in ((before, role), (value, role + LIT), (after, role)) if cells(piece[0])
        )
        made[name][line] = (*row[:at], *pieces, *row[at + 1 :])
    return made
