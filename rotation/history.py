"""History: settled daily closes of many symbols, as one Polars frame.

Vendors send closes as 32-bit floats (221.27999877929688 for 221.28), so every close is rounded here to the
seven significant digits that those hold: imported, downloaded or read from an old store, they are the same.

Columns: ``symbol`` str, ``date`` date, ``close`` f64 (split-adjusted, null where unknown),
``adj_close`` f64 (also dividend-adjusted, null where unknown); sorted by symbol and date, one row
for a symbol and date.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from rotation.sessions import sessions_between
from rotation.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SCHEMA = {"symbol": pl.String, "date": pl.Date, "close": pl.Float64, "adj_close": pl.Float64}
_CLOSES = ("close", "adj_close")


DIGITS = 7
"""Significant digits of a 32-bit float: what a close is rounded to."""
UNIVERSE = 5
"""A session without a close of any symbol is a closure only if at least so many have closes around it."""


RECENT_ROWS = 20_000
"""So many of the newest rows at most, whole sessions of them, stand in ``Facts``."""
RECENT_SESSIONS = 75
"""At most: 750 rows for ten legs."""


class Facts(msgspec.Struct, frozen=True, array_like=True):
    """What a running desk asks of a history beside its figures: with them its rows need not be read."""

    symbols: list[str]
    words: str
    sessions: list[int]
    """The days on which any symbol has a row, counted from 1970, oldest first."""
    since: date
    """``recent`` has every row from this day on."""
    recent: dict[str, list[Any]]
    """Columns of SCHEMA, ``date`` as days from 1970."""
    newest: dict[str, float]
    """The latest close known of each symbol."""


def rounded(*columns: str) -> pl.Expr:
    """Price columns without the noise of 32 bits; nulls stay."""
    return pl.col(*columns).round_sig_figs(DIGITS)


def is_rounded(prices: pl.Series) -> bool:
    """Whether ``rounded`` would change none of these prices, by a glance: False where it might.

    A price below 1,000 with at most four decimals has no more than DIGITS digits, and is the float nearest to
    it; so has one below 10,000 with three, and so on.
    """
    highest = prices.max()
    if highest is None:
        return True
    room = next((room for room in range(4, 0, -1) if highest < 10 ** (DIGITS - room)), 0)
    parts = 10.0**room
    # Of noisy prices the first few show it, sooner than a Series could be looked through.
    few = prices.head(16).to_list()
    if not room or any(price is not None and (price * parts + 0.5) // 1 / parts != price for price in few):
        return False
    return _are_whole(prices, parts)


def are_rounded(columns: Sequence[pl.Series]) -> bool:
    """Whether ``is_rounded`` holds of all of these, by fewer looks; False where some may have to be asked."""
    return is_rounded(pl.concat([column.rename("") for column in columns], rechunk=True))


def _are_whole(prices: pl.Series, parts: float) -> bool:
    """Whether each of these is the float nearest to a whole number of such parts of a unit."""
    whole = (prices * parts + 0.5).cast(pl.Int64, strict=False)
    # Polars multiplies by the inverse of a single divisor, which is another float now and then.
    divisors = pl.Series([parts]).new_from_index(0, len(prices))
    return bool((whole / divisors == prices).all())


class History:
    """An immutable set of settled closes."""

    identity = ""
    """Names its content: two histories of one identity are equal. Empty where nobody knows it."""
    _facts: Facts | None = None
    _read: Callable[[], History]

    def __init__(self, frame: pl.DataFrame, source: str = "history") -> None:
        """Take a frame with the columns of SCHEMA (others are dropped); ``source`` is shown as provenance.

        ``symbols``: those held, sorted.

        ``frame`` keeps every row; those of days without trading enter no figure.

        Raises ValueError on duplicate rows or prices that are not finite and > 0.
        """
        frame = frame.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
        bad = frame.filter(pl.any_horizontal((~pl.col(c).is_finite()) | (pl.col(c) <= 0) for c in _CLOSES))
        if bad.height:
            row = bad.row(0, named=True)
            raise ValueError(f"{row['symbol']} {row['date']}: a close must be a finite price above 0")
        self.frame = _in_order(frame).with_columns(rounded(*_CLOSES))
        self.source = source
        self.symbols: list[str] = self.frame["symbol"].unique().sort().to_list()

    @classmethod
    def empty(cls) -> History:
        """No rows at all: every settled figure is unknown."""
        return cls(pl.DataFrame(schema=SCHEMA), "no history")

    @classmethod
    def deferred(cls, facts: Facts, read: Callable[[], History], *, source: str, identity: str) -> History:
        """A history of which ``facts`` are known; ``read`` is called once, when more is asked than they tell.

        Whoever asks then gets what ``read`` raises.
        """
        history = cls.__new__(cls)
        history._facts, history._read = facts, read  # noqa: SLF001 - a second constructor
        history.source, history.identity = source, identity
        history.symbols, history.words = facts.symbols, facts.words
        return history

    @cached_property
    def frame(self) -> pl.DataFrame:
        """Every row, in SCHEMA's columns."""
        read = self._read()
        if read.identity != self.identity:
            self.identity = ""  # its files have changed since
        return read.frame

    @property
    def is_read(self) -> bool:
        """Whether its rows are in memory."""
        return "frame" in self.__dict__

    def facts(self) -> Facts:
        """For ``deferred``. Of a history with rows on a session."""
        days = self._settled["date"].unique().sort()
        recent = min(RECENT_SESSIONS, max(2, RECENT_ROWS // max(1, len(self.symbols))), len(days))
        since = days[-recent]
        table = self._settled.filter(pl.col("date") >= since).with_columns(pl.col("date").to_physical())
        priced = self.frame.drop_nulls("close").group_by("symbol").agg(pl.col("close").last())
        return Facts(
            self.symbols,
            self.words,
            days.to_physical().to_list(),
            since,
            table.to_dict(as_series=False),
            dict(priced.iter_rows()),
        )

    @cached_property
    def _settled(self) -> pl.DataFrame:
        """Rows on sessions. On first use: only then is the calendar worked out."""
        if self.frame.is_empty():
            return self.frame
        first, last = self.frame["date"].min(), self.frame["date"].max()
        days = sessions_between(first, last)  # type: ignore[arg-type]
        return self.frame.filter(pl.col("date").is_in(days))

    @property
    def first(self) -> date | None:
        """The earliest session held, of any symbol."""
        if self._facts is not None:
            return _day(self._facts.sessions[0])
        return self._settled["date"].min()  # type: ignore[return-value]

    @cached_property
    def words(self) -> str:
        """What is held, told."""
        if not self.symbols:
            return self.source
        closures = closures_in(self._settled)
        noted = f"; {closure_note(closures)}" if closures else ""
        return f"{self.source}: {counted(len(self.symbols), 'symbol')}, {self.first} to {self.last()}{noted}"

    def last(self, through: date | None = None) -> date | None:
        """The latest session held, of any symbol, up to ``through``."""
        if self._facts is not None:
            held = self._facts.sessions
            place = len(held) if through is None else bisect_right(held, through.toordinal() - _EPOCH)
            return _day(held[place - 1]) if place else None
        days = self._settled["date"]
        return days.filter(days <= through).max() if through else days.max()  # type: ignore[return-value]

    def before(self, session: date) -> pl.DataFrame:
        """Rows strictly before a session: all that its figures may look at."""
        return self._settled.filter(pl.col("date") < session)

    def through(self, session: date) -> pl.DataFrame:
        """Rows up to and including a session."""
        return self._settled.filter(pl.col("date") <= session)

    def on(self, session: date) -> pl.DataFrame:
        """The rows of one session."""
        return self.between(session, session)

    def between(self, first: date, last: date) -> pl.DataFrame:
        """Rows from one session to another, both included."""
        if self._facts is not None and first >= self._facts.since and not self.is_read:
            return _between(self._facts.recent, first, last)
        return self._settled.filter(pl.col("date").is_between(first, last))

    def newest(self, symbols: Iterable[str]) -> dict[str, float]:
        """The latest close of each of these symbols that has any."""
        if self._facts is not None:
            known = self._facts.newest
        else:
            priced = self.frame.filter(pl.col("symbol").is_in(list(symbols)) & pl.col("close").is_not_null())
            known = dict(priced.group_by("symbol").agg(pl.col("close").last()).iter_rows())
        return {symbol: known[symbol] for symbol in symbols if symbol in known}


_EPOCH = date(1970, 1, 1).toordinal()


def _between(recent: dict[str, list[Any]], first: date, last: date) -> pl.DataFrame:
    """Rows of ``Facts.recent`` from one day to another. They are few, and a query would bring the engine."""
    least, most = first.toordinal() - _EPOCH, last.toordinal() - _EPOCH
    places = [place for place, day in enumerate(recent["date"]) if least <= day <= most]
    columns = {name: [values[place] for place in places] for name, values in recent.items()}
    days = pl.Series("date", columns["date"], pl.Int32).cast(pl.Date)
    return pl.DataFrame({**columns, "date": days}, schema=SCHEMA)


def _day(since_1970: int) -> date:
    return date.fromordinal(since_1970 + _EPOCH)


_SYMBOL, _DAY = pl.col("symbol"), pl.col("date")
_RISES = (_SYMBOL.shift(1) < _SYMBOL) | ((_SYMBOL.shift(1) == _SYMBOL) & (_DAY.shift(1) < _DAY))
_IN_ORDER = _RISES.slice(1).all(ignore_nulls=False)
"""Neighbours are compared: what is stored is sorted, and a table of all rows costs twenty times the frame."""
_PRICED = pl.all_horizontal((pl.col(name).is_finite() & (pl.col(name) > 0)).all() for name in _CLOSES)


def check(frame: pl.DataFrame) -> None:
    """Raise ValueError where History would. What is in order costs one query instead of five."""
    if (
        {name: frame.schema.get(name) for name in SCHEMA} != SCHEMA
        or not frame.height
        or frame.select(_IN_ORDER & _PRICED).item() is not True
    ):
        History(frame)


def _in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows sorted by symbol and date. Raises ValueError on two rows for one symbol and date."""
    symbol, day = _SYMBOL, _DAY
    if frame.height and frame.select(_IN_ORDER).item() is not True:
        frame = frame.sort("symbol", "date")
        repeats = symbol.eq_missing(symbol.shift(1)) & day.eq_missing(day.shift(1))
        if frame.select(repeats.slice(1).any()).item():
            raise ValueError("history holds two rows for one symbol and date")
    return frame


def closures_in(rows: pl.DataFrame) -> list[date]:
    """Sessions of the calendar on which no symbol has a close though UNIVERSE of them trade before and after.

    The exchange was closed and the calendar does not know it, as on a day of mourning. Oldest first.
    """
    priced = rows.filter(pl.any_horizontal(pl.col("close", "adj_close").is_not_null()))
    if priced.is_empty():
        return []
    traded = set(priced["date"].unique().to_list())
    missing = [day for day in sessions_between(min(traded), max(traded)) if day not in traded]
    if not missing:
        return []
    spans = priced.group_by("symbol").agg(first=pl.col("date").min(), last=pl.col("date").max())
    return [
        day
        for day in missing
        if spans.filter((pl.col("first") < day) & (pl.col("last") > day)).height >= UNIVERSE
    ]


def closure_note(days: list[date]) -> str:
    """The warning that goes with ``closures_in``."""
    more = f" and {len(days) - 1} more" if len(days) > 1 else ""
    return f"no symbol has a close on {days[-1]}{more}: counted as a closure"
