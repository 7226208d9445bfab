"""The breadth panel and the ribbon's clause: known, partly known, unknown, and worth little."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec
import pytest

from rotation.breadth.figures import Breadth, BreadthFigures, IndexBreadth, Mover, SectorBreadth
from rotation.status import DerivedStatus, Kind
from tui.panels.breadth.panel import clause, rows
from tui.panels.ribbon import rows as ribbon_rows
from tui.view.draw import cells
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot

from tui.screen.scene import draw_panel

FIGURES = BreadthFigures(
    session=date(2024, 7, 16), membership_date=date(2024, 7, 1), total=1977, counted=1664, advances=1554,
    declines=95, unchanged=15, net=1459, share_up=1554 / 1664, above_mean=0.812, mean_counted=1600, highs=210,
    lows=3, net_highs=207, range_counted=1500, net_ratio=0.885, mcclellan=0.1234,
)  # fmt: skip
STATUS = DerivedStatus(Kind.LIVE, "AAA", None, 3.0, 0.0, "", "Feed", 2.0, apart=False)
LINE = tuple((date(2024, 6, n), (n - 15) / 100) for n in range(3, 28))


def index(**changes: object) -> IndexBreadth:
    """IWM's, live."""
    made = IndexBreadth(
        "IWM", FIGURES, True, None, STATUS, LINE, (Mover("AAA", "A", 12.3),), (Mover("ZZZ", "Z", -9.1),)
    )
    return msgspec.structs.replace(made, **changes)


def shown(snapshot: Snapshot, width: int = 76) -> list[str]:
    return ["".join(text for text, _ in row) for row in rows(snapshot, ViewState(), width, 40)]


def with_index(snapshot: Snapshot, **changes: object) -> Snapshot:
    return msgspec.structs.replace(snapshot, breadth=Breadth({"IWM": index(**changes)}))


def test_all_of_it_is_shown(scenes: dict[str, Snapshot]) -> None:
    text = "\n".join(shown(with_index(scenes["live"])))
    for part in (
        "Russell 2000 (IWM)", "LIVE", "1,664 of 1,977 counted, members of 1 Jul 2024", "1,554", "95",
        "81.2 % of 1,600", "+207 of 1,500", "McClellan +123.4", "AAA +12.3 %", "ZZZ −9.1 %",
    ):  # fmt: skip
        assert part in text


def test_what_is_unknown_is_a_dash(scenes: dict[str, Snapshot]) -> None:
    young = msgspec.structs.replace(FIGURES, above_mean=None, net_highs=None, mcclellan=None)
    text = "\n".join(shown(with_index(scenes["live"], now=None, settled=young, top=(), bottom=(), line=())))
    assert "close of 16 Jul 2024" in text
    assert "above 50-day mean        —" in text
    assert "highs − lows —" in text
    assert "McClellan —" in text
    assert shown(with_index(scenes["live"], now=None)) == [
        "Russell 2000 (IWM)  no member has a close for this session",
        "rotation-tui history sync --universe IWM",
    ]


def test_without_a_file_the_panel_says_what_to_do(scenes: dict[str, Snapshot]) -> None:
    assert "members import" in " ".join(shown(scenes["live"]))


@pytest.mark.parametrize("width", [36, 56, 76, 156])
def test_every_width_is_kept(scenes: dict[str, Snapshot], width: int) -> None:
    drawn = draw_panel("breadth", with_index(scenes["live"]), ViewState(), width + 4, 24)
    assert {sum(cells(text) for text, _ in row) for row in drawn.rows} == {width + 4}


def test_the_ribbon_adds_one_clause_where_breadth_is_known(scenes: dict[str, Snapshot]) -> None:
    def ribbon(snapshot: Snapshot) -> str:
        return " ".join(
            "".join(text for text, _ in row) for row in ribbon_rows(snapshot, ViewState(), 300, 4)
        )

    assert "members up" not in ribbon(scenes["live"])
    assert "; 1,554 of 1,664 members up." in ribbon(with_index(scenes["live"]))
    stale = msgspec.structs.replace(STATUS, kind=Kind.STALE)
    assert clause(with_index(scenes["live"], status=stale)) == "≈ 1,554 of 1,664 members up"
    assert clause(with_index(scenes["live"], now=None)) == ""
    few = msgspec.structs.replace(FIGURES, counted=1, advances=1, declines=0, unchanged=0)
    assert clause(with_index(scenes["live"], now=few)) == "≈ 1 of 1 counted up, of 1,977 members"


SECTORS = (
    SectorBreadth("Health Care", 17.2, 3.1, 0.53, 200, 240, 250),
    SectorBreadth("Financials", 12.0, -0.4, -0.05, 90, 230, 231),
    SectorBreadth("Utilities", None, None, None, 3, 5, 6),
)
SUMMED = tuple((date(2024, 6, n), 100 * n) for n in range(3, 28))


def page(snapshot: Snapshot, width: int, height: int = 38) -> str:
    of_iwm = index(sectors=SECTORS, advance_decline=SUMMED)
    of_qqq = index(sectors=(), advance_decline=(), fund="QQQ")
    made = msgspec.structs.replace(snapshot, breadth=Breadth({"QQQ": of_qqq, "IWM": of_iwm}))
    return "\n".join("".join(text for text, _ in row) for row in rows(made, ViewState(), width, height))


@pytest.mark.parametrize(("width", "height"), [(156, 38), (116, 33)])
def test_both_indices_stand_side_by_side_the_base_s_first(
    scenes: dict[str, Snapshot], width: int, height: int
) -> None:
    text = page(scenes["live"], width, height)
    first = text.splitlines()[0]
    assert first.index("Russell 2000 (IWM)") < first.index("Nasdaq 100 (QQQ)")
    assert len(text.splitlines()) <= height
    assert text.count("members of 1 Jul 2024") == 2


@pytest.mark.parametrize("width", [156, 116, 76])
def test_the_page_has_lines_and_sectors(scenes: dict[str, Snapshot], width: int) -> None:
    text = page(scenes["live"], width)
    for part in (
        "advance/decline line +3859 since 3 Jun, 25 sessions", "Health Care", "17.2 %", "+3.10 %", "200/240",
        "Financials", "−0.40 %", "Utilities", "McClellan +123.4",
    ):  # fmt: skip
        assert part in text
    heavy = next(line for line in text.splitlines() if "Health Care" in line)
    light = next(line for line in text.splitlines() if "Financials" in line)
    assert heavy.count("█") > light.count("█") > 0


def test_heat_is_never_shown_by_colour_alone(scenes: dict[str, Snapshot]) -> None:
    live = with_index(scenes["live"], sectors=SECTORS)
    made = rows(live, ViewState(), 76, 40)
    (heavy,) = [row for row in made if row and row[0][0].startswith("Health Care")]
    assert {role for text, role in heavy if "█" in text} == {"up-strong"}
    assert any(text.strip() == "+3.10 %" for text, _ in heavy)
