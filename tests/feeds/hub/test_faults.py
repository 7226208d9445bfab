"""What is done to servers, hubs and viewers under load; after each, every viewer has what is true within 5 s.

Nothing older has overwritten newer, and no gap is silent: who missed something was OFFLINE or GAPPED.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal

import pytest

from tests.support.hub.scene import EQUAL_S, scene
from tests.support.servers.cut import Cut
from tests.support.servers.nats import nats_cluster, nats_server

pytestmark = pytest.mark.hub

SEED = int(os.environ.get("ROTATION_TUI_HUB_SEED", "1"))
ROUNDS = 8
LOAD_S = 1.5
SMALL = "max_payload: 65536\nmax_pending: 65536\nwrite_deadline: '1s'"
"""A server that cuts off whoever reads slowly, soon."""
RAFT_S = 15.0
"""A cluster may take so long to choose a leader again; from then on EQUAL_S holds."""


async def leader_of(servers):
    """The server that leads the stream; a cluster that is choosing one does not say."""
    import nats

    client = await nats.connect([server.url for server in servers if server.process.poll() is None])
    try:
        while True:
            with contextlib.suppress(nats.errors.TimeoutError, nats.js.errors.APIError):
                info = await client.jetstream().stream_info("QUOTES")
                if info.cluster.leader:
                    return next(server for server in servers if server.name == info.cluster.leader)
            await asyncio.sleep(0.2)
    finally:
        await client.close()


async def started_again(server):
    await asyncio.sleep(1.0)
    await asyncio.to_thread(server.start)


async def test_a_server_that_is_killed_comes_back_with_all_it_kept(tmp_path):
    with nats_server(tmp_path) as server:
        async with scene(server.url) as world:
            server.kill()
            await world.until(
                lambda: all(v.state["kind"] == "OFFLINE" for v in world.viewers), 5, "an outage is silent"
            )
            await started_again(server)
            await world.until(lambda: all(v.state["kind"] == "LIVE" for v in world.viewers), 20, "not back")
            await world.equal()
            late = world.viewer()
            await world.until(lambda: bool(late.state.get("last")), 60, "no late viewer")
            await world.equal()


@pytest.mark.parametrize("seed", [SEED, SEED + 1])
async def test_kills_in_random_order_under_load(tmp_path, seed):
    pick = random.Random(seed)
    with nats_cluster(tmp_path) as servers:
        url = ",".join(server.url for server in servers)
        async with scene(url, hubs=2, viewers=3, replicas=3) as world:
            order = ["server", "leader", "hub", "viewer"]
            pick.shuffle(order)
            for what in [*order, *(pick.choice(order) for _ in range(ROUNDS - len(order)))]:
                await asyncio.sleep(LOAD_S)
                if what == "viewer":
                    pick.choice([v for v in world.viewers if v.process.poll() is None]).kill()
                    late = world.viewer()
                    await world.until(lambda late=late: bool(late.state.get("last")), 60, "no new viewer")
                elif what == "hub":
                    active = [hub for hub in world.hubs if hub.process.poll() is None and is_active(hub)]
                    for hub in active:
                        hub.kill()
                    fresh = world.hub()
                    await world.until(lambda fresh=fresh: bool(fresh.lines), 60, "no new hub")
                else:
                    server = await leader_of(servers) if what == "leader" else pick.choice(servers)
                    server.kill()
                    await started_again(server)
                await world.until(lambda: all(is_live(v) for v in world.viewers), 60, f"no way back: {what}")
                await world.equal(RAFT_S if what in ("server", "leader") else EQUAL_S)


def is_active(hub):
    """Whether it holds the lease, by its last words on it."""
    words = [
        line for line in hub.lines if "publishing as" in line or "waiting" in line or "taken over" in line
    ]
    return bool(words) and "publishing as" in words[-1]


def is_live(viewer):
    return viewer.process.poll() is not None or viewer.state.get("kind") == "LIVE"


async def test_a_paused_viewer_catches_up(tmp_path):
    with nats_server(tmp_path, SMALL) as server:
        async with scene(server.url, viewers=2) as world:
            world.prices.rate = 2000.0
            paused = world.viewers[0]
            for seconds in (4, 20):
                paused.send(signal.SIGSTOP)
                await asyncio.sleep(seconds)
                paused.send(signal.SIGCONT)
                await world.equal()  # what the sockets hold is read, and what was cut off is fetched
            assert world.viewers[1].state["gaps"] == 0, "it has slowed the others"


async def test_a_network_that_is_cut_and_one_that_is_slow(tmp_path):
    with nats_server(tmp_path, SMALL) as server:
        async with Cut(server.port) as network, scene(server.url, viewers=2) as world:
            behind = world.viewer(network.url)
            await world.until(lambda: bool(behind.state.get("last")), 60, "no viewer behind the proxy")
            await world.equal()
            for _ in range(3):
                network.cut()
                await world.until(lambda: behind.state["kind"] == "OFFLINE", 5, "a cut is silent")
                network.mend()
                await world.until(lambda: behind.state["kind"] == "LIVE", 10, "not back")
                await world.equal()
            assert behind.state["gaps"] >= 3
            network.bytes_per_s = 20_000.0
            world.prices.rate = 2000.0
            await asyncio.sleep(10)
            network.bytes_per_s = 0.0
            await world.equal()


async def test_clocks_thirty_seconds_apart_change_no_state(tmp_path):
    with nats_server(tmp_path) as server:
        async with scene(server.url, viewers=1) as world:
            apart = [world.viewer(ahead_s=30.0), world.viewer(ahead_s=-30.0)]
            await world.until(lambda: all(v.state.get("last") for v in apart), 60, "no viewers")
            await world.equal()
            await asyncio.sleep(5)
            await world.equal()
            for viewer in apart:
                assert not {"STALE", "GAPPED"} & viewer.state["kinds"].keys()


async def test_two_hubs_hand_the_lease_over_and_never_publish_at_once(tmp_path):
    with nats_server(tmp_path) as server:
        async with scene(server.url, hubs=2) as world:
            for _ in range(3):
                (active,) = [hub for hub in world.hubs if hub.process.poll() is None and is_active(hub)]
                active.send(signal.SIGTERM)
                active.process.wait(20)
                world.hub()
                await world.until(
                    lambda: sum(is_active(h) for h in world.hubs if h.process.poll() is None) == 1,
                    60,
                    "no hub",
                )
                await world.until(lambda: all(map(is_live, world.viewers)), 20, "viewers not back")
                await world.equal()


async def test_a_full_store_loses_nobody_who_listens(tmp_path):
    store = f'jetstream {{ store_dir: "{tmp_path / "js"}", max_file_store: 48KB }}'
    with nats_server(tmp_path, store) as server:
        async with scene(server.url) as world:
            import nats

            client = await nats.connect(server.url)
            await client.jetstream().add_stream(name="OTHER", subjects=["other"], max_bytes=-1)
            for _ in range(60):
                await client.publish("other", b"x" * 1000)
            await client.close()
            world.prices.rate = 500.0
            await world.until(
                lambda: any("not storing" in line for line in world.hubs[0].lines), 20, "not full"
            )
            await asyncio.sleep(4)
            await world.equal()
