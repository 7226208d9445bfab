"""The second line of the screen: who leads, in bold, before the sentence, which gives way to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from rotation.market.beside.clauses import grown as with_clauses
from rotation.snapshot import Clause
from tests.support.status_worlds import HALTED, H, snapshot
from tests.support.tui import pages
from tui.panels.ribbon import rows
from tui.screen.scene import scene
from tui.view import theme
from tui.view.pairs import of_pair
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot
    from tui.view.draw import Row

VIEW = ViewState()
SIZES = (*pages.SIZES, (100, 30), (60, 20), (40, 45))


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


@pytest.mark.parametrize("window", [5, 252])
@pytest.mark.parametrize("width", range(40, 201))
def test_it_stands_first_at_every_width_and_nothing_is_cut(width: int, window: int) -> None:
    taken = spread_at(pages.snapshot(), 10.0, 99.0, "252")
    view = replace(VIEW, window=window)
    height = scene(taken, view, width, 45).places["ribbon"].height
    _, *printed = map(text, rows(taken, view, width, height))
    assert len(printed) < height
    assert printed[0].startswith("SMALL CAPS LEADING ▲")
    assert f"{window}d" in printed[0] or (window == 5 and width >= 76)
    assert all(len(line) <= width and "…" not in line for line in printed)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", pages.PAGES)
def test_it_is_the_second_line_of_every_page(name: str, size: tuple[int, int]) -> None:
    view = pages.view(name, size)
    drawn = scene(of_pair(pages.snapshot(), view.pair), view, *size)
    words = "IWN LEADING ▲" if name == "pair" else "SMALL CAPS LEADING ▲"
    assert text(drawn.rows["ribbon"][1]).startswith(words)


def test_members_and_rare_clauses_and_then_records_give_way() -> None:
    taken = pages.snapshot()
    clauses = tuple(Clause(f"x.{n}", f"a rare thing, number {n}", 1.0, 999) for n in (1, 2, 3))
    grown = replace(taken, clauses=clauses, headline=with_clauses(taken.headline, clauses))
    endings = {}
    for width in range(76, 152):
        sentence = " ".join(map(text, rows(grown, VIEW, width, 4)[1:])).partition("  ")[2]
        assert sentence.startswith(
            "Russell 2000 (IWM) +1.88 %, 5th gain in a row (4 + today); +9.9 % in 5 sess"
        )
        assert "10.3 pp ahead of Nasdaq 100 (QQQ)" in sentence
        assert "cut on 18 Sep priced at 100 %" in sentence
        kept = [n for n in (1, 2, 3) if f"number {n}" in sentence]
        assert kept == [1, 2, 3][: len(kept)], "the rarest stay"
        endings[width] = ("best since" in sentence, len(kept), "members up" in sentence)
    assert list(endings.values()) == sorted(endings.values())
    assert {(False, 0, False), (True, 0, False), (True, 1, False), (True, 3, True)} <= {*endings.values()}


def test_a_narrow_screen_names_both_legs_where_nobody_is_said_to_lead() -> None:
    taken = snapshot(iwm=HALTED, iwm_age_s=3 * H, qqq_age_s=3 * H)
    _, base, against = map(text, rows(taken, VIEW, 40, 3))
    assert base.startswith("IWM HALTED")
    assert against.startswith("−QQQ ")
    _, led, base = map(text, rows(pages.snapshot(), VIEW, 40, 3))
    assert led == "SMALL CAPS LEADING ▲ 5d +10.34 pp vs QQQ"
    assert base.startswith("IWM ▲+1.88% ▲5 (4+1) 5d +9.87%")


def test_ascii_has_its_own_arrow() -> None:
    drawn = scene(pages.snapshot(), replace(VIEW, ascii=True), 160, 45).rows["ribbon"]
    assert text(drawn[1]).startswith("SMALL CAPS LEADING ^  Russell")
