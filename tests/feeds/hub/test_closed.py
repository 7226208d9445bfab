"""A client that nats-py has closed for good is replaced by a new one."""

from __future__ import annotations

import asyncio

from nats.errors import ConnectionClosedError

from feeds.hub.broker import viewer
from feeds.hub.broker.connection import Access, Cause
from feeds.hub.broker.reports import Reports
from feeds.hub.broker.viewer import LOST, HubFeed


class Client:
    """Connected until the test closes it; the server keeps nothing."""

    is_connected = False

    def __init__(self, *, is_closed=False):
        self.is_closed = is_closed

    async def subscribe(self, subject, cb):
        if self.is_closed:
            raise ConnectionClosedError

    async def flush(self):
        pass

    async def close(self):
        self.is_closed = True


async def until(holds):
    while not holds():  # noqa: ASYNC110 - what is looked at has no event
        await asyncio.sleep(0.01)


async def test_a_closed_client_is_replaced(monkeypatch):
    made = []

    async def connect(access, **_):
        made.append(Client(is_closed=len(made) == 1))  # the second is closed at once
        return made[-1]

    monkeypatch.setattr(viewer, "connect", connect)
    monkeypatch.setattr(viewer, "AGAIN_S", 0.05)
    feed = HubFeed(Access("nats://127.0.0.1:1"))
    task = asyncio.create_task(feed._keep_connected())
    try:
        async with asyncio.timeout(10):
            await until(lambda: made and not feed.receiver.problem)
            feed.receiver.fetching()
            made[0].is_closed = True
            await until(lambda: feed.receiver.problem == LOST)
            await until(lambda: not feed.receiver.problem)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert len(made) == 3
    assert feed.receiver.wants_fetch


async def test_where_there_was_no_connection_none_was_lost():
    """nats-py calls back at the end of a client that never had one, too: why there is none says more."""
    feed = HubFeed(Access("nats://127.0.0.1:1"))
    feed.receiver.problem = Cause.REFUSED.value
    await feed._lost()
    assert feed.receiver.problem == Cause.REFUSED.value
    feed.receiver.problem = ""
    await feed._lost()
    assert feed.receiver.problem == LOST
    lines: list[str] = []
    hub = Reports(lines.append)
    await hub.lost()
    assert not lines
    hub.connected()
    await hub.lost()
    assert lines == [LOST]
