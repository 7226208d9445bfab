"""The market's own values ↔ messages. From a message nothing comes that a market would not make itself."""

from __future__ import annotations

import datetime as dt
import sys
import zlib
from array import array
from math import inf
from operator import lt
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import polars as pl

from feeds.hub.wire.codec import Fault, WireError, pack, unpack
from feeds.hub.wire.messages import (
    MEMBER_COLUMNS,
    BidAsk,
    Minute,
    MinutesMessage,
    Part,
    Print,
    QuoteMessage,
)
from rotation.breadth.members import SCHEMA as MEMBERS
from rotation.breadth.members import MemberList
from rotation.history import SCHEMA as CLOSES
from rotation.quote import FUTURE_NS, Nbbo, PartDay, Quote, Role, SymbolDay
from rotation.sessions import is_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from feeds.hub.wire.messages import HistoryMessage, MembersMessage

_ROLES = tuple(Role)
_EPOCH = dt.date(1970, 1, 1)
DAYS_MAX = 100_000


def days_from_1970(day: dt.date) -> int:
    """As messages have dates."""
    return (day - _EPOCH).days


def date_of(days: int) -> dt.date:
    """Raises WireError for a day that no calendar has."""
    try:
        return _EPOCH + dt.timedelta(days=days)
    except OverflowError as error:
        raise WireError("a date is out of range", Fault.VALUE) from error


def quote_fields(day: SymbolDay) -> tuple[object, ...]:
    """What stands in a QuoteMessage behind its head."""
    pre, regular, late = (None if part is None else _part(part) for part in day.parts)
    market = day.bid_ask
    return (
        day.symbol,
        None if day.session is None else days_from_1970(day.session),
        pre,
        regular,
        late,
        None if market is None or not _is_sane(market) else BidAsk(market.bid, market.ask, market.ts_ns),
    )


def _is_sane(market: Nbbo) -> bool:
    return market.bid >= 0 and market.ask >= 0 and market.ts_ns >= 0


def _part(part: PartDay) -> Part:
    last = part.last
    return Part(
        None
        if last is None
        else Print(
            last.ts_ns, last.price, last.seq, last.size, int(last.role), last.high, last.low, last.bar_ns
        ),
        part.high,
        part.low,
        part.volume,
        [Minute(place, q.ts_ns, q.price, q.bar_ns) for place, q in part.minutes.items()],
    )


def minutes_fields(day: SymbolDay) -> tuple[object, ...]:
    """What stands in a MinutesMessage behind its head; of a day with a session and all minutes."""
    assert day.session is not None
    regular = day.parts[1]
    minutes = {} if regular is None else regular.minutes
    return (
        day.symbol,
        days_from_1970(day.session),
        list(minutes),
        [q.ts_ns for q in minutes.values()],
        [q.price for q in minutes.values()],
        [q.bar_ns for q in minutes.values()],
    )


def symbol_day(message: QuoteMessage, minutes: MinutesMessage | None) -> SymbolDay:
    """The day that a message tells, with the minutes of another of the same session. Raises WireError.

    Newer minutes in the message win.
    """
    session = None if message.session is None else date_of(message.session)
    if session is not None and not is_session(session):
        raise WireError("a day without trading", Fault.VALUE)
    latest_ns = message.as_of_ns + FUTURE_NS
    pre, regular, late = (
        None if part is None else _part_day(message.symbol, part, latest_ns)
        for part in (message.pre, message.regular, message.late)
    )
    if minutes is not None and minutes.session == message.session and regular is not None:
        older = minutes_of(minutes)
        regular = msgspec.structs.replace(regular, minutes=older | regular.minutes, is_whole=True)
    market = message.bid_ask
    return SymbolDay(
        message.symbol,
        session,
        (pre, regular, late),
        None if market is None else Nbbo(message.symbol, market.bid, market.ask, market.ts_ns),
    )


def _part_day(symbol: str, part: Part, latest_ns: int) -> PartDay:
    last = part.last
    if last is not None and last.ts_ns > latest_ns:
        raise WireError("a print of the future", Fault.VALUE)
    return PartDay(
        None
        if last is None
        else Quote(
            symbol,
            last.ts_ns,
            last.price,
            last.seq,
            last.size,
            last.high,
            last.low,
            last.bar_ns,
            _ROLES[last.role],
        ),
        part.high,
        part.low,
        part.volume,
        {each.place: _minute(symbol, each.ts_ns, each.price, each.bar_ns) for each in part.minutes},
    )


def _minute(symbol: str, ts_ns: int, price: float, bar_ns: int) -> Quote:
    return Quote(symbol, ts_ns, price, bar_ns=bar_ns)


def minutes_of(message: MinutesMessage) -> dict[int, Quote]:
    """Raises WireError where the columns are not of one length."""
    columns = (message.places, message.ts_ns, message.prices, message.bar_ns)
    if len({len(column) for column in columns}) != 1:
        raise WireError("columns of different lengths", Fault.BODY)
    rows = zip(*columns, strict=True)
    return {place: _minute(message.symbol, ts, price, bar) for place, ts, price, bar in rows}


def history_columns(rows: pl.DataFrame) -> bytes:
    """One symbol's rows of a History's frame, as ``HistoryMessage.columns``."""
    unknown = rows.with_columns(pl.col("close", "adj_close").fill_null(float("nan")))
    days = _bytes("i", unknown["date"].to_physical().to_list())
    return pack(days + _bytes("d", unknown["close"].to_list()) + _bytes("d", unknown["adj_close"].to_list()))


class Closes(NamedTuple):
    """One symbol's settled closes, a list for each column of a History."""

    days: list[int]
    """From 1970, rising."""
    close: list[float]
    """NaN where unknown."""
    adjusted: list[float]


def history_rows(message: HistoryMessage) -> Closes:
    """The rows of a message. Raises WireError for what no history can hold."""
    plain, rows = unpack(message.columns), message.rows
    if len(plain) != rows * 20:
        raise WireError("history of another length than it says", Fault.BODY)
    cut = plain[: 4 * rows], plain[4 * rows : 12 * rows], plain[12 * rows :]
    closes = Closes(*(_column(data, code) for data, code in zip(cut, "idd", strict=True)))
    days = closes.days
    if days and not (days[0] >= 0 and days[-1] <= DAYS_MAX and all(map(lt, days, days[1:]))):
        raise WireError("dates out of order or out of range", Fault.VALUE)
    if any(price <= 0.0 or price == inf for column in closes[1:] for price in column):
        raise WireError("a close that is no price", Fault.VALUE)
    return closes


def history_frame(by_symbol: Mapping[str, Closes]) -> pl.DataFrame:
    """All of them with the columns of a History."""
    symbols = [symbol for symbol, closes in by_symbol.items() for _ in closes.days]
    frame = pl.DataFrame(
        {
            "symbol": symbols,
            "date": [day for closes in by_symbol.values() for day in closes.days],
            "close": [price for closes in by_symbol.values() for price in closes.close],
            "adj_close": [price for closes in by_symbol.values() for price in closes.adjusted],
        },
        schema={**CLOSES, "date": pl.Int32},
    )
    return frame.with_columns(pl.col("date").cast(pl.Date), pl.col("close", "adj_close").fill_nan(None))


def _bytes(code: str, values: list[float]) -> bytes:
    """Little-endian, whatever the machine."""
    column = array(code, values)
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()


def _column(data: bytes, code: str) -> list[Any]:
    column: array[Any] = array(code)
    column.frombytes(data)
    if sys.byteorder == "big":
        column.byteswap()
    return column.tolist()


def digest(columns: bytes) -> int:
    """As in IndexMessage."""
    return zlib.crc32(columns)


def member_columns(held: MemberList) -> bytes:
    """A holdings file as ``MembersMessage.columns``."""
    return pack(msgspec.msgpack.encode([held.frame[name].to_list() for name in MEMBER_COLUMNS]))


def member_list(message: MembersMessage) -> MemberList:
    """Raises WireError."""
    try:
        columns = msgspec.msgpack.decode(
            unpack(message.columns),
            type=tuple[list[str], list[str], list[str], list[float | None]],
        )
        frame = pl.DataFrame(dict(zip(MEMBER_COLUMNS, columns, strict=True)), schema=MEMBERS)
        return MemberList.of(message.fund, date_of(message.day), frame)
    except (msgspec.MsgspecError, ValueError, RecursionError, pl.exceptions.PolarsError) as error:
        if isinstance(error, WireError):
            raise
        raise WireError("a holdings file that cannot be read", Fault.BODY) from error
