"""The vectorised step: what is known of each of the desk's legs, made anew only where it changed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from rotation.market.settled import BACK
from rotation.market.streaks import Before, streak_of, way_of
from rotation.moves import SAME, Returns
from rotation.snapshot import BaseRate, SincePct, Streak

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from rotation.history import History
    from rotation.market.session_filter import SessionFilter
    from rotation.market.settled import Baseline, Settled
    from rotation.market.streaks import Ends


class Row(msgspec.Struct, frozen=True):
    """What is known of one leg: settled before the session, and today. It changes only with the price."""

    symbol: str
    close: float | None
    """Latest official close at hand, and its session."""
    closed: date | None
    value: float | None
    """Today's, in the units of the returns asked for."""
    scale: float | None
    """Value per unit of price."""
    official: bool
    """Today's value is an official close."""
    return_pct: dict[str, float | None]
    """Over each window."""
    streak: Streak
    base_rate: BaseRate | None
    since: dict[str, SincePct | None]
    is_unadjusted: bool = False
    """History is on another scale than today's prints: it has no value, and no figure is made of it."""


class Figures(msgspec.Struct, frozen=True):
    """What today's values make of one series, a leg or a spread."""

    changes: tuple[float | None, ...]
    """Over each window: returns in percent, or spreads in pp."""
    with_today: int | None
    """The streak with today's direction on top; see ``streaks.with_today``."""


class Plan:
    """Returns, spreads, directions and streaks of several symbols and pairs, in Polars."""

    def __init__(
        self, table: pl.DataFrame, spreads: Mapping[tuple[str, str], Before], ends: Mapping[Before, Ends]
    ) -> None:
        """``table``: a row a symbol (see ``settled.Settled``). ``spreads``: how each pair's stood before.

        ``ends``: what each of today's directions makes of a streak.
        """
        self._symbols: list[str] = table["symbol"].to_list()
        self._windows = [name for name in table.columns if name.startswith(BACK)]
        self._pairs = tuple(spreads)
        # A symbol's windows one under the other: a column each would cost five times as much, and so its
        # returns are a slice.
        was = [value for row in _rows(table, self._windows) for value in row]
        self._returns = Returns(pl.Series("was", was, dtype=pl.Float64))
        place = {symbol: i * len(self._windows) for i, symbol in enumerate(self._symbols)}
        self._places = tuple((place[base], place[against]) for base, against in spreads)
        # The day's spread is the difference of two returns, each equal to within SAME.
        legs = ((ends[Before(*each)], 0.0) for each in _rows(table, ("streak", "direction")))
        self._ends = (*legs, *((ends[before], 100 * SAME) for before in spreads.values()))

    def of(self, values: list[float | None]) -> tuple[dict[str, Figures], dict[tuple[str, str], Figures]]:
        """Of today's values in the order of the table: what each symbol and each pair makes of them."""
        k, n = len(self._windows), len(self._symbols)
        value = pl.Series([value for value in values for _ in self._windows], dtype=pl.Float64)
        pct = self._returns.of(value)
        spreads = (pct.slice(base, k) - pct.slice(against, k) for base, against in self._places)
        flat = pct.to_list()
        changes = [tuple(flat[i : i + k]) for i in range(0, n * k, k)]
        changes += (tuple(spread.to_list()) for spread in spreads)
        # The first window is the session's own change: streaks rest on it.
        figures = [
            Figures(each, None if (way := way_of(each[0], least)) is None else ends[way])
            for each, (ends, least) in zip(changes, self._ends, strict=True)
        ]
        return (
            dict(zip(self._symbols, figures[:n], strict=True)),
            dict(zip(self._pairs, figures[n:], strict=True)),
        )


class Rows:
    """The desk's legs in one session. A row stays the same object until its price, close or scale changes."""

    def __init__(self, settled: Settled | None, pair: tuple[str, str]) -> None:
        """Begin with what was settled before the session; None while there is no session: then no rows.

        ``pair``: base and against, whose spread is wanted where both are legs of the desk.
        """
        self.spreads: dict[tuple[str, str], Figures] = {}
        """Of the pairs that are wanted, as of ``current``; those with a leg that is none of the desk's are
        left out."""
        self._settled = settled
        self._windows = settled.windows if settled is not None else ()
        self._known: dict[str, tuple[float | None, date | None, Before, float | None]] = {}
        """Close and its date, how the leg stood at the session before, and the value per unit of price."""
        if settled is not None:
            table = settled.table
            columns = ("symbol", "close", "date", "streak", "direction", "scale")
            for symbol, close, closed, streak, way, scale in _rows(table, columns):
                self._known[symbol] = (close, closed, Before(streak, way), scale)
        self._prices: dict[str, float | None] = {}
        """Today's; None where only prints of which the size counts have come."""
        self._official: dict[str, float | None] = {}
        """Today's settled values, which win."""
        self._closes: dict[str, float | None] = {}
        self.unadjusted: frozenset[str] = frozenset()
        """Symbols whose history is on another scale than today's prints."""
        self._changed = set(self._known)
        self._rows: dict[str, Row] = {}
        self._is_new_plan = False
        """Whether other pairs are wanted than those of ``spreads``."""
        if settled is not None:
            self.want({pair: settled.spread.before})

    def want(self, spreads: Mapping[tuple[str, str], Before]) -> None:
        """Compute the spreads of these pairs from now on, which stood so before; no row is another one."""
        if self._settled is None:
            return
        known = {pair: before for pair, before in spreads.items() if {*pair} <= self._known.keys()}
        self._plan = Plan(self._settled.table, known, self._settled.ends)
        self._is_new_plan = True

    def reprice(self, symbols: Iterable[str], session_filter: SessionFilter) -> None:
        """Take the last prices of these symbols; those off the desk have no row."""
        for symbol in self._known.keys() & symbols:
            prints = session_filter.current(symbol)
            if prints is not None:
                self._prices[symbol] = prints.last.price if prints.last else self._prices.get(symbol)
                self._changed.add(symbol)

    def forget(self, symbols: Collection[str]) -> None:
        """Drop today's prices of these symbols."""
        for symbol in self._prices.keys() & symbols:
            del self._prices[symbol]
            self._changed.add(symbol)

    def close(self, history: History, column: str) -> None:
        """Take the session's official closes, where history has them. ``column``: of the values."""
        if self._settled is None:
            return
        for symbol, close, value in _rows(history.on(self._settled.session), ("symbol", "close", column)):
            if symbol in self._known:
                self._closes[symbol], self._official[symbol] = close, value
                self._changed.add(symbol)

    def price(self, symbol: str) -> float | None:
        """Today's last price of a leg; None without one."""
        return self._prices.get(symbol)

    def mark_unadjusted(self, symbols: frozenset[str]) -> None:
        """Those whose history is on another scale than today's prints; it replaces all before."""
        self._changed |= (self.unadjusted ^ symbols) & self._known.keys()
        self.unadjusted = symbols

    def current(self) -> dict[str, Row]:
        """The rows of the legs that have history or prints, in the desk's order."""
        if self._changed or self._is_new_plan:
            figures, self.spreads = self._plan.of([self._value(symbol) for symbol in self._known])
            rows = {
                symbol: self._row(symbol, today) if symbol in self._changed else self._rows.get(symbol)
                for symbol, today in figures.items()
            }
            self._rows = {symbol: row for symbol, row in rows.items() if row is not None}
            self._changed.clear()
            self._is_new_plan = False
        return self._rows

    def _value(self, symbol: str) -> float | None:
        """Today's value, by the official close or else the price; None while unknown, or on another scale."""
        if symbol in self.unadjusted:
            return None
        official, price, scale = self._official.get(symbol), self._prices.get(symbol), self._known[symbol][3]
        if official is not None:
            return official
        return None if price is None or scale is None else price * scale

    def _row(self, symbol: str, today: Figures) -> Row | None:
        """``today``: what its value makes of it. None where neither a close nor a print is known."""
        assert self._settled is not None
        close, closed, before, scale = self._known[symbol]
        if symbol in self._closes and (self._closes[symbol] is not None or close is None):
            close, closed = self._closes[symbol], self._settled.session
        elif closed is None and symbol not in self._prices:
            return None
        is_unadjusted = symbol in self.unadjusted
        official = self._official.get(symbol) is not None and not is_unadjusted
        pcts = today.changes
        streak = streak_of(None if is_unadjusted else before.streak, today.with_today, official=official)
        baseline = self._settled.legs[symbol]
        return Row(
            symbol=symbol,
            close=close,
            closed=closed,
            value=self._value(symbol),
            scale=None if is_unadjusted else scale,
            official=official,
            return_pct={str(k): pct for k, pct in zip(self._windows, pcts, strict=True)},
            streak=streak,
            base_rate=baseline.runs.rate(streak),
            since={str(k): _since(baseline, k, pct) for k, pct in zip(self._windows, pcts, strict=True)},
            is_unadjusted=is_unadjusted,
        )


def _rows(table: pl.DataFrame, columns: Iterable[str]) -> Iterable[tuple[Any, ...]]:
    """The rows of these columns, without a query."""
    return zip(*(table[name].to_list() for name in columns), strict=True)


def _since(baseline: Baseline, k: int, value: float | None) -> SincePct | None:
    since = baseline.records[k].since(value)
    return SincePct(since.date, since.value, since.first_date) if since else None
