"""What was said before decisions: by the log as it was then, else by settlements of then; nothing later."""

from __future__ import annotations

import csv
from calendar import monthrange
from datetime import date, datetime, timedelta
from random import Random

import pytest

from feeds.fed.calendar import SHIPPED
from feeds.fed.log import Probabilities
from feeds.fed.store import FedStore
from feeds.fed.then.calibration import decided
from feeds.fed.then.fed_at import FedThen, calibration_at, fed_at
from feeds.fed.then.importing import import_settlements
from rotation.fed.calibration import Absent, asked_ns
from rotation.fed.odds import TargetRange
from rotation.sessions import NEW_YORK, to_ns
from tests.support.paths import SHARED
from tui.output.fed_report import of_decisions

MEETING = date(2024, 9, 18)
UNTIL = date(2024, 10, 1)


def ns(day: date, hour: int = 12) -> int:
    return to_ns(datetime(day.year, day.month, day.day, hour, tzinfo=NEW_YORK))


def row(at_ns: int, cut: float, *, engine="futures", kind="live", meeting=MEETING, low=525) -> Probabilities:
    outcomes = {f"{low - 25}-{low}": cut, f"{low}-{low + 25}": round(1 - cut, 9)}
    if engine != "futures":
        outcomes = {"-25": cut, "0": round(1 - cut, 9)}
    return Probabilities(meeting, cut, round(1 - cut, 9), 0.0, outcomes, engine, kind, at_ns)


def nothing(_at_ns: int) -> None:
    return None


def forecasts(store: FedStore, until: date = UNTIL, settled_at=nothing, **more):
    """(engine, days) → (P(cut), by) of the decision of September 2024."""
    (made,) = (each for each in decided(store, until, settled_at, **more) if each.date == MEETING)
    assert made.move_bp == -50
    return {(each.engine, each.days): (each.cut, each.by) for each in made.forecasts}


@pytest.fixture
def store(tmp_path):
    with FedStore(tmp_path, clock_ns=lambda: ns(UNTIL)) as opened:
        yield opened


def test_the_newest_row_by_the_end_of_each_day_counts(store):
    store.log_all(
        [
            row(ns(date(2024, 8, 19)), 0.2),
            row(ns(date(2024, 9, 11)), 0.5),
            row(ns(date(2024, 9, 11), 23), 0.6),
            row(ns(date(2024, 9, 12)), 0.7),
            row(ns(date(2024, 9, 17), 23), 0.9),
            row(ns(date(2024, 9, 18), 0), 0.95),
            row(ns(date(2024, 9, 17)), 0.8, engine="Kalshi"),
        ]
    )
    assert forecasts(store) == {
        ("futures", 30): (0.2, "log"),
        ("futures", 7): (0.6, "log"),
        ("futures", 1): (0.9, "log"),
        ("Kalshi", 1): (0.8, "log"),
    }


def test_a_correction_that_came_later_is_not_known_then(store):
    settled = ns(date(2024, 9, 17), 15)
    store.log_all([row(settled, 0.6, kind="settle"), row(settled, 0.9, kind="settle")])
    assert forecasts(store)["futures", 1] == (0.6, "settlements")


def test_a_row_that_was_old_by_then_says_nothing(store):
    store.log(row(ns(date(2024, 9, 13)), 0.6))
    assert ("futures", 1) not in forecasts(store)


def test_a_row_that_has_not_changed_holds_while_its_engine_was_looked_at(store):
    store.log(row(ns(date(2024, 9, 5)), 0.6, engine="Kalshi"))
    assert ("Kalshi", 1) not in forecasts(store)
    store.log(row(ns(date(2024, 9, 16)), 0.3, engine="Polymarket", meeting=date(2024, 11, 7)))
    assert ("Kalshi", 1) not in forecasts(store), "another engine"
    store.log(row(ns(date(2024, 9, 16)), 0.3, engine="Kalshi", meeting=date(2024, 11, 7)))
    assert forecasts(store)["Kalshi", 1] == (0.6, "log")


def test_rows_of_later_change_nothing_earlier(store):
    store.log(row(ns(date(2024, 9, 11)), 0.5))
    before = forecasts(store)
    store.log_all(
        [row(ns(date(2024, 9, 18), 15), 1.0), row(ns(date(2024, 9, 20)), 0.3, meeting=date(2024, 11, 7))]
    )
    assert forecasts(store) == before


def test_where_the_log_has_nothing_the_settlements_of_then_say_it(store):
    store.settle(2024, 8, date(2024, 8, 30), 94.67, "file")
    for day, price in ((11, 94.885), (17, 94.8725), (19, 94.9)):
        store.settle(2024, 9, date(2024, 9, day), price, "file")
    store.log(row(ns(date(2024, 9, 11)), 0.5))
    then = FedThen(store.settlements())
    made = forecasts(store, settled_at=then.at)
    assert made["futures", 7] == (0.5, "log")
    assert made["futures", 1] == (then.at(asked_ns(MEETING, 1)).cut, "settlements")
    assert ("futures", 30) not in made


def test_a_decision_after_the_shipped_ranges_is_known_by_a_source_or_by_the_log(store):
    meeting, after, until = date(2026, 9, 16), date(2026, 10, 28), date(2026, 10, 1)
    store.log(row(ns(date(2026, 9, 15)), 0.9, meeting=meeting, low=350))
    store.log(row(ns(date(2026, 9, 16)), 0.4, meeting=after, low=350))

    def moves(**more):
        return {each.date: each.move_bp for each in decided(store, until, nothing, **more)}

    assert meeting not in moves()  # the row of the decision's own day is labelled with the old range
    old = TargetRange(date(2026, 6, 1), meeting, 350, 375)
    assert moves(ranges=(old, TargetRange(date(2026, 9, 17), until, 325, 350)))[meeting] == -25
    store.log(row(ns(date(2026, 9, 17)), 0.4, meeting=after, low=325))
    assert moves()[meeting] == -25


def test_a_range_that_changed_in_between_leaves_a_forecast_out(store):
    store.log(row(ns(date(2026, 8, 17)), 0.2, meeting=date(2026, 9, 16), low=350))
    ranges = (
        TargetRange(date(2026, 6, 1), date(2026, 8, 20), 350, 375),
        TargetRange(date(2026, 8, 21), date(2026, 9, 16), 325, 350),  # outside of the calendar
        TargetRange(date(2026, 9, 17), date(2026, 10, 1), 325, 350),
    )
    held = decided(store, date(2026, 10, 1), nothing, ranges=ranges)
    made = {each.date: each for each in held}[date(2026, 9, 16)]
    assert (made.move_bp, made.forecasts) == (0, ())


def test_the_start_of_a_source_s_window_is_no_change_of_range(store):
    meeting = date(2026, 9, 16)
    store.log(row(ns(date(2026, 8, 17)), 0.2, meeting=meeting, low=350))
    window = (
        TargetRange(date(2026, 8, 28), meeting, 350, 375),
        TargetRange(date(2026, 9, 17), date(2026, 10, 1), 325, 350),
    )
    held = decided(store, date(2026, 10, 1), nothing, ranges=window)
    made = {each.date: each for each in held}[meeting]
    assert made.move_bp == -25
    assert [(each.days, each.cut) for each in made.forecasts] == [(30, 0.2)]


def sure_cut(at_ns: int, meeting: date, low: int) -> Probabilities:
    """Nobody expects a hold any more: the row does not name the range in force."""
    return Probabilities(meeting, 1.0, 0.0, 0.0, {f"{low - 25}-{low}": 1.0}, "futures", "live", at_ns)


@pytest.mark.parametrize(
    ("before", "move"),
    [
        ([row(ns(date(2026, 9, 10)), 0.9, meeting=date(2026, 9, 16), low=350)], -25),
        ([row(ns(date(2026, 9, 15)), 0.9, meeting=date(2026, 10, 28), low=350)], -25),
        # Of before the last decision: the range may have been another.
        ([row(ns(date(2026, 7, 28)), 0.9, meeting=date(2026, 9, 16), low=375)], None),
        ([], None),
    ],
    ids=["an earlier day", "another meeting", "before the last decision", "nothing"],
)
def test_a_sure_cut_is_known_by_the_range_of_another_row(tmp_path, before, move):
    meeting, after = date(2026, 9, 16), date(2026, 10, 28)
    with FedStore(tmp_path, clock_ns=lambda: ns(date(2026, 10, 1))) as store:
        store.log_all(before)
        store.log(sure_cut(ns(date(2026, 9, 15), 15), meeting, 350))
        store.log(sure_cut(ns(date(2026, 9, 17)), after, 325))
        store.log(row(ns(date(2026, 9, 18)), 0.9, meeting=after, low=325))
    report = calibration_at(tmp_path, ns(date(2026, 10, 1)))
    known = {each.date: each.move_bp for each in report.decisions}
    assert known.get(meeting) == move
    # July's odds are logged in one of the cases, its outcome is not.
    assert report.left_out == (move is None)


MOVES = {
    date(2023, 2, 1): 25, date(2023, 3, 22): 25, date(2023, 5, 3): 25, date(2023, 6, 14): 0,
    date(2023, 7, 26): 25, date(2023, 9, 20): 0, date(2023, 11, 1): 0, date(2023, 12, 13): 0,
    date(2024, 1, 31): 0, date(2024, 3, 20): 0, date(2024, 5, 1): 0, date(2024, 6, 12): 0,
    date(2024, 7, 31): 0, date(2024, 9, 18): -50, date(2024, 11, 7): -25, date(2024, 12, 18): -25,
}  # fmt: skip
"""What each decision of two years did, in bp."""


@pytest.mark.parametrize("seed", range(3))
def test_two_years_of_an_own_log_score_as_plain_loops_do(tmp_path, seed):
    """Futures, Kalshi and Polymarket, logged at odd times with holes, each decision from 45 days on."""
    random = Random(seed)
    with FedStore(tmp_path, clock_ns=lambda: ns(date(2025, 1, 1))) as store:
        rows = []
        for meeting in MOVES:
            for engine in ("futures", "Kalshi", "Polymarket"):
                at = datetime(meeting.year, meeting.month, meeting.day, 14, tzinfo=NEW_YORK)
                back_h = 45 * 24.0
                while back_h > -48:
                    then = to_ns(at - timedelta(hours=back_h))
                    rows.append(row(then, round(random.random(), 4), engine=engine, meeting=meeting))
                    back_h -= random.choice((1.0, 5.0, 26.0, 130.0))
        random.shuffle(rows)
        store.log_all(sorted(rows, key=lambda each: each.ts_ns))
        logged = store.between(0, 2**63 - 1)
    report = calibration_at(tmp_path, ns(date(2025, 1, 1)))
    for engine in ("futures", "Kalshi", "Polymarket"):
        for days in (1, 7, 30):
            pairs = []
            for meeting, move in MOVES.items():
                ends = datetime(meeting.year, meeting.month, meeting.day, tzinfo=NEW_YORK) - timedelta(
                    days=days - 1
                )
                newest, seen_ns = None, 0
                for each in logged:
                    if each.engine == engine and each.ts_ns < to_ns(ends):
                        seen_ns = max(seen_ns, each.ts_ns)
                        if each.meeting == meeting:
                            newest = each if newest is None or each.ts_ns >= newest.ts_ns else newest
                if newest is not None and to_ns(ends) - 1 - seen_ns <= 4 * 86_400 * 10**9:
                    pairs.append((newest.cut, move < 0))
            score = report.scores[engine][str(days)]
            assert (score.n, score.by_settlements) == (len(pairs), 0)
            assert score.n >= 10, "else nothing is compared here"
            assert score.brier == pytest.approx(sum((cut - held) ** 2 for cut, held in pairs) / len(pairs))
            assert score.mean_cut == pytest.approx(sum(cut for cut, _ in pairs) / len(pairs))
            assert score.share_cut == pytest.approx(sum(held for _, held in pairs) / len(pairs))
            missing = sum(report.absent.get(engine, {}).get(str(days), {}).values())
            assert score.n + missing == len(report.decisions)


def test_why_a_decision_has_no_forecast_is_said(tmp_path):
    with FedStore(tmp_path, clock_ns=lambda: ns(UNTIL)) as store:
        store.log_all([row(ns(date(2024, 9, 13)), 0.6), row(ns(date(2024, 9, 17)), 0.8, engine="Kalshi")])
    report = calibration_at(tmp_path, ns(UNTIL))
    (made,) = (each for each in report.decisions if each.date == MEETING)
    assert made.absent["futures"] == {
        "1": Absent.OLD, "7": Absent.NO_SETTLEMENT, "30": Absent.NO_SETTLEMENT,
    }  # fmt: skip
    assert made.absent["Kalshi"] == {"7": Absent.NOT_LOGGED, "30": Absent.NOT_LOGGED}
    text = of_decisions(report, "text")
    assert "Kalshi               30      0" in text
    assert f"no forecast for {len(report.decisions)}: nothing was logged by then" in text


def test_a_desk_without_any_history_says_nothing(tmp_path):
    report = calibration_at(tmp_path, ns(UNTIL))
    assert (report.scores, report.decisions, report.least_n) == ({}, (), 10)


# On real settlements ------------------------------------------------------------

ZQ = SHARED / "fed"
needs_data = pytest.mark.skipif(not ZQ.is_dir(), reason="the shared settlements are not here")
NOW_NS = ns(date(2026, 11, 27))


def by_hand(meeting: date, day: date, closes: dict[date, float]) -> float | None:
    """P(cut) from the front month alone; None where the month before has a meeting, too."""
    known = [each for each in closes if meeting.replace(day=1) <= each <= day]
    last = max(each for each in closes if each < meeting.replace(day=1))
    has_meeting = any((each.year, each.month) == (last.year, last.month) for each in SHIPPED)
    days = monthrange(meeting.year, meeting.month)[1]
    old_days = meeting.day - (1 if day < date(2024, 8, 1) else 0)
    if not known or has_meeting or days - old_days < 8:
        return None
    start, average = 100 - closes[last], 100 - closes[max(known)]
    move = ((days * average - old_days * start) / (days - old_days) - start) / 0.25
    return min(max(-move, 0.0), 1.0)


@needs_data
def test_forecasts_by_real_settlements_equal_those_made_by_hand(tmp_path):
    import_settlements(tmp_path, [ZQ / "ZQ_front_month_continuous.csv"], NOW_NS)
    with (ZQ / "ZQ_front_month_continuous.csv").open() as file:
        closes = {
            date.fromisoformat(each["Date"]): round(float(each["Close"]), 4) for each in csv.DictReader(file)
        }
    report = calibration_at(tmp_path, NOW_NS)
    squares: dict[int, list[float]] = {1: [], 7: []}
    by_hands = 0
    for each in report.decisions:
        for forecast in each.forecasts:
            wanted = by_hand(each.date, each.date - timedelta(days=forecast.days), closes)
            if wanted is not None:
                assert forecast.cut == pytest.approx(wanted, abs=1e-6), (each.date, forecast)
                by_hands += 1
            squares[forecast.days].append((forecast.cut - (each.move_bp < 0)) ** 2)
    for days, values in squares.items():
        score = report.scores["futures"][str(days)]
        assert (score.n, score.by_settlements) == (len(values), len(values))
        assert score.brier == pytest.approx(sum(values) / len(values))
    assert (len(squares[1]), len(squares[7]), by_hands) == (25, 19, 26)
    early = calibration_at(tmp_path, ns(date(2022, 6, 16)))
    assert early.decisions == tuple(each for each in report.decisions if each.date < date(2022, 6, 16))
    assert fed_at(tmp_path, ns(date(2024, 9, 12))).calibration["futures"]["7"].n == 14


@needs_data
def test_thirty_days_before_the_contracts_at_hand_reach_some_decisions(tmp_path):
    names = ("ZQ_U24_V24_X24_Z24_daily_long.csv", "ZQ_front_month_continuous.csv")
    import_settlements(tmp_path, [ZQ / name for name in names], NOW_NS)
    report = calibration_at(tmp_path, NOW_NS)
    held = {each.date for each in report.decisions for f in each.forecasts if f.days == 30}
    assert held
    score = report.scores["futures"]["30"]
    assert (score.n, score.brier) == (len(held), None), "fewer than ten"
    assert report.absent["futures"]["30"] == {Absent.NO_SETTLEMENT: len(report.decisions) - len(held)}


@needs_data
def test_the_decision_of_september_2024_as_cme_published_it(tmp_path):
    """A week and thirty days before: CME's own export of those days."""
    import_settlements(tmp_path, [ZQ / "ZQ_U24_V24_X24_Z24_daily_long.csv"], NOW_NS)
    with (ZQ / "FedMeetingHistory_20240916.csv").open() as file:
        lines = list(csv.reader(file))
    heads = lines[1][1:]
    width = heads.index("(0-25)", 1)  # of the first meeting's block: 18 September
    published = {each[0]: dict(zip(heads[:width], each[1:], strict=False)) for each in lines[2:]}
    made = {each.date: each for each in calibration_at(tmp_path, ns(date(2024, 9, 20))).decisions}[MEETING]
    shares = {each.days: each.cut for each in made.forecasts}
    for days, day in ((7, "9/11/2024"), (30, "8/19/2024")):
        cut = sum(float(p) for name, p in published[day].items() if int(name[1:].split("-")[0]) < 525 and p)
        assert shares[days] == pytest.approx(cut, abs=0.002)
