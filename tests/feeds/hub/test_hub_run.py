"""A hub in this process: what it says and does where its server goes away, and where it was set up badly."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

from feeds.clock import wall_ns
from feeds.errors import InputError, StorageError
from feeds.hub.broker import serve
from feeds.hub.broker.connection import Access
from feeds.hub.broker.lease import Chain, Lost, newest_beat
from feeds.hub.broker.serve import Hub
from feeds.hub.wire import subjects
from feeds.hub.wire.codec import encode
from feeds.hub.wire.messages import SCHEMA, BeatMessage
from feeds.supervisor import Supervisor
from rotation.desk import Desk
from rotation.market.market import Market
from rotation.snapshot import Counts
from tests.support.live_desk import closes
from tests.support.servers.nats import NOBODY, nats_server


class Reading:
    """Makes supervisors of no feed, and counts which of them read."""

    def __init__(self, *, ends: bool = False, fails: int = 0, waits: int = 0) -> None:
        """``fails``: which one cannot be made; ``waits``: which one is made once ``goes_on`` is set."""
        self.ends, self.fails, self.waits = ends, fails, waits
        self.goes_on = threading.Event()
        self.made = self.began = self.ended = 0

    def __call__(self):
        self.made += 1
        if self.made == self.fails:
            raise StorageError("the history cannot be read")
        if self.made == self.waits:
            self.goes_on.wait(120)
        now_ns = wall_ns()
        supervisor = Supervisor(Market(closes(now_ns), Desk(), as_of_ns=now_ns), [])

        async def run():
            self.began += 1
            try:
                if not self.ends:
                    await asyncio.Event().wait()
            finally:
                self.ended += 1

        supervisor.run = run
        return supervisor, Desk().legs


@contextlib.asynccontextmanager
async def running(url, make):
    lines: list[str] = []
    task = asyncio.create_task(Hub(Access(url), make, lines.append).run())
    try:
        yield lines, task
    finally:
        task.cancel()
        make.goes_on.set()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds, lines=(), within_s=120.0):
    ends_s = asyncio.get_running_loop().time() + within_s
    while not holds():
        assert asyncio.get_running_loop().time() < ends_s, lines
        await asyncio.sleep(0.05)


def publishing(lines):
    return sum("publishing as hub" in line for line in lines)


def cut_off(lines):
    return sum(line.startswith("no connection to the NATS server") for line in lines)


async def test_a_server_that_is_down_is_reported_once():
    async with running(f"nats://127.0.0.1:{NOBODY}", Reading()) as (lines, _):
        await until(lambda: lines)
        await asyncio.sleep(1.5)
        assert lines == ["the NATS server refuses connections"]


async def test_a_hub_without_a_server_lets_go_of_the_vendors_and_comes_back(tmp_path):
    make = Reading()
    with nats_server(tmp_path) as server:
        async with running(server.url, make) as (lines, _):
            await until(lambda: make.began == 1, lines)
            assert make.made == 1, "what was made to be checked is used"
            server.kill()
            await until(lambda: make.ended == 1, lines)
            assert any("no longer reads the vendors" in line for line in lines)
            await until(lambda: make.made == 2, lines)  # ready before there is a server again
            server.start()
            await until(lambda: make.began == 2, lines)
            assert publishing(lines) == 2


def noted_clients(monkeypatch):
    """The clients that hubs connect from now on."""
    clients = []
    connect = serve.connect

    async def noted(*args, **options):
        clients.append(await connect(*args, **options))
        return clients[-1]

    monkeypatch.setattr(serve, "connect", noted)
    return clients


async def test_a_hub_whose_client_has_closed_takes_a_new_one(tmp_path, monkeypatch):
    clients = noted_clients(monkeypatch)
    make = Reading()
    with nats_server(tmp_path) as server:
        async with running(server.url, make) as (lines, _):
            await until(lambda: make.began == 1, lines)
            await clients[0]._process_err("'Unknown Protocol Operation'")
            await until(lambda: make.began == 2, lines)
            assert len(clients) == 2
            assert clients[0].is_closed
            assert lines.count("waiting until no other hub is publishing") == 2, "not with the closed client"


async def test_a_standby_whose_client_has_closed_takes_a_new_one(tmp_path, monkeypatch):
    import nats

    from feeds.hub.broker import kept, lease

    monkeypatch.setattr(lease, "SILENT_S", 3600.0)
    clients = noted_clients(monkeypatch)
    with nats_server(tmp_path) as server:
        other = await nats.connect(server.url)
        try:
            await kept.ensure(other, replicas=1)
            beat = BeatMessage(SCHEMA, 7, 1, wall_ns(), "other", False, Counts(), [])
            await other.request(subjects.BEAT, encode(beat))
            async with running(server.url, Reading()) as (lines, task):
                await until(lambda: lines == ["waiting until no other hub is publishing"], lines)
                await clients[0]._process_err("'Unknown Protocol Operation'")
                await until(lambda: lines.count(lines[0]) == 2 or task.done(), lines)
                assert len(clients) == 2
                assert not publishing(lines)
        finally:
            await other.close()


async def test_what_could_not_be_made_ready_is_made_anew_once_it_is_needed(tmp_path):
    make = Reading(fails=2)
    with nats_server(tmp_path) as server:
        async with running(server.url, make) as (lines, task):
            await until(lambda: make.began == 1, lines)
            server.kill()
            await until(lambda: make.made == 2, lines)
            server.start()
            await until(lambda: make.began == 2 or task.done(), lines)
            assert (make.made, publishing(lines)) == (3, 2)


async def test_what_is_being_made_ready_is_not_given_up_in_another_outage(tmp_path):
    make = Reading(waits=2)
    with nats_server(tmp_path) as server:
        async with running(server.url, make) as (lines, task):
            await until(lambda: make.began == 1, lines)
            for _ in range(2):
                server.kill()
                await until(lambda: cut_off(lines) == publishing(lines) or task.done(), lines)
                server.start()
                await until(lambda: publishing(lines) > cut_off(lines) or task.done(), lines)
            assert publishing(lines) == 3
            assert make.made == 2
            make.goes_on.set()
            await until(lambda: make.began == 2 or task.done(), lines)
            assert make.made == 2


async def test_a_hub_that_is_ended_while_it_makes_itself_ready_leaves_nothing_behind():
    make = Reading(waits=1)
    async with running(f"nats://127.0.0.1:{NOBODY}", make) as (lines, task):
        await until(lambda: make.made == 1, lines)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not [each for each in asyncio.all_tasks() if each.get_name() == "build"]


async def test_a_hub_that_has_been_replaced_says_so_and_waits_again(tmp_path):
    import nats

    make = Reading()
    with nats_server(tmp_path) as server:
        client = await nats.connect(server.url)
        try:
            async with running(server.url, make) as (lines, task):
                await until(lambda: make.began == 1, lines)
                other = BeatMessage(SCHEMA, 99, 1, wall_ns(), "other", False, Counts(), [])
                while not make.ended and not task.done():
                    await client.request(subjects.BEAT, encode(other))
                    await asyncio.sleep(0.05)
                await until(lambda: make.began == 2 or task.done(), lines)
            begins = lines.index("another hub has taken over; this one no longer reads the vendors")
            assert lines[begins + 1] == "waiting until no other hub is publishing"
            assert publishing(lines[begins + 2 :]) == 1
        finally:
            await client.close()


async def test_a_hub_whose_feeds_end_ends(tmp_path, monkeypatch):
    clients = noted_clients(monkeypatch)
    make = Reading(ends=True)
    with nats_server(tmp_path) as server:
        async with running(server.url, make) as (lines, task):
            await asyncio.wait_for(task, 120)
            assert publishing(lines) == 1
            assert lines[-1] == "the feeds have ended, and so has this hub"
            assert [client.is_closed for client in clients] == [True]


def test_access_that_nothing_can_mend_is_refused_before_anything_is_made(tmp_path):
    make = Reading()
    with pytest.raises(InputError, match=r"hub\.creds: cannot be read"):
        Hub(Access(f"nats://127.0.0.1:{NOBODY}", creds=tmp_path / "hub.creds"), make, print)
    assert not make.made


async def test_a_standby_learns_of_bad_input_before_it_waits():
    def make():
        raise InputError("no such pair")

    with pytest.raises(InputError, match="no such pair"):
        await asyncio.wait_for(Hub(Access(f"nats://127.0.0.1:{NOBODY}"), make, print).run(), 120)


async def test_a_beat_of_another_hub_ends_the_lease_whatever_its_epoch(tmp_path):
    import nats

    from feeds.clock import Time
    from feeds.hub.broker import kept

    with nats_server(tmp_path) as server:
        client = await nats.connect(server.url)
        try:
            await kept.ensure(client, replicas=1)
            assert await newest_beat(client) is None
            other = BeatMessage(SCHEMA, 1, 0, wall_ns(), "other", False, Counts(), [])
            await client.request(subjects.BEAT, encode(other))
            assert await newest_beat(client) == other
            chain = Chain(client, "ours", 0, Time())
            await chain.start()
            chain._newest = None
            with pytest.raises(Lost):
                await chain.send([])
            await chain.stop()
        finally:
            await client.close()


async def test_a_server_that_comes_later_is_used(tmp_path):
    with nats_server(tmp_path) as server:
        server.kill()
        async with running(server.url, Reading()) as (lines, _):
            await until(lambda: lines)
            await asyncio.sleep(1.0)
            server.start()
            await until(lambda: publishing(lines), lines)
            assert lines[0] == "the NATS server refuses connections"
            server.kill()
            await until(lambda: lines.count("the NATS server refuses connections") == 2, lines)
            assert "the connection to the NATS server was lost" in lines
            server.start()
            await until(lambda: "connected to the NATS server again" in lines, lines)


async def test_a_hub_that_says_goodbye_is_replaced_although_no_server_has_kept_it(tmp_path, monkeypatch):
    import nats

    from feeds.hub.broker import kept, lease

    monkeypatch.setattr(lease, "SILENT_S", 3600.0)
    with nats_server(tmp_path) as server:
        client = await nats.connect(server.url)
        try:
            await kept.ensure(client, replicas=1)
            beat = BeatMessage(SCHEMA, 7, 1, wall_ns(), "other", False, Counts(), [])
            await client.request(subjects.BEAT, encode(beat))
            async with running(server.url, Reading()) as (lines, _):
                await until(lambda: lines == ["waiting until no other hub is publishing"])
                await asyncio.sleep(1.0)
                assert not publishing(lines)
                leaving = BeatMessage(SCHEMA, 7, 2, wall_ns(), "other", True, Counts(), [])
                headers = {lease.EXPECTED: lease.KEPT_BY_NOBODY}
                await client.publish(subjects.BEAT, encode(leaving), headers=headers)
                await until(lambda: publishing(lines), lines)
        finally:
            await client.close()
