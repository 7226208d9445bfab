"""The columns of the legs: what each shows of a leg, and which of them fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rotation.text import day, duration
from rotation.wording import word_with_venue
from tui.panels.base import status_role
from tui.panels.ribbon import run
from tui.view.draw import UNKNOWN, Span, arrow, change, number, toned
from tui.view.tracks import track
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from collections.abc import Callable

    from rotation.snapshot import Leg


STATE, SINCE = "state", "since"
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
    share = share_of(leg.last, leg.low, leg.high)
    if share is None:
        return UNKNOWN, "muted"
    drawn = track(share, RANGE_TRACK)
    return (f"≤{drawn[1:-1]}≥", "warn") if leg.status.range_incomplete else (drawn, "muted")


def bound(sign: str, value: Callable[[Leg], float | None], decimals: int = 2) -> Callable[..., Span]:
    """High, low or volume; where prints are missing it is a bound only, and says so."""

    def cell(_symbol: str, leg: Leg, _view: ViewState) -> Span:
        known = value(leg)
        if known is None or not leg.status.range_incomplete:
            return number(known, decimals), "muted"
        return sign + number(known, decimals), "warn"

    return cell


def state(leg: Leg) -> Span:
    """What its price is worth, as a word and the exchange if it is of one only."""
    return word_with_venue(leg.status), status_role(leg.status)


def word_only(_symbol: str, leg: Leg, _view: ViewState) -> Span:
    """The cell of that without the exchange, where it has no room."""
    return leg.state, status_role(leg.status)


def _age(age_s: float | None) -> str:
    return UNKNOWN if age_s is None else duration(age_s)


def share_of(value: float | None, low: float | None, high: float | None) -> float | None:
    """Where a value stands between two others, as a share of 1; None where that is not known."""
    if value is None or low is None or high is None:
        return None
    return 0.5 if high <= low else min(max((value - low) / (high - low), 0.0), 1.0)


FIXED = (
    Column("", 5, 0, lambda symbol, _leg, _view: (symbol, "strong"), right=False),
    Column("", 21, 9, lambda _symbol, leg, _view: (leg.name.rpartition(" (")[0], "muted"), right=False),
    Column(LAST, 9, 1, lambda _symbol, leg, _view: (number(leg.last), "text")),
    Column("streak", 9, 3, lambda _symbol, leg, _view: (run(leg.streak), "text")),
    Column(SINCE, 11, 5, _since),
    Column(STATE, 11, 2, lambda _symbol, leg, _view: state(leg), right=False),
    Column("age", 5, 10, lambda _symbol, leg, _view: (_age(leg.age_s), "muted")),
    Column("post", 9, 11, lambda _symbol, leg, _view: (number(leg.extended), "muted")),
    Column("low", 10, 12, bound("≤", lambda leg: leg.low)),
    Column("high", 10, 13, bound("≥", lambda leg: leg.high)),
    Column("volume", 12, 14, bound("≥", lambda leg: leg.volume, 0)),
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


def fitting(
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
