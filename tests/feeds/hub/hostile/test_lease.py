"""What no hub of this version sends on the subject of beats hands nobody the lease: on a real server."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
import pytest

from feeds.clock import Time, wall_ns
from feeds.hub.broker import kept, lease
from feeds.hub.broker.lease import Chain, Lease, Lost, newest_beat
from feeds.hub.outgoing import Outgoing
from feeds.hub.wire import subjects
from feeds.hub.wire.codec import encode
from feeds.hub.wire.messages import SCHEMA, BeatMessage
from rotation.snapshot import Counts
from tests.support.servers.nats import nats_server

NOISE = b"\xc1 no beat"
LATER = msgspec.msgpack.encode([SCHEMA + 1, 10**15, "whatever"])


def beat_of(hub, number=1):
    return encode(BeatMessage(SCHEMA, 7, number, wall_ns(), hub, False, Counts(), []))


@pytest.fixture
async def client(tmp_path):
    import nats

    with nats_server(tmp_path) as server:
        made = await nats.connect(server.url)
        await kept.ensure(made, replicas=1)
        yield made
        await made.close()


async def acquired(client, within_s=60.0):
    """The claim that a standby makes in this time; None where it waits on."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            return await Lease(client, "standby", Time()).acquire(lambda: None)
    return None


@pytest.mark.parametrize("data", [NOISE, LATER])
async def test_a_standby_waits_for_quiet_whatever_the_last_beat_is(client, monkeypatch, data):
    monkeypatch.setattr(lease, "SILENT_S", 2.0)
    await client.request(subjects.BEAT, data)
    assert await acquired(client, 1.0) is None
    assert await acquired(client) is not None, "nobody beats"


async def test_a_beat_of_another_version_is_a_sign_of_life(client, monkeypatch):
    """Time passes only with a beat: how late a busy machine sends one is not what is tested."""
    monkeypatch.setattr(lease, "SILENT_S", 1.0)
    monkeypatch.setattr(lease, "LOOK_S", 0.01)
    headers = {lease.EXPECTED: lease.KEPT_BY_NOBODY}
    clock = {"s": 100.0}
    await client.request(subjects.BEAT, beat_of("other"))
    claimant = Lease(client, "standby", Time(monotonic=lambda: clock["s"]))
    waiting = asyncio.create_task(claimant.acquire(lambda: None))
    for _ in range(20):
        await client.publish(subjects.BEAT, LATER, headers=headers)
        await client.flush()
        await asyncio.sleep(0.05)
        clock["s"] += 0.2
    assert not waiting.done()
    clock["s"] += 1.0
    async with asyncio.timeout(60):
        assert await waiting is not None


@pytest.mark.parametrize(("data", "is_lost"), [(NOISE, False), (LATER, True)])
async def test_who_publishes_goes_on_after_noise_and_not_after_another_version(client, data, is_lost):
    await client.request(subjects.BEAT, data)
    chain = Chain(client, "ours", 0, Time())
    await chain.start()
    chain._newest = None  # as after a refusal
    with pytest.raises(Lost) if is_lost else contextlib.nullcontext():
        async with asyncio.timeout(60):  # a busy server answers later than a tick waits
            while chain._newest is None:
                await chain.send([Outgoing(subjects.BEAT, beat_of("ours"))])
        await client.flush()
        newest = await newest_beat(client)
        assert isinstance(newest, BeatMessage)
        assert newest.hub == "ours"
    await chain.stop()
