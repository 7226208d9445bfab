"""Groups have a heading, a watch list has the panel to itself."""

from __future__ import annotations

import msgspec
import pytest

from rotation.desk import DeskEvent, EventKind, LegList
from tests.support.tui.scenes import with_leg, without_figures
from tui.panels.legs.lists import blocks, height_of, with_order
from tui.panels.registry import PANELS
from tui.screen.scene import draw_panel, scene
from tui.view.palette import pressed
from tui.view.view_state import ViewState, reduce, watchlists

LISTS = (
    LegList("", ("IWM", "QQQ", "SPY")),
    LegList("banks", ("KRE", "KBE")),
    LegList("mine", ("DIA", "IWM"), is_watchlist=True),
)


def shown(snapshot, view) -> list[str]:
    rows = PANELS["legs"].rows(snapshot, view, 90, 30)
    return ["".join(text for text, _ in row).split()[0] for row in rows[1:]]


def test_the_legs_panel(scenes):
    snapshot = msgspec.structs.replace(scenes["live"], lists=LISTS)
    view = ViewState(lists=watchlists(LISTS))
    assert view.lists == ("mine",)
    assert shown(snapshot, view) == ["IWM", "QQQ", "SPY", "banks", "KRE", "KBE"]
    absent = PANELS["legs"].rows(snapshot, view, 90, 30)[-1]
    assert "".join(text for text, _ in absent) == "KBE   —  no prices yet"
    assert height_of(snapshot, view) == 6
    chosen = msgspec.structs.replace(view, list="mine")
    assert shown(snapshot, chosen) == ["mine", "DIA", "IWM"]
    assert height_of(snapshot, chosen) == 3
    gone = msgspec.structs.replace(view, list="another")
    assert shown(snapshot, gone) == shown(snapshot, view)
    footer = PANELS["keys"].rows(snapshot, chosen, 160, 1)[0]
    assert "w list 2/2" in "".join(text for text, _ in footer)
    for size in ((160, 45), (80, 24), (40, 12)):
        assert scene(snapshot, chosen, *size).rows["legs"]


def order(snapshot, view) -> list[str]:
    return [name for block in blocks(snapshot, view) for name in block.legs]


def test_legs_are_sorted_with_unknown_figures_last(scenes):
    live = without_figures(scenes["live"], "IWN")
    own = list(live.legs)
    assert order(live, ViewState()) == own
    assert order(live, ViewState(sort="symbol")) == sorted(own)
    assert order(live, ViewState(sort="symbol", is_rising=True)) == sorted(own, reverse=True)
    by_day = order(live, ViewState(sort="day"))
    figures = [live.legs[symbol].return_pct["1"] for symbol in by_day]
    known = [figure for figure in figures if figure is not None]
    assert known == sorted(known, reverse=True)
    assert figures[len(known) :] == [None] * (len(figures) - len(known))
    assert by_day[-1] == "IWN"
    rising = order(live, ViewState(sort="day", is_rising=True))
    assert rising[: len(known)] == by_day[: len(known)][::-1]
    assert rising[-1] == "IWN"
    wide = order(live, ViewState(sort="window", window=252))
    assert live.legs[wide[0]].return_pct["252"] == max(
        leg.return_pct["252"] for leg in live.legs.values() if leg.return_pct["252"] is not None
    )
    assert order(live, ViewState(sort="streak"))[0] == "KRE"


@pytest.mark.parametrize("keys", [("]",), (":", *"window 252", "enter")])
def test_legs_sorted_by_the_window_are_sorted_anew_for_another_window(scenes, keys):
    live = with_leg(scenes["live"], "KRE", return_pct={"1": 0.0, "5": -99.0, "20": 99.0, "252": 99.0})
    view = with_order(ViewState(sort="window"), live)
    assert view.order[0] != "KRE"
    for key in keys:
        view = pressed(view, "space" if key == " " else key)
    assert with_order(view, live).order[0] == "KRE"
    still = with_order(ViewState(sort="day"), live)
    assert reduce(still, "]").order == still.order, "its order has nothing to do with the window"
    widest = with_order(ViewState(sort="window", window=252), live)
    assert reduce(widest, "]") == widest, "there is no longer window"


@pytest.mark.parametrize("keys", [("w",), ("W",), (":", *"list mine", "enter")])
def test_a_watch_list_that_comes_into_sight_is_sorted(scenes, keys):
    mine = LegList("mine", ("QQQ", "DIA", "IWM"), is_watchlist=True)
    live = msgspec.structs.replace(scenes["live"], lists=(LegList("", ("KRE",)), mine))
    view = with_order(ViewState(sort="symbol", lists=("mine",)), live)
    for key in keys:
        view = pressed(view, "space" if key == " " else key)
    assert order(live, with_order(view, live)) == ["DIA", "IWM", "QQQ"]


def test_a_sorted_list_stands_still_while_it_is_in_focus(scenes):
    live = scenes["live"]
    view = with_order(ViewState(sort="day"), live)
    assert view.order == tuple(order(live, ViewState(sort="day")))
    leg = live.legs["QQQ"]
    later = with_leg(live, "QQQ", return_pct={**leg.return_pct, "1": 99.0})
    assert order(later, view) == order(live, view)
    assert with_order(view, later) is view
    away = with_order(msgspec.structs.replace(view, focus="spread"), later)
    assert away.order == ()
    assert order(later, away)[0] == "QQQ"
    assert with_order(msgspec.structs.replace(away, focus="legs"), later).order[0] == "QQQ"


def test_a_filter_leaves_the_lines_with_the_text_and_the_places_stand(scenes):
    live = scenes["live"]
    view = ViewState(filter="growth", typing=True)
    assert order(live, view) == ["IVW"]
    assert order(live, msgspec.structs.replace(view, filter="iw")) == ["IWM", "IWN"]
    drawn = draw_panel("legs", live, view, 80, 12)
    assert "/growth▏" in "".join(text for text, _ in drawn.rows[0])
    assert scene(live, view, 120, 40).places == scene(live, ViewState(), 120, 40).places
    elsewhere = msgspec.structs.replace(view, focus="events")
    assert len(order(live, elsewhere)) == len(live.legs), "it is of the panel in focus"
    head = draw_panel("legs", live, ViewState(sort="day"), 80, 12).rows[0]
    assert "1 Legs by day ▼" in "".join(text for text, _ in head)


def test_events_are_filtered(scenes):
    at = scenes["live"].as_of
    events = (
        DeskEvent(1, at, EventKind.FEED, "Yahoo", "Yahoo: LIVE"),
        DeskEvent(2, at, EventKind.RECORD, "spread", "IWM leads by a record"),
    )
    snapshot = msgspec.structs.replace(scenes["live"], events=events)
    view = ViewState(focus="events", filter="RECORD")
    text = "\n".join(
        "".join(part for part, _ in row) for row in PANELS["events"].rows(snapshot, view, 80, 20)
    )
    assert "by a record" in text
    assert "Yahoo" not in text
