"""Places: everything inside the screen, nothing over anything, the focused panel always visible."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.view.layout import ABSENT, LEAST, SMALLEST, Place, arrange
from tui.view.view_state import PANELS, ViewState

VIEWS = st.builds(ViewState, focus=st.sampled_from(PANELS), zoomed=st.booleans(), help=st.booleans())


def cells(place: Place) -> set[tuple[int, int]]:
    return {
        (x, y) for x in range(place.x, place.x + place.width) for y in range(place.y, place.y + place.height)
    }


@given(st.integers(1, 220), st.integers(1, 70), VIEWS, st.integers(0, 16), st.booleans())
def test_panels_tile_the_screen(width: int, height: int, view: ViewState, legs: int, fed: bool) -> None:
    places = arrange(width, height, view, legs, fed=fed)
    covered: set[tuple[int, int]] = set()
    for place in places.values():
        assert covered.isdisjoint(cells(place))
        covered |= cells(place)
    assert covered == cells(Place(0, 0, width, height))


@given(st.integers(SMALLEST[0], 220), st.integers(SMALLEST[1], 70), VIEWS)
def test_the_focused_panel_is_seen(width: int, height: int, view: ViewState) -> None:
    places = arrange(width, height, view)
    assert ("help" if view.help else view.focus) in places
    if not (view.help or view.zoomed) and width >= 80 and height >= 24:
        assert all(place.height >= LEAST[name] for name, place in places.items() if name in LEAST)


@pytest.mark.parametrize(
    ("size", "panels"),
    [
        ((160, 45), {"legs", "spread", "ratio", "fed", "health"}),
        ((120, 40), {"legs", "spread", "ratio", "fed", "health"}),
        ((80, 24), {"legs", "spread"}),
        ((40, 12), {"legs"}),
    ],
)
def test_what_each_size_shows(size: tuple[int, int], panels: set[str]) -> None:
    assert set(arrange(*size, ViewState())) == {"ribbon", "keys", *panels}


def test_too_small_says_so() -> None:
    assert set(arrange(39, 50, ViewState())) == {"message"}
    assert set(arrange(200, 9, ViewState())) == {"message"}


@pytest.mark.parametrize("size", [(160, 45), (120, 40), (100, 24), (100, 60)])
@pytest.mark.parametrize("fed", [True, False])
def test_in_two_columns_moving_the_focus_between_seen_panels_moves_nothing(
    size: tuple[int, int], fed: bool
) -> None:
    places = arrange(*size, ViewState(), fed=fed)
    assert not {"breadth", "graph"} & set(places)
    for panel in set(places) & set(PANELS):
        assert arrange(*size, ViewState(focus=panel), fed=fed) == places


def test_a_tape_without_odds_gives_the_room_to_the_ratio() -> None:
    live, tape = (arrange(160, 45, ViewState(), fed=fed) for fed in (True, False))
    assert live["fed"].height > 20
    assert tape["fed"].height == ABSENT
    assert tape["ratio"].height > live["ratio"].height
