"""Writes to the terminal in the background, so that a terminal which does not read holds up nothing else."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK = 1024
"""Bytes at a time: between two of them the thread can be told to drop the rest."""
BEHIND = 64 * 1024
"""Characters that wait for the terminal before painting stops: about two whole frames."""
MOST = 1024 * 1024
"""Characters that may wait at most; what comes beyond is dropped, and the whole screen owed."""


class Writer(threading.Thread):
    """A queue of text and the thread that empties it. No method waits for the terminal beyond its limit.

    ``on_gone`` is called in the thread when the terminal has hung up, ``on_drained`` when all is written that
    had been ``behind``; its argument says whether something was dropped.
    """

    def __init__(
        self, fileno: int, encoding: str, on_gone: Callable[[], None], on_drained: Callable[[bool], None]
    ) -> None:
        super().__init__(daemon=True, name="terminal-output")
        self._fileno = fileno
        self._encoding = encoding
        self._on_gone = on_gone
        self._on_drained = on_drained
        self._queue: deque[str] = deque()
        self._waiting = 0
        """Characters of the queue and of the text being written."""
        self._generation = 0
        """Goes up when what waits is dropped; the text being written is given up then."""
        self._was_behind = False
        self._dropped = False
        self._closing = False
        self._is_gone = False
        self._changed = threading.Condition()

    @property
    def is_behind(self) -> bool:
        """More waits than the terminal takes at once: a new frame would only queue up behind the old."""
        with self._changed:
            self._was_behind = self._was_behind or self._waiting > BEHIND
            return self._was_behind

    def write(self, text: str) -> None:
        """Queue a text, or drop it if far too much waits already."""
        with self._changed:
            if self._closing or self._is_gone:
                return
            if self._waiting > MOST:
                self._was_behind = self._dropped = True
                return
            self._queue.append(text)
            self._waiting += len(text)
            self._changed.notify_all()

    def drain(self, limit_s: float) -> bool:
        """Wait until all is written, at most ``limit_s`` seconds; False if something still waits then."""
        end = time.monotonic() + limit_s
        with self._changed:
            while self._waiting and not self._is_gone and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)
            return not self._waiting

    def drop(self) -> None:
        """Give up what waits."""
        with self._changed:
            self._queue.clear()
            self._waiting = 0
            self._generation += 1

    def close(self, limit_s: float) -> None:
        """Write what waits, but no longer than ``limit_s`` seconds; the rest is given up."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self.join(limit_s)
        self.drop()

    def run(self) -> None:
        """The thread."""
        while (taken := self._next()) is not None:
            text, generation = taken
            try:
                self._put(text.encode(self._encoding, "replace"), generation)
            except OSError:
                with self._changed:
                    self._is_gone = True
                    self._queue.clear()
                    self._changed.notify_all()
                self._on_gone()
                return
            self._written(text, generation)

    def _next(self) -> tuple[str, int] | None:
        with self._changed:
            while not self._queue:
                if self._closing:
                    return None
                self._changed.wait()
            return self._queue.popleft(), self._generation

    def _put(self, data: bytes, generation: int) -> None:
        """Raises OSError when the terminal has hung up."""
        left = memoryview(data)
        while left and generation == self._generation:
            # A write waits until all of it is taken, so it is not begun while nothing is.
            if select.select((), (self._fileno,), (), 0.1)[1]:
                try:
                    left = left[os.write(self._fileno, left[:CHUNK]) :]
                except BlockingIOError:  # another program that has this terminal may have made it so
                    time.sleep(0.01)

    def _written(self, text: str, generation: int) -> None:
        with self._changed:
            if generation == self._generation:
                self._waiting -= len(text)
            drained = not self._waiting and self._was_behind
            dropped = self._dropped
            if drained:
                self._was_behind = self._dropped = False
            if not self._waiting:
                self._changed.notify_all()
        if drained:
            self._on_drained(dropped)
