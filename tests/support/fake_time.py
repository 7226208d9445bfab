"""Time that a test moves: whoever sleeps wakes when it is passed, and loopback sockets get their turn."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from feeds.clock import Time
from rotation.quote import NS
from tests.support.idle_loop import IdleLoop
from tests.support.paths import HANG_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    import pytest

NOW_NS = 1_721_140_800 * NS
"""16 July 2024, 10:40 New York."""


class FakeTime(Time):
    """``random`` is the middle of its range; ``passing`` lets seconds pass one by one."""

    def __init__(self, now_ns: int = NOW_NS, chance: float = 0.5) -> None:
        self.now_s = 1000.0
        self._start_ns = now_ns
        self._sleeping: list[tuple[float, asyncio.Event]] = []
        self.slept: list[float] = []
        super().__init__(
            monotonic=lambda: self.now_s,
            clock_ns=lambda: self._start_ns + round((self.now_s - 1000.0) * NS),
            sleep=self._sleep,
            random=lambda: chance,
        )

    async def _sleep(self, seconds: float) -> None:
        wake = asyncio.Event()
        self.slept.append(seconds)
        self._sleeping.append((self.now_s + seconds, wake))
        await wake.wait()

    async def passing(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass; every sleeper whose hour has come runs before the next step."""
        end_s = self.now_s + seconds
        await settle()
        while self.now_s < end_s - 1e-9:
            self.now_s = min(self.now_s + step, end_s)
            due = [sleeper for sleeper in self._sleeping if sleeper[0] <= self.now_s + 1e-9]
            self._sleeping = [sleeper for sleeper in self._sleeping if sleeper not in due]
            for _, wake in due:
                wake.set()
            await settle()


async def at_once(work: Callable[..., Any], /, *args: object, **named: object) -> Any:
    """Stand in for ``asyncio.to_thread``: how long the work takes depends on no machine."""
    return work(*args, **named)


def without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work for another thread is done at once."""
    monkeypatch.setattr(asyncio, "to_thread", at_once)


async def settle() -> None:
    """Let everything run that can: messages over loopback and their answers too, but no other thread."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, IdleLoop), "a test with settle() runs on tests.support.idle_loop.IdleLoop"
    await loop.idle()


@contextlib.asynccontextmanager
async def driven(
    coroutine: Coroutine[object, object, object], begun: Coroutine[object, object, object]
) -> AsyncIterator[None]:
    """Run a coroutine as a task beside the body, which has HANG_S seconds, and cancel it at the end.

    The body's turn comes when ``begun`` has ended, or when there is nothing left to run.
    """
    task = asyncio.create_task(coroutine)
    waits = [asyncio.create_task(begun), asyncio.create_task(settle())]
    try:
        async with asyncio.timeout(HANG_S):
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            yield
    finally:
        task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        with contextlib.suppress(asyncio.CancelledError):
            await task


def assert_no_tasks_beyond(before: set[asyncio.Task[object]]) -> None:
    """Every task that has begun since ``before`` (``asyncio.all_tasks()`` of then) must have ended."""
    left = {task for task in asyncio.all_tasks() - before if not task.done()}
    assert not left, left


async def until(holds: Callable[[], object], patience_s: float = 500.0) -> None:
    """Wait for what threads and tasks bring in real time; nothing is measured by ``patience_s``."""
    async with asyncio.timeout(patience_s):
        while not holds():  # noqa: ASYNC110 - it may be of a thread, which sets no Event
            await asyncio.sleep(0.001)
