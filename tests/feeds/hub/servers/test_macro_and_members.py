"""Macro, the Fed and members through a real server: equal at both ends, whichever hub publishes."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import date, timedelta

import msgspec
import nats
import polars as pl
import pytest
from nats.js.errors import APIError

from feeds.clock import Time
from feeds.demo.fed import demo_fed
from feeds.demo.macro import demo_macro
from feeds.events import Batch, FedNews, MacroNews, Status, SymbolStates
from feeds.hub.broker.connection import Access
from feeds.hub.broker.serve import Hub
from feeds.hub.broker.viewer import HubFeed
from feeds.supervisor import Supervisor
from rotation.breadth.members import SCHEMA, MemberList, Membership
from rotation.desk import Desk
from rotation.history import History
from rotation.market.market import Market
from rotation.quote import NS, Quote
from rotation.sessions import last_closed, sessions_between
from rotation.status import LIVE, Kind, Mode
from tests.support.fake_time import NOW_NS
from tests.support.fault_table import FIRST
from tests.support.servers.nats import nats_server

WAIT_S = 60.0
FUND = "IWM"
MEMBERS = {"AAA": 10.0, "BBB": 20.0, "MOG.A": 30.0, "CCC": 40.0}
SECTORS = ("Energy", "Energy", "Industrials", "Banks")
SLOW = Mode(Kind.DELAYED, 900.0, "one exchange")
EXPECTED = "Nats-Expected-Last-Sequence"
WRONG_SEQUENCE = 10071
"""JetStream's number of the error that the stream has grown meanwhile."""


def held(day, weights):
    """A holdings file of these members."""
    symbols = sorted(MEMBERS)[: len(weights)]
    rows = {"symbol": symbols, "name": [f"{s} Inc" for s in symbols], "sector": SECTORS[: len(weights)],
            "weight_pct": weights}  # fmt: skip
    return MemberList.of(FUND, day, pl.DataFrame(rows, schema=SCHEMA))


def settled(cents=0.0):
    """Closes of legs and members, the newest ``cents`` higher."""
    last = last_closed(NOW_NS)
    days = sessions_between(last - timedelta(days=200), last)
    rows = [
        (symbol, day, round(price * 0.98 + i / 100 + cents * (day == last), 2), None)
        for symbol, price in {**FIRST, **MEMBERS}.items()
        for i, day in enumerate(days)
    ]
    return History(pl.DataFrame(rows, schema=["symbol", "date", "close", "adj_close"], orient="row"))


class Vendors:
    """A stream that says all of it once; ``number`` makes every figure another one."""

    name, symbols = "Scripted", frozenset({*FIRST, *MEMBERS})
    mode = LIVE

    def __init__(self, number):
        self.number = number

    def mode_of(self, symbol):
        return SLOW if symbol == "BBB" else LIVE

    def stats(self):
        return None

    def tape(self):
        return None

    async def events(self):
        yield Status(Kind.LIVE)
        prices = {**FIRST, **MEMBERS}
        yield Batch(
            tuple(
                Quote(symbol, NOW_NS - (1 + place) * NS, round(price + self.number, 2), size=100)
                for place, (symbol, price) in enumerate(prices.items())
            )
        )
        yield SymbolStates({"CCC": Kind.HALTED, "SPY": Kind.STALE})
        yield FedNews(demo_fed(NOW_NS - self.number * 60 * NS))
        yield MacroNews(demo_macro(NOW_NS + self.number * 40 * 86_400 * NS))
        await asyncio.Event().wait()


class Ours(Hub):
    """A hub of these vendors and lists; ``dies`` says nothing at its end."""

    def __init__(self, url, number, lists, cents=0.0):
        self.supervisor = None
        self._dies = True
        membership = (Membership.of(FUND, lists),)

        def make():
            market = Market(settled(cents), Desk(), as_of_ns=NOW_NS, members=tuple(MEMBERS))
            self.supervisor = Supervisor(market, [Vendors(number)], clock_ns=lambda: NOW_NS)
            self.supervisor._market.take_members(membership)
            return self.supervisor, Desk().legs

        super().__init__(Access(url), make, lambda line: None, time=Time(clock_ns=lambda: NOW_NS))

    async def _leave(self, client, chain, publisher):
        """It dies without a word, as a process that is killed."""


class Viewer:
    """A desk on the hub. Its own clock is half a minute ahead, and stands as the hub's does."""

    def __init__(self, url):
        ahead = Time(monotonic=lambda: 100.0, clock_ns=lambda: NOW_NS + 30 * NS)
        self.feed = HubFeed(Access(url), time=ahead)
        market = Market(History.empty(), Desk(), as_of_ns=NOW_NS)
        self.supervisor = Supervisor(market, [self.feed], clock_ns=self.feed.hub_clock_ns)
        self.feed.on_members = self.supervisor.take_members


@contextlib.asynccontextmanager
async def running(*processes):
    tasks = [asyncio.create_task(each) for each in processes]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def parts(hub, viewer):
    """Fields of the two Snapshots that differ."""
    theirs, ours = (None if each.supervisor is None else each.supervisor.latest for each in (hub, viewer))
    if theirs is None or ours is None:
        return {"latest": (theirs, ours)}
    rows = tuple(row for row in ours.health.feeds if row.name != "hub")  # that a gap was refilled
    ours = msgspec.structs.replace(
        ours, health=msgspec.structs.replace(ours.health, feeds=rows), seq=theirs.seq
    )
    names = theirs.__struct_fields__
    return {
        name: (getattr(theirs, name), getattr(ours, name))
        for name in names
        if getattr(theirs, name) != getattr(ours, name)
    }


async def equal(hub, *viewers, within_s=WAIT_S):
    """Every figure, status, age and provenance, and the files that breadth rests on."""
    ends_s = asyncio.get_running_loop().time() + within_s
    for viewer in viewers:
        while parts(hub, viewer) or lists(hub) != lists(viewer):
            assert asyncio.get_running_loop().time() < ends_s, (parts(hub, viewer), lists(viewer))
            await asyncio.sleep(0.05)
        assert viewer.supervisor.provenance == hub.supervisor.provenance


def noted(viewer):
    """Every Snapshot that the viewer publishes from now on."""
    seen = []

    def note(snapshot):
        seen.append(snapshot)
        return snapshot

    viewer.supervisor.on_publish = note
    return seen


def figures(snapshot):
    """What an older message would change."""
    return (
        snapshot.macro, snapshot.fed, {symbol: leg.last for symbol, leg in snapshot.legs.items()},
        snapshot.breadth.indices[FUND].now.total, snapshot.legs["IWM"].return_pct,
    )  # fmt: skip


def lists(end):
    """By fund the files, day by day, with all their rows."""
    held = () if end.supervisor is None else end.supervisor.membership
    return {fund.fund: [(each.as_of, each.frame.rows()) for each in fund.lists] for fund in held}


OLD = [held(date(2024, 7, day), [40.0, 30.0, 20.0, 10.0]) for day in (11, 12)]
NEW = [*OLD, held(date(2024, 7, 15), [50.0, 25.0, 25.0])]


@pytest.fixture
def server(tmp_path):
    with nats_server(tmp_path) as made:
        yield made


async def test_macro_and_members_are_equal_at_both_ends_and_nothing_older_returns(server):
    first, second, viewer = Ours(server.url, 0, OLD), Ours(server.url, 1, NEW, 0.5), Viewer(server.url)
    listener = await nats.connect(server.url)
    before: dict[str, bytes] = {}

    async def note(message):
        before[message.subject] = message.data

    listening = [await listener.subscribe(subject, cb=note) for subject in ("desk.>", "quotes.>")]
    async with running(first.run(), viewer.supervisor.run()) as (publishing, _):
        await equal(first, viewer)
        shown = viewer.supervisor.latest
        assert shown.macro is not None
        assert shown.fed is not None
        assert shown.breadth.indices[FUND].now.counted == len(MEMBERS)
        assert {shown.legs["SPY"].status.kind, shown.legs["IWM"].status.kind} == {Kind.STALE, Kind.LIVE}
        for each in listening:
            await each.unsubscribe()
        async with running(second.run()):
            publishing.cancel()
            await asyncio.gather(publishing, return_exceptions=True)
            await equal(second, viewer)
            assert viewer.supervisor.latest.macro != shown.macro
            assert viewer.supervisor.latest.breadth != shown.breadth
            assert viewer.supervisor.membership[0].lists[-1].as_of == NEW[-1].as_of
            subjects = {
                "desk.macro",
                "desk.fed",
                "desk.state",
                "desk.index",
                "quotes.IWM",
                "desk.members.IWM.0",
            }
            assert subjects <= before.keys()
            newer, seen = viewer.supervisor.latest, noted(viewer)
            await woken(listener, before)
            await asyncio.sleep(0.5)
            await equal(second, viewer)
            assert all(figures(each) == figures(newer) for each in seen), "not for a moment"
            assert viewer.feed.receiver.counters.older >= len(before)
            late = Viewer(server.url)
            async with running(late.supervisor.run()):
                await equal(second, viewer, late)
    await listener.close()


async def woken(client, before):
    """What the first hub sent, once more: as it would send it, which is not kept, and as it should not be."""
    for subject, data in before.items():
        with pytest.raises(APIError) as refused:
            await client.jetstream().publish(subject, data, headers={EXPECTED: "1"})
        assert refused.value.err_code == WRONG_SEQUENCE
        await client.publish(subject, data)
    await client.flush()
