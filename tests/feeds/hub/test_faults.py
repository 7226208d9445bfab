"""What is done to servers, hubs and viewers under load; after each, every viewer has what is true.

How long that takes is read from the viewers' own log of times and printed by ``make test-hub``;
docs/deploy.md has the figures. Nothing here fails because a machine is slow.

Nothing older has overwritten newer, and no gap is silent: who missed something was OFFLINE or GAPPED.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from operator import itemgetter

import msgspec
import polars as pl
import pytest

from feeds.events import Gap
from feeds.hub.broker.connection import Access
from feeds.hub.tape_replaying import read_day
from tests.support.hub.process import EVERY_S
from tests.support.hub.scene import note, scene
from tests.support.servers.cut import Cut
from tests.support.servers.nats import nats_cluster, nats_server

pytestmark = pytest.mark.hub

SEED = int(os.environ.get("ROTATION_TUI_HUB_SEED", "1"))
ROUNDS = 8
LOAD_S = 1.5
SMALL = "max_payload: 65536\nmax_pending: 65536\nwrite_deadline: '1s'"
"""A server that cuts off whoever reads slowly, soon."""
WAIT_S = 60.0
"""For anything to happen, on any machine; how long it took is measured and printed."""
ARRIVAL_NS = 500_000_000
"""From a print to its row, beyond what the last print before a gap took."""
FAULTS = {
    "server": "server killed",
    "leader": "leader killed",
    "pause": "leader paused",
    "hub": "hub killed",
    "viewer": "viewer killed",
}
NAMES = {signal.SIGTERM: "ended", signal.SIGKILL: "killed", signal.SIGSTOP: "paused"}


async def leader_of(servers):
    """Which of these servers leads the stream.

    A cluster that is choosing one does not say, or still names the one that is gone.
    """
    import nats

    client = await nats.connect([server.url for server in servers if server.process.poll() is None])
    try:
        while True:
            with contextlib.suppress(nats.errors.TimeoutError, nats.js.errors.APIError):
                info = await client.jetstream().stream_info("QUOTES")
                leading = [server for server in servers if server.name == info.cluster.leader]
                if leading:
                    return leading[0]
            await asyncio.sleep(0.2)
    finally:
        await client.close()


async def started_again(server):
    await asyncio.sleep(1.0)
    await asyncio.to_thread(server.start)


async def answers_since(server):
    """Start it again; when it answers."""
    await asyncio.sleep(1.0)
    await asyncio.to_thread(server.start)
    return time.monotonic()


async def test_a_server_that_is_killed_comes_back_with_all_it_kept(tmp_path):
    with nats_server(tmp_path) as server:
        async with scene(server.url) as world:
            for away_s in (0.0, 5.0):
                server.kill()
                await world.until(lambda: all(offline(v) for v in world.viewers), WAIT_S, "silent")
                await asyncio.sleep(away_s)
                over_s = await answers_since(server)
                await world.recovers(f"server killed, {'long' if away_s else 'short'}", over_s)
            late = world.viewer()
            await world.until(lambda: bool(late.state.get("last")), WAIT_S, "no late viewer")
            await world.equal()
            server.send(signal.SIGSTOP)
            await world.until(lambda: all(offline(v) for v in world.viewers), WAIT_S, "silent")
            await asyncio.sleep(3.0)
            server.send(signal.SIGCONT)
            await world.recovers("server paused", time.monotonic())
            await tape_holds(world, server.url)


@pytest.mark.parametrize("seed", [SEED, SEED + 1])
async def test_kills_in_random_order_under_load(tmp_path, seed):
    pick = random.Random(seed)
    with nats_cluster(tmp_path) as servers:
        url = ",".join(server.url for server in servers)
        async with scene(url, hubs=2, viewers=3, replicas=3) as world:
            order = ["server", "leader", "pause", "hub", "viewer"]
            pick.shuffle(order)
            for what in [*order, *(pick.choice(order) for _ in range(ROUNDS - len(order)))]:
                await asyncio.sleep(LOAD_S)
                over_s = time.monotonic()
                viewers = None
                if what == "viewer":
                    pick.choice([v for v in world.viewers if v.process.poll() is None]).kill()
                    late = world.viewer()
                    await world.until(lambda late=late: bool(late.lines), WAIT_S, "no new viewer")
                    over_s, viewers = next(reversed(list(late.states_since(0.0))))["at_s"], [late]
                elif what == "hub":
                    for hub in [each for each in world.hubs if each.process.poll() is None]:
                        if is_active(hub):
                            hub.kill()
                            over_s = time.monotonic()
                    world.hub()
                else:
                    server = pick.choice(servers) if what == "server" else await leader_of(servers)
                    began_s = time.monotonic()
                    if what == "pause":
                        server.send(signal.SIGSTOP)
                        await leader_of([each for each in servers if each is not server])
                        await asyncio.sleep(LOAD_S)
                        server.send(signal.SIGCONT)
                    else:
                        server.kill()
                        await answers_since(server)
                    await leader_of(servers)
                    over_s = time.monotonic()
                    note(f"cluster: {FAULTS[what]}, OFFLINE meanwhile", *offline_s(world.viewers, began_s))
                await world.recovers(f"cluster: {FAULTS[what]}", over_s, viewers)
                await world.equal()
            await tape_holds(world, url)


def offline_s(viewers, since_s):
    """Of each viewer the seconds in which it showed OFFLINE since then, and no stall of the machine."""
    alive = [viewer for viewer in viewers if viewer.process.poll() is None]
    kinds = [[state["kind"] for state in viewer.states_since(since_s)] for viewer in alive]
    return [each.count("OFFLINE") * EVERY_S for each in kinds], 0.0


def offline(viewer):
    return viewer.state["kind"] == "OFFLINE"


async def tape_holds(world, url):
    """The tape has every print that is true, nothing twice; what it lacks lies in a gap that is marked."""
    rate, world.prices.rate = world.prices.rate, 0.0
    truth = {symbol: held[0] for symbol, held in world.prices.truth.items()}
    ends_s = time.monotonic() + WAIT_S
    newest: dict[str, int] = {}
    while newest != truth:  # it may be waiting for its stream's leader
        assert time.monotonic() < ends_s, (newest, truth, world.report())
        await asyncio.sleep(1.0)
        tape = (await asyncio.to_thread(read_day, Access(url), None)).tape
        prints = tape.filter(pl.col("symbol").is_not_null())
        seen = list(zip(prints["symbol"].to_list(), prints["ts_ns"].to_list(), strict=True))
        newest = dict(sorted(seen, key=itemgetter(1)))
    world.prices.rate = rate
    # A new hub is given the last price of every symbol once more, after the mark that it begins anew.
    terms = tape.with_columns(term=(pl.col("kind") == "Rewind").cum_sum())
    prints = terms.filter(pl.col("symbol").is_not_null())
    assert not prints.select("term", "symbol", "ts_ns").is_duplicated().any()
    gaps = gaps_of(tape)
    assert len(gaps) >= terms["term"].max()
    began_ns = int(tape["as_of_ns"][0])
    for symbol, at_ns in set(world.prices.made) - set(seen):
        is_marked = any(start_ns <= at_ns <= end_ns for start_ns, end_ns in gaps)
        assert is_marked or at_ns <= began_ns, (symbol, at_ns, gaps)


def gaps_of(tape):
    """From when to when prints may lack, by the marks.

    A mark begins with the newest row, whose print is older where the hub lagged behind: as much as then.
    """
    gaps, lag_ns = [], 0
    for as_of_ns, symbol, ts_ns, kind, sentence in tape[
        ["as_of_ns", "symbol", "ts_ns", "kind", "said"]
    ].rows():
        if symbol is not None:
            lag_ns = as_of_ns - ts_ns
        elif kind == "Gap":
            gap = msgspec.json.decode(sentence, type=Gap)
            gaps.append((gap.start_ns - lag_ns - ARRIVAL_NS, gap.end_ns))
    return gaps


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
                # What the sockets hold is read, and what was cut off is fetched.
                await world.recovers(f"viewer paused for {seconds} s", time.monotonic())
            assert world.viewers[1].state["gaps"] == 0, "it has slowed the others"


async def test_a_network_that_is_cut_and_one_that_is_slow(tmp_path):
    with nats_server(tmp_path, SMALL) as server:
        async with Cut(server.port) as network, scene(server.url, viewers=2) as world:
            behind = world.viewer(network.url)
            await world.until(lambda: bool(behind.state.get("last")), WAIT_S, "no viewer behind the proxy")
            await world.equal()
            for _ in range(3):
                network.cut()
                await world.until(lambda: offline(behind), WAIT_S, "a cut is silent")
                network.mend()
                await world.recovers("network cut", time.monotonic())
            assert behind.state["gaps"] >= 3
            network.bytes_per_s = 20_000.0
            world.prices.rate = 2000.0
            await asyncio.sleep(10)
            network.bytes_per_s = 0.0
            await world.recovers("network slow", time.monotonic())


async def test_clocks_thirty_seconds_apart_change_no_state(tmp_path):
    with nats_server(tmp_path) as server:
        async with scene(server.url, viewers=1) as world:
            apart = [world.viewer(ahead_s=30.0), world.viewer(ahead_s=-30.0)]
            await world.until(lambda: all(v.lines for v in apart), WAIT_S, "no viewers")
            first_s = max(next(reversed(list(v.states_since(0.0))))["at_s"] for v in apart)
            await world.recovers("clocks 30 s apart", first_s, apart)
            await asyncio.sleep(5)
            await world.equal()
            for viewer in apart:
                assert not {"STALE", "GAPPED"} & viewer.state["kinds"].keys()


async def test_two_hubs_hand_the_lease_over_and_never_publish_at_once(tmp_path):
    with nats_server(tmp_path) as server:
        async with scene(server.url, hubs=2) as world:
            for how in (signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGKILL):
                (active,) = [hub for hub in world.hubs if hub.process.poll() is None and is_active(hub)]
                over_s = time.monotonic()
                active.send(how)
                if how is not signal.SIGSTOP:
                    active.process.wait(WAIT_S)
                others = [hub for hub in world.hubs if hub is not active and hub.process.poll() is None]
                await world.until(lambda others=others: any(map(is_active, others)), WAIT_S, "no hub")
                await world.recovers(f"hub {NAMES[how]}, another takes over", over_s)
                if how is signal.SIGSTOP:
                    active.send(signal.SIGCONT)
                    await world.until(lambda active=active: not is_active(active), WAIT_S, "two publish")
                else:
                    fresh = world.hub()
                    await world.until(lambda fresh=fresh: bool(fresh.lines), WAIT_S, "no third hub")
                await world.equal()
            await tape_holds(world, server.url)


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
                lambda: any("not storing" in line for line in world.hubs[0].lines), WAIT_S, "not full"
            )
            await asyncio.sleep(4)
            await world.equal()
            late = world.viewer()
            await world.until(lambda: bool(late.lines), WAIT_S, "no late viewer")
            first_s = next(reversed(list(late.states_since(0.0))))["at_s"]
            await world.recovers("store full, a newcomer", first_s, [late])
