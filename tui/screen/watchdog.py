"""Ends the program within a limit once it has been asked to end, whatever its event loop is doing."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

ENDING = (signal.SIGHUP, signal.SIGTERM)
LIMIT_S = 1.5
"""From the signal to the end by force. Whoever keeps something writes it as it comes, and tapes every second:
an end by force costs no more than a power cut."""
GIVE_BACK_S = 0.3


class Watchdog:
    """A thread that hears of SIGHUP and SIGTERM from the interpreter itself, not from the event loop.

    ``ask`` is called in that thread with the exit code, once; after ``LIMIT_S`` the terminal is given back by
    ``give_back`` and the process ends there and then.
    """

    def __init__(self, ask: Callable[[int], None], give_back: Callable[[], None]) -> None:
        self.exit_code: int | None = None
        """128 + the signal that is ending the program; None while none is."""
        self._ask = ask
        self._give_back = give_back
        self._wakeups, self._tell = socket.socketpair()
        self._tell.setblocking(False)  # noqa: FBT003 - the socket's own

    def start(self) -> None:
        """From now on; to be called in the main thread, once in a process."""
        for number in ENDING:
            signal.signal(number, self._note)
        # The interpreter writes every signal's number here at once, even while the main thread is busy.
        signal.set_wakeup_fd(self._tell.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def hung_up(self) -> None:
        """The terminal has gone; the same as SIGHUP, which only a session's leader is sure to get."""
        with contextlib.suppress(OSError):
            self._tell.send(bytes((signal.SIGHUP,)))

    def _note(self, number: int, frame: FrameType | None) -> None:
        # At once, for whoever would stop this process in the next handler.
        del frame
        self.exit_code = self.exit_code or 128 + number

    def _watch(self) -> None:
        numbers: set[int] = set()
        while not (numbers & set(ENDING)):
            numbers = set(self._wakeups.recv(64))
        self.exit_code = self.exit_code or 128 + min(numbers & set(ENDING))
        self._ask(self.exit_code)
        threading.Event().wait(LIMIT_S)
        last = threading.Thread(target=self._give_back, daemon=True)
        last.start()
        last.join(GIVE_BACK_S)
        os._exit(self.exit_code)
