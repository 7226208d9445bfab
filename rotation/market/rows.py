"""The vectorised step: what is known of each of the desk's legs, made anew only where it changed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from rotation.desk import WINDOWS
from rotation.market.streaks import Before, streak_of, way
from rotation.moves import return_pct
from rotation.snapshot import BaseRate, SincePct, Streak

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from rotation.history import History
    from rotation.market.session_filter import SessionFilter
    from rotation.market.settled import Baseline, Settled

RETURN = return_pct(pl.col("value"), pl.col("was"))
"""Built once: building expressions costs more than a desk's worth of their results."""


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


class Returns:
    """Returns of several symbols over every window, in one expression."""

    def __init__(self, table: pl.DataFrame) -> None:
        """``table``: a row a symbol, with ``back_1`` … ``back_252`` (see ``settled.Settled``)."""
        self._n = table.height
        # Window after window in one column: a column each would cost five times as much.
        self._was = pl.DataFrame({"was": pl.concat([table[f"back_{k}"] for k in WINDOWS])})

    def of(self, values: list[float | None]) -> list[tuple[float | None, ...]]:
        """In percent, a tuple of windows for each value, in the order of the table. Unknown is None."""
        value = pl.Series("value", values * len(WINDOWS), dtype=pl.Float64)
        pcts = self._was.hstack([value]).select_seq(RETURN).to_series().to_list()
        return list(
            zip(*(pcts[start : start + self._n] for start in range(0, len(pcts), self._n)), strict=True)
        )


class Rows:
    """The desk's legs in one session. A row stays the same object until its price, close or scale changes."""

    def __init__(self, settled: Settled | None) -> None:
        """Begin with what was settled before the session; None while there is no session: then no rows."""
        self._settled = settled
        self._known: dict[str, tuple[float | None, date | None, Before, float | None]] = {}
        """Close and its date, how the leg stood at the session before, and the value per unit of price."""
        if settled is not None:
            table = settled.table
            self._returns = Returns(table)
            columns = ("symbol", "close", "date", "streak", "direction", "scale")
            for symbol, close, closed, streak, way, scale in table.select(columns).iter_rows():
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

    def reprice(self, symbols: Iterable[str], door: SessionFilter) -> None:
        """Take the last prices of these symbols; those off the desk have no row."""
        for symbol in self._known.keys() & symbols:
            prints = door.current(symbol)
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
        rows = history.on(self._settled.session).select("symbol", "close", pl.col(column).alias("value"))
        for symbol, close, value in rows.iter_rows():
            if symbol in self._known:
                self._closes[symbol], self._official[symbol] = close, value
                self._changed.add(symbol)

    def price(self, symbol: str) -> float | None:
        """Today's last price of a leg; None where there is none."""
        return self._prices.get(symbol)

    def mark_unadjusted(self, symbols: frozenset[str]) -> None:
        """Those whose history is on another scale than today's prints; it replaces all before."""
        self._changed |= (self.unadjusted ^ symbols) & self._known.keys()
        self.unadjusted = symbols

    def current(self) -> dict[str, Row]:
        """The rows of the legs that have history or prints, in the desk's order."""
        if self._changed:
            returns = self._returns.of([self._value(symbol) for symbol in self._known])
            rows = {
                symbol: self._row(symbol, pcts) if symbol in self._changed else self._rows.get(symbol)
                for symbol, pcts in zip(self._known, returns, strict=True)
            }
            self._rows = {symbol: row for symbol, row in rows.items() if row is not None}
            self._changed.clear()
        return self._rows

    def _value(self, symbol: str) -> float | None:
        """Today's value, by the official close or else the price; None while unknown, or on another scale."""
        if symbol in self.unadjusted:
            return None
        official, price, scale = self._official.get(symbol), self._prices.get(symbol), self._known[symbol][3]
        if official is not None:
            return official
        return None if price is None or scale is None else price * scale

    def _row(self, symbol: str, pcts: tuple[float | None, ...]) -> Row | None:
        """``pcts``: today's returns over every window. None where neither a close nor a print is known."""
        assert self._settled is not None
        close, closed, before, scale = self._known[symbol]
        if symbol in self._closes and (self._closes[symbol] is not None or close is None):
            close, closed = self._closes[symbol], self._settled.session
        elif closed is None and symbol not in self._prices:
            return None
        is_unadjusted = symbol in self.unadjusted
        official = self._official.get(symbol) is not None and not is_unadjusted
        streak = streak_of(Before() if is_unadjusted else before, way(pcts[0]), official=official)
        baseline = self._settled.legs[symbol]
        return Row(
            symbol=symbol,
            close=close,
            closed=closed,
            value=self._value(symbol),
            scale=None if is_unadjusted else scale,
            official=official,
            return_pct={str(k): pct for k, pct in zip(WINDOWS, pcts, strict=True)},
            streak=streak,
            base_rate=baseline.runs.rate(streak),
            since={str(k): _since(baseline, k, pct) for k, pct in zip(WINDOWS, pcts, strict=True)},
            is_unadjusted=is_unadjusted,
        )


def _since(baseline: Baseline, k: int, value: float | None) -> SincePct | None:
    since = baseline.records[k].since(value)
    return SincePct(since.date, since.value, since.first_date) if since else None
