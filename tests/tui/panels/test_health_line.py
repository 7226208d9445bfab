"""Health is one line until something is wrong; then it takes its room, and keeps it for a minute."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from rotation.desk import DeskEvent, EventKind
from rotation.feed_stats import FeedStats
from rotation.snapshot import Counts, FeedHealth
from rotation.status import BAD, Kind, Refusal
from tests.support.tui import pages
from tui.panels.health import CALM_S, LACKING, TURNED_AWAY, is_well
from tui.screen.scene import places_of, scene
from tui.view.layout import SLIM
from tui.view.places import PanelLists
from tui.view.view_state import ViewState, with_panels

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot

VIEW = ViewState()
FEED = FeedHealth("yahoo", "LIVE", "", 10, 1, FeedStats(symbols=2, subscribed=2), kind=Kind.LIVE)
WIDE = [(200, 60), (160, 45), (120, 40), (100, 30), (80, 60)]


def desk(*feeds: FeedHealth, counts: Counts | None = None, events: tuple[DeskEvent, ...] = ()) -> Snapshot:
    made = pages.snapshot()
    health = replace(made.health, feeds=feeds, counts=counts or Counts(accepted=10))
    return replace(made, health=health, events=events)


def event(kind: EventKind, before_s: float) -> DeskEvent:
    return DeskEvent(1, pages.snapshot().as_of - timedelta(seconds=before_s), kind, "yahoo", "")


def test_all_well_is_one_line_and_the_room_goes_to_the_panel_above() -> None:
    well, ill = desk(FEED), desk(FEED, replace(FEED, kind=Kind.STALE))
    for size in WIDE:
        slim, tall = places_of(well, VIEW, *size), places_of(ill, VIEW, *size)
        assert slim["health"].height == SLIM < tall["health"].height
        assert slim["health"].y + SLIM == tall["health"].y + tall["health"].height
        assert slim["health"].x == tall["health"].x
        assert slim["fed"].height > tall["fed"].height
        assert slim.keys() == tall.keys()


@pytest.mark.parametrize("size", [(80, 24), (160, 20), (40, 12)])
def test_where_a_tall_one_has_no_room_a_line_has_none_either(size: tuple[int, int]) -> None:
    """Else it would have to go as soon as there is something to say."""
    assert places_of(desk(FEED), VIEW, *size) == places_of(desk(), VIEW, *size)


@pytest.mark.parametrize("size", WIDE)
def test_in_focus_it_has_its_whole_room(size: tuple[int, int]) -> None:
    view = replace(VIEW, focus="health")
    assert places_of(desk(FEED), view, *size) == places_of(desk(), view, *size)
    zoomed = replace(view, zoomed=True)
    assert places_of(desk(FEED), zoomed, *size) == places_of(desk(), zoomed, *size)


@pytest.mark.parametrize("name", TURNED_AWAY)
def test_a_print_that_should_not_have_come_is_warned_of(name: str) -> None:
    assert not is_well(desk(FEED, counts=Counts(**{name: 1})))


def test_what_is_dropped_or_revised_as_it_should_be_is_none() -> None:
    assert is_well(desk(FEED, counts=Counts(accepted=9, duplicates=2, revised=3, overnight=4)))
    assert is_well(pages.snapshot()), "the demo has duplicates"


@pytest.mark.parametrize("name", LACKING)
def test_so_is_what_a_stream_has_lost(name: str) -> None:
    counted: dict[str, Any] = {name: 1}
    assert not is_well(desk(replace(FEED, stats=FeedStats(symbols=2, subscribed=2, **counted))))


def test_gaps_that_were_filled_and_connections_made_anew_are_over() -> None:
    """Else a desk that is left open would stay tall after its first short loss of the network."""
    assert is_well(desk(replace(FEED, stats=FeedStats(symbols=2, subscribed=2, gaps=2, reconnects=3))))


def test_one_bad_feed_is_enough() -> None:
    for kind in Kind:
        assert is_well(desk(FEED, replace(FEED, kind=kind))) is (kind not in BAD)
    assert not is_well(desk(FEED, replace(FEED, refusal=Refusal.AUTH_FAILED)))
    assert not is_well(desk()), "no feed at all"


def test_a_flicker_moves_nothing_for_a_minute() -> None:
    assert not is_well(desk(FEED, events=(event(EventKind.FEED, 1.0),)))
    assert not is_well(desk(FEED, events=(event(EventKind.FEED, CALM_S - 1), event(EventKind.FED, 0.0))))
    assert is_well(desk(FEED, events=(event(EventKind.FEED, CALM_S), event(EventKind.RECORD, 0.0))))


@pytest.mark.parametrize(
    ("size", "line"),
    [
        ((160, 45), "│ feeds 2/2 ok · history to 15 Jul 2024 · 0 bad prints"),
        ((100, 30), "│ feeds 2/2 ok · history to 15 Jul 2024  │"),
    ],
)
def test_the_line_says_it_in_whole_parts(size: tuple[int, int], line: str) -> None:
    drawn = scene(desk(FEED, FEED), VIEW, *size)
    shown = ["".join(text for text, _ in row) for row in drawn.rows["health"]]
    assert shown[0].startswith("╭─ 5 Health ")
    assert shown[1].startswith(line)
    assert "…" not in shown[1]


def test_a_list_of_one_s_own_keeps_its_panels_and_their_order() -> None:
    view = with_panels(VIEW, PanelLists(wide=(("legs", "health"), ("events", "fed"))))
    slim, tall = (places_of(taken, view, 160, 45) for taken in (desk(FEED), desk()))
    assert (slim["health"].height, tall["health"].height > SLIM) == (SLIM, True)
    assert slim["legs"].height + SLIM == tall["legs"].height + tall["health"].height
    alone = with_panels(VIEW, PanelLists(wide=(("legs", "fed"), ("health",))))
    assert places_of(desk(FEED), alone, 160, 45)["health"].height > SLIM, "alone in its column"
