"""Supervisors in this process, behind the interface that the screen uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.desk import EventKind, gaps_of
from tui.desk import DeskError
from tui.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from feeds.alerts.watch import AlertWatch
    from feeds.desk.demo_fallback import DemoFallback
    from feeds.hub.tape_following import TapeFollower
    from feeds.supervision.listeners import Listener
    from feeds.supervisor import Pairs, Supervisor
    from feeds.tapes.recorder import Recorder
    from rotation.alerts.target import AlertSettings
    from rotation.context.wants import Wants
    from rotation.desk import DeskChange, PairOptions
    from rotation.snapshot import Snapshot
    from tui.compose.desk.swap import DeskSwap
    from tui.desk import Controls, Recording


class LocalDesk:
    """A supervisor in this process, behind the interface that the screen uses."""

    def __init__(
        self,
        supervisor: Supervisor | DemoFallback,
        controls: Controls | None,
        watch: AlertWatch | None = None,
        change: DeskSwap | None = None,
    ) -> None:
        """``watch``: None where nothing is to be noted or called for.

        ``change``: None for a desk that stays what it is.
        """
        self._change = change
        self._supervisor = supervisor
        self._controls = controls
        self._watch = watch
        self._watches: list[AlertWatch] = [] if watch is None else [watch]
        self._alerts: AlertSettings | None = None
        """Those of a file that was read again."""

    @property
    def controls(self) -> Controls | None:
        """The controls of the tape that is playing, the demo included; None without one."""
        return self._controls or getattr(self._supervisor, "controls", None)

    async def run(self) -> None:
        """Drive the feeds until they end, and deliver what alerts call for meanwhile."""
        import asyncio  # noqa: PLC0415 - one snapshot need not wait for it

        if self._watch is None:
            await self._supervisor.run()
            return
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch.run(), name="alerts")
            await asyncio.sleep(0)  # a desk that ends at once would cancel it before it can close its file
            await self._supervisor.run()
            await self._watch.finish()
            watching.cancel()

    @property
    def wanted(self) -> Wanted:
        """What it shows; of a desk that stays what it is what is usual."""
        return Wanted() if self._change is None else self._change.wanted

    async def reopen(self, wanted: Wanted) -> tuple[str, ...] | None:
        """Show this from now on; see ``tui.desk.ReopeningDesk``."""
        if self._change is None:
            raise DeskError("this desk stays what it is")
        try:
            lacking = await self._change.to(wanted)
        except DeskError:
            self._settle()
            raise
        if lacking is not None:  # else a later change has taken its place
            self._settle()
        return lacking

    def _settle(self) -> None:
        for watch in self._watches:
            watch.settle_desk()

    def set_alerts(self, alerts: AlertSettings, *, awaits_desk: bool = False) -> None:
        """Watch for these alerts from now on; see ``tui.desk.AlertDesk``."""
        self._alerts = alerts
        for watch in self._watches:
            watch.set(alerts, awaits_desk=awaits_desk)

    def note(self, kind: EventKind, subject: str, text: str) -> None:
        """Add an event to the next snapshot."""
        for watch in self._watches:
            watch.note(kind, subject, text)

    def want(self, asked: Wants) -> None:
        """Have these parts in every Snapshot from now on, beside those that alerts rest on."""
        self._supervisor.want(asked)

    def ask_now(self) -> tuple[tuple[str, ...], float]:
        """Have sources asked before their time; see ``tui.desk.RefreshingDesk``."""
        return self._supervisor.ask_now()

    def rest(self, seconds: float) -> None:
        """No newer prices are needed for so long from now."""
        self._supervisor.rest(seconds)

    def give_way(self) -> None:
        """A key waits to be answered: prices that come meanwhile are taken in after it."""
        self._supervisor.turns.give_way()

    def go_on(self) -> None:
        """It has been answered."""
        self._supervisor.turns.go_on()

    async def set_pairs(self, pairs: Pairs, options: tuple[PairOptions, ...]) -> Pairs:
        """Have these more pairs from now on; those that this desk cannot have."""
        return await self._supervisor.set_pairs(pairs, gaps_of(options))

    async def change_desk(self, change: DeskChange) -> None:
        """Have these windows and limits from now on."""
        await self._supervisor.change_desk(change)

    def listen(self) -> Listener:
        """Return an iterator over the newest snapshots."""
        return self._supervisor.listen()


class LocalFallbackDesk(LocalDesk):
    """A live desk with nothing to show, and the demo in front of it until it has."""

    def __init__(self, fallback: DemoFallback, watch: AlertWatch, change: DeskSwap) -> None:
        super().__init__(fallback, None, watch, change)

    def add_demo(self, watch: AlertWatch) -> None:
        """Take what watches the demo that is about to play; in any thread."""
        self._watches.append(watch)
        if self._alerts is not None:
            watch.set(self._alerts)


class LocalRecordingDesk(LocalDesk):
    """The same desk, with every event recorded."""

    def __init__(
        self,
        supervisor: Supervisor,
        controls: Controls | None,
        watch: AlertWatch,
        recorder: Recorder,
    ) -> None:
        super().__init__(supervisor, controls, watch)
        self.recording: Recording = recorder
        self._recorder = recorder
        supervisor.observer = recorder.take

    async def run(self) -> None:
        """Drive the feeds until they end, and close the files of the recording."""
        from feeds.tapes.recorder import recorded  # noqa: PLC0415

        await recorded(super().run(), self._recorder)


class HubTapeDesk:
    """No desk at all: a hub's tape, recorded from its NATS server. It has no Snapshots."""

    def __init__(self, follower: TapeFollower) -> None:
        self.recording: Recording = follower.recorder
        self._follower = follower

    @property
    def controls(self) -> None:
        """None: it is live."""

    async def run(self) -> None:
        """Record until cancelled."""
        await self._follower.run()

    def want(self, asked: Wants) -> None:
        """Whatever is wanted, there is none."""

    async def listen(self) -> AsyncIterator[Snapshot]:
        """Nothing."""
        snapshots: tuple[Snapshot, ...] = ()
        for snapshot in snapshots:
            yield snapshot
