"""The crosshair of zoomed charts: points that are known, their moments, and whose they are."""

from __future__ import annotations

import datetime as dt
import re
from datetime import date
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from rotation.fed.figures import FedPast
from rotation.status import Kind
from tests.support.ssh_scenes import Time, Visit
from tests.support.status_worlds import snapshot
from tests.support.tui import pages
from tests.support.tui.scenes import with_leg
from tui.panels import crosshair
from tui.panels.ratio.points import previous_close, today_pct
from tui.screen.exporter import text_of
from tui.screen.picking import Picker, takes
from tui.screen.scene import scene
from tui.ssh.rooms.rooms import Rooms
from tui.view import palette
from tui.view.chart.crosshair import CROSS, READING
from tui.view.theme import load, names
from tui.view.view_state import CHARTED, ViewState, reduce, tidied

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot

SIZES = (*pages.SIZES, (100, 30), (60, 20), (40, 45))


def pressed(
    panel: str,
    *keys: str,
    size: tuple[int, int] = (160, 45),
    taken: Snapshot | None = None,
    chart: str = "both",
) -> ViewState:
    view = ViewState(focus=panel, zoomed=True, chart=chart, themes=names())
    picker = Picker()
    for key in keys:
        view = picker.pressed(view, key, taken or pages.snapshot(), size)
    return view


def drawn(view: ViewState, size: tuple[int, int] = (160, 45), taken: Snapshot | None = None) -> str:
    return text_of(scene(taken or pages.snapshot(), view, *size))


def read(view: ViewState, size: tuple[int, int] = (160, 45), taken: Snapshot | None = None) -> str:
    """What the line of the crosshair says."""
    line = next(line for line in drawn(view, size, taken).split("\n") if "│ ┼ " in line or "| + " in line)
    return re.split(r"\s{3,}|\s*│", line.strip("│| "))[0].removeprefix("┼ ").removeprefix("+ ")


def test_the_first_key_shows_the_newest_point_and_the_others_step_by_points() -> None:
    taken = pages.snapshot()
    minutes = [value for _, value in taken.ratio.intraday]
    view = pressed("ratio", "h", chart="today")
    assert read(view) == f"16 Jul 2024 10:40 New York  {minutes[-1]:.2f}  DEMO built-in demo"
    assert f"16 Jul 2024 10:39 New York  {minutes[-2]:.2f}" in read(pressed("ratio", "l", "h", chart="today"))
    assert f"10:30 New York  {minutes[-11]:.2f}" in read(pressed("ratio", "h", "{", chart="today"))
    assert f"10:31 New York  {minutes[-10]:.2f}" in read(pressed("ratio", "h", "{", "right", chart="today"))
    assert pressed("ratio", "h", "}", chart="today") == view, "there is nothing beyond the newest"
    first = pressed("ratio", "h", *["{"] * 50, chart="today")
    assert f"16 Jul 2024 09:31 New York  {minutes[0]:.2f}" in read(first)


def test_days_come_before_minutes_where_both_charts_stand() -> None:
    taken = pages.snapshot()
    steps = ["left"] * (len(taken.ratio.intraday) + 1)
    assert read(pressed("ratio", *steps)) == f"15 Jul 2024  {taken.ratio.daily[-1][1]:.2f}  settled closes"
    assert read(pressed("ratio", *steps, "l")).startswith("16 Jul 2024 09:31 New York  ")


@pytest.mark.parametrize("name", sorted(CHARTED))
def test_every_point_is_one_that_is_known(name: str) -> None:
    taken = pages.snapshot()
    known = {
        "ratio": {f"{value:.2f}" for _, value in (*taken.ratio.daily, *taken.ratio.intraday)},
        "spread": {f"{value:+.2f}".replace("-", "−") for _, value in taken.lines["spread.5.pp"].points}
        | {f"{taken.spread.windows['5'].pp:+.2f}"},
        "fed": {f"{100 * past.cut:.1f}" for past in taken.fed.history} if taken.fed else set(),
    }[name]
    view, picker, seen = pressed(name, "left"), Picker(), set()
    while view.crosshair not in seen:
        seen.add(view.crosshair)
        if len(seen) % 7 == 1:  # each of them at every size would take minutes
            assert re.search(r"  ([+−]?[\d.]+)", read(view)).group(1) in known
        view = picker.pressed(view, "left", taken, (160, 45))
    assert len(seen) > 40


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", sorted(CHARTED))
@pytest.mark.parametrize("is_ascii", [False, True])
def test_point_and_value_are_in_sight_at_every_size(name: str, size: tuple[int, int], is_ascii: bool) -> None:
    view = replace(pressed(name, "left", *["{"] * 3, "left", size=size), ascii=is_ascii)
    made = scene(pages.snapshot(), view, *size)
    rows = made.rows[name]
    if not is_ascii:
        assert sum(READING in row for row in rows) == 1
        assert sum(CROSS in row for row in rows) == 1
    assert sum(("+" if is_ascii else "┼", "strong") in row for row in rows) == 1
    assert text_of(made).isascii() or not is_ascii
    text = "\n".join("".join(text for text, _ in row) for row in rows)
    shown = re.findall(r"settled closes|settlements|DEMO built-in demo|from the log", text)
    assert len(shown) == 1, "what it is worth"
    assert "…" not in read(view, size)


@pytest.mark.parametrize("look", names())
def test_it_stands_out_in_every_theme(look: str) -> None:
    """In mono by its sign and in bold: no colour is needed."""
    theme = load(look)
    assert theme.style("strong") != theme.style("line") or look == "mono"
    assert CROSS[0] != " "
    assert theme.style("strong").bold


def test_a_moved_crosshair_stays_on_its_date_when_points_come_and_go() -> None:
    taken = pages.snapshot()
    view = pressed("ratio", "h", "h", "h", chart="today")
    before = read(view)
    assert "10:38" in before
    more = (*taken.ratio.intraday, (71, 80.0), (72, 81.0))
    later = replace(taken, ratio=replace(taken.ratio, intraday=more))
    assert read(view, taken=later) == before
    fewer = replace(taken, ratio=replace(taken.ratio, intraday=taken.ratio.intraday[:-10]))
    assert "10:30 New York" in read(view, taken=fewer), "the last known until then, by its own time"


def test_the_minute_that_runs_is_not_ahead_of_the_clock() -> None:
    taken = pages.snapshot()
    running = replace(
        taken,
        as_of=taken.as_of + dt.timedelta(seconds=20),
        ratio=replace(taken.ratio, intraday=(*taken.ratio.intraday, (71, 76.0))),
    )
    assert read(pressed("ratio", "h", chart="today", taken=running), taken=running).startswith(
        "16 Jul 2024 10:40:20 New York  76.00  DEMO"
    )


def test_what_a_point_is_worth_is_said() -> None:
    taken = snapshot()
    made = replace(taken, ratio=replace(taken.ratio, intraday=((1, 99.0), (210, taken.ratio.value or 0.0))))
    assert read(pressed("ratio", "h", taken=made), taken=made).endswith("  LIVE Yahoo")
    assert read(pressed("ratio", "h", "h", taken=made), taken=made) == (
        "16 Jul 2024 09:31 New York  99.00  provisional"
    )
    status = replace(taken.ratio.status, kind=Kind.STALE, age_s=900.0)
    stale = replace(made, ratio=replace(made.ratio, status=status))
    assert read(pressed("ratio", "h", taken=stale), taken=stale).endswith("  STALE 15m Yahoo")
    daily = pressed("ratio", "h", taken=stale, chart="daily")
    assert read(daily, taken=stale).startswith("16 Jul 2024  ")
    assert read(daily, taken=stale).endswith("  STALE 15m Yahoo")
    assert read(pressed("ratio", "h", "h", taken=stale, chart="daily"), taken=stale).endswith(
        "settled closes"
    )


def test_odds_say_whether_they_are_settled() -> None:
    taken = pages.snapshot()
    assert taken.fed is not None
    assert read(pressed("fed", "h")).endswith("provisional, from the log")
    assert read(pressed("fed", "h", "h")).endswith("by that day's settlements")
    bare = replace(taken, fed=replace(taken.fed, history=()))
    assert pressed("fed", "h", taken=bare).message == crosshair.NO_POINTS
    logged = tuple(FedPast(taken.as_of + dt.timedelta(minutes=n), 0.1 * n, False) for n in range(3))
    lone = replace(taken, fed=replace(taken.fed, history=logged))
    assert read(pressed("fed", "h", "h", taken=lone), taken=lone).startswith(
        "16 Jul 2024 10:41 New York  10.0 %"
    )


def test_elsewhere_it_says_where_it_is_to_be_had() -> None:
    for panel in ("legs", "health", "macro"):
        view = pressed(panel, "h")
        assert view.message == crosshair.NO_CHART
        assert not view.crosshair
    view = Picker().pressed(ViewState(focus="ratio"), "h", pages.snapshot(), (160, 45))
    assert view.message == crosshair.NO_CHART
    waiting = replace(pages.snapshot(), lines={})
    assert pressed("spread", "h", taken=waiting).message == crosshair.NO_POINTS
    assert Picker().pressed(ViewState(focus="ratio", zoomed=True), "h", None, (160, 45)).message


def test_escape_takes_it_away_before_the_zoom_and_another_panel_has_none() -> None:
    view = pressed("ratio", "h", "h")
    assert reduce(view, "escape") == replace(view, crosshair="")
    assert not reduce(reduce(view, "escape"), "escape").zoomed
    for key in ("2", "tab", "z", "f2"):
        assert not reduce(view, key).crosshair
    assert reduce(view, "c").crosshair, "another chart of the panel has the same moment"
    assert not tidied(view, replace(view, focus="fed")).crosshair


def test_the_arrows_of_a_tape_are_the_crosshair_s_in_a_zoomed_chart_alone() -> None:
    zoomed = ViewState(focus="ratio", zoomed=True)
    for key in ("left", "right"):
        assert takes(zoomed, key)
        for other in (
            replace(zoomed, zoomed=False),
            replace(zoomed, focus="legs"),
            replace(zoomed, help=True),
            replace(zoomed, palette=True, typing=True),
        ):
            assert not takes(other, key)
    assert not takes(zoomed, ",")


def test_the_list_of_commands_moves_it_too() -> None:
    view = replace(pressed("ratio", "h", "h"), palette=True, typing=True, filter="far-back")
    after = Picker().pressed(view, "enter", pages.snapshot(), (160, 45))
    assert after == pressed("ratio", "h", "h", "{")
    assert palette.chosen(view).action == "far-back"


def test_while_a_figure_is_chosen_the_keys_are_its_own() -> None:
    view = pressed("ratio", "h", "h", "e")
    assert view.figure == "ratio"
    after = Picker().pressed(view, "l", pages.snapshot(), (160, 45))
    assert after.crosshair == view.crosshair
    assert after.figure != view.figure


def test_the_previous_close_is_a_line_with_its_day_and_value() -> None:
    view = ViewState(focus="ratio", zoomed=True)
    text = drawn(view)
    assert "today +2.03 % since ┄ the previous close of 15 Jul 2024, 74.44" in text
    assert re.search(r"74\.44┤┄{40}", text)
    assert re.search(r"74\.44\|-{40}", drawn(replace(view, ascii=True)))


def test_after_the_close_the_session_s_own_close_is_not_the_previous_one(scenes: dict[str, Snapshot]) -> None:
    closed = scenes["closed"]
    assert closed.ratio.daily[-1][0] == closed.session
    text = drawn(ViewState(focus="ratio", zoomed=True), taken=closed)
    assert "today +3.37 % since ┄ the previous close of 15 Jul 2024, 74.44" in text
    assert "+0.00 %" not in text


def test_a_leg_s_previous_close_has_its_figure_and_its_place_in_the_day() -> None:
    taken = pages.snapshot()
    view = ViewState(focus="legs", zoomed=True)

    def line_of(symbol: str, made: Snapshot) -> str:
        head, *lines = drawn(view, taken=made).split("closes, 252 sessions")[1].split("\n")
        assert "┊ close" in head
        return next(line for line in lines if line.startswith(f"│ {symbol} "))

    qqq = taken.lines["QQQ"].points[-1]
    assert qqq == (date(2024, 7, 15), 496.15)
    assert "496.15     494.27 ├──●─┊────┤     497.99" in line_of("QQQ", taken)
    assert "217.19     219.14 ├───────●─┤     221.80" in line_of("IWM", taken), "below the day's low"
    older = replace(taken.lines["QQQ"], points=taken.lines["QQQ"].points[:-1])
    assert "—     494.27 ├──●──────┤     497.99" in line_of(
        "QQQ", replace(taken, lines={**taken.lines, "QQQ": older})
    )
    status = replace(taken.legs["QQQ"].status, kind=Kind.UNADJUSTED)
    assert "—     494.27 ├──●──────┤" in line_of("QQQ", with_leg(taken, "QQQ", status=status))


def test_nothing_stands_for_a_previous_close_that_is_unknown() -> None:
    taken = snapshot(last=date(2024, 7, 12))
    assert taken.session == date(2024, 7, 16)
    assert taken.ratio.intraday
    assert previous_close(taken.ratio, taken.session) is None
    assert today_pct(taken.ratio, taken.session) is None
    text = drawn(ViewState(focus="ratio", zoomed=True, chart="today"), taken=taken)
    assert "previous close" not in text
    assert "┄" not in text
    assert "%" not in re.search(r"today.*", text).group()
    assert previous_close(taken.ratio, None) is None


def test_viewers_of_a_host_each_have_their_own() -> None:
    taken, rooms, clock = pages.snapshot(), Rooms(), Time()
    rooms.take(taken)
    one, other = Visit(rooms, clock, size=(120, 40)), Visit(rooms, clock, size=(120, 40))
    for visit, keys in ((one, b"3zh"), (other, b"3z\x1b[D\x1b[D{")):  # ESC [ D is the arrow to the left
        visit.viewer.type(keys)
        clock.pass_(1.0)
    assert "┼ 16 Jul 2024 10:40 New York" in one.screen.text
    assert "┼ 16 Jul 2024 10:29 New York" in other.screen.text
    rooms.take(replace(taken, ratio=replace(taken.ratio, intraday=(*taken.ratio.intraday, (71, 80.0)))))
    clock.pass_(2.0)
    assert "┼ 16 Jul 2024 10:40 New York" in one.screen.text
    assert "┼ 16 Jul 2024 10:29 New York" in other.screen.text
    other.viewer.type(b"\x1b")
    clock.pass_(1.0)
    assert "┼ 16 Jul" not in other.screen.text
    assert "┼ 16 Jul 2024 10:40 New York" in one.screen.text
