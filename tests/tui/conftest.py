"""Scenes to look at: snapshots of the demo's session, and a desk that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from feeds.desk import open as opening
from rotation.desk import Desk
from rotation.history import History
from rotation.market.market import Market
from rotation.sessions import close_ns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from rotation.snapshot import Snapshot


@pytest.fixture(scope="session")
def scenes() -> dict[str, Snapshot]:
    """``live``: the demo at 10:40; ``closed``: after its close; ``cached``: history only; ``empty``."""
    demo = opening.demo()
    desk = opening.desk_for(demo.history, ("IWM", "QQQ"), "price")
    after = close_ns(demo.history.last())
    much_later = after + 100 * 86_400 * 1_000_000_000
    live = opening.snapshot_at(demo, desk, at=None, now_ns=much_later)
    closed = opening.snapshot_at(demo, desk, at="2024-07-16", now_ns=much_later)
    cached = opening.snapshot_at(
        opening.Source(demo.history, None, opening.NOWHERE), desk, at=None, now_ns=much_later
    )
    empty = Market(History.empty(), Desk(), as_of_ns=after).apply((), as_of_ns=after)
    return {"live": live, "closed": closed, "cached": cached, "empty": empty}


class ScriptedDesk:
    """Publishes given snapshots as fast as they are taken, then stays."""

    def __init__(self, snapshots: Sequence[Snapshot]) -> None:
        self.controls = RecordingControls()
        self._snapshots = list(snapshots)

    async def run(self) -> None:
        """Nothing to drive."""

    async def listen(self) -> AsyncIterator[Snapshot]:
        for snapshot in self._snapshots:
            yield snapshot


class RecordingControls:
    """Notes what the keys asked of the tape."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def hold(self) -> None:
        self.asked.append("hold")

    def slower(self) -> None:
        self.asked.append("slower")

    def faster(self) -> None:
        self.asked.append("faster")

    def seek(self, seconds: float) -> None:
        self.asked.append(seconds)


def with_leg(snapshot: Snapshot, symbol: str, **changes: object) -> Snapshot:
    """The snapshot with one leg changed."""
    legs = {**snapshot.legs, symbol: msgspec.structs.replace(snapshot.legs[symbol], **changes)}
    return msgspec.structs.replace(snapshot, legs=legs)
