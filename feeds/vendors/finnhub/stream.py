"""Finnhub: US trades with a free key, up to 50 symbols over one websocket for a key.

The key is part of the address (there is no other way), so the address is never shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote as escaped

import msgspec

from feeds.errors import SourceError
from feeds.http.failure import RequestError
from feeds.parsing.vendor_names import Names
from feeds.parsing.wire import address
from feeds.vendors.finnhub.frames import SYMBOLS_MAX, Ordinals, parse, result_of
from feeds.vendors.finnhub.rest import parse_quote
from rotation.status import LIVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from feeds.http.cached import CachedClient
    from feeds.streaming.vendor import Frame, FrameResult
    from rotation.quote import Quote

HOME = "wss://ws.finnhub.io"
REST = "https://finnhub.io/api/v1"


class FinnhubConversation:
    """One connection: a message for each symbol, answered by nothing but trades and pings."""

    def __init__(self, ordinals: Ordinals) -> None:
        """``ordinals`` outlive the connection: trades repeat over a reconnect too."""
        self._ordinals = ordinals
        self._names = Names()
        self._sent: frozenset[str] = frozenset()

    def opened(self) -> tuple[Frame, ...]:
        """Nothing: the key was in the address."""
        return ()

    def received(self, frame: Frame) -> FrameResult:
        """Trades, a ping, or an error."""
        result = result_of(parse(frame), self._ordinals)
        return msgspec.structs.replace(result, quotes=self._names.back(result.quotes))

    def subscribe(self, symbols: frozenset[str]) -> tuple[Frame, ...]:
        """One message a symbol, for the difference to what was asked for on this connection."""
        self._names = Names(symbols)
        theirs = self._names.theirs
        gone = [_action("unsubscribe", name) for name in sorted(self._sent - theirs)]
        new = [_action("subscribe", name) for name in sorted(theirs - self._sent)]
        self._sent = theirs
        return (*gone, *new)

    def beat(self) -> tuple[Frame, ...]:
        """Nothing: it is the vendor who pings."""
        return ()


def _action(kind: str, name: str) -> str:
    return msgspec.json.encode({"type": kind, "symbol": name}).decode()


class Finnhub:
    """``ROTATION_TUI_FINNHUB_STREAM_URL`` and ``…_REST_URL`` move it. Raises InputError for a wrong one."""

    name = "Finnhub"
    mode = LIVE
    beat_s: float | None = None
    heartbeats = False
    """It pings about once a minute, but nowhere promises to."""
    keyed = True
    acknowledges = False
    most_symbols: int | None = SYMBOLS_MAX

    def __init__(self, key: str, http: CachedClient) -> None:
        """``key`` goes into the stream's address and a header of the REST requests."""
        self.headers: Mapping[str, str] = {}
        self.url = f"{address('FINNHUB', 'STREAM', HOME)}/?token={escaped(key, safe='')}"
        self._rest = address("FINNHUB", "REST", REST)
        self._key = key
        self._http = http
        self._ordinals = Ordinals()

    def conversation(self) -> FinnhubConversation:
        """A new connection begins."""
        return FinnhubConversation(self._ordinals)

    async def snapshot(self, symbols: frozenset[str]) -> tuple[Quote, ...]:
        """The last price of each, a request a symbol. Raises SourceError where the source does not answer."""
        quotes: list[Quote] = []
        names = Names(symbols)
        for name in sorted(names.theirs)[:SYMBOLS_MAX]:
            try:
                quotes += await self._http.client.get(
                    f"{self._rest}/quote",
                    parse=lambda data, name=name: parse_quote(name, data),  # type: ignore[misc]
                    params={"symbol": name},
                    headers={"X-Finnhub-Token": self._key},
                )
            except RequestError as failure:
                raise SourceError(f"Finnhub: {failure.with_next_try()}") from failure
        return names.back(quotes)

    async def backfill(self, symbols: frozenset[str], start_ns: int, end_ns: int) -> tuple[Quote, ...]:
        """Nothing: minute bars are for paying customers only; the snapshot says where prices stand."""
        del symbols, start_ns, end_ns
        return ()
