"""Keeps as many workers running as were asked for: each that ends is replaced, ever more slowly."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import msgspec

from rotation.errors import InputError
from tui.ssh import event_log
from tui.ssh.host import STOP_S
from tui.ssh.status import WorkerStatus
from tui.ssh.workers import wire
from tui.ssh.workers.member import SILENT_S, Member, NoReplyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
"""Seconds before a worker is replaced the first time, and at most; each time twice as many."""
STEADY_S = 60.0
"""A worker that ran this long is no longer one that cannot start."""
HUNG_S = 30.0
"""Seconds without a report after which a worker is ended and replaced."""
START_S = 60.0
"""Seconds that a worker gets until it takes connections."""
WATCH_S = 1.0
SLACK_S = 2.0
"""Seconds beyond STOP_S, in which a worker says goodbye to its viewers, until it is killed."""


class Cap(msgspec.Struct, frozen=True):
    """What one worker may use."""

    memory_mb: float


def shares(total: int, workers: int) -> list[int]:
    """Divide a limit so that the shares differ by one at most, and their sum is the limit."""
    return [total // workers + (i < total % workers) for i in range(workers)]


def wait_s(failures: int) -> float:
    """Return the seconds before the next start, after so many short lives in a row."""
    return min(FIRST_WAIT_S * 2.0 ** min(failures, 16), LONGEST_WAIT_S)


class Pool:
    """All workers. ``run`` it in a task; it ends once every worker has, after ``stop``."""

    def __init__(
        self,
        setups: Callable[[int], wire.Setup],
        workers: int,
        cap: Cap,
        *,
        on_message: Callable[[Member, wire.ToParent], None],
        on_left: Callable[[str], None],
    ) -> None:
        """``setups`` makes the setup of a worker's number; see Member for the others."""
        self._setups = setups
        self._cap = cap
        self._on_message, self._on_left = on_message, on_left
        self._members: dict[int, Member | None] = dict.fromkeys(range(1, workers + 1))
        self._replaced = dict.fromkeys(self._members, 0)
        self.lost: list[wire.Report] = []
        """The last reports of those that have ended, one for each, for what has been counted."""
        self._stopping = asyncio.Event()
        self._has_begun = asyncio.Event()

    def __iter__(self) -> Iterator[Member]:
        return (member for member in self._members.values() if member is not None)

    async def run(self) -> None:
        """Keep the workers running until ``stop``. Raises InputError if one ends before all have begun."""
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._watch(), name="worker watch")
            slots = [
                group.create_task(self._fill(number), name=f"worker {number}") for number in self._members
            ]
            await asyncio.wait(slots)
            watch.cancel()

    async def begun(self) -> None:
        """Wait until every worker takes connections."""
        while not all(each is not None and each.ready.is_set() for each in self._members.values()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        self._has_begun.set()

    async def _fill(self, number: int) -> None:
        """Have a worker of this number, for ever."""
        failures = 0
        while not self._stopping.is_set():
            member = Member(self._setups(number), on_message=self._on_message, on_left=self._on_left)
            self._members[number] = member
            code = None
            try:
                code = await member.run()
            except OSError as error:  # no process or no open file is left: the others go on
                member.why = error.strerror or str(error)
            finally:
                self._members[number] = None
            if member.report is not None:
                self.lost.append(member.report)
            if self._stopping.is_set():
                return
            if not self._has_begun.is_set():
                why = member.why or f"it ended with code {code}"
                raise InputError(f"worker {number} did not start: {why}")
            lived_s = time.monotonic() - member.began
            failures = 0 if lived_s >= STEADY_S else failures + 1
            wait = wait_s(failures - 1 if failures else 0)
            self._replaced[number] += 1
            event_log.warning(
                "worker ended",
                worker=number,
                pid=member.pid,
                code=code,
                **({"why": member.why} if member.why else {}),
                viewers=member.report.status.sessions if member.report else 0,
                seconds=round(lived_s, 1),
                next_in_s=wait,
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait)

    async def _watch(self) -> None:
        """End workers that do not answer, do not start, or hold more memory than they may."""
        while True:
            await asyncio.sleep(WATCH_S)
            for member in list(self):
                if member.is_stopping:
                    self._end_stuck(member)
                    continue
                lived_s = time.monotonic() - member.began
                if member.ready.is_set() and member.silent_s > HUNG_S:
                    event_log.warning("worker silent", worker=member.number, seconds=round(member.silent_s))
                    member.kill()
                elif not member.ready.is_set() and lived_s > START_S:
                    event_log.warning("worker did not start", worker=member.number, seconds=round(lived_s))
                    member.kill()
                elif (held := member.memory_mb()) > self._cap.memory_mb:
                    event_log.warning(
                        "worker over memory",
                        worker=member.number,
                        memory_mb=round(held),
                        most_mb=self._cap.memory_mb,
                    )
                    member.stop()

    def _end_stuck(self, member: Member) -> None:
        """Kill a worker that was told to stop and has not ended: nothing takes its place before it has."""
        if member.stopped_at is None:
            return
        stopping_s = time.monotonic() - member.stopped_at
        if stopping_s > STOP_S + SLACK_S:
            event_log.warning("worker did not stop", worker=member.number, seconds=round(stopping_s))
            member.kill()

    def least_busy(self) -> list[Member]:
        """Return those that take connections, the one with the fewest first; silent or closed ones last."""

        def order(member: Member) -> tuple[bool, bool, float]:
            pace = member.report.status.pace if member.report else "full"
            share = len(member.connections) / member.most_sessions
            return member.silent_s > SILENT_S, pace == "closed", share

        return sorted((member for member in self if member.takes_connections), key=order)

    def holder(self, connection: int) -> Member | None:
        """Return the worker that serves the connection with this ID."""
        return next((member for member in self if connection in member.connections), None)

    def send(self, message: wire.ToWorker, *, but: Member | None = None) -> None:
        """Send a message to all workers, or to all but this."""
        for member in list(self):
            if member is not but:
                member.send(message)

    def set(self, name: str, frame: bytes) -> None:
        """Send all workers the newest value of this name."""
        for member in self:
            member.set(name, frame)

    async def ask(self, command: str) -> list[wire.Reply]:
        """Return the answers of those workers that answer."""
        answers = await asyncio.gather(*(each.ask(command) for each in self), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, NoReplyError):
                raise answer
        return [answer for answer in answers if isinstance(answer, wire.Reply)]

    def stop(self) -> None:
        """Have all workers end, and replace none."""
        self._stopping.set()
        for member in self:
            member.stop()

    def kill(self) -> None:
        """End all workers at once, and replace none."""
        self._stopping.set()
        for member in self:
            member.kill()

    def statuses(self) -> list[WorkerStatus]:
        """Return how each worker is doing."""
        return [
            WorkerStatus(
                number,
                "waiting",
                None,
                None,
                most_sessions=self._setups(number).limits.sessions,
                replaced=self._replaced[number],
            )
            if member is None
            else member.status(self._replaced[number])
            for number, member in self._members.items()
        ]
