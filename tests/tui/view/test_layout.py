"""Places: everything inside the screen, nothing over anything, the focused panel always visible."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tui import pages
from tui.panels import keys
from tui.settings.schema import SETTINGS
from tui.view.layout import ABSENT, LEAST, SMALLEST, Place, arrange, misfit
from tui.view.places import PanelLists
from tui.view.view_state import PANELS, WHOLE, ViewState, reduce, with_page, with_panels

A_COLUMN = st.lists(st.sampled_from(PANELS), unique=True, min_size=1, max_size=5).map(
    lambda names: (tuple(names),)
)
TWO_COLUMNS = st.tuples(st.permutations(PANELS), st.integers(1, 4), st.integers(1, 4)).map(
    lambda drawn: (tuple(drawn[0][: drawn[1]]), tuple(drawn[0][drawn[1] : drawn[1] + drawn[2]]))
)
COLUMNS = st.just(()) | A_COLUMN | TWO_COLUMNS
LISTS = st.builds(
    PanelLists,
    wide=COLUMNS,
    normal=COLUMNS,
    narrow=st.just(()) | A_COLUMN,
)
VIEWS = st.builds(
    ViewState,
    focus=st.sampled_from(PANELS),
    zoomed=st.booleans(),
    help=st.booleans(),
    panels=st.just(PanelLists()) | LISTS,
    windows=st.sampled_from([(1, 5, 20, 60, 252), (1,), (1, 2, 3, 4, 5, 6, 7, 8)]),
    window=st.just(1),
)


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
    is_home = view.focus == view.panels.home and not view.panels.has_everywhere(view.focus)
    assert ("help" if view.help else view.focus) in places or is_home
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


@given(LISTS, st.integers(80, 220), st.integers(24, 70), st.sampled_from(PANELS), st.booleans())
def test_a_list_of_one_s_own_is_shown_whole_or_says_that_it_cannot(
    lists: PanelLists, width: int, height: int, focus: str, fed: bool
) -> None:
    view = ViewState(panels=lists, focus=focus)
    places = arrange(width, height, view, fed=fed)
    columns = lists.of(width)
    if why := misfit(width, height, view, fed=fed):
        assert why.startswith("panels.")
        assert places == arrange(width, height, ViewState(focus=focus), fed=fed)
    elif columns and (focus == lists.home or any(focus in column for column in columns)):
        for column in columns:
            tops = [places[panel].y for panel in column]
            assert tops == sorted(tops)
            assert len({places[panel].x for panel in column}) == 1
        assert places.keys() == {"ribbon", "keys", *(panel for column in columns for panel in column)}
    elif columns:
        assert places.keys() == {"ribbon", "keys", focus}, "a panel that is not in it has the whole screen"
    else:
        assert places == arrange(width, height, ViewState(focus=focus), fed=fed)


def test_a_list_that_needs_more_rows_says_how_many() -> None:
    lists = PanelLists(narrow=(("legs", "spread", "fed"),))
    assert misfit(80, 24, ViewState(panels=lists)) == (
        "panels.narrow needs 35 rows, this terminal has 24: the usual panels are shown"
    )
    assert misfit(80, 35, ViewState(panels=lists)) == ""
    assert set(arrange(80, 35, ViewState(panels=lists))) == {"ribbon", "keys", "legs", "spread", "fed"}
    assert misfit(79, 10, ViewState(panels=lists)) == "", (
        "so small a screen shows one panel whatever is listed"
    )


def test_the_lists_are_for_widths_as_the_document_names_them() -> None:
    lists = PanelLists((("fed",),), (("legs",),), (("spread",),))
    shown = [lists.of(width)[0][0] for width in (160, 140, 139, 100, 99, 80)]
    assert shown == ["fed", "fed", "legs", "legs", "spread", "spread"]


@given(LISTS, st.sampled_from(PANELS), st.sampled_from(WHOLE))
def test_pages_and_the_desk_are_reached_whatever_is_listed(lists: PanelLists, focus: str, page: str) -> None:
    view = with_page(with_panels(ViewState(focus=focus), lists), page)
    places = arrange(160, 70, view)
    if page != "desk":
        assert places.keys() == {"ribbon", "keys", page}
    elif lists.wide and not misfit(160, 70, view):
        assert places.keys() - {"ribbon", "keys"} == {panel for column in lists.wide for panel in column}


@pytest.mark.parametrize("size", [(160, 45), (160, 24), (120, 40), (80, 24), (80, 60)])
def test_the_usual_panels_written_out_are_the_usual_panels(size: tuple[int, int]) -> None:
    usual = {setting.key: setting.parse(setting.default) for setting in SETTINGS if setting.table == "panels"}
    view = ViewState(panels=PanelLists(**usual))
    assert misfit(*size, view) == ""
    for focus in PANELS:
        view = ViewState(panels=PanelLists(**usual), focus=focus)
        assert arrange(*size, view) == arrange(*size, ViewState(focus=focus))


MACRO = PanelLists(wide=(("legs", "spread"), ("macro", "events")))


def test_enter_zooms_a_page_that_shares_the_screen_before_it_chooses_a_figure() -> None:
    shared = with_panels(ViewState(focus="macro"), MACRO)
    assert shared.enters == "zoom"
    whole = reduce(shared, "enter")
    assert (whole.zoomed, whole.figure) == (True, "")
    assert set(arrange(160, 45, whole)) == {"ribbon", "keys", "macro"}
    assert reduce(whole, "enter").figure
    page = ViewState(focus="macro")
    assert page.enters == "figures"
    assert reduce(page, "enter").figure


@pytest.mark.parametrize("panel", ["health", "events"])
def test_the_footer_offers_figures_only_where_there_are_some(panel: str) -> None:
    snapshot = pages.snapshot()

    def footer(view: ViewState) -> str:
        return "".join(text for row in keys.rows(snapshot, view, 200, 1) for text, _ in row)

    assert "Enter figures" in footer(ViewState(focus="legs", zoomed=True))
    assert "Enter zoom" in footer(with_panels(ViewState(focus=panel), MACRO))
    assert "Enter" not in footer(ViewState(focus=panel, zoomed=True))


def test_new_lists_leave_a_page_and_a_zoomed_panel_where_they_are() -> None:
    lists = PanelLists(wide=(("spread", "ratio"),))
    for view in (ViewState(focus="macro"), ViewState(focus="legs", zoomed=True, figure="iwm.last")):
        assert with_panels(view, lists) == msgspec.structs.replace(view, panels=lists)
    moved = with_panels(ViewState(focus="legs", figure="iwm.last", explains=True, scroll_below=4), lists)
    assert moved == ViewState(focus="spread", panels=lists), "no figure of another panel is kept"
