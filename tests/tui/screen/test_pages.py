"""Every page at every size and under every theme is as it was looked at; a change shows in the diff."""

from __future__ import annotations

import pytest

from tests.support.tui import pages
from tests.support.tui.pages import FOLDER, PAGES, SIZES, Shot
from tui.screen.exporter import text_of
from tui.view.draw import cells
from tui.view.view_state import PANELS, WHOLE


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
