"""The long lines against lists and loops, and the stories of more pairs against desks of one pair."""

from __future__ import annotations

import json
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rotation.context.wants import Part, Want
from rotation.desk import WINDOWS, Desk, pair_prefix, with_usual
from rotation.errors import InputError
from rotation.figures.basis import Basis
from rotation.figures.more_pairs import desk_of
from rotation.figures.registry import figures
from rotation.market.market import Market
from rotation.sessions import close_ns
from rotation.snapshot import Snapshot
from rotation.story.episodes import HORIZONS, episodes
from rotation.story.lines import POINTS, WIDEST, leg_lines, thinned
from rotation.story.now import StoryNow
from rotation.story.parts import Parts, all_of, with_parts
from tests.rotation.figures.test_more_pairs import DESK, basis
from tests.rotation.story.test_episodes import basis_of, history_rows, pct, two_legs
from tests.support.core_worlds import CALENDAR, FIRST, closes, history_of

PAIR = "IWN/IVW"


def plain_line(rows, days, k: int):
    """(day, pp) of every session before the last of ``days``, and pp over h sessions after each."""
    line = {
        s: [{r.day: r.close for r in rows if r.symbol == s}.get(day) for day in days] for s in ("IWM", "QQQ")
    }

    def over(row: int, back: int):
        if row - back < 0 or row >= len(days):
            return None
        b, a = (pct(line[s][row], line[s][row - back]) for s in ("IWM", "QQQ"))
        return None if b is None or a is None else b - a

    values = {row: pp for row in range(len(days) - 1) if (pp := over(row, k)) is not None}
    return values, {row: {str(h): over(row + h, h) for h in HORIZONS} for row in values}


def plain_widest(values: dict[int, float], k: int, sign: int) -> list[int]:
    left = {row: value for row, value in values.items() if sign * value > 0}
    chosen = []
    while left and len(chosen) < WIDEST:
        row = max(left, key=lambda row: (sign * left[row], -row))
        chosen.append(row)
        left = {other: value for other, value in left.items() if abs(other - row) >= k}
    return chosen


@given(st.binary(min_size=90, max_size=90), st.binary(min_size=90, max_size=90), st.sampled_from((1, 5, 20)))
@settings(max_examples=max(10, settings().max_examples // 3))
def test_a_spread_s_line_and_its_widest_readings_are_those_of_the_definition(iwm, qqq, k):
    days = CALENDAR[FIRST : FIRST + 90]
    rows = two_legs(days, iwm, qqq)
    made = StoryNow().line(basis_of(rows, days[-1]), k)
    values, after = plain_line(history_rows(rows), days, k)
    assert [day for day, _ in made.points] == [days[row] for row in values]
    assert [value for _, value in made.points] == pytest.approx(list(values.values()))
    assert made.n == len(values)
    for sign, stated in ((1, made.leads), (-1, made.gaps)):
        exact = {row: dict(zip(values, (v for _, v in made.points), strict=True))[row] for row in values}
        wanted = plain_widest(exact, k, sign)
        assert [each.date for each in stated] == [days[row] for row in wanted]
        for each, row in zip(stated, wanted, strict=True):
            assert each.value == pytest.approx(values[row])
            assert each.after == {h: pytest.approx(pp) for h, pp in after[row].items()}
    if values:
        assert made.low[1] == pytest.approx(min(values.values()))
        assert made.high[1] == pytest.approx(max(values.values()))
    else:
        assert made.low is made.high is None


@given(st.lists(st.floats(-50, 50), max_size=700))
def test_of_a_long_line_both_ends_of_each_stretch_stay(values):
    first = CALENDAR[FIRST]
    points = [(first + timedelta(days=n), value) for n, value in enumerate(values)]
    kept = thinned(points, 60)
    assert kept == sorted(kept)
    assert set(kept) <= set(points)
    assert len(kept) <= 60 or kept == points
    if points:
        for end in (min, max):
            assert end(value for _, value in kept) == end(value for _, value in points)
    assert thinned(points) == points or len(points) > POINTS


def test_a_leg_s_line_is_a_year_of_its_closes_before_the_session():
    days = CALENDAR[:400]
    rows = [
        *closes("IWM", days, bytes(n % 8 for n in range(400)), trend=1),
        *closes("QQQ", days[300:], bytes(100)),
    ]
    history = history_of(rows)
    made = leg_lines(history, ("IWM", "QQQ", "XXX"), days[-1])
    own = [(row.day, row.close) for row in history_rows(rows) if row.symbol == "IWM" and row.day < days[-1]]
    assert made["IWM"].points == tuple((day, pytest.approx(close)) for day, close in own[-251:])
    assert made["IWM"].high[1] == max(close for _, close in made["IWM"].points)
    assert made["QQQ"].n == 99
    assert "XXX" not in made


def test_a_leg_whose_closes_end_or_have_a_gap_has_no_range_of_years_ago():
    days = CALENDAR[:430]
    whole = closes("IWM", days, bytes(n % 8 for n in range(430)))
    ended = closes("QQQ", days[:230], bytes(n % 8 for n in range(230)))
    gap = [*closes("IWN", days[:150], bytes(150)), *closes("IWN", days[300:], bytes(130))]
    few = closes("IVW", days[-10:], bytes(10))
    made = leg_lines(history_of([*whole, *ended, *gap, *few]), ("IWM", "QQQ", "IWN", "IVW"), days[-1])
    assert (made["IWM"].n, made["IWM"].points[0][0]) == (251, days[-252])
    # Of the last 251 sessions before the one shown QQQ has 52, IWN 129 and IVW 9.
    assert (made["QQQ"].n, made["QQQ"].points[0][0]) == (52, days[-252])
    assert (made["IWN"].n, made["IWN"].points[0][0]) == (129, days[300])
    assert "IVW" not in made, "nine sessions are no range of a year"
    assert "QQQ" not in leg_lines(history_of([*whole, *ended[:170]]), ("IWM", "QQQ"), days[-1])


def test_another_pair_s_story_is_that_of_a_desk_with_this_pair_alone():
    more, alone = basis(DESK), basis(desk_of(DESK, PAIR))
    made, maker = Parts().make(Want(Part.STORY, PAIR), more), StoryNow()
    own, prefix, table = maker.of(alone), pair_prefix(PAIR), figures(DESK)
    assert [replace(each, figure=each.figure.removeprefix(prefix)) for each in made.levels] == list(
        own.levels
    )
    assert {each.figure for each in made.levels} <= table.keys()
    assert any(each.figure.startswith(f"{prefix}spread.") for each in made.levels)
    assert any(each.figure.startswith("iwn.") for each in made.levels)
    for key, each in made.episodes.items():
        assert each.figure == f"{prefix}{key}"
        assert replace(each, figure=key) == own.episodes[key]
        assert episodes(more, f"pair.IWN/IVW.{key}") == each
    name = f"{prefix}spread.5.pp"
    line = Parts().make(Want(Part.LINE, name), more)
    assert line == {name: maker.line(alone, 5)}


def test_parts_come_into_their_places_and_survive_the_wire():
    made = basis(DESK)
    maker, asked = Parts(), all_of([Part.STORY, Part.LINE, Part.LEGS], made.snapshot)
    asked.append(Want(Part.FIGURE, f"{pair_prefix(PAIR)}spread.5.z"))
    whole = with_parts(made.snapshot, {want: maker.make(want, made) for want in asked})
    assert whole.story == StoryNow().of(made)
    assert whole.pairs[PAIR].story.episodes["spread.5"].figure == "pair.iwn/ivw.spread.5"
    assert {f"spread.{k}.pp" for k in WINDOWS} <= whole.lines.keys()
    assert {"IWM", "QQQ", "IWN", "IVW"} <= whole.lines.keys()
    assert whole.explained["pair.iwn/ivw.spread.5.z"].value == whole.pairs[PAIR].spread.windows["5"].z
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(whole), type=Snapshot) == whole
    assert json.loads(msgspec.json.encode(whole))["pairs"][PAIR]["story"]["levels"]
    assert with_parts(made.snapshot, {}) == made.snapshot


def test_of_a_pair_that_is_not_shown_there_is_nothing():
    made = basis(DESK, frozenset())
    for want in (Want(Part.STORY, PAIR), Want(Part.LINE, f"{pair_prefix(PAIR)}spread.5.pp")):
        assert Parts().make(want, made) is None
    assert Parts().make(Want(Part.LINE, "iwm.last"), made) is None
    with pytest.raises(InputError):
        Parts().make(Want(Part.FIGURE, "no.such"), made)
    desk = Desk()
    empty = Basis(Market(history_of([]), desk, as_of_ns=0).apply([], as_of_ns=0), history_of([]), desk)
    assert Parts().make(Want(Part.LINE, "spread.5.pp"), empty) is None
    assert Parts().make(Want(Part.LEGS), empty) == {}


def test_lines_are_made_anew_once_the_session_s_closes_are_in():
    days = CALENDAR[FIRST : FIRST + 30]
    rows = two_legs(days, bytes(range(30)), bytes(range(30, 60)))
    now, held = StoryNow(), history_of(rows)
    first = now.line(basis_of(rows, days[-1]), 5)
    assert now.line(replace(basis_of(rows, days[-2]), history=held), 5).n == first.n - 1
    bell = close_ns(days[-1])
    made = Basis(
        Market(held, Desk(legs=("IWM", "QQQ")), as_of_ns=bell).apply([], as_of_ns=bell),
        held,
        Desk(legs=("IWM", "QQQ")),
    )
    again = now.line(made, 5)
    assert again == first
    assert now.line(made, 5) is again


def test_a_person_s_own_windows_have_their_lines_too():
    own = replace(DESK, windows=with_usual((3, 17)))
    made = basis(own)
    asked = [want.of for want in all_of([Part.LINE], made.snapshot)]
    assert asked[: len(made.snapshot.spread.windows)] == [
        f"spread.{k}.pp" for k in made.snapshot.spread.windows
    ]
    assert {"spread.3.pp", "spread.17.pp", f"{pair_prefix(PAIR)}spread.17.pp"} <= {*asked}
    maker = Parts()
    assert all(maker.make(want, made) is not None for want in all_of([Part.LINE], made.snapshot))
