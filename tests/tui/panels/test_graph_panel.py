"""The graph's panel: plane and table, known and unknown, on every size."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.graph.figures import Point, Quadrant, RotationGraph, Trail
from rotation.status import DerivedStatus, Kind
from tui.panels.graph import rows
from tui.view.draw import cells
from tui.view.plane import Line, plane
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot

STATUS = DerivedStatus(Kind.LIVE, "IWM", None, 3.0, 0.0, "", "Feed", 2.0, apart=False)
TAIL = tuple(Point(date(2024, 4, 26) + timedelta(weeks=n), 97 + n / 3, 101 - n / 4) for n in range(12))


def trail(symbol: str, **changes: object) -> Trail:
    made = Trail(
        symbol, TAIL, Point(date(2024, 7, 16), 101.2, 99.1), True, Quadrant.WEAKENING, 86.4, 1.25, STATUS
    )
    return msgspec.structs.replace(made, **changes)


def with_graph(snapshot: Snapshot, *trails: Trail) -> Snapshot:
    by_symbol = {each.symbol: each for each in trails}
    return msgspec.structs.replace(snapshot, graph=RotationGraph("SPY", 1, by_symbol, {}))


def shown(snapshot: Snapshot, width: int = 156, height: int = 40, **view: object) -> str:
    made = rows(snapshot, ViewState(**view), width, height)
    return "\n".join("".join(text for text, _ in row) for row in made)


def test_plane_and_table_stand_side_by_side(scenes: dict[str, Snapshot]) -> None:
    text = shown(with_graph(scenes["live"], trail("QQQ"), trail("IWM")))
    for part in (
        "against SPY, weekly", "c: daily", "Improving", "Leading", "Lagging", "●IWM",
        "IWM   Weakening", "101.20", "99.10", "86° →", "1.25", "~ LIVE",
    ):  # fmt: skip
        assert part in text
    assert text.index("IWM   Weakening") < text.index("QQQ   Weakening")


def test_without_a_head_the_last_settled_point_is_named(scenes: dict[str, Snapshot]) -> None:
    unknown = trail("IWM", head=None, quadrant=None, heading_deg=None, speed=None, status=None)
    text = shown(with_graph(scenes["live"], unknown))
    assert "IWM   —  last settled 12 Jul 2024, Weakening" in text
    assert "●IWM —" in text


def test_prices_apart_are_marked(scenes: dict[str, Snapshot]) -> None:
    apart = trail("IWM", status=msgspec.structs.replace(STATUS, apart=True))
    assert "≈ LIVE" in shown(with_graph(scenes["live"], apart))


def test_without_history_the_reason_is_said(scenes: dict[str, Snapshot]) -> None:
    assert "two years of closes" in shown(with_graph(scenes["live"]))
    without = msgspec.structs.replace(scenes["live"], graph=None)
    assert "No session" in shown(msgspec.structs.replace(without, session=None))
    assert "computing" in shown(without)


def test_c_goes_to_the_daily_graph(scenes: dict[str, Snapshot]) -> None:
    graph = RotationGraph("SPY", 1, {}, {"IWM": trail("IWM")})
    text = shown(msgspec.structs.replace(scenes["live"], graph=graph), chart="daily")
    assert "against SPY, daily" in text
    assert "IWM   Weakening" in text


@pytest.mark.parametrize(("width", "height"), [(196, 55), (156, 40), (116, 35), (76, 17), (36, 7), (4, 1)])
def test_every_size_is_kept(scenes: dict[str, Snapshot], width: int, height: int) -> None:
    snapshot = with_graph(scenes["live"], *(trail(symbol) for symbol in ("IWM", "QQQ", "DIA")))
    made = rows(snapshot, ViewState(), width, height)
    if width >= 76:
        assert all(sum(cells(text) for text, _ in row) <= width for row in made)
    assert len(made) <= max(height, 5)


PLACES = st.floats(0, 1)


@given(
    st.lists(
        st.tuples(
            st.lists(st.tuples(PLACES, PLACES), min_size=1, max_size=13),
            st.text("ABC", min_size=1, max_size=5),
        ),
        min_size=1,
        max_size=12,
    ),
    st.integers(12, 60),
    st.integers(3, 20),
)
def test_labels_never_collide(
    trails: list[tuple[list[tuple[float, float]], str]], width: int, height: int
) -> None:
    """Each row has its width, and every label that is drawn is drawn whole."""
    lines = [Line(points, f"{name}{at:x}", f"role{at}") for at, (points, name) in enumerate(trails)]
    made = plane(lines, width, height)
    assert len(made) == height
    for row in made:
        assert sum(cells(text) for text, _ in row) == width
    for line in lines:
        own = "".join(text for row in made for text, role in row if role == line.role)
        assert own.count("●") <= 1
        if "●" in own:
            assert f"●{line.label}" in own or f"{line.label}●" in own


def test_a_wide_and_low_panel_is_the_table_alone(scenes: dict[str, Snapshot]) -> None:
    """At 114 columns and ten lines there is no room for a plane, and every leg can be scrolled to."""
    snapshot = with_graph(scenes["live"], *(trail(symbol) for symbol in ("IWM", "QQQ", "DIA", "KRE")))
    made = rows(snapshot, ViewState(), 112, 3)
    assert len(made) == 6
    assert "KRE" in "".join(text for text, _ in made[-1])


def dots(snapshot: Snapshot, chosen: int) -> int:
    """Cells of the plane with braille in them: what trails cover."""
    return sum("\u2800" < letter <= "\u28ff" for letter in shown(snapshot, trail=chosen))


def test_one_trail_may_be_drawn_alone_or_none(scenes: dict[str, Snapshot]) -> None:
    """In the order of the table, round and round; heads and table stay."""
    other = tuple(Point(point.date, point.momentum, point.ratio) for point in TAIL)
    snapshot = with_graph(scenes["live"], trail("QQQ", tail=other), trail("IWM"))
    texts = [shown(snapshot, trail=chosen) for chosen in range(5)]
    assert [text.split("o: ")[1].split("   ")[0] for text in texts] == [
        "all trails", "trail of IWM", "trail of QQQ", "no trails", "all trails",
    ]  # fmt: skip
    assert dots(snapshot, 3) < dots(snapshot, 1) < dots(snapshot, 0)
    assert dots(snapshot, 3) < dots(snapshot, 2) < dots(snapshot, 0)
    for text in texts:
        assert "IWM   Weakening" in text
        assert "●IWM" in text or "IWM●" in text


def test_a_leg_without_a_head_keeps_its_last_point(scenes: dict[str, Snapshot]) -> None:
    unknown = trail("IWM", head=None, quadrant=None, heading_deg=None, speed=None, status=None)
    text = shown(with_graph(scenes["live"], unknown, trail("QQQ")), trail=3)
    assert "IWM   —  last settled 12 Jul 2024, Weakening" in text


def test_a_status_outlasts_the_speed_and_the_heading(scenes: dict[str, Snapshot]) -> None:
    """At 60 columns the word was cut, and at 40 a stale leg looked like any other."""
    stale = msgspec.structs.replace(STATUS, kind=Kind.STALE, age_s=3 * 3600.0)
    snapshot = with_graph(scenes["live"], trail("IWM"), trail("QQQ", status=stale))
    for width in (116, 76, 56, 50):
        text = shown(snapshot, width)
        assert "~ STALE 3h" in text
        assert ("heading" in text) == (width >= 55)
        assert ("speed" in text) == (width >= 62)
    iwm, qqq = (line for line in shown(snapshot, 36).splitlines() if line.startswith(("IWM ", "QQQ ")))
    assert iwm.split()[1] == "Weakening"
    assert qqq.split()[1:3] == ["STALE", "3h"]
