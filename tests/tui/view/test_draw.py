"""Cells: exact widths, safe text, honest lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.view import draw

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)


@given(st.lists(st.tuples(TEXT, st.just("text")), max_size=5), st.integers(1, 40))
def test_fit_is_exactly_as_wide_as_asked(spans: list[tuple[str, str]], width: int) -> None:
    assert sum(cell_len(text) for text, _ in draw.fit(spans, width)) == width


@given(st.lists(st.tuples(TEXT, st.just("text")), max_size=5), st.integers(1, 40))
def test_no_control_or_bidi_character_is_drawn(spans: list[tuple[str, str]], width: int) -> None:
    assert all(text.isprintable() for text, _ in draw.fit(spans, width))


@pytest.mark.parametrize(
    "evil", ["\x1b[2J", "\x1b]52;c;aGk=\x07", "a\x00b", "\x9b31m", "\u202eabc", "\u200b", "a\nb"]
)
def test_hostile_text_is_disarmed(evil: str) -> None:
    shown = draw.clean(evil)
    assert not set(shown) & {"\x1b", "\x00", "\x07", "\x9b", "\u202e", "\u200b", "\n"}


@given(TEXT, st.integers(0, 20), st.booleans())
def test_columns_stand_still(text: str, width: int, right: bool) -> None:
    assert cell_len(draw.column(text, width, right=right)) == width


@given(st.text(st.sampled_from("ab 漢é"), max_size=80), st.integers(4, 30), st.integers(1, 4))
def test_wrap_keeps_to_its_box(text: str, width: int, lines: int) -> None:
    rows = draw.wrap(text, width, lines)
    assert len(rows) <= lines
    words_fit = all(cell_len(word) <= width for word in text.split())
    assert not words_fit or all(cell_len(row) <= width for row in rows)


def test_wrap_ties_figures_to_their_units_and_dates_together() -> None:
    sentence = "best since 27 May 2020; 10.3 pp ahead, +1.88 % today"
    for width in range(12, 60):
        rows = draw.wrap(sentence, width, 9)
        assert " ".join(rows) == sentence
        for tied in ("27 May 2020", "10.3 pp", "+1.88 %"):
            assert any(tied in row for row in rows), (width, rows)


def test_unknown_is_a_dash_and_never_a_zero() -> None:
    assert draw.number(None) == draw.change(None) == "—"
    assert draw.toned(None) == draw.toned(0.0) == "muted"
    assert draw.arrow(None) == draw.arrow(0.0) == " "


def test_signs_are_told_twice() -> None:
    assert (draw.change(1.234), draw.arrow(1.2), draw.toned(1.2)) == ("+1.23", "▲", "up")
    assert (draw.change(-1.234), draw.arrow(-1.2), draw.toned(-1.2)) == ("−1.23", "▼", "down")
    assert draw.change(-0.001) == "0.00"


@pytest.mark.parametrize(
    ("share", "bar"), [(0, "    "), (0.5, "██  "), (1, "████"), (2, "████"), (0.125, "▌   ")]
)
def test_bars(share: float, bar: str) -> None:
    assert draw.bar(share, 4) == bar


def dots(lines: list[str]) -> set[tuple[int, int]]:
    """Every dot of a braille drawing as (column, row from the top), by the Unicode chart."""
    places = {0: (0, 0), 1: (0, 1), 2: (0, 2), 3: (1, 0), 4: (1, 1), 5: (1, 2), 6: (0, 3), 7: (1, 3)}
    names = set()
    for y, line in enumerate(lines):
        for x, cell in enumerate(line):
            bits = 0 if cell == " " else ord(cell) - 0x2800
            names |= {(2 * x + dx, 4 * y + dy) for bit, (dx, dy) in places.items() if bits >> bit & 1}
    return names


def test_braille_corners() -> None:
    assert dots(draw.braille([(0, 1)], 3, 2)) == {(0, 0)}
    assert dots(draw.braille([(1, 0)], 3, 2)) == {(5, 7)}
    assert dots(draw.braille([(0, 0), (1, 0)], 3, 2)) == {(x, 7) for x in range(6)}


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20),
    st.integers(1, 30),
    st.integers(1, 10),
)
def test_a_line_is_connected_and_passes_through_its_points(
    points: list[tuple[float, float]], width: int, height: int
) -> None:
    points.sort()
    lines = draw.braille(points, width, height)
    assert [len(line) for line in lines] == [width] * height
    drawn = dots(lines)
    for x, y in points:
        assert any(
            abs(x * (2 * width - 1) - dx) <= 0.5 + 1e-9 and abs((1 - y) * (4 * height - 1) - dy) <= 0.5 + 1e-9
            for dx, dy in drawn
        )
    reached = {next(iter(drawn))}
    frontier = list(reached)
    while frontier:
        x, y = frontier.pop()
        near = {(x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)} & drawn - reached
        reached |= near
        frontier += near
    assert reached == drawn


@given(st.text(st.sampled_from("ab 漢é\u200b"), max_size=40), st.integers(8, 40), st.integers(2, 5))
def test_a_border_is_as_wide_as_asked_whatever_its_title(title: str, width: int, height: int) -> None:
    drawn = draw.framed([(("漢字", "text"),)], title, width, height, focused=True)
    assert [sum(cell_len(text) for text, _ in row) for row in drawn] == [width] * height


def test_a_title_of_wide_characters_is_whole_where_there_is_room() -> None:
    (top, *_) = draw.framed([], "1 Legs 漢字", 30, 2, focused=False)
    assert "".join(text for text, _ in top) == "╭─ 1 Legs 漢字 " + "─" * 14 + "╮"
