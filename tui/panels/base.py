"""What a panel is: a function to rows, and the frame around them. Knows no terminal."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rotation.status import BAD, Kind, Refusal
from rotation.wording import ages, clauses
from tui.view.draw import Row, fit
from tui.view.view_state import FILTERED, keyed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.snapshot import Snapshot
    from rotation.status import DerivedStatus, FeedState, PriceStatus
    from tui.view.view_state import ViewState


class Panel(NamedTuple):
    """A panel as the desk knows it; ``rows`` is pure."""

    id: str
    rows: RowsOf
    title: str = ""
    """Stands in the border, with the panel's number; a panel without a title has no border."""

    def draw(self, snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> Drawn:
        """The panel's rows on ``width`` × ``height`` cells, scrolled if the viewer scrolled it."""
        return self.shown(self.contents(snapshot, view, width, height), view, width, height)

    def _marks(self, view: ViewState) -> str:
        """How the panel is sorted and what it is filtered by, for its title."""
        sort = f" by {view.sort} {'▲' if view.is_rising else '▼'}" if self.id == "legs" and view.sort else ""
        wanted = view.filter if self.id in FILTERED and self.is_focused(view) else ""
        is_typed = view.typing and self.id in FILTERED and self.is_focused(view)
        return f"{sort} /{wanted}{'▏' if is_typed else ''}" if wanted or is_typed else sort

    def is_focused(self, view: ViewState) -> bool:
        """Whether keys scroll this panel."""
        return self.id == keyed(view)

    def contents(self, snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> list[Row]:
        """All rows inside the border of a panel of this size, those scrolled out of sight too."""
        edge_x, edge_y = (4, 2) if self.title else (0, 0)
        return [OPENING] if snapshot is None else self.rows(snapshot, view, width - edge_x, height - edge_y)

    def shown(self, rows: list[Row], view: ViewState, width: int, height: int) -> Drawn:
        """The part of the contents that is in sight, with the border."""
        room = height - (2 if self.title else 0)
        focused = self.is_focused(view)
        most = max(0, len(rows) - room)
        first = min(view.scroll, most) if focused else 0
        shown = rows[first : first + room]
        if not self.title:
            blank = [()] * (room - len(shown))
            return Drawn([fit(row, width) for row in (*shown, *blank)], most)
        more = self._marks(view) + " ↑" * (first > 0) + " ↓" * (first < most)
        return Drawn(framed(shown, self.title + more, width, height, focused=focused), most)


class Drawn(NamedTuple):
    """What a panel looks like, and how far it could be scrolled."""

    rows: list[Row]
    most: int


OPENING: Row = (("opening…", "muted"),)


class RowsOf(Protocol):
    """Builds a panel's rows, any number of them, each to be cut or padded to ``width``."""

    def __call__(self, snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
        """``width`` and ``height``: the room inside the border, in cells."""
        ...


def framed(rows: Sequence[Row], title: str, width: int, height: int, *, focused: bool) -> list[Row]:
    """Rows inside a border that carries the title; exactly ``height`` rows of ``width`` cells."""
    role = "focus" if focused else "border"
    inner = width - 4
    label = fit(((f" {title} ", "title-focus" if focused else "title"),), min(len(title) + 2, width - 3))
    rule = "─" * (width - 3 - sum(len(text) for text, _ in label))
    body = [*rows[: height - 2], *[()] * (height - 2 - len(rows))]
    return [
        (("╭─", role), *label, (rule + "╮", role)),
        *(_bordered(row, inner, role) for row in body),
        (("╰" + "─" * (width - 2) + "╯", role),),
    ]


@lru_cache(maxsize=4096)
def _bordered(row: Row, inner: int, role: str) -> Row:
    """A row between the sides of its border. Most are those of the frame before, or of another room."""
    return (("│ ", role), *fit(row, inner), (" │", role))


def kind_role(state: FeedState) -> str:
    """The style of a state: what is stale must look stale."""
    if isinstance(state, Refusal):
        return "alert"
    if state in BAD:
        return "warn"
    return "accent" if state in (Kind.LIVE, Kind.DEMO, Kind.REPLAY) else "muted"


def status_role(status: PriceStatus | None) -> str:
    """The style of what a price is worth; of one whose worth is not known that of OFFLINE."""
    return kind_role(Kind.OFFLINE if status is None else status.kind)


def about(figure: float | None, status: DerivedStatus | None) -> str:
    """``≈`` before a figure whose inputs are not of one instant; else, and where it is unknown, empty."""
    return "≈" if figure is not None and status is not None and status.apart else ""


def pair_note(snapshot: Snapshot) -> str:
    """What is wrong with the prices of the pair; empty where nothing is, or without a figure."""
    spread, status = snapshot.spread, snapshot.ratio.status
    if status is None or all(window.pp is None for window in spread.windows.values()):
        return ""
    legs = {symbol: snapshot.legs[symbol] for symbol in (spread.base, spread.against)}
    if status.apart:
        return f"≈ not of one instant: {ages({symbol: leg.status for symbol, leg in legs.items()})}"
    return clauses({symbol: (leg.status, leg.settled_session) for symbol, leg in legs.items()})
