"""A real terminal for tests: a program on a pseudo-terminal, and what a person would see there (pyte)."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pyte

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Sequence

PATIENCE_S = 500.0
"""How long anything may take on a busy machine; nothing is measured by it."""

# The child makes the pty its controlling terminal: then the kernel sends SIGWINCH and Ctrl+C as in real life.
_BECOME = (
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
_MODES = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
_KITTY = re.compile(rb"\x1b\[([<>])[\d;]*u")
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*)?$")
_LEAVE = b"\x1b[?1049l"


def _state(stat: Path) -> str:
    """Of a thread, as R for one that runs or would; empty for one that has ended."""
    try:
        return stat.read_text().rpartition(") ")[2][:1]
    except OSError:
        return ""


COMMAND = Path(sys.executable).parent / "rotation-tui"
CURSOR, WRAP = 25, 7
"""The two private modes that are on in a terminal at rest."""


def own_home(home: Path) -> dict[str, str]:
    """An environment with a home of its own, and a terminal of 256 colours."""
    env = {
        name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLORTERM", "COLUMNS")
    }
    folders = {f"XDG_{kind}_HOME": str(home / kind) for kind in ("DATA", "STATE", "CONFIG", "CACHE")}
    return {**env, **folders, "HOME": str(home), "LANG": "C.UTF-8"}


class Terminal:
    """Use as a context manager: on the way out the program is ended if it has not ended itself."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        size: tuple[int, int] = (160, 45),
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """``size`` in columns and lines."""
        self.raw = b""
        """All that the program has written."""
        self._tail = b""
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._ours, self._theirs = pty.openpty()
        self.resize(*size)
        self.attributes = termios.tcgetattr(self._theirs)
        """The line discipline as the program finds it."""
        self._program = subprocess.Popen(
            [sys.executable, "-c", _BECOME, *map(str, command)],
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            cwd=cwd,
            env={**(os.environ if env is None else env), "TERM": "xterm-256color"},
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._program.poll() is None:
            self._program.kill()
        self._program.wait(PATIENCE_S)
        self.hang_up()
        os.close(self._theirs)

    @property
    def lines(self) -> list[str]:
        """The screen, a string a line."""
        return self._screen.display

    @property
    def text(self) -> str:
        """The screen as one string."""
        return "\n".join(self._screen.display)

    @property
    def styles(self) -> list[tuple[str, str, bool]]:
        """Foreground, background and boldness of every cell, line by line."""
        wide, high = self._screen.columns, self._screen.lines
        cells = (self._screen.buffer[y][x] for y in range(high) for x in range(wide))
        return [(cell.fg, cell.bg, cell.bold) for cell in cells]

    @property
    def modes(self) -> set[int]:
        """The private modes that are on now, of those that the program touched."""
        on: set[int] = set()
        for match in _MODES.finditer(self.raw):
            numbers = set(map(int, match[1].split(b";")))
            on = on | numbers if match[2] == b"h" else on - numbers
        return on

    @property
    def keyboard_depth(self) -> int:
        """How many times the kitty keyboard protocol was pushed and not popped."""
        return sum(1 if match[1] == b">" else -1 for match in _KITTY.finditer(self.raw))

    @property
    def attributes_now(self) -> list[object]:
        """The line discipline now."""
        return termios.tcgetattr(self._theirs)

    def assert_at_rest(self) -> None:
        """As the program found it: no alternate screen, no mouse, a cursor, the old line discipline."""
        assert self.modes <= {CURSOR, WRAP}
        assert CURSOR in self.modes
        assert self.keyboard_depth == 0
        assert self.attributes_now == self.attributes

    @property
    def has_ended(self) -> bool:
        """Whether the program has ended; what it wrote last may still have to be read."""
        return self._program.poll() is not None

    @property
    def last_words(self) -> str:
        """What was written after the alternate screen was left: what stays in a person's terminal."""
        left = self.raw.rpartition(_LEAVE)[2] if _LEAVE in self.raw else self.raw
        return re.sub(rb"\x1b\[[0-?]*[ -/]*[@-~]", b"", left).decode("utf-8", "replace").replace("\r\n", "\n")

    def press(self, keys: str) -> None:
        """Type."""
        self.type(keys.encode())

    def type(self, data: bytes) -> None:
        """Type bytes, whatever they are."""
        os.write(self._ours, data)

    def stop_output(self) -> None:
        """What Ctrl+S does in a shell: the kernel takes nothing more from the program."""
        termios.tcflow(self._theirs, termios.TCOOFF)

    def resize(self, columns: int, lines: int) -> None:
        """Make the window another size; the kernel tells the program."""
        self._screen.resize(lines, columns)
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def send_signal(self, number: signal.Signals) -> None:
        """Send the program a signal."""
        self._program.send_signal(number)

    def hang_up(self) -> None:
        """Close the window."""
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1

    def read(self, seconds: float = 0.05) -> bool:
        """Take what the program has written by then; False if it has written nothing."""
        if self._ours < 0 or not select.select([self._ours], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._ours, 65_536)
        except OSError:
            return False  # everyone on the other side has gone
        self.raw += data
        # pyte knows neither the kitty protocol nor a sequence that is cut in two by a substitution.
        data = _KITTY.sub(b"", self._tail + data)
        cut = _UNFINISHED.search(data)
        self._tail = data[cut.start() :] if cut else b""
        self._stream.feed(data[: cut.start()] if cut else data)
        return True

    def watch(self, seconds: float) -> None:
        """Let this much time pass, reading on."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(min(left, 0.05))

    def settle(self, seconds: float = 0.5) -> None:
        """Read on until the program waits and has written nothing for this long; fail if it never does."""
        end = time.monotonic() + PATIENCE_S
        while self.read(seconds) or not self._waits:
            if time.monotonic() > end:
                raise AssertionError(f"the screen never rests\n{self.text}")

    @property
    def _waits(self) -> bool:
        """Whether the program has read its keys and sleeps: silence alone may be that of a busy machine."""
        unread = struct.unpack("i", fcntl.ioctl(self._theirs, termios.FIONREAD, b"\0" * 4))[0]
        threads = Path(f"/proc/{self._program.pid}/task").glob("*/stat")
        return not unread and all(_state(path) != "R" for path in threads)  # elsewhere silence must do

    def wait(self, holds: Callable[[Terminal], bool], what: str) -> None:
        """Read until it holds; fail with the screen if it never does, or if the program ends first."""
        end = time.monotonic() + PATIENCE_S
        while not holds(self):
            ended = self._program.poll() is not None
            if not self.read() and ended:
                raise AssertionError(
                    f"the program ended ({self._program.returncode}) before: {what}\n{self.text}"
                )
            if time.monotonic() > end:
                raise AssertionError(f"never came: {what}\n{self.text}")

    def see(self, *parts: str) -> None:
        """Wait until all these stand on the screen."""
        self.wait(lambda t: all(part in t.text for part in parts), f"to see {parts}")

    def end_unread(self, limit_s: float) -> int:
        """As ``end``, but nothing that the program writes is read; fail if it takes longer than that."""
        try:
            return self._program.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the program is still there after {limit_s} s") from None

    def end(self) -> int:
        """Wait until the program has ended; its exit code (negative: the signal that killed it)."""
        end = time.monotonic() + PATIENCE_S
        while self._program.poll() is None:
            self.read()
            if time.monotonic() > end:
                raise AssertionError(f"the program does not end\n{self.text}")
        while self.read(0.0):
            pass
        return self._program.returncode
