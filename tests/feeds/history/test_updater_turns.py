"""The history beside a running desk is compared at every turn, not only when a close is due."""

from __future__ import annotations

from contextlib import asynccontextmanager

from feeds.events import HistoryUpdated, Status
from feeds.history.updater import HistoryUpdater
from tests.support.sync_world import DAYS, SINCE, World, ny, share


async def test_a_split_overnight_is_noticed_at_the_opening(tmp_path):
    world = World(tmp_path, {"IWM": share()}, ny(DAYS[-2], 18))

    @asynccontextmanager
    async def sources():
        yield [world.yahoo]

    updater = HistoryUpdater(world.store, ["IWM"], since=SINCE, time=world.time(), sources=sources)
    updates = []
    statuses = []
    async for event in updater.events():
        if isinstance(event, HistoryUpdated):
            updates.append((world.now_ns, event.history.frame["close"][-1]))
            if len(updates) == 1:
                world.market.shares["IWM"].splits[DAYS[-1]] = 4.0
        elif isinstance(event, Status):
            statuses.append((event.state, event.detail))
            if len(updates) == 3:
                break
    last = world.market.shares["IWM"].raw[DAYS[-2]]
    assert [close for _, close in updates] == [last, last / 4, last / 4]
    at = [now_ns for now_ns, _ in updates]
    assert at[0] == ny(DAYS[-2], 18)
    assert ny(DAYS[-1], 4) <= at[1] < ny(DAYS[-1], 4, 2)
    assert ny(DAYS[-1], 9, 30) <= at[2] < ny(DAYS[-1], 9, 32)
    assert statuses[-1] == ("LIVE", f"settled through {DAYS[-2]}")
