"""The desk of a worker: the parent's Snapshots, and what is to be said when none comes any more."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from tui.ssh.workers import wire
from tui.ssh.workers.stalled import offline

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from rotation.snapshot import Snapshot

STALL_S = 2.0
"""Seconds without a sign of life from the parent, which sends two a second, that make its prices OFFLINE."""
LOOK_S = 0.25
"""Seconds between two looks at the silence; while it lasts, ages grow once a second."""
AGES_S = 1.0


class RemoteDesk:
    """A desk that is computed in another process; only the newest Snapshot is ever decoded."""

    controls = None

    def __init__(
        self, want: Callable[[frozenset[str]], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``want`` asks the parent for parts made on demand; it is called in another thread."""
        self._want = want
        self._clock = clock
        self._last_sign_at = clock()
        self._body: bytes | None = None
        """The newest Snapshot that has not been decoded."""
        self._shown: Snapshot | None = None
        """The newest that has been, as it came."""
        self._stalled_at: float | None = None
        """When the silence was last shown; None while there is none."""
        self._news = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def is_stalled(self) -> bool:
        """Whether the parent is silent, and its prices are shown as OFFLINE."""
        return self._stalled_at is not None

    def take(self, body: bytes) -> None:
        """Take a Snapshot as the parent sent it."""
        self._body = body
        self.beat()
        self._news.set()

    def beat(self) -> None:
        """Note a sign of life of the parent."""
        self._last_sign_at = self._clock()
        if self._stalled_at is not None:
            self._stalled_at = None
            self._news.set()

    def end(self) -> None:
        """The parent is gone."""
        self._ended.set()

    async def run(self) -> None:
        """Watch the silence until the parent is gone."""
        while not self._ended.is_set():
            now = self._clock()
            if now - self._last_sign_at > STALL_S and (
                self._stalled_at is None or now - self._stalled_at >= AGES_S
            ):
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
                silent_s = self._clock() - self._last_sign_at
                yield offline(self._shown, silent_s) if self._stalled_at is not None else self._shown

    def compute(self, parts: frozenset[str]) -> Snapshot | None:
        """Ask for these parts; a Snapshot with them comes as any other does."""
        self._want(parts)
        return None
