"""Yahoo's stream frames: PricingData, a protobuf message, decoded by hand.

proto3 leaves out defaults, so an absent ``market_hours`` means PRE, and floats are 32 bits wide.
"""

from __future__ import annotations

import base64
import struct
from typing import TYPE_CHECKING

import msgspec

from feeds.errors import SourceError
from feeds.parsing.sanitize import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

FRAME_MAX = 16_384
"""Characters; a captured frame has 60 to 200."""
FIELDS_MAX = 256
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_TEXT, _FLOAT, _DOUBLE, _INT, _SINT = "text", "float", "double", "int", "sint"
_FIELDS = {
    1: ("id", _TEXT),
    2: ("price", _FLOAT),
    3: ("time_ms", _SINT),
    4: ("currency", _TEXT),
    5: ("exchange", _TEXT),
    6: ("quote_type", _INT),
    7: ("market_hours", _INT),
    8: ("change_percent", _FLOAT),
    9: ("day_volume", _SINT),
    10: ("day_high", _FLOAT),
    11: ("day_low", _FLOAT),
    12: ("change", _FLOAT),
    13: ("short_name", _TEXT),
    14: ("expire_date", _SINT),
    15: ("open_price", _FLOAT),
    16: ("previous_close", _FLOAT),
    17: ("strike_price", _FLOAT),
    18: ("underlying_symbol", _TEXT),
    19: ("open_interest", _SINT),
    20: ("options_type", _SINT),
    21: ("mini_option", _SINT),
    22: ("last_size", _SINT),
    23: ("bid", _FLOAT),
    24: ("bid_size", _SINT),
    25: ("ask", _FLOAT),
    26: ("ask_size", _SINT),
    27: ("price_hint", _SINT),
    28: ("vol_24hr", _SINT),
    29: ("vol_all_currencies", _SINT),
    30: ("from_currency", _TEXT),
    31: ("last_market", _TEXT),
    32: ("circulating_supply", _DOUBLE),
    33: ("market_cap", _DOUBLE),
}
_WIRE = {_TEXT: _BYTES, _FLOAT: _FIXED32, _DOUBLE: _FIXED64, _INT: _VARINT, _SINT: _VARINT}


class PricingData(msgspec.Struct, frozen=True, kw_only=True):
    """One frame. What proto3 left out has its default; floats are as wide as they came (32 bits)."""

    id: str = ""
    price: float = 0.0
    time_ms: int = 0
    currency: str = ""
    exchange: str = ""
    quote_type: int = 0
    """7 heartbeat, 8 equity, 9 index, 18 future, 20 ETF, 41 crypto."""
    market_hours: int = 0
    """0 PRE, 1 REGULAR, 2 POST, 3 EXTENDED."""
    change_percent: float = 0.0
    day_volume: int = 0
    day_high: float = 0.0
    day_low: float = 0.0
    change: float = 0.0
    short_name: str = ""
    expire_date: int = 0
    open_price: float = 0.0
    previous_close: float = 0.0
    strike_price: float = 0.0
    underlying_symbol: str = ""
    open_interest: int = 0
    options_type: int = 0
    mini_option: int = 0
    last_size: int = 0
    bid: float = 0.0
    bid_size: int = 0
    ask: float = 0.0
    ask_size: int = 0
    price_hint: int = 0
    vol_24hr: int = 0
    vol_all_currencies: int = 0
    from_currency: str = ""
    last_market: str = ""
    circulating_supply: float = 0.0
    market_cap: float = 0.0


class _Envelope(msgspec.Struct):
    message: str
    type: str = ""


_OPENED = msgspec.json.Decoder(_Envelope)


def parse(frame: str | bytes) -> PricingData:
    """A frame of version 2 (JSON around base64) or the bare base64. Raises SourceError for neither."""
    text = frame.decode("utf-8", "replace") if isinstance(frame, bytes) else frame
    if len(text) > FRAME_MAX:
        raise SourceError("Yahoo: frame too long")
    try:
        bare = _OPENED.decode(text).message if text.lstrip().startswith("{") else text
        return decode_message(base64.b64decode(bare, validate=True))
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise SourceError("Yahoo: unreadable frame") from error


def decode_message(data: bytes) -> PricingData:
    """The protobuf itself; unknown fields are passed over. Raises SourceError where it is cut or damaged."""
    values: dict[str, str | float | int] = {}
    for count, (number, wire, raw) in enumerate(_fields(data)):
        if count >= FIELDS_MAX:
            raise SourceError("Yahoo: too many fields")
        name, kind = _FIELDS.get(number, ("", ""))
        if name and _WIRE[kind] == wire:
            values[name] = _value(kind, raw)
    return msgspec.convert(values, PricingData)


def _value(kind: str, raw: int | bytes) -> str | float | int:
    if isinstance(raw, int):
        if kind == _SINT:
            return (raw >> 1) ^ -(raw & 1)
        return raw - (1 << 64) if raw >> 63 else raw
    if kind == _TEXT:
        return clean(raw.decode("utf-8", "replace"), 80)
    figure: float = struct.unpack("<f" if kind == _FLOAT else "<d", raw)[0]
    return figure


def _fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Field number, wire type and raw value of each field."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, wire, value
            continue
        if wire == _BYTES:
            size, at = _varint(data, at)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}.get(wire, -1)
        if not number or size < 0 or at + size > len(data):
            raise SourceError("Yahoo: damaged frame")
        yield number, wire, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
    raise SourceError("Yahoo: damaged frame")
