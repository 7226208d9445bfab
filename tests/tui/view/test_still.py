"""Without motion nothing moves but values: neither ages nor the clock, from minute to minute."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rotation.status import Kind, PriceStatus
from rotation.wording import word
from tests.support.tui import pages
from tui.screen.scene import PacedScene, scene
from tui.view.still import StillScreen, _minutes, moves, still
from tui.view.view_state import PANELS, ViewState

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot


def at(seconds: float, kind: Kind = Kind.LIVE, **changes: object):
    """The demo so many seconds after 10:40:05, all of its legs as old as that and of this kind."""
    made = pages.snapshot()
    begun = made.as_of.replace(second=5, microsecond=0)

    def status(was: PriceStatus) -> PriceStatus:
        return replace(was, kind=kind, age_s=seconds)

    legs = {
        symbol: replace(leg, status=status(leg.status), age_s=seconds, state=word(status(leg.status)))
        for symbol, leg in made.legs.items()
    }
    windows = {
        k: replace(window, status=window.status and replace(window.status, kind=kind, age_s=seconds))
        for k, window in made.spread.windows.items()
    }
    sheets = {
        name: replace(sheet, status=sheet.status and replace(sheet.status, as_of=begun))
        for name, sheet in made.explained.items()
    }
    return replace(
        made,
        explained=sheets,
        seq=round(10 * seconds),
        as_of=begun + timedelta(seconds=seconds),
        legs=legs,
        mode="",
        connection=made.connection and replace(made.connection, kind=kind, age_s=seconds),
        headline=f"IWM {kind.value} {seconds:.0f} s: {made.headline}",
        spread=replace(made.spread, windows=windows),
        **changes,
    )


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("kind", [Kind.LIVE, Kind.STALE])
def test_a_minute_without_values_changes_no_cell(panel, kind):
    screen, view = StillScreen(), ViewState(focus=panel, zoomed=True, motion=False)
    first = screen.of(at(0.5, kind))
    drawn = scene(first, view, 160, 45)
    for seconds in (1.0, 7.5, 30.0, 54.0):
        assert screen.of(at(seconds, kind)) is first
        ticking = ViewState(focus=panel, zoomed=True)
        assert scene(at(seconds, kind), ticking, 160, 45).rows["ribbon"] != drawn.rows["ribbon"]


def test_a_value_changes_at_once():
    screen = StillScreen()
    first = screen.of(at(0.5))
    again = at(2.0)
    other = replace(again.legs["IWM"], last=1.0)
    shown = screen.of(replace(again, legs={**again.legs, "IWM": other}))
    assert shown is not first
    assert shown.legs["IWM"].last == 1.0
    assert shown.headline == again.headline


def test_a_price_that_becomes_stale_changes_at_once():
    screen = StillScreen()
    assert screen.of(at(0.5)).connection.kind is Kind.LIVE
    assert screen.of(at(31.0, Kind.STALE)).connection.kind is Kind.STALE


def test_the_next_minute_is_shown():
    screen = StillScreen()
    first = screen.of(at(0.5))
    later = screen.of(at(60.0))
    assert later is not first
    assert later.as_of - first.as_of == timedelta(minutes=1)


@given(st.floats(0.0, 1e6))
def test_an_age_is_never_younger_than_it_is(age_s):
    shown = _minutes(age_s)
    assert shown is not None
    assert age_s <= shown < age_s + 60.0 or shown == 60.0
    assert shown % 60.0 == 0.0


def explained(seconds: float, made_s: float = 0.0) -> Snapshot:
    """A figure of prices of 10:40:05 and so many seconds, some of them later."""
    snapshot = at(seconds)
    sheet = snapshot.explained["spread.5.z"]
    begun = snapshot.as_of - timedelta(seconds=seconds - made_s)
    status = replace(sheet.status, kind=Kind.LIVE, as_of=begun, age_s=0.0)
    return replace(snapshot, explained={"spread.5.z": replace(sheet, status=status)})


def test_a_sheet_says_no_seconds_and_is_never_younger_than_it_is():
    view = ViewState(focus="spread", figure="spread.5.z", explains=True, motion=False)

    def sheet(*seconds: float) -> str:
        shown = scene(still(explained(*seconds)), view, 160, 45).rows["explained"]
        return "\n".join("".join(text for text, _ in row) for row in shown)

    text = sheet(0.5)
    assert "made 10:40 New York 16 Jul 2024, 1 min ago" in text
    assert {sheet(0.5), sheet(30.0), sheet(54.0, 20.0)} == {text}
    assert "made 10:40 New York 16 Jul 2024, 3 min ago" in sheet(150.0)
    ticking = scene(explained(7.0), replace(view, motion=True), 160, 45).rows["explained"]
    assert "made 10:40:05 New York 16 Jul 2024, 7 s ago" in "".join(t for row in ticking for t, _ in row)


def test_settled_closes_keep_their_days():
    made = pages.snapshot()
    leg = made.legs["IWM"]
    close = replace(leg, status=replace(leg.status, kind=Kind.CLOSED, age_s=86_400.0), age_s=None)
    assert still(replace(made, legs={"IWM": close})).legs["IWM"].status == close.status


def test_the_clock_has_no_seconds():
    paced = PacedScene()
    ribbon = paced.scene(at(0.5), ViewState(motion=False), 160, 45).rows["ribbon"][0]
    text = "".join(words for words, _ in ribbon)
    assert "10:40 EDT" in text
    assert "LIVE 1 min" in text
    ticking = "".join(words for words, _ in paced.scene(at(0.5), ViewState(), 160, 45).rows["ribbon"][0])
    assert "10:40:05 EDT" in ticking


@pytest.mark.parametrize(
    ("choice", "environ", "expected"),
    [
        ("auto", {}, True),
        ("auto", {"NO_MOTION": "1"}, False),
        ("auto", {"NO_MOTION": " "}, True),
        ("auto", {"TEXTUAL_ANIMATIONS": "none"}, False),
        ("auto", {"TEXTUAL_ANIMATIONS": "full"}, True),
        ("on", {"NO_MOTION": "1"}, True),
        ("off", {}, False),
        ("none", {}, False),
    ],
)
def test_the_environment_is_asked_only_where_nothing_is_said(choice, environ, expected):
    assert moves(choice, environ) is expected
