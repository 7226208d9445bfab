"""The key that refreshes: what it asks and says in a terminal of one's own, and what it is over SSH."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from feeds.refresh import EVERY_S, Refresh
from tests.support.pty_terminal import COMMAND, Terminal, own_home
from tests.support.ssh_scenes import Time, Visit
from tui.desk import RefreshingDesk
from tui.screen.app import NOBODY, RotationApp
from tui.screen.picture import Still
from tui.ssh.rooms.rooms import Rooms
from tui.ssh.rooms.viewer import ANEW_S
from tui.view.palette import entries
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot


class Asking(Still):
    """A desk with two sources, and the program's own pace of wishes on a clock that the test moves."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot)
        self.now_s = 100.0
        self.times = 0
        self._wishes = Refresh(lambda: self.now_s)

    def ask_now(self) -> tuple[tuple[str, ...], float]:
        return self._wishes.ask([self._Source(self)])

    class _Source:
        def __init__(self, desk: Asking) -> None:
            self._desk = desk

        def ask_now(self) -> tuple[str, ...]:
            self._desk.times += 1
            return "futures", "Kalshi"


async def test_r_asks_says_whom_and_says_when_again(scenes: dict[str, Snapshot]) -> None:
    desk = Asking(scenes["live"])
    assert isinstance(desk, RefreshingDesk)
    app = RotationApp(lambda: desk, ViewState())
    async with app.run_test(size=(160, 45)) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        await pilot.press("r")
        assert app.view.message == "asked again: futures, Kalshi"
        desk.now_s += 3
        for _ in range(50):
            app.press("r")
        assert app.view.message == f"asked a moment ago; again in {EVERY_S - 3:.0f} s"
        assert desk.times == 1
        desk.now_s += EVERY_S
        for key in (":", *"refresh", "enter"):
            app.press(key)
        assert (app.view.message, desk.times) == ("asked again: futures, Kalshi", 2)


async def test_r_paints_every_cell_anew_whoever_can_be_asked(
    scenes: dict[str, Snapshot], monkeypatch
) -> None:
    painted: list[str] = []
    app = RotationApp(lambda: Still(scenes["live"]), ViewState())
    async with app.run_test(size=(160, 45)) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        monkeypatch.setattr(app, "refresh", lambda *_, **__: painted.append("all"))
        app.press("r")
        assert (painted, app.view.message) == (["all"], NOBODY)


def test_over_ssh_r_only_paints_and_at_most_once_a_second(scenes: dict[str, Snapshot]) -> None:
    """A stranger can neither have a vendor asked nor draw whole frames by holding a key."""
    rooms, time = Rooms(), Time()
    rooms.take(scenes["live"])
    visit = Visit(rooms, time, size=(160, 45))
    visit.viewer.type(b"]")  # whoever has pressed a key has a view of its own
    time.pass_(1.0)
    room, before = visit.viewer._room, len(visit.writes)
    text = visit.screen.text
    for _ in range(500):
        visit.viewer.type(b"r")
    time.pass_(ANEW_S / 2)
    assert len(visit.writes) == before + 1
    assert b"\x1b[2J" in visit.writes[-1], "the whole screen, whatever the terminal has made of it"
    assert visit.screen.text == text
    assert visit.viewer.view.message == ""
    assert visit.viewer._room is room, "no room of its own"
    time.pass_(ANEW_S)
    visit.viewer.type(b"r")
    time.pass_(ANEW_S)
    assert len(visit.writes) == before + 2


def test_the_commands_have_it() -> None:
    assert "refresh" in {entry.name for entry in entries(ViewState())}


@pytest.fixture
def demo(tmp_path):
    with Terminal([COMMAND, "demo"], env=own_home(tmp_path)) as terminal:
        terminal.see("Russell 2000 (IWM)")
        yield terminal


def test_in_a_real_terminal_r_answers(demo):
    demo.wait(lambda t: "? help" in t.text, "the footer")
    demo.press("r")
    demo.see("nothing to ask: a tape is playing")
