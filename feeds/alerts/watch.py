"""Alerts on a running desk: judged on every Snapshot, remembered on disk, then delivered."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from feeds.alerts.couriers import Courier
from feeds.alerts.remembered import failure_text, still_fresh
from feeds.alerts.state_file import CALLS_MAX, Kept, StateFile, Waiting
from feeds.clock import wall_ns
from feeds.errors import InputError
from rotation.alerts.desk_log import DeskLog
from rotation.alerts.rule import AlertState, together
from rotation.alerts.target import DESKTOP, AlertSettings, Target
from rotation.desk import EventKind
from rotation.text import counted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from feeds.alerts.errors import Sender
    from rotation.alerts.desk_log import Call
    from rotation.alerts.rule import Fired, Rule
    from rotation.context.wants import Wants
    from rotation.desk import Desk
    from rotation.snapshot import Snapshot

log = logging.getLogger(__name__)

SAVE_S = 1.0
"""Changes without a call are written this often at most."""
OWN_S = 5.0
"""Between two attempts to take over from another program that delivers."""
FINISH_S = 10.0
FINISH_LOOK_S = 0.05


class AlertWatch:
    """Adds events and alerts to Snapshots (``take``) and delivers calls (``run``)."""

    def __init__(
        self,
        desk: Desk,
        settings: AlertSettings,
        file: StateFile | None,
        *,
        secret: Callable[[Target], str] = lambda _: "",
        make: Callable[[Target, str], Sender] | None = None,
        want: Callable[[Wants], None] = lambda _: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock_ns: Callable[[], int] = wall_ns,
    ) -> None:
        """Blocking: it reads the file. ``file``: None on a tape, where nothing is remembered or delivered.

        ``secret``: of a target; blocking, raises InputError. ``make``: its sender; None: the real one.
        ``want`` is given the parts that alerts rest on, whenever they may have changed.
        """
        self._file = file
        self._secret = secret
        self._make = make
        self._want = want
        self._sleep = sleep
        self._clock_ns = clock_ns
        self._log = DeskLog(desk, on_tape=file is None)
        self._remembered: dict[str, AlertState] = {}
        self._history: tuple[Fired, ...] = ()
        self._left: tuple[Waiting, ...] = ()
        """Calls of the previous run that have not been delivered."""
        self._owns = False
        self._is_failing = False
        self._is_unread = False
        """There is a file that may be whole and cannot be read: it is not to be overwritten."""
        self._calls: list[Call] = []
        self._dirty = False
        self._wake = asyncio.Event()
        self._couriers: dict[str, tuple[Courier, asyncio.Task[None]]] = {}
        self._targets: dict[str, Target] = {}
        self._group: asyncio.TaskGroup | None = None
        self._turn = asyncio.Lock()
        """Held while writing: two writes at a time would tear the file."""
        self._thread = ThreadPoolExecutor(1, "alert-state")
        """Of its own: the loop's threads may all be waiting for host names that do not resolve."""
        self._writing: asyncio.Future[None] | None = None
        """The write under way, or the last one."""
        self._watches = False
        self._has_read = False
        self._settings: tuple[tuple[Rule, ...], tuple[Target, ...]] | None = None
        """The alerts and targets that are watched for; None before the first."""
        self.set(settings)

    def set(self, settings: AlertSettings, *, awaits_desk: bool = False) -> None:
        """Watch for these alerts, and call these targets, from now on.

        ``awaits_desk``: another desk is about to come, which may have what they lack on this one;
        ``set_desk`` or ``settle_desk`` follows.
        """
        self._log.places = settings.places
        if awaits_desk:
            self._log.await_desk()
        if self._settings == (settings.rules, settings.targets):
            return  # what is being delivered goes on
        self._settings = settings.rules, settings.targets
        self._remembered |= self._log.states
        before = self._targets
        self._targets = {target.name: target for target in settings.targets}
        self._targets.setdefault(DESKTOP, Target(name=DESKTOP, kind="desktop"))
        for name in [each for each in self._couriers if self._targets.get(each) != before.get(each)]:
            # What a target that stays has under way goes on: cut off and sent again it would arrive twice.
            courier, task = self._couriers.pop(name)
            self._left += courier.waiting
            task.cancel()
        begins = bool(settings.rules) and not self._watches
        self._watches = self._watches or begins
        if begins and self._file is not None:
            self._take_over()
        self._log.set_rules(settings.rules, self._remembered)
        self._want(self._log.wants)
        self._wake.set()

    @property
    def judges(self) -> bool:
        """Whether there is an alert, which a price between two frames of the screen may set off."""
        return bool(self._settings and self._settings[0])

    def set_pairs(self, pairs: tuple[tuple[str, str], ...]) -> None:
        """The desk has these more pairs from now on."""
        self._log.set_pairs(pairs)
        self._want(self._log.wants)

    def set_windows(self, windows: tuple[int, ...]) -> None:
        """The desk has these windows from now on."""
        self._log.set_windows(windows)

    def set_desk(self, desk: Desk) -> None:
        """The desk is another one from now on; alerts keep their state."""
        self._log.set_desk(desk)
        self._want(self._log.wants)

    def settle_desk(self) -> None:
        """The desk that was awaited does not come: tell what alerts lack on this one."""
        self._log.settle_desk()

    def note(self, kind: EventKind, subject: str, text: str) -> None:
        """Tell something that no Snapshot shows."""
        self._log.note(kind, subject, text)

    def number_with(self, other: AlertWatch) -> None:
        """Number events together with another's, in whose place this one's are shown."""
        self._log.numbers = other._log.numbers

    def take(self, snapshot: Snapshot) -> Snapshot:
        """The Snapshot with events and alerts; what fires is on its way after the next turn of the loop."""
        shown, calls = self._log.take(snapshot)
        if self._file is None:
            return shown
        if calls and self._owns:  # else the program that owns the file calls
            self._calls += calls
            self._wake.set()
        self._dirty = self._dirty or self._log.has_changed
        return shown

    async def run(self) -> None:
        """Remember and deliver until cancelled; what is still to be delivered is then kept."""
        if self._file is None:
            return
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._now_and_then(), name="alert state")
                while True:
                    await self._wake.wait()
                    self._wake.clear()
                    if self._owns:
                        await self._deliver()
        finally:
            self._group = None
            if self._writing is not None:
                # Cancelling does not stop a thread: what it writes is older than what is written last.
                await asyncio.wait((self._writing,))
            self._close()
            self._thread.shutdown(wait=False)

    async def finish(self) -> None:
        """The desk has ended by itself: wait until calls are delivered, at most ``FINISH_S``."""
        for _ in range(round(FINISH_S / FINISH_LOOK_S)):
            queued = any(courier.waiting for courier, _ in self._couriers.values())
            if not (self._calls or self._left or queued):
                return
            await asyncio.sleep(FINISH_LOOK_S)

    async def _now_and_then(self) -> None:
        """Write what changed without a call; take over once the program that delivers has ended."""
        waited_s = 0.0
        while True:
            await self._sleep(SAVE_S)
            waited_s += SAVE_S
            if self._owns:
                if self._dirty or self._is_unread:
                    await self._save()
                if self._watches and waited_s >= OWN_S:
                    waited_s = 0.0
                    self._lock()
            elif self._watches and waited_s >= OWN_S:
                waited_s = 0.0
                if self._take_over():
                    self._log.set_states(self._remembered)
                    self._wake.set()

    def _lock(self) -> None:
        """Try again for a lock that could not be opened; a program that has it now calls in our place."""
        assert self._file is not None
        with suppress(OSError):  # told before
            self._owns = self._file.own()

    def _take_over(self) -> bool:
        """Own the file if no other program does, and remember what it holds."""
        assert self._file is not None
        try:
            self._owns = self._file.own()
        except OSError as error:
            # Better to call twice after a restart than never.
            self._fail(error)
            self._owns = True
        if not self._owns and self._has_read:
            return False
        self._has_read = True
        try:
            kept, problem = self._file.read()
        except OSError as error:
            self._is_unread = True
            self._fail(error)
            return self._owns
        self._tell(problem)
        self._remembered |= kept.states
        self._history = kept.calls
        if self._owns:
            self._left += self._fresh(kept.waiting)
            self._calls.clear()
        return self._owns

    def _tell(self, problem: str) -> None:
        if problem:
            log.warning("%s", problem)
            self.note(EventKind.CONFIG, "alerts", problem)

    def _recall(self, kept: Kept, problem: str) -> None:
        """Add what a file knows that could not be read at the start to what has happened since."""
        self._is_unread = False
        self._tell(problem)
        now = {**self._remembered, **self._log.states}
        both = {name: together(before, now.get(name, AlertState())) for name, before in kept.states.items()}
        self._remembered = {**now, **both}
        self._log.set_states(both)
        self._history = (*kept.calls, *self._history)[-CALLS_MAX:]
        self._left += self._fresh(kept.waiting)
        self._wake.set()

    def _fresh(self, waiting: Iterable[Waiting]) -> tuple[Waiting, ...]:
        held = tuple(waiting)
        fresh = still_fresh(held, self._clock_ns())
        if lost := len(held) - len(fresh):
            self.note(
                EventKind.DELIVERY,
                "alerts",
                f"{counted(lost, 'notification')} not delivered: over an hour old",
            )
        return fresh

    async def _deliver(self) -> None:
        """Write first, then deliver: after a crash between the two the file still has the calls."""
        calls, self._calls = self._calls, []
        self._history = (*self._history, *(call.fired for call in calls))[-CALLS_MAX:]
        self._left += tuple(
            Waiting(name, call.fired, call.text)
            for call in calls
            for name in call.rule.to
            if name in self._targets
        )
        if calls:
            await self._save()
        while self._left:
            # It stays among those left until somebody has it: reading a secret may take long.
            call = self._left[0]
            courier = await self._courier(call.target)
            self._left = self._left[1:]
            if courier is not None:
                courier.put(call)

    async def _courier(self, name: str) -> Courier | None:
        if name in self._couriers:
            return self._couriers[name][0]
        target = self._targets.get(name)
        if target is None or self._group is None:
            return None
        try:
            make = self._make or _make
            send = make(target, await asyncio.to_thread(self._secret, target))
        except InputError as error:
            self._report(name, f"{name}: not delivered: {error}")
            return None
        if self._targets.get(name) != target:
            return await self._courier(name)  # edited while its secret was read
        courier = Courier(name, send, self._report, self._has_changed, sleep=self._sleep)
        self._couriers[name] = (courier, self._group.create_task(courier.run(), name=f"alerts to {name}"))
        return courier

    def _report(self, name: str, text: str) -> None:
        self._dirty = True
        self.note(EventKind.DELIVERY, name, text)

    def _has_changed(self) -> None:
        self._dirty = True

    def _kept(self) -> Kept:
        queued = tuple(call for courier, _ in self._couriers.values() for call in courier.waiting)
        return Kept(
            states={**self._remembered, **self._log.states},
            calls=self._history,
            waiting=(*self._left, *queued),
        )

    async def _save(self) -> None:
        assert self._file is not None
        async with self._turn:
            self._dirty = False
            try:
                if self._is_unread:
                    self._recall(
                        *await asyncio.get_running_loop().run_in_executor(self._thread, self._file.read)
                    )
                self._writing = asyncio.get_running_loop().run_in_executor(
                    self._thread, self._file.write, self._kept()
                )
                await asyncio.shield(self._writing)
            except OSError as error:
                self._dirty = True  # there may be room a moment later
                self._fail(error)
            else:
                if self._is_failing:
                    self._is_failing = False
                    self.note(EventKind.CONFIG, "alerts", "alert state is saved again")

    def _fail(self, error: OSError) -> None:
        """Tell once that nothing is remembered; the desk and its calls go on."""
        if self._is_failing:
            return
        self._is_failing = True
        assert self._file is not None
        self._tell(failure_text(error, self._file.path, is_unread=self._is_unread))

    def _close(self) -> None:
        if self._owns and self._file is not None:
            with suppress(OSError):  # it has been told while the desk ran
                if self._is_unread:
                    self._recall(*self._file.read())
                self._file.write(self._kept())
            self._file.release()
            self._owns = False
            self._watches = False


def _make(target: Target, secret: str) -> Sender:
    from feeds.alerts.senders import sender  # noqa: PLC0415 - brings httpx, which most runs never need

    return sender(target, secret)
