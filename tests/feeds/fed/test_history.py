"""Our own history over a decision: settlements labelled by the range of their day, corrections, no file."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from feeds.fed.calendar import SHIPPED
from feeds.fed.futures import Chart, Close
from feeds.fed.history import FedHistory
from feeds.fed.store import FedStore
from feeds.fed.then.calibration import decided
from rotation.fed.odds import TargetRange
from rotation.fed.prices import settled_ns
from rotation.fed.records import SourcesRecord, combine
from rotation.sessions import NEW_YORK, from_ns, sessions_between, to_ns
from tests.support.fed.strips import month_average

DECIDED, JANUARY = date(2026, 12, 9), date(2027, 1, 27)
STEPS = {DECIDED: -0.25, JANUARY: -0.05, date(2027, 3, 17): 0.0}
MONTHS = [(2026, 11), (2026, 12), (2027, 1), (2027, 2), (2027, 3)]
NOW = to_ns(datetime(2026, 12, 11, 9, 31, tzinfo=NEW_YORK))
RANGES = (
    TargetRange(date(2026, 10, 29), DECIDED, 375, 400),
    TargetRange(date(2026, 12, 10), date(2026, 12, 10), 350, 375),
)
PRICES = {month: round(100 - month_average(month, 3.88, STEPS), 6) for month in MONTHS}


def charts() -> dict[tuple[int, int], Chart]:
    """Every contract at one price on every session since 12 November."""
    sessions = sessions_between(date(2026, 11, 12), date(2026, 12, 10))
    made = {}
    for month, price in PRICES.items():
        closes = [Close(day, price) for day in sessions if (day.year, day.month) <= month]
        made[month] = Chart(*month, tuple(closes), price, None)
    return made


def sources(*ranges: TargetRange) -> SourcesRecord:
    return SourcesRecord(
        scheduled=SHIPPED,
        ranges=ranges,
        range_day=ranges[-1].last,
        strip=tuple(c.quote for c in charts().values()),
    )


def settle_rows(folder) -> dict[date, dict[str, float]]:
    with FedStore(folder) as store:
        rows = store.between(0, 2**62, meeting=JANUARY, engine="futures")
    return {
        from_ns(row.ts_ns).astimezone(NEW_YORK).date(): row.outcomes for row in rows if row.kind == "settle"
    }


async def test_the_settlement_of_the_decision_day_is_labelled_by_the_old_range(tmp_path):
    """And the ones before it: the range of then is in the published ones."""
    async with FedHistory(tmp_path, clock_ns=lambda: NOW) as history:
        await history.update(sources(*RANGES), charts(), NOW)
        record = history.record
    assert record.error == ""
    rows = settle_rows(tmp_path)
    assert list(rows) == sessions_between(date(2026, 11, 12), date(2026, 12, 10))
    for outcomes in rows.values():
        assert (outcomes["325-350"], outcomes["350-375"]) == pytest.approx((0.2, 0.8), abs=1e-5)
    cuts = {from_ns(row.ts_ns).astimezone(NEW_YORK).date(): row.cut for row in record.past[JANUARY]}
    assert (cuts[DECIDED], cuts[DECIDED + timedelta(days=1)]) == pytest.approx((1.0, 0.2), abs=1e-5)
    inputs = combine(sources(*RANGES), record, NOW)
    assert [row.cut for row in inputs.past[JANUARY]] == pytest.approx([0.2] * len(rows), abs=1e-5)


async def test_without_the_range_of_then_the_history_begins_after_the_decision(tmp_path):
    async with FedHistory(tmp_path, clock_ns=lambda: NOW) as history:
        await history.update(sources(RANGES[1]), charts(), NOW)
    assert list(settle_rows(tmp_path)) == [date(2026, 12, 10)]


async def test_while_the_new_range_is_not_published_no_later_settlement_is_labelled(tmp_path):
    async with FedHistory(tmp_path, clock_ns=lambda: NOW) as history:
        await history.update(sources(RANGES[0]), charts(), NOW)
    assert list(settle_rows(tmp_path))[-1] == DECIDED


async def test_a_corrected_settlement_of_a_month_that_is_over_wins_over_the_first(tmp_path):
    """Yahoo has dropped November: what we kept of it stands in, as it was last corrected."""
    day = date(2026, 11, 27)
    async with FedHistory(tmp_path, clock_ns=lambda: NOW) as history:
        await history.update(sources(*RANGES), charts(), NOW)
        first = settle_rows(tmp_path)[day]
        with FedStore(tmp_path) as store:
            store.settle(2026, 11, day, PRICES[2026, 11] - 0.05, "Yahoo")
        left = {month: chart for month, chart in charts().items() if month != (2026, 11)}
        later = NOW + 86_400 * 10**9
        await history.update(sources(*RANGES), left, later)
    second = settle_rows(tmp_path)[day]
    assert second != first
    with FedStore(tmp_path) as store:
        rows = [r for r in store.between(0, 2**62, meeting=JANUARY) if r.ts_ns == settled_ns(day)]
    assert len(rows) == 2, "the first is kept beside the correction"


async def test_a_file_that_cannot_be_used_is_said_and_what_was_known_stays(tmp_path):
    (tmp_path / "fed").write_text("a file where the folder should be")
    async with FedHistory(tmp_path / "fed", clock_ns=lambda: NOW) as history:
        await history.update(sources(*RANGES), charts(), NOW)
        assert "the Fed history cannot be opened" in history.record.error
        (tmp_path / "fed").unlink()
        await history.update(sources(*RANGES), charts(), NOW)
        assert history.record.error == ""
        assert history.record.past[JANUARY]


async def test_the_odds_before_the_decision_are_scored_once_a_day(tmp_path, monkeypatch):
    asked = []

    def counted(*args, **more):
        asked.append(args[1])
        return decided(*args, **more)

    monkeypatch.setattr("feeds.fed.history.decided", counted)
    async with FedHistory(tmp_path, clock_ns=lambda: NOW) as history:
        for minutes in range(3):
            await history.update(sources(*RANGES), charts(), NOW + minutes * 60 * 10**9)
        record = history.record
        await history.update(sources(*RANGES), charts(), NOW + 86_400 * 10**9)
    assert asked == [date(2026, 12, 11), date(2026, 12, 12)]
    # Nothing is a month old: the charts begin on 12 November.
    assert {days: score.n for days, score in record.calibration["futures"].items()} == {"1": 1, "7": 1}
    assert record.calibration["futures"]["1"].by_settlements == 1, "its row was made from a settlement"
    assert combine(sources(*RANGES), record, NOW).calibration == record.calibration
