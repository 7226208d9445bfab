"""What a panel is: a function to rows, and the words and styles that panels share. Knows no terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from rotation.status import BAD, Kind, Refusal
from rotation.wording import ages, clauses, source_with_venue, word
from tui.view.chart.crosshair import READING
from tui.view.draw import flowed

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from rotation.status import DerivedStatus, FeedState, PriceStatus
    from tui.view.draw import Row
    from tui.view.view_state import ViewState


class Panel(NamedTuple):
    """A panel as the desk knows it; ``rows`` is pure."""

    id: str
    rows: RowsOf
    title: str = ""
    """Stands in the border, with the panel's number; a panel without a title has no border."""


class Point(NamedTuple):
    """A point of a chart as a person reads it."""

    when: str
    """Its date, and its time where it has one."""
    value: str
    worth: str
    """Its status and source in words."""
    role: str
    """The style of these."""


class RowsOf(Protocol):
    """Builds a panel's rows, any number of them, each to be cut or padded to ``width``."""

    def __call__(self, snapshot: Snapshot | None, view: ViewState, width: int, height: int) -> list[Row]:
        """``width`` and ``height``: the room inside the border, in cells.

        ``snapshot``: None before the first figures; only help, the commands and their footer are drawn then.
        """
        ...


def kind_role(state: FeedState) -> str:
    """The style of a state: what is stale must look stale."""
    if isinstance(state, Refusal):
        return "alert"
    if state in BAD:
        return "warn"
    return "accent" if state in (Kind.LIVE, Kind.DEMO, Kind.REPLAY) else "muted"


def status_role(status: PriceStatus | None) -> str:
    """The style of what a price is worth; of one whose worth is not known that of OFFLINE."""
    if status is not None and status.auction_missing:
        return "warn"
    return kind_role(Kind.OFFLINE if status is None else status.kind)


def about(figure: float | None, status: DerivedStatus | None) -> str:
    """``≈`` before a figure whose inputs are not of one instant; else, and where it is unknown, empty."""
    return "≈" if figure is not None and status is not None and status.apart else ""


def pair_note(snapshot: Snapshot) -> str:
    """What is wrong with the prices of the pair; empty where nothing is, or without a figure."""
    spread, status = snapshot.spread, snapshot.ratio.status
    if status is None or all(window.pp is None for window in spread.windows.values()):
        return ""
    legs, pair = snapshot.legs, (spread.base, spread.against)
    if status.apart:
        return f"≈ prices from different times: {ages({symbol: legs[symbol].status for symbol in pair})}"
    return clauses({symbol: (legs[symbol].status, legs[symbol].settled_session) for symbol in pair})


def worth_of(status: DerivedStatus | None) -> tuple[str, str]:
    """``LIVE Alpaca IEX``: the words of a status and its source, and their role."""
    if status is None:
        return Kind.OFFLINE.value, kind_role(Kind.OFFLINE)
    return f"{word(status)} {source_with_venue(status)}".rstrip(), kind_role(status.kind)


def reading(point: Point, width: int) -> list[Row]:
    """What the point under the crosshair is, and what its value is worth; on as few lines as it needs."""
    parts: tuple[Row, ...] = (
        (READING, (point.when, "text")),
        (("  ", "text"), (point.value, "accent")),
        (("  ", "text"), (point.worth, point.role)),
    )
    return flowed(parts, width)
