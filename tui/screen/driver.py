"""The terminal as Textual sees it: keys in, text out, and an end when the terminal has gone.

Textual's own driver waits for the terminal without a limit when it writes and when it stops, spins when the
terminal has hung up, and ends the program on a byte that is no UTF-8. This one is built on the public base
class; the private names that it needs are ``Driver._app`` and what ``tui.screen.typed`` imports.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import threading
import tty
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, cast

from textual import events
from textual.driver import Driver
from textual.geometry import Size

from tui.screen.typed import TICK_S, TypedInput
from tui.screen.writer import Writer

if TYPE_CHECKING:
    from types import FrameType

    from textual.app import App
    from textual.message import Message

ENTER = "\x1b[?1049h\x1b[?1000h\x1b[?1003h\x1b[?1006h\x1b[?25l\x1b[?1004h\x1b[>25u\x1b[?2004h\x1b[?7l"
"""Alternate screen, mouse, no cursor, focus reports, kitty keys, bracketed paste, no wrapping."""
ASK_SYNC = "\x1b[?2026$p"
"""Whether whole frames can be shown at once."""
LEAVE = (
    "\x1b[?2026l\x1b[?2004l\x1b[?7h\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"
)
"""The kitty keys go before the alternate screen does: it has a stack of its own."""
WRITE_S = 0.3
"""So long a terminal may take for what waits when the screen is left."""
FIRST_S = 0.02
"""So long the first frame may take to reach the terminal before the program goes on."""
READ = 4096
MOST_WAITING = 1000
"""Keys and mouse reports that the program has not looked at yet; further ones are dropped."""


class Host(Protocol):
    """What the driver tells the app."""

    def terminal_opened(self, driver: TerminalDriver) -> None:
        """The driver has been made."""
        ...

    def terminal_gone(self) -> None:
        """The terminal has hung up; called in a thread of the driver's."""
        ...

    def terminal_typed(self) -> None:
        """A key has come, and is about to be a message."""
        ...

    def is_ending(self) -> bool:
        """The program has been asked to end."""
        ...

    def terminal_drained(self, *, dropped: bool) -> None:
        """The terminal has caught up after ``is_behind``; ``dropped``: without some of the frames."""
        ...


class TerminalDriver(Driver):
    """Reads stdin and writes stderr, as Textual does. Made and used in the main thread."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        """As Textual asks for it."""
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        assert sys.__stdin__ is not None
        assert sys.__stderr__ is not None
        self._host = cast("Host", app)
        self._in = sys.__stdin__.fileno()
        self._out = sys.__stderr__.fileno()
        self._encoding = sys.__stderr__.encoding or "utf-8"
        self._attributes: list[Any] | None = None
        """The line discipline as it was; None while the terminal is not ours."""
        self._writer: Writer | None = None
        self._reader: threading.Thread | None = None
        self._stop_reading = threading.Event()
        self._waiting = 0
        self._size_is_due = False
        self._away = False
        self._has_shown = False
        """Whether the first frame has been on its way."""
        self._host.terminal_opened(self)
        signal.signal(signal.SIGTSTP, self._suspend)
        signal.signal(signal.SIGCONT, self._come_back)

    @property
    def can_suspend(self) -> bool:
        """Ctrl+Z works here."""
        return True

    @property
    def is_behind(self) -> bool:
        """The terminal has yet to take whole frames: better none is painted until ``terminal_drained``."""
        return self._writer is not None and self._writer.is_behind

    def write(self, data: str) -> None:
        """Never waits."""
        if self._writer is not None:
            self._writer.write(data)

    def flush(self) -> None:
        """Textual calls it after every frame. The first one goes out before more is computed.

        Else the thread that writes it waits until this one lets go of the interpreter: 5 ms as a rule.
        """
        if not self._has_shown and self._writer is not None:
            self._has_shown = True
            self._writer.drain(FIRST_S)

    def start_application_mode(self) -> None:
        """Take the terminal."""
        self._writer = Writer(self._out, self._encoding, self._host.terminal_gone, self._drained)
        self._writer.start()
        with contextlib.suppress(termios.error):
            self._attributes = termios.tcgetattr(self._in)
            termios.tcsetattr(self._in, termios.TCSANOW, _raw(self._attributes))
        signal.signal(signal.SIGWINCH, self._resized)
        self.write(ENTER)
        if os.environ.get("TERM_PROGRAM") != "Apple_Terminal":  # which shows a "p" for it
            self.write(ASK_SYNC)
        self._stop_reading.clear()
        self._reader = threading.Thread(target=self._read, name="terminal-input", daemon=True)
        self._reader.start()
        self._post_size()

    def disable_input(self) -> None:
        """Read no more keys."""
        if self._reader is None:
            return
        signal.signal(signal.SIGWINCH, signal.SIG_DFL)
        self._stop_reading.set()
        self._reader.join()
        self._reader = None
        with contextlib.suppress(termios.error):
            termios.tcflush(self._in, termios.TCIFLUSH)

    def stop_application_mode(self) -> None:
        """Give the terminal back, within ``WRITE_S`` even if it does not read."""
        self.disable_input()
        if self._writer is not None and not self._writer.drain(WRITE_S):
            self._writer.drop()
            self._unblock()
        # Before the shell's screen is there: whoever types then types to the shell, whose Return is another.
        self._restore()
        self.write(LEAVE)

    def close(self) -> None:
        """Wait for the last words."""
        if self._writer is not None:
            self._writer.close(WRITE_S)
            self._writer = None

    def give_back(self) -> None:
        """The same in whatever state this is, as the last thing that the process does; in any thread."""
        if self._attributes is None:
            return
        if self._writer is not None:
            self._writer.drop()
        self._unblock()
        self._restore()
        with contextlib.suppress(OSError):
            os.write(self._out, LEAVE.encode())

    def _restore(self) -> None:
        attributes, self._attributes = self._attributes, None
        if attributes is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._in, termios.TCSANOW, attributes)

    def _unblock(self) -> None:
        """Let the kernel forget what the terminal has not read, and start output that was stopped."""
        with contextlib.suppress(termios.error):
            termios.tcflow(self._out, termios.TCOON)
            termios.tcflush(self._out, termios.TCOFLUSH)

    def _drained(self, dropped: bool) -> None:  # noqa: FBT001 - a callback
        with contextlib.suppress(RuntimeError):  # the loop may have ended in the meantime
            self._loop.call_soon_threadsafe(partial(self._host.terminal_drained, dropped=dropped))

    def _read(self) -> None:
        """The input thread: runs until stopped, or until the terminal has hung up."""
        typed = TypedInput()
        while not self._stop_reading.is_set():
            try:
                ready = select.select((self._in,), (), (), TICK_S)[0]
                data = os.read(self._in, READ) if ready else b""
            except OSError:
                data, ready = b"", [self._in]
            if ready and not data:
                self._host.terminal_gone()
                return
            for message in typed.feed(data) if ready else typed.tick():
                self.process_message(message)

    def send_message(self, message: Message) -> None:
        """Hand a message over to the event loop; called in the input thread."""
        # Ctrl+C is a message too; but a program that is this far behind is ended by SIGTERM.
        if self._waiting + self._app.message_queue_size < MOST_WAITING:
            self._waiting += 1
            self._loop.call_soon_threadsafe(self._post, message)

    def _post(self, message: Message) -> None:
        self._waiting -= 1
        if isinstance(message, events.Key):
            self._host.terminal_typed()
        self._app.post_message(message)

    def _resized(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if not self._size_is_due:
            self._size_is_due = True
            self._loop.call_soon_threadsafe(self._post_size)

    def _post_size(self) -> None:
        self._size_is_due = False
        size = self._window()
        self._app.post_message(events.Resize(size, size))

    def _window(self) -> Size:
        try:
            columns, lines = os.get_terminal_size(self._out)
        except OSError:
            columns, lines = 0, 0
        return Size(columns or 80, lines or 24)

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        """Ctrl+Z: give the terminal back, stop, and take it again when this goes on."""
        if self._writer is None:
            return
        self.suspend_application_mode()
        self._away = True
        signal.signal(number, signal.SIG_DFL)
        # Not SIGSTOP: the kernel leaves a process running that no shell could bring back.
        signal.raise_signal(number)
        signal.signal(number, self._suspend)
        self._come_back(number, frame)

    def _come_back(self, number: int, frame: FrameType | None) -> None:
        """Take the terminal again; after ``bg`` only once it is ours."""
        del number, frame
        if not self._away:
            return
        # A shell that ends wakes its stopped jobs with SIGHUP: they must not stop again.
        while self._is_in_background() and not self._host.is_ending():
            os.kill(os.getpid(), signal.SIGSTOP)
        if self._away and not self._host.is_ending():
            self._away = False
            self.resume_application_mode()
            self._drained(dropped=True)

    def _is_in_background(self) -> bool:
        try:
            return os.tcgetpgrp(self._in) != os.getpgrp()
        except OSError:
            return False


def _raw(attributes: list[Any]) -> list[Any]:
    """The line discipline for single keys: no echo, no signals, no flow control, Return as it is."""
    raw = [*attributes]
    raw[tty.IFLAG] &= ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR)
    raw[tty.LFLAG] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
    raw[tty.CC] = [*attributes[tty.CC]]
    raw[tty.CC][termios.VMIN] = 1
    raw[tty.CC][termios.VTIME] = 0
    return raw
