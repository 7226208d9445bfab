"""A view asks for what its panels show: with that alone every screen is drawn as with all there is."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from rotation.context.wants import FIELDS, MADE, NOTHING, ON_DEMAND, Part, Want
from rotation.figures.basis import Basis
from rotation.figures.registry import with_figures
from rotation.story.parts import Parts, all_of, with_parts
from tests.support.breadth.whole import DESK, HISTORY, tick, whole_market
from tui.output.export import table
from tui.output.text import quotation
from tui.panels.asked import WANTS, wants_of
from tui.panels.registry import PANELS as DRAWN
from tui.screen.scene import INPUTS, places_of, scene
from tui.view.pairs import of_pair
from tui.view.view_state import PANELS, ViewState

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot

FIGURE = "spread.5.z"
SIZES = ((160, 45), (100, 30), (80, 24), (40, 10))
VIEWS = [
    ViewState(focus=focus, zoomed=zoomed, pair=pair, pairs=("IWN/IVW", "KRE/QQQ"))
    for focus, zoomed, pair in product(PANELS, (False, True), ("", "IWN/IVW"))
] + [ViewState(focus=focus, zoomed=True, figure=FIGURE, explains=True) for focus in ("spread", "breadth")]


def made(asked: frozenset[Want]) -> Snapshot:
    """The Snapshot with these parts, those on demand too."""
    market, maker = whole_market(), Parts()
    market.want(with_figures(asked, DESK))
    basis = Basis(tick(market, 1), HISTORY, DESK)
    on_demand = {each: maker.make(each, basis) for each in asked if each.part in ON_DEMAND}
    return with_parts(basis.snapshot, {each: part for each, part in on_demand.items() if part is not None})


@pytest.fixture(scope="module")
def whole() -> Snapshot:
    market = whole_market()
    market.want(MADE)
    every = all_of([Part.STORY, Part.LINE, Part.LEGS], tick(market, 1))
    return made(MADE | {*every, Want(Part.FIGURE, FIGURE)})


@pytest.mark.parametrize(
    "view", VIEWS, ids=lambda view: f"{view.focus} {view.zoomed} {view.pair} {view.explains}"
)
@pytest.mark.parametrize("size", SIZES)
def test_a_screen_is_the_same_without_what_it_does_not_ask_for(view, size, whole):
    asked = wants_of(view, places_of(whole, view, *size))
    seen = made(asked)
    assert scene(of_pair(seen, view.pair), view, *size) == scene(of_pair(whole, view.pair), view, *size)
    assert quotation(of_pair(seen, view.pair)) == quotation(of_pair(whole, view.pair))
    rows, expected = (list(table(view.focus, of_pair(each, view.pair), view)) for each in (seen, whole))
    assert rows == expected


def test_what_overlays_the_panels_asks_for_none_of_them(whole):
    for view in (ViewState(help=True, focus="graph"), ViewState(palette=True, typing=True, focus="breadth")):
        asked = wants_of(view, places_of(whole, view, 160, 45))
        assert asked == WANTS["ribbon"]


def test_a_terminal_that_is_too_small_asks_for_nothing(whole):
    for focus in PANELS:
        view = ViewState(focus=focus, zoomed=True)
        assert wants_of(view, places_of(whole, view, 39, 9)) == NOTHING


@pytest.mark.parametrize("panel", ["breadth", "macro"])
@pytest.mark.parametrize(("paused", "words"), [(False, "computing"), (True, "paused: ")])
def test_what_nobody_had_asked_for_is_not_called_unknown(panel, paused, words):
    """The first frame of a page, and one that was turned to while the screen was paused."""
    view = ViewState(focus=panel, paused=paused)
    (first, *_) = DRAWN[panel].rows(made(NOTHING), view, 100, 30)
    assert "".join(text for text, _ in first).startswith(words)


def test_sectors_that_nobody_had_asked_for_are_not_missing_in_silence():
    view = ViewState(focus="breadth")
    *_, last = DRAWN["breadth"].rows(made(WANTS["ribbon"]), view, 100, 30)
    assert "".join(text for text, _ in last) == "computing sectors and movers…"


def test_every_panel_that_reads_a_part_asks_for_it():
    for panel, fields in INPUTS.items():
        parts = {FIELDS[field] for field in fields if field in FIELDS} - {Part.PAIRS, *ON_DEMAND}
        assert parts <= {each.part for each in WANTS.get(panel, NOTHING)}, panel
