"""The second line of the screen: who leads, in bold, before the sentence, as long as both have room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.support.status_worlds import HALTED, H, snapshot
from tests.support.tui import pages
from tui.panels.ribbon import rows
from tui.screen.scene import scene
from tui.view import theme
from tui.view.draw import wrap
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from tui.view.draw import Row

VIEW = ViewState()


def text(row: Row) -> str:
    return "".join(shown for shown, _ in row)


def spread_at(taken: Snapshot, pp: float, percentile: float, k: str = "5") -> Snapshot:
    window = replace(taken.spread.windows[k], pp=pp, percentile=percentile)
    return replace(taken, spread=replace(taken.spread, windows={**taken.spread.windows, k: window}))


@pytest.mark.parametrize(
    ("pp", "percentile", "words", "role"),
    [
        (10.0, 99.0, "SMALL CAPS LEADING ▲", "up-strong"),
        (-9.0, 3.0, "TECH LEADING ▼", "down-strong"),
        (0.3, 55.0, "NO CLEAR LEADER", "strong"),
    ],
)
def test_it_stands_first_in_the_colour_of_the_spread(
    pp: float, percentile: float, words: str, role: str
) -> None:
    taken = spread_at(pages.snapshot(), pp, percentile)
    _, second, *_ = rows(taken, VIEW, 160, 3)
    assert second[0] == (words, role)
    assert text(second).startswith(f"{words}  Russell 2000 (IWM)")
    for name in theme.names():
        assert theme.load(name).style(role).bold, name


def test_it_is_of_the_window_chosen() -> None:
    taken = spread_at(spread_at(pages.snapshot(), 10.0, 99.0), -3.0, 10.0, "20")
    assert text(rows(taken, VIEW, 160, 3)[1]).startswith("SMALL CAPS LEADING ▲")
    assert text(rows(taken, replace(VIEW, window=20), 160, 3)[1]).startswith(
        "TECH LEADING ▼ over 20d  Russell"
    )
    assert text(rows(taken, VIEW, 160, 3)[1]).startswith("SMALL CAPS LEADING ▲  Russell"), (
        "the sentence's own"
    )


def test_nothing_stands_there_on_a_bad_price() -> None:
    taken = snapshot(iwm=HALTED, iwm_age_s=3 * H, qqq_age_s=3 * H)
    assert taken.spread.windows["5"].percentile is not None
    assert text(rows(taken, VIEW, 160, 3)[1]).startswith("IWM")
    assert text(rows(snapshot(), VIEW, 160, 3)[1]).startswith("SMALL CAPS LEADING ▲  Russell")


@pytest.mark.parametrize("width", range(76, 201))
def test_where_both_have_no_room_the_sentence_stands_as_it_did(width: int) -> None:
    taken = pages.snapshot()
    height = scene(taken, VIEW, width, 45).places["ribbon"].height
    _, *printed = map(text, rows(taken, VIEW, width, height))
    assert len(printed) < height
    words, sentence = "SMALL CAPS LEADING ▲  ", " ".join(printed)
    if sentence.startswith(words):
        assert "…" not in sentence
        assert all(len(line) <= width for line in printed)
    else:
        whole = taken.headline.removesuffix(".") + "; 1,554 of 1,664 members up."
        assert printed == wrap(whole, width, height - 1)
        assert len(wrap(words.replace(" ", "_") + whole, width, 9)) >= height


def test_both_kinds_of_line_are_among_them() -> None:
    starts = {width: text(rows(pages.snapshot(), VIEW, width, 4)[1])[:5] for width in (80, 120)}
    assert starts == {80: "Russe", 120: "SMALL"}


def test_ascii_has_its_own_arrow() -> None:
    drawn = scene(pages.snapshot(), replace(VIEW, ascii=True), 160, 45).rows["ribbon"]
    assert text(drawn[1]).startswith("SMALL CAPS LEADING ^  Russell")
