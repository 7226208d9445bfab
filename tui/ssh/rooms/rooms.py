"""Rooms: one rendering for all who see the same. A room is (frame size, colours, theme, ViewState)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import msgspec

from tui.screen.scene import scene
from tui.ssh.rooms.painter import changed, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from rotation.snapshot import Snapshot
    from tui.screen.scene import Scene
    from tui.ssh.rooms.colours import Ink
    from tui.view.view_state import ViewState

BREATH = 50
"""Viewers served before keys and newcomers get their turn."""

KEPT = 256
"""Scenes kept of one snapshot: while the market is closed visitors walk through any number of views."""

Key = tuple[tuple[int, int], "Ink", "ViewState", int]


class Occupant(Protocol):
    """Who sits in a room."""

    def show(self, room: Room) -> None:
        """Send what makes the terminal show the room as it is now."""
        ...

    def fail(self, error: Exception) -> None:
        """End, alone, because of an error of ours."""
        ...


class Room:
    """One rendering. ``scene`` is replaced when something visible changed, never altered."""

    def __init__(self, key: Key, drawn: Scene, snapshot: Snapshot | None) -> None:
        self.key = key
        self.size, self.ink, self.view, _ = key
        self.snapshot = snapshot
        """What is on screen; of a paused room for good."""
        self.scene = drawn
        self.most = drawn.most
        """How far the panel that has the keys can be scrolled."""
        self.before: Scene | None = None
        self.delta = b""
        """Makes ``scene`` of ``before``."""
        self.occupants: dict[Occupant, None] = {}
        self._whole: bytes | None = None

    def take(self, drawn: Scene, snapshot: Snapshot | None) -> bool:
        """Show another snapshot; False if it looks the same."""
        self.snapshot = snapshot
        self.most = drawn.most
        delta = changed(self.scene, drawn, self.ink)
        if not delta:
            return False
        self.before, self.scene, self.delta, self._whole = self.scene, drawn, delta, None
        return True

    def whole(self) -> bytes:
        """The frame for a newcomer; made once for all who come before it changes."""
        if self._whole is None:
            self._whole = whole(self.scene, self.ink)
        return self._whole


class Rooms:
    """All rooms, and the newest snapshot. A room lives as long as someone is in it."""

    def __init__(self, draw: Callable[..., Scene] = scene) -> None:
        self.newest: Snapshot | None = None
        self._draw = draw
        self._rooms: dict[Key, Room] = {}
        self._drawn: dict[tuple[tuple[int, int], ViewState], Scene] = {}
        """Of the newest snapshot. Themes differ in bytes, not in rows."""

    def __len__(self) -> int:
        return len(self._rooms)

    def take(self, snapshot: Snapshot) -> None:
        """A newer snapshot; ``paint`` shows it."""
        self.newest = snapshot
        self._drawn.clear()

    def enter(
        self,
        who: Occupant,
        size: tuple[int, int],
        ink: Ink,
        view: ViewState,
        held: Snapshot | None = None,
    ) -> Room:
        """Sit down in the room for this view. ``held``: the snapshot to stay at, if the view is paused.

        Those who paused at different moments see different screens, so they sit in different rooms.
        """
        snapshot = held if view.paused else self.newest
        # The room keeps the snapshot, so no other object can have its id while the room exists.
        key = (size, ink, view, id(snapshot) if view.paused else 0)
        room = self._rooms.get(key)
        if room is None:
            drawn = self._draw(snapshot, view, *size) if view.paused else self._scene(size, view)
            room = self._rooms[key] = Room(key, drawn, snapshot)
        room.occupants[who] = None
        return room

    def leave(self, who: Occupant, room: Room) -> None:
        """Get up; the last one closes the room."""
        room.occupants.pop(who, None)
        if not room.occupants and self._rooms.get(room.key) is room:
            del self._rooms[room.key]

    async def paint(self) -> None:
        """Bring every room that is not paused to the newest snapshot, and show it to who is there."""
        served = 0
        for room in list(self._rooms.values()):
            if room.view.paused or not room.occupants or room.snapshot is self.newest:
                continue
            try:
                is_new = room.take(self._scene(room.size, room.view), self.newest)
            except Exception as error:  # noqa: BLE001 - a view that cannot be drawn ends its viewers, not the host
                for who in list(room.occupants):
                    who.fail(error)
                continue
            for who in list(room.occupants) if is_new else ():
                if who in room.occupants:  # others had their turn: it may have left
                    who.show(room)
                    served += 1
                    if served % BREATH == 0:
                        await asyncio.sleep(0)
            await asyncio.sleep(0)

    def _scene(self, size: tuple[int, int], view: ViewState) -> Scene:
        key = (size, msgspec.structs.replace(view, theme="", themes=()))
        drawn = self._drawn.get(key)
        if drawn is None:
            if len(self._drawn) >= KEPT:
                self._drawn.clear()
            drawn = self._drawn[key] = self._draw(self.newest, view, *size)
        return drawn
