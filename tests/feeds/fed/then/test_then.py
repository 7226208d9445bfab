"""The Fed of the past: what files of settlements are read, and what they say of an instant."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from feeds.errors import InputError
from feeds.fed.store import FILE, FedStore, Settlement
from feeds.fed.then.fed_at import FedThen, fed_at
from feeds.fed.then.importing import import_settlements
from feeds.fed.then.ranges import FIRST, KNOWN_THROUGH, ranges_on
from feeds.fed.then.settlement_files import read_settlements
from rotation.fed.prices import settled_ns
from rotation.sessions import NEW_YORK, to_ns
from tests.support.paths import SHARED

TODAY = date(2026, 11, 27)
NOW_NS = settled_ns(TODAY)
TENTH = to_ns(datetime(2024, 7, 16, 10, 40, tzinfo=NEW_YORK))
JULY_15 = {(2024, 7): 94.67, (2024, 8): 94.69, (2024, 9): 94.79, (2024, 10): 94.94}
FORMS = {
    "rows.csv": "contract_symbol,close_price,as_of_date\nZQU24,94.79,2024-07-15\n",
    "settle.csv": "Month,Settle,Date\nSEP 24,94.7900A,07/15/2024\nTotal,,07/15/2024\n",
    "fields.csv": "Index,name,value,term\n2024-07-15,ZQU24.CBT.High,94.83,2024 Sep\n"
    "2024-07-15,ZQU24.CBT.Close,94.79000091552734,2024 Sep\n",
    "wide.csv": "date,ZQU24,note\n2024-07-15,94.79,x\n",
    "ZQU2024.csv": "Date,Open,Close\n2024-07-15,94.7,94.79\n",
    "one_digit.csv": "symbol,settlement,date\nZQU4,94.79B,2024-07-15\n",
    "both.csv": "date,contract,close,settle\n2024-07-15,ZQU24,94.70,94.79\n",
}


def keep(folder, day: date, prices: dict[tuple[int, int], float]) -> None:
    with FedStore(folder) as store:
        store.settle_all(Settlement(*month, day, price, "file", NOW_NS) for month, price in prices.items())


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_file_is_read(tmp_path, name):
    (tmp_path / name).write_text(FORMS[name])
    rows = read_settlements([tmp_path], TODAY).rows
    assert [(row.month, row.session, row.price) for row in rows] == [((2024, 9), date(2024, 7, 15), 94.79)]


def test_parquet_is_read(tmp_path):
    frame = pl.DataFrame({"date": [date(2024, 7, 15)], "contract": ["ZQU24"], "settle": [94.79]})
    frame.write_parquet(tmp_path / "a.parquet")
    assert [row.price for row in read_settlements([tmp_path / "a.parquet"], TODAY).rows] == [94.79]


def test_the_front_month_is_that_of_the_date_and_gives_way_to_a_named_contract(tmp_path):
    (tmp_path / "ZQ_front_month.csv").write_text("Date,Close\n2024-07-15,94.6725\n2024-09-16,94.875\n")
    (tmp_path / "a.csv").write_text("date,contract,settle\n2024-09-16,ZQU24,94.8775\n")
    rows = read_settlements([tmp_path], TODAY).rows
    assert {row.month: row.price for row in rows} == {(2024, 7): 94.6725, (2024, 9): 94.8775}


def test_what_is_no_settlement_is_left_out_and_counted(tmp_path):
    (tmp_path / "ZQU24.csv").write_text("date,settle\n2024-07-15,94.79\n2024-07-16,NA\n2024-10-01,94.87\n")
    read = read_settlements([tmp_path], TODAY)
    assert len(read.rows) == 1
    assert read.notes == (
        "ZQU24.csv: 1 row after the contract's expiry left out",
        "ZQU24.csv: 1 row without a settlement left out",
    )


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        (
            "a.csv",
            "date,contract,settle\n2024-07-15,ESU24,94.79\n",
            "a.csv, line 2: 'ESU24' is not a ZQ contract",
        ),
        ("a.csv", "date,contract,settle\n15 July,ZQU24,94.79\n", "a.csv, line 2: '15 July' is not a date"),
        (
            "a.csv",
            "date,contract,settle\n2027-07-15,ZQU27,94.79\n",
            "a.csv, line 2: 2027-07-15 is in the future",
        ),
        (
            "a.csv",
            "date,contract,settle\n2024-07-13,ZQU24,94.79\n",
            "a.csv, line 2: 2024-07-13 is a Saturday",
        ),
        (
            "a.csv",
            "date,contract,settle\n2024-07-15,ZQU24,5.21\n",
            "a.csv, line 2: '5.21' is not a settlement",
        ),
        ("a.csv", "date,contract,settle\n2024-07-15,ZQU24,abc\n", "a.csv, line 2: 'ABC' is not a settlement"),
        ("a.csv", "contract,settle\nZQU24,94.79\n", "a.csv: has no column of dates"),
        ("a.csv", "date,contract\n2024-07-15,ZQU24\n", "a.csv: has no column of settlements"),
        ("a.csv", "date,settle\n2024-07-15,94.79\n", "a.csv: names no contract"),
        (
            "a.csv",
            "date,contract,settle\n2024-07-15,ZQU24,94.79\n2024-07-15,ZQU24,94.8\n",
            "a.csv, line 3: ZQU24 (2024-09) settled at 94.8 on 2024-07-15, but at 94.79 in a.csv, line 2",
        ),
        ("a.csv", "", "a.csv"),
        ("a.parquet", "no parquet", "a.parquet"),
        ("a.txt", "x", "a.txt: is not a .csv or .parquet file"),
    ],
)
def test_what_is_in_doubt_is_refused_with_its_place_and_nothing_is_kept(tmp_path, name, text, error):
    good = tmp_path / "good"
    good.mkdir()
    (good / "ZQV24.csv").write_text("date,settle\n2024-07-15,94.94\n")
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError) as caught:
        import_settlements(tmp_path / "fed", [good / "ZQV24.csv", tmp_path / name], NOW_NS)
    assert error in str(caught.value)
    assert not (tmp_path / "fed" / FILE).exists()


def test_a_file_of_totals_has_no_settlement(tmp_path):
    (tmp_path / "a.csv").write_text("date,contract,settle\n2024-07-15,Total,1\n")
    with pytest.raises(InputError, match="no settlement in these files"):
        read_settlements([tmp_path], TODAY)


def test_an_import_is_repeated_without_a_row_twice(tmp_path):
    (tmp_path / "ZQU24.csv").write_text("date,settle\n2024-07-12,94.78\n2024-07-15,94.79\n")
    reports = [import_settlements(tmp_path / "fed", [tmp_path / "ZQU24.csv"], NOW_NS) for _ in range(2)]
    assert [report.new for report in reports] == [2, 0]
    assert [(each.symbol, each.settlements) for each in reports[1].contracts] == [("ZQU24", 2)]


def test_the_case_of_july_2024(tmp_path):
    """By settlements of the day before, and the day count of then."""
    keep(tmp_path, date(2024, 7, 15), JULY_15)
    known = fed_at(tmp_path, TENTH)
    assert known.target_range_bp == (525, 550)
    assert known.engines["futures"].kind == "settlement of 15 Jul 2024"
    july, september = known.meetings[:2]
    assert (july.date, september.date) == (date(2024, 7, 31), date(2024, 9, 18))
    assert july.move_bp == pytest.approx((5.31 - (31 * 5.33 - 5.31) / 30) * 100)
    assert september.cut == pytest.approx(1.0)
    assert september.move_bp == pytest.approx((5.06 - 5.31) * 100)


def test_the_day_count_is_that_of_then(tmp_path):
    """September's own contract gives the rate before its decision where August's is not kept."""
    prices = {month: price for month, price in JULY_15.items() if month != (2024, 8)}
    keep(tmp_path, date(2024, 7, 15), prices)
    keep(tmp_path, date(2024, 8, 15), {(2024, 9): 94.79, (2024, 10): 94.94})
    then = fed_at(tmp_path, TENTH).meetings[1]
    assert then.move_bp == pytest.approx((5.06 - (30 * 5.21 - 13 * 5.06) / 17) * 100)
    now = fed_at(tmp_path, to_ns(datetime(2024, 8, 16, 10, 40, tzinfo=NEW_YORK))).meetings[0]
    assert now.move_bp == pytest.approx((5.06 - (30 * 5.21 - 12 * 5.06) / 18) * 100)


def test_nothing_that_settled_later_enters():
    early = [Settlement(*month, date(2024, 7, 15), price, "f", 0) for month, price in JULY_15.items()]
    later = [Settlement(*month, date(2024, 7, 16), price + 0.1, "f", 0) for month, price in JULY_15.items()]
    assert FedThen([*early, *later]).at(TENTH) == FedThen(early).at(TENTH)
    after = settled_ns(date(2024, 7, 16))
    assert FedThen([*early, *later]).at(after) != FedThen(early).at(after)


def test_on_the_day_of_a_decision_the_old_range_holds_and_the_next_day_the_new():
    strip = [
        Settlement(2024, month, date(2024, 9, 17), price, "f", 0)
        for month, price in {9: 94.87, 10: 95.08, 11: 95.2, 12: 95.4}.items()
    ]
    strip += [Settlement(2024, 8, date(2024, 8, 30), 94.67, "f", 0)]
    ranges = [
        FedThen(strip).at(to_ns(datetime(2024, 9, day, 10, tzinfo=NEW_YORK))).target_range_bp
        for day in (18, 19)
    ]
    assert ranges == [(525, 550), (475, 500)]
    assert FedThen(strip).at(to_ns(datetime(2024, 9, 19, 10, tzinfo=NEW_YORK))).warnings == ()


def test_without_settlements_or_beyond_what_is_shipped_nothing_is_said(tmp_path):
    assert fed_at(tmp_path / "none", TENTH) is None
    assert not (tmp_path / "none").exists()
    keep(tmp_path, date(2024, 7, 15), JULY_15)
    assert fed_at(tmp_path, to_ns(datetime(2024, 8, 20, 10, tzinfo=NEW_YORK))) is None, "a month old"
    assert fed_at(tmp_path, to_ns(datetime(2019, 7, 16, 10, tzinfo=NEW_YORK))) is None
    assert fed_at(tmp_path, to_ns(datetime(2026, 7, 16, 10, tzinfo=NEW_YORK))) is None


@pytest.mark.skipif(not (SHARED / "macro").is_dir(), reason="the published ranges are not here")
def test_the_shipped_ranges_are_those_published():
    lower, upper = (
        dict(pl.read_csv(SHARED / "macro" / f"{name}.csv", try_parse_dates=True).iter_rows())
        for name in ("DFEDTARL", "DFEDTARU")
    )
    days = [day for day in upper if FIRST <= day <= KNOWN_THROUGH and day in lower]
    assert len(days) > 1_800
    for day in days:
        assert ranges_on(day)[-1].bounds == (round(lower[day] * 100), round(upper[day] * 100)), day


@pytest.mark.skipif(not (SHARED / "fed").is_dir(), reason="the real settlements are not here")
def test_the_real_settlements_of_july_2024(tmp_path):
    """Without August's contract: the file has September's to December's, and the front month."""
    names = ("ZQ_U24_V24_X24_Z24_daily_long.csv", "ZQ_front_month_continuous.csv")
    report = import_settlements(tmp_path, [SHARED / "fed" / name for name in names], NOW_NS)
    assert {each.symbol for each in report.contracts} >= {"ZQN24", "ZQU24", "ZQV24", "ZQX24", "ZQZ24"}
    known = fed_at(tmp_path, TENTH)
    assert [(row.date, row.cut) for row in known.meetings[:2]] == [
        (date(2024, 7, 31), pytest.approx(0.0218, abs=1e-3)),
        (date(2024, 9, 18), pytest.approx(1.0)),
    ]
