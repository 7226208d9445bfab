"""Frames of Finnhub's trade stream: what its messages mean. Pure.

Trades repeat, up to three times, and have no number: they are told apart by symbol, time, price and size.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from feeds.parsing.fields import instant, quote
from feeds.parsing.wire import Loose, decode
from feeds.streaming.vendor import FrameResult, VendorError
from rotation.quote import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feeds.streaming.vendor import Frame
    from rotation.quote import Quote

SYMBOLS_MAX = 50
"""Most symbols of a free key; the vendor answers more with "Subscribing to too many symbols"."""
ODD_LOT = "12"
"""A trade below 100 shares does not set the last price (consolidated processing). The code stands on every
such trade of the captured frames and on no other. "24", Form T, is the price outside regular hours."""
CLOSING = ("35", "36")
"""A market centre's closing trade, and closing prints (the vendor's list of conditions): the closing auction,
which comes after the bell. Without a code or a venue no print after the bell is taken for it."""
REMEMBERED = 8_192
"""Instants within which a symbol's trades are distinguished; a repeat arrives within seconds."""
INSTANT_MAX = 1_000
"""Trades distinguished within one instant of a symbol; further ones share a number."""


class Trade(msgspec.Struct, frozen=True):
    """One entry of a trade message, unchecked; fields have the vendor's names."""

    s: Loose = None
    p: Loose = None
    t: Loose = None
    v: Loose = None
    c: Loose = None


class Message(msgspec.Struct, frozen=True):
    """Any message."""

    type: Loose = None
    msg: Loose = None
    data: list[Trade | list[Loose] | str | float | bool | None] | None = None


class Ordinals:
    """Numbers for trades that have none: a repeat gets the number of the first, in order of arrival.

    Two trades of one symbol in one millisecond at one price and size are taken for a repeat: the
    vendor gives nothing to tell them apart. Bounded memory.
    """

    def __init__(self) -> None:
        """No trade is known yet."""
        self._known: OrderedDict[tuple[str, int], dict[tuple[float, object], int]] = OrderedDict()

    def numbered(self, trade: Quote, size: object) -> Quote:
        """The same with ``seq``. ``size`` as the vendor wrote it: of a coin, parts count."""
        known = self._known.setdefault((trade.symbol, trade.ts_ns), {})
        identity = (trade.price, str(size))
        seq = known.get(identity, len(known))
        if seq < INSTANT_MAX:
            known[identity] = seq
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return msgspec.structs.replace(trade, seq=seq)


def parse(frame: Frame) -> Message:
    """The message in a frame. Raises SourceError for a frame that Finnhub cannot have sent."""
    return decode(frame, Message, "Finnhub")


def result_of(message: Message, ordinals: Ordinals) -> FrameResult:
    """Trades, a ping, or an error."""
    if message.type == "trade":
        return _trades(message.data or [], ordinals)
    if message.type == "ping":
        return FrameResult(heartbeat=True)
    return _error(str(message.msg).lower()) if message.type == "error" else FrameResult()


def _trades(trades: Iterable[object], ordinals: Ordinals) -> FrameResult:
    quotes, rejected = [], []
    for trade in trades:
        if not isinstance(trade, Trade):
            rejected.append("invalid trade")
            continue
        result = quote(trade.s, instant(trade.t), trade.p, trade.v, role=_role(trade.c))
        if isinstance(result, str):
            rejected.append(result)
        else:
            quotes.append(ordinals.numbered(result, trade.v))
    return FrameResult(tuple(quotes), rejected=tuple(rejected), heartbeat=not quotes)


def _role(conditions: Loose) -> Role:
    """An odd lot sets no last price, high or low; its size counts like any other."""
    codes = conditions if isinstance(conditions, list) else ()
    if ODD_LOT in codes:
        return Role.SIZE
    return Role.CLOSE if any(code in codes for code in CLOSING) else Role.PRICE


def _error(message: str) -> FrameResult:
    """The vendor's own text is not passed on: it may repeat what was asked for."""
    if "too many symbols" in message:
        return FrameResult(error=VendorError("limit", f"Finnhub's limit of symbols is {SYMBOLS_MAX}"))
    if any(word in message for word in ("api key", "token", "access", "auth")):
        return FrameResult(error=VendorError("fatal", "Finnhub rejected the key"))
    if "symbol" in message:
        return FrameResult(rejected=("Finnhub does not know a symbol",))
    return FrameResult(rejected=("Finnhub reports an error",))
