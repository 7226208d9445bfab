"""A tape that plays becomes another desk: its prints are played to it anew, up to where it stands."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from rotation.desk import LegList
from tui.compose.backend import LocalBackend
from tui.desk import ReopeningDesk
from tui.wanted import Wanted


@pytest.fixture(autouse=True)
def at_home(monkeypatch, tmp_path):
    for kind in ("DATA", "CACHE", "CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))


async def test_the_demo_takes_another_pair_and_groups_where_it_stands():
    wanted = Wanted(demo=True, legs=("IWM", "QQQ"))
    desk = await asyncio.to_thread(LocalBackend().open, wanted)
    assert isinstance(desk, ReopeningDesk)
    running = asyncio.create_task(desk.run())
    try:
        async for shown in desk.listen():
            if shown.legs["IWM"].volume:
                break
        assert desk.controls is not None
        desk.controls.hold()
        at = shown.as_of
        high = shown.legs["IWM"].high
        other = msgspec.structs.replace(
            wanted, pair=("IWN", "IVW"), lists=(LegList("banks", ("KRE",)), LegList("w", ("DIA",), True))
        )
        assert await desk.reopen(other) == ()
        assert desk.wanted == other
        async for shown in desk.listen():
            if "KRE" in shown.legs and shown.legs["KRE"].volume:
                break
        assert (shown.spread.base, shown.spread.against) == ("IWN", "IVW")
        assert shown.spread.windows["5"].pp is not None
        assert [each.name for each in shown.lists] == ["", "banks", "w"]
        assert shown.legs["IWM"].high == high
        assert (shown.as_of - at).total_seconds() < 60
        assert shown.health.tape is not None
        assert shown.health.tape.held
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
