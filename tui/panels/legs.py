"""Legs: a line per symbol with price, returns, streak, record and state."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from rotation.text import day, duration
from rotation.wording import word_with_venue
from tui.panels.base import status_role
from tui.panels.ribbon import run
from tui.view.draw import UNKNOWN, Row, Span, arrow, change, column, number, toned
from tui.view.marks import marker
from tui.view.tracks import sparkline, track
from tui.view.view_state import ViewState, filter_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rotation.context.figures import HistoryLine
    from rotation.snapshot import Leg, Snapshot


STATE = "state"
FIGURES = {
    "last": "last", "day %": "return.1", "streak": "streak.with_today", "since": "since.{window}",
    STATE: "status", "age": "age_s", "post": "extended", "low": "low", "high": "high", "volume": "volume",
}  # fmt: skip
"""Column → the end of the id of its figure; the returns over windows come to these."""
QUOTES = {"bid": "bid", "ask": "ask", "mid": "mid", "age": "quote_age_s"}
"""The same below, of bids and asks."""
YEAR = 252
"""Sessions of the lines in the zoom."""


LINE, YEAR_TRACK, DAY_TRACK = 32, 19, 11
"""Cells of a leg's year, of its range, and of the day's."""
DAY = {"day low": "low", "day high": "high"}
COMPUTING = "reading a year of closes…"
PAUSED = "paused: a year of closes is shown once the screen resumes"


RANGE, RANGE_TRACK = "low ─ high", 10
"""The session's range, beside the day's return where there is room."""
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


def _day_range(_symbol: str, leg: Leg, _view: ViewState) -> Span:
    """Where the price stands between the session's low and high; without all prints these are bounds."""
    share = _share(leg.last, leg.low, leg.high)
    if share is None:
        return UNKNOWN, "muted"
    drawn = track(share, RANGE_TRACK)
    return (f"≤{drawn[1:-1]}≥", "warn") if leg.status.range_incomplete else (drawn, "muted")


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
        Column(RANGE, RANGE_TRACK, RANKS[1] + 0.5, _day_range, right=False),
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

    While the panel is zoomed each leg's year and day follow, then bids and asks where there are any.
    """
    del height
    longest = max((len(_state(leg)[0]) for leg in snapshot.legs.values()), default=0)
    named = max((len(symbol) for symbol in snapshot.legs), default=0)
    among = columns_of(view)
    columns = _fitting(width, longest, among, named=named)
    if all(c.head != STATE for c in columns):  # the venue gives way, the state never
        fitting = _fitting(width, 0, among, named=named)
        columns = [c._replace(cell=_word) if c.head == STATE else c for c in fitting]
    returns = {f"{k}d %": f"return.{k}" for k in (*view.windows, *view.returns) if k > 1}
    lines = _table(columns, snapshot, view, {**FIGURES, **returns})
    has_quotes = any(leg.mid is not None for leg in snapshot.legs.values())
    if view.zoomed and view.focus == "legs":
        if snapshot.lines or snapshot.legs:
            lines += [(), *_ranges(snapshot, view, width, named)]
        if has_quotes:
            lines += [
                ((" ", "text"),),
                *_table(_fitting(width, 0, QUOTE_COLUMNS, named=named), snapshot, view, QUOTES),
            ]
    return lines if snapshot.legs else [*lines, (("no prices yet", "muted"),)]


def _ranges(snapshot: Snapshot, view: ViewState, width: int, named: int) -> list[Row]:
    """Of every leg the closes of a year, where the price stands in their range, and in the day's."""
    if not any(symbol in snapshot.lines for symbol in snapshot.legs):
        why = PAUSED if view.paused else COMPUTING
        return [((why, "muted"),)]
    years = {
        symbol: _Year.of(leg, snapshot.lines.get(symbol), snapshot) for symbol, leg in snapshot.legs.items()
    }

    def of(read: Callable[[_Year, int], Span], size: int) -> Callable[[str, Leg, ViewState], Span]:
        return lambda symbol, _leg, _view: read(years[symbol], size)

    def day_track(_symbol: str, leg: Leg, _view: ViewState) -> Span:
        return track(_share(leg.last, leg.low, leg.high), DAY_TRACK), "muted"

    columns = (
        Column("", 5, 0, lambda symbol, _leg, _view: (symbol, "strong"), right=False),
        Column(
            f"closes, {YEAR} sessions", LINE, 1, of(lambda year, size: year.line(size), LINE), right=False
        ),
        Column("low", 9, 4, of(lambda year, _: (number(year.low), "muted"), 0)),
        Column("52 weeks", YEAR_TRACK, 2, of(lambda year, size: year.track(size), YEAR_TRACK), right=False),
        Column("high", 9, 3, of(lambda year, _: (number(year.high), "muted"), 0)),
        Column("from high", 9, 6, of(lambda year, _: year.from_high(), 0)),
        Column("day low", 10, 8, _bound("≤", lambda leg: leg.low)),
        Column("today", DAY_TRACK, 5, day_track, right=False),
        Column("day high", 10, 7, _bound("≥", lambda leg: leg.high)),
    )
    return _table(_fitting(width, 0, tuple(columns), named=named), snapshot, view, DAY, are_absent=False)


class _Year(NamedTuple):
    """A leg's closes and its price."""

    values: tuple[float, ...]
    """Oldest first, the price of the session shown last."""
    low: float | None
    high: float | None
    last: float | None
    n: int
    """Closes among the sessions of a year; fewer than YEAR - 1 where some are missing."""

    @classmethod
    def of(cls, leg: Leg, line: HistoryLine | None, snapshot: Snapshot) -> _Year:
        closes = [value for _, value in line.points] if line else []
        ends = [end[1] for end in (line.low, line.high) if end] if line else []
        last = leg.last if leg.session == snapshot.session else None
        now = [] if last is None else [last]
        known = [*ends, *now]
        low, high = min(known, default=None), max(known, default=None)
        return cls((*closes, *now) if closes else (), low, high, last, line.n if line else 0)

    def line(self, width: int) -> Span:
        if not self.values:
            return UNKNOWN, "muted"
        fewer = f" n {self.n}" if self.n < YEAR - 1 else ""
        return sparkline(self.values, width - len(fewer)) + fewer, "line"

    def track(self, width: int) -> Span:
        return track(_share(self.last, self.low, self.high), width), "text"

    def from_high(self) -> Span:
        if self.last is None or not self.high:
            return UNKNOWN, "muted"
        pct = (self.last / self.high - 1) * 100
        return ("at high", "accent") if not pct else (f"{change(pct, 1)} %", "muted")


def _share(value: float | None, low: float | None, high: float | None) -> float | None:
    """Where a value stands between two others, as a share of 1; None where that is not known."""
    if value is None or low is None or high is None:
        return None
    return 0.5 if high <= low else min(max((value - low) / (high - low), 0.0), 1.0)


def _table(
    columns: list[Column],
    snapshot: Snapshot,
    view: ViewState,
    figures: Mapping[str, str],
    *,
    are_absent: bool = True,
) -> list[Row]:
    """A header and a line per leg. ``figures``: column → the end of the id of what it shows."""
    mark = marker(view, "legs")
    lines: list[Row] = [tuple(span for c in columns for span in _head(c, view))]

    def cell(c: Column, symbol: str, leg: Leg) -> tuple[Span, Span]:
        text, role = c.cell(symbol, leg, view)
        of = figures.get(c.head, "").format(window=view.window)
        return _spans(c, (text, mark(role, of and f"{symbol.lower()}.{of}")))

    for block in blocks(snapshot, view):
        if block.name:
            lines.append(((block.name, "title"),))
        lines += [
            tuple(span for c in columns for span in cell(c, symbol, leg))
            for symbol, leg in block.legs.items()
        ]
        lines += [
            (
                (column(symbol, columns[0].width + 1, right=False), "strong"),
                (f"{UNKNOWN}  no prices yet", "muted"),
            )
            for symbol in (block.absent if are_absent else ())
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
