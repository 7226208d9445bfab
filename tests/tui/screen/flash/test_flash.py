"""A figure that has just changed is lit for a moment; what is old, first or chosen anew never is."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import pytest

from rotation.status import Kind
from tests.support.tui.scenes import with_leg
from tests.tui.view.test_theme import contrast
from tui.screen.app import RotationApp
from tui.screen.flash.flash import FLASH_S, OWN_PAINT_S, REST_S, Flash
from tui.screen.picture import Still
from tui.screen.scene import scene
from tui.ssh.rooms.colours import ink
from tui.view import theme
from tui.view.theme import FLASHED, LIT, READABLE
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from tui.screen.scene import Scene

SIZE = (160, 45)


def lit(made: Scene) -> list[str]:
    """The texts that are lit, by panel and line."""
    return [text for rows in made.rows.values() for row in rows for text, role in row if role.endswith(LIT)]


def words(made: Scene) -> dict[str, list[str]]:
    return {name: ["".join(text for text, _ in row) for row in rows] for name, rows in made.rows.items()}


class Watched:
    """One screen, and a clock that the test moves."""

    def __init__(self, view: ViewState | None = None, *, is_on: bool = True) -> None:
        self.view = view or ViewState()
        self.is_on = is_on
        self.now_s = 100.0
        self.flash = Flash()

    def shows(self, snapshot: Snapshot | None, after_s: float = 0.0, size=SIZE) -> list[str]:
        self.now_s += after_s
        made = scene(snapshot, self.view, *size)
        over = self.flash.over(made, snapshot, self.view, self.now_s, is_on=self.is_on)
        assert words(over) == words(made), "nothing but colours"
        assert over.places == made.places
        return lit(over)


@pytest.fixture
def live(scenes: dict[str, Snapshot]) -> Snapshot:
    return scenes["live"]


@pytest.fixture
def later(live: Snapshot) -> Snapshot:
    return with_leg(live, "IWM", last=999.99)


def test_a_price_that_has_changed_is_lit_for_a_moment(live, later):
    screen = Watched()
    assert screen.shows(live) == [], "the first paint"
    assert screen.shows(live, 1.0) == [], "the same again"
    assert screen.shows(later, 1.0) == ["999.99"]
    assert screen.flash.wait_s == OWN_PAINT_S
    assert screen.shows(later, FLASH_S / 2) == ["999.99"]
    assert screen.shows(later, FLASH_S / 2) == []
    assert screen.flash.wait_s is None, "no paint for nothing"


def test_a_busy_figure_rests_between_two_flashes(live):
    """Four figures a second would be a light that never goes out."""
    screen = Watched()
    screen.shows(live)
    states = []
    for tick in range(24):
        changed = with_leg(live, "IWM", last=200.0 + tick)
        states.append(bool(screen.shows(changed, 0.25)))
    share = FLASH_S / REST_S
    assert states[0]
    assert sum(states) <= len(states) * share + 2
    begins = [
        n for n, (was, now) in enumerate(zip([False, *states], states, strict=False)) if now and not was
    ]
    assert all(later - before >= REST_S / 0.25 for before, later in pairwise(begins))


@pytest.mark.parametrize("kind", [Kind.STALE, Kind.OFFLINE, Kind.HALTED, Kind.GAPPED, Kind.CLOSED])
@pytest.mark.parametrize("when", ["before", "now"])
def test_what_is_not_good_is_never_lit(live, later, kind, when):
    def bad(snapshot: Snapshot) -> Snapshot:
        status = msgspec.structs.replace(snapshot.legs["IWM"].status, kind=kind, age_s=90.0)
        return with_leg(snapshot, "IWM", status=status)

    screen = Watched()
    screen.shows(bad(live) if when == "before" else live)
    assert screen.shows(later if when == "before" else bad(later), 1.0) == []


def test_an_unknown_figure_that_comes_or_goes_is_not_lit(live, later):
    unknown = with_leg(live, "IWM", last=None)
    screen = Watched()
    screen.shows(unknown)
    assert screen.shows(later, 1.0) == []
    assert screen.shows(unknown, 5.0) == []


def spread_of(snapshot: Snapshot, pp: float) -> Snapshot:
    spread = snapshot.spread
    windows = {**spread.windows, "5": msgspec.structs.replace(spread.windows["5"], pp=pp)}
    return msgspec.structs.replace(snapshot, spread=msgspec.structs.replace(spread, windows=windows))


def test_the_spread_is_lit_where_both_prices_are_good_and_of_one_time(live):
    def with_pair(snapshot: Snapshot, **changes: object) -> Snapshot:
        status = msgspec.structs.replace(snapshot.ratio.status, **changes)
        return msgspec.structs.replace(snapshot, ratio=msgspec.structs.replace(snapshot.ratio, status=status))

    good, stale = Watched(), Watched()
    good.shows(live)
    assert good.shows(spread_of(live, 9.87), 1.0) == ["▲+9.87"]
    for changes in ({"kind": Kind.STALE}, {"apart": True}):
        stale = Watched()
        stale.shows(with_pair(live, **changes))
        assert stale.shows(with_pair(spread_of(live, 9.87), **changes), 1.0) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda view, made: (view, msgspec.structs.replace(made, session=made.session.replace(day=1))),
        lambda view, made: (view, msgspec.structs.replace(made, legs=dict([*made.legs.items()][:-1]))),
        lambda view, made: (
            view,
            msgspec.structs.replace(made, spread=msgspec.structs.replace(made.spread, against="SPY")),
        ),
        lambda view, made: (msgspec.structs.replace(view, window=20), made),
        lambda view, made: (msgspec.structs.replace(view, sort="symbol"), made),
        lambda view, made: (msgspec.structs.replace(view, paused=True), made),
    ],
    ids=["session", "legs", "pair", "window", "sort", "paused"],
)
def test_another_desk_or_choice_lights_nothing_and_ends_what_was_lit(live, later, change):
    screen = Watched()
    screen.shows(live)
    assert screen.shows(later, 1.0)
    screen.view, other = change(screen.view, with_leg(later, "IWM", last=888.88))
    assert screen.shows(other, REST_S) == []
    assert screen.shows(None) == []
    assert screen.shows(live) == [], "as at the first"


def test_another_size_lights_nothing(live, later):
    screen = Watched()
    screen.shows(live)
    assert screen.shows(later, 1.0, size=(120, 40)) == []


def test_without_motion_nothing_is_compared(live, later):
    screen = Watched(is_on=False)
    screen.shows(live)
    assert screen.shows(later, 1.0) == []
    screen.is_on = True
    assert screen.shows(live, 1.0) == [], "from here on"
    assert screen.shows(later, 1.0)


@pytest.mark.parametrize("name", [each for each in theme.names() if each != "mono"])
@pytest.mark.parametrize("role", sorted(FLASHED))
def test_a_lit_figure_can_be_read(name, role):
    look = theme.load(name)
    style, plain = look.style(role + LIT), look.style(role)
    assert style.color == plain.color, "its colour says what it said"
    assert style.bgcolor != plain.bgcolor
    assert contrast(style.color, style.bgcolor) >= READABLE


def test_the_terminal_s_own_colours_have_no_tints():
    assert not theme.load("mono").has_tints
    assert all(theme.load(name).has_tints for name in theme.names() if name != "mono")


def test_a_host_s_terminals_know_no_lit_roles():
    """Viewers of one view share its frames: each figure would be sent to all of them twice."""
    assert not any(role.endswith(LIT) for role in ink("midnight", "true").on)


def lit_on(app: RotationApp) -> list[str]:
    """What is lit in the widgets themselves."""
    panels = (app._panels[name] for name in ("legs", "spread", "ratio"))
    return [text for panel in panels for row in panel._rows for text, role in row if role.endswith(LIT)]


@pytest.mark.parametrize(
    ("view", "env", "is_lit"),
    [
        (ViewState(), {}, True),
        (ViewState(motion=False), {}, False),
        (ViewState(theme="mono"), {}, False),
        (ViewState(), {"NO_COLOR": "1"}, False),
        (ViewState(), {"COLORTERM": ""}, True),
        (ViewState(), {"COLORTERM": "", "TERM": "xterm"}, False),
    ],
    ids=["usual", "no motion", "mono", "NO_COLOR", "256 colours", "16 colours"],
)
async def test_the_app_lights_and_puts_out_by_its_own_clock(live, later, view, env, is_lit, monkeypatch):
    for name, value in {"TERM": "xterm-256color", "COLORTERM": "truecolor", **env}.items():
        monkeypatch.setenv(name, value)
    now_s = 100.0
    waits: list[float] = []
    app = RotationApp(lambda: Still(live), view, clock=lambda: now_s)
    async with app.run_test(size=SIZE) as pilot:
        while app.snapshot is None:
            await pilot.pause(0.01)
        await pilot.pause()
        monkeypatch.setattr(app, "_paint_in", waits.append)
        assert lit_on(app) == []
        app.snapshot = app._newest = later
        app._paced.begin_anew()
        app._paint()
        assert lit_on(app) == (["999.99"] if is_lit else [])
        assert (OWN_PAINT_S in waits) is is_lit
        now_s += FLASH_S
        app._paint()
        assert lit_on(app) == []
