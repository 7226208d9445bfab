"""Release days: minute paths by plain loops on real minutes, by our log, and nothing from later."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from feeds.fed.log import Probabilities
from feeds.fed.store import FedStore
from feeds.macro.release_days import release_days
from rotation.macro.figures import ReleaseKind
from rotation.macro.release_days import ReleaseDay, compared
from rotation.sessions import NEW_YORK, to_ns
from tests.support.paths import SHARED
from tui.output.macro_report import of_releases

PAIR = ("IWM", "QQQ")
MARCH = datetime(2026, 3, 18, 14, tzinfo=NEW_YORK)
NOW_NS = to_ns(datetime(2026, 11, 27, tzinfo=UTC))
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared minutes are not here")


def tape_of(folder, name: str, minutes: int):
    """Bars of the shared data as a tape of prints at their ends; its rows by symbol and end."""
    bars = pl.read_parquet(SHARED / "intraday" / f"{name}.parquet").filter(pl.col("symbol").is_in(PAIR))
    ends = (pl.col("start") + timedelta(minutes=minutes)).dt.timestamp("ns")
    tape = bars.select("symbol", ts_ns=ends, price="close").sort("ts_ns")
    path = folder / f"{name}.parquet"
    tape.write_parquet(path)
    return path, {(symbol, ts_ns): price for symbol, ts_ns, price in tape.iter_rows()}


def by_hand(prices, at: datetime, minute: int) -> float | None:
    """Walk back from the minute for at most ten."""

    def last(symbol: str, then: datetime) -> float | None:
        for back in range(11):
            price = prices.get((symbol, to_ns(then - timedelta(minutes=back))))
            if price is not None:
                return price
        return None

    legs = [(last(symbol, at + timedelta(minutes=minute)), last(symbol, at)) for symbol in PAIR]
    if any(None in leg for leg in legs):
        return None
    return 100 * (legs[0][0] / legs[0][1] - legs[1][0] / legs[1][1])


@needs_data
@pytest.mark.parametrize(
    ("name", "minutes", "at"),
    [
        ("ETF_1m_2026-03-12_2026-03-20", 1, MARCH),
        ("ETF_5m_2025-12-23_2026-03-20", 5, datetime(2026, 1, 28, 14, tzinfo=NEW_YORK)),
    ],
)
def test_fed_days_by_real_minutes(tmp_path, name, minutes, at):
    path, prices = tape_of(tmp_path, name, minutes)
    made = release_days(tmp_path, [path], PAIR, NOW_NS)
    (day,) = (each for each in made.days if each.at == at)
    assert (day.kind, day.cut_pp) == (ReleaseKind.FOMC, ())
    wanted = {minute: by_hand(prices, at, minute) for minute in range(-30, 121)}
    assert dict(day.spread_pp) == {
        minute: pytest.approx(pp, abs=1e-6) for minute, pp in wanted.items() if pp is not None
    }
    assert made.newest["FOMC"]["spread"]["30"].value_pp == dict(made.days[-1].spread_pp)[30]


@needs_data
def test_a_morning_without_minutes_before_it_has_no_path(tmp_path):
    """Regular hours alone know nothing of 08:30."""
    path, _ = tape_of(tmp_path, "ETF_5m_2025-12-23_2026-03-20", 5)
    days = release_days(tmp_path, [path], PAIR, NOW_NS).days
    assert {each.kind for each in days} == {ReleaseKind.FOMC}


@needs_data
def test_nothing_later_enters_a_path(tmp_path):
    path, _ = tape_of(tmp_path, "ETF_1m_2026-03-12_2026-03-20", 1)
    whole = release_days(tmp_path, [path], PAIR, NOW_NS).days[-1]
    part = release_days(tmp_path, [path], PAIR, to_ns(MARCH + timedelta(minutes=20))).days[-1]
    assert part.spread_pp == whole.spread_pp[: len(part.spread_pp)]
    assert part.spread_pp[-1][0] == 20
    assert release_days(tmp_path, [path], PAIR, to_ns(MARCH) - 1).days == ()


def test_the_cut_s_path_is_the_log_s(tmp_path):
    at = datetime(2024, 7, 11, 8, 30, tzinfo=NEW_YORK)
    with FedStore(tmp_path) as store:
        for minute, cut in ((-60, 0.2), (-5, 0.5), (1, 0.8), (4, 0.9)):
            ts_ns = to_ns(at + timedelta(minutes=minute))
            store.log(Probabilities(date(2024, 7, 31), cut, 1 - cut, 0.0, {}, "futures", "live", ts_ns))
    (day,) = release_days(tmp_path, (), PAIR, NOW_NS).days
    assert (day.kind, day.at, day.spread_pp) == (ReleaseKind.CPI, at, ())
    path = dict(day.cut_pp)
    assert (path[-5], path[0], path[1], path[4], path[14]) == (0.0, 0.0, 30.0, 40.0, 40.0)
    assert -6 not in path
    assert 15 not in path  # by then the last row is more than ten minutes old


AT = datetime(2024, 7, 11, 8, 30, tzinfo=NEW_YORK)


def cut_path_of(folder, rows, until: int | None = None) -> dict[int, float]:
    """Of rows (minutes from the publication, P(cut), engine or "later": futures of the meeting after).

    Up to a minute; empty where none is known.
    """
    with FedStore(folder) as store:
        for minute, cut, engine in rows:
            ts_ns = to_ns(AT + timedelta(minutes=minute))
            meeting = date(2024, 9, 18) if engine == "later" else date(2024, 7, 31)
            by = "futures" if engine == "later" else engine
            store.log(Probabilities(meeting, cut, 1 - cut, 0.0, {}, by, "live", ts_ns))
    now_ns = NOW_NS if until is None else to_ns(AT + timedelta(minutes=until))
    return dict(next((each.cut_pp for each in release_days(folder, (), PAIR, now_ns).days), ()))


def test_a_cut_that_has_not_changed_is_known_while_the_log_ran(tmp_path):
    rows = [(-200, 0.5, "futures"), (-25, 0.1, "later"), (3, 0.8, "futures"), (32, 0.2, "later")]
    path = cut_path_of(tmp_path, rows)
    assert (path[-24], path[0], path[2], path[3]) == (0.0, 0.0, 0.0, 30.0)
    assert path[13] == path[32] == 30.0, "a row of another meeting shows that the futures were logged"
    assert 33 not in path, "nothing later shows that it did"
    assert "ten minutes late" in of_releases(release_days(tmp_path, (), PAIR, NOW_NS), "text")


@pytest.mark.parametrize(
    "rows",
    [
        [(-20, 0.5, "futures"), (12, 0.8, "futures")],  # 32 minutes without any row: it may have been off
        [(-20, 0.5, "futures")],
        [(-600, 0.5, "futures"), (-5, 0.1, "later"), (5, 0.2, "later")],  # a row of the day before
        [(-20, 0.5, "futures"), (-5, 0.1, "Kalshi"), (5, 0.2, "Kalshi")],
    ],
    ids=["off in between", "none after it", "of yesterday", "another engine alone"],
)
def test_where_the_log_may_not_have_run_nothing_is_carried_forward(tmp_path, rows):
    assert cut_path_of(tmp_path, rows) == {}


def test_rows_of_later_give_a_cut_s_path_no_other_value(tmp_path):
    rows = [(-20, 0.5, "futures"), (1, 0.8, "futures"), (25, 0.9, "futures"), (50, 0.2, "futures")]
    whole = cut_path_of(tmp_path, rows)
    assert whole[20] == 30.0
    for until in (1, 10, 20, 30, 60):
        part = cut_path_of(tmp_path, (), until)
        assert part == {minute: whole[minute] for minute in part}
        assert max(part) <= until


def test_the_newest_day_stands_against_those_before_it():
    def day(n: int, pp: float) -> ReleaseDay:
        at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=30 * n)
        return ReleaseDay(ReleaseKind.CPI, at, ((0, 0.0), (30, pp)), ())

    few = compared([day(n, float(n)) for n in range(5)])["CPI"]["spread"]
    assert list(few) == ["30"]
    assert (few["30"].value_pp, few["30"].n, few["30"].median_pp, few["30"].share_higher) == (
        4.0,
        4,
        None,
        None,
    )
    many = compared([day(n, pp) for n, pp in enumerate((1.0, 2.0, 9.0, 3.0, 4.0, 3.5))])["CPI"]["spread"][
        "30"
    ]
    assert (many.value_pp, many.n, many.median_pp, many.share_higher) == (3.5, 5, 3.0, 0.4)
    assert compared([]) == {}
