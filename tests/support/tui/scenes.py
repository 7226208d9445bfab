"""A desk that shows given snapshots, and snapshots changed in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.market.assemble import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from rotation.context.wants import Wants
    from rotation.snapshot import Snapshot


class ScriptedDesk:
    """Publishes given snapshots as fast as they are taken, then stays."""

    def __init__(self, snapshots: Sequence[Snapshot]) -> None:
        self.controls = RecordingControls()
        self._snapshots = list(snapshots)
        self.wants: list[Wants] = []
        """All that was asked for, the newest last."""

    async def run(self) -> None:
        """Nothing to drive."""

    async def listen(self) -> AsyncIterator[Snapshot]:
        for snapshot in self._snapshots:
            yield snapshot

    def want(self, asked: Wants) -> None:
        self.wants.append(asked)


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


def without_figures(snapshot: Snapshot, symbol: str) -> Snapshot:
    """The snapshot with a leg of which no figure is known, as where history has no closes of it."""
    leg = snapshot.legs[symbol]
    return with_leg(
        snapshot, symbol, last=None, return_pct=dict.fromkeys(leg.return_pct), streak=UNKNOWN,
        since=dict.fromkeys(leg.since), base_rate=None, high=None, low=None,
    )  # fmt: skip


def with_leg(snapshot: Snapshot, symbol: str, **changes: object) -> Snapshot:
    """The snapshot with one leg changed. A leg without an age shows an official close."""
    leg = msgspec.structs.replace(snapshot.legs[symbol], **changes)
    leg = msgspec.structs.replace(leg, settled_session=leg.session if leg.age_s is None else None)
    legs = {**snapshot.legs, symbol: leg}
    return msgspec.structs.replace(snapshot, legs=legs)
