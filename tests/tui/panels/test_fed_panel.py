"""The Fed panel: what it says of real figures, and that nothing breaks or lies when figures are missing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.fed.calibration import Score
from rotation.fed.comovement import LEAST_N, CoMovement
from rotation.fed.figures import FedPast
from rotation.status import Kind, PriceStatus
from tests.support.fed import scenes as fed_scenes
from tui.cli.watch import _timeless
from tui.output import text_fed as report_fed
from tui.output.text import text as report
from tui.panels.fed import figures as fed_figures
from tui.panels.fed import history as fed_history
from tui.panels.fed import next as fed_next
from tui.panels.fed import zoom as fed_zoom
from tui.panels.registry import PANELS
from tui.screen.scene import draw_panel, scene
from tui.view import table
from tui.view.draw import cell_len
from tui.view.layout import ABSENT
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rotation.fed.figures import Fed
    from rotation.snapshot import Snapshot

SCENES = fed_scenes.all_scenes()
SIZES = [(160, 45), (93, 19), (67, 30), (50, 24), (40, 8), (12, 4), (4, 2)]
"""Of the panel with its border: zoomed, stacked, and in each column."""
ZOOMED = ViewState(focus="fed", zoomed=True)
replace = msgspec.structs.replace


@pytest.fixture
def snapshot(scenes: dict[str, Snapshot]) -> Snapshot:
    return replace(scenes["live"], fed=SCENES["july"])


def lines(fed: Fed | None, base: Snapshot, width: int = 63, height: int = 28, **view: object) -> list[str]:
    look = replace(ViewState(focus="fed"), **view)
    rows = PANELS["fed"].rows(replace(base, fed=fed), look, width, height)
    return ["".join(text for text, _ in row) for row in rows]


def line(drawn_lines: list[str], start: str) -> str:
    return next(line for line in drawn_lines if line.startswith(start))


@pytest.mark.parametrize("scene", list(SCENES))
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("zoomed", [False, True])
def test_any_scene_draws_at_any_size(
    scene: str, size: tuple[int, int], zoomed: bool, scenes: dict[str, Snapshot]
) -> None:
    shown = replace(scenes["live"], fed=SCENES[scene])
    drawn = draw_panel("fed", shown, ViewState(focus="fed", zoomed=zoomed), *size)
    assert len(drawn.rows) == size[1]
    assert {sum(cell_len(text) for text, _ in row) for row in drawn.rows} == {size[0]}
    assert all(text.isprintable() for row in drawn.rows for text, _ in row)


def test_the_next_meeting_of_july_2024(snapshot: Snapshot) -> None:
    printed = lines(SCENES["july"], snapshot)
    assert printed[0] == "! prices of one block are up to 2 minutes apart"
    assert printed[1] == "31 Jul 2024  in 15 d 3 h  range now 525-550 bp  EFFR 5.33 %"
    assert printed[2] == "DELAYED 10m, 4s old  last trades  Yahoo futures"
    assert "cut    8.0 % █" in printed[3]
    assert "500-525   8.0 % █" in printed[3]
    assert "hold  92.0 % ███" in printed[4]
    assert "▸525-550  92.0 %◂███" in printed[4]
    assert printed[5].split() == ["hike", "0.0", "%"]
    assert "P(cut) change 1 d ▲+4.0  1 w ▲+1.0  1 m ▼−2.0  pp" in printed


def test_a_line_per_meeting_and_where_the_chain_stops(snapshot: Snapshot) -> None:
    printed = lines(SCENES["july"], snapshot)
    assert line(printed, "18 Sep 2024").split() == [
        "18",
        "Sep",
        "2024",
        "5.185",
        "−25.0",
        "−27.0",
        "1.1",
        "100.0",
        "0.0",
        "—",
    ]
    assert line(printed, "18 Jun 2025").split()[3] == "~"
    assert line(printed, "×") == "× no odds from 30 Jul 2025: a contract is missing"
    assert not [line for line in printed if line.startswith("30 Jul 2025")]


def test_engines_stand_side_by_side_with_their_gap(snapshot: Snapshot) -> None:
    printed = lines(SCENES["hike"], snapshot)
    assert line(printed, "futures").split()[1:3] == ["+20.4", "0.0"]
    assert line(printed, "Kalshi").split()[1:6] == ["+17.8", "−2.6", "2.0", "26.8", "71.2"]
    assert line(printed, "Polymarket").split()[1:3] == ["+18.5", "−1.9"]


def test_where_it_is_about_a_hike_the_hike_stays(snapshot: Snapshot) -> None:
    narrow = lines(SCENES["hike"], snapshot, width=46)
    assert any("hike %" in line for line in narrow)
    assert not any("cut %" in line for line in narrow)
    assert any("cut %" in line for line in lines(SCENES["july"], snapshot, width=46))


def test_unknown_is_a_dash_and_never_a_number(snapshot: Snapshot) -> None:
    for zoomed in (False, True):
        text = "\n".join(lines(SCENES["offline"], snapshot, zoomed=zoomed, width=96))
        assert "0.0" not in text
        assert "OFFLINE" in text
        assert "cut      —" in text
    markets = lines(SCENES["markets"], snapshot)
    assert line(markets, "futures").split()[1:4] == ["—", "—", "—"]
    assert line(markets, "Kalshi").split()[1:4] == ["−1.0", "—", "5.0"]


@pytest.mark.parametrize(
    ("mode", "expected"), [("REPLAY", "no Fed data on this tape"), ("", "waiting for Fed data")]
)
def test_without_a_source_it_says_so(
    mode: str, expected: str, snapshot: Snapshot, scenes: dict[str, Snapshot]
) -> None:
    (result,) = lines(None, replace(snapshot, mode=mode), width=90)
    assert expected in result
    assert "settled history only" in lines(None, scenes["cached"])[0]


@pytest.mark.parametrize(
    ("as_of", "shown"),
    [
        ("2024-07-14T22:00:00-04:00", "in 16 d 16 h"),
        ("2024-07-30T16:30:00-04:00", "in 21 h 30 min"),
        ("2024-07-31T10:40:00-04:00", "today 14:00 New York, in 3 h 20 min"),
        ("2024-07-31T13:51:10-04:00", "today 14:00 New York, in 8 min"),
        ("2024-07-31T13:59:30-04:00", "today 14:00 New York, in seconds"),
        ("2024-07-31T14:00:00-04:00", "decided"),
    ],
)
def test_the_countdown(as_of: str, shown: str) -> None:
    decides = datetime(2024, 7, 31, 18, tzinfo=UTC)
    forms = fed_next.countdown(decides, datetime.fromisoformat(as_of))
    assert forms[0] == shown
    assert len(forms[-1]) <= 16


def test_warnings_come_first_and_wrap_even_on_the_smallest_terminal(snapshot: Snapshot) -> None:
    printed = lines(SCENES["july"], snapshot, width=36, height=6)
    assert printed[:2] == ["! prices of one block are up to 2", "  minutes apart"]
    assert printed[4].split() == ["cut", "8.0", "hold", "92.0", "hike", "0.0"]
    many = replace(SCENES["july"], warnings=tuple(f"warning number {i}" for i in range(9)))
    printed = lines(many, snapshot, width=36, height=6)
    assert printed[1].rstrip() == "! warning number 1 … more"
    assert "! warning number 8" in lines(many, snapshot, width=150, height=20, zoomed=True)


def test_the_oldest_contract_is_named_first_and_only_where_ages_differ(snapshot: Snapshot) -> None:
    printed = lines(SCENES["july"], snapshot)
    assert line(printed, "ZQ").startswith("ZQK25 2m oldest · ZQN24 4s")
    even = tuple(replace(c, age_s=4.2) for c in SCENES["july"].contracts)
    (flowed,) = fed_figures.contracts(replace(SCENES["july"], contracts=even), 200, 1)
    assert "oldest" not in "".join(text for text, _ in flowed)


def test_settled_days_are_joined_and_today_stands_apart() -> None:
    history = SCENES["july"].history
    rows = fed_history.chart(history, 60, 6)
    marks = [(y, role) for y, row in enumerate(rows[:-1]) for text, role in row if text == fed_history.NOW]
    assert marks == [(2, "accent")]
    assert "○ 16 Jul 2024" in rows[-1][0][0]
    assert "3 Jun 2024" in rows[-1][0][0]
    assert rows[0][0][0].strip() == "12.0 %┤"
    settled = fed_history.chart(history[:-1], 60, 6)
    assert not any(fed_history.NOW in text for row in settled for text, _ in row)


def test_before_two_days_are_settled_the_line_says_that_it_is_not() -> None:
    now = datetime(2024, 7, 16, 14, 40, tzinfo=UTC)
    past = tuple(FedPast(now + timedelta(minutes=i), 0.1 + i / 100, settled=False) for i in range(9))
    foot = fed_history.chart(past, 60, 6)[-1][0][0]
    assert "16 Jul 10:40" in foot
    assert "10:48 New York" in foot
    assert "intraday" in foot


@pytest.mark.parametrize("height", [3, 6, 8])
def test_a_value_that_never_moved_stands_beside_its_line_once(height: int) -> None:
    start = datetime(2024, 6, 3, 19, tzinfo=UTC)
    past = tuple(FedPast(start + timedelta(days=i), 0.25, settled=True) for i in range(9))
    labelled = [row for row in fed_history.chart(past, 60, height) if "25.0 %" in row[0][0]]
    assert len(labelled) == 1
    assert labelled[0][1][0].strip("\u2800 ")
    (small,) = fed_history.chart(past, 60, 1)
    assert "".join(text for text, _ in small).endswith(" 25.0 %")


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 1), st.booleans()), max_size=30),
    st.integers(1, 90),
    st.integers(0, 12),
)
def test_any_history_can_be_drawn(
    given_points: list[tuple[int, float, bool]], width: int, height: int
) -> None:
    start = datetime(2024, 1, 2, tzinfo=UTC)
    history = tuple(FedPast(start + timedelta(minutes=m), p, settled=s) for m, p, s in sorted(given_points))
    rows = fed_history.chart(history, width, height)
    assert len(rows) == (max(height, 1) if height >= 3 and history else 1)


def test_the_whole_tree_at_any_width(snapshot: Snapshot) -> None:
    for width in (36, 76, 116, 156):
        text = "\n".join(lines(SCENES["july"], snapshot, width=width, height=40, zoomed=True))
        for figure in ("92.0◂", "62.6◂", "55.8◂", "42.9◂", "41.2◂", "40.1◂", "34.2◂", "14.9", "~18 Jun"):
            assert figure in text, (width, figure)
        assert "▸525-550" in text
        assert text.index("▸525-550", text.index("Target range")) < text.index(
            " 500-525 ", text.index("Target range")
        )


@pytest.mark.parametrize(
    ("width", "pieces"), [(60, [5, 5]), (79, [10]), (80, [10]), (42, [4, 4, 2]), (120, [10])]
)
def test_the_tree_is_parted_evenly(width: int, pieces: list[int], snapshot: Snapshot) -> None:
    meetings = [meeting for meeting in SCENES["july"].meetings if meeting.outcomes]
    ten = replace(SCENES["july"], meetings=(*meetings, *meetings)[:10])
    printed = lines(ten, snapshot, width=width, height=40, zoomed=True)
    tree = printed[printed.index("Target range after each meeting, %") :]
    years = [row.split() for row in tree if set(row.split()) <= {"2024", "2025"} and row.strip()]
    assert [len(row) for row in years] == pieces


def test_the_zoom_shows_strip_breakevens_ladder_and_comovement(snapshot: Snapshot) -> None:
    printed = lines(SCENES["july"], snapshot, width=116, zoomed=True)
    assert line(printed, "ZQG25").split()[-1] == "−1.31"
    assert "  ! one-sided book, last settlement used" in printed
    assert any(line.split() == ["ZQQ24", "0.0050", "+2.0", "−2.0"] for line in printed)
    assert any(line.split() == ["50", "%", "ZQQ24", "94.7950", "+21.0"] for line in printed)
    assert any(line.split() == ["90", "%", "ZQQ24", "—", "—"] for line in printed)
    assert any(line.split()[-4:] == ["5.25", "9.0", "0.0", "+9.0"] for line in printed)
    assert "beta +0.03 pp per point  correlation +0.44  n 60" in printed
    assert "one rate path fitted to the strip: rms error 0.41 bp" in printed


def test_comovement_is_silent_while_n_is_short(snapshot: Snapshot) -> None:
    short = replace(SCENES["july"], comovement=CoMovement(LEAST_N - 1, None, None))
    printed = lines(short, snapshot, width=116, zoomed=True)
    assert f"{LEAST_N - 1} days so far, {LEAST_N} needed" in printed
    assert not any("beta" in line for line in printed)


def test_the_zoom_has_brier_scores_with_n_and_none_below_ten(snapshot: Snapshot) -> None:
    few, many = Score(9, 0, None, None, None), Score(24, 20, 0.0123, 0.2, 0.25)
    scored = replace(SCENES["july"], calibration={"Kalshi": {"7": few}, "futures": {"1": many, "7": many}})
    printed = lines(scored, snapshot, width=116, zoomed=True)
    assert "Brier score of P(cut) before past decisions" in printed
    assert line(printed, "by  ").split() == [
        "by",
        "1",
        "day",
        "before",
        "7",
        "days",
        "before",
        "30",
        "days",
        "before",
    ]
    assert any(line.split() == ["Kalshi", "n", "0", "—", "n", "9", "n", "0"] for line in printed)
    futures = ["futures", "0.012", "n", "24*", "0.012", "n", "24*", "n", "0"]
    assert any(line.split() == futures for line in printed)
    assert "n 0: nothing logged so early" in " ".join(printed)
    text = "\n".join(printed)
    assert "no score below 10 decisions" in text
    assert "*: in part by settlements" in text
    assert not any("Brier" in line for line in lines(SCENES["july"], snapshot, width=116, zoomed=True))


def test_a_small_panel_leaves_meetings_to_the_zoom_and_says_so(snapshot: Snapshot) -> None:
    printed = lines(SCENES["july"], snapshot, width=46, height=22)
    assert len(printed) <= 22
    assert line(printed, "+ ") == "+ 3 more: z  × no odds from 30 Jul 2025"


def test_ranges_below_zero_sort_and_read(snapshot: Snapshot) -> None:
    printed = lines(SCENES["negative"], snapshot)
    assert "−50-−25" in printed[3]
    assert "▸0-25" in printed[5]
    assert fed_figures.lower_bp("-50--25") == -50


def test_the_report_has_the_same_figures(snapshot: Snapshot) -> None:
    report_text = report(snapshot)
    assert "cut 8.0 %   hold 92.0 %   hike 0.0 %" in report_text
    assert "Kalshi: order book; quotes total 102.5 %, scaled to 100" in report_text
    assert report_fed.text(None, snapshot.as_of) == []
    assert max(map(len, report_fed.text(SCENES["july"], snapshot.as_of))) <= report_fed.WIDTH


def test_watch_does_not_repeat_what_only_aged(snapshot: Snapshot) -> None:
    fed = SCENES["july"]
    stale = PriceStatus(Kind.STALE, fed.engines["futures"].at, 43.0)
    aged = replace(
        fed,
        state="STALE 43s",
        status=stale,
        engines={
            name: replace(result, age_s=99.0, status=replace(result.status, age_s=99.0))
            for name, result in fed.engines.items()
        },
        contracts=tuple(replace(c, age_s=99.0, status=replace(c.status, age_s=99.0)) for c in fed.contracts),
    )
    before = replace(
        aged,
        state="STALE 42s",
        status=replace(stale, age_s=42.0),
        engines=fed.engines,
        contracts=fed.contracts,
    )
    assert _timeless(replace(snapshot, fed=aged)) == _timeless(replace(snapshot, fed=before))
    moved = replace(aged, cut=0.09)
    assert _timeless(replace(snapshot, fed=moved)) != _timeless(replace(snapshot, fed=before))


def test_the_meeting_rows_keep_their_places_whatever_the_figures(snapshot: Snapshot) -> None:
    wide = replace(SCENES["july"].meetings[0], move_bp=-123.4, cumulative_bp=-1234.5, cut=1.0)
    other = replace(SCENES["july"], meetings=(wide, *SCENES["july"].meetings[1:]))
    first, two = (lines(fed, snapshot) for fed in (SCENES["july"], other))
    heads = [result.index(line(result, "meeting")) for result in (first, two)]
    assert heads[0] == heads[1]
    assert len(first[heads[0] + 1]) == len(two[heads[1] + 1])
    assert first[heads[0] + 2] == two[heads[1] + 2]


def test_the_panel_has_room_only_where_odds_may_come(snapshot: Snapshot, scenes: dict[str, Snapshot]) -> None:
    def height(shown: Snapshot | None) -> int:
        return scene(shown, ViewState(), 160, 45).places["fed"].height

    waiting = replace(snapshot, mode="", fed=None)
    assert height(None) == height(waiting) == height(snapshot) > 20
    assert height(replace(snapshot, mode="REPLAY", fed=None)) == ABSENT
    assert height(scenes["cached"]) == ABSENT


@pytest.mark.parametrize(
    "word", ["P(cut)", "move bp", "sum bp", "de-vigged", "vs futures", "degraded", "residual"]
)
def test_help_defines_what_the_panel_says(word: str, snapshot: Snapshot) -> None:
    text = "\n".join(
        "".join(t for t, _ in row) for row in PANELS["help"].rows(snapshot, ViewState(), 200, 40)
    )
    assert word in text


@given(st.integers(1, 200))
def test_a_table_never_spills_over_and_keeps_its_columns(width: int) -> None:
    meetings = [meeting for meeting in SCENES["july"].meetings if meeting.outcomes]
    rows = table.lines(fed_figures.MEETINGS, meetings, width)
    sizes = {sum(cell_len(text) for text, _ in row) for row in rows}
    assert len(sizes) == 1
    least = sum(c.width + 1 for c in fed_figures.MEETINGS if not c.rank) - 1
    assert sizes.pop() <= max(width, least)


def test_dates_are_of_new_york() -> None:
    assert fed_figures.short_day(date(2024, 7, 15)) == "15 Jul"
    assert fed_zoom.BESIDE_FROM > fed_next.BESIDE_FROM


@pytest.mark.parametrize("zoomed", [False, True])
@pytest.mark.parametrize("width", [36, 62, 156])
def test_rates_are_no_profit_or_loss(scenes: dict[str, Snapshot], width: int, zoomed: bool) -> None:
    """A cut once had the red of a loss, odds that rise the green of a gain."""
    view = ViewState(focus="fed", zoomed=zoomed)
    rows = PANELS["fed"].rows(scenes["live"], view, width, 60)
    assert not [span for row in rows for span in row if span[1].startswith(("up", "down"))]
