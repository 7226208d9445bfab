"""Other feeds take over in the middle of a session: every figure after every second is the true tape's.

The session is that of ``tests/support/session``: a seed's tape over a real socket, an oracle of all that was
sent, and a check after every step.
"""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest import mock

import msgspec
import polars as pl
import pytest

from feeds.desk.change.exchange import exchange
from feeds.events import Batch, ColumnBatch, PrintsReplaced, Stream
from feeds.http.cached import CachedClient
from feeds.streaming.failover import Failover
from feeds.streaming.feed import StreamFeed
from feeds.supervisor import Watched
from rotation.quote import NS
from tests.support.core_worlds import history_of
from tests.support.idle_loop import IdleLoop
from tests.support.servers.alpaca import Answers
from tests.support.servers.ws import STAY
from tests.support.session.check import Check
from tests.support.session.desk import DESK, LEGS, Rest
from tests.support.session.wire import vendor_of
from tests.support.session.world import World

if TYPE_CHECKING:
    from feeds.events import Feed
    from rotation.desk import Desk
    from rotation.history import History
    from tests.support.fake_time import FakeTime


LEAVES = "KRE"


def tell_all(server: Any) -> None:
    """While two streams are connected a vendor sends every print to both."""

    async def tell(*messages: Any) -> None:
        for message in messages:
            for client in server.clients:
                if client.ready and not client.closed:
                    await client.connection.send(server._frame(client, message))

    server.tell = tell


class Renumbered(StreamFeed):
    """A source with another name, which numbers the same prints its own way."""

    BY = 10**9

    async def events(self):
        async for event in super().events():
            match event:
                case Batch() | PrintsReplaced():
                    quotes = (msgspec.structs.replace(q, seq=q.seq + self.BY) for q in event.quotes)
                    yield msgspec.structs.replace(event, quotes=tuple(quotes))
                case ColumnBatch():
                    rows = event.rows.with_columns(pl.col("seq") + self.BY)
                    yield msgspec.structs.replace(event, rows=rows)
                case _:
                    yield event


def another_stream(world: World, name: str = "", legs: tuple[str, ...] = LEGS) -> StreamFeed:
    """As the configuration file would make it: a connection, a filter and counts of its own."""
    desk, story = world.desk, world.story
    desk.rest = Rest(desk.tape, desk.time, desk.rest.known, vendor_of(story.wire, story.feed))
    closes = {row.symbol: row.close for row in world.settled_by(world.now_ns) if row.close is not None}
    stream = (Renumbered if name else StreamFeed)(desk.rest, legs, time=desk.time, closes=closes)
    stream.name = name or stream.name
    return stream


def in_charge(stream: StreamFeed, time: FakeTime) -> Feed:
    """As a desk has it: under a Failover, with clients of its own."""
    return Failover(CachedClient(clock_ns=time.clock_ns), [lambda: stream], time=time)


async def watches(
    world: World, stream: StreamFeed, desk: Desk = DESK, history: History | None = None
) -> None:
    """Another stream takes over while prints go on."""
    supervisor = world.desk.supervisor
    tell_all(world.desk.server)
    others = [feed for feed in supervisor.feeds if not isinstance(feed, Stream)]
    time = world.desk.time
    wanted = Watched(desk, (in_charge(stream, time), *others), history=history, clock_ns=time.clock_ns)
    change = asyncio.create_task(exchange(supervisor, wanted, limit_s=300))
    world.desk.stream = stream
    while not change.done():
        await world.second()
    await change
    assert len(supervisor.feeds) == 1 + len(others)
    assert [client.closed for client in world.desk.server.clients[-2:]] == [True, False]
    await world.seconds(30)


async def handed_over(world: World, *, name: str = "") -> None:
    """Another stream of the same source, or of one with another name, comes up and takes over."""
    is_back = world.desk.stream.name == name
    await watches(world, another_stream(world, "" if is_back else name))


async def left_and_back(world: World) -> None:
    """A leg leaves the desk and comes back: what it has missed meanwhile is fetched."""
    if world.now_ns > world.closes_ns - 120 * NS:  # whoever comes after the auction has not heard it
        await handed_over(world)
        return
    legs = tuple(symbol for symbol in LEGS if symbol != LEAVES)
    desk, rows = msgspec.structs.replace(DESK, legs=legs), world.settled_by(world.now_ns)
    smaller = history_of([row for row in rows if row.symbol != LEAVES])
    await watches(world, another_stream(world, legs=legs), desk, smaller)
    assert LEAVES not in world.desk.snapshot.legs
    await watches(world, another_stream(world), DESK, history_of(world.settled_by(world.now_ns)))
    assert LEAVES in world.desk.snapshot.legs


async def played(seed: int, fault: Any) -> tuple[World, Check]:
    fault.__name__ = "handed over"
    world, check = World(seed, (fault,)), Check()
    world.on_step = check
    with mock.patch.dict(os.environ):  # the vendor reads its address there
        await world.run(os.environ)
    return world, check


def run(seed: int, fault: Any) -> tuple[World, Check]:
    with asyncio.Runner(loop_factory=IdleLoop) as runner:
        return runner.run(played(seed, fault))


async def kept_out(world: World) -> None:
    """The account has one connection: the new stream is let in once the old one has gone."""
    world.desk.server.scripts = [(Answers((406,)), STAY), (STAY,)]
    await handed_over(world)


def test_a_vendor_with_one_connection_is_left_before_the_new_stream_gets_in():
    world, check = run(2, kept_out)
    assert world.steps > 1_000
    assert check.counts["claimed"] > 4 * check.counts["marked"]


@pytest.mark.parametrize("seed", [2, 5])
def test_a_leg_that_comes_back_has_all_of_its_day(seed):
    world, check = run(seed, left_and_back)
    assert world.steps > 1_000
    assert check.counts["claimed"] > 4 * check.counts["marked"]


@pytest.mark.parametrize("seed", [2, 5])
@pytest.mark.parametrize("name", ["", "another source"])
def test_no_print_is_lost_and_none_counts_twice(seed, name):
    """Five or six times a session, at the bells too. ``name``: of a source with numbers of its own."""
    world, check = run(seed, partial(handed_over, name=name))
    assert world.steps > 1_000
    assert check.counts["claimed"] > 4 * check.counts["marked"]
