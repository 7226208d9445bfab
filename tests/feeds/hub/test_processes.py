"""A hub and its viewers as processes on a real server: last values, a dead hub, a second one, newcomers."""

from __future__ import annotations

import asyncio
import signal

import pytest

from feeds.hub import receiver
from feeds.hub.broker import lease, viewer
from tests.support.fault_table import FIRST
from tests.support.hub.scene import scene
from tests.support.servers.nats import nats_server

OFFLINE_S = 3.0
TAKE_OVER_S = 5.0
WAIT_S = 120.0
"""For anything to happen, on any machine; nothing is measured by it."""


def test_what_is_promised_of_a_dead_hub_is_what_is_waited_for():
    """How long processes really take is the machine's matter: ``make test-hub`` prints it."""
    assert receiver.SILENT_S + viewer.LOOK_S + viewer.PACE_S < OFFLINE_S
    assert lease.SILENT_S + 2 * lease.LOOK_S < TAKE_OVER_S


@pytest.fixture
def server(tmp_path):
    with nats_server(tmp_path) as made:
        yield made


async def test_three_viewers_have_what_is_true_and_a_dead_hub_is_offline_until_another_takes_over(server):
    async with scene(server.url, hubs=1) as world:
        first = world.hubs[0]
        second = world.hub()
        await world.until(lambda: any("waiting" in line for line in second.lines), WAIT_S, "no second hub")
        await world.equal()
        assert world.publishing() == [first], "two publish"
        assert {viewer.state["history"] for viewer in world.viewers} == {len(FIRST)}
        # The second would publish half a second after the viewers say OFFLINE: too soon for a busy machine.
        second.send(signal.SIGSTOP)
        first.kill()
        await world.until(
            lambda: all(viewer.state["kind"] == "OFFLINE" for viewer in world.viewers),
            WAIT_S,
            "a dead hub is not OFFLINE",
        )
        second.send(signal.SIGCONT)
        await world.until(lambda: second in world.publishing(), WAIT_S, "nobody takes over")
        await world.equal()


async def test_a_late_viewer_has_the_whole_market(server):
    async with scene(server.url, viewers=1) as world:
        world.prices.rate = 0.0  # nothing more is pushed
        await asyncio.sleep(0.5)
        late = world.viewer()
        await world.until(lambda: world.is_equal(late), WAIT_S, "the late viewer lacks something")


async def test_a_paused_hub_that_wakes_overwrites_nothing(server):
    async with scene(server.url, viewers=2) as world:
        first, second = world.hubs[0], world.hub()
        await world.until(lambda: any("waiting" in line for line in second.lines), WAIT_S, "no second hub")
        first.send(signal.SIGSTOP)
        await world.until(lambda: second in world.publishing(), WAIT_S, "nobody takes over")
        await world.equal()
        first.send(signal.SIGCONT)
        await world.until(
            lambda: any("another hub has taken over" in line for line in first.lines),
            WAIT_S,
            "it does not notice",
        )
        late = world.viewer()
        await world.until(lambda: bool(late.state), WAIT_S, "no late viewer")
        await world.equal()
