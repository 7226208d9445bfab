"""A made-up live market on loopback: Yahoo's stream and charts, Stooq, the Fed's sources; one truth for all.

By hand: ``python -m tests.support.servers.live_world`` prints the environment that points rotation-tui at
it; run
``rotation-tui`` in a shell that has evaluated these lines. It is now there, so at a weekend nothing trades.
With ``--session`` it is 10:40 in New York of the last session, for the program too: ROTATION_TUI_NOW says so.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from feeds.clock import wall_ns
from feeds.parsing.symbols import YAHOO_INDEX
from rotation.desk import Desk
from rotation.sessions import close_ns, hours, last_closed, open_ns, session_at, sessions_between
from tests.support import clock
from tests.support.servers import history, yahoo
from tests.support.servers.fed_world import FedWorld
from tests.support.servers.fed_world import environment as fed_environment
from tests.support.servers.rest import RestServer, run
from tests.support.servers.ws import READY, Client

if TYPE_CHECKING:
    from collections.abc import Callable

S = 10**9
MINUTE_NS = 60 * S
LEVELS = {
    "IWM": 221.3, "QQQ": 495.4, "DIA": 409.6, "SPY": 562.0, "KRE": 56.1, "IWN": 168.4, "IVW": 94.2,
    "TLT": 94.6, "RUT": 2243.0, "NDX": 20353.0,
}  # fmt: skip
TICKS = object()
"""In a script: prints of what the client has asked for, some times a second, for ever."""
EVERY_S = 0.3


class LiveWorld:
    """Prices, and how each source tells them. ``clock_ns`` says when it is."""

    def __init__(self, clock_ns: Callable[[], int], *, years: float = 3.0) -> None:
        self.clock_ns = clock_ns
        now_ns = clock_ns()
        last = last_closed(now_ns)
        days = sessions_between(last - timedelta(days=int(365 * years)), last + timedelta(days=14))
        walks = history.made(len(Desk().legs), days)
        shares = {}
        for symbol, walk in zip(Desk().legs, walks.values(), strict=True):
            scale = LEVELS[symbol] / (walk.raw[last] or 1.0)
            shares[symbol] = history.Share({d: round((p or 0) * scale, 2) for d, p in walk.raw.items()})
        named = {theirs: ours for ours, theirs in YAHOO_INDEX.items()}
        self.daily = history.Market(shares, now_ns, yahoo_names=named)
        self.fed = FedWorld(now_ns)
        self.asked: list[str] = []

    def price(self, symbol: str, ts_ns: int) -> float:
        """At an instant of trading: waves around the close before; at the bell the day's own close."""
        day = session_at(ts_ns)
        assert day is not None
        raw = self.daily.shares[symbol].raw
        if ts_ns >= close_ns(day):
            return raw[day] or 0.0
        before = max(d for d in raw if d < day)
        minutes = (ts_ns - hours(day)[0]) / MINUTE_NS
        phase = sum(map(ord, symbol))
        wave = 0.006 * math.sin(minutes / 60 + phase) + 0.0008 * math.sin(minutes * 9 + phase)
        return round((raw[before] or 0.0) * (1 + wave), 2)

    def traded_ns(self) -> int:
        """When the newest print was made, in whole seconds as Yahoo's charts have it."""
        now_ns = self.clock_ns() // S * S
        day = session_at(now_ns)
        return min(now_ns, close_ns(day)) if day else close_ns(last_closed(now_ns))

    def answer(self, path: str) -> bytes:
        """To a GET, whichever source's it is."""
        self.asked.append(path)
        self.daily.now_ns = self.fed.now_ns = self.clock_ns()
        parts = urlsplit(path)
        query = parse_qs(parts.query)
        symbol = unquote(parts.path.rpartition("/")[2])
        if parts.path.startswith("/v8/finance/chart/"):
            if query.get("interval") == ["1m"]:
                return self._minutes(symbol)
            return (self.fed if symbol.startswith("ZQ") else self.daily).answer(path)
        return self.daily.answer(path) if parts.path == "/q/d/l/" else self.fed.answer(path)

    def _minutes(self, symbol: str) -> bytes:
        ours, traded_ns = self.daily.yahoo_names.get(symbol, symbol), self.traded_ns()
        day = session_at(traded_ns)
        assert day is not None
        starts = range(open_ns(day), traded_ns - MINUTE_NS + 1, MINUTE_NS)
        if symbol.startswith("ZQ"):  # months trade rarely: no minute of theirs
            starts, price = range(0), self._month(symbol)
        elif ours in self.daily.shares:
            price = self.price(ours, traded_ns)
        else:
            return json.dumps({"chart": {"result": None, "error": {"description": "No data found"}}}).encode()
        closes = [self.price(ours, start + MINUTE_NS) for start in starts]
        meta = {"symbol": symbol, "regularMarketPrice": price, "regularMarketTime": traded_ns // S}
        columns = {"close": closes, "high": closes, "low": closes, "volume": [1000] * len(closes)}
        result = {"meta": meta, "timestamp": [s // S for s in starts], "indicators": {"quote": [columns]}}
        return json.dumps({"chart": {"result": [result], "error": None}}).encode()

    def _month(self, symbol: str) -> float:
        year, month = 2000 + int(symbol[3:5]), "FGHJKMNQUVXZ".index(symbol[2]) + 1
        return self.fed.price(year, month, last_closed(self.clock_ns()))

    def frame(self, symbol: str) -> str | None:
        """A print as Yahoo's stream tells it; None while nothing of this symbol trades."""
        now_ns = self.clock_ns()
        if symbol.startswith("ZQ"):
            price = self._month(symbol)
            return yahoo.pricing(symbol, price, now_ns // 10**6, quote_type=yahoo.FUTURE, price_hint=4)
        ours = self.daily.yahoo_names.get(symbol, symbol)
        day = session_at(now_ns)
        if ours not in self.daily.shares or day is None or not open_ns(day) <= now_ns < close_ns(day):
            return None
        kind = yahoo.INDEX if symbol.startswith("^") else yahoo.ETF
        volume = (now_ns - open_ns(day)) // 10**7
        price = self.price(ours, now_ns)
        return yahoo.pricing(symbol, price, now_ns // 10**6, quote_type=kind, day_volume=volume)


class LiveStream(yahoo.YahooServer):
    """Yahoo's streamer in this world."""

    def __init__(self, world: LiveWorld, *scripts: object) -> None:
        super().__init__(*(scripts or ((READY, TICKS),)))
        self.world = world

    async def _act(self, client: Client, action: object) -> None:
        while action is TICKS:
            for symbol in sorted(client.state["symbols"]):
                frame = self.world.frame(symbol)
                if frame is not None:
                    await client.connection.send(frame)
            await asyncio.sleep(EVERY_S)
        await super()._act(client, action)


def environment(rest: str, stream: str) -> dict[str, str]:
    """The variables that point the program there; Polymarket's stream leads nowhere."""
    return (
        fed_environment(rest)
        | {"ROTATION_TUI_YAHOO_STREAM_URL": stream, "ROTATION_TUI_STOOQ_REST_URL": rest}
        | {"ROTATION_TUI_OFFLINE": "", "ROTATION_TUI_FEED": "yahoo"}
    )


def shift_to_session_ns(now_ns: int) -> int:
    """From now to 70 minutes after the last session's opening bell."""
    return open_ns(last_closed(now_ns)) + 70 * MINUTE_NS - now_ns


async def _started() -> list[str]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of REST")
    parser.add_argument("--stream-port", type=int, default=0)
    when = parser.add_mutually_exclusive_group()
    when.add_argument("--session", action="store_true", help="10:40 New York of the last session")
    when.add_argument("--shift-ns", type=int, default=0, help="the clock is moved by so much")
    given = parser.parse_args()
    shift_ns = shift_to_session_ns(wall_ns()) if given.session else given.shift_ns
    world = LiveWorld(lambda: wall_ns() + shift_ns)
    rest, stream = RestServer(answer=world.answer), LiveStream(world)
    await rest.start(given.port)
    await stream.start(given.stream_port)
    variables = environment(rest.url, stream.url) | clock.setting(world.clock_ns())
    # An empty line says that this is all.
    return [*(f"export {name}={value}" for name, value in variables.items()), ""]


if __name__ == "__main__":
    run(_started)
