"""Rooms: one rendering for all who see the same. A room is (frame size, colours, theme, ViewState)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import msgspec

from tui.panels.asked import HEADLINE, wants_of
from tui.screen.arrived import has_come
from tui.ssh.rooms.drawings import Drawings
from tui.ssh.rooms.painter import changed, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from rotation.context.wants import Wants
    from rotation.snapshot import Snapshot
    from tui.screen.scene import Scene
    from tui.ssh.rooms.colours import Ink
    from tui.view.view_state import ViewState

YIELD_EVERY = 50
"""Viewers painted before the event loop gets to handle keys and new connections."""

SCENES_MAX = 256
"""Scenes kept of one snapshot: while the market is closed viewers go through any number of views."""

Key = tuple[tuple[int, int], "Ink", "ViewState", int]


class Occupant(Protocol):
    """Who is in a room: a Viewer."""

    def show(self, room: Room) -> None:
        """Make the terminal show the room as it is now."""
        ...

    def fail(self, error: Exception) -> None:
        """End because of an internal error; the others go on."""
        ...


class Room:
    """One rendering. When something visible changes, ``scene`` is replaced, never modified."""

    def __init__(self, key: Key, drawn: Scene, snapshot: Snapshot | None) -> None:
        self.key = key
        self.size, self.ink, self.view, _ = key
        self.snapshot = snapshot
        """What is on screen; a paused room keeps it for good."""
        self.scene = drawn
        self.most = drawn.most
        """Lines by which the focused panel can be scrolled; None if it has no place."""
        self.before: Scene | None = None
        self.delta = b""
        """Bytes that turn ``before`` into ``scene``."""
        self.occupants: dict[Occupant, None] = {}
        self._whole: bytes | None = None

    def take(self, drawn: Scene, snapshot: Snapshot | None) -> bool:
        """Show another snapshot; False if it looks the same as the one before."""
        self.snapshot = snapshot
        self.most = drawn.most
        delta = changed(self.scene, drawn, self.ink)
        if not delta:
            return False
        self.before, self.scene, self.delta, self._whole = self.scene, drawn, delta, None
        return True

    def whole(self) -> bytes:
        """Return the bytes of the whole frame, made once for all who enter before it changes."""
        if self._whole is None:
            self._whole = whole(self.scene, self.ink)
        return self._whole


class Rooms:
    """All rooms, and the newest snapshot. A room exists as long as someone is in it."""

    def __init__(self, draw: Callable[..., Scene] | None = None) -> None:
        self.newest: Snapshot | None = None
        self._drawings = Drawings()
        self._draw = draw or self._drawings.scene
        self._rooms: dict[Key, Room] = {}
        self._drawn: dict[tuple[tuple[int, int], ViewState], Scene] = {}
        """Scenes of the newest snapshot. Themes differ in bytes, not in rows."""
        self.on_change: Callable[[], None] = lambda: None
        """Called after a room has opened or closed."""

    def __len__(self) -> int:
        return len(self._rooms)

    def wants(self) -> Wants:
        """Return what some room shows that a desk makes only while somebody looks.

        The headline always: ``ssh HOST headline`` is answered from the newest snapshot, whoever looks.
        """
        return HEADLINE.union(*(wants_of(room.view, room.scene.places) for room in self._rooms.values()))

    def take(self, snapshot: Snapshot) -> None:
        """Take a newer snapshot; ``paint`` shows it."""
        self.newest = snapshot
        self._drawn.clear()
        self._drawings.take(snapshot)

    def enter(
        self,
        occupant: Occupant,
        size: tuple[int, int],
        ink: Ink,
        view: ViewState,
        held: Snapshot | None = None,
    ) -> Room:
        """Enter the room for this view and return it. ``held``: the snapshot of a paused view.

        Viewers who paused at different moments see different screens, so they are in different rooms.
        """
        snapshot = held if view.paused else self.newest
        # The room keeps the snapshot, so no other object can have its id while the room exists.
        key = (size, ink, view, id(snapshot) if view.paused else 0)
        room = self._rooms.get(key)
        if room is None:
            drawn = self._draw(snapshot, view, *size) if view.paused else self._scene(size, view)
            room = self._rooms[key] = Room(key, drawn, snapshot)
            self.on_change()
        room.occupants[occupant] = None
        return room

    def leave(self, occupant: Occupant, room: Room) -> None:
        """Leave a room; the last one out closes it."""
        room.occupants.pop(occupant, None)
        if not room.occupants and self._rooms.get(room.key) is room:
            del self._rooms[room.key]
            self.on_change()

    async def paint(self, *, only_awaited: bool = False) -> None:
        """Bring every room that is not paused to the newest snapshot, and show it to its viewers.

        ``only_awaited``: of these the rooms for which something has come that they look at.
        """
        painted = 0
        for room in list(self._rooms.values()):
            if room.view.paused or not room.occupants or room.snapshot is self.newest:
                continue
            if only_awaited and not self._has_come(room):
                continue
            try:
                is_new = room.take(self._scene(room.size, room.view), self.newest)
            except Exception as error:  # noqa: BLE001 - a view that cannot be drawn ends its viewers, not the host
                for occupant in list(room.occupants):
                    occupant.fail(error)
                continue
            for occupant in list(room.occupants) if is_new else ():
                if occupant in room.occupants:  # the loop may have run meanwhile, and the viewer left
                    occupant.show(room)
                    painted += 1
                    if painted % YIELD_EVERY == 0:
                        await asyncio.sleep(0)
            await asyncio.sleep(0)

    def _has_come(self, room: Room) -> bool:
        if room.snapshot is None or self.newest is None:
            return False
        return has_come(room.snapshot, self.newest, wants_of(room.view, room.scene.places))

    def _scene(self, size: tuple[int, int], view: ViewState) -> Scene:
        key = (size, msgspec.structs.replace(view, theme="", themes=()))
        drawn = self._drawn.get(key)
        if drawn is None:
            if len(self._drawn) >= SCENES_MAX:
                self._drawn.clear()
            drawn = self._drawn[key] = self._draw(self.newest, view, *size)
        return drawn
