"""The desk of a worker: the parent's Snapshots, and what is to be said when none comes any more."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from tui.ssh.workers import wire
from tui.ssh.workers.stalled import offline

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from rotation.context.wants import Wants
    from rotation.snapshot import Snapshot

STALL_S = 2.0
"""Seconds without a sign of life from the parent, which sends two a second, that make its prices OFFLINE."""
LOOK_S = 0.25
"""Seconds between two looks at the silence; while it lasts, ages grow once a second."""
AGES_S = 1.0


class RemoteDesk:
    """A desk that is computed in another process; only the newest Snapshot is ever decoded."""

    controls = None

    def __init__(self, want: Callable[[Wants], None], clock: Callable[[], float] = time.monotonic) -> None:
        """``want`` asks the parent; what is wanted comes in its Snapshots."""
        self.want = want
        self._clock = clock
        self._last_sign_at = clock()
        self._body: bytes | None = None
        """The newest Snapshot that has not been decoded."""
        self._shown: Snapshot | None = None
        """The newest that has been, as it came."""
        self._stalled_at: float | None = None
        """When the silence was last shown; None while there is none."""
        self._silent_since = 0.0
        """The last sign of life before the silence that is shown."""
        self._answers_since: float | None = None
        """Since when a parent that was silent answers again, without a Snapshot; None where it does not."""
        self._offset_s: float | None = None
        """The least by which this clock was ever ahead of the parent's when something came."""
        self._news = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def is_stalled(self) -> bool:
        """Whether the parent is silent, or has sent no prices since; they are shown as OFFLINE."""
        return self._stalled_at is not None

    def take(self, body: bytes) -> None:
        """Take a Snapshot as the parent sent it; one that was under way for too long is dropped.

        Raises wire.FrameError.
        """
        if self._late_s(wire.made_at_s(body)) > STALL_S:
            return
        self._body = body
        self._last_sign_at = self._clock()
        self._stalled_at = self._answers_since = None
        self._news.set()

    def beat(self, at_s: float) -> None:
        """Note a sign of life that the parent made at this time of its clock.

        After a silence it does not make the old prices good again: that takes a Snapshot, or so many beats
        that a desk with anything new would have sent one.
        """
        if self._late_s(at_s) > STALL_S:
            return
        self._last_sign_at = now = self._clock()
        if self._stalled_at is None:
            return
        if self._answers_since is None:
            self._answers_since = now
        elif now - self._answers_since > STALL_S:
            self._stalled_at = self._answers_since = None
            self._news.set()

    def _late_s(self, at_s: float) -> float:
        """Return how much longer than the quickest it was under way."""
        offset_s = self._clock() - at_s
        self._offset_s = offset_s if self._offset_s is None else min(self._offset_s, offset_s)
        return offset_s - self._offset_s

    def end(self) -> None:
        """The parent is gone."""
        self._ended.set()

    async def run(self) -> None:
        """Watch the silence until the parent is gone."""
        while not self._ended.is_set():
            now = self._clock()
            is_silent = now - self._last_sign_at > STALL_S
            if is_silent:
                self._answers_since = None
            if self._stalled_at is None and is_silent:
                self._silent_since = self._last_sign_at
            if is_silent if self._stalled_at is None else now - self._stalled_at >= AGES_S:
                self._stalled_at = now
                self._news.set()
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._ended.wait()
            except TimeoutError:
                pass

    async def listen(self) -> AsyncIterator[Snapshot]:
        """Yield the newest Snapshot after every change; while the parent is silent, marked OFFLINE."""
        while True:
            await self._news.wait()
            self._news.clear()
            body, self._body = self._body, None
            if body is not None:
                self._shown = wire.read_snapshot(body)
            if self._shown is not None:
                silent_s = self._clock() - self._silent_since
                yield offline(self._shown, silent_s) if self._stalled_at is not None else self._shown
