"""Panels drawn once for all rooms: the same cells as drawn alone, shared wherever they are alike."""

from __future__ import annotations

import random

import msgspec
import pytest

from rotation.desk import WINDOWS
from tests.support.ssh_scenes import THEMED, Screen, Time
from tests.support.tui.scenes import with_leg
from tui.panels.registry import PANELS
from tui.screen.scene import contents_of, scene
from tui.ssh.rooms import drawings
from tui.ssh.rooms.colours import ink
from tui.ssh.rooms.drawings import READS, Drawings
from tui.ssh.rooms.frames import FRAMES
from tui.ssh.rooms.painter import ENTER, opening, whole
from tui.ssh.rooms.rooms import Rooms
from tui.ssh.rooms.viewer import Line, Viewer
from tui.ssh.status import Meter
from tui.view.view_state import CHARTS, SORTS, ViewState
from tui.view.view_state import PANELS as NAMES


class Reading:
    """A view that remembers what was read of it."""

    def __init__(self, view: ViewState) -> None:
        self.view = view
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> object:
        self.read.add(name)
        return getattr(self.view, name)


def views(number: int) -> list[ViewState]:
    chance = random.Random(7)
    return [
        ViewState(
            focus=chance.choice(NAMES), zoomed=chance.random() < 0.2, window=chance.choice(WINDOWS),
            chart=chance.choice(CHARTS), help=chance.random() < 0.1, filter=chance.choice(("", "z")),
            typing=chance.random() < 0.5, scroll=chance.choice((0, 0, 3)), sort=chance.choice(SORTS),
            palette=chance.random() < 0.1, is_rising=chance.random() < 0.3, choice=chance.choice((0, 7)),
            ascii=chance.random() < 0.2, releases=chance.random() < 0.3,
            crosshair=chance.choice(("", "2024-07-16T10:30")),
        )
        for _ in range(number)
    ]  # fmt: skip


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_reads_no_more_of_a_view_than_is_listed(scenes, name):
    read = set()
    for snapshot in scenes.values():
        for view in (*views(40), ViewState(focus="spread", zoomed=True)):
            for width, height in ((40, 8), (76, 20), (160, 40)):
                reading = Reading(view)
                contents_of(PANELS[name], snapshot, reading, width, height)
                read |= reading.read
    assert read <= set(READS[name])


def test_shared_panels_are_those_drawn_alone(scenes):
    shared = Drawings()
    for snapshot in (scenes["live"], with_leg(scenes["live"], "IWM", last=987.65)):
        shared.take(snapshot)
        for at, view in enumerate(views(120)):
            size = FRAMES[at % len(FRAMES)]
            assert shared.scene(snapshot, view, *size) == scene(snapshot, view, *size)
    assert shared.scene(scenes["live"], views(1)[0], 120, 40) == scene(scenes["live"], views(1)[0], 120, 40)


def test_views_that_differ_in_focus_share_their_panels(scenes, monkeypatch):
    drawn = []
    for name, panel in list(PANELS.items()):

        def rows(*args, name=name, rows=panel.rows):
            drawn.append(name)
            return rows(*args)

        monkeypatch.setitem(drawings.PANELS, name, panel._replace(rows=rows))
    rooms = Rooms()
    rooms.take(scenes["live"])
    for focus in ("legs", "spread", "health"):
        for size in ((160, 45), (160, 44)):
            rooms.enter(Occupant(), size, ink("midnight", "true"), ViewState(focus=focus))
    assert len(rooms) == 6
    assert drawn.count("ribbon") == drawn.count("keys") == 1
    assert len(drawn) < 6 * 7 / 2


@pytest.mark.parametrize(("size", "rooms_before"), [((160, 45), 1), ((80, 24), 2)])
def test_viewers_who_have_pressed_no_key_share_a_room(scenes, size, rooms_before):
    """Whatever they focused last time; not where the focus decides which panels have a place."""
    rooms, time = Rooms(), Time()
    rooms.take(scenes["live"])
    viewers = []
    for focus in ("legs", "health"):
        screen = Screen(*size)
        line = Line(screen.feed, lambda _reason: None, raised, time.later, time.clock)
        view = ViewState(themes=THEMED.themes, focus=focus)
        viewers.append(Viewer(rooms, line, Meter(), view=view, colours="true", size=size))
        viewers[-1].start()
    assert len(rooms) == rooms_before
    time.pass_(1.0)
    viewers[1].type(b"]")
    time.pass_(1.0)
    assert len(rooms) == 2
    assert (viewers[1].view.focus, viewers[1].view.window) == ("health", 20)
    assert screen.cells() == alone(scenes["live"], viewers[1].view, size)


def alone(snapshot, view, size):
    look, screen = ink(view.theme, "true"), Screen(*size)
    screen.feed(ENTER + opening(look, 0, 0) + whole(scene(snapshot, view, *size), look))
    return screen.cells()


def raised(error: Exception) -> None:
    raise error


class Occupant:
    def show(self, room):
        pass

    def fail(self, error):
        raise error


def test_rows_of_a_snapshot_that_changes_nothing_are_the_same_objects(scenes):
    """What is equal is not built again, so that comparing two frames costs next to nothing."""
    shared, again = Drawings(), msgspec.structs.replace(scenes["live"])
    shared.take(scenes["live"])
    before = shared.scene(scenes["live"], ViewState(), 120, 40)
    shared.take(again)
    after = shared.scene(again, ViewState(), 120, 40)
    pairs = [
        pair for name in ("legs", "spread") for pair in zip(before.rows[name], after.rows[name], strict=True)
    ]
    inside = [old is new for old, new in pairs if old[0][0] == "│ "]
    assert inside
    assert all(inside)
