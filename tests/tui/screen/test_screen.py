"""The screen as a person sees it: pictures at every size, and keys that do what they say."""

from __future__ import annotations

import asyncio
import threading
from importlib import import_module
from typing import TYPE_CHECKING

import msgspec
import pytest

from rotation.context.wants import Part, Want, pairs_in
from rotation.errors import InputError
from rotation.snapshot import PairView
from tests.support.fed import scenes as fed_scenes
from tests.support.paths import HANG_S
from tests.support.tui.scenes import ScriptedDesk, with_leg
from tui.output.text import quotation
from tui.panels.registry import MODULES
from tui.screen.app import FIRST, LATER, RotationApp
from tui.screen.line_panel import LinePanel
from tui.screen.picture import Still
from tui.screen.scene import EVERY_S, PacedScene
from tui.view.theme import names
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from textual.pilot import Pilot

    from rotation.snapshot import Snapshot

SIZES = [(160, 45), (120, 40), (80, 24), (40, 12)]


async def shown(pilot: Pilot[None], *keys: str) -> None:
    """Wait for the first snapshot, then press keys."""
    app = pilot.app
    assert isinstance(app, RotationApp)
    while app.snapshot is None:
        await pilot.pause(0.01)
    await pilot.press(*keys)
    await pilot.pause()


def text_of(app: RotationApp, panel: str) -> str:
    """The characters a panel has on screen."""
    widget = app.query_one(f"#{panel}", LinePanel)
    return "\n".join(widget.render_line(y).text for y in range(widget.size.height))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", ["live", "cached"])
def test_the_desk(
    scene: str, size: tuple[int, int], scenes: dict[str, Snapshot], snap_compare: Callable[..., bool]
) -> None:
    app = RotationApp(lambda: Still(scenes[scene]), ViewState(themes=names()))
    assert snap_compare(app, terminal_size=size, run_before=shown)


@pytest.mark.parametrize("keys", [("?",), ("3", "z"), ("2", "enter", "]")], ids=["help", "ratio", "spread"])
def test_zoomed_and_help(
    keys: tuple[str, ...], scenes: dict[str, Snapshot], snap_compare: Callable[..., bool]
) -> None:
    app = RotationApp(lambda: Still(scenes["live"]), ViewState(themes=names()))
    assert snap_compare(app, terminal_size=(80, 24), run_before=lambda pilot: shown(pilot, *keys))


@pytest.mark.parametrize("theme", names())
def test_themes(theme: str, scenes: dict[str, Snapshot], snap_compare: Callable[..., bool]) -> None:
    app = RotationApp(lambda: Still(scenes["live"]), ViewState(theme=theme, themes=names()))
    assert snap_compare(app, terminal_size=(80, 24), run_before=shown)


async def test_keys_move_the_view(scenes: dict[str, Snapshot]) -> None:
    app = RotationApp(lambda: Still(scenes["live"]), ViewState(themes=names()))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        assert "2 Spread" in text_of(app, "spread")
        await pilot.press("3")
        await pilot.pause()
        assert app.query_one("#spread").region.area == 0
        assert "today" in text_of(app, "ratio")
        await pilot.press(*["tab"] * 7, "enter")
        await pilot.pause()
        assert app.view.focus == "legs"
        assert app.query_one("#legs").size.height == 24 - 4 - 1
        await pilot.press("escape", "]")
        assert (app.view.zoomed, app.view.window) == (False, 20)
        assert "20d since" in text_of(app, "legs")
        await pilot.press("question_mark")
        await pilot.pause()
        assert "Keys" in text_of(app, "help")
        await pilot.press("slash", *"midrank")
        await pilot.pause()
        assert "midrank" in text_of(app, "help")
        assert "Shift+Tab" not in text_of(app, "help")
        await pilot.press("q")
        assert app.is_running
        assert app.view.filter == "midrankq"
        await pilot.press("escape", "escape", "q")
    assert app.return_code == 0


async def test_a_click_focuses_and_the_wheel_scrolls(scenes: dict[str, Snapshot]) -> None:
    app = RotationApp(lambda: Still(scenes["live"]), ViewState(themes=names()))
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        await pilot.click("#health")
        assert app.view.focus == "health"
        await pilot.click("#ribbon")
        assert app.view.focus == "health"


async def test_pause_freezes_the_screen_while_data_goes_on(scenes: dict[str, Snapshot]) -> None:
    app = RotationApp(lambda: Still(scenes["live"]), ViewState(themes=names()))
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot, "space")
        later = with_leg(scenes["live"], "IWM", last=999.99)
        app.take(later)
        await pilot.pause()
        assert "PAUSED" in text_of(app, "ribbon")
        assert "999.99" not in text_of(app, "legs")
        await pilot.press("t")
        assert "999.99" not in text_of(app, "legs")
        await pilot.press("space")
        await pilot.pause()
        assert "PAUSED" not in text_of(app, "ribbon")
        assert "999.99" in text_of(app, "legs")


async def test_only_changed_cells_are_refreshed(
    scenes: dict[str, Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [0.0]
    paced = PacedScene(lambda: now_s[0])
    app = RotationApp(lambda: Still(scenes["live"]), ViewState(themes=names()), paced)
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        asked: list[tuple[str | None, int]] = []
        plain = LinePanel.refresh

        def refresh(self: LinePanel, *regions: object, **more: object) -> object:
            asked.append((self.id, sum(region.area for region in regions) if regions else -1))
            return plain(self, *regions, **more)

        monkeypatch.setattr(LinePanel, "refresh", refresh)
        app.take(scenes["live"])
        assert asked == []
        now_s[0] += 1.0
        app.take(with_leg(scenes["live"], "QQQ", last=495.44))
        assert [panel for panel, _ in asked] == ["legs"]
        assert 0 < asked[0][1] <= 10


@pytest.mark.parametrize(
    "key_and_call", [("H", "hold"), ("<", "slower"), (">", "faster"), (",", -300.0), (".", 300.0)]
)
async def test_tape_keys_reach_the_tape(
    key_and_call: tuple[str, object], scenes: dict[str, Snapshot]
) -> None:
    key, call = key_and_call
    desk = ScriptedDesk([scenes["live"]])
    app = RotationApp(lambda: desk, ViewState(themes=names()))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        app.press(key)
        assert desk.controls.asked == [call]


async def test_any_size_at_any_time(scenes: dict[str, Snapshot]) -> None:
    app = RotationApp(lambda: Still(scenes["live"]), ViewState(themes=names()))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        for size in [(40, 12), (39, 9), (1, 1), (300, 100), (100, 24), (99, 23), (80, 24)]:
            await pilot.resize_terminal(*size)
            await pilot.pause()
            for widget in app.query(LinePanel):
                for y in range(widget.size.height):
                    assert widget.render_line(y).cell_length == widget.size.width, (size, widget.id)
        assert "1 Legs" in text_of(app, "legs")


async def test_the_copied_headline_carries_source_and_time(scenes: dict[str, Snapshot]) -> None:
    app = RotationApp(lambda: Still(scenes["live"]), ViewState(themes=names()))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, "y")
        assert app.clipboard == quotation(scenes["live"])
    assert app.clipboard.startswith("DEMO: Russell 2000 (IWM) +1.88 %")
    assert "built-in demo" in app.clipboard
    assert "as of 2024-07-16 14:39:58 UTC" in app.clipboard


@pytest.mark.parametrize("error", [InputError("IWM.csv, line 3: close is x"), RuntimeError("boom")])
async def test_what_fails_behind_the_screen_ends_it_and_is_kept(error: Exception) -> None:
    def fail() -> Still:
        raise error

    app = RotationApp(fail, ViewState(themes=names()))
    async with app.run_test(size=(80, 24)) as pilot:
        while app.is_running:
            await pilot.pause(0.01)
    assert app.failure is error
    assert app.return_code == 1


async def test_an_error_while_painting_ends_it_without_a_page_of_locals(
    scenes: dict[str, Snapshot], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    app = RotationApp(lambda: Still(scenes["live"]), ViewState(themes=names()))
    boom = RuntimeError("boom")

    def broken(*_: object) -> None:
        raise boom

    with pytest.raises(RuntimeError, match="boom"):  # noqa: PT012 - run_test raises as its block ends
        async with app.run_test(size=(80, 24)) as pilot:
            await shown(pilot)
            monkeypatch.setattr(RotationApp, "_look", broken)
            await pilot.press("t")
    assert app.failure is boom
    assert app.return_code == 1
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("zoomed", [False, True], ids=["desk", "zoomed"])
def test_the_fed(
    size: tuple[int, int], zoomed: bool, scenes: dict[str, Snapshot], snap_compare: Callable[..., bool]
) -> None:
    snapshot = msgspec.structs.replace(scenes["live"], mode="", fed=fed_scenes.july())
    app = RotationApp(lambda: Still(snapshot), ViewState(themes=names(), focus="fed", zoomed=zoomed))
    assert snap_compare(app, terminal_size=size, run_before=shown)


@pytest.mark.parametrize(
    ("scene", "as_of"), [("offline", fed_scenes.NOW), ("hike", fed_scenes.HIKE_NOW)], ids=["offline", "hike"]
)
def test_the_fed_in_other_weather(
    scene: str, as_of: datetime, scenes: dict[str, Snapshot], snap_compare: Callable[..., bool]
) -> None:
    fed = fed_scenes.all_scenes()[scene]
    snapshot = msgspec.structs.replace(scenes["live"], mode="", as_of=as_of, fed=fed)
    app = RotationApp(lambda: Still(snapshot), ViewState(themes=names(), focus="fed"))
    assert snap_compare(app, terminal_size=(120, 40), run_before=shown)


async def test_p_shows_the_next_pair_and_tells_the_desk(scenes: dict[str, Snapshot]) -> None:
    desk = PairedDesk(scenes)
    app = RotationApp(lambda: desk, ViewState(themes=names(), pairs=("IWN/IVW", "KRE/QQQ")))
    async with app.run_test(size=(160, 45)) as pilot:
        await shown(pilot)
        assert "pair 1/3" in text_of(app, "keys")
        await pilot.press("p")
        assert desk.asked == [frozenset(), frozenset({"IWN/IVW"})]
        assert "IWN against IVW" in text_of(app, "spread")
        assert "no figures in the Snapshot" in text_of(app, "ribbon"), "until the market has made them"
        app.take(with_pair(scenes["live"], "IWN/IVW", scenes["closed"]))
        await pilot.pause()
        assert scenes["closed"].headline[:60] in " ".join(text_of(app, "ribbon").split())
        assert "pair 2/3" in text_of(app, "keys")
        await pilot.press("P", "P")
        assert desk.asked[2:] == [frozenset(), frozenset({"KRE/QQQ"})]
        await pilot.press("p")
        assert app.view.pair == ""
        assert "IWM against QQQ" in text_of(app, "spread")


async def test_a_pair_chosen_while_the_desk_opens_is_asked_for_once_it_is_open(
    scenes: dict[str, Snapshot],
) -> None:
    desk, may_open = PairedDesk(scenes), threading.Event()

    def opened() -> PairedDesk:
        may_open.wait()
        return desk

    app = RotationApp(opened, ViewState(themes=names(), pairs=("IWN/IVW", "KRE/QQQ")))
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.press("p")
        may_open.set()
        await shown(pilot)
    assert desk.asked == [frozenset({"IWN/IVW"})]


async def test_the_commands_find_and_run_what_the_screen_can_do(scenes: dict[str, Snapshot]) -> None:
    desk = ScriptedDesk([scenes["live"]])
    app = RotationApp(lambda: desk, ViewState(themes=names()))
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, "colon", *"paper")
        assert "▸ theme paper" in text_of(app, "palette")
        await pilot.press("enter")
        assert (app.view.theme, app.view.palette, app.view.typing) == ("paper", False, False)
        await pilot.press("ctrl+p", *"hold", "enter")
        assert desk.controls.asked == ["hold"]
        await pilot.press("colon", *"copy", "enter")
        assert app.view.message.startswith("copied")
        await pilot.press("colon", *"quit", "enter")
    assert app.return_code == 0


async def test_without_a_tape_no_command_moves_one(scenes: dict[str, Snapshot]) -> None:
    desk = ScriptedDesk([scenes["live"]])
    app = RotationApp(lambda: desk, ViewState(themes=names()))
    async with app.run_test(size=(100, 30)) as pilot:
        await shown(pilot, "colon", *"tape")
        assert "hold" in text_of(app, "palette")
        await pilot.press("escape")
        desk.controls = None  # type: ignore[assignment] # as of a live desk
        await pilot.press("colon", *"tape")
        assert "hold" not in text_of(app, "palette")
        await pilot.press("escape", "colon", *"colours")
        assert "more or fewer" not in text_of(app, "palette"), "the terminal's own are known here"


async def test_a_sorted_list_does_not_move_under_the_reader(scenes: dict[str, Snapshot]) -> None:
    app = RotationApp(lambda: ScriptedDesk([scenes["live"]]), ViewState(themes=names()))
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot, "s", "s")
        assert app.view.sort == "day"
        first = text_of(app, "legs").splitlines()[2].split()[1]
        assert first == "IWM"
        leg = scenes["live"].legs["QQQ"]
        later = with_leg(scenes["live"], "QQQ", return_pct={**leg.return_pct, "1": 99.0})
        app.take(later)
        await pilot.pause(0.3)
        app.take(later)
        await pilot.pause()
        assert "+99.00" in text_of(app, "legs")
        assert text_of(app, "legs").splitlines()[2].split()[1] == "IWM"
        await pilot.press("2")
        assert text_of(app, "legs").splitlines()[2].split()[1] == "QQQ"


class PairedDesk(ScriptedDesk):
    """Two more pairs, which nobody has computed yet."""

    def __init__(self, scenes: dict[str, Snapshot]) -> None:
        super().__init__([msgspec.structs.replace(scenes["live"], pairs={"IWN/IVW": None, "KRE/QQQ": None})])

    @property
    def asked(self) -> list[frozenset[str]]:
        """The pairs of each time that it was asked."""
        return [pairs_in(each, ("IWN/IVW", "KRE/QQQ")) for each in self.wants]


async def test_the_graph_is_asked_for_only_while_it_is_on_screen(scenes: dict[str, Snapshot]) -> None:
    desk = ScriptedDesk([scenes["live"]])
    app = RotationApp(lambda: desk, ViewState(themes=names()))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        for key in ("8", "z", "1"):
            await pilot.press(key)
            await pilot.pause()
        assert [Want(Part.GRAPH) in each for each in desk.wants] == [False, True, False]


def with_pair(snapshot: Snapshot, name: str, other: Snapshot) -> Snapshot:
    view = PairView(other.spread, other.ratio, other.headline, other.headline_status, other.data_as_of)
    return msgspec.structs.replace(snapshot, pairs={**snapshot.pairs, name: view})


class HeldDesk(ScriptedDesk):
    """Notes how long it was told to rest, and when it gives way to a key."""

    def __init__(self, snapshots: list[Snapshot]) -> None:
        super().__init__(snapshots)
        self.rests: list[float] = []
        self.turns: list[str] = []

    def rest(self, seconds: float) -> None:
        self.rests.append(seconds)

    def give_way(self) -> None:
        self.turns.append("give way")

    def go_on(self) -> None:
        self.turns.append("go on")


async def test_a_desk_rests_until_its_figures_are_due_also_while_the_screen_is_paused(
    scenes: dict[str, Snapshot],
) -> None:
    later = with_leg(scenes["live"], "QQQ", last=1.0)
    desk = HeldDesk([scenes["live"], later])
    app = RotationApp(lambda: desk, ViewState(themes=names(), paused=True), PacedScene(lambda: 1.0))
    async with app.run_test(size=(80, 24)) as pilot:
        while len(desk.rests) < 2:
            await pilot.pause(0.01)
    desk_of_drawn = HeldDesk([scenes["live"], later])
    app = RotationApp(lambda: desk_of_drawn, ViewState(themes=names()), PacedScene(lambda: 1.0))
    async with app.run_test(size=(80, 24)) as pilot:
        while len(desk_of_drawn.rests) < 2:
            await pilot.pause(0.01)
    assert desk.rests == desk_of_drawn.rests == [EVERY_S["figures"]] * 2


async def test_the_desk_is_opened_as_soon_as_the_first_frame_is_out(scenes: dict[str, Snapshot]) -> None:
    opened = threading.Event()
    after_frame = list[bool]()

    class Watched(RotationApp):
        def post_display_hook(self) -> None:
            assert after_frame or not opened.is_set(), "before the first frame"
            super().post_display_hook()
            after_frame.append(self._live_task is not None)

    def open_desk() -> Still:
        opened.set()
        return Still(scenes["live"])

    app = Watched(open_desk, ViewState(themes=names()))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
    assert after_frame[0]


async def test_figures_that_come_while_the_screen_closes_are_let_go(scenes: dict[str, Snapshot]) -> None:
    app = RotationApp(lambda: Still(scenes["live"]), ViewState(themes=names()), PacedScene(lambda: 1e9))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
    assert not app.screen_stack
    app.snapshot = None
    app._paint()
    app.take(with_leg(scenes["live"], "QQQ", last=1.0))


async def test_what_the_first_figures_do_not_need_is_imported_after_them(
    scenes: dict[str, Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()
    monkeypatch.setattr(
        "tui.panels.registry.import_module", lambda name: asked.append(name) or import_module(name)
    )
    monkeypatch.setattr(
        "tui.screen.app.import_module", lambda name: asked.append(name) or import_module(name)
    )
    before = set[str]()

    def open_desk() -> Still:
        before.update(asked)
        return Still(scenes["live"])

    app = RotationApp(open_desk, ViewState(themes=names()))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        while not {*LATER, *MODULES.values()} <= {*asked}:
            await pilot.pause(0.05)
    assert {MODULES["ribbon"], MODULES["legs"], *FIRST} <= before
    assert not {MODULES["graph"], MODULES["help"], *LATER} & before


async def test_a_desk_gives_way_to_a_key_until_that_is_painted(scenes: dict[str, Snapshot]) -> None:
    desk = HeldDesk([scenes["live"]])
    app = RotationApp(lambda: desk, ViewState(themes=names()))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await pilot.pause(0.1)
        desk.turns.clear()
        app.post_display_hook()
        assert desk.turns == [], "a frame without a key"
        app.terminal_typed()
        app.press("3")
        assert desk.turns == ["give way"]
        while len(desk.turns) < 2:
            await pilot.pause(0.01)
        await pilot.pause(0.1)
    assert desk.turns == ["give way", "go on"]


async def test_a_desk_gives_way_to_newer_figures_until_they_are_painted(scenes: dict[str, Snapshot]) -> None:
    desk = HeldDesk([scenes["live"]])
    now_s = 0.0
    app = RotationApp(lambda: desk, ViewState(themes=names()), PacedScene(lambda: now_s))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await pilot.pause(0.1)
        desk.turns.clear()
        now_s = 10.0
        app.take(scenes["live"])
        await pilot.pause(0.1)
        assert desk.turns == [], "nothing is painted that has not changed"
        app.take(with_leg(scenes["live"], "IWM", last=222.0))
        assert desk.turns == ["give way"]
        while len(desk.turns) < 2:
            await pilot.pause(0.01)
        await pilot.pause(0.1)
    assert desk.turns == ["give way", "go on"]


async def test_figures_that_are_painted_before_a_key_do_not_end_its_wait(scenes: dict[str, Snapshot]) -> None:
    desk = HeldDesk([scenes["live"]])
    now_s = 0.0
    app = RotationApp(lambda: desk, ViewState(themes=names()), PacedScene(lambda: now_s))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await pilot.pause(0.1)
        desk.turns.clear()
        now_s = 10.0
        app.terminal_typed()
        app.take(with_leg(scenes["live"], "IWM", last=222.0))
        await pilot.pause(0.1)
        assert desk.turns == ["give way"], "the key is still to come"
        app.press("3")
        while len(desk.turns) < 2:
            await pilot.pause(0.01)
        await pilot.pause(0.1)
        assert desk.turns == ["give way", "go on"]
        now_s = 20.0
        app.take(with_leg(scenes["live"], "IWM", last=223.0))
        assert desk.turns[2:] == ["give way"], "the key has been answered"


async def test_a_key_between_newer_figures_and_their_frame_waits_for_its_own(
    scenes: dict[str, Snapshot],
) -> None:
    desk = HeldDesk([scenes["live"]])
    now_s = 0.0
    app = RotationApp(lambda: desk, ViewState(themes=names()), PacedScene(lambda: now_s))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await pilot.pause(0.1)
        desk.turns.clear()
        now_s = 10.0
        app.take(with_leg(scenes["live"], "IWM", last=222.0))
        app.terminal_typed()
        await pilot.pause(0.1)
        assert desk.turns == ["give way", "give way"], "the key is still to come"
        app.press("3")
        await pilot.pause(0.1)
        assert desk.turns == ["give way", "give way", "go on"]


async def test_a_snapshot_is_taken_when_figures_are_due_though_another_was_just_before(
    scenes: dict[str, Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screen.app.FRAME_S", 3_600.0)
    desk = HeldDesk([scenes["live"], with_leg(scenes["live"], "IWM", last=222.0)])
    app = RotationApp(lambda: desk, ViewState(themes=names()))
    async with app.run_test(size=(80, 24)) as pilot, asyncio.timeout(HANG_S):
        while len(desk.rests) < 2:
            await pilot.pause(0.01)


async def test_the_program_is_told_when_the_first_figures_are_on_screen(scenes: dict[str, Snapshot]) -> None:
    gate, progress = asyncio.Event(), []

    class Waiting(ScriptedDesk):
        async def listen(self):
            await gate.wait()
            for snapshot in (scenes["live"], scenes["live"]):
                yield snapshot

    app = RotationApp(lambda: Waiting([]), ViewState(themes=names()))
    app.on_opened = lambda: progress.append(app.snapshot)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.05)
        assert progress == []
        gate.set()
        while not progress:
            await pilot.pause(0.01)
        await pilot.pause(0.1)
    assert progress == [scenes["live"]]
