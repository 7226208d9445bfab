"""Legs: a line per symbol with price, returns, streak, record and state."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from rotation.text import day, duration
from rotation.wording import word_with_venue
from tui.panels.base import status_role
from tui.panels.ribbon import run
from tui.view.draw import UNKNOWN, Row, Span, arrow, change, column, number, toned
from tui.view.view_state import ViewState, filter_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rotation.snapshot import Leg, Snapshot


STATE = "state"


LAST = "last"
RANKS = (4, 6, 7, 8)
"""Of the returns after the day's, in their order; those beyond are the first to go of them."""


class Column(NamedTuple):
    """One column; where room is short those with the highest ``rank`` go first."""

    head: str
    width: int
    rank: float
    cell: Callable[[str, Leg, ViewState], Span]
    right: bool = True


def _return(k: int) -> Callable[[str, Leg, ViewState], Span]:
    def cell(_symbol: str, leg: Leg, view: ViewState) -> Span:
        value = leg.return_pct.get(str(k))
        role = toned(value)
        shown = (arrow(value) if k == 1 else "") + change(value)
        return shown, f"{role}-strong" if k == view.window and role != "muted" else role

    return cell


def _since(_symbol: str, leg: Leg, view: ViewState) -> Span:
    since = leg.since.get(str(view.window))
    if since is None:
        return UNKNOWN, "muted"
    return (day(since.date), "muted") if since.date else ("record", "accent")


def _bound(sign: str, value: Callable[[Leg], float | None], decimals: int = 2) -> Callable[..., Span]:
    """High, low or volume; where prints are missing it is a bound only, and says so."""

    def cell(_symbol: str, leg: Leg, _view: ViewState) -> Span:
        known = value(leg)
        if known is None or not leg.status.range_incomplete:
            return number(known, decimals), "muted"
        return sign + number(known, decimals), "warn"

    return cell


def _state(leg: Leg) -> Span:
    return word_with_venue(leg.status), status_role(leg.status)


def _word(_symbol: str, leg: Leg, _view: ViewState) -> Span:
    return leg.state, status_role(leg.status)


def _age(age_s: float | None) -> str:
    return UNKNOWN if age_s is None else duration(age_s)


FIXED = (
    Column("", 5, 0, lambda symbol, _leg, _view: (symbol, "strong"), right=False),
    Column("", 21, 9, lambda _symbol, leg, _view: (leg.name.rpartition(" (")[0], "muted"), right=False),
    Column(LAST, 9, 1, lambda _symbol, leg, _view: (number(leg.last), "text")),
    Column("streak", 9, 3, lambda _symbol, leg, _view: (run(leg.streak), "text")),
    Column("since", 11, 5, _since),
    Column(STATE, 11, 2, lambda _symbol, leg, _view: _state(leg), right=False),
    Column("age", 5, 10, lambda _symbol, leg, _view: (_age(leg.age_s), "muted")),
    Column("post", 9, 11, lambda _symbol, leg, _view: (number(leg.extended), "muted")),
    Column("low", 10, 12, _bound("≤", lambda leg: leg.low)),
    Column("high", 10, 13, _bound("≥", lambda leg: leg.high)),
    Column("volume", 12, 14, _bound("≥", lambda leg: leg.volume, 0)),
)


def columns_of(view: ViewState) -> tuple[Column, ...]:
    """All columns in their order, the returns after the price; the day's is always among them."""
    day, *others = sorted({1, *(view.returns or view.windows)})
    ranks = [*RANKS, *(RANKS[-1] + n / 100 for n in range(1, len(others)))]
    returns = [
        Column("day %", 8, 1, _return(day)),
        *(Column(f"{k}d %", 7, rank, _return(k)) for k, rank in zip(others, ranks, strict=False)),
    ]
    at = next(n for n, column in enumerate(FIXED) if column.head == LAST) + 1
    return (*FIXED[:at], *returns, *FIXED[at:])


COLUMNS = columns_of(ViewState())
"""Those of a viewer who has chosen no windows."""


QUOTE_COLUMNS = (
    Column("", 5, 0, lambda symbol, _leg, _view: (symbol, "strong"), right=False),
    Column("bid", 9, 1, lambda _symbol, leg, _view: (number(leg.bid), "text")),
    Column("ask", 9, 2, lambda _symbol, leg, _view: (number(leg.ask), "text")),
    Column("mid", 10, 3, lambda _symbol, leg, _view: (number(leg.mid, 3), "text")),
    Column("width bp", 8, 5, lambda _symbol, leg, _view: (number(_width_bp(leg), 1), "muted")),
    Column("age", 5, 4, lambda _symbol, leg, _view: (_age(leg.quote_age_s), "muted")),
)
"""Below the prices while the panel has the whole screen and a source sends bids and asks."""


def _width_bp(leg: Leg) -> float | None:
    """From bid to ask, in basis points of their middle."""
    if leg.bid is None or leg.ask is None or leg.mid is None:
        return None
    return (leg.ask - leg.bid) / leg.mid * 10_000


class Block(NamedTuple):
    """Legs that are shown together."""

    name: str
    """Stands above them; "" for none."""
    legs: dict[str, Leg]
    absent: tuple[str, ...] = ()
    """Symbols of which nothing is known yet."""


def blocks(snapshot: Snapshot, view: ViewState) -> list[Block]:
    """What is shown: filtered, and sorted inside each block."""
    wanted = filter_of(view, "legs")
    return [
        Block(
            block.name,
            {
                symbol: block.legs[symbol]
                for symbol in _sorted(block.legs, view)
                if wanted in f"{symbol} {block.legs[symbol].name}".casefold()
            },
            tuple(symbol for symbol in block.absent if wanted in symbol.casefold()),
        )
        for block in _lists(snapshot, view)
    ]


def height_of(snapshot: Snapshot, view: ViewState) -> int:
    """Lines of legs and headings, whatever the filter: places stand while one types."""
    return sum(len(each.legs) + len(each.absent) + bool(each.name) for each in _lists(snapshot, view))


def with_order(view: ViewState, snapshot: Snapshot | None) -> ViewState:
    """The view with the order of its legs held while they are in focus, and let go when they are not."""
    if snapshot is None:
        return view
    if view.focus != "legs" or not view.sort:
        return msgspec.structs.replace(view, order=()) if view.order else view
    if view.order:
        return view
    order = tuple(symbol for block in _lists(snapshot, view) for symbol in _sorted(block.legs, view))
    return msgspec.structs.replace(view, order=order)


def _lists(snapshot: Snapshot, view: ViewState) -> list[Block]:
    """The watch list that the viewer has chosen; else the desk's own legs, then its groups."""
    chosen = [each for each in snapshot.lists if each.is_watchlist and each.name == view.list]
    lists = chosen or [each for each in snapshot.lists if not each.is_watchlist]
    if not lists:
        return [Block("", snapshot.legs)]
    return [
        Block(
            each.name,
            {symbol: snapshot.legs[symbol] for symbol in each.symbols if symbol in snapshot.legs},
            tuple(symbol for symbol in each.symbols if symbol not in snapshot.legs) if each.name else (),
        )
        for each in lists
    ]


def _sorted(legs: dict[str, Leg], view: ViewState) -> list[str]:
    """Unknown figures last, either way round."""
    if not view.sort:
        return list(legs)
    if view.order:
        places = {symbol: place for place, symbol in enumerate(view.order)}
        return sorted(legs, key=lambda symbol: places.get(symbol, len(places)))
    if view.sort == "symbol":
        return sorted(legs, reverse=view.is_rising)
    values = {symbol: _value(leg, view) for symbol, leg in legs.items()}
    known = {symbol: value for symbol, value in values.items() if value is not None}
    ranked = sorted(known, key=known.__getitem__, reverse=not view.is_rising)
    return [*ranked, *(symbol for symbol in legs if symbol not in known)]


def _value(leg: Leg, view: ViewState) -> float | None:
    if view.sort == "streak":
        return leg.streak.with_today
    return leg.return_pct.get("1" if view.sort == "day" else str(view.window))


def rows(snapshot: Snapshot, view: ViewState, width: int, height: int) -> list[Row]:
    """A header and a line per leg, in the desk's order; the chosen window stands out.

    Bids and asks follow while the panel is zoomed, where there are any.
    """
    del height
    longest = max((len(_state(leg)[0]) for leg in snapshot.legs.values()), default=0)
    named = max((len(symbol) for symbol in snapshot.legs), default=0)
    among = columns_of(view)
    columns = _fitting(width, longest, among, named=named)
    if all(c.head != STATE for c in columns):  # the venue gives way, the state never
        columns = [
            c._replace(cell=_word) if c.head == STATE else c for c in _fitting(width, 0, among, named=named)
        ]
    lines = _table(columns, snapshot, view)
    has_quotes = any(leg.mid is not None for leg in snapshot.legs.values())
    if view.zoomed and view.focus == "legs" and has_quotes:
        lines += [
            ((" ", "text"),),
            *_table(_fitting(width, 0, QUOTE_COLUMNS, named=named), snapshot, view),
        ]
    return lines if snapshot.legs else [*lines, (("no prices yet", "muted"),)]


def _table(columns: list[Column], snapshot: Snapshot, view: ViewState) -> list[Row]:
    """A header and a line per leg."""
    lines: list[Row] = [tuple(span for c in columns for span in _head(c, view))]
    for block in blocks(snapshot, view):
        if block.name:
            lines.append(((block.name, "title"),))
        lines += [
            tuple(span for c in columns for span in _spans(c, c.cell(symbol, leg, view)))
            for symbol, leg in block.legs.items()
        ]
        lines += [
            (
                (column(symbol, columns[0].width + 1, right=False), "strong"),
                (f"{UNKNOWN}  no prices yet", "muted"),
            )
            for symbol in block.absent
        ]
    return lines


def _fitting(
    width: int, state: int = 0, among: tuple[Column, ...] = COLUMNS, *, named: int = 0
) -> list[Column]:
    """Those of ``among`` that fit. ``state``: cells of the longest state, never cut: a venue ends it.

    ``named``: of the longest symbol.
    """
    columns = [c._replace(width=max(c.width, state)) if c.head == STATE else c for c in among]
    columns[0] = columns[0]._replace(width=max(columns[0].width, named))
    while sum(c.width + 1 for c in columns) > width + 1 and len(columns) > 1:
        columns.remove(max(columns, key=lambda c: c.rank))
    return columns


def _head(c: Column, view: ViewState) -> tuple[Span, Span]:
    head = f"{view.window}d since" if c.head == "since" else c.head
    chosen = c.head == ("day %" if view.window == 1 else f"{view.window}d %")
    return _spans(c, (head, "accent" if chosen else "faint"))


def _spans(c: Column, cell: Span) -> tuple[Span, Span]:
    text, role = cell
    return (column(text, c.width, right=c.right), role), (" ", "text")
