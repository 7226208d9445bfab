"""Other feeds take over in the middle of a session: every figure after every second is the true tape's.

The session is that of ``tests/support/session``: a seed's tape over a real socket, an oracle of all that was
sent, and a check after every step.
"""

from __future__ import annotations

import asyncio
import os
from functools import partial
from typing import Any

import pytest

from feeds.desk.change.exchange import exchange
from feeds.streaming.feed import StreamFeed
from feeds.supervisor import Watched
from tests.support.idle_loop import IdleLoop
from tests.support.session.check import Check
from tests.support.session.desk import LEGS, Rest
from tests.support.session.wire import vendor_of
from tests.support.session.world import World


def tell_all(server: Any) -> None:
    """While two streams are connected a vendor sends every print to both."""

    async def tell(*messages: Any) -> None:
        for message in messages:
            for client in server.clients:
                if client.ready and not client.closed:
                    await client.connection.send(server._frame(client, message))

    server.tell = tell


def another_stream(world: World) -> StreamFeed:
    """As the configuration file would make it: a connection, a filter and counts of its own."""
    desk, story = world.desk, world.story
    desk.rest = Rest(desk.tape, desk.time, desk.rest.known, vendor_of(story.wire, story.feed))
    closes = {row.symbol: row.close for row in world.settled_by(world.now_ns) if row.close is not None}
    return StreamFeed(desk.rest, LEGS, time=desk.time, closes=closes)


def watched(world: World, stream: StreamFeed) -> Watched:
    others = [feed for feed in world.desk.supervisor.feeds if not isinstance(feed, StreamFeed)]
    desk = world.desk.supervisor.desk
    return Watched(desk, (stream, *others), clock_ns=world.desk.time.clock_ns)


async def handed_over(world: World, *, name: str = "") -> None:
    """Another stream of the same source, or of one with another name, comes up and takes over."""
    desk = world.desk
    tell_all(desk.server)
    before, stream = desk.stream, another_stream(world)
    stream.name = name or stream.name
    change = asyncio.create_task(exchange(desk.supervisor, watched(world, stream), limit_s=300))
    desk.stream = stream
    while not change.done():
        await world.second()
    await change
    assert before not in desk.supervisor.feeds
    assert [client.closed for client in desk.server.clients[-2:]] == [True, False]
    await world.seconds(30)


async def played(seed: int, fault: Any) -> tuple[World, Check]:
    fault.__name__ = "handed over"
    world, check = World(seed, (fault,)), Check()
    world.on_step = check
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
@pytest.mark.parametrize("name", ["", "another source"])
def test_no_print_is_lost_and_none_counts_twice(seed, name):
    """Five or six times a session, at the bells too. ``name``: of a source with numbers of its own."""
    world, check = run(seed, partial(handed_over, name=name))
    assert world.steps > 1_000
    assert check.counts["claimed"] > 4 * check.counts["marked"]
