"""A hub and its viewers as processes on a real server: last values, a dead hub, a second one, newcomers."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest

from tests.support.fault_table import FIRST
from tests.support.hub.scene import scene
from tests.support.servers.nats import nats_server

OFFLINE_S = 3.0
TAKE_OVER_S = 5.0
SLACK_S = 1.0
"""For the viewers' own report, ten times a second, on a machine that is busy."""


@pytest.fixture
def server(tmp_path):
    with nats_server(tmp_path) as made:
        yield made


async def test_three_viewers_have_what_is_true_and_a_dead_hub_is_offline_until_another_takes_over(server):
    async with scene(server.url, hubs=1) as world:
        first = world.hubs[0]
        second = world.hub()
        await world.until(lambda: any("waiting" in line for line in second.lines), 60, "no second hub")
        await world.equal()
        assert world.publishing() == [first], "two publish"
        assert {viewer.state["history"] for viewer in world.viewers} == {len(FIRST)}
        first.kill()
        killed_s = time.monotonic()
        is_offline = await world.until(
            lambda: all(viewer.state["kind"] == "OFFLINE" for viewer in world.viewers),
            OFFLINE_S + SLACK_S,
            "a dead hub is not OFFLINE",
        )
        await world.until(lambda: second in world.publishing(), TAKE_OVER_S + SLACK_S, "nobody takes over")
        assert time.monotonic() - killed_s < TAKE_OVER_S + SLACK_S
        assert is_offline < OFFLINE_S + SLACK_S
        await world.equal()


async def test_a_late_viewer_has_the_whole_market(server):
    async with scene(server.url, viewers=1) as world:
        world.prices.rate = 0.0  # nothing more is pushed
        await asyncio.sleep(0.5)
        late = world.viewer()
        await world.until(lambda: bool(late.state.get("last")), 60, "the late viewer has nothing")
        await world.until(lambda: world.is_equal(late), 1.0 + SLACK_S, "the late viewer lacks something")


async def test_a_paused_hub_that_wakes_overwrites_nothing(server):
    async with scene(server.url, viewers=2) as world:
        first, second = world.hubs[0], world.hub()
        await world.until(lambda: any("waiting" in line for line in second.lines), 60, "no second hub")
        first.send(signal.SIGSTOP)
        await world.until(lambda: second in world.publishing(), TAKE_OVER_S + SLACK_S, "nobody takes over")
        await world.equal()
        first.send(signal.SIGCONT)
        await world.until(
            lambda: any("another hub has taken over" in line for line in first.lines),
            10,
            "it does not notice",
        )
        late = world.viewer()
        await world.until(lambda: bool(late.state), 60, "no late viewer")
        await world.equal()
