"""A configuration file that changes while a desk runs."""

from __future__ import annotations

import asyncio
import logging
import os

import msgspec
import pytest

from rotation.alerts.target import AlertSettings
from rotation.desk import DeskChange, PairOptions
from tests.support.tui.scenes import ScriptedDesk
from tui.screen import app as module
from tui.screen.app import RotationApp
from tui.settings.file import read
from tui.settings.reload import ConfigWatch
from tui.settings.schema import SETTINGS
from tui.view.applied import Applied, PairsChange, WindowsChange, change_desk, with_pairs
from tui.view.places import PanelLists
from tui.view.theme import names
from tui.view.view_state import ViewState

ALERT = '[[alerts]]\nwhen = "on_pace"\n'
BEFORE = '[desk]\npair = "IWM/QQQ"\n[screen]\ntheme = "midnight"\n'


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(BEFORE)
    return path


def write(path, text: str) -> None:
    path.write_text(text)
    stamp = path.stat().st_mtime_ns + 1_000_000  # a disk may count in coarser steps than this test
    os.utime(path, ns=(stamp, stamp))


def changed(watch: ConfigWatch):
    assert watch.poll() is None, "the file must stand still first: an editor may be writing"
    return watch.poll()


def test_what_can_be_applied_is_and_what_cannot_says_so(path):
    watch = ConfigWatch(path, read(path))
    assert watch.poll() is None
    write(
        path,
        '[desk]\npair = "XBI/IBB"\nleg_gap_s = 30\n[screen]\ntheme = "paper"\n[keys]\npause = "x"\n'
        '[[alerts]]\nwhen = "on_pace"\n',
    )
    applied = changed(watch)
    assert applied.message == (
        "config.toml: applied desk.leg_gap_s, screen.theme, keys, 1 alert; "
        "desk.pair follows once it can be shown"
    )
    assert applied.desk == DeskChange(leg_gap_s=30.0)
    assert (applied.theme, applied.is_error) == ("paper", False)
    assert applied.keys.action_of("x").id == "pause"
    assert [rule.id for rule in applied.alerts.rules] == ["on_pace"]
    assert watch.poll() is None


def test_what_is_written_before_the_first_look_is_a_change(path):
    """The first look comes a second after the start."""
    config = read(path)
    write(path, BEFORE.replace("midnight", "paper") + '[keys]\npause = "x"\n')
    watch = ConfigWatch(path, config)
    assert "applied" in watch.poll().message
    assert watch.poll() is None


def test_a_mistake_is_told_with_its_line_and_then_mended(path):
    watch = ConfigWatch(path, read(path))
    write(path, BEFORE + "[keys]\npause = 5\n")
    applied = changed(watch)
    assert applied.is_error
    assert applied.message.startswith(f"{path.name}, line 6: keys.pause: expected a key")
    assert applied.message.endswith("; the previous configuration stays in use")
    assert applied.keys is applied.theme is applied.alerts is None
    write(path, BEFORE)
    assert changed(watch) is None, "as it was: nothing to apply"


def test_a_file_that_appears_and_goes(tmp_path):
    path = tmp_path / "config.toml"
    watch = ConfigWatch(path, None)
    assert watch.poll() is None
    write(path, '[[alerts]]\nwhen = "on_pace"\n')
    assert changed(watch).alerts.rules
    path.unlink()
    assert changed(watch).alerts == AlertSettings()


def test_each_setting_is_applied_or_named(path, tmp_path):
    others = {
        "desk.pair": '"XBI/IBB"', "desk.pairs": '["IWN/IVW"]',
        "desk.legs": '["SPY"]', "desk.value_growth": '"A/B"',
        "desk.benchmark": '"IJR"',
        "limits.stale_s": "10", "desk.windows": "[1, 3]", "screen.returns": "[1, 5]",
        "desk.returns": '"total"', "desk.leg_gap_s": "5", "feeds.feed": '"yahoo"', "feeds.offline": "true",
        "feeds.nats": '"nats://127.0.0.1:4222"',
        "feeds.demo_when_empty": "false", "feeds.members": "true", "screen.theme": '"mono"',
        "screen.glyphs": '"ascii"',
        "screen.motion": '"off"',
        "screen.window": "20",
        "panels.wide": '["legs", "spread"]', "panels.normal": '["spread"]', "panels.narrow": '["fed"]',
        "export.folder": '"~/desk"',
        "notify.to": '["osc9"]', "log.level": '"debug"', "market.closures": "[2025-01-09]",
    }  # fmt: skip
    assert others.keys() == {setting.name for setting in SETTINGS}
    level = logging.getLogger().level
    try:
        for number, (name, value) in enumerate(others.items()):
            file = tmp_path / f"{number}.toml"
            file.write_text('[[alerts]]\nwhen = "on_pace"\n')
            watch = ConfigWatch(file, read(file))
            table, _, key = name.partition(".")
            write(file, f'[{table}]\n{key} = {value}\n[[alerts]]\nwhen = "on_pace"\n')
            applied = changed(watch)
            assert name in applied.message or (name == "notify.to" and "1 alert" in applied.message)
    finally:
        logging.getLogger().setLevel(level)


def test_what_the_screen_can_take_up_it_does(path):
    watch = ConfigWatch(path, read(path))
    write(
        path,
        '[desk]\npair = "IWM/QQQ"\nreturns = "total"\nwindows = [1, 10]\n[limits]\nstale_s = 9\n'
        '[screen]\nmotion = "off"\nglyphs = "ascii"\nwindow = 10\nreturns = [3]\n'
        '[export]\nfolder = "~/desk"\n[panels]\nwide = ["fed"]\n',
    )
    applied = changed(watch)
    assert "wait" not in applied.message
    assert applied.desk == DeskChange(stale_s=9.0, returns="total")
    assert applied.windows == WindowsChange((1, 10), (3,))
    assert (applied.motion, applied.ascii, applied.window, applied.folder) == (False, True, 10, "~/desk")
    assert applied.panels == PanelLists(wide=(("fed",),))
    write(path, BEFORE)
    back = changed(watch)
    assert back.desk == DeskChange(stale_s=30.0, returns="price")
    assert (back.window, back.folder, back.panels) == (5, "", PanelLists())


def test_windows_that_an_option_has_set_stay(path):
    watch = ConfigWatch(path, read(path), frozenset({"desk.windows"}))
    write(path, BEFORE + "returns = [3]\n[limits]\nstale_s = 9\n")
    assert changed(watch).windows == WindowsChange(None, (3,))
    view = ViewState(windows=(1, 7), window=7)
    assert WindowsChange(None, (3,)).of(view) == ViewState(windows=(1, 7), window=7, returns=(3,))


async def test_a_running_desk_is_given_the_windows_of_the_view():
    given = []

    class Changing:
        async def change_desk(self, change):
            given.append(change)

    view = ViewState(windows=(1, 7), window=7)
    await change_desk(Changing(), Applied("", windows=WindowsChange(None, (3,))), view)
    await change_desk(Changing(), Applied("", desk=DeskChange(stale_s=9.0)), view)
    await change_desk(Changing(), Applied(""), view)
    await change_desk(object(), Applied("", desk=DeskChange(stale_s=9.0)), view)
    assert given == [DeskChange(windows=(1, 3, 5, 7, 20, 60, 252)), DeskChange(stale_s=9.0)]


def test_pairs_and_their_options_are_applied(path):
    watch = ConfigWatch(path, read(path))
    write(path, BEFORE + '[[pairs]]\npair = "IWN/IVW"\nname = "Value"\n')
    applied = changed(watch)
    assert applied.message == "config.toml: applied desk.pairs"
    assert applied.pairs == PairsChange((("IWN", "IVW"),), (PairOptions("IWN/IVW", "Value"),))
    write(path, BEFORE + '[[pairs]]\npair = "IWN/IVW"\nname = "Value"\nwindow = 20\n')
    assert changed(watch).pairs.options == (PairOptions("IWN/IVW", "Value", 20),)
    write(path, BEFORE)
    assert changed(watch).pairs == PairsChange((), ())


def test_pairs_that_an_option_has_set_stay_but_take_their_options(path):
    watch = ConfigWatch(path, read(path), frozenset({"desk.pairs"}))
    write(path, BEFORE + '[[pairs]]\npair = "IWN/IVW"\nname = "Value"\n')
    applied = changed(watch)
    assert applied.pairs == PairsChange(None, (PairOptions("IWN/IVW", "Value"),))
    assert "desk.pairs stays as the command line or the environment set it" in applied.message


async def test_options_of_pairs_that_an_option_has_set_reach_the_desk(path):
    watch = ConfigWatch(path, read(path), frozenset({"desk.pairs"}))
    write(path, BEFORE + '[[pairs]]\npair = "IWN/IVW"\nleg_gap_s = 5\n')
    given = []

    class PairsDesk:
        async def set_pairs(self, pairs, options):
            given.append((pairs, options))
            return ()

    view = ViewState(pairs=("IWN/IVW", "XBI/IBB"))
    await with_pairs(PairsDesk(), changed(watch), view)
    assert given == [((("IWN", "IVW"), ("XBI", "IBB")), (PairOptions("IWN/IVW", leg_gap_s=5.0),))]


async def test_a_pair_whose_symbols_no_feed_asks_for_waits():
    class PairsDesk:
        async def set_pairs(self, pairs, options):
            return tuple(pair for pair in pairs if "XBI" in pair)

    change = PairsChange((("IWN", "IVW"), ("XBI", "IBB")), ())
    applied = await with_pairs(
        PairsDesk(), Applied("config.toml: applied desk.pairs", pairs=change), ViewState()
    )
    assert applied.pairs.pairs == (("IWN", "IVW"),)
    assert applied.message == (
        "config.toml: applied desk.pairs; XBI/IBB waits for the next start: its symbols are not on this desk"
    )


def test_what_an_option_or_the_environment_set_goes_before_a_changed_file(path):
    level = logging.getLogger().level
    watch = ConfigWatch(path, read(path), frozenset({"screen.theme", "log.level", "desk.pair"}))
    write(path, BEFORE.replace("midnight", "paper") + '[log]\nlevel = "debug"\n[keys]\npause = "x"\n')
    applied = changed(watch)
    assert applied.theme is None
    assert applied.keys is not None
    assert logging.getLogger().level == level
    assert applied.message == (
        "config.toml: applied keys; "
        "screen.theme, log.level stay as the command line or the environment set them"
    )


class AlertDesk(ScriptedDesk):
    def __init__(self, snapshots) -> None:
        super().__init__(snapshots)
        self.alerts = None
        self.notes = []

    def set_alerts(self, alerts, *, awaits_desk=False) -> None:
        self.alerts = alerts

    def note(self, kind, subject, text) -> None:
        self.notes.append((kind, subject, text))

    async def run(self) -> None:
        await asyncio.Event().wait()


async def test_the_screen_takes_it_up_and_says_so(path, scenes, monkeypatch):
    monkeypatch.setattr(module, "RELOAD_S", 0.01)
    desk = AlertDesk([scenes["live"]])
    app = RotationApp(lambda: desk, ViewState(themes=names()), reload=ConfigWatch(path, read(path)).poll)
    async with app.run_test(size=(160, 45)) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        await pilot.press("2", "]", "space")
        write(
            path, BEFORE.replace("midnight", "paper") + '[keys]\nlonger = "L"\n[[alerts]]\nwhen = "on_pace"\n'
        )
        while not app.view.message:
            await pilot.pause(0.01)
        assert (app.view.theme, app.view.focus, app.view.window, app.view.paused) == (
            "paper",
            "spread",
            20,
            True,
        )
        assert app.query_one("#keys").render_line(0).text.strip().startswith("config.toml: applied")
        assert desk.alerts.rules[0].id == "on_pace"
        assert desk.notes[-1][1] == "config.toml"
        await pilot.press("L")
        assert app.view.window == 60
        write(path, "[desk]\npair = 5\n")
        while not app.view.is_urgent:
            await pilot.pause(0.01)
        assert "line 2: desk.pair" in app.view.message
        assert app.view.theme == "paper"


class BusyDesk(AlertDesk):
    """Publishes without a pause; each Snapshot has a number, and all of them are taken in order."""

    def __init__(self, snapshot) -> None:
        super().__init__([])
        self._snapshot = snapshot
        self.pairs: list[object] = []
        self.published = 0

    async def set_pairs(self, pairs, options):
        self.pairs.append((pairs, options))
        return ()

    async def listen(self):
        while True:
            self.published += 1
            yield msgspec.structs.replace(self._snapshot, seq=self.published)
            await asyncio.sleep(0)


LOOKS = [
    ("[screen]\ntheme = 'paper'\n", lambda app, _: app.view.theme == "paper"),
    ("[keys]\npause = 'x'\n", lambda app, _: app.view.keys.action_of("x").id == "pause"),
    (ALERT, lambda _, desk: desk.alerts.rules[0].id == "on_pace"),
    ("[desk]\npairs = ['KRE/QQQ']\n", lambda app, _: app.view.pairs == ("KRE/QQQ",)),
    (
        "[[pairs]]\npair = 'IWN/IVW'\nname = 'Value'\n",
        lambda app, _: app.view.pair_options[0].title == "Value",
    ),
    ("[desk]\npair = 5\n", lambda app, _: app.view.is_urgent),
    (
        "[screen]\ntheme = 'midnight'\n[desk]\nreturns = 'total'\n",
        lambda app, _: app.view.theme == "midnight",
    ),
]


async def test_a_file_that_changes_again_and_again_costs_a_busy_desk_nothing(path, scenes, monkeypatch):
    """Under load: every change is applied, no Snapshot is lost, and what the viewer chose stays."""
    monkeypatch.setattr(module, "RELOAD_S", 0.01)
    monkeypatch.setattr(module, "FRAME_S", 0.0)
    desk = BusyDesk(scenes["live"])
    app = RotationApp(lambda: desk, ViewState(themes=names()), reload=ConfigWatch(path, read(path)).poll)
    seen: list[int] = []
    async with app.run_test(size=(120, 40)) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        await pilot.press("3", "]")
        taken, app.take = app.take, lambda snapshot: (seen.append(snapshot.seq), taken(snapshot))[1]
        for text, is_applied in LOOKS * 3:
            before = desk.published
            write(path, text)
            async with asyncio.timeout(20):
                while not app.view.message:
                    await pilot.pause(0.01)
            assert is_applied(app, desk), (text, app.view.message)
            assert desk.published > before
            app.say("")
        assert (app.view.focus, app.view.window, app.failure) == ("ratio", 20, None)
    assert seen == list(range(seen[0], seen[0] + len(seen)))


async def test_panels_that_do_not_fit_say_so_until_they_do(path, scenes, monkeypatch):
    monkeypatch.setattr(module, "RELOAD_S", 0.01)
    desk = AlertDesk([scenes["live"]])
    app = RotationApp(lambda: desk, ViewState(themes=names()), reload=ConfigWatch(path, read(path)).poll)
    why = "panels.wide needs 60 rows, this terminal has 45: the usual panels are shown"
    async with app.run_test(size=(160, 45)) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        write(path, '[panels]\nwide = ["legs", "fed", "ratio", "macro", "graph"]\nnarrow = ["spread"]\n')
        while app.view.message != why:
            await pilot.pause(0.01)
        assert "spread" in app.drawn().places
        await pilot.resize_terminal(80, 24)
        while app.view.message:
            await pilot.pause(0.01)
        assert set(app.drawn().places) == {"ribbon", "keys", "spread"}
        await pilot.resize_terminal(160, 45)
        while app.view.message != why:
            await pilot.pause(0.01)
        await pilot.press("t")
        assert not app.view.message, "said once"
        await pilot.resize_terminal(160, 70)
        await pilot.pause(0.1)
        assert set(app.drawn().places) == {"ribbon", "keys", "legs", "fed", "ratio", "macro", "graph"}


def test_a_window_that_an_option_shows_may_be_chosen(path):
    text = BEFORE + "window = 7\n[[pairs]]\npair = 'A/B'\nwindow = 9\n"
    watch = ConfigWatch(path, read(path))
    write(path, text)
    applied = changed(watch)
    assert applied.is_error
    assert "line 5: screen.window: expected one of 1, 5, 20, 60, 252, got 7" in applied.message
    watch = ConfigWatch(path, read(path), frozenset({"desk.windows"}))
    write(path, text.replace("window = 7", "window = 8"))
    assert changed(watch).window == 8


def test_lines_that_move_make_no_other_alerts(path):
    path.write_text(BEFORE + ALERT)
    watch = ConfigWatch(path, read(path))
    write(path, "# a remark\n" + BEFORE + ALERT)
    assert changed(watch) is None
