"""Who may write the tape, and what an answer that is lost does to it: on a real server."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time

import polars as pl
import pytest
from nats import errors

from feeds.clock import Time
from feeds.errors import UnavailableError
from feeds.events import Batch
from feeds.hub.broker import tape_sender
from feeds.hub.broker.connection import RefusedError
from feeds.hub.broker.tape_sender import OUTRUN, TapeSender
from feeds.hub.broker.tape_stream import Limits, read
from feeds.hub.tape.reader import TapeReader
from feeds.hub.tape.writer import TapeWriter
from feeds.hub.wire.codec import decode
from rotation.quote import NS, Quote
from rotation.status import Kind
from tests.feeds.tapes.test_recorder import NOW
from tests.support.servers.nats import nats_server

LIMITS = Limits(bytes=2**20)
ALWAYS = float("inf")


@pytest.fixture
async def client(tmp_path):
    import nats

    with nats_server(tmp_path) as server:
        made = await nats.connect(server.url)
        yield made
        await made.close()


class Hub:
    def __init__(self, client, epoch, proved_s=ALWAYS):
        self.proved_s = proved_s
        self.lines: list[str] = []
        self.writer = TapeWriter(epoch=epoch)
        self.sender = TapeSender(
            client, self.writer, LIMITS, replicas=1, proved_s=lambda: self.proved_s, time=Time(),
            report=self.lines.append,
        )  # fmt: skip

    async def prints(self, second):
        self.writer.take("Prints", Batch((Quote("IWM", NOW, 221.0, seq=second),)), NOW + second * NS)
        await self.sender._turn()


async def places(client):
    return [decode(each.subject, each.data).place for each in await read(client, 0)]


async def test_a_hub_that_was_replaced_adds_nothing(client):
    old, new = Hub(client, 1), Hub(client, 2)
    await old.prints(1)
    await new.prints(2)
    with pytest.raises(RefusedError) as refused:
        await old.prints(3)
    assert refused.value.code == OUTRUN
    old.sender._newest = None  # as after any failure: it looks again
    with pytest.raises(UnavailableError, match="another hub is writing it"):
        await old.prints(4)
    await new.prints(5)
    assert await places(client) == [(1, 1), (2, 1), (2, 2)]


async def test_nothing_is_sent_before_the_lease_is_proved(client):
    hub = Hub(client, 1, proved_s=0.0)
    await hub.prints(1)
    assert await places(client) == []
    hub.proved_s = ALWAYS
    await hub.prints(2)
    assert await places(client) == [(1, 1), (1, 2)]


async def test_a_lease_that_is_not_proved_for_long_is_reported(client, monkeypatch):
    monkeypatch.setattr(tape_sender, "UNPROVED_S", 0.0)
    monkeypatch.setattr(tape_sender, "QUIET_S", 0.0)
    hub = Hub(client, 1, proved_s=0.0)
    with pytest.raises(UnavailableError) as failed:
        await hub.prints(1)
    hub.sender._fail(failed.value)
    assert hub.lines == [
        "the tape is not being written (the server does not confirm that it stores the quotes); quotes go on"
    ]
    (row,) = hub.sender.rows()
    assert (row.name, row.state) == ("tape", "OFFLINE")
    hub.proved_s = ALWAYS
    await hub.prints(2)
    assert hub.lines[1:] == ["the tape is being written again"]
    assert hub.sender.rows() == ()


async def test_a_message_whose_answer_is_lost_is_not_there_twice(client, monkeypatch):
    hub = Hub(client, 1)
    await hub.prints(1)
    request, is_lost = client.request, []

    async def lossy(subject, *args, **more):
        answer = await request(subject, *args, **more)
        if subject.startswith("tape.") and not is_lost:
            is_lost.append(True)
            raise errors.TimeoutError
        return answer

    monkeypatch.setattr(client, "request", lossy)
    for second in (2, 3):
        with contextlib.suppress(UnavailableError):
            await hub.prints(second)
            continue
        hub.sender._newest = None
    assert is_lost
    assert await places(client) == [(1, 1), (1, 2), (1, 3)]


async def test_a_defect_of_ours_ends_the_tape_and_says_so(client, monkeypatch):
    hub = Hub(client, 1)
    monkeypatch.setattr(hub.writer, "chunks", lambda: 1 / 0)
    await hub.sender.run()
    assert "internal error (ZeroDivisionError), see the log" in hub.lines[0]
    await hub.sender.finish(1.0)


async def test_what_is_being_made_when_the_hub_ends_is_sent(client, monkeypatch):
    hub = Hub(client, 1)
    made, began = hub.writer.chunks, threading.Event()

    def slow():
        chunks = made()
        began.set()
        time.sleep(0.3)
        return chunks

    monkeypatch.setattr(hub.writer, "chunks", slow)
    hub.writer.take("Prints", Batch((Quote("IWM", NOW, 221.0, seq=1),)), NOW)
    running = asyncio.create_task(hub.sender.run())
    await asyncio.to_thread(began.wait, 10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await hub.sender.finish(5.0)
    assert await places(client) == [(1, 1)]


async def test_a_message_that_was_on_its_way_when_the_hub_ends_takes_nothing_with_it(client, monkeypatch):
    hub = Hub(client, 1)
    await hub.prints(1)
    request = client.request

    async def cancelled(subject, *args, **more):
        answer = await request(subject, *args, **more)
        if subject.startswith("tape."):
            raise asyncio.CancelledError
        return answer

    monkeypatch.setattr(client, "request", cancelled)
    with pytest.raises(asyncio.CancelledError):
        await hub.prints(2)
    monkeypatch.setattr(client, "request", request)
    hub.writer.take("Prints", Batch((Quote("IWM", NOW, 221.0, seq=3),)), NOW + 3 * NS)
    await hub.sender.finish(5.0)
    assert await places(client) == [(1, 1), (1, 2), (1, 3)]


async def test_a_failure_after_a_quiet_time_is_a_new_one(client, monkeypatch):
    hub = Hub(client, 1)
    hub.sender._failing_s = 1.0  # long ago, and no message has been sent since
    monkeypatch.setattr(tape_sender, "FLUSH_S", 0.0)
    running = asyncio.create_task(hub.sender.run())
    async with asyncio.timeout(10):
        while hub.sender._failing_s is not None:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    hub.sender._fail(UnavailableError("JetStream does not answer"))
    assert hub.lines == []


async def test_a_message_too_long_for_another_server_is_left_out_and_stops_nothing(client):
    """Made for the server before; the one that is connected now takes less."""
    hub = Hub(client, 1)
    await hub.prints(1)
    many = tuple(Quote("IWM", NOW + n, 221.0 + n / 7, seq=n + 2) for n in range(400))
    hub.writer.take("Prints", Batch(many), NOW + 2 * NS)
    await hub.sender._make()
    client._max_payload = 2_000
    (waiting,) = hub.sender._waiting
    assert len(waiting.chunk.data) > client.max_payload
    await hub.prints(900)
    hub.writer.take("Prints", Batch(many), NOW + 901 * NS)
    await hub.sender._turn()
    made = await read(client, 0)
    assert [decode(each.subject, each.data).place for each in made][:2] == [(1, 1), (1, 3)]
    assert max(len(each.data) for each in made) <= 2_000
    reader = TapeReader()
    rows = [frame for each in made if (frame := reader.take(each.subject, each.data)) is not None]
    assert reader.gaps == 1
    assert [kind for frame in rows[:2] for kind in frame["kind"]] == ["Batch", "Gap", "Status", "Batch"]
    assert sum(frame.filter(frame["seq"] > 1).height for frame in rows) == 1 + len(many)
    assert hub.lines == ["400 rows of the tape left out: more than the NATS server takes in a message"]
    (row,) = hub.sender.rows()
    assert (row.kind, row.detail) == (Kind.LIVE, "400 rows left out")


PERMISSIONS = """
authorization {{
  users: [
    {{ user: hub, password: h, permissions: {{ publish: {{ deny: {deny} }} }} }}
    {{ user: root, password: r }}
  ]
}}
"""


async def test_what_waits_for_a_permission_is_let_go_and_the_tape_says_so(tmp_path, monkeypatch):
    import nats

    monkeypatch.setattr(tape_sender, "KEPT_S", 5.0)
    monkeypatch.setattr(tape_sender, "ACK_S", 0.2)
    now_s = [100.0]
    config = PERMISSIONS.format(deny='["tape.>"]')
    with nats_server(tmp_path, config) as server:
        address = server.url.replace("nats://", "nats://hub:h@")
        client = await nats.connect(address)
        hub = Hub(client, 1)
        hub.sender._time = Time(monotonic=lambda: now_s[0])
        for second in (1, 2, 3, 4):
            hub.writer.take("Prints", Batch((Quote("IWM", NOW, 221.0, seq=second),)), NOW + second * NS)
            with pytest.raises(UnavailableError) as failed:
                await hub.sender._turn()
            hub.sender._newest = None
            hub.sender._fail(failed.value)
            now_s[0] += 3.0
        assert not hub.sender._waiting
        assert hub.writer.lost == 4
        hub.writer.take("Prints", Batch((Quote("IWM", NOW, 221.0, seq=5),)), NOW + 5 * NS)
        (row,) = hub.sender.rows()
        assert (row.kind, row.detail) == (Kind.OFFLINE, "JetStream does not answer; 4 rows left out")
        await client.close()
        free = await nats.connect(server.url.replace("nats://", "nats://root:r@"))
        hub.sender._client = free
        await hub.sender._turn()
        await hub.prints(6)
        made = await read(free, 0)
        reader = TapeReader()
        rows = pl.concat([reader.take(each.subject, each.data) for each in made])
        assert set(rows.filter(pl.col("seq") > 0)["seq"]) == {5, 6}
        await free.close()
