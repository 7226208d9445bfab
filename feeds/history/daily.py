"""What a source of daily history is, and what it may hand over: settled closes of one symbol each.

A source says in one answer per symbol either bars or why there are none. What concerns all symbols
(a quota used up, a refused key, no network) it raises as SourceAway, so that nobody asks 2,000 times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
import polars as pl

from feeds.errors import SourceAway, SourceError
from feeds.history.importing import KNOWN, SCHEMA
from rotation.history import rounded
from rotation.quote import PRICE_MAX
from rotation.sessions import SETTLE_NS, close_ns, new_york_day, previous_session, sessions_between

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

Row = tuple[object, ...]
"""date, close, adj_close, open, high, low, volume."""


class Bars(msgspec.Struct, frozen=True):
    """Settled days of one symbol, as ``settled`` made them."""

    frame: pl.DataFrame
    """The columns of feeds.history.importing.SCHEMA, sorted by date; at least one row."""
    rejected: int = 0
    """Settled days left out because their close was no price."""
    restating: bool = False
    """A split of today or later is listed: the vendor may restate its closes at any moment."""


Answer = Bars | SourceError


class DailySource(Protocol):
    """One vendor's daily history."""

    name: str
    """As a person knows it: "Yahoo"."""
    restates: bool
    """Whether it adjusts for a split of today by itself, whatever lists say, by the opening bell."""

    def serves(self, symbol: str) -> bool:
        """Whether it is worth asking for this symbol at all."""
        ...

    def at_once(self, sessions: int) -> int:
        """How many symbols of so many sessions each to ask for together; at least 1."""
        ...

    async def daily(self, symbols: Sequence[str], since: date, through: date) -> Mapping[str, Answer]:
        """Split-adjusted bars from ``since`` to ``through``, both included; an answer for every symbol.

        Raises SourceAway. Keeps within the vendor's limits by itself.
        """
        ...


def last_settled(now_ns: int) -> date:
    """The latest session whose close may be taken from a source at this instant."""
    day = new_york_day(now_ns)
    if sessions_between(day, day) and close_ns(day) + SETTLE_NS <= now_ns:
        return day
    return previous_session(day)


def settled(
    symbol: str, rows: Iterable[Row], *, since: date, through: date, known_ns: int, source: str
) -> Bars:
    """Rows (see ``Row``; later ones replace earlier ones of the same day) as Bars.

    Days without a session, outside ``since`` to ``through``, or not settled at ``known_ns`` (the instant the
    answer describes, never later than it was asked for) are left out. Raises SourceError if none remains.
    """
    kinds = {name: pl.Date if name == "date" else pl.Float64 for name in KNOWN}
    frame = pl.DataFrame(list(rows), schema=kinds, orient="row", strict=False)
    last = min(through, last_settled(known_ns))
    days = sessions_between(since, last) if since <= last else []
    frame = frame.filter(pl.col("date").is_in(days)).unique("date", keep="last").sort("date")
    shares = pl.when(pl.col("volume").is_between(0, _MOST_SHARES)).then(pl.col("volume").round())
    good = frame.with_columns(
        *(pl.when(_is_price(name)).then(pl.col(name)).alias(name) for name in _PRICES),
        shares.cast(SCHEMA["volume"]).alias("volume"),
    )
    good = good.filter(pl.any_horizontal(pl.col("close", "adj_close").is_not_null()))
    if good.is_empty():
        raise SourceError(f"{source}: no settled close for {symbol} since {since}")
    bars = good.select(pl.lit(symbol).alias("symbol"), *KNOWN).with_columns(rounded(*_PRICES))
    return Bars(bars, frame.height - good.height)


class OneByOne:
    """Half a DailySource: of a vendor that is asked for each symbol alone."""

    restates = False

    def serves(self, symbol: str) -> bool:  # noqa: ARG002 - of the protocol
        """Shares, funds and indices alike."""
        return True

    def at_once(self, sessions: int) -> int:  # noqa: ARG002 - of the protocol
        """A request holds one symbol."""
        return 1

    async def daily(self, symbols: Sequence[str], since: date, through: date) -> Mapping[str, Answer]:
        """See DailySource."""
        answers: dict[str, Answer] = {}
        for symbol in symbols:
            try:
                answers[symbol] = await self._bars_of(symbol, since, through)
            except SourceAway:
                raise
            except SourceError as error:
                answers[symbol] = error
        return answers

    async def _bars_of(self, symbol: str, since: date, through: date) -> Bars:
        """The bars of one symbol. Raises SourceError where there are none, SourceAway as ``daily`` does."""
        raise NotImplementedError


_PRICES = ("close", "adj_close", "open", "high", "low")
_MOST_SHARES = 1e13


def _is_price(name: str) -> pl.Expr:
    """The rule of feeds.parsing.fields.price, for a whole column."""
    return pl.col(name).is_finite() & (pl.col(name) > 0) & (pl.col(name) <= PRICE_MAX)
