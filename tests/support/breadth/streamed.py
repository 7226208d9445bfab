"""A desk of which the legs' vendor brings members on the same connection: servers, failover, rounds."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import polars as pl
from websockets.exceptions import ConnectionClosed

from feeds.desk.choose import by_vendor
from feeds.desk.members.prices import MemberPrices
from feeds.http.cached import CachedClient
from feeds.streaming.failover import Failover
from feeds.streaming.members.prints import MemberPrints
from feeds.supervisor import Supervisor
from feeds.vendors.alpaca.stream import Alpaca
from feeds.vendors.massive.stream import Massive
from rotation.breadth.members import SCHEMA, MemberList, Membership
from rotation.desk import Desk
from rotation.history import History
from rotation.market.market import Market
from rotation.quote import NS
from tests.support.fake_time import NOW_NS, FakeTime, at_once, driven, settle
from tests.support.servers import alpaca, massive
from tests.support.servers.rest import RestServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import date

    from feeds.streaming.vendor import Vendor
    from rotation.snapshot import FeedHealth

LEGS = {"IWM": 221.28, "QQQ": 495.43, "SPY": 562.0}
MINUTE = 60 * NS


def membership(names: Sequence[str], day: date) -> Membership:
    rows = [(name, name, "Energy", 100 / len(names)) for name in names]
    return Membership.of("IWM", [MemberList.of("IWM", day, pl.DataFrame(rows, schema=SCHEMA, orient="row"))])


def history(closes: Mapping[str, float], days: Sequence[date]) -> History:
    return History(
        pl.concat(
            pl.DataFrame({"symbol": name, "date": days, "close": close, "adj_close": close})
            for name, close in closes.items()
        )
    )


def massive_rest(latest: dict[str, tuple[int, float]]) -> RestServer:
    """Snapshots of these: time in ns and price."""

    def answer(path: str) -> bytes:
        parts = urlsplit(path)
        if "snapshot" not in parts.path:
            return b'{"results":[]}'
        names = parse_qs(parts.query)["tickers"][0].split(",")
        rows = [
            {"ticker": name, "lastTrade": {"p": latest[name][1], "c": [14], "t": latest[name][0]}}
            for name in names
            if name in latest
        ]
        return json.dumps({"status": "OK", "tickers": rows}).encode()

    return RestServer(answer=answer)


class StreamedDesk:
    """Alpaca first, Massive stands in where it is given; prices of members beside their stream."""

    def __init__(
        self,
        names: Sequence[str],
        days: Sequence[date],
        time: FakeTime,
        *,
        plans: Sequence[str],
        closes: Mapping[str, float] | None = None,
        **alpaca_options: Any,
    ) -> None:
        self.time = time
        self.names = tuple(names)
        self.prints = MemberPrints()
        self.held = history({**dict.fromkeys(names, 100.0), **LEGS, **(closes or {})}, days)
        http, beside = (
            CachedClient(
                clock_ns=time.clock_ns, monotonic=time.monotonic, sleep=time.sleep, random=time.random
            )
            for _ in range(2)
        )

        def vendor(plan: str, client: CachedClient) -> Vendor:
            if plan.startswith("massive"):
                return Massive(massive.KEY, client, delayed=plan == "massive-delayed")
            options: dict[str, Any] = {"feed": plan, "first": tuple(LEGS), "packed": False} | alpaca_options
            return Alpaca("PKTEST", "secret", client, clock_ns=time.clock_ns, **options)

        self.quotes = Failover(
            http,
            [
                by_vendor(vendor(plan, http), tuple(LEGS), LEGS, time, lambda _: None, members=self.prints)
                for plan in plans
            ],
            time=time,
        )
        self.members = MemberPrices(
            [vendor(plan, beside) for plan in plans],
            self.names,
            http=beside,
            history=self.held,
            time=time,
            legs=set(LEGS),
            prints=self.prints,
        )
        desk = Desk(base="IWM", against="QQQ", legs=tuple(LEGS))
        self.first = membership(self.names, days[0])
        self.market = Market(self.held, desk, as_of_ns=time.clock_ns(), membership=(self.first,))
        self.supervisor = Supervisor(
            self.market,
            [self.quotes, self.members],
            clock_ns=time.clock_ns,
            sleep=time.sleep,
            offload=at_once,
        )
        self.sent = 0

    @property
    def iwm(self) -> Any:
        assert self.supervisor.latest is not None
        assert self.supervisor.latest.breadth is not None
        return self.supervisor.latest.breadth.indices["IWM"]

    @property
    def health(self) -> FeedHealth:
        assert self.supervisor.latest is not None
        return self.supervisor.latest.health.feeds[1]

    @property
    def legs(self) -> Any:
        assert self.supervisor.latest is not None
        return self.supervisor.latest.legs

    def values(self) -> dict[str, float | None]:
        """What members cost by the desk."""
        return self.market.member_values()

    async def trade(self, server: alpaca.AlpacaServer | massive.MassiveServer) -> None:
        """A trade of each leg, now."""
        now_ns = self.time.clock_ns()
        self.sent += 1
        with contextlib.suppress(ConnectionClosed):  # between two connections
            for name, price in LEGS.items():
                if isinstance(server, alpaca.AlpacaServer):
                    await server.tell([alpaca.trade(name, price, now_ns, 1000 + self.sent)])
                else:
                    row = massive.trade(name, price, now_ns // 10**6, 1000 + self.sent)
                    await server.send(massive.array(row))
        await settle()

    async def trading(self, server: alpaca.AlpacaServer | massive.MassiveServer, seconds: int) -> None:
        """Legs print every second."""
        for _ in range(seconds):
            await self.trade(server)
            await self.time.passing(1)

    async def ends(self, server: alpaca.AlpacaServer | massive.MassiveServer) -> int:
        """Up to the end of the minute, which is returned in ns."""
        while self.time.clock_ns() % MINUTE:
            await self.trading(server, 1)
        return self.time.clock_ns()


@contextlib.asynccontextmanager
async def streamed_desk(
    monkeypatch: Any,
    names: Sequence[str],
    days: Sequence[date],
    *,
    streams: Mapping[str, Any],
    rests: Mapping[str, Any],
    plans: Sequence[str] = ("iex",),
    now_ns: int = NOW_NS,
    **options: Any,
) -> AsyncIterator[StreamedDesk]:
    """It runs inside. ``streams``, ``rests``: servers by vendor, ``alpaca`` and ``massive``."""
    before = asyncio.all_tasks()
    async with contextlib.AsyncExitStack() as stack:
        for kind, servers in (("STREAM", streams), ("REST", rests)):
            for name, server in servers.items():
                await stack.enter_async_context(server)
                monkeypatch.setenv(f"ROTATION_TUI_{name.upper()}_{kind}_URL", server.url)
        desk = StreamedDesk(names, days, FakeTime(now_ns), plans=plans, **options)
        async with driven(desk.supervisor.run(), settle()):
            await desk.time.passing(1)
            yield desk
    await settle()
    assert not desk.prints._taps, "a stream that has ended brings nobody"
    left = {task for task in asyncio.all_tasks() - before if not task.done()}
    assert not left, left
