"""What panels say, without a terminal."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec
import pytest

from rotation.desk import Desk
from rotation.feed_stats import FeedStats
from rotation.figures.registry import figures
from rotation.snapshot import FeedHealth, SincePct, Streak
from rotation.status import Kind, PriceStatus, Refusal
from tests.support.tui.scenes import with_leg, without_figures
from tui.panels.legs import columns
from tui.panels.registry import PANELS
from tui.panels.ribbon import run
from tui.panels.spread.panel import TRACKED, _track_head
from tui.screen.scene import draw_panel
from tui.view.keymap import ACTIONS
from tui.view.tracks import track
from tui.view.view_state import ViewState

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot

VIEW = ViewState()
SIZES = [(160, 45), (96, 13), (76, 20), (36, 8), (10, 3)]


def lines(
    panel: str, snapshot: Snapshot, view: ViewState = VIEW, width: int = 96, height: int = 40
) -> list[str]:
    return ["".join(text for text, _ in row) for row in PANELS[panel].rows(snapshot, view, width, height)]


def roles(panel: str, snapshot: Snapshot, text: str) -> set[str]:
    rows = PANELS[panel].rows(snapshot, VIEW, 96, 40)
    return {role for row in rows for shown, role in row if text in shown}


@pytest.mark.parametrize("scene", ["live", "closed", "cached", "empty"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("panel", list(PANELS))
def test_every_panel_draws_every_scene_at_any_size(
    panel: str, size: tuple[int, int], scene: str, scenes: dict[str, Snapshot]
) -> None:
    drawn = draw_panel(panel, scenes[scene], VIEW, *size)
    assert len(drawn.rows) == size[1]
    assert {sum(len(text) for text, _ in row) for row in drawn.rows} == {size[0]}


def test_the_ribbon_says_the_sentence_and_its_mark(scenes: dict[str, Snapshot]) -> None:
    printed = lines("ribbon", scenes["live"], width=160, height=3)
    assert " DEMO " in printed[0]
    assert "Tue 16 Jul 2024 10:40:00 EDT  OPEN" in printed[0]
    assert " ".join(printed[1:]) == f"SMALL CAPS LEADING ▲  {scenes['live'].headline}"


def test_a_demo_says_how_to_go_live_where_there_is_room(scenes: dict[str, Snapshot]) -> None:
    demo = scenes["live"]
    words = "live with: rotation-tui history sync"
    for width in (160, 120, 100):
        assert words in lines("ribbon", demo, width=width, height=3)[0]
    short = lines("ribbon", demo, width=80, height=3)[0]
    assert "DEMO" in short
    assert "16 Jul 2024 10:40 EDT  live: rotation-tui history sync" in short
    assert (
        "Tue 16 Jul 2024 10:40:00 EDT  OPEN"
        in lines("ribbon", msgspec.structs.replace(demo, mode="REPLAY"), width=80, height=3)[0]
    )
    host = msgspec.structs.replace(
        demo, health=msgspec.structs.replace(demo.health, host=("1 of 200 viewers",))
    )
    assert words not in lines("ribbon", host, width=160, height=3)[0], "a viewer has no shell there"
    assert words not in lines("ribbon", msgspec.structs.replace(demo, mode="REPLAY"), width=160, height=3)[0]


def test_the_ribbon_says_when_it_shows_another_day(scenes: dict[str, Snapshot]) -> None:
    assert "showing Tue 16 Jul 2024" in lines("ribbon", scenes["cached"], width=160, height=3)[0]
    assert "showing" not in lines("ribbon", scenes["live"], width=160, height=3)[0]


def test_paused_and_demo_survive_the_smallest_terminal(scenes: dict[str, Snapshot]) -> None:
    printed = lines("ribbon", scenes["live"], msgspec.structs.replace(VIEW, paused=True), width=40, height=3)
    assert "DEMO" in printed[0]
    assert "PAUSED" in printed[0]
    assert printed[1].startswith("SMALL CAPS LEADING ▲")
    assert printed[2].startswith("IWM ▲+1.88% ▲5 (4+1)")


def test_legs_keep_settled_and_today_apart(scenes: dict[str, Snapshot]) -> None:
    live = lines("legs", scenes["live"])
    iwm = next(line for line in live if line.startswith("IWM"))
    ends = ["▲5", "(4+1)", "27", "May", "2020", "DEMO"]
    assert iwm.split()[:5] == ["IWM", "221.28", "▲+1.88", "├──────●─┤", "+9.87"]
    assert iwm.split()[-6:] == ends
    closed = next(line for line in lines("legs", scenes["closed"]) if line.startswith("IWM"))
    assert "▲5 " in closed
    assert "(4+1)" not in closed


def test_unknown_figures_are_dashes(scenes: dict[str, Snapshot]) -> None:
    unknown = without_figures(scenes["closed"], "IWN")
    iwn = next(line for line in lines("legs", unknown) if line.startswith("IWN"))
    assert "0.00" not in iwn
    assert iwn.split()[2:9] == ["—"] * 7


def test_stale_looks_stale(scenes: dict[str, Snapshot]) -> None:
    stale = with_leg(scenes["live"], "QQQ", state="STALE 42s", status=PriceStatus(Kind.STALE, age_s=42.0))
    assert roles("legs", stale, "STALE 42s") == {"warn"}
    assert roles("legs", scenes["live"], "DEMO") == {"accent"}


def test_a_record_is_called_one(scenes: dict[str, Snapshot]) -> None:
    leg = scenes["live"].legs["IWM"]
    since = {**leg.since, "5": SincePct(None, None, date(2000, 5, 26))}
    record = with_leg(scenes["live"], "IWM", since=since)
    assert roles("legs", record, "record") == {"accent"}


def test_columns_go_in_order_of_worth_as_room_goes(scenes: dict[str, Snapshot]) -> None:
    shown_before: set[str] = {c.head for c in columns.COLUMNS}
    for width in range(120, 4, -1):
        shown = {c.head for c in columns.fitting(width)}
        assert shown <= shown_before
        assert sum(len(text) for text, _ in PANELS["legs"].rows(scenes["live"], VIEW, width, 20)[1]) <= max(
            width + 1, 6
        )
        shown_before = shown
    assert {"last", "day %", "state"} <= {c.head for c in columns.fitting(36)}


@pytest.mark.parametrize("width", [36, 60, 100])
def test_where_room_is_short_the_venue_gives_way_and_not_the_state(
    scenes: dict[str, Snapshot], width: int
) -> None:
    status = PriceStatus(Kind.STALE, age_s=960.0, venue="IEX", source="Alpaca")
    stale = with_leg(scenes["live"], "IWM", status=status, state="STALE 16m")
    rows = PANELS["legs"].rows(stale, VIEW, width, 20)
    (line,) = ("".join(text for text, _ in row) for row in rows if row[0][0].startswith("IWM"))
    assert "STALE 16m" in line
    assert len(line.rstrip()) <= width


def test_the_spread_marks_the_chosen_window(scenes: dict[str, Snapshot]) -> None:
    printed = lines("spread", scenes["live"], msgspec.structs.replace(VIEW, window=20))
    assert [line.startswith("▸20d") for line in printed].count(True) == 1
    five = next(line for line in printed if line.startswith(" 5d"))
    assert "14 Nov 2016 (+10.40)" in five


def test_the_ratio_shows_both_charts_or_the_one_that_fits(scenes: dict[str, Snapshot]) -> None:
    live = scenes["live"]
    assert sum("New York" in line for line in lines("ratio", live, height=30)) == 1
    assert any("IWM/QQQ" in line for line in lines("ratio", live, height=30))
    small = lines("ratio", live, height=7)
    assert len(small) == 7
    assert small[0].startswith("today")
    assert lines("ratio", scenes["cached"], height=7)[0].startswith("IWM/QQQ")
    daily = lines("ratio", live, msgspec.structs.replace(VIEW, chart="daily"), height=30)
    assert not any("today" in line for line in daily)
    assert any("a price proxy" in line for line in daily)


def test_health_counts_what_was_turned_away(scenes: dict[str, Snapshot]) -> None:
    live = scenes["live"]
    counts = msgspec.structs.replace(live.health.counts, bad_price=3)
    broken = msgspec.structs.replace(live, health=msgspec.structs.replace(live.health, counts=counts))
    assert "       3" in "".join(lines("health", broken))
    assert roles("health", broken, "       3") == {"warn"}


def test_health_tells_what_a_stream_has_counted(scenes: dict[str, Snapshot]) -> None:
    live = scenes["live"]
    stats = FeedStats(
        symbols=10, subscribed=10, quotes=1234, rate_per_s=2.5, age_s=3.0, lag_s=None, reconnects=2,
        rejects=1, last_reject="IWM: 0 is no price",
    )  # fmt: skip
    feeds = (
        FeedHealth(
            "Yahoo", "GAPPED", "10 of 10 symbols, 1 gapped: " + "no answer " * 12, 1234, 9, stats, Kind.GAPPED
        ),
        FeedHealth("Alpaca", "AUTH_FAILED", "key or secret is wrong", 0, 0, refusal=Refusal.AUTH_FAILED),
    )
    health = msgspec.structs.replace(live.health, feeds=feeds)
    printed = lines("health", msgspec.structs.replace(live, health=health))
    assert printed[0] == "feed    Yahoo GAPPED "
    assert printed[1].startswith("        10 of 10 symbols, 1 gapped: no answer")
    assert (
        "        1,234 quotes, 2.5/s · age 3s · lag — · 2 reconnects · 1 rejected: IWM: 0 is no price"
        in printed
    )
    assert "feed    Alpaca AUTH_FAILED key or secret is wrong" in printed
    assert not any("gaps" in line for line in printed)


def test_help_names_every_action_and_finds(scenes: dict[str, Snapshot]) -> None:
    help_view = msgspec.structs.replace(VIEW, help=True)
    text = "\n".join(lines("help", scenes["live"], help_view, width=200))
    assert all((action.says in text) == (action.scope != "host") for action in ACTIONS)
    health = msgspec.structs.replace(scenes["live"].health, host=("1 of 200 viewers",))
    hosted = msgspec.structs.replace(scenes["live"], health=health)
    visitor = "\n".join(lines("help", hosted, help_view, width=200))
    assert all((action.says in visitor) == (action.scope not in ("tape", "local")) for action in ACTIONS)
    assert "1 of 200 viewers" in lines("health", hosted)[-1]
    printed = lines("help", scenes["live"], msgspec.structs.replace(help_view, filter="MIDRANK"), width=200)
    assert [line for line in printed if "midrank" in line]
    assert not [line for line in printed if "Keys" in line]
    nothing = lines("help", scenes["live"], msgspec.structs.replace(help_view, filter="xyzzy"))
    assert "no match; Esc clears the search" in nothing[-1]


def test_help_finds_every_figure_with_its_definition_and_formula(scenes: dict[str, Snapshot]) -> None:
    snapshot = msgspec.structs.replace(scenes["live"], pairs={"IWN/IVW": None})
    help_view = msgspec.structs.replace(VIEW, help=True)
    desk = Desk(legs=tuple(snapshot.legs), pairs=(("IWN", "IVW"),))
    for name in (
        "spread.5.since",
        "pair.iwn/ivw.ratio",
        "kre.run.expected",
        "graph.iwm.quadrant",
        "fed.2.cut",
    ):
        figure = figures(desk)[name]
        shown = lines("help", snapshot, msgspec.structs.replace(help_view, filter=name), width=400)
        at = next(n for n, line in enumerate(shown) if line.split()[:1] == [name])
        assert figure.definition in shown[at + 1]
        assert figure.formula in shown[at + 2]
    few = "\n".join(lines("help", snapshot, msgspec.structs.replace(help_view, filter="sp"), width=200))
    assert "spread.5.pp" not in few
    assert "find figures, too, by id or definition" in few


def test_the_key_line_keeps_help_and_quit_in_any_width(scenes: dict[str, Snapshot]) -> None:
    for width in range(40, 170):
        (line,) = lines("keys", scenes["live"], width=width)
        assert len(line) <= width
        assert "? help" in line
        assert "q quit" in line


@pytest.mark.parametrize(
    ("streak", "shown"),
    [
        (Streak(4, 5, provisional=True), "▲5 (4+1)"),
        (Streak(5, 5, provisional=False), "▲5"),
        (Streak(2, -1, provisional=True), "▼1 today"),
        (Streak(3, 0, provisional=True), "0"),
        (Streak(-3, None, provisional=False), "▼3"),
        (Streak(None, None, provisional=False), "—"),
    ],
)
def test_runs(streak: Streak, shown: str) -> None:
    assert run(streak) == shown


def test_a_hostile_symbol_cannot_reach_the_terminal(scenes: dict[str, Snapshot]) -> None:
    live = scenes["live"]
    evil = "\x1b]52;c;aGk=\x07\u202e"
    hostile = msgspec.structs.replace(
        live, legs={evil: live.legs["IWM"], **live.legs}, headline=evil + live.headline
    )
    for panel in PANELS.values():
        drawn = draw_panel(panel.id, hostile, VIEW, 100, 30)
        assert all(text.isprintable() for row in drawn.rows for text, _ in row)


def test_scrolling_shows_the_rest_and_says_there_is_more(scenes: dict[str, Snapshot]) -> None:
    top = draw_panel("legs", scenes["live"], VIEW, 80, 6)
    assert "↓" in top.rows[0][1][0] + top.rows[0][2][0]
    assert top.most == 4
    low = draw_panel("legs", scenes["live"], msgspec.structs.replace(VIEW, scroll=99), 80, 6)
    assert "IVW" in "".join(text for text, _ in low.rows[-2])


@pytest.mark.parametrize("width", [40, 50, 56, 62, 80])
def test_the_rarity_of_a_run_is_never_cut(scenes: dict[str, Snapshot], width: int) -> None:
    made = PANELS["spread"].rows(scenes["live"], ViewState(focus="spread"), width, 20)
    lines = ["".join(text for text, _ in row) for row in made]
    runs = [line for line in lines if " run " in line]
    assert len(runs) == 2
    assert all(len(line) <= width and line.endswith("by chance") for line in runs)


@pytest.mark.parametrize("width", [78, 38])
def test_a_low_spread_panel_has_the_ratio_and_the_fed_in_one_line(
    scenes: dict[str, Snapshot], width: int
) -> None:
    """80×24 has no place for the panels of either."""
    live = scenes["live"]
    assert live.fed is not None

    def lines(snapshot: Snapshot, height: int = 7) -> list[str]:
        made = PANELS["spread"].rows(snapshot, ViewState(), width, height)
        return ["".join(text for text, _ in row) for row in made]

    ratio, cut = f"IWM/QQQ {live.ratio.value:.2f}", f"cut on 31 Jul {100 * live.fed.cut:.1f} %"
    at = 6 if width >= TRACKED else 7  # below, the track has a line of its own
    line = lines(live)[at]
    assert line.startswith(ratio)
    assert (cut in line) == (width == 78)
    assert len(line) <= width
    assert lines(live, 8)[at] == "", "there the ratio has a panel of its own"
    bare = msgspec.structs.replace(live, fed=None)
    assert lines(bare)[at].startswith(ratio)
    assert "cut" not in lines(bare)[at]
    old = msgspec.structs.replace(live.fed, status=PriceStatus(Kind.OFFLINE), state="OFFLINE")
    assert ("OFFLINE" in lines(msgspec.structs.replace(live, fed=old))[at]) == (width == 78)
    unknown = msgspec.structs.replace(live.fed, cut=None)
    assert ("cut on 31 Jul —" in lines(msgspec.structs.replace(live, fed=unknown))[at]) == (width == 78)


@pytest.mark.parametrize(
    ("size", "names_it"), [(27, True), (21, False), (15, False), (9, False), (11, False)]
)
def test_the_mark_halfway_is_named_above_it_where_there_is_room(size, names_it):
    head = _track_head(size)
    assert len(head) == size
    assert head.startswith("gap")
    assert head.endswith("lead")
    assert ("┊ median" in head) is names_it
    if names_it:
        assert head.index("┊") == track(None, size, middle=True).index("┊")


def test_the_ratio_s_words_lose_whole_clauses_and_no_part_of_a_figure(scenes: dict[str, Snapshot]) -> None:
    view = msgspec.structs.replace(VIEW, focus="ratio", zoomed=True)
    for width in range(36, 60):
        drawn = [
            sum(len(text) for text, _ in row) for row in PANELS["ratio"].rows(scenes["live"], view, width, 8)
        ]
        assert max(drawn) <= width


def test_the_day_s_range_stands_beside_the_day_s_return_where_there_is_room(
    scenes: dict[str, Snapshot],
) -> None:
    at_high = with_leg(scenes["live"], "IWM", low=200.0, high=221.28, last=221.28)
    unknown = with_leg(at_high, "QQQ", low=None, high=None)
    made = PANELS["legs"].rows(unknown, ViewState(), 89, 12)
    head, iwm, qqq, *_ = ("".join(text for text, _ in row) for row in made)
    at = head.index("low ─ high")
    assert head.index("day %") < at < head.index("5d %")
    assert iwm[at : at + 10] == "├───────●┤"
    assert qqq[at : at + 10].strip() == "—"
    for width in (36, 56, 76):
        narrow = PANELS["legs"].rows(unknown, ViewState(), width, 12)
        assert all("low" not in text for text, _ in narrow[0])


@pytest.mark.parametrize("width", [36, 76, 96, 116])
def test_what_the_chosen_command_does_is_shown_in_full(scenes: dict[str, Snapshot], width: int) -> None:
    view = msgspec.structs.replace(VIEW, palette=True, filter="zoom")
    for height in (3, 6, 20):
        made = PANELS["palette"].rows(scenes["live"], view, width, height)
        text = " ".join("".join(text for text, _ in row).strip() for row in made)
        assert (
            "zoom the panel to the whole screen; Enter once more chooses a figure, z goes back" in text
            or (height == 3 and width == 36)
        )
        assert max(sum(len(text) for text, _ in row) for row in made) <= width
