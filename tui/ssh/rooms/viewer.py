"""One viewer: bytes of a terminal in, a view of its own, the bytes of that view's room out. Knows no SSH."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from tui.output.looked import AWAY_S, looked, since
from tui.output.text import quotation, quoted_explanation
from tui.panels.explained import not_copied
from tui.panels.legs.lists import with_order
from tui.screen import picking
from tui.screen.scene import places_of
from tui.ssh.reasons import EndReason
from tui.ssh.rooms.colours import Colours, ink, next_of
from tui.ssh.rooms.defaults import OWN
from tui.ssh.rooms.frames import Frame, clamp, frame
from tui.ssh.rooms.keys import ESCAPE_S, Keys
from tui.ssh.rooms.painter import ENTER, changed, opening
from tui.ssh.wire.token_bucket import TokenBucket
from tui.view import palette
from tui.view.pairs import of_pair
from tui.view.view_state import ViewState, clamp_scroll, with_message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rotation.snapshot import Snapshot
    from tui.output.looked import Looked
    from tui.screen.scene import Scene
    from tui.ssh.rooms.colours import Ink
    from tui.ssh.rooms.rooms import Room, Rooms
    from tui.ssh.status import Meter

REPAINT_S = 0.1
"""Seconds between two paints that the viewer's own keys or resizes cause; the first comes at once."""
INPUT_BURST, INPUT_PER_S = 2_048, 1_024
"""Bytes of input accepted at once, and per second."""
DEFAULT_FOCUS = ViewState().focus
MESSAGE_S = 15.0
"""Seconds for which a message stands, unless a key takes it away."""
NO_FILES = "a host writes no files for its viewers; ssh HOST snapshot prints the figures"
FLOOD = 256 * 1024
"""Dropped bytes of input after which the session is ended."""


class Handle(Protocol):
    """A scheduled call."""

    def cancel(self) -> None:
        """Do not make the call."""
        ...


class Line(NamedTuple):
    """What a viewer needs of its session."""

    write: Callable[[bytes], None]
    """Send bytes to the terminal."""
    end: Callable[[EndReason], None]
    """End the session for this reason."""
    fail: Callable[[Exception], None]
    """End the session because of an internal error."""
    later: Callable[[float, Callable[[], None]], Handle]
    """Call a function after so many seconds; an error in it goes to ``fail``."""
    clock: Callable[[], float]
    """Seconds on a steady clock."""


class _Shown(NamedTuple):
    """What the terminal shows now."""

    scene: Scene
    ink: Ink
    frame: Frame


class Viewer:
    """One terminal at the screen; begin with ``start``, end with ``close``."""

    def __init__(
        self,
        rooms: Rooms,
        line: Line,
        meter: Meter,
        *,
        view: ViewState,
        colours: Colours,
        size: tuple[int, int],
        looked: Looked | None = None,
        away_s: float = 0.0,
        own: Iterable[str] = (),
    ) -> None:
        """``size``: columns and lines as the terminal reports them; any integers.

        ``own``: what of OWN this viewer chose last time.
        ``looked``: what this viewer saw last time, ``away_s`` seconds ago; None of a new one.
        """
        self.view = view
        self.own = set(own)
        """What of OWN the viewer has chosen."""
        self.colours = colours
        self.last_key = line.clock()
        self.looked = looked
        """What was on screen at the last key."""
        self._away_s = away_s
        self._quiet: Handle | None = None
        """Takes the message away: viewers with messages of their own have rooms of their own."""
        self.frames = self.bytes = self.dropped = 0
        self._rooms = rooms
        self._line = line
        self._meter = meter
        self._frame = frame(*clamp(*size))
        self._keys = Keys()
        self._picker = picking.Picker()
        self._bucket = TokenBucket(INPUT_BURST, INPUT_PER_S, line.clock())
        self._room: Room | None = None
        self._held: Snapshot | None = None
        self._shown: _Shown | None = None
        self._stalled = False
        self._closed = False
        self.has_new_view = False
        """Whether ``adopt`` has changed the view and nothing has been painted since."""
        self._has_pressed = False
        self._painted_at = float("-inf")
        self._repaint: Handle | None = None
        self._escape: Handle | None = None

    def start(self) -> None:
        """Switch the terminal to its alternate screen and show the first frame."""
        self._send(ENTER)
        self._greet(self._away_s)
        self._request_paint()

    def close(self) -> None:
        """Leave the room; nothing is sent any more."""
        self._closed = True
        for handle in (self._repaint, self._escape, self._quiet):
            if handle is not None:
                handle.cancel()
        if self._room is not None:
            self._rooms.leave(self, self._room)
            self._room = None
        self._shown = None

    def type(self, data: bytes) -> None:
        """Act on bytes from the terminal."""
        now = self._line.clock()
        passed = self._bucket.take(len(data), now)
        if self._bucket.dropped > FLOOD:
            self._line.end(EndReason.FLOOD)
            return
        keys = self._keys.feed(data[:passed])
        if passed < len(data):
            self._keys.reset()
        self._press(keys)
        if self._keys.waiting and self._escape is None and not self._closed:
            self._escape = self._line.later(ESCAPE_S, self._escape_timed_out)

    def resize(self, width: int, height: int) -> None:
        """Draw for a new size of the terminal."""
        self._frame = frame(*clamp(width, height))
        # Terminals keep, cut or reflow what was there, each in its way: everything is painted again.
        self._shown = None
        self._request_paint()

    def adopt(self, view: ViewState, message: str = "", *, urgent: bool = False) -> None:
        """Take over a view that the host's settings have changed, unpainted.

        ``message``: for those who may know why; it stands for a while, an urgent one until the next key.
        """
        if message:
            view = with_message(view, message, urgent=urgent)
            self._hush_later(None if urgent else MESSAGE_S)
        self.has_new_view = self.has_new_view or view != self.view
        self._change_view(view)

    def repaint(self) -> None:
        """Show what ``adopt`` has changed; at once, unless the viewer was painted a moment ago."""
        if self.has_new_view:
            self._request_paint()

    def pause(self) -> None:
        """Drop frames until ``resume``: the client does not read."""
        self._stalled = True

    def resume(self) -> None:
        """Send frames again, beginning with a whole one if any was dropped."""
        self._stalled = False
        if self._shown is None:
            self._request_paint()

    def show(self, room: Room) -> None:
        """Send what changed in the room. Never raises: an error ends this viewer alone."""
        try:
            self._show(room)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others in the room go on
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """End this viewer because of an internal error."""
        self._line.fail(error)

    def _escape_timed_out(self) -> None:
        self._escape = None
        self._press(self._keys.tick())

    def _press(self, keys: list[str]) -> None:
        if not keys:
            return
        away_s, self.last_key = self.last_key, self._line.clock()
        away_s = self.last_key - away_s
        before = (self._room_view(), self.colours)
        self._has_pressed = True
        was = self.view
        for key in keys:
            action = self.view.keys.action_of(key)
            if key == "ctrl+c" or (action and action.id == "quit" and not self.view.typing):
                self._line.end(EndReason.QUIT)
                return
            entry = palette.chosen(self.view) if self.view.palette and key == "enter" else None
            if self.view.typing or action is None or action.scope == "view" or picking.takes(self.view, key):
                shown = self._held or self._rooms.newest
                self._change_view(self._picker.pressed(self.view, key, shown, self._frame.size))
            chosen = entry.action if entry is not None and entry.scope != "view" else ""
            if chosen == "quit":
                self._line.end(EndReason.QUIT)
                return
            self._act(chosen or (action.id if action and not self.view.typing and entry is None else ""))
            # The other keys move the tape, which all viewers share.
        self.own |= {field for field in OWN if getattr(was, field) != getattr(self.view, field)}
        self._greet(away_s)
        if (self._room_view(), self.colours) != before:
            self._request_paint()

    def _act(self, action: str) -> None:
        """Do what changes no view; other actions, and "", do nothing here."""
        if action == "copy":
            self._copy()
        elif action == "export":
            self._change_view(with_message(self.view, NO_FILES, urgent=True))
        elif action == "colours":
            self.colours = next_of(self.colours)

    def _greet(self, away_s: float) -> None:
        """Say what has changed, to a viewer who has been away; and note what is on screen now."""
        newest = self._rooms.newest
        if newest is None:
            return
        before, self.looked = self.looked, looked(newest)
        if before is not None and away_s >= AWAY_S:
            self.view = with_message(self.view, since(before, newest))
            self._hush_later(MESSAGE_S)

    def _hush_later(self, seconds: float | None) -> None:
        """Take the message away after so many seconds; None: not before a key does."""
        if self._quiet is not None:
            self._quiet.cancel()
        self._quiet = None if seconds is None else self._line.later(seconds, self._hush)

    def _hush(self) -> None:
        self._quiet = None
        self._change_view(with_message(self.view, ""))
        self._request_paint()

    def _change_view(self, view: ViewState) -> None:
        if view.paused and not self.view.paused:
            self._held = self._room.snapshot if self._room else self._rooms.newest
        self.view = view
        if not view.paused:
            self._held = None
        self.view = with_order(view, self._held or self._rooms.newest)

    def _copy(self) -> None:
        snapshot = self._room.snapshot if self._room else None
        if snapshot is not None and not self._stalled:
            known = snapshot.explained.get(self.view.figure) if self.view.explains else None
            if self.view.explains and known is None:
                self._change_view(with_message(self.view, not_copied(self.view)))
                return
            text = quoted_explanation(known) if known else quotation(of_pair(snapshot, self.view.pair))
            self._send(b"\x1b]52;c;" + b64encode(text.encode()) + b"\x07")

    def _request_paint(self) -> None:
        """Paint at once, or as soon as REPAINT_S has passed since the last paint."""
        if self._repaint is not None or self._closed:
            return
        wait = self._painted_at + REPAINT_S - self._line.clock()
        if wait <= 0:
            self._paint()
        else:
            self._repaint = self._line.later(wait, self._paint)

    def _paint(self) -> None:
        """Move to the room of the view, and show it."""
        self._repaint = None
        self.has_new_view = False
        self._painted_at = self._line.clock()
        room = self._rooms.enter(
            self, self._frame.size, ink(self.view.theme, self.colours), self._room_view(), self._held
        )
        if self._room is not None and self._room is not room:
            self._rooms.leave(self, self._room)
        self._room = room
        self._show(room)

    def _room_view(self) -> ViewState:
        """Return the view that is shown: until the first key with the default focus, if that shows the same.

        Viewers who only look then share a room, whatever they focused last time.
        """
        plain = msgspec.structs.replace(self.view, focus=DEFAULT_FOCUS)
        if self._has_pressed or plain == self.view or self.view.zoomed:
            return self.view
        newest, size = self._rooms.newest, self._frame.size
        alike = places_of(newest, plain, *size).keys() == places_of(newest, self.view, *size).keys()
        return plain if alike else self.view

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
