"""Massive's trades as columns: what the fields mean of messages that are written alike. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from feeds.parsing.fields import SIZE_MAX
from feeds.streaming.alike.columns import Rows
from feeds.streaming.alike.fields import Form, Wanted
from feeds.streaming.alike.known import Known
from feeds.streaming.alike.words import U64, Array
from feeds.streaming.receive.symbol_codes import BadNameError
from feeds.streaming.receive.together import EXACT, REPORT
from feeds.vendors.massive.frames import REMEMBERED
from feeds.vendors.massive.trades import (
    EARLIEST_MS,
    LATEST_MS,
    MS,
    TradeReading,
    one_trade,
    reading_of,
    role_numbers,
)
from rotation.quote import PRICE_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from feeds.streaming.alike.columns import Placed
    from feeds.streaming.alike.fields import Read
    from feeds.streaming.receive.symbol_codes import SymbolCodes
    from feeds.streaming.receive.together import Reading
    from feeds.streaming.vendor import ManyFrames
    from feeds.streaming.watch.auction import Auctions
    from feeds.vendors.massive.frames import TradeIds
    from rotation.columns import PrintColumns

_UNKNOWN = -1
_WANTED = Wanted(
    ("ev", "T"),
    {"sym": Form.TEXT, "p": Form.DECIMAL, "t": Form.WHOLE},
    {
        "i": Form.NAME,
        "x": Form.WHOLE,
        "s": Form.WHOLE,
        "c": Form.LIST,
        "q": Form.WHOLE,
        "z": Form.WHOLE,
    },
)
_LISTED = msgspec.json.Decoder(tuple[int, ...])
_FACTOR = U64(0x9E3779B97F4A7C15)
"""An odd number without a pattern."""
_ALL_BITS = 2**64 - 1


class TradeColumns:
    """Of a connection."""

    wanted = _WANTED

    def __init__(self, codes: SymbolCodes, ids: TradeIds, auctions: Auctions) -> None:
        """``codes``: of the connection. ``ids`` are told of all trades that are read."""
        self._codes = codes
        self._ids = ids
        self._auctions = auctions
        self._ours: list[str] | None = None
        self._symbols = Known(1, self._code)
        self._roles = Known(2, self._role)

    def stamp_ns(self, text: str) -> None:
        """None: no time of Massive's is a text."""

    def rows(self, read: Read, *, is_json: bool) -> Rows:
        """What was read, as prints; what is no plain trade, or may be the auction, is not fine."""
        assert is_json  # Massive has no other format
        if self._codes.ours is not self._ours:
            self._ours = self._codes.ours
            self._symbols = Known(1, self._code)
        nothing = np.zeros(len(read.is_read), U64)
        (symbols,), (times_ms,), (prices,) = (read.fields[name] for name in ("sym", "t", "p"))
        conditions = read.fields.get("c", (nothing, nothing))
        (sizes,), (seqs,) = (read.fields.get(name, (nothing,)) for name in ("s", "q"))
        codes, roles = self._symbols.of(symbols), self._roles.of(*conditions)
        are_times = (times_ms >= EARLIEST_MS) & (times_ms < LATEST_MS)
        are_prices = (prices > 0) & (prices <= PRICE_MAX)
        is_fine = read.is_read & (codes >= 0) & (roles >= 0) & are_times & are_prices & (sizes <= SIZE_MAX)
        ts_ns = times_ms.astype(np.int64) * MS
        fine_ns = ts_ns[is_fine]
        if len(fine_ns) and self._auctions.may_print(int(fine_ns.min()), int(fine_ns.max())):
            is_fine &= (conditions[0] != 0) | (conditions[1] != 0)
        return Rows(
            is_fine,
            read.is_read & (roles == REPORT),
            codes,
            ts_ns,
            prices,
            seqs,
            sizes,
            roles,
            _keys(*read.fields.get("i", (nothing, nothing))),
        )

    def begin(self) -> tuple[Reading, PrintColumns]:
        """A typed reading of single messages."""
        return reading_of(self._codes, self._auctions)

    def single_keys(self, reading: Reading) -> Array:
        """Of the prints of single messages."""
        assert isinstance(reading, TradeReading)
        return np.array([_key(each or "") for each in reading.ids], np.uint64)

    def finish(self, made: ManyFrames, placed: Placed) -> None:
        """Add what takes a trade back, by what came before it, and remember the last trades."""
        reading, prints = placed.reading, made.prints
        assert isinstance(reading, TradeReading)
        messages = [placed.singles[i] for i in reading.wrong_at]
        stops: list[int] = np.searchsorted(placed.at, messages).tolist()
        first = max(min([len(prints), *stops]) - REMEMBERED, 0)
        chunk = _InBytes(prints, placed, first)
        if len(prints):
            self._ids.add_chunk(chunk)
        shown = first
        for stop, (_, wrong) in zip(stops, reading.wrong, strict=True):
            shown = self._show(chunk, shown, stop)
            taken_back = reading.symbol(wrong.sym)
            made.corrections.append(self._ids.correction(wrong.x, wrong.i, taken_back, wrong.t * MS))
        self._show(chunk, shown, len(prints))

    def _show(self, chunk: _InBytes, shown: int, stop: int) -> int:
        chunk.count += stop - shown
        if stop > shown:
            self._ids.on_added(stop - shown)
        return stop

    def _code(self, key: tuple[int, ...]) -> int:
        try:
            return self._codes[key[0].to_bytes(8, "little").rstrip(b"\0").decode("latin-1")]
        except BadNameError:
            return _UNKNOWN

    def _role(self, key: tuple[int, ...]) -> int:
        listed = b"".join(word.to_bytes(8, "little") for word in key).rstrip(b"\0")
        try:
            return role_numbers[_LISTED.decode(b"[%b]" % listed)]
        except (msgspec.MsgspecError, ValueError):
            return EXACT


class _InBytes:
    """Trades as they were written: one is decoded again where its id may be the one that is asked for."""

    def __init__(self, prints: PrintColumns, placed: Placed, first: int) -> None:
        """The prints from ``first`` on."""
        assert placed.keys is not None
        self.count = 0
        """How many have come."""
        held, at = placed.held, placed.at[first:]
        start = int(held.starts[at[0]]) if len(at) else 0
        stop = int(held.ends[at[-1]]) if len(at) else 0
        # Copies: the buffer is filled again, and of a large look only the last trades are kept.
        self._data = bytes(held.words.data[start:stop])
        self._starts, self._ends = held.starts[at] - start, held.ends[at] - start
        self._keys = placed.keys[first:].copy()
        self._names, self._codes = prints.names, prints.codes[first:]
        self._times_ns, self._seqs = prints.ts_ns[first:], prints.seqs[first:]

    def __len__(self) -> int:
        """How many have come."""
        return self.count

    def find(self, venue: str, trade_id: str, ticker: str, most: int) -> tuple[int, int] | None:
        """See ``frames.Known``."""
        start = max(self.count - most, 0)
        places: Sequence[int] = np.flatnonzero(self._keys[start : self.count] == _key(trade_id)).tolist()
        for near in reversed(places):
            i = start + near
            if self._names[self._codes[i]] != ticker:
                continue
            trade = one_trade(self._data[int(self._starts[i]) : int(self._ends[i])].removesuffix(b","))
            if trade.i == trade_id and str(trade.x) == venue:
                return self._times_ns[i], self._seqs[i]
        return None


def _keys(first: Array, second: Array) -> Array:
    """Of the first two words of each id one number."""
    keys: Array = first ^ (second * _FACTOR)
    return keys


def _key(trade_id: str) -> np.uint64:
    """The same of an id."""
    text = trade_id.encode()
    first, second = int.from_bytes(text[:8], "little"), int.from_bytes(text[8:16], "little")
    return U64(first ^ (second * int(_FACTOR) & _ALL_BITS))
