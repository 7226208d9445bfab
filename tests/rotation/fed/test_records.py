"""Inputs from sources and our own history: ranges, unscheduled decisions, the past across a decision."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import polars as pl
import pytest

from rotation.desk import Desk
from rotation.fed.assemble import fed
from rotation.fed.inputs import PastCut, StripQuote
from rotation.fed.odds import TargetRange
from rotation.fed.pairs import with_spread
from rotation.fed.prices import settled_ns
from rotation.fed.records import HistoryRecord, SourcesRecord, combine, range_on, unscheduled
from rotation.fed.strip.chain import StripCase
from rotation.sessions import previous_session, sessions_between
from tests.support.fed.made import at, settled
from tests.support.fed.strips import CALENDAR, month_average

DECIDED = date(2026, 12, 9)
JANUARY = date(2027, 1, 27)
OLD = TargetRange(date(2026, 10, 29), DECIDED, 375, 400)
NEW = TargetRange(date(2026, 12, 10), date(2026, 12, 10), 350, 375)
STEPS = {DECIDED: -0.25, JANUARY: -0.05, date(2027, 3, 17): 0.0}
"""A certain cut in December, and one chance in five of another in January."""
MONTHS = [(2026, 11), (2026, 12), (2027, 1), (2027, 2), (2027, 3)]
PRICES = {month: round(100 - month_average(month, 3.88, STEPS), 6) for month in MONTHS}


def settlements(day: date) -> tuple[StripQuote, ...]:
    given = settled(StripCase(day, (375, 400), CALENDAR, PRICES), day)
    return given.strip


def expired(day: date) -> tuple[StripQuote, ...]:
    return settled(StripCase(day, (375, 400), CALENDAR, PRICES), day).expired


def sources(day: date, *ranges: TargetRange, **more) -> SourcesRecord:
    return SourcesRecord(
        strip=settlements(day),
        scheduled=CALENDAR,
        ranges=ranges,
        range_day=ranges[-1].last if ranges else None,
        **more,
    )


def logged(first: date, last: date) -> tuple[PastCut, ...]:
    """January's rows as the desk would have logged them, each against the range of its day."""
    rows = []
    for day in sessions_between(first, last):
        bounds = (375, 400) if day <= DECIDED else (350, 375)
        inputs = combine(
            sources(day, TargetRange(day, day, *bounds)), HistoryRecord(expired(day)), settled_ns(day)
        )
        figures = fed(inputs, settled_ns(day))
        row = next(row for row in figures.meetings if row.date == JANUARY)
        rows.append(PastCut(settled_ns(day), row.cut, True, row.outcomes))
    return tuple(rows)


# Across a decision ------------------------------------------------------------------------


def test_a_decision_by_itself_changes_nothing():
    """A certain cut on 9 December, prices unchanged: next day January is where it was, and so is its past."""
    rows = logged(date(2026, 11, 9), date(2026, 12, 10))
    assert [row.cut for row in rows[-3:]] == pytest.approx([1.0, 1.0, 0.2], abs=1e-5), (
        "as logged: 80 pp apart"
    )
    after = date(2026, 12, 11)
    now = at(after, "09:31")
    record = HistoryRecord(expired(after), {JANUARY: rows})
    friday = msgspec.structs.replace(NEW, last=after)
    figures = fed(combine(sources(date(2026, 12, 10), OLD, friday), record, now), now)
    assert (figures.meeting, figures.target_range_bp) == (JANUARY, (350, 375))
    assert figures.cut == pytest.approx(0.2, abs=1e-5)
    assert figures.change == pytest.approx({"1d": 0.0, "1w": 0.0, "1m": 0.0}, abs=1e-5)
    assert [point.cut for point in figures.history] == pytest.approx([0.2] * len(figures.history), abs=1e-5)
    assert figures.warnings == ()


def test_the_co_movement_s_beta_is_the_same_on_both_sides_of_a_decision():
    """The spread moves by a third of a point for a point of P(cut in January), before and after the cut."""
    days = sessions_between(date(2026, 11, 9), date(2026, 12, 16))
    chances = [0.2 + 0.01 * ((i * 7) % 5) for i in range(len(days))]
    rows, closes, level = [], [], 100.0
    for i, (day, p) in enumerate(zip(days, chances, strict=True)):
        cut = 1.0 if day <= DECIDED else p
        rows.append(PastCut(settled_ns(day), cut, True, {"325-350": p, "350-375": 1 - p}))
        level *= 1 + ((p - chances[i - 1]) / 3 if i else 0.0)
        closes += [("IWM", day, level), ("QQQ", day, 50.0)]
    record = HistoryRecord(past={JANUARY: tuple(rows)})
    inputs = combine(sources(days[-1], OLD, NEW), record, at("2026-12-17"))
    cuts = {day: row.cut for day, row in zip(days, inputs.past[JANUARY], strict=True)}
    assert with_spread(cuts, Closes(closes), Desk()).beta == pytest.approx(1 / 3)
    as_logged = {day: row.cut for day, row in zip(days, rows, strict=True)}
    assert with_spread(as_logged, Closes(closes), Desk()).beta < 0.1


class Closes:
    """As much of a History as ``with_spread`` reads."""

    def __init__(self, closes: list[tuple[str, date, float]]) -> None:
        self._frame = pl.DataFrame(closes, schema=["symbol", "date", "close"], orient="row")

    def between(self, first: date, last: date) -> pl.DataFrame:
        return self._frame.filter(pl.col("date").is_between(first, last))


def test_while_the_new_range_is_not_published_the_past_begins_after_the_decision():
    rows = logged(date(2026, 12, 1), date(2026, 12, 9))
    now = at("2026-12-10", "09:31")
    inputs = combine(sources(DECIDED, OLD), HistoryRecord((), {JANUARY: rows}), now)
    assert inputs.range_overdue
    assert inputs.past == {JANUARY: ()}
    assert inputs.warnings == (
        (
            "target range as of 9 Dec 2026, before the decision of 9 Dec 2026 took effect: "
            "range labels may be off"
        ),
    )
    # On the day itself nothing is overdue, and everything counts as it was logged, without outcomes too.
    rows += (PastCut(settled_ns(DECIDED) - 1, 0.5, False),)
    inputs = combine(sources(DECIDED, OLD), HistoryRecord((), {JANUARY: rows}), at(DECIDED, "23:59"))
    assert (inputs.range_overdue, inputs.warnings, inputs.past) == (False, (), {JANUARY: rows})


# The range of a day ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "bounds"),
    [
        ("2026-10-28", None),  # the October decision: what held before it is not told
        ("2026-10-29", (375, 400)),
        (DECIDED, (375, 400)),  # on its own day the old range holds
        ("2026-12-10", (350, 375)),
        ("2027-01-27", (350, 375)),
        ("2027-01-28", None),  # January's decision is not published yet
    ],
)
def test_the_range_on_a_day(day, bounds):
    day = date.fromisoformat(str(day))
    assert range_on(sources(DECIDED, OLD, NEW), day) == bounds
    assert range_on(sources(DECIDED), day) is None


def test_a_weekend_between_two_published_days_has_the_range_before_it():
    friday = TargetRange(date(2020, 3, 4), date(2020, 3, 13), 100, 125)
    monday = TargetRange(date(2020, 3, 16), date(2020, 3, 20), 0, 25)
    record = SourcesRecord(ranges=(friday, monday))
    assert range_on(record, date(2020, 3, 15)) == (100, 125)


# Decisions outside the calendar ------------------------------------------------------------------------

YEAR_2020 = (date(2020, 1, 29), date(2020, 4, 29), date(2020, 6, 10), date(2020, 7, 29))
RANGES_2020 = (
    TargetRange(date(2020, 1, 2), date(2020, 3, 3), 150, 175),
    TargetRange(date(2020, 3, 4), date(2020, 3, 13), 100, 125),
    TargetRange(date(2020, 3, 16), date(2020, 3, 20), 0, 25),
)


def test_march_2020_had_two_decisions_that_no_calendar_knew():
    assert unscheduled(RANGES_2020, YEAR_2020) == (date(2020, 3, 3), date(2020, 3, 15))
    assert unscheduled((OLD, NEW), CALENDAR) == ()
    assert unscheduled((), CALENDAR) == ()
    steps = {date(2020, 3, 3): -0.5, date(2020, 3, 15): -1.0, date(2020, 4, 29): 0.0, date(2020, 6, 10): 0.0}
    months = [(2020, 2), (2020, 3), (2020, 4), (2020, 5), (2020, 6), (2020, 7)]
    prices = {month: 100 - month_average(month, 1.58, steps) for month in months}
    day = date(2020, 3, 20)
    given = settled(StripCase(day, (0, 25), YEAR_2020, prices), day)
    record = SourcesRecord(
        strip=given.strip,
        scheduled=YEAR_2020,
        ranges=RANGES_2020,
        range_day=day,
    )
    now = at(day, "16:00")
    inputs = combine(record, HistoryRecord(given.expired), now)
    assert set(inputs.fomc_dates) == {*YEAR_2020, date(2020, 3, 3), date(2020, 3, 15)}
    figures = fed(inputs, now)
    assert figures.meeting == date(2020, 4, 29)
    assert (figures.cut, figures.hold, figures.hike) == pytest.approx((0, 1, 0), abs=1e-6)
    assert figures.warnings == (
        (
            "unscheduled change of the target range after 3 Mar 2020: "
            "its month is solved from the months on either side"
        ),
        (
            "unscheduled change of the target range after 15 Mar 2020: "
            "its month is solved from the months on either side"
        ),
    )


def test_a_cut_between_two_meetings_prices_nothing_for_the_next_one():
    """Cut on 18 August 2026, nothing priced for 16 September: August's average is no anchor any more."""
    cut = date(2026, 8, 18)
    steps = {cut: -0.25, date(2026, 9, 16): 0.0, date(2026, 10, 28): 0.0}
    prices = {(2026, m): 100 - month_average((2026, m), 3.88, steps) for m in (8, 9, 10, 11)}
    day = date(2026, 8, 24)
    ranges = (
        TargetRange(date(2026, 7, 1), cut, 375, 400),
        TargetRange(date(2026, 8, 19), day - timedelta(days=1), 350, 375),
    )
    given = settled(StripCase(day, (350, 375), CALENDAR, prices), previous_session(day))
    record = SourcesRecord(strip=given.strip, scheduled=CALENDAR, ranges=ranges, range_day=ranges[-1].last)
    inputs = combine(record, HistoryRecord(given.expired), at(day))
    figures = fed(inputs, at(day))
    assert (figures.meeting, figures.cut) == (date(2026, 9, 16), pytest.approx(0, abs=1e-6))
    assert "unscheduled change of the target range after 18 Aug 2026" in figures.warnings[0]
    unseen = fed(msgspec.structs.replace(inputs, fomc_dates=CALENDAR), at(day))
    assert unseen.cut > 0.4, "what the chain gives without knowing of it"
    # In October nobody needs to hear of it again.
    after = TargetRange(date(2026, 8, 19), date(2026, 10, 4), 350, 375)
    record = msgspec.structs.replace(record, ranges=(ranges[0], after), range_day=after.last)
    assert combine(record, HistoryRecord(), at("2026-10-05")).warnings == ()
