"""What P(cut) was: changes by brute force over random logs, and the history's line."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rotation.fed.assemble import fed
from rotation.fed.inputs import PastCut
from rotation.fed.past import HISTORY_POINTS, changes, line, rebased
from rotation.fed.prices import settled_ns
from rotation.fed.strip.chain import StripCase
from rotation.sessions import NEW_YORK, from_ns, previous_session, sessions_between
from tests.support.fed.made import S, at, but, settled, traded
from tests.support.fed.strips import CALENDAR

HOUR = 3600 * S


def past(ts_ns: int, cut: float, *, settled: bool = False) -> PastCut:
    return PastCut(ts_ns, cut, settled)


# Changes ------------------------------------------------------------------------


def earlier(today: date, word: str) -> date:
    """The last day whose settlement may be compared with: the session, a week, a month before."""
    if word == "1d":
        return previous_session(today)
    if word == "1w":
        return today - timedelta(days=7)
    year, month = (today.year, today.month - 1) if today.month > 1 else (today.year - 1, 12)
    return date(year, month, min(today.day, monthrange(year, month)[1]))


def brute(log: list[PastCut], cut: float, at_ns: int) -> dict[str, float | None]:
    today = from_ns(at_ns).astimezone(NEW_YORK).date()
    result: dict[str, float | None] = {}
    for word, slack in (("1d", 0), ("1w", 4), ("1m", 7)):
        day, value = earlier(today, word), None
        for _ in range(slack + 1):
            of_day = [
                each
                for each in log
                if each.settled and from_ns(each.ts_ns).astimezone(NEW_YORK).date() == day
            ]
            if of_day:
                value = round(cut - of_day[-1].cut, 9)
                break
            day -= timedelta(days=1)
        result[word] = value
    return result


starts = st.sampled_from(
    [
        date(2025, 3, 9), date(2025, 3, 10), date(2025, 4, 9), date(2025, 11, 2), date(2025, 11, 3),
        date(2024, 3, 31), date(2024, 2, 29), date(2025, 12, 31), date(2026, 1, 1), date(2026, 7, 31),
        date(2026, 11, 22), date(2024, 3, 30), date(2025, 5, 31),
    ]
)  # fmt: skip


@given(
    starts,
    st.integers(-12 * 3600, 36 * 3600),
    st.lists(st.tuples(st.integers(0, 45 * 86_400), st.booleans()), max_size=12),
    st.lists(st.integers(0, 45), max_size=12),
)
@example(date(2025, 11, 3), 3600, [], [1, 3, 10])  # the hour that comes twice
@example(date(2025, 3, 10), 2 * 3600 + 1800, [], [3])  # a day after the hour that does not come
@example(date(2024, 3, 31), 12 * 3600, [], [31])
def test_changes_by_brute_force(day, seconds, others, back):
    at_ns = at(day, "00:00") + seconds * S
    settles = [settled_ns(day - timedelta(days=days)) for days in back]
    times = [*((ts_ns, True) for ts_ns in settles), *((at_ns - age * S, by) for age, by in others)]
    log = [past(ts_ns, (i % 97) / 100, settled=by) for i, (ts_ns, by) in enumerate(sorted(set(times)))]
    assert changes(log, 0.5, at_ns) == brute(log, 0.5, at_ns)
    # What comes later, or was logged while trading went on, changes nothing.
    later = [*log, past(at_ns + 48 * HOUR, 0.99, settled=True)]
    assert changes(later, 0.5, at_ns) == changes(log, 0.5, at_ns)
    assert changes([each for each in log if each.settled], 0.5, at_ns) == changes(log, 0.5, at_ns)


def october_and_november() -> list[PastCut]:
    days = sessions_between(date(2026, 10, 1), date(2026, 11, 24))
    return [past(settled_ns(day), day.day / 100, settled=True) for day in days]


@pytest.mark.parametrize("clock", ["00:01", "09:31", "14:59", "15:00", "23:59"])
def test_a_tuesday_against_monday_and_a_monday_against_friday(clock):
    """Tuesday's change is against Monday's settlement at any hour, though only settlements were logged."""
    log = october_and_november()
    tuesday = changes(log, 0.5, at("2026-11-24", clock))
    assert tuesday == pytest.approx({"1d": 0.5 - 0.23, "1w": 0.5 - 0.17, "1m": 0.5 - 0.23})
    monday = changes(log, 0.5, at("2026-11-23", clock))
    assert monday["1d"] == pytest.approx(0.5 - 0.20)
    # The week over the change of the clocks, and the session before Thanksgiving's Friday.
    assert changes(log, 0.5, at("2026-11-02", clock))["1w"] == pytest.approx(0.5 - 0.26)
    log.append(past(settled_ns(date(2026, 11, 25)), 0.01, settled=True))
    assert changes(log, 0.5, at("2026-11-27", clock))["1d"] == pytest.approx(0.49)


def test_what_was_logged_meanwhile_is_not_compared_with():
    log = [*october_and_november(), past(at("2026-11-24", "09:00"), 0.9)]
    assert changes(log, 0.5, at("2026-11-25", "09:31"))["1d"] == pytest.approx(0.5 - 0.24)
    assert changes([past(at("2026-11-24", "09:00"), 0.9)], 0.5, at("2026-11-25"))["1d"] is None


def test_a_corrected_settlement_counts_as_corrected():
    first, second = (past(settled_ns(date(2026, 11, 23)), cut, settled=True) for cut in (0.1, 0.3))
    assert changes([first, second], 0.5, at("2026-11-24"))["1d"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("2024-03-31", "2024-02-29"), ("2025-03-31", "2025-02-28"), ("2026-01-15", "2025-12-15"),
        ("2026-12-31", "2026-11-30"), ("2024-02-29", "2024-01-29"),
    ],
)  # fmt: skip
def test_a_month_before(now, then):
    edge = date.fromisoformat(then)
    at_ns = at(now, "12:00")
    assert changes([past(settled_ns(edge), 0.2, settled=True)], 0.5, at_ns)["1m"] == pytest.approx(0.3)
    after = past(settled_ns(edge + timedelta(days=1)), 0.2, settled=True)
    assert changes([after], 0.5, at_ns)["1m"] is None


def test_a_log_with_a_gap_says_nothing_of_it():
    at_ns = at("2026-11-23", "12:00")

    def of(day: str) -> dict[str, float | None]:
        return changes([past(settled_ns(date.fromisoformat(day)), 0.2, settled=True)], 0.5, at_ns)

    assert of("2026-11-20")["1d"] == pytest.approx(0.3)
    assert of("2026-11-19")["1d"] is None
    assert of("2026-11-12")["1w"] == pytest.approx(0.3)
    assert of("2026-11-11")["1w"] is None
    assert of("2026-10-16")["1m"] == pytest.approx(0.3)
    assert of("2026-10-15")["1m"] is None
    assert changes([], 0.5, at_ns) == {"1d": None, "1w": None, "1m": None}
    assert changes(october_and_november(), None, at_ns) == {"1d": None, "1w": None, "1m": None}


# Across a decision ------------------------------------------------------------------------

DECIDED = date(2026, 12, 9)


def test_rows_up_to_a_decision_are_told_against_the_range_after_it():
    before = PastCut(settled_ns(DECIDED), 1.0, True, {"325-350": 0.2, "350-375": 0.8})
    after = PastCut(settled_ns(DECIDED + timedelta(days=1)), 0.2, True, {"325-350": 0.2, "350-375": 0.8})
    assert [each.cut for each in rebased([before, after], 350, DECIDED)] == [0.2, 0.2]
    # Nothing was decided on: nothing changes. After a hike less was a cut than it is now.
    assert [each.cut for each in rebased([before], 375, None)] == [1.0]
    assert [each.cut for each in rebased([before], 375, DECIDED)] == [1.0]
    below = PastCut(settled_ns(DECIDED), 0.0, True, {"-25-0": 0.1, "0-25": 0.9})
    assert [each.cut for each in rebased([below], 0, DECIDED)] == [0.1]
    # Where the range or the outcomes are not known the history begins after the decision.
    assert rebased([before, after], None, DECIDED) == (after,)
    assert rebased([past(settled_ns(DECIDED), 1.0, settled=True), after], 350, DECIDED) == (after,)


# The line ------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(1, 400), st.booleans()), max_size=900),
    st.integers(0, 100_000),
    st.booleans(),
)
def test_the_line_is_bounded_in_order_and_blind_to_the_future(steps, ahead, is_settled):
    start = at("2026-01-02", "00:00")
    log, ts_ns = [], start
    for step, by_settlement in steps:
        ts_ns += step * 60 * S
        log.append(past(ts_ns, step / 400, settled=by_settlement))
    at_ns = start + ahead * 60 * S
    points = line(log, 0.5, at_ns, settled=is_settled)
    assert len(points) <= HISTORY_POINTS + 1
    assert [each.at for each in points] == sorted({each.at for each in points})
    assert (points[-1].at, points[-1].cut, points[-1].settled) == (from_ns(at_ns), 0.5, is_settled)
    before = [each for each in log if each.ts_ns < at_ns]
    known = {(from_ns(each.ts_ns), each.cut, each.settled) for each in before}
    assert {(each.at, each.cut, each.settled) for each in points[:-1]} <= known
    settles = [from_ns(each.ts_ns) for each in before if each.settled]
    assert [each.at for each in points[:-1] if each.settled] == settles[-HISTORY_POINTS:]
    assert len(points) - 1 == min(len(before), HISTORY_POINTS)
    # The newest of the others is among them: the line does not end in the past.
    others = [from_ns(each.ts_ns) for each in before if not each.settled]
    if others and len(settles) < HISTORY_POINTS:
        assert others[-1] in {each.at for each in points}
    assert line(log, None, at_ns, settled=False) == points[:-1]


def test_the_others_are_taken_evenly():
    log = [past(at("2026-11-02", "00:00") + i * 60 * S, i / 10_000) for i in range(5_000)]
    points = line(log, 0.5, log[-1].ts_ns + S, settled=False)
    gaps = {round((b.at - a.at).total_seconds() / 60) for a, b in pairwise(points[:-1])}
    assert gaps == {20, 21}
    assert (points[-2].at, len(points)) == (from_ns(log[-1].ts_ns), HISTORY_POINTS + 1)
    # Settlements keep their places and leave the others what room there is.
    log = [past(each.ts_ns, each.cut, settled=i % 50 == 7) for i, each in enumerate(log)]
    points = line(log, 0.5, log[-1].ts_ns + S, settled=False)
    assert sum(each.settled for each in points) == 100
    assert (points[-2].at, len(points)) == (from_ns(log[-1].ts_ns), HISTORY_POINTS + 1)
    log = [past(each.ts_ns, each.cut, settled=i < 300) for i, each in enumerate(log)]
    points = line(log, 0.5, log[-1].ts_ns + S, settled=False)
    assert [each.at for each in points[:-1]] == [
        from_ns(each.ts_ns) for each in log[300 - HISTORY_POINTS : 300]
    ]


# In the view ------------------------------------------------------------------------

STRIP = {(2026, 11): 96.0, (2026, 12): 96.05, (2027, 1): 96.1, (2027, 2): 96.15}
CASE = StripCase(date(2026, 11, 23), (375, 400), CALENDAR, STRIP)
FRIDAY = date(2026, 11, 20)
MEETING = date(2026, 12, 9)


def test_the_settlement_shown_stays_one_in_the_history():
    """All weekend the newest point is Friday's settlement: neither lost nor called provisional."""
    log = tuple(
        past(settled_ns(day), 0.1, settled=True) for day in sessions_between(date(2026, 11, 2), FRIDAY)
    )
    figures = fed(but(settled(CASE, FRIDAY), past={MEETING: log}), at("2026-11-21"))
    assert len(figures.history) == len(log)
    assert all(each.settled for each in figures.history)
    assert figures.history[-1].cut == figures.cut
    assert figures.change["1d"] == pytest.approx(figures.cut - 0.1)


def test_a_live_figure_is_provisional_and_the_log_of_another_meeting_is_not_looked_at():
    now = at("2026-11-23")
    log = (past(settled_ns(FRIDAY), 0.1, settled=True), past(now - HOUR, 0.2))
    figures = fed(
        but(traded(CASE, now), past={MEETING: log, date(2027, 1, 27): (past(now - 30 * HOUR, 0.9),)}), now
    )
    assert [(each.cut, each.settled) for each in figures.history] == [
        (0.1, True),
        (0.2, False),
        (figures.cut, False),
    ]
    assert figures.change == {"1d": pytest.approx(figures.cut - 0.1), "1w": None, "1m": None}


def test_on_the_day_after_a_meeting_the_log_of_the_next_counts():
    now = at("2026-12-10")
    log = {
        MEETING: (past(settled_ns(date(2026, 12, 9)), 0.9, settled=True),),
        date(2027, 1, 27): (past(settled_ns(date(2026, 12, 9)), 0.4, settled=True),),
    }
    case = StripCase(date(2026, 12, 10), (375, 400), CALENDAR, {**STRIP, (2027, 3): 96.2})
    figures = fed(but(traded(case, now), past=log), now)
    assert figures.meeting == date(2027, 1, 27)
    assert figures.change["1d"] == pytest.approx(figures.cut - 0.4)
