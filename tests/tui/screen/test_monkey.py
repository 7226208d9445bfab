"""A monkey at the desk: any keys, any sizes, prices coming, the configuration changing under it.

CI has 500 keys of it; ``make monkey`` has 20,000 (``pytest -m monkey`` with ROTATION_TUI_MONKEY_KEYS).
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import resource
from datetime import date
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace

from rotation.context.explanation import Explained, Input, Unknown
from rotation.context.wants import NOTHING, ON_DEMAND, Part, Want, Wants, pairs_in
from rotation.desk import WINDOWS, DeskEvent, EventKind, LegList
from rotation.snapshot import PairView
from rotation.story.lines import line_of
from rotation.story.parts import with_parts
from tests.support.tui.scenes import ScriptedDesk, with_leg
from tui.screen.app import RotationApp
from tui.settings.file import read
from tui.settings.reload import ConfigWatch
from tui.view.keymap import ACTIONS
from tui.view.palette import matching
from tui.view.theme import names
from tui.view.view_state import CHARTS, FILTER_MAX, PANELS, SORTS, ViewState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rotation.snapshot import Snapshot
    from rotation.story.parts import Made

KEYS = int(os.environ.get("ROTATION_TUI_MONKEY_KEYS", "500"))
MANY_KEYS = 5_000
SEED = int(os.environ.get("ROTATION_TUI_MONKEY_SEED", "13"))
SIZES = [(160, 45), (80, 24), (120, 40), (40, 10), (200, 60), (39, 9), (100, 12), (300, 20), (1, 1)]
LEAVES = {"quit", "suspend"}
"""Actions that would end the desk or stop the tests."""
BOUND = [key for action in ACTIONS for key in action.keys if action.id not in LEAVES]
OTHERS = [*"aeimnvxyzÄ漢 $%&", "backspace", "enter", "escape", "f5", "ctrl+k", "é"]
FILES = [
    '[screen]\ntheme = "paper"\n',
    '[keys]\nzoom = "x"\n[screen]\ntheme = "mono"\n',
    "[keys]\nzoom = 5\n",
    '[[alerts]]\nwhen = "spread.5.pp > 10"\n',
    '[groups]\nbanks = ["KRE"]\n[screen]\ntheme = "colourblind"\n',
    "not TOML",
    "",
]
LINE_MADE = line_of([(date(2024, 1, day), float(day % 7 - 3)) for day in range(1, 29)])
EXPLAINED = Explained(
    "", None, None, "A figure.", "1 + 1", (Input("IWM", date(2024, 1, 2), 1.5, "x"),) * 9, None,
    unknown=Unknown.NO_PRICE, lacking=("IWM",), left_out=9,
)  # fmt: skip
GROWTH_MB = 40
"""What a run may add: the caches of rows and texts fill up, and then no more."""


class BusyDesk(ScriptedDesk):
    """A desk whose prices, pairs and events never stand still."""

    def __init__(self, snapshots: list[Snapshot], chance: random.Random) -> None:
        super().__init__(snapshots)
        self._chance = chance
        self.pairs: frozenset[str] = frozenset()
        self.parts: Wants = NOTHING
        self.asked: set[Part] = set()
        self.published = 0
        self.reloads = 0

    def want(self, asked: Wants) -> None:
        """As a desk with parts on demand: some of them come late, or never."""
        self.pairs = pairs_in(asked, ("IWN/IVW", "KRE/QQQ"))
        self.parts = asked
        self.asked |= {each.part for each in asked}

    def made(self) -> dict[Want, Made]:
        """Of the parts that are wanted those that are made."""
        known: dict[Want, Made] = {}
        for want in self.parts:
            if want.part is Part.LEGS:
                known[want] = dict.fromkeys(("IWM", "KRE"), LINE_MADE)
            elif want.part is Part.LINE:
                known[want] = {want.of: LINE_MADE}
            elif want.part is Part.FIGURE and self._chance.random() < 0.7:
                known[want] = replace(EXPLAINED, id=want.of)
        return known

    def set_alerts(self, alerts: object, *, awaits_desk: bool = False) -> None:
        """As a desk with alerts."""

    def note(self, kind: object, subject: str, text: str) -> None:
        """As a desk with alerts."""
        self.reloads += 1

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def listen(self):
        while True:
            yield self.next()
            await asyncio.sleep(0)

    def next(self) -> Snapshot:
        self.published += 1
        snapshot = self._chance.choice(self._snapshots)
        if snapshot.legs:
            symbol = self._chance.choice(list(snapshot.legs))
            snapshot = with_leg(snapshot, symbol, last=self._chance.uniform(0.01, 9999.0))
        events = tuple(
            DeskEvent(self.published + n, snapshot.as_of, self._chance.choice(list(EventKind)), "x", "x" * n)
            for n in range(self._chance.randrange(0, 60, 20))
        )
        view = PairView(snapshot.spread, snapshot.ratio, "a pair.", None, None)
        known = [name for name in ("IWN/IVW", "KRE/QQQ") if name in self.pairs]
        pairs = {"IWN/IVW": None, "KRE/QQQ": None, **dict.fromkeys(known, view)}
        lists = (LegList("", ("IWM", "QQQ")), LegList("banks", ("KRE", "X")), LegList("mine", ("DIA",), True))
        snapshot = msgspec.structs.replace(snapshot, events=events, pairs=pairs, lists=lists)
        return with_parts(snapshot, self.made())


def check(app: RotationApp) -> None:
    """Whether the view is one that can be drawn, and nothing has failed."""
    view = app.view
    assert app.failure is None
    assert view.focus in PANELS
    assert view.window in WINDOWS
    assert view.chart in CHARTS
    assert view.sort in SORTS
    assert view.theme in view.themes
    assert view.pair in ("", *view.pairs)
    assert view.list in ("", *view.lists)
    assert view.scroll >= 0
    assert len(view.filter) <= FILTER_MAX
    assert view.filter.isprintable()
    assert view.typing or not view.palette
    assert view.figure or not (view.explains or view.scroll_below)
    assert view.scroll_below >= 0
    assert 0 <= view.choice <= max(len(matching(view)) - 1, 0) or not view.palette
    drawn = app.drawn()
    width, height = app.size
    for name, place in drawn.places.items():
        assert len(drawn.rows[name]) == place.height
        assert 0 <= place.x <= place.x + place.width <= max(width, place.width)
        assert place.y + place.height <= max(height, place.height)


def strokes(chance: random.Random) -> Iterator[str]:
    while True:
        if chance.random() < 0.04:
            yield from [":", *chance.choice(["zoom", "theme", "pair", "list", "panel", "sort", "x"]), "enter"]
        elif chance.random() < 0.04:
            steps = chance.choices(["up", "down", "left", "right", "G", "g", "ctrl+d"], k=chance.randrange(9))
            yield from [chance.choice("123468912"), "e", *steps, "enter", chance.choice(["y", "j", "escape"])]
        else:
            yield chance.choice(BOUND if chance.random() < 0.8 else OTHERS)


@pytest.mark.monkey
@pytest.mark.timeout(7200)
async def test_any_keys_at_any_size_leave_a_desk_that_works(scenes, tmp_path, monkeypatch):
    monkeypatch.setattr("tui.screen.app.RELOAD_S", 0.02)
    monkeypatch.setattr("tui.screen.app.FRAME_S", 0.005)
    chance = random.Random(SEED)
    path = tmp_path / "config.toml"
    path.write_text(FILES[0])
    desk = BusyDesk(list(scenes.values()), chance)
    view = ViewState(themes=names(), pairs=("IWN/IVW", "KRE/QQQ"), lists=("mine",))

    def write(name: str, _data: bytes):
        return tmp_path / name

    app = RotationApp(lambda: desk, view, reload=ConfigWatch(path, read(path)).poll, export=write)
    pressed, before_kb, halfway = 0, 0, KEYS // 2
    async with app.run_test(size=SIZES[0]) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        for key in strokes(chance):
            action = app.view.keys.action_of(key)
            if action is not None and action.id in LEAVES and not app.view.typing:
                continue
            if app.view.palette and key == "enter" and _leaves(app.view):
                key = "escape"  # noqa: PLW2901 - the command found would end the desk
            app.press(key)
            pressed += 1
            if pressed % 7 == 0:
                await asyncio.sleep(0)
            if pressed % 25 == 0:
                await pilot.pause(0.001)
                check(app)
            if pressed % 60 == 0:
                await pilot.resize_terminal(*chance.choice(SIZES))
            if pressed % 90 == 0:
                path.write_text(chance.choice(FILES))
            if pressed == halfway:
                gc.collect()
                before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            if pressed >= KEYS:
                break
        await pilot.pause()
        check(app)
    gc.collect()
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1024
    assert app.return_code in (0, None)
    assert desk.published > pressed // 100
    assert desk.reloads > pressed // 1000
    # Few keys may not come by every part: whether a sheet was open long enough to be asked for is chance.
    assert desk.asked >= ON_DEMAND if KEYS >= MANY_KEYS else desk.asked & ON_DEMAND
    assert grown_mb < GROWTH_MB, f"{grown_mb:.0f} MB more after the second half of {pressed} keys"


def _leaves(view: ViewState) -> bool:
    from tui.view.palette import chosen

    entry = chosen(view)
    return entry is not None and entry.action in LEAVES
