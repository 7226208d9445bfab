"""One viewer: a terminal's bytes in, a view of its own, the bytes of the view's room out. Knows no SSH."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from tui.output.text import quotation
from tui.ssh.bucket import Bucket
from tui.ssh.rooms.colours import Colours, ink, next_of
from tui.ssh.rooms.frames import Frame, clamp, frame
from tui.ssh.rooms.keys import ESCAPE_S, Keys
from tui.ssh.rooms.painter import ENTER, changed, opening
from tui.view import keymap
from tui.view.view_state import ViewState, clamp_scroll, reduce

if TYPE_CHECKING:
    from collections.abc import Callable

    from rotation.snapshot import Snapshot
    from tui.screen.scene import Scene
    from tui.ssh.rooms.colours import Ink
    from tui.ssh.rooms.rooms import Room, Rooms
    from tui.ssh.status import Meter

REPAINT_S = 0.1
"""Between two paints that the viewer's own keys or resizes ask for; the first comes at once."""
INPUT_BURST, INPUT_PER_S = 2_048, 1_024
"""Bytes of input that are taken at once, and per second."""
FLOOD = 256 * 1024
"""Bytes of input turned away after which the line is cut."""


class Handle(Protocol):
    """A call to come."""

    def cancel(self) -> None:
        """Let it not come."""
        ...


class Line(NamedTuple):
    """What a viewer needs of its connection."""

    write: Callable[[bytes], None]
    hang_up: Callable[[str], None]
    """End with this reason."""
    failed: Callable[[Exception], None]
    """End because of an error of ours."""
    later: Callable[[float, Callable[[], None]], Handle]
    """Call after so many seconds; an error in the call is ``failed``."""
    clock: Callable[[], float]
    """Seconds, steady."""


class _Shown(NamedTuple):
    """What the terminal shows."""

    scene: Scene
    ink: Ink
    frame: Frame


class Viewer:
    """Begin with ``start``; ``close`` gives the room up."""

    def __init__(
        self,
        rooms: Rooms,
        line: Line,
        meter: Meter,
        *,
        view: ViewState,
        colours: Colours,
        size: tuple[int, int],
    ) -> None:
        """``size``: columns and lines, as the terminal claims them."""
        self.view = view
        self.colours = colours
        self.last_key = line.clock()
        self.frames = self.bytes = self.dropped = 0
        self._rooms = rooms
        self._line = line
        self._meter = meter
        self._frame = frame(*clamp(*size))
        self._keys = Keys()
        self._bucket = Bucket(INPUT_BURST, INPUT_PER_S, line.clock())
        self._room: Room | None = None
        self._held: Snapshot | None = None
        self._shown: _Shown | None = None
        self._stalled = False
        self._closed = False
        self._painted = float("-inf")
        self._repaint: Handle | None = None
        self._escape: Handle | None = None

    def start(self) -> None:
        """Take the terminal over and show the first frame."""
        self._send(ENTER)
        self._ask()

    def close(self) -> None:
        """Leave the room; nothing is written any more."""
        self._closed = True
        for handle in (self._repaint, self._escape):
            if handle is not None:
                handle.cancel()
        if self._room is not None:
            self._rooms.leave(self, self._room)
            self._room = None
        self._shown = None

    def type(self, data: bytes) -> None:
        """Bytes from the terminal."""
        now = self._line.clock()
        passed = self._bucket.take(len(data), now)
        if self._bucket.dropped > FLOOD:
            self._line.hang_up("flood")
            return
        keys = self._keys.feed(data[:passed])
        if passed < len(data):
            self._keys.reset()
        self._press(keys)
        if self._keys.waiting and self._escape is None and not self._closed:
            self._escape = self._line.later(ESCAPE_S, self._escaped)

    def resize(self, width: int, height: int) -> None:
        """The terminal has another size."""
        self._frame = frame(*clamp(width, height))
        # Terminals keep, cut or reflow what was there, each in its way: everything is painted anew.
        self._shown = None
        self._ask()

    def pause(self) -> None:
        """The line takes no more for now: frames are dropped until it does."""
        self._stalled = True

    def resume(self) -> None:
        """The line takes bytes again; if anything was missed, the whole frame comes."""
        self._stalled = False
        if self._shown is None:
            self._ask()

    def show(self, room: Room) -> None:
        """The room has changed. Never raises: an error here is this viewer's alone."""
        try:
            self._show(room)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others in the room go on
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """An error of ours ends this viewer."""
        self._line.failed(error)

    def _escaped(self) -> None:
        self._escape = None
        self._press(self._keys.tick())

    def _press(self, keys: list[str]) -> None:
        if not keys:
            return
        self.last_key = self._line.clock()
        before = (self.view, self.colours)
        for key in keys:
            action = keymap.action_of(key)
            if key == "ctrl+c" or (action and action.id == "quit" and not self.view.typing):
                self._line.hang_up("quit")
                return
            if self.view.typing or action is None or action.scope == "view":
                self._look(reduce(self.view, key))
            elif action.id == "copy":
                self._copy()
            elif action.id == "colours":
                self.colours = next_of(self.colours)
            # What is left moves the tape, which belongs to all.
        if (self.view, self.colours) != before:
            self._ask()

    def _look(self, view: ViewState) -> None:
        if view.paused and not self.view.paused:
            self._held = self._room.snapshot if self._room else self._rooms.newest
        self.view = view
        if not view.paused:
            self._held = None

    def _copy(self) -> None:
        snapshot = self._room.snapshot if self._room else None
        if snapshot is not None and not self._stalled:
            self._send(b"\x1b]52;c;" + b64encode(quotation(snapshot).encode()) + b"\x07")

    def _ask(self) -> None:
        """Paint at once, or as soon as a viewer's own wishes may be followed again."""
        if self._repaint is not None or self._closed:
            return
        wait = self._painted + REPAINT_S - self._line.clock()
        if wait <= 0:
            self._paint()
        else:
            self._repaint = self._line.later(wait, self._paint)

    def _paint(self) -> None:
        """Move to the room of the view, and show it."""
        self._repaint = None
        self._painted = self._line.clock()
        room = self._rooms.enter(
            self, self._frame.size, ink(self.view.theme, self.colours), self.view, self._held
        )
        if self._room is not None and self._room is not room:
            self._rooms.leave(self, self._room)
        self._room = room
        self._show(room)

    def _show(self, room: Room) -> None:
        if room is not self._room or self._closed:
            return
        if self._repaint is None and room.most is not None:
            self.view = clamp_scroll(self.view, room.most)
        if self._stalled:
            self._shown = None
            self.dropped += 1
            self._meter.dropped += 1
            return
        data = self._difference(room)
        self._shown = _Shown(room.scene, room.ink, self._frame)
        if data:
            self.frames += 1
            self._meter.frames += 1
            self._send(data)

    def _difference(self, room: Room) -> bytes:
        shown = self._shown
        if shown is None or shown.ink is not room.ink or shown.frame != self._frame:
            return opening(room.ink, self._frame.x, self._frame.y) + room.whole()
        if shown.scene is room.scene:
            return b""
        if shown.scene is room.before:
            return room.delta
        return changed(shown.scene, room.scene, room.ink)

    def _send(self, data: bytes) -> None:
        self.bytes += len(data)
        self._meter.bytes += len(data)
        self._line.write(data)


def first_view(theme: str, themes: tuple[str, ...], focus: str | None) -> ViewState:
    """Where a visit begins."""
    view = ViewState(theme=theme if theme in themes else themes[0], themes=themes)
    return msgspec.structs.replace(view, focus=focus) if focus else view
