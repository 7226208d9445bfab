"""While a server does not answer: beats go on, quotes are sent again, and a standby makes itself ready."""

from __future__ import annotations

import asyncio

import pytest

from feeds.clock import Time, wall_ns
from feeds.errors import UnavailableError
from feeds.events import Batch
from feeds.hub.broker import kept, lease, serve
from feeds.hub.broker.lease import EXPECTED, KEPT_BY_NOBODY, Chain
from feeds.hub.outgoing import Outgoing
from feeds.hub.wire import subjects
from feeds.hub.wire.codec import encode
from feeds.hub.wire.messages import SCHEMA, BeatMessage
from rotation.quote import Quote
from rotation.snapshot import Counts
from tests.feeds.hub.test_hub_run import Reading, publishing, running, until
from tests.feeds.hub.test_relay import OPENS, Hub
from tests.support.servers.nats import nats_server


class Client:
    """Connected to a server whose JetStream does not answer."""

    is_connected, max_payload = True, 2**20

    def __init__(self):
        self.sent = []

    def new_inbox(self):
        return "inbox"

    async def publish(self, subject, data, *, reply, headers):
        self.sent.append((subject, headers[EXPECTED], reply))


@pytest.fixture
def chain(monkeypatch):
    monkeypatch.setattr(lease, "PROMPT_S", 0.01)
    made = Chain(Client(), "ours", 7, Time())
    made._newest = None  # as after an answer that did not come
    return made


async def test_a_server_that_is_choosing_a_leader_holds_up_no_beat(chain, monkeypatch):
    async def silent(_client):
        await asyncio.Event().wait()

    monkeypatch.setattr(kept, "last_seq", silent)
    async with asyncio.timeout(20):
        for _ in range(3):
            await chain.send([Outgoing(subjects.BEAT, b"x")])
    assert chain._client.sent == [(subjects.BEAT, KEPT_BY_NOBODY, "")] * 3
    assert not chain.is_unsure
    chain._asking.cancel()
    await asyncio.gather(chain._asking, return_exceptions=True)


async def test_what_no_server_stores_is_to_be_sent_again(chain, monkeypatch):
    async def away(_client):
        raise UnavailableError("JetStream does not answer")

    monkeypatch.setattr(kept, "last_seq", away)
    await chain.send([])
    assert chain.is_unsure
    assert not chain.is_resumed


def test_quotes_are_sent_again_without_the_history():
    hub = Hub()
    hub.take(Batch((Quote("IWM", OPENS, 221.0),)))
    first = {message.subject for message in hub.out()}
    assert {message.subject for message in hub.out()} == {subjects.BEAT}
    hub.publisher.repeat_quotes()
    again = {message.subject for message in hub.out()}
    of_history = (subjects.HISTORY, subjects.INDEX, subjects.FUNDS)
    assert again == {each for each in first if not each.startswith(of_history)}
    assert "quotes.IWM" in again
    hub.publisher.again()
    assert {message.subject for message in hub.out()} == first


async def test_a_standby_makes_itself_ready_before_it_takes_over(tmp_path, monkeypatch):
    import nats

    monkeypatch.setattr(lease, "SILENT_S", 3600.0)
    monkeypatch.setattr(lease, "PREPARE_S", 0.2)
    monkeypatch.setattr(serve, "FRESH_S", 0.0)
    make = Reading()
    with nats_server(tmp_path) as server:
        client = await nats.connect(server.url)
        try:
            await kept.ensure(client, replicas=1)
            beat = BeatMessage(SCHEMA, 7, 1, wall_ns(), "other", False, Counts(), [])
            await client.request(subjects.BEAT, encode(beat))
            async with running(server.url, make) as (lines, _):
                await until(lambda: make.made > 1, lines)
                assert make.began == 0, "it reads nobody yet"
                assert not publishing(lines)
        finally:
            await client.close()
