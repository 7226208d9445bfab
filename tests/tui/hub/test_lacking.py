"""A desk that starts on a hub says at once which of its symbols the hub does not bring."""

from __future__ import annotations

import asyncio

from feeds.hub.broker.connection import Access
from rotation.desk import LegList
from tests.feeds.hub.test_access import running
from tests.support.servers.nats import nats_server
from tui.compose.backend import LocalBackend
from tui.wanted import Wanted

WAIT_S = 30


async def shown_by(wanted: Wanted, holds) -> object:
    """The first Snapshot of such a desk for which this is so."""
    desk = await asyncio.to_thread(LocalBackend().open, wanted)
    task = asyncio.create_task(desk.run())
    try:
        async with asyncio.timeout(WAIT_S):
            async for snapshot in desk.listen():
                if holds(snapshot):
                    return snapshot
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    raise AssertionError("the desk has ended")


async def test_it_is_an_event_and_stands_in_health(tmp_path, monkeypatch):
    for kind in ("DATA", "CACHE", "CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    (tmp_path / "server").mkdir()
    with nats_server(tmp_path / "server") as server:
        async with running(Access(server.url)):
            named = Wanted(feed="nats", nats=server.url, legs=("IWM", "QQQ", "ZZZZ"))
            listed = Wanted(
                feed="nats", nats=server.url, legs=("IWM", "QQQ"), lists=(LegList("mine", ("XBI", "YYYY")),)
            )
            message = "the hub does not bring "
            for wanted, lacking in ((named, "ZZZZ"), (listed, "XBI, YYYY")):
                snapshot = await shown_by(wanted, lambda shown: any(message in e.text for e in shown.events))
                (event,) = [each for each in snapshot.events if message in each.text]
                assert (event.kind, event.subject, event.text) == ("config", "hub", message + lacking)
                (row,) = [feed for feed in snapshot.health.feeds if feed.name == "hub"]
                assert row.detail == f"does not bring {lacking}"
            usual = Wanted(feed="nats", nats=server.url)
            snapshot = await shown_by(usual, lambda shown: shown.health.feeds or shown.legs["IWM"].settled)
            assert not [each for each in snapshot.events if message in each.text]
