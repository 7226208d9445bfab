"""Every page at every size and under every theme is as it was looked at; a change shows in the diff."""

from __future__ import annotations

import re

import pytest

from tests.support.tui import pages
from tests.support.tui.pages import FOLDER, PAGES, SIZES, Shot
from tui.panels.registry import PANELS as DRAWN
from tui.screen.exporter import text_of
from tui.screen.scene import contents_of, places_of
from tui.view.draw import cells
from tui.view.pairs import of_pair
from tui.view.view_state import PANELS, WHOLE

CUT = re.compile(r"\S…(\s|$)|…$")
"""What ``column`` and ``wrap`` leave of a text that has no room."""
NOT_YET = "computing"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_it_was_looked_at(name: str) -> None:
    stored = (FOLDER / f"{name}.txt").read_text("utf-8").splitlines()
    assert pages.page(name).splitlines() == stored, "python -m tests.support.tui.pages; then read the diff"


def test_every_page_and_panel_has_a_file_and_no_other_has() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(PAGES)
    assert set(PAGES) >= {*PANELS, *WHOLE}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fills_its_screen_and_no_more(name: str, size: tuple[int, int]) -> None:
    for is_ascii in (False, True):
        made = Shot(name, size, is_ascii).scene()
        covered = 0
        for panel, place in made.places.items():
            covered += place.width * place.height
            assert len(made.rows[panel]) == place.height
            for row in made.rows[panel]:
                assert sum(cells(text) for text, _ in row) == place.width
        assert covered == size[0] * size[1]
        assert text_of(made).isascii() or not is_ascii


@pytest.mark.parametrize("size", [*SIZES, (100, 30), (60, 20), (40, 45)], ids=str)
@pytest.mark.parametrize("name", [name for name in PAGES if name != "commands"])
def test_no_line_of_a_page_is_cut(name: str, size: tuple[int, int]) -> None:
    """Columns give way whole and sentences are wrapped: half a figure would be another one."""
    view = pages.view(name, size)
    snapshot = of_pair(pages.snapshot(), view.pair)
    cut = []
    for panel, place in places_of(snapshot, view, *size).items():
        drawn = DRAWN[panel]
        room = place.width - (4 if drawn.title else 0)
        for row in contents_of(drawn, snapshot, view, place.width, place.height):
            text = "".join(text for text, _ in row).rstrip()
            if cells(text) > room or (CUT.search(text) and NOT_YET not in text):
                cut.append((panel, room, text))
    assert cut == []
