"""How each vendor speaks, for the tests that all of them share."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from feeds.vendors.alpaca.stream import Alpaca
from feeds.vendors.finnhub.stream import Finnhub
from feeds.vendors.massive.stream import Massive
from feeds.vendors.yahoo.stream import Yahoo
from tests.support.fake_time import NOW_NS
from tests.support.servers import alpaca, finnhub, massive, yahoo

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.servers.ws import Client, WsServer

SYMBOLS = ("IWM", "QQQ", "SPY")
NOWHERE: Any = SimpleNamespace(client=None)
"""No transport: the tests answer for REST themselves."""


@dataclass(frozen=True)
class Subject:
    """One vendor."""

    name: str
    server: Callable[..., WsServer]
    vendor: Callable[[], Any]
    trade: Callable[[str, float, int, int], Any]
    """(symbol, price, time in ns, number) → what a script sends."""
    unknown: Any
    """A message of a type that nobody has heard of."""
    damaged: tuple[Any, ...]
    """Frames that cannot be read."""
    subscribed: Callable[[Client], set[str]]
    """What a client has asked for."""

    def __str__(self) -> str:
        return self.name


BROKEN = ("{not json", "[3", b"\xff\xfe\x00")


def _yahoo(symbol: str, price: float, ts_ns: int, number: int) -> str:
    # Its number is the day's volume; its floats have 32 bits, in which 1e308 is infinite.
    price = float("inf") if price > 3e38 else price
    return yahoo.pricing(symbol, price, ts_ns // 10**6, day_volume=100 * number)


whole = yahoo.message(id="IWM", price=221.28, time=NOW_NS // 10**6, quote_type=yahoo.ETF)
YAHOO = Subject(
    "Yahoo",
    yahoo.YahooServer,
    lambda: Yahoo(NOWHERE, clock_ns=lambda: NOW_NS),
    _yahoo,
    json.dumps({"type": "news", "message": ""}),
    (
        *BROKEN,
        *(yahoo.enveloped(whole[:cut]) for cut in (3, 7, len(whole) - 1)),
        yahoo.enveloped(b"\xff" * 40),
    ),
    lambda client: client.state.get("symbols", set()),
)
ALPACA = Subject(
    "Alpaca",
    alpaca.AlpacaServer,
    lambda: Alpaca("a-key", "a-secret", NOWHERE),
    lambda symbol, price, ts_ns, number: [alpaca.trade(symbol, price, ts_ns, number)],
    [{"T": "zz", "S": "IWM"}],
    BROKEN,
    lambda client: client.state["trades"],
)
MASSIVE = Subject(
    "Massive",
    massive.MassiveServer,
    lambda: Massive(massive.KEY, NOWHERE),
    lambda symbol, price, ts_ns, number: massive.array(massive.trade(symbol, price, ts_ns // 10**6, number)),
    massive.array({"ev": "XYZ", "sym": "IWM", "p": 1.0}),
    BROKEN,
    lambda client: {name.partition(".")[2] for name in client.state["channels"]},
)
FINNHUB = Subject(
    "Finnhub",
    finnhub.FinnhubServer,
    lambda: Finnhub(finnhub.KEY, NOWHERE),
    lambda symbol, price, ts_ns, number: finnhub.trades(finnhub.trade(symbol, price, ts_ns // 10**6)),
    json.dumps({"type": "news", "data": []}),
    BROKEN,
    lambda client: set(client.state["symbols"]),
)
