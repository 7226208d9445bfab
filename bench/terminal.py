"""A program in a pseudo-terminal, and what arrives at the terminal's side of it."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import termios
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from bench.common import BenchError

if TYPE_CHECKING:
    from collections.abc import Mapping

ASKS_SYNC = b"\x1b[?2026$p"
HAS_SYNC = b"\x1b[?2026;2$y"
"""As most terminals of today, this one shows a frame at once: Textual then brackets its frames."""
TIMEOUT_S = 30.0
TAIL = 400
"""Bytes kept to find text that arrives in pieces, and to show when it does not."""


class Terminal:
    """A running program. Times are ``time.monotonic`` seconds, one clock for every process."""

    def __init__(self, argv: list[str], env: Mapping[str, str], *, width: int, height: int) -> None:
        """Start ``argv``; ``started`` is the moment before."""
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.received = 0
        """Bytes that have arrived."""
        self._tail = b""
        self._status: int | None = None
        # Opened by the session's leader, the terminal becomes its own: resize and Ctrl+C reach it.
        files = [
            (os.POSIX_SPAWN_OPEN, 0, os.ttyname(slave), os.O_RDWR, 0),
            (os.POSIX_SPAWN_DUP2, 0, 1),
            (os.POSIX_SPAWN_DUP2, 0, 2),
        ]
        self.started = time.monotonic()
        self.pid = os.posix_spawn(argv[0], argv, env, file_actions=files, setsid=True)
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Ask the program to quit as a person would; end it if it does not."""
        if not self.ended(0):
            with suppress(OSError):
                os.write(self._master, b"q")
            deadline = time.monotonic() + 5
            while not self.ended(0) and time.monotonic() < deadline:
                self._read(0.05)
        if not self.ended(0):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._master)

    def ended(self, timeout_s: float) -> bool:
        """Read on until the program has ended, at most so long."""
        deadline = time.monotonic() + timeout_s
        while self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() >= deadline:
                return False
            else:
                self._read(0.05)
        return True

    def press(self, keys: bytes) -> float:
        """Type, and say when. What had come before is no answer to it."""
        self._tail = b""
        pressed = time.monotonic()
        os.write(self._master, keys)
        return pressed

    def until(self, text: str) -> float:
        """Read on until this text has arrived and say when. Raises BenchError if it does not come."""
        wanted = text.encode()
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            if wanted in self._read(0.5):
                return time.monotonic()
            if self.ended(0):
                break
        raise BenchError(f"{text!r} never reached the terminal; {self.ending()}")

    def ending(self) -> str:
        """The last that arrived, to tell what went wrong."""
        return f"exit code {self._status}, last words {self._tail!r}"

    def rest(self, seconds: float) -> None:
        """Read on for so long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self.ended(0):
            self._read(min(left, 0.5))

    def _read(self, timeout_s: float) -> bytes:
        """What arrived now, with the end of what came before."""
        if not select.select([self._master], [], [], timeout_s)[0]:
            return b""
        try:
            data = os.read(self._master, 65_536)
        except OSError:
            time.sleep(0.01)  # the program has closed its side and is about to end
            return b""
        self.received += len(data)
        seen = self._tail + data
        if ASKS_SYNC in seen and ASKS_SYNC not in self._tail:
            os.write(self._master, HAS_SYNC)
        self._tail = seen[-TAIL:]
        return seen
