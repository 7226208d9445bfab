"""Marks, places and steps of the cursor."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.view.marks import CURSOR, Spot, marker, moved, shown, spots
from tui.view.view_state import ViewState

ROWS = [
    (("     spread   z", "faint"),),
    (("1d ", "text"), ("  +2.03", "up a.pp"), ("  2.04 ", "text a.z")),
    (("—", "muted"), (" ", "text b"), ("漢字", "text c"), ("9", "text d")),
    (("+2.03", "up a.pp"), ("  ", "text")),
]


def test_a_role_is_marked_only_where_a_figure_is_chosen():
    assert marker(ViewState(), "legs")("up", "x") == "up"
    assert marker(ViewState(figure="x"), "spread")("up", "x") == "up"
    assert marker(ViewState(figure="x"), "legs")("up", "y") == "up y"
    assert marker(ViewState(figure="x"), "legs")("up", "") == "up"


def test_figures_stand_where_their_text_does_each_once():
    assert spots(ROWS) == [
        Spot("a.pp", 1, 5, 10),
        Spot("a.z", 1, 12, 16),
        Spot("c", 2, 2, 6),
        Spot("d", 2, 6, 7),
    ]


def test_the_cursor_is_on_the_first_of_them_and_no_mark_is_left():
    lines = shown(ROWS, "a.pp")
    assert lines[1] == (("1d ", "text"), ("  ", "up"), ("+2.03", CURSOR), ("  2.04 ", "text"))
    assert lines[3] == (("+2.03", "up"), ("  ", "text"))
    assert ["".join(text for text, _ in row) for row in lines] == ["".join(t for t, _ in row) for row in ROWS]
    assert all(" " not in role for row in shown(ROWS, "gone") for _, role in row)


PLACES = [Spot("a", 0, 0, 3), Spot("b", 0, 10, 13), Spot("c", 2, 9, 14), Spot("d", 5, 0, 2)]


def test_steps():
    def to(figure: str, step: str) -> str:
        spot = moved(PLACES, figure, step)
        assert spot is not None
        return spot.figure

    assert [to("a", "right"), to("b", "right"), to("d", "right")] == ["b", "c", "d"]
    assert [to("a", "left"), to("c", "left")] == ["a", "b"]
    assert [to("a", "down"), to("b", "down"), to("c", "down"), to("d", "down")] == ["c", "c", "d", "d"]
    assert [to("c", "up"), to("d", "up"), to("a", "up")] == ["b", "c", "a"]
    assert [to("a", "half-down"), to("d", "half-up")] == ["d", "b"]
    assert [to("c", "top"), to("c", "bottom")] == ["a", "d"]
    assert to("gone", "down") == "a"
    assert moved([], "a", "down") is None


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), min_size=1, max_size=12, unique=True),
    st.lists(st.sampled_from(["up", "down", "left", "right", "half-up", "half-down", "top", "bottom"])),
)
def test_every_step_ends_on_a_figure_and_each_can_be_reached(places, steps):
    all_places = [Spot(f"f{n}", row, start, start + 1) for n, (row, start) in enumerate(sorted(places))]
    at = "first"
    for step in steps:
        spot = moved(all_places, at, step)
        assert spot in all_places
        at = spot.figure
    at, reached = all_places[0].figure, []
    for _ in all_places:
        reached.append(at)
        at = moved(all_places, at, "right").figure
    assert reached == [spot.figure for spot in all_places]
