"""Every key of the table, one after the other, pressed in the running program: each does what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.support.ssh_scenes import Time, Visit
from tests.support.tui.scenes import ScriptedDesk
from tui.screen import app as module
from tui.screen.app import RotationApp
from tui.screen.exporter import SHORT_PROMPT
from tui.ssh.rooms.rooms import Rooms
from tui.view.keymap import ACTIONS
from tui.view.theme import names
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot

KEYS = [(action, key) for action in ACTIONS for key in action.keys]
BUSY = ViewState(
    themes=names(),
    focus="spread",
    zoomed=True,
    window=20,
    pairs=("IWN/IVW",),
    lists=("mine",),
)
ASKED = {
    "hold": "hold",
    "slower": "slower",
    "faster": "faster",
    "earlier": -300.0,
    "later": 300.0,
    "rewind": module.SEEK_S["rewind"],
}
"""What a key asks of the tape."""


@pytest.mark.parametrize(("action", "key"), KEYS, ids=[f"{action.id} {key}" for action, key in KEYS])
async def test_a_key_does_what_its_line_says(action, key, scenes: dict[str, Snapshot], monkeypatch) -> None:
    copied: list[str] = []
    stopped: list[int] = []
    monkeypatch.setattr(module.os, "killpg", lambda group, number: stopped.append(number))
    desk = ScriptedDesk([msgspec.structs.replace(scenes["live"], pairs={"IWN/IVW": None})])
    # In a zoomed chart the arrows are the crosshair's.
    view = msgspec.structs.replace(BUSY, zoomed=action.scope != "tape")
    app = RotationApp(lambda: desk, view, export=lambda name, data: None)
    async with app.run_test(size=(60, 13)) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
        app.press("j")  # neither end, so that each key that scrolls does
        before = app.view
        app.press(key)
        if action.scope == "view":
            is_here = action.id == "focus" and key == "2"
            assert (app.view == before) is is_here
        elif action.scope == "tape":
            assert desk.controls.asked == [ASKED[action.id]]
        elif action.id == "copy":
            assert copied
            assert app.view.message.startswith("copied")
        elif action.id == "export":
            assert app.view.message == SHORT_PROMPT
        elif action.id == "suspend":
            assert stopped == [module.signal.SIGTSTP]
        elif action.id == "quit":
            await pilot.pause()
            assert not app.is_running or app._exit
        else:
            assert action.scope == "host"
            assert app.view == before, "a program in a terminal of its own has the terminal's colours"


def test_a_viewer_of_a_host_changes_the_colours(scenes: dict[str, Snapshot]) -> None:
    rooms, clock = Rooms(), Time()
    rooms.take(scenes["live"])
    visit = Visit(rooms, clock)
    before = visit.viewer.colours
    visit.viewer.type(b"C")
    assert visit.viewer.colours != before


def test_the_table_of_what_is_asked_of_a_tape_is_whole() -> None:
    assert set(ASKED) == {action.id for action in ACTIONS if action.scope == "tape"}
