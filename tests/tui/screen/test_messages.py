"""Lines in the place of the footer: an alert, the answer to a key, what changed while nobody looked."""

from __future__ import annotations

import datetime as dt
from unittest.mock import Mock

import msgspec

from rotation.desk import DeskEvent, EventKind
from rotation.snapshot import Tape
from tests.support.tui.scenes import ScriptedDesk
from tui.screen.app import HELD, RotationApp
from tui.screen.scene import PacedScene
from tui.screen.signals import sequence
from tui.view.palette import entries
from tui.view.theme import names
from tui.view.view_state import ViewState

replace = msgspec.structs.replace


class Terminal:
    """Notes what is written beside the frames."""

    is_behind = False

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, data: str) -> None:
        self.written.append(data)


def with_event(snapshot, seq, kind, text, signals=(), minutes=0.0):
    at = snapshot.as_of + dt.timedelta(minutes=minutes)
    new = DeskEvent(seq, at, kind, "wide", text, signals)
    return replace(snapshot, events=(*snapshot.events, new))


def footer(app) -> str:
    return app.query_one("#keys").render_line(0).text.strip()


async def test_an_alert_rings_stands_until_a_key_and_is_said_while_paused(scenes):
    live = scenes["live"]
    app = RotationApp(lambda: ScriptedDesk([live]), ViewState(themes=names()))
    async with app.run_test(size=(80, 24)) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        app._terminal = terminal = Terminal()
        await pilot.press("space")
        hit = with_event(live, 1, EventKind.ALERT, "wide: spread.5.pp > 10", ("bell", "osc9"))
        app.take(hit)
        await pilot.pause()
        assert footer(app) == "ALERT wide: spread.5.pp > 10"
        assert "".join(terminal.written).count("\a") == 2
        assert "\x1b]9;wide: spread.5.pp > 10\a" in "".join(terminal.written)
        app.take(hit)
        await pilot.pause()
        assert "".join(terminal.written).count("\a") == 2, "once"
        app._terminal = None
        await pilot.press("]")
        assert "ALERT" not in footer(app)


async def test_an_alert_is_on_screen_when_the_bell_rings(scenes):
    """Though what it is about was drawn a moment ago."""
    live = scenes["live"]
    app = RotationApp(lambda: ScriptedDesk([live]), ViewState(themes=names()), PacedScene(lambda: 1.0))
    async with app.run_test(size=(120, 40)) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        await pilot.pause()
        app.take(with_event(live, 1, EventKind.ALERT, "wide: spread.5.pp > 10", ("bell",)))
        assert footer(app) == "ALERT wide: spread.5.pp > 10"


async def test_a_feed_is_no_reason_to_call(scenes):
    live = scenes["live"]
    app = RotationApp(lambda: ScriptedDesk([with_event(live, 1, EventKind.FEED, "Yahoo: x")]), ViewState())
    async with app.run_test(size=(80, 24)) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        await pilot.pause()
        assert "Yahoo" not in footer(app)


async def test_copy_answers(scenes):
    app = RotationApp(lambda: ScriptedDesk([scenes["live"]]), ViewState())
    async with app.run_test(size=(80, 24)) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        await pilot.press("y")
        assert footer(app) == "copied the headline with its source and time"


async def test_without_a_tape_its_keys_say_so_and_its_commands_are_not_listed(scenes):
    desk = ScriptedDesk([scenes["live"]])
    desk.controls = None
    app = RotationApp(lambda: desk, ViewState())
    async with app.run_test(size=(80, 24)) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        await pilot.press("H")
        assert footer(app) == "no tape is playing"
        await pilot.press(":")
        assert not {"hold", "rewind"} & {entry.name for entry in entries(app.view)}


async def test_a_held_tape_says_so_when_its_speed_is_changed(scenes):
    live = scenes["live"]
    at = live.as_of
    for is_held, message in ((True, HELD), (False, "")):
        tape = Tape(position=at, start=at, end=at + dt.timedelta(hours=1), speed=60.0, held=is_held)
        made = msgspec.structs.replace(live, health=msgspec.structs.replace(live.health, tape=tape))
        desk = ScriptedDesk([made])
        app = RotationApp(lambda desk=desk: desk, ViewState())
        async with app.run_test(size=(80, 24)) as pilot:
            while app.snapshot is None:
                await pilot.pause(0.01)
            for key, asked in ((">", "faster"), ("<", "slower"), ("H", "hold")):
                app.press(key)
                assert desk.controls.asked[-1] == asked
                assert app.view.message == ("" if key == "H" else message)


async def test_where_a_program_cannot_be_suspended_the_command_is_not_listed(monkeypatch):
    app = RotationApp(Mock(), ViewState())
    assert "local" in app._scopes()
    monkeypatch.delattr("signal.SIGTSTP")
    assert "local" not in app._scopes()


async def test_after_ten_minutes_without_a_key_it_says_what_has_changed(scenes):
    now = [0.0]
    app = RotationApp(lambda: ScriptedDesk([scenes["live"]]), ViewState(), clock=lambda: now[0])
    async with app.run_test(size=(120, 40)) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        await pilot.press("]")
        app.take(with_event(scenes["closed"], 1, EventKind.RECORD, "a record"))
        now[0] = 599.0
        await pilot.press("[")
        assert "Since" not in footer(app)
        app.take(with_event(scenes["closed"], 1, EventKind.RECORD, "a record", minutes=1))
        now[0] = 1_200.0
        await pilot.press("]")
        assert footer(app).startswith("Since 16:")
        assert app.view.window == 20, "the key counts"
        await pilot.press("[")
        assert "Since" not in footer(app)


def test_signals_hold_nothing_that_a_terminal_could_obey():
    evil = "a\x1b]0;x\x07b;c\u202e\n"
    assert sequence(("bell", "osc9", "osc777"), evil, evil) == (
        "\a\x1b]9;a]0;xb;c\a\x1b]777;notify;a]0,xb,c;a]0;xb;c\a"
    )
    assert sequence(("desktop",), "a", "b") == ""


def test_a_painting_that_is_due_when_the_screens_have_gone_is_left_out(scenes):
    app = RotationApp(lambda: ScriptedDesk([scenes["live"]]), ViewState(themes=names()))
    assert not app.screen_stack
    app._paint_when_due()
