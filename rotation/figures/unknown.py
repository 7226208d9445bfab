"""Why a figure has no value, by the first of its inputs that is missing. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rotation.context.explanation import Unknown
from rotation.desk import pair_prefix
from rotation.fed.prediction_markets import VENUES
from rotation.figures.causes import members
from rotation.figures.fed import meeting_of
from rotation.figures.figure import own_parts
from rotation.figures.more_pairs import snapshot_of
from rotation.market.records import SINCE_LEAST, TRAILING, is_few
from rotation.status import Kind

if TYPE_CHECKING:
    from rotation.fed.figures import Fed
    from rotation.figures.figure import Figure
    from rotation.snapshot import Leg, Snapshot

COMPARED = frozenset({"since", "since_either_way", "record"})
"""Parts of the ids of figures that need SINCE_LEAST settled values."""
RUNS = frozenset({"streak", "relative_streak"})
OF_ONE_PRICE = {
    "high": Unknown.NO_PRINT,
    "low": Unknown.NO_PRINT,
    "volume": Unknown.NO_VOLUME,
    "extended": Unknown.NO_EXTENDED,
    "bid": Unknown.NO_QUOTE,
    "ask": Unknown.NO_QUOTE,
    "mid": Unknown.NO_QUOTE,
    "quote_age_s": Unknown.NO_QUOTE,
    "age_s": Unknown.CLOSE_HAS_NO_AGE,
}
"""Last part of an id → what is missing where there is a leg."""


class Why(NamedTuple):
    """A reason, and the symbols that it is about; none where it is about no symbol."""

    reason: Unknown
    symbols: tuple[str, ...] = ()


def why(figure: Figure, snapshot: Snapshot) -> Why:
    """Why this figure, which has no value in this Snapshot, has none."""
    shown = snapshot_of(snapshot, figure.pair) if figure.pair else snapshot
    if shown is None:
        return Why(Unknown.NOT_SHOWN, (figure.pair,))
    name = figure.id.removeprefix(pair_prefix(figure.pair))
    if figure.reads == "fed":
        return Why(_of_fed(name, shown.fed))
    if figure.reads == "macro":
        return Why(Unknown.NO_MACRO)
    if figure.reads == "members":
        index = members.index_of(name, shown)
        return Why(Unknown.NO_MEMBERS if index is None else Unknown.FEW_MEMBERS, (members.fund_of(name),))
    if name.startswith("value_growth"):
        return Why(Unknown.FEW) if shown.value_growth else Why(Unknown.NO_PAIR, figure.symbols)
    return _of_prices(name, figure.symbols, shown)


def _of_fed(name: str, fed: Fed | None) -> Unknown:
    if fed is None:
        return Unknown.NO_FED
    parts = name.split(".")
    if "change" in parts:
        return Unknown.NO_SETTLEMENT
    if any(venue.lower() in parts for venue in VENUES):
        return Unknown.NO_VENUE
    place = meeting_of(parts[1])
    if place is None or place >= len(fed.meetings):
        return Unknown.NO_MEETING
    if parts[-1] == "at_least_one_cut" and fed.meetings[place].cut is not None:
        return Unknown.OUTSIDE
    return Unknown.UNSOLVED


def _of_prices(name: str, symbols: tuple[str, ...], snapshot: Snapshot) -> Why:
    if snapshot.session is None:
        return Why(Unknown.NO_SESSION)
    if absent := tuple(symbol for symbol in symbols if symbol not in snapshot.legs):
        return Why(Unknown.NO_LEG, absent)
    legs = {symbol: snapshot.legs[symbol] for symbol in symbols}
    if odd := tuple(symbol for symbol, leg in legs.items() if leg.status.kind is Kind.UNADJUSTED):
        return Why(Unknown.UNADJUSTED, odd)
    parts = own_parts(name, symbols)
    if parts[-1] in OF_ONE_PRICE:
        return Why(OF_ONE_PRICE[parts[-1]], symbols)
    if late := tuple(symbol for symbol, leg in legs.items() if _is_late(leg, snapshot)):
        return Why(Unknown.NO_PRICE, late)
    return _of_runs(name, parts, symbols) or _of_series(parts, symbols, legs, snapshot)


def _of_runs(name: str, parts: list[str], symbols: tuple[str, ...]) -> Why | None:
    """Of the graph, the ratio and runs; None of any other figure."""
    if parts[0] == "graph":
        return Why(Unknown.NO_GRAPH, symbols)
    if name == "ratio":
        return Why(Unknown.NO_PAIR, symbols)
    if "run" in parts:
        return Why(Unknown.NO_RUN)
    return Why(Unknown.RUN) if RUNS & set(parts) else None


def _is_late(leg: Leg, snapshot: Snapshot) -> bool:
    return leg.last is None or leg.session != snapshot.session


def _of_series(parts: list[str], symbols: tuple[str, ...], legs: dict[str, Leg], snapshot: Snapshot) -> Why:
    """Of returns, spreads and all that ranks them."""
    windows = [part for part in parts if part.isdigit()]
    window = windows[-1] if windows else "5" if parts[-1] == "record" else "1"
    if short := tuple(symbol for symbol, leg in legs.items() if leg.return_pct.get(window) is None):
        return Why(Unknown.NO_CLOSE, short)
    if parts[-1] in ("pp", "leader", "day_pct") or "return" in parts:
        return Why(Unknown.NO_INPUT, symbols)
    if COMPARED & set(parts):
        return Why(Unknown.FEW)
    if parts[-1] == "z":
        return Why(_of_z(snapshot.spread.windows[window].n, int(window)))
    return Why(Unknown.FEW if parts[-1] == "percentile" else Unknown.NO_VALUE)


def _of_z(n: int, window: int) -> Unknown:
    if is_few(window):
        return Unknown.FEW_WINDOWS
    return Unknown.FEW if n < max(TRAILING, SINCE_LEAST) else Unknown.EQUAL
