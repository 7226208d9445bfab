"""What the tests of the host share: a terminal that remembers cells, a line, a clock that a test moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyte

from tui.ssh.rooms.viewer import Line, Viewer
from tui.ssh.status import Meter
from tui.view.theme import names
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.output.looked import Looked
    from tui.ssh.rooms.rooms import Rooms

THEMED = ViewState(themes=names())


class Screen:
    """A terminal of this size, by pyte."""

    def __init__(self, width: int = 80, height: int = 24) -> None:
        self.raw = b""
        self._screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._screen)

    def feed(self, data: bytes) -> None:
        self.raw += data
        self._stream.feed(data)

    def resize(self, width: int, height: int) -> None:
        self._screen.resize(height, width)

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    def cells(
        self, x: int = 0, y: int = 0, width: int = 0, height: int = 0
    ) -> list[list[tuple[object, ...]]]:
        """Character and looks of every cell, of a part of the screen or of all."""
        columns = range(x, x + (width or self._screen.columns))
        return [
            [
                (cell.data, cell.fg, cell.bg, cell.bold, cell.underscore, cell.reverse)
                for cell in (self._screen.buffer[line][column] for column in columns)
            ]
            for line in range(y, y + (height or self._screen.lines))
        ]


class Time:
    """A clock that moves when the test says so, and the calls that wait for it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._calls: list[tuple[float, Call]] = []

    def clock(self) -> float:
        return self.now

    @property
    def waiting(self) -> int:
        """Calls to come that have not been cancelled."""
        return sum(not call.is_cancelled for _, call in self._calls)

    def later(self, seconds: float, call: Callable[[], None]) -> Call:
        waiting = Call(call)
        self._calls.append((self.now + seconds, waiting))
        return waiting

    def pass_(self, seconds: float) -> None:
        """Let time pass, making the calls that fall due, in order."""
        end = self.now + seconds
        while due := sorted((at, i) for i, (at, _) in enumerate(self._calls) if at <= end):
            at, i = due[0]
            self.now = max(self.now, at)
            self._calls.pop(i)[1].make()
        self.now = end


class Call:
    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    @property
    def is_cancelled(self) -> bool:
        return self._call is None

    def cancel(self) -> None:
        self._call = None

    def make(self) -> None:
        if self._call is not None:
            self._call()


class Visit:
    """A viewer with a terminal, and no SSH between."""

    def __init__(
        self,
        rooms: Rooms,
        time: Time,
        *,
        size: tuple[int, int] = (80, 24),
        view: ViewState = THEMED,
        meter: Meter | None = None,
        looks: bool = True,
        looked: Looked | None = None,
        away_s: float = 0.0,
    ) -> None:
        """``looks``: whether the terminal remembers what it shows, which takes time.

        ``looked``, ``away_s``: what was seen at the last visit, and how long ago that was.
        """
        self.looks = looks
        self.screen = Screen(*size)
        self.writes: list[bytes] = []
        self.ends: list[str] = []
        self.failures: list[Exception] = []
        self.meter = meter or Meter()
        self.viewer = Viewer(
            rooms,
            Line(self._write, self.ends.append, self._failed, time.later, time.clock),
            self.meter,
            view=view,
            colours="true",
            size=size,
            looked=looked,
            away_s=away_s,
        )
        self.viewer.start()

    def _write(self, data: bytes) -> None:
        self.writes.append(data)
        if self.looks:
            self.screen.feed(data)

    def _failed(self, error: Exception) -> None:
        self.failures.append(error)
        self.viewer.close()
