"""Finnhub: US trades with a free key, up to 50 symbols over one websocket for a key.

The key is part of the address (there is no other way), so the address is never shown. Trades repeat, up to
three times, and have no number: they are told apart by symbol, time, price and size.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING
from urllib.parse import quote as escaped

import msgspec

from feeds.errors import SourceError
from feeds.http.failure import RequestError
from feeds.parsing.fields import instant, quote, sifted
from feeds.parsing.wire import address, decode
from feeds.streaming.vendor import FrameResult, VendorError
from rotation.status import LIVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from feeds.http.cached import Transport
    from feeds.streaming.vendor import Frame
    from rotation.quote import Quote

HOME = "wss://ws.finnhub.io"
REST = "https://finnhub.io/api/v1"
SYMBOLS_MAX = 50
"""Of a free key; the vendor answers one too many with "Subscribing to too many symbols"."""
ODD_LOT = "12"
"""A trade below 100 shares does not set the last price (consolidated processing). The code stands on every
such trade of the captured frames and on no other. "24", Form T, is the price outside regular hours."""
REMEMBERED = 8_192
"""Instants of symbols whose trades are told apart; a repeat comes within seconds."""
INSTANT_MAX = 1_000
"""Trades told apart within one instant of a symbol; those beyond share a number."""
Loose = object


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


class _Quote(msgspec.Struct):
    c: Loose = None
    t: Loose = None


def parse(frame: Frame) -> Message:
    """What a frame holds. Raises SourceError for one that is none of this vendor's."""
    return decode(frame, Message, "Finnhub")


def parse_quote(name: str, data: bytes) -> list[Quote]:
    """The answer for one symbol: its last price; none where the vendor knows none. Raises SourceError."""
    told = decode(data, _Quote, "Finnhub quote")
    return list(sifted([quote(name, instant(told.t), told.c)])[0])


class Ordinals:
    """Numbers for trades that have none: a repeat gets the number of the first, in order of arrival.

    Two trades of one symbol in one millisecond at one price and size are taken for a repeat: the
    vendor gives nothing to tell them apart. Bounded memory.
    """

    def __init__(self) -> None:
        """Nothing has been heard yet."""
        self._known: OrderedDict[tuple[str, int], dict[tuple[float, object], int]] = OrderedDict()

    def numbered(self, trade: Quote, size: object) -> Quote:
        """The same with ``seq``. ``size`` as the vendor wrote it: of a coin, parts count."""
        at = (trade.symbol, trade.ts_ns)
        there = self._known.setdefault(at, {})
        identity = (trade.price, str(size))
        seq = there.get(identity, len(there))
        if seq < INSTANT_MAX:
            there[identity] = seq
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return msgspec.structs.replace(trade, seq=seq)


class FinnhubConversation:
    """One connection: a message for each symbol, and no word back but trades and pings."""

    def __init__(self, ordinals: Ordinals) -> None:
        """``ordinals`` outlive the connection: trades repeat over a reconnect too."""
        self._ordinals = ordinals
        self._sent: frozenset[str] = frozenset()

    def opened(self) -> tuple[Frame, ...]:
        """Nothing: the key was in the address."""
        return ()

    def received(self, frame: Frame) -> FrameResult:
        """Trades, a ping, or an error."""
        told = parse(frame)
        if told.type == "trade":
            return self._trades(told.data or [])
        if told.type == "ping":
            return FrameResult(heartbeat=True)
        return _error(str(told.msg).lower()) if told.type == "error" else FrameResult()

    def subscribe(self, symbols: frozenset[str]) -> tuple[Frame, ...]:
        """One message a symbol, for the difference to what was asked for on this connection."""
        gone = [_action("unsubscribe", name) for name in sorted(self._sent - symbols)]
        new = [_action("subscribe", name) for name in sorted(symbols - self._sent)]
        self._sent = symbols
        return (*gone, *new)

    def beat(self) -> tuple[Frame, ...]:
        """Nothing: it is the vendor who pings."""
        return ()

    def _trades(self, trades: Iterable[object]) -> FrameResult:
        quotes, rejected = [], []
        for trade in trades:
            if not isinstance(trade, Trade):
                rejected.append("a trade that is none")
                continue
            if isinstance(trade.c, list) and ODD_LOT in trade.c:
                continue
            found = quote(trade.s, instant(trade.t), trade.p, trade.v)
            if isinstance(found, str):
                rejected.append(found)
            else:
                quotes.append(self._ordinals.numbered(found, trade.v))
        return FrameResult(tuple(quotes), rejected=tuple(rejected), heartbeat=not quotes)


def _error(message: str) -> FrameResult:
    """The vendor's words are not passed on: they may repeat what was asked for."""
    if "too many symbols" in message:
        return FrameResult(trouble=VendorError("limit", f"Finnhub takes no more symbols than {SYMBOLS_MAX}"))
    if any(word in message for word in ("api key", "token", "access", "auth")):
        return FrameResult(trouble=VendorError("fatal", "Finnhub refuses the key"))
    if "symbol" in message:
        return FrameResult(rejected=("Finnhub does not know a symbol",))
    return FrameResult(rejected=("Finnhub reports an error",))


def _action(kind: str, name: str) -> str:
    return msgspec.json.encode({"type": kind, "symbol": name}).decode()


class Finnhub:
    """``ROTATION_TUI_FINNHUB_STREAM_URL`` and ``…_REST_URL`` move it. Raises InputError for a wrong one."""

    name = "Finnhub"
    mode = LIVE
    beat_s: float | None = None
    heartbeats = False
    """It pings about once a minute, but nowhere promises to."""
    acknowledges = False
    most_symbols: int | None = SYMBOLS_MAX

    def __init__(self, key: str, transport: Transport) -> None:
        """``key`` goes into the stream's address and a header of the REST requests."""
        self.headers: Mapping[str, str] = {}
        self.url = f"{address('FINNHUB', 'STREAM', HOME)}/?token={escaped(key, safe='')}"
        self._rest = address("FINNHUB", "REST", REST)
        self._key = key
        self._transport = transport
        self._ordinals = Ordinals()

    def conversation(self) -> FinnhubConversation:
        """A new connection begins."""
        return FinnhubConversation(self._ordinals)

    async def snapshot(self, symbols: frozenset[str]) -> tuple[Quote, ...]:
        """The last price of each, a request a symbol. Raises SourceError where the source does not answer."""
        found: list[Quote] = []
        for name in sorted(symbols)[:SYMBOLS_MAX]:
            try:
                found += await self._transport.client.get(
                    f"{self._rest}/quote",
                    parse=lambda data, name=name: parse_quote(name, data),  # type: ignore[misc]
                    params={"symbol": name},
                    headers={"X-Finnhub-Token": self._key},
                )
            except RequestError as failure:
                raise SourceError(f"Finnhub: {failure.with_next_try()}") from failure
        return tuple(found)

    async def backfill(self, symbols: frozenset[str], start_ns: int, end_ns: int) -> tuple[Quote, ...]:
        """Nothing: minute bars are for paying customers only; the snapshot says where prices stand."""
        del symbols, start_ns, end_ns
        return ()
