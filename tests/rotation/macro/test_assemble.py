"""Macro against plain loops over FRED's files, its look-ahead, and hand-made cases."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rotation.macro import stated as stated_module
from rotation.macro.assemble import (
    CORE,
    CPI,
    CPI_UNADJUSTED,
    MONTHLY,
    PAYROLLS,
    TENORS,
    UNEMPLOYMENT,
    aged,
    macro,
)
from rotation.macro.figures import MacroSource, ReleaseKind, ReleasePath, ReleaseView, Stated, YieldIndex
from rotation.macro.releases import SHIPPED, at_of, following, newest_month, released_at
from rotation.macro.silent import offline
from rotation.sessions import NEW_YORK
from rotation.status import Kind

TEN_FORTY = datetime(2024, 7, 16, 10, 40, tzinfo=NEW_YORK)
FOMC = (date(2024, 6, 12), date(2024, 7, 31), date(2024, 9, 18))
NOT_SHARED = [
    (day, datetime(day.year, day.month, day.day, 13, 30, tzinfo=UTC))
    for day in (date(2023, 1, 6), date(2025, 11, 20))
]
"""Reports on jobs that the shared list lacks: PROVENANCE.md calls it partial, and names the second."""
FEWER = {(ReleaseKind.CPI, 2025): 11, (ReleaseKind.JOBS, 2025): 11}
"""October's of the shutdown: its CPI was never published, its jobs came with November's."""
LATE = {(ReleaseKind.JOBS, date(2025, 11, 20)): date(2025, 9, 1)}


def test_the_morning_of_16_july_2024(files) -> None:
    """By hand from the files: yields of the 15th, June's CPI of 11 July, June's jobs of 5 July."""
    known = macro(files, FOMC, TEN_FORTY)
    for each in known.yields:
        series = files[TENORS[each.tenor]]
        days = sorted(day for day in series if day <= date(2024, 7, 15))
        assert (each.date, each.pct) == (date(2024, 7, 15), series[days[-1]])
        assert each.change_bp["1d"] == pytest.approx(100 * (series[days[-1]] - series[days[-2]]))
        week = max(day for day in days if day <= date(2024, 7, 8))
        month = max(day for day in days if day <= date(2024, 6, 15))
        assert each.change_bp["1w"] == pytest.approx(100 * (series[days[-1]] - series[week]))
        assert each.change_bp["1m"] == pytest.approx(100 * (series[days[-1]] - series[month]))
    assert [each.tenor for each in known.yields] == ["3M", "2Y", "5Y", "10Y", "30Y"]
    gap = files["DGS10"][date(2024, 7, 15)] - files["DGS2"][date(2024, 7, 15)]
    assert known.curve.bp == pytest.approx(100 * gap)
    assert known.curve.line[-1] == (date(2024, 7, 15), pytest.approx(100 * gap))
    headline, core = known.inflation
    june = date(2024, 6, 1)
    assert (headline.month, core.month) == (june, june)
    unadjusted, adjusted = files[CPI_UNADJUSTED], files[CPI]
    assert headline.year_pct == pytest.approx(100 * (unadjusted[june] / unadjusted[date(2023, 6, 1)] - 1))
    assert headline.year_pct == pytest.approx(2.97, abs=0.005)  # PROVENANCE.md
    assert headline.month_pct == pytest.approx(100 * (adjusted[june] / adjusted[date(2024, 5, 1)] - 1))
    assert core.year_pct == pytest.approx(100 * (files[CORE][june] / files[CORE][date(2023, 6, 1)] - 1))
    assert headline.released_at == datetime(2024, 7, 11, 8, 30, tzinfo=NEW_YORK)
    assert known.jobs.month == june
    assert known.jobs.payrolls_change == files[PAYROLLS][june] - files[PAYROLLS][date(2024, 5, 1)]
    assert known.jobs.unemployment_pct == files[UNEMPLOYMENT][june]
    assert [(each.kind, each.at.date()) for each in known.releases] == [
        (ReleaseKind.FOMC, date(2024, 7, 31)), (ReleaseKind.JOBS, date(2024, 8, 2)),
        (ReleaseKind.CPI, date(2024, 8, 14)),
    ]  # fmt: skip
    assert known.warnings == ("prices and jobs are as revised since, not as first published",)


def test_nothing_published_later_enters(files) -> None:
    last = {name: date(2024, 6, 1) if name in MONTHLY else date(2024, 7, 15) for name in files}
    cut = {
        name: {day: value for day, value in series.items() if day <= last[name]}
        for name, series in files.items()
    }
    assert macro(cut, FOMC, TEN_FORTY) == macro(files, FOMC, TEN_FORTY)


def test_a_release_counts_from_its_minute_on(files) -> None:
    before = datetime(2024, 7, 11, 8, 29, 59, tzinfo=NEW_YORK)
    months = [macro(files, FOMC, at).inflation[0].month for at in (before, before + timedelta(seconds=1))]
    assert months == [date(2024, 5, 1), date(2024, 6, 1)]


def test_october_2025_was_never_published(files) -> None:
    """Its CPI is missing: November's has no change on the month, and its change on the year stands."""
    late = datetime(2025, 12, 19, 12, tzinfo=NEW_YORK)
    headline, core = macro(files, FOMC, late).inflation
    assert (headline.month, headline.month_pct, headline.year_before_pct) == (date(2025, 11, 1), None, None)
    assert core.year_pct == pytest.approx(
        100 * (files[CORE][date(2025, 11, 1)] / files[CORE][date(2024, 11, 1)] - 1)
    )
    between = datetime(2025, 12, 1, 12, tzinfo=NEW_YORK)
    assert macro(files, FOMC, between).inflation[0].month == date(2025, 9, 1)


def test_the_shipped_calendar_is_the_shared_one(shared_data) -> None:
    with (shared_data / "macro" / "us_events_2021_2027.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    for kind, name in ((ReleaseKind.CPI, "CPI"), (ReleaseKind.JOBS, "NFP")):
        named = [row for row in rows if row["event"] == name]
        held = [(date.fromisoformat(row["date_et"]), datetime.fromisoformat(row["utc"])) for row in named]
        if kind is ReleaseKind.JOBS:
            held = sorted([*held, *NOT_SHARED])
        assert list(SHIPPED[kind]) == [day for day, _ in held]
        times = [at for _, at in held]
        assert [at_of(kind, day).astimezone(UTC) for day in SHIPPED[kind]] == times


def test_every_year_has_its_twelve_reports_but_for_the_shutdown_s() -> None:
    for kind, days in SHIPPED.items():
        years = {year: sum(day.year == year for day in days) for year in range(2021, 2027)}
        assert years == {year: FEWER.get((kind, year), 12) for year in years}, kind


def test_a_late_report_is_of_its_own_month() -> None:
    """September's jobs of 2025 came on 20 November; until then August's were the newest."""
    at = datetime(2025, 11, 20, 8, 30, tzinfo=NEW_YORK)
    september = date(2025, 9, 1)
    assert newest_month(ReleaseKind.JOBS, at - timedelta(seconds=1)) == date(2025, 8, 1)
    assert newest_month(ReleaseKind.JOBS, at) == september
    assert released_at(ReleaseKind.JOBS, september) == at
    assert released_at(ReleaseKind.JOBS, date(2025, 10, 1)) is None


@given(st.dates(date(2021, 2, 11), date(2026, 12, 31)))
def test_the_newest_month_is_that_of_the_last_release(day: date) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=NEW_YORK)
    for kind in SHIPPED:
        last = max(each for each in SHIPPED[kind] if each <= day)
        month = newest_month(kind, noon)
        before = (last.replace(day=1) - timedelta(days=1)).replace(day=1)
        assert month == LATE.get((kind, last), before)
        assert released_at(kind, month) == at_of(kind, last)


@given(st.dates(date(2015, 1, 1), date(2035, 12, 31)))
def test_outside_of_the_table_a_month_is_never_published_before_its_end(day: date) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=NEW_YORK)
    for kind in SHIPPED:
        assert (newest_month(kind, noon) + timedelta(days=31)) <= day + timedelta(days=3)


def test_holes_leave_changes_unknown_and_never_shift_them() -> None:
    days = {date(2024, 7, 15): 4.0, date(2024, 7, 3): 4.5, date(2024, 5, 1): 5.0}
    (ten,) = macro({"DGS10": days}, FOMC, TEN_FORTY).yields
    assert ten.change_bp == {"1d": pytest.approx(-50.0), "1w": None, "1m": None}
    lonely = macro({"DGS2": {date(2024, 7, 15): 4.4}, "DGS10": {date(2024, 7, 12): 4.2}}, FOMC, TEN_FORTY)
    assert lonely.curve is None
    assert lonely.yields[0].change_bp == {"1d": None, "1w": None, "1m": None}
    assert macro({}, FOMC, TEN_FORTY) is None
    assert macro({"DGS10": {date(2024, 7, 17): 4.0}}, FOMC, TEN_FORTY) is None


def test_what_is_old_or_missing_is_said() -> None:
    source = MacroSource(Kind.LIVE, TEN_FORTY - timedelta(hours=1), 3600.0)
    held = {"DGS10": {date(2024, 7, 15): 4.2}, CPI: {date(2024, 5, 1): 313.0}}
    known = macro(held, FOMC, TEN_FORTY, {"Treasury": source})
    assert known.warnings == ("CPI of Jun 2024 should be out, but is not here",)
    later = aged(known, TEN_FORTY + timedelta(days=3))
    assert later.sources["Treasury"].kind is Kind.STALE
    assert later.sources["Treasury"].age_s == pytest.approx(3600 + 3 * 86_400)
    assert later.warnings[0] == "yields are of 15 Jul 2024, 4 days old"
    ended = aged(known, datetime(2027, 3, 1, tzinfo=NEW_YORK))
    assert "the shipped calendar of CPI ends on 10 Dec 2026" in ended.warnings
    assert following((), datetime(2027, 3, 1, tzinfo=NEW_YORK)) == ()


def test_after_a_decision_the_next_one_is_shown_at_once() -> None:
    known = macro({"DGS10": {date(2024, 7, 15): 4.2}}, FOMC, TEN_FORTY)
    decided = aged(known, datetime(2024, 7, 31, 14, tzinfo=NEW_YORK))
    assert [(each.kind, each.at.date()) for each in decided.releases] == [
        (ReleaseKind.JOBS, date(2024, 8, 2)), (ReleaseKind.CPI, date(2024, 8, 14)),
        (ReleaseKind.FOMC, date(2024, 9, 18)),
    ]  # fmt: skip
    of_september = macro({"DGS10": {date(2024, 9, 9): 3.7}}, FOMC, datetime(2024, 9, 10, tzinfo=NEW_YORK))
    recorded_before = aged(replace(of_september, fomc=()), datetime(2024, 9, 11, 9, tzinfo=NEW_YORK))
    assert recorded_before.releases[0].at.date() == date(2024, 9, 18), "CPI has come out, the decision not"


def test_a_rank_is_made_anew_only_where_a_day_or_a_value_is_new(monkeypatch) -> None:
    first = date(2020, 1, 1)
    series = {first + timedelta(days=n): 2 + n % 7 / 10 for n in range(1462)}
    now = datetime(2024, 1, 1, 19, tzinfo=NEW_YORK)
    looked: list[date] = []
    at_most = stated_module._at_most

    def counted(days, day, *more):
        looked.append(day)
        return at_most(days, day, *more)

    monkeypatch.setattr(stated_module, "_at_most", counted)

    def rank(values) -> tuple[Stated, int]:
        looked.clear()
        figure = macro({"DGS10": dict(values)}, (), now).stated["yield.10y.change.1w"]
        return figure, len(looked)

    shown, looks = rank(series)
    assert looks > 1000
    again, looks = rank(series)
    assert again == shown
    assert looks < 10
    corrected = {**series, first + timedelta(days=700): 9.0}
    other, looks = rank(corrected)
    assert looks > 1000, "a corrected value of the past changes the changes"
    changes = [
        round(100 * (corrected[day] - corrected[day - timedelta(days=7)]), 6) for day in list(corrected)[7:-1]
    ]
    assert other.n == len(changes)
    below = sum(each < other.value for each in changes) + sum(each == other.value for each in changes) / 2
    assert other.percentile == pytest.approx(100 * below / len(changes))


def test_of_a_silent_reader_what_it_brings_during_the_session_is_offline_and_what_is_over_stays() -> None:
    at = datetime(2024, 7, 11, 8, 30, tzinfo=NEW_YORK)
    now = at + timedelta(minutes=45)
    index = YieldIndex("10Y", "TNX", 4.21, None, now - timedelta(minutes=15), "Yahoo, 15 min delayed")
    path, nothing = ReleasePath(((0, 0.0),), 0, ()), ReleasePath((), 0, ())
    runs = ReleaseView(ReleaseKind.CPI, at, "IWM", "QQQ", path, nothing, known_to=now, worth=Kind.LIVE)
    over = replace(runs, kind=ReleaseKind.JOBS, at=at - timedelta(days=6), known_to=at - timedelta(days=5.9))
    made = macro(
        {"DGS10": {date(2024, 7, 10): 4.28}}, FOMC, now, {"Yahoo": MacroSource(Kind.LIVE, now, 0.0)},
        indices=(index,), release_days=(runs, over),
    )  # fmt: skip
    assert [each.worth for each in made.release_days] == [Kind.LIVE, Kind.CLOSED]
    assert made.indices[0].worth is Kind.PROVISIONAL
    silent = offline(made, now)
    assert silent.sources["Yahoo"].kind is Kind.OFFLINE
    assert [each.worth for each in silent.indices] == [Kind.OFFLINE]
    assert [each.worth for each in silent.release_days] == [Kind.OFFLINE, Kind.CLOSED]
    assert silent.release_days[0].spread == path, "what is known stays on screen"
