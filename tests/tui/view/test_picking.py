"""Enter on a figure: a cursor on what stands there, what it rests on, and back to the very screen."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from rotation.context.wants import NOTHING, Part, Want
from rotation.desk import LegList
from rotation.figures.registry import figures
from tests.support.ssh_scenes import Time, Visit
from tests.support.tui import pages
from tests.support.tui.scenes import ScriptedDesk
from tui.output.text import quoted_explanation
from tui.panels.asked import wants_of
from tui.panels.registry import PANELS
from tui.screen.app import RotationApp
from tui.screen.exporter import text_of
from tui.screen.picking import KEPT, NONE, Picker
from tui.screen.scene import places_of, scene
from tui.ssh.rooms.rooms import Rooms
from tui.view.applied import Applied, WindowsChange
from tui.view.marks import CURSOR, spots
from tui.view.pairs import of_pair
from tui.view.theme import ROLES
from tui.view.view_state import FIRST, ViewState, with_windows
from tui.view.view_state import PANELS as NAMES

if TYPE_CHECKING:
    from rotation.context.wants import Wants
    from rotation.snapshot import Snapshot
    from tui.screen.scene import Scene

SIZES = [(200, 60), (160, 45), (120, 40), (80, 24), (40, 12)]
WITHOUT = frozenset({"health", "events"})
"""Panels that show no figures."""


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return pages.snapshot()


def typed(snapshot: Snapshot | None, *keys: str, view: ViewState | None = None, size=(160, 45)) -> ViewState:
    picker, made = Picker(), view or ViewState(pairs=("IWN/IVW",))
    for key in keys:
        made = picker.pressed(made, key, snapshot, size)
    return made


def drawn(snapshot: Snapshot, view: ViewState, size=(160, 45)) -> Scene:
    return scene(of_pair(snapshot, view.pair), view, *size)


def under_cursor(made: Scene, panel: str) -> list[str]:
    return [text for row in made.rows[panel] for text, role in row if role == CURSOR]


def test_enter_goes_deeper_and_escape_comes_back(snapshot):
    view = typed(snapshot, "2")
    zoomed = typed(snapshot, "enter", view=view)
    assert zoomed.zoomed
    chosen = typed(snapshot, "enter", view=zoomed)
    assert (chosen.figure, chosen.explains) == ("spread.1.pp", False)
    below = typed(snapshot, "down", "right", view=chosen)
    assert below.figure == "spread.5.z"
    sheet = typed(snapshot, "enter", view=below)
    assert sheet.explains
    assert list(drawn(snapshot, sheet).places) == ["ribbon", "keys", "explained"]
    assert typed(snapshot, "enter", view=sheet) == below
    assert typed(snapshot, "escape", view=sheet) == below
    assert typed(snapshot, "escape", view=below) == zoomed
    assert typed(snapshot, "escape", "escape", view=below) == view
    assert typed(snapshot, "z", view=below) == view


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("zoomed", [False, True])
@pytest.mark.parametrize("panel", NAMES)
def test_every_figure_on_every_panel_can_be_chosen_and_explained(snapshot, panel, zoomed, size):
    table = figures(pages.basis().desk)
    start = ViewState(focus=panel, zoomed=zoomed, pairs=("IWN/IVW",))
    picker = Picker()
    view = picker.pressed(start, "e", snapshot, size)
    if panel in WITHOUT:
        assert (view.figure, view.message) == ("", NONE)
        return
    reached: list[str] = []
    while view.figure not in reached:
        reached.append(view.figure)
        made = drawn(snapshot, view, size)
        assert len(under_cursor(made, panel)) == 1, "in sight"
        assert all(role in ROLES for rows in made.rows.values() for row in rows for _, role in row)
        if len(reached) == 1:
            assert text_of(made).split("\n")[:-2] == text_of(drawn(snapshot, start, size)).split("\n")[:-2]
        view = picker.pressed(view, "right", snapshot, size)
    assert set(reached) <= table.keys()
    place = made.places[panel]
    inside = PANELS[panel].rows(snapshot, view, place.width - 4, place.height - 2)
    assert reached == [spot.figure for spot in spots(inside)]
    sheet = picker.pressed(view, "enter", snapshot, size)
    assert Want(Part.FIGURE, reached[-1]) in wants_of(sheet, places_of(snapshot, sheet, *size))


@pytest.mark.parametrize("panel", ["legs", "spread", "ratio"])
def test_another_pair_s_figures_are_its_own(snapshot, panel):
    pairs = {**snapshot.pairs, "IWN/IVW": pages.basis().snapshot.pairs["IWN/IVW"]}
    other = replace(snapshot, pairs=pairs)
    view = typed(other, "p", str(NAMES.index(panel) + 1), "e")
    if panel == "legs":
        assert view.figure == "iwm.last"
    else:
        assert view.figure.startswith("pair.iwn/ivw.")
    assert view.figure in figures(pages.basis().desk)


def test_what_leads_elsewhere_ends_the_choice(snapshot):
    chosen = typed(snapshot, "2", "enter", "enter", "down")
    sheet = typed(snapshot, "enter", view=chosen)
    for view in (chosen, sheet):
        for key in ("1", "tab", "f4", "?", ":", "p", "z", "e"):
            after = typed(snapshot, key, view=view)
            assert (after.figure, after.explains, after.scroll_below) == ("", False, 0), key
    assert typed(snapshot, "]", view=chosen).figure == chosen.figure
    assert typed(snapshot, "t", view=sheet).explains


def test_the_line_of_the_cursor_stays_in_sight_and_the_panel_does_not_move_back(snapshot):
    size = (40, 12)
    view = typed(snapshot, "2", "z", "e", *["down"] * 12, size=size)
    assert view.scroll > 0
    assert len(under_cursor(drawn(snapshot, view, size), "spread")) == 1
    sheet = typed(snapshot, "enter", "down", "down", view=view, size=size)
    assert sheet.scroll == 2
    assert typed(snapshot, "escape", view=sheet, size=size) == view
    assert typed(snapshot, "g", view=view, size=size).scroll == 0


def test_a_figure_that_is_gone_leaves_the_cursor_on_the_first(snapshot):
    chosen = typed(snapshot, "1", "e", "down", "down")
    legs = {symbol: snapshot.legs[symbol] for symbol in ("IWM", "QQQ")}
    fewer = replace(snapshot, legs=legs)
    assert chosen.figure == "dia.last"
    assert under_cursor(drawn(fewer, chosen), "legs") == []
    assert typed(fewer, "down", view=chosen).figure == "iwm.last"


def test_another_window_leaves_the_cursor_on_the_same_figure_over_it(snapshot):
    start = replace(ViewState(focus="legs"), window=20)
    chosen = typed(snapshot, "e", view=start)
    while not chosen.figure.endswith(".since.20"):
        before, chosen = chosen, typed(snapshot, "right", view=chosen)
        assert chosen != before
    longer = typed(snapshot, "]", view=chosen)
    assert longer.figure == chosen.figure.replace("20", "60")
    assert len(under_cursor(drawn(snapshot, longer), "legs")) == 1
    assert typed(snapshot, "enter", view=longer).figure == longer.figure
    below = typed(snapshot, "enter", "]", "escape", view=chosen)
    assert len(under_cursor(drawn(snapshot, below), "legs")) == 1


@pytest.mark.parametrize("keys", [("/", "q", "q", "enter"), ("w",)])
def test_a_filter_or_another_list_leaves_the_cursor_in_sight(snapshot, keys):
    listed = replace(snapshot, lists=(LegList("mine", ("QQQ", "QQQE"), is_watchlist=True),))
    start = ViewState(focus="legs", lists=("mine",))
    chosen = typed(listed, "e", view=start)
    assert chosen.figure == "iwm.last"
    after = typed(listed, *keys, view=chosen)
    assert len(under_cursor(drawn(listed, after), "legs")) == 1
    assert after.figure.startswith("qqq")


def test_enter_explains_nothing_that_is_not_in_sight(snapshot):
    chosen = typed(snapshot, "1", "e", "down", "down")
    fewer = replace(snapshot, legs={symbol: snapshot.legs[symbol] for symbol in ("IWM", "QQQ")})
    after = typed(fewer, "enter", view=chosen)
    assert (after.figure, after.explains) == ("iwm.last", False)
    assert typed(fewer, "enter", view=after).explains


def test_without_a_snapshot_there_is_nothing_to_choose():
    assert typed(None, "e").message == NONE
    assert wants_of(ViewState(figure=FIRST, explains=True), ["explained"]) == NOTHING


def test_many_keys_draw_a_panel_once(snapshot, monkeypatch):
    made = []
    panel = PANELS["spread"]

    def rows(*args):
        made.append(1)
        return panel.rows(*args)

    monkeypatch.setitem(PANELS, "spread", panel._replace(rows=rows))
    picker, view = Picker(), ViewState(focus="spread")
    for key in ("e", *["down", "right", "up", "left"] * 50):
        view = picker.pressed(view, key, snapshot, (160, 45))
    assert len(made) == 1
    for n in range(3 * KEPT):
        picker.pressed(view, "down", snapshot, (160, 45 + n))
    assert len(picker._places) <= KEPT


async def test_the_app_explains_what_is_under_the_cursor_or_clicked(snapshot, monkeypatch):
    copied: list[str] = []
    base = replace(snapshot, explained={})

    class Desk(ScriptedDesk):
        def __init__(self) -> None:
            super().__init__([base])
            self.more: asyncio.Queue[Snapshot] = asyncio.Queue()

        def want(self, asked: Wants) -> None:
            super().want(asked)
            is_sheet = any(each.part is Part.FIGURE for each in asked)
            self.more.put_nowait(snapshot if is_sheet else base)

        async def listen(self):
            while True:
                yield await self.more.get()

    desk = Desk()
    app = RotationApp(lambda: desk, ViewState(focus="spread"))
    async with app.run_test(size=(160, 45)) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
        for key in ("enter", "enter", "down", "right", "enter"):
            app.press(key)
        assert "computing what spread.5.z rests on" in text_of(app.drawn())
        app.press("y")
        assert (copied, app.view.message) == ([], "nothing copied: still computing what spread.5.z rests on")
        while "spread.5.z" not in app.snapshot.explained:
            await pilot.pause(0.01)
        sheet = {Want(Part.FIGURE, "spread.5.z"), Want(Part.STORY), Want(Part.LINE, "spread.5.pp")}
        assert any(sheet <= asked for asked in desk.wants)
        assert "the inputs below give the same" in text_of(app.drawn())
        app.press("y")
        assert copied == [quoted_explanation(snapshot.explained["spread.5.z"])]
        assert app.view.message == "copied what spread.5.z rests on"
        app.press("escape")
        app.press("y")
        assert copied[-1].startswith("DEMO: Russell 2000")
        app.press("escape")
        app.press("escape")
        place = app.drawn().places["spread"]
        await pilot.pause()
        await pilot.click("#spread", offset=(12, 3))
        assert (app.view.figure, app.view.explains) == ("spread.5.pp", True)
        app.press("escape")
        app.press("escape")
        await pilot.pause()  # the widget has the place of the sheet until then
        await pilot.click("#spread", offset=(place.width - 3, place.height - 1))
        assert not app.view.figure
        await pilot.click("#legs", offset=(12, 2))
        assert (app.view.focus, app.view.figure) == ("legs", "")


def test_a_viewer_of_a_host_explains_a_figure_and_copies_that(snapshot):
    rooms, clock = Rooms(), Time()
    rooms.take(snapshot)
    visit = Visit(rooms, clock)
    visit.viewer.type(b"2\r\r")
    assert visit.viewer.view.figure == "spread.1.pp"
    visit.viewer.type(b"\x1b[B\x1b[C")
    assert visit.viewer.view.figure == "spread.5.z"
    visit.viewer.type(b"\r")
    visit.viewer.resize(120, 40)
    assert visit.viewer.view.explains
    visit.viewer.type(b"y")
    text = quoted_explanation(snapshot.explained["spread.5.z"])
    assert base64.b64encode(text.encode()) in b"".join(visit.writes)


def test_a_viewer_of_a_host_copies_nothing_while_a_sheet_is_computed(snapshot):
    rooms = Rooms()
    rooms.take(replace(snapshot, explained={}))
    visit = Visit(rooms, Time())
    visit.viewer.type(b"2\r\r\x1b[B\x1b[C\r")
    assert visit.viewer.view.explains
    visit.viewer.type(b"y")
    assert b"\x1b]52" not in b"".join(visit.writes)
    assert visit.viewer.view.message == "nothing copied: still computing what spread.5.z rests on"


@pytest.mark.parametrize(
    ("figure", "stays"), [("spread.10.z", False), ("spread.5.z", True), ("iwm.last", True)]
)
def test_a_figure_of_a_window_that_has_gone_is_not_waited_for(figure, stays):
    view = with_windows(ViewState(focus="spread", figure=figure, explains=True), (5, 10, 20))
    after = Applied("", windows=WindowsChange((5, 20), ())).on(view)
    assert (after.figure, after.explains) == ((figure, True) if stays else ("", False))
