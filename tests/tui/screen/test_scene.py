"""Panels are drawn no more often than a person reads, and the last value always."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rotation.context.wants import Part
from rotation.snapshot import PairView
from tests.support.tui.scenes import with_leg
from tui.panels.registry import PANELS
from tui.screen.app import RotationApp
from tui.screen.picture import Still
from tui.screen.scene import CHARTS, EVERY_S, INPUTS, PacedScene, contents_of, draw_panel, scene
from tui.view.theme import names
from tui.view.view_state import CHARTS as LINES
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.snapshot import Snapshot

VIEWS = [
    ViewState(),
    ViewState(focus="fed", zoomed=True),
    ViewState(help=True, filter="z"),
    *(ViewState(chart=line) for line in LINES),
]
SIZES = [(160, 45), (120, 40), (80, 24), (40, 12)]
PARTS = (
    "legs",
    "spread",
    "ratio",
    "value_growth",
    "fed",
    "health",
    "headline",
    "connection",
    "mode",
    "phase",
)


class Reading:
    """A snapshot that remembers what was read of it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> object:
        self.read.add(name)
        return getattr(self.snapshot, name)


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_reads_no_more_of_a_snapshot_than_is_listed(scenes, name):
    read = set()
    for snapshot in scenes.values():
        for view in VIEWS:
            for width, height in SIZES:
                reading = Reading(snapshot)
                contents_of(PANELS[name], reading, view, width, height)  # type: ignore[arg-type]
                read |= reading.read
    assert read <= set(INPUTS[name])


def mixed(scenes: dict[str, Snapshot], parts: Sequence[str], price: float, seconds: int) -> Snapshot:
    """The live scene later on, with these parts of the closed one, and a price."""
    parted = {name: getattr(scenes["closed"], name) for name in parts if name != "legs"}
    legs = scenes["closed"].legs if "legs" in parts else scenes["live"].legs
    as_of = scenes["live"].as_of + timedelta(seconds=seconds)
    snapshot = msgspec.structs.replace(scenes["live"], legs=legs, as_of=as_of, **parted)
    return with_leg(snapshot, "IWM", last=price)


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.05, 0.1, 0.3, 1.5]),
        st.lists(st.sampled_from(PARTS), max_size=3),
        st.sampled_from([221.28, 221.29, 225.0]),
        st.integers(0, 2),
        st.sampled_from(VIEWS[:4] + [VIEWS[0]] * 8),
        st.sampled_from([SIZES[0]] * 8 + SIZES[1:]),
    ),
    min_size=1,
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_after_the_market_goes_quiet_the_screen_is_a_fresh_drawing(scenes, steps):
    """As the app does it: the scene is asked for at each snapshot, and again when it says so."""
    now_s, shown, wanted = 0.0, None, []
    paced = PacedScene(lambda: now_s)
    for wait_s, parts, price, seconds, view, (width, height) in steps:
        until_s = now_s + wait_s
        while wanted and paced.wait_s is not None and now_s + paced.wait_s <= until_s:
            now_s += paced.wait_s
            shown = paced.scene(*wanted)
        now_s = until_s
        wanted = [mixed(scenes, parts, price, seconds), view, width, height]
        shown = paced.scene(*wanted)
        assert shown.places == scene(*wanted).places
    for _ in EVERY_S:
        if paced.wait_s is not None:
            now_s += paced.wait_s
            shown = paced.scene(*wanted)
    assert paced.wait_s is None
    assert shown == scene(*wanted)


def test_figures_four_times_a_second_charts_once(scenes, monkeypatch):
    drawn: Counter[str] = Counter()

    def draw(name, *rest):
        drawn[name] += 1
        return draw_panel(name, *rest)

    monkeypatch.setattr("tui.screen.scene.draw_panel", draw)
    now_s = 0.0
    paced = PacedScene(lambda: now_s)
    other = mixed(scenes, PARTS, 225.0, 1)
    for tick in range(1_000):
        now_s = tick / 100
        paced.scene((scenes["live"], other)[tick % 2], ViewState(), 160, 45)
    figures = {name for name in drawn if name not in CHARTS}
    assert figures >= {"ribbon", "legs", "spread", "health", "fed"}
    assert all(38 <= drawn[name] <= 41 for name in figures - {"keys"})
    assert 9 <= drawn["ratio"] <= 11
    assert drawn["keys"] <= 41


def test_what_has_not_changed_is_not_drawn_again(scenes, monkeypatch):
    now_s = 0.0
    paced = PacedScene(lambda: now_s)
    before = paced.scene(scenes["live"], ViewState(), 160, 45)
    now_s = 5.0
    later = with_leg(scenes["live"], "KRE", last=1.0)
    after = paced.scene(later, ViewState(), 160, 45)
    assert {name for name in after.rows if after.rows[name] is not before.rows[name]} == {
        name for name, inputs in INPUTS.items() if "legs" in inputs and name in after.rows
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_it_says_beforehand_whether_news_would_be_drawn(scenes, steps):
    """While it says that there is time, what has come is held back or no news."""
    now_s = 0.0
    paced = PacedScene(lambda: now_s)
    shown = paced.scene(None, ViewState(), 160, 45)
    assert paced.due_in_s() == 0.0
    for wait_s, parts, price, seconds, *_ in steps:
        now_s += wait_s
        left_s = paced.due_in_s()
        before, shown = shown, paced.scene(mixed(scenes, parts, price, seconds), ViewState(), 160, 45)
        if left_s > 0:
            assert shown.rows == before.rows
            now_s += left_s
            assert paced.due_in_s() == 0.0


def text_of(app: RotationApp, panel: str) -> str:
    """All that a panel shows."""
    widget = app.query_one(f"#{panel}")
    return "\n".join(widget.render_line(y).text for y in range(widget.size.height))


async def test_a_change_that_had_to_wait_is_painted_when_it_is_due(scenes):
    """By the app's own timer, though nothing comes after it."""
    app = RotationApp(lambda: Still(scenes["live"]), ViewState(themes=names()))
    async with app.run_test(size=(120, 40)) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        app.take(with_leg(scenes["live"], "IWM", last=777.77))
        app.take(with_leg(scenes["live"], "IWM", last=888.88))
        for _ in range(200):
            if "888.88" in text_of(app, "legs"):
                break
            await pilot.pause(0.05)
        assert "888.88" in text_of(app, "legs")
        assert "777.77" not in text_of(app, "legs")


async def test_what_was_asked_for_is_painted_as_soon_as_it_comes_and_only_then(scenes, monkeypatch):
    live = msgspec.structs.replace(scenes["live"], pairs={"IWN/IVW": None})
    shown = live.pairs | {"IWN/IVW": PairView(live.spread, live.ratio, "IWN/IVW leads")}
    paced, painted = PacedScene(lambda: 1.0), []
    app = RotationApp(lambda: Still(live), ViewState(themes=names(), pairs=("IWN/IVW",)), paced)
    async with app.run_test(size=(120, 40)) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        app.press("p")
        paint = app._paint
        monkeypatch.setattr(app, "_paint", lambda: (painted.append(1), paint()))
        for price in (221.0, 222.0, 223.0):
            app.take(with_leg(live, "IWM", last=price))
        assert not painted, "the pair has not come: nothing is more urgent than usual"
        app.take(msgspec.structs.replace(live, pairs=shown))
        assert len(painted) == 1
        app.take(with_leg(msgspec.structs.replace(live, pairs=shown), "IWM", last=224.0))
        assert len(painted) == 1
        app.press("f4")
        app.take(msgspec.structs.replace(live, pairs=shown, unasked=(Part.SECTORS,)))
        painted.clear()
        app.take(msgspec.structs.replace(live, pairs=shown))
        assert len(painted) == 1


def test_a_key_that_draws_the_same_prices_again_puts_no_newer_ones_off(scenes):
    now_s = 0.0
    paced = PacedScene(lambda: now_s)
    first, newer = (later(scenes["live"], seconds) for seconds in (0, 1))
    paced.scene(first, ViewState(), 160, 45)
    now_s = 0.2
    paced.scene(first, ViewState(window=1), 160, 45)
    assert paced.due_in_s() == pytest.approx(0.05)
    now_s = 0.26
    drawn = paced.scene(newer, ViewState(window=1), 160, 45)
    assert drawn.rows["legs"] == scene(newer, ViewState(window=1), 160, 45).rows["legs"]
    assert paced.due_in_s() == pytest.approx(EVERY_S["figures"])


def later(snapshot: Snapshot, seconds: int) -> Snapshot:
    """The snapshot so much later, at other prices."""
    legs = {
        symbol: msgspec.structs.replace(leg, last=leg.last and leg.last + seconds)
        for symbol, leg in snapshot.legs.items()
    }
    as_of = snapshot.as_of + timedelta(seconds=seconds)
    return msgspec.structs.replace(snapshot, legs=legs, as_of=as_of, seq=snapshot.seq + seconds)
