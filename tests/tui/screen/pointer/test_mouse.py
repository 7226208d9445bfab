"""The mouse: a footer's cell does what its key does, and the wheel scrolls what is under the pointer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest
from textual.events import MouseScrollDown, MouseScrollUp

from tests.support.pty_terminal import COMMAND, Terminal, own_home
from tests.support.ssh_scenes import Time, Visit
from tests.support.tui import pages
from tui.panels import keys
from tui.screen.app import RotationApp
from tui.screen.exporter import text_of
from tui.screen.picture import Still
from tui.screen.scene import scene
from tui.ssh.rooms.rooms import Rooms
from tui.view.keymap import DEFAULT_KEYS
from tui.view.view_state import ViewState, focused, reduce, scroll_of, wheeled

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from rotation.snapshot import Snapshot

SIZE = (160, 45)


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return pages.snapshot()


async def on_screen(pilot: Pilot[None]) -> RotationApp:
    app = pilot.app
    assert isinstance(app, RotationApp)
    while app.snapshot is None:
        await pilot.pause(0.01)
    await pilot.pause()
    return app


def shown(app: RotationApp, panel: str) -> list[str]:
    return ["".join(text for text, _ in row) for row in app.drawn().rows[panel]]


def places(snapshot: Snapshot | None, view: ViewState, width: int) -> dict[str, int]:
    """Each hint of the footer by what it says, and its first column."""
    starts, x = {}, 0
    for hint in keys.hints(snapshot, view, width):
        starts[hint.says.split(" ")[0]] = x
        x += hint.cells
    return starts


@pytest.mark.parametrize(
    "view",
    [
        ViewState(),
        ViewState(help=True),
        ViewState(palette=True, typing=True),
        ViewState(typing=True),
        ViewState(focus="spread", figure="spread.5.pp"),
        ViewState(figure="spread.5.pp", explains=True),
        ViewState(ascii=True),
        ViewState(keys=DEFAULT_KEYS.rebound({"chart": ("x",), "shorter": ("ö",), "theme": ()})),
        ViewState(pairs=("IWN/IVW",), lists=("rates",)),
    ],
    ids=["desk", "help", "commands", "search", "figure", "sheet", "ascii", "rebound", "pairs"],
)
def test_every_column_of_the_footer_presses_the_key_that_stands_there(snapshot, view):
    """What is written is what is pressed: each key's own cells, and those of its words."""
    width = 160
    row = keys.rows(snapshot, view, width, 1)[0]
    assert "".join(text for text, _ in row) == "".join(
        f" {hint.shown} {hint.says} " for hint in keys.hints(snapshot, view, width)
    )
    x = 0
    for hint in keys.hints(snapshot, view, width):
        assert hint.keys, hint
        assert len(hint.keys) in (1, len(hint.shown.split(" "))), hint
        at = x + 1
        for n, word in enumerate(hint.shown.split(" ")):
            pressed = {keys.clicked(snapshot, view, width, at + i) for i in range(len(word))}
            assert pressed == {hint.keys[n if len(hint.keys) > 1 else 0]}, (hint, word)
            at += len(word) + 1
        assert keys.clicked(snapshot, view, width, x + hint.cells - 1) == hint.keys[-1]
        x += hint.cells
    assert keys.clicked(snapshot, view, width, x) == ""
    assert keys.clicked(snapshot, msgspec.structs.replace(view, message="copied"), width, 1) == ""


async def test_a_click_on_the_footer_does_what_the_key_does(snapshot):
    app = RotationApp(lambda: Still(snapshot), ViewState(themes=("midnight", "paper")))
    async with app.run_test(size=SIZE) as pilot:
        await on_screen(pilot)

        async def click(says: str, more: int = 1) -> None:
            at = places(app.snapshot, app.view, SIZE[0])[says]
            await pilot.click("#keys", offset=(at + more, 0))

        assert app.view.message.startswith("ALERT"), "in the place of the footer"
        await pilot.click("#keys", offset=(3, 0))
        assert (app.view.message, app.view.focus) == ("", "legs"), "a click takes it away, and does no more"
        await click("window", 3)
        assert app.view.window == 20
        await click("window")
        assert app.view.window == 5
        await click("panel")
        assert app.view.focus == "spread"
        await click("zoom")
        assert app.view.zoomed
        await click("figures")
        assert app.view.figure
        await click("back")
        assert not app.view.figure
        await click("theme")
        assert app.view.theme == "paper"
        await click("help")
        assert app.view.help
        await click("find")
        assert app.view.typing
        await click("clear")
        assert app.view.help
        assert not app.view.typing
        await click("close")
        assert not app.view.help
        await click("pause")
        assert app.view.paused
        await click("quit")
    assert app.return_code == 0


def roll(app: RotationApp, panel: str, *, up: bool = False, times: int = 1) -> None:
    """Turn the wheel over a panel, through the screen as the terminal does."""
    region = app.query_one(f"#{panel}").region
    of = MouseScrollUp if up else MouseScrollDown
    for _ in range(times):
        x, y = region.x + 3, region.y + min(2, region.height - 1)
        app.screen.post_message(of(None, x, y, 0, 1 if not up else -1, 0, False, False, False, x, y))


async def test_the_wheel_scrolls_the_panel_under_the_pointer(snapshot):
    """Not the one in focus, which keeps its place; at its ends a panel stays, and turns at once."""
    app = RotationApp(lambda: Still(snapshot), ViewState(focus="fed"))
    async with app.run_test(size=(120, 40)) as pilot:
        await on_screen(pilot)
        before = {panel: shown(app, panel) for panel in ("fed", "spread")}
        assert "↓" in before["spread"][0], "more than fits"
        roll(app, "spread")
        await pilot.pause()
        after = shown(app, "spread")
        assert after[1:-2] == before["spread"][2:-1]
        assert "↑" in after[0]
        assert (app.view.focus, app.view.scroll) == ("fed", 0)
        assert shown(app, "fed") == before["fed"]
        roll(app, "spread", times=60)
        await pilot.pause()
        at_end = shown(app, "spread")
        assert "↓" not in at_end[0]
        roll(app, "spread", up=True)
        await pilot.pause()
        assert shown(app, "spread") != at_end, "no notch beyond the end has to be taken back"
        roll(app, "spread", up=True, times=60)
        await pilot.pause()
        assert shown(app, "spread") == before["spread"]
        assert app.view.beside == ()
        roll(app, "keys")
        roll(app, "ribbon")
        await pilot.pause()
        assert (app.view.beside, app.view.scroll) == ((), 0)


async def test_the_wheel_scrolls_what_is_in_focus_and_help_too(snapshot):
    app = RotationApp(lambda: Still(snapshot), ViewState(focus="spread", beside=(("legs", 1),)))
    async with app.run_test(size=(120, 40)) as pilot:
        await on_screen(pilot)
        roll(app, "spread")
        await pilot.pause()
        assert (app.view.scroll, app.view.beside) == (1, (("legs", 1),))
        app.press("?")
        await pilot.pause()
        roll(app, "help", times=3)
        await pilot.pause()
        assert app.view.scroll == 3
        app.press("/")
        await pilot.pause()
        roll(app, "help")
        await pilot.pause()
        assert app.view.scroll == 0, "what is being typed is not scrolled away"


def test_a_panel_that_comes_into_focus_stays_where_the_wheel_has_left_it():
    view = wheeled(ViewState(focus="legs"), "spread", 1, 5)
    view = wheeled(view, "spread", 2, 5)
    assert scroll_of(view, "spread") == 3
    for after in (focused(view, "spread"), reduce(view, "2"), reduce(view, "tab")):
        assert (after.focus, after.scroll, after.beside) == ("spread", 3, ())
    assert scroll_of(wheeled(view, "spread", 9, 4), "spread") == 4
    assert wheeled(view, "spread", -9, 5).beside == ()


def test_viewers_of_a_host_who_share_a_room_share_what_is_scrolled(snapshot):
    """A hosted terminal reports no mouse; the view that could be scrolled is drawn as the desk draws it."""
    rooms = Rooms()
    rooms.take(snapshot)
    view = ViewState(beside=(("spread", 2),))
    visit = Visit(rooms, Time(), size=(120, 40), view=view)
    assert visit.viewer._room.scene.rows == scene(snapshot, view, 120, 40).rows
    assert len(visit.viewer._room.scene.rows["spread"]) > 2
    top = scene(snapshot, ViewState(), 120, 40).rows["spread"]
    assert visit.viewer._room.scene.rows["spread"] != top


@pytest.fixture
def demo(tmp_path):
    env = own_home(tmp_path)
    with Terminal([COMMAND, "demo", "--speed", "60"], env=env) as terminal:
        terminal.see("Russell 2000 (IWM)")
        yield terminal


def test_a_terminal_s_mouse_reports_reach_the_footer_and_the_panel_under_them(demo):
    """Clicks and notches as an xterm sends them (SGR 1006), through the program's own driver."""
    demo.wait(lambda t: "? help" in t.text, "the footer")
    lines = demo.text.splitlines()
    y = next(n for n, line in enumerate(lines) if "? help" in line)
    x = lines[y].index("? help")
    demo.press(f"\x1b[<0;{x + 1};{y + 1}M\x1b[<0;{x + 1};{y + 1}m")
    demo.wait(lambda t: "/ to find" in t.text and "Keys" in t.text, "help by a click")
    top = demo.text.splitlines()[5]
    demo.press("\x1b[<65;20;12M" * 3)
    demo.wait(lambda t: t.text.splitlines()[5] != top, "the wheel to scroll help")


class Never(Still):
    """A desk that has no figures yet."""

    async def listen(self):
        await asyncio.Event().wait()
        yield self


@pytest.mark.parametrize("size", [(160, 45), (80, 24), (40, 12)])
async def test_help_needs_no_figures(snapshot, size):
    """Keys and legends are read while the first prices are on their way; so are the commands."""
    app = RotationApp(lambda: Never(snapshot), ViewState())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.press("?")
        await pilot.pause()
        assert app.snapshot is None
        assert "go to the panel" in text_of(app.drawn())
        assert "close" in shown(app, "keys")[0]
        app.press("/")
        for key in "midrank":
            app.press(key)
        assert "all settled values before" in " ".join(" ".join(shown(app, "help")).split()).replace("│ ", "")
        for key in ("escape", "/", *"midrank", "enter", "G"):
            app.press(key)
        await pilot.pause()
        assert "first prices are on screen" in " ".join(" ".join(shown(app, "help")).split()).replace(
            "│ ", ""
        )
        for key in ("escape", "escape", ":"):
            app.press(key)
        await pilot.pause()
        assert "zoom" in " ".join(shown(app, "palette"))
        app.press("escape")
        await pilot.pause()
        assert "opening…" in text_of(app.drawn())


def test_a_viewer_of_a_host_reads_help_before_the_first_figures_and_no_keys_of_a_shell():
    rooms = Rooms()
    view = ViewState(scopes=frozenset({"view", "app", "host"}))
    time = Time()
    visit = Visit(rooms, time, size=(160, 45), view=view)
    visit.viewer.type(b"?")
    time.pass_(1.0)
    text = visit.screen.text
    assert "Shift+Tab" in text
    assert "more or fewer colours" in text
    assert "back to the shell" not in text
