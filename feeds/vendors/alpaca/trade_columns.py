"""Alpaca's trades as columns: what the fields mean of messages that are written alike. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from feeds.streaming.alike.columns import Rows
from feeds.streaming.alike.fields import Form, Wanted
from feeds.streaming.alike.known import Known
from feeds.streaming.receive.symbol_codes import BadNameError
from feeds.streaming.receive.together import EXACT, REPORT
from feeds.vendors.alpaca.frames import SHARES_MAX, exact_ns
from feeds.vendors.alpaca.trades import reading_of, tape_role

if TYPE_CHECKING:
    from feeds.streaming.alike.columns import Placed
    from feeds.streaming.alike.fields import Read
    from feeds.streaming.receive.symbol_codes import SymbolCodes
    from feeds.streaming.receive.together import Reading
    from feeds.streaming.vendor import ManyFrames
    from rotation.columns import PrintColumns

_UNKNOWN = -1
_WANTED = Wanted(
    ("T", "t"),
    {
        "S": Form.TEXT,
        "i": Form.WHOLE,
        "p": Form.DECIMAL,
        "s": Form.WHOLE,
        "c": Form.LIST,
        "z": Form.TEXT,
        "t": Form.STAMP,
    },
)
_LISTED = msgspec.json.Decoder(tuple[str, ...])
_LISTED_PACKED = msgspec.msgpack.Decoder(tuple[str, ...])


class TradeColumns:
    """Of a connection."""

    wanted = _WANTED

    def __init__(self, codes: SymbolCodes) -> None:
        """``codes``: of the connection."""
        self._codes = codes
        self._ours: list[str] | None = None
        self._is_json = True
        self._symbols = Known(1, self._code)
        self._roles = (Known(3, self._packed_role), Known(3, self._role))

    def stamp_ns(self, text: str) -> int | None:
        """UTC nanoseconds of a time to the second; None where it is none."""
        ts_ns = exact_ns(text)
        return ts_ns if ts_ns is not None and 0 < ts_ns < 2**62 else None

    def rows(self, read: Read, *, is_json: bool) -> Rows:
        """What was read, as prints; what is no plain trade is not fine."""
        if self._codes.ours is not self._ours or self._is_json is not is_json:
            self._ours, self._is_json = self._codes.ours, is_json
            self._symbols = Known(1, self._code)
        (symbols,), (tapes,) = read.fields["S"], read.fields["z"]
        codes = self._symbols.of(symbols)
        roles = self._roles[is_json].of(*read.fields["c"], tapes)
        (prices,), (sizes,) = read.fields["p"], read.fields["s"]
        is_trade = read.is_read & (codes >= 0) & np.isfinite(prices)
        is_fine = is_trade & (roles >= 0)
        return Rows(
            is_fine,
            is_trade & (roles == REPORT),
            codes,
            read.fields["t"][0],
            prices,
            read.fields["i"][0],
            np.where(sizes < SHARES_MAX, sizes, 0),
            roles,
        )

    def begin(self) -> tuple[Reading, PrintColumns]:
        """A typed reading of single messages."""
        return reading_of(self._codes)

    def single_keys(self, reading: Reading) -> None:
        """None: prints have numbers, by which they are taken back."""

    def finish(self, made: ManyFrames, placed: Placed) -> None:
        """Nothing more follows."""

    def _code(self, key: tuple[int, ...]) -> int:
        text = key[0].to_bytes(8, "little")
        name = text.rstrip(b"\0") if self._is_json else text[1 : 1 + (text[0] & 31)]
        try:
            return self._codes[name.decode("latin-1")]
        except BadNameError:
            return _UNKNOWN

    def _role(self, key: tuple[int, ...]) -> int:
        first, second, tape = (word.to_bytes(8, "little").rstrip(b"\0") for word in key)
        try:
            return tape_role(_LISTED.decode(b"[%b]" % (first + second)), tape.decode())
        except (msgspec.MsgspecError, ValueError):
            return EXACT

    def _packed_role(self, key: tuple[int, ...]) -> int:
        first, second, tape = (word.to_bytes(8, "little") for word in key)
        size = 1 + 2 * (first[0] & 15)
        try:
            conditions = _LISTED_PACKED.decode((first + second)[:size])
            return tape_role(conditions, msgspec.msgpack.decode(tape[: 1 + (tape[0] & 31)], type=str))
        except (msgspec.MsgspecError, ValueError):
            return EXACT
