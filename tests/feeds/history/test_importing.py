"""Files that a person has are read to the last cell, or refused in one line that says where."""

from __future__ import annotations

import random
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feeds.errors import InputError
from feeds.history import importing
from feeds.history.importing import KNOWN, SCHEMA, read_history
from rotation.sessions import sessions_between, to_ns
from tests.support.paths import SHARED

DATA = SHARED / "daily"
NOW = to_ns(datetime(2024, 7, 16, 14, 40, tzinfo=UTC))  # 10:40 in New York, the session open
WHOLE = "date,open,high,low,close,adj_close,volume\n"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(*paths: Path, now_ns: int = NOW) -> tuple[pl.DataFrame, list[str]]:
    return read_history(paths, now_ns=now_ns)


def refusal(*paths: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(*paths)
    message = str(caught.value)
    assert message.isprintable()  # one line, nothing that moves a terminal's cursor
    return message


def test_a_plain_file(tmp_path):
    path = write(
        tmp_path, "iwm.csv", WHOLE + "2024-07-12,1,2,0.5,1.5,1.4,100\n2024-07-11,1,2,0.5,1.25,,7.0\n"
    )
    frame, notes = read(path)
    assert frame.schema == pl.Schema(SCHEMA)
    assert frame.rows() == [
        ("IWM", date(2024, 7, 11), 1.25, None, 1.0, 2.0, 0.5, 7),
        ("IWM", date(2024, 7, 12), 1.5, 1.4, 1.0, 2.0, 0.5, 100),
    ]
    assert notes == []


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfDate,Close,Adj Close\r\n2024-07-12,1.5,1.25\r\n",
        b" DATE , close ,adj_close\n 2024-07-12 , 1.5 , 1.25 \n\n\n",
        b'"Date","Close","Adj Close"\n"2024-07-12","1.5","1.25"\n',
        b"date,close,ADJ CLOSE\r2024-07-12,1.5,1.25\r",
        b"date,close,adj close\n2024-07-12T00:00:00Z,1.5,1.25\n,,\n",
        b"date,close,adj close\n2024-07-12 00:00:00-04:00,15e-1,+1.25",
    ],
)
def test_spellings_of_the_same_file(tmp_path, content):
    frame, notes = read(write(tmp_path, "IWM.csv", content))
    assert frame.select("date", "close", "adj_close").rows() == [(date(2024, 7, 12), 1.5, 1.25)]
    assert notes == []


def test_an_empty_cell_and_null_are_missing(tmp_path):
    frame, _ = read(write(tmp_path, "IWN.csv", "date,close,adj_close\n2024-07-11,null,2\n2024-07-12,3,\n"))
    assert frame.select("close", "adj_close").rows() == [(None, 2.0), (3.0, None)]


def test_unknown_columns_are_ignored_and_named(tmp_path):
    path = write(tmp_path, "IWM.csv", 'date,dividends,close,\n2024-07-12,"a, b",1.5,x\n')
    frame, notes = read(path)
    assert frame["close"].to_list() == [1.5]
    assert notes == ["IWM.csv: ignored the columns dividends, (unnamed)"]


# Each: the file's name, what is in it, the whole message.
REFUSED = [
    (
        "IWM.csv",
        "date,close\n2024-07-11,1\n2024-07-12,-3\n",
        "IWM.csv, line 3: close is -3.0; prices must be above 0 — fix or remove the row",
    ),
    (
        "IWM.csv",
        "date,close\n\n2024-07-11,0\n2024-07-12,-3\n",
        "IWM.csv, line 3: close is 0.0; prices must be above 0 — fix or remove the row (1 more like it)",
    ),
    (
        "IWM.csv",
        "date,close\n2024-07-11,nan\n",
        "IWM.csv, line 2: close is nan; prices must be finite numbers — fix or remove the row",
    ),
    (
        "IWM.csv",
        "date,close\n2024-07-11,-inf\n",
        "IWM.csv, line 2: close is -inf; prices must be finite numbers — fix or remove the row",
    ),
    (
        "IWM.csv",
        WHOLE + "2024-07-11,1,1,0,1,1,5\n",
        "IWM.csv, line 2: low is 0.0; prices must be above 0 — fix or remove the row",
    ),
    (
        "IWM.csv",
        WHOLE + "2024-07-11,1,inf,1,1,1,5\n",
        "IWM.csv, line 2: high is inf; prices must be finite numbers — fix or remove the row",
    ),
    (
        "IWM.csv",
        "date,adj_close\n2024-07-11,1\n2024-07-12,1.2.3\n",
        "IWM.csv, line 3: adj_close is '1.2.3', not a number — fix or remove the row",
    ),
    (
        "IWM.csv",
        'date,close,note\n2024-07-11,1,"two\nlines"\n2024-07-12,"1,234",x\n',
        "IWM.csv, line 4: close is '1,234', not a number — fix or remove the row",
    ),
    (
        "IWM.csv",
        'date,close,note\n2024-07-11,1,x\n2024-07-12,2..5,"two\nlines"\n',
        "IWM.csv, line 3: close is '2..5', not a number — fix or remove the row",
    ),
    (
        "IWM.csv",
        "date,close\n2024-07-11,1\n2024-07-11,2\n2024-07-11,1\n",
        "IWM.csv, line 3: 2024-07-11 appears again with other values — keep the right row",
    ),
    (
        "IWM.csv",
        "date,close\n2024-07-11,\x1b[2J\n",
        "IWM.csv, line 2: close is '?[2J', not a number — fix or remove the row",
    ),
    (
        "IWM.csv",
        WHOLE + "2024-07-11,1,1,1,1,1,-5\n",
        "IWM.csv, line 2: volume is -5.0; it must be 0 or more shares — fix or remove the row",
    ),
    (
        "IWM.csv",
        WHOLE + "2024-07-11,1,1,1,1,1,1e30\n",
        "IWM.csv, line 2: volume is 1e+30; it must be 0 or more shares — fix or remove the row",
    ),
    (
        "IWM.csv",
        "date,close\n07/11/2024,1\n",
        "IWM.csv, line 2: date is '07/11/2024', not a date — write dates as YYYY-MM-DD",
    ),
    (
        "IWM.csv",
        "date,close\n2023-02-29,1\n",
        "IWM.csv, line 2: date is '2023-02-29', not a date — write dates as YYYY-MM-DD",
    ),
    (
        "IWM.csv",
        "date,close\n0024-07-11,1\n",
        "IWM.csv, line 2: date is '0024-07-11', not a date — write dates as YYYY-MM-DD",
    ),
    (
        "IWM.csv",
        "date,close\n2024-07-11T14:35:00Z,1\n",
        "IWM.csv, line 2: date is '2024-07-11T14:35:00Z', not a date — write dates as YYYY-MM-DD",
    ),
    ("IWM.csv", "date,close\n,1\n", "IWM.csv, line 2: date is missing — fix or remove the row"),
    (
        "IWM.csv",
        "date,close\n2024-07-11,1\n2024-07-12,2\n2024-07-11,1.5\n",
        "IWM.csv, line 4: 2024-07-11 appears again with other values — keep the right row",
    ),
    (
        "IWM.csv",
        "date,close,adj_close\n2024-07-11,1,\n2024-07-12,,\n",
        "IWM.csv, line 3: 2024-07-12 has neither close nor adj_close — fix or remove the row",
    ),
    (
        "IWM.csv",
        "date,close\n2024-07-17,1\n",
        "IWM.csv, line 2: 2024-07-17 is in the future (it is 2024-07-16 in New York) — fix or remove the row",
    ),
    ("IWM.csv", "", "IWM.csv: is empty — export it again"),
    ("IWM.csv", "\n \n", "IWM.csv: is empty — export it again"),
    ("IWM.csv", "date,close\n", "IWM.csv: has no rows — export it again"),
    (
        "IWM.csv",
        "day,close\n2024-07-11,1\n",
        (
            "IWM.csv: has the columns close, day — it needs date, and close or adj_close;"
            " open, high, low, volume may follow"
        ),
    ),
    (
        "IWM.csv",
        "date,open\n2024-07-11,1\n",
        (
            "IWM.csv: has the columns date, open — it needs date, and close or adj_close;"
            " open, high, low, volume may follow"
        ),
    ),
    (
        "IWM.csv",
        "date,Adj Close,adj_close\n2024-07-11,1,2\n",
        "IWM.csv: has two columns adj_close — remove one",
    ),
    (
        "IWM.csv",
        "date,close\n2024-07-11,1\n2024-07-12\n",
        "IWM.csv, line 3: the header has 2 cells, this row 1 — fix or remove the row",
    ),
    (
        "IWM.csv",
        "date,close\n2024-07-11,1,2\n",
        "IWM.csv, line 2: the header has 2 cells, this row 3 — fix or remove the row",
    ),
    (
        "IWM.csv",
        'date,close\n2024-07-11,1\n"2024-07-12,1\n',
        "IWM.csv, line 3: unexpected end of data — fix the quotes",
    ),
    (
        "IWM.csv",
        b"date,close\n2024-07-11,1\n2024-07-12,\xff\n",
        "IWM.csv, line 3: is not UTF-8 text — save the file as UTF-8",
    ),
    (
        "IWM.csv",
        "date,close\n2024-07-13,1\n",
        "IWM.csv: no row is a settled NYSE session — check the dates",
    ),
    ("IWM.parquet", b"PAR1 no PAR1", "IWM.parquet: is not a readable Parquet file — export it again"),
    (
        "my prices.csv",
        "date,close\n2024-07-11,1\n",
        (
            "my prices.csv: 'my prices' is not a valid symbol (1 to 15 of A-Z 0-9 . ^ = -)"
            " — name the file after its symbol, like IWM.csv"
        ),
    ),
]


RANGES = [
    ("1,2,0.5,2.0", ""),  # at its high
    ("1,2,0.5,0.5", ""),  # at its low
    ("2,2,2,2", ""),
    ("1,2.0000001,0.5,2.0000002", ""),
    ("1,2,0.5,2.01", "close is 2.01, above the high 2.0"),
    ("1,2,0.5,0.49", "close is 0.49, below the low 0.5"),
    (",,,9", ""),  # no bar to lie in
]


@pytest.mark.parametrize(("bar", "wrong"), RANGES)
def test_a_close_outside_its_own_bar_is_refused(tmp_path, bar, wrong):
    path = write(tmp_path, "IWM.csv", WHOLE + f"2024-07-11,{bar},1,5\n")
    if wrong:
        assert refusal(path) == f"IWM.csv, line 2: {wrong} — fix or remove the row"
    else:
        assert read(path)[0].height == 1


SPLITS = [
    # close before and after, adjusted before and after, the ratio told ("" where it is believed)
    (250.0, 25.1, 25.0, 25.1, "10:1"),
    (50.0, 24.0, 25.0, 24.0, "2:1"),
    (90.0, 61.0, 60.0, 61.0, "3:2"),
    (10.0, 81.0, 80.0, 81.0, "1:8"),
    (1.0, 20.4, 20.0, 20.4, "1:20"),
    (100.0, 50.0, 100.0, 50.0, ""),  # it fell by half, and the adjusted close with it
    (100.0, 95.0, 95.2, 95.0, ""),  # a dividend of 4.80
    (100.0, 89.0, 88.5, 89.0, ""),  # a special dividend of 11.50
]


@pytest.mark.parametrize(("was", "close", "adj_was", "adj_close", "ratio"), SPLITS)
def test_a_split_that_close_is_not_adjusted_for_is_refused(tmp_path, was, close, adj_was, adj_close, ratio):
    rows = [f"2024-07-12,{close},{adj_close}", f"2024-07-11,{was},{adj_was}", f"2024-07-10,{was},{adj_was}"]
    path = write(tmp_path, "IWM.csv", "date,close,adj_close\n" + "\n".join(rows) + "\n")
    if ratio:
        why = (
            f"close goes from {was:g} to {close:g} and adj_close does not, which looks like a split ({ratio})"
        )
        assert refusal(path) == (
            f"IWM.csv, line 2: {why} that close is not adjusted for"
            " — export it split-adjusted, or import it with --raw if its closes are right"
        )
    frame, notes = read_history([path], now_ns=NOW, raw=True)
    assert frame["close"].to_list() == [was, was, close]
    assert notes == []
    assert ratio or read(path)[0].equals(frame)


def test_without_an_adjusted_close_nothing_tells_a_split_from_a_crash(tmp_path):
    path = write(tmp_path, "IWM.csv", "date,close\n2024-07-10,250\n2024-07-11,25\n2024-07-12,26\n")
    assert read(path)[1] == []


def test_closes_are_rounded_to_the_digits_of_32_bit_floats(tmp_path):
    path = write(tmp_path, "IWM.csv", "date,close,adj_close\n2024-07-11,221.27999877929688,43.489189147949\n")
    assert read(path)[0].select("close", "adj_close").row(0) == (221.28, 43.48919)


def test_the_shared_closes_are_all_believed(shared_data):
    """24 years of ten symbols, crashes and spin-offs among them."""
    frame, notes = read_history([shared_data / "daily"], now_ns=to_ns(datetime(2026, 11, 20, tzinfo=UTC)))
    assert frame["symbol"].n_unique() == 10
    assert not [note for note in notes if "split" in note]


@pytest.mark.parametrize(("name", "content", "message"), REFUSED)
def test_refused_files(tmp_path, name, content, message):
    assert refusal(write(tmp_path, name, content)) == message


def test_a_good_file_beside_a_bad_one_does_not_hide_it(tmp_path):
    write(tmp_path, "IWM.csv", "date,close\n2024-07-11,1\n")
    write(tmp_path, "QQQ.csv", "date,close\n2024-07-11,0\n")
    assert refusal(tmp_path).startswith("QQQ.csv, line 2: close is 0.0")


def test_paths_that_lead_nowhere(tmp_path):
    gone, text = tmp_path / "gone", write(tmp_path, "IWM.txt", "date,close\n")
    assert refusal(gone) == f"{gone}: no such file or folder — check the path"
    assert refusal(text) == f"{text}: is not a .csv or .parquet file — convert it first"
    assert refusal(tmp_path) == (
        f"{tmp_path}: contains no .csv or .parquet file — name a file, or a folder with files"
    )
    too_long = tmp_path / ("x" * 300)
    assert "cannot be read (File name too long)" in refusal(too_long)


def test_one_symbol_from_two_files(tmp_path):
    (tmp_path / "a").mkdir()
    first = write(tmp_path, "IWM.csv", "date,close\n2024-07-11,1\n")
    second = write(tmp_path / "a", "iwm.csv", "date,close\n2024-07-11,1\n")
    assert refusal(first, second) == f"IWM: found in two files, {first} and {second} — keep one"


def test_the_same_file_named_twice_is_one_file(tmp_path):
    path = write(tmp_path, "IWM.csv", "date,close\n2024-07-11,1\n")
    (tmp_path / "a").mkdir()
    frame, _ = read(path, tmp_path, tmp_path / "a" / ".." / "IWM.csv")
    assert frame.height == 1


def test_a_folder_gives_its_data_files_only(tmp_path):
    for name in ("QQQ.CSV", "IWM.csv"):
        write(tmp_path, name, "date,close\n2024-07-11,1\n")
    write(tmp_path, "readme.txt", "no")
    write(tmp_path, "._IWM.csv", b"\x00\x05\x16\x07")
    (tmp_path / "deeper").mkdir()
    write(tmp_path / "deeper", "SPY.csv", "date,close\n2024-07-11,1\n")
    assert read(tmp_path)[0]["symbol"].to_list() == ["IWM", "QQQ"]


def test_repeated_rows_are_dropped_with_a_note(tmp_path):
    path = write(
        tmp_path, "IWM.csv", "date,close\n2024-07-11,1\n2024-07-12,2\n2024-07-11,1.0\n2024-07-11,1\n"
    )
    frame, notes = read(path)
    assert frame["close"].to_list() == [1.0, 2.0]
    assert notes == ["IWM.csv: dropped 2 rows repeating an earlier row, the first 2024-07-11"]


def test_days_without_a_session_are_left_out_with_a_note(tmp_path):
    # A Sunday, Independence Day, a Saturday.
    path = write(tmp_path, "IWM.csv", "date,close\n2024-07-07,9\n2024-07-05,1\n2024-07-04,9\n2024-07-06,9\n")
    frame, notes = read(path)
    assert frame["date"].to_list() == [date(2024, 7, 5)]
    assert notes == ["IWM.csv: left out 3 rows on days without an NYSE session, the first 2024-07-04"]


@pytest.mark.parametrize(
    ("day", "clock", "settled"),
    [
        (date(2024, 7, 16), "15:59:59.999999", False),
        (date(2024, 7, 16), "16:00", True),
        (date(2024, 7, 3), "12:59", False),
        (date(2024, 7, 3), "13:00", True),
    ],
)
def test_a_session_counts_from_its_closing_bell_on(tmp_path, day, clock, settled):
    path = write(tmp_path, "IWM.csv", f"date,close\n2024-07-02,1\n{day},2\n")
    now = datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=ZoneInfo("America/New_York"))
    frame, notes = read(path, now_ns=to_ns(now))
    assert (frame["date"].max() == day) == settled
    assert notes == ([] if settled else [f"IWM.csv: left out {day}, still open, not settled"])


DAYS = [date(2024, 7, 11), date(2024, 7, 12)]
MIDNIGHTS = pl.Series(DAYS).cast(pl.Datetime("us"))


@pytest.mark.parametrize(
    "days",
    [
        pl.Series(DAYS),
        pl.Series(DAYS).cast(pl.String),
        MIDNIGHTS,
        MIDNIGHTS.dt.replace_time_zone("UTC"),
        MIDNIGHTS.dt.replace_time_zone("America/New_York"),
        MIDNIGHTS.dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC"),
        MIDNIGHTS.dt.replace_time_zone("Asia/Tokyo"),
    ],
)
def test_parquet_with_every_kind_of_day(tmp_path, days):
    pl.DataFrame({"Date": days, "Close": [1, 2], "volume": [3.0, 4.0], "other": [1, 1]}).write_parquet(
        tmp_path / "IWM.parquet"
    )
    frame, notes = read(tmp_path)
    assert frame.select("date", "close", "volume").rows() == [
        (date(2024, 7, 11), 1.0, 3),
        (date(2024, 7, 12), 2.0, 4),
    ]
    assert notes == ["IWM.parquet: ignored the columns other"]


REFUSED_PARQUET = [
    ({"date": DAYS, "close": [1.0, -1.0]}, "row 2: close is -1.0; prices must be above 0"),
    ({"date": DAYS, "close": [float("nan"), 1.0]}, "row 1: close is nan; prices must be finite numbers"),
    ({"date": DAYS, "close": [1.0, None]}, "row 2: 2024-07-12 has neither close nor adj_close"),
    ({"date": ["2024-07-11", "soon"], "close": [1.0, 1.0]}, "row 2: date is 'soon', not a date"),
    ({"date": [DAYS[0], None], "close": [1.0, 1.0]}, "row 2: date is missing"),
    (
        {"date": MIDNIGHTS.dt.offset_by("9h30m"), "close": [1.0, 1.0]},
        "row 1: date is '2024-07-11 09:30:00.000000', not a date — write dates as YYYY-MM-DD (1 more like it)",  # noqa: E501
    ),
    ({"date": [DAYS[0], DAYS[0]], "close": [1.0, 2.0]}, "row 2: 2024-07-11 appears again with other values"),
    ({"date": [1, 2], "close": [1.0, 1.0]}, "column date is of type Int64, not dates"),
    ({"date": DAYS, "close": ["1", "2"]}, "column close is of type String, not numbers"),
    ({"date": DAYS[:0], "close": pl.Series([], dtype=pl.Float64)}, "has no rows"),
    ({"date": DAYS, "price": [1.0, 2.0]}, "has the columns date, price — it needs date, and close"),
]


@pytest.mark.parametrize(("columns", "part"), REFUSED_PARQUET)
def test_refused_parquet(tmp_path, columns, part):
    pl.DataFrame(columns).write_parquet(tmp_path / "IWM.parquet")
    message = refusal(tmp_path)
    assert message.startswith("IWM.parquet")
    assert part in message
    assert " — " in message


def test_a_day_beyond_pythons_calendar(tmp_path):
    far = pl.Series([4_000_000], dtype=pl.Int32).cast(pl.Date)
    pl.DataFrame({"date": far, "close": [1.0]}).write_parquet(tmp_path / "IWM.parquet")
    assert ", not a date — write dates as YYYY-MM-DD" in refusal(tmp_path)


def test_damaged_parquet_never_escapes_as_another_error(tmp_path):
    # Flipped bytes may still parse, as other values; whatever is raised must be ours.
    rng = random.Random(7)
    days = sessions_between(date(2020, 1, 1), date(2023, 12, 31))
    good = tmp_path / "IWM.parquet"
    pl.DataFrame({"date": days, "close": [10.0 + i for i in range(len(days))]}).write_parquet(good)
    whole = good.read_bytes()
    refused = 0
    for turn in range(150):
        data = bytearray(whole[: rng.randrange(len(whole))] if turn % 3 == 0 else whole)
        for _ in range(4 if turn % 3 else 0):
            data[rng.randrange(len(data) - 700, len(data))] = rng.randrange(256)
        good.write_bytes(data)
        try:
            read(good)
        except InputError:
            refused += 1
    assert refused > 50


def test_a_panic_inside_polars_is_a_damaged_file(tmp_path, monkeypatch):
    def panic(*_, **__):
        raise pl.exceptions.PanicException("called `Option::unwrap()` on a `None` value")

    monkeypatch.setattr(pl, "read_parquet", panic)
    path = write(tmp_path, "IWM.parquet", b"PAR1")
    assert refusal(path) == "IWM.parquet: is not a readable Parquet file — export it again"


def test_ten_long_files_are_read_at_once(tmp_path):
    days = sessions_between(date(1988, 1, 1), date(2024, 7, 12))[-9000:]
    rows = "".join(f"{day},10.25,10.5,10.125,10.375,9.5,123456\n" for day in days)
    for i in range(10):
        write(tmp_path, f"S{i}.csv", WHOLE + rows)
    started = time.process_time()
    dates = [date.fromisoformat(row.partition(",")[0]) for row in rows.splitlines() * 10]
    row_by_row = time.process_time() - started
    started = time.process_time()
    frame, _ = read(tmp_path)
    assert time.process_time() - started < 50 * row_by_row
    assert len(dates) == frame.height
    assert frame.height == 90_000


@pytest.mark.skipif(not DATA.is_dir(), reason="shared/data/daily is not beside the repository")
def test_the_real_files():
    frame, notes = read(DATA, now_ns=to_ns(datetime(2026, 8, 22, tzinfo=UTC)))
    assert notes == []
    assert frame["symbol"].n_unique() == 10
    iwm = frame.filter(pl.col("symbol") == "IWM")
    assert iwm.height == 6_598
    assert iwm["adj_close"].is_null().to_list() == [False] * (6_598 - 14) + [True] * 14
    assert iwm.row(0)[1:] == (date(2000, 5, 26), 45.71875, 32.59063, 45.53125, 45.71875, 45.3125, 74_800)
    iwn = frame.filter(pl.col("symbol") == "IWN")
    assert iwn["close"].is_null().all()
    assert iwn["adj_close"].is_not_null().all()


CELLS = st.one_of(
    st.sampled_from(
        [
            "",
            " 1.5",
            "1.5 ",
            "null",
            "Null",
            "nan",
            "inf",
            "-1",
            "0",
            "1e3",
            "1_0",
            "+2",
            ".5",
            "5.",
            "0x1",
            "1,5",
        ]
    ),
    st.floats(0.5, 300).map(lambda price: f"{price:.2f}"),
)
DATES = st.one_of(
    st.dates(date(2024, 6, 20), date(2024, 7, 18)).map(str),
    st.sampled_from(
        ["2024-7-12", "12/07/2024", "20240712", "2024-07-12T00:00:00Z", "", " 2024-07-11", "2024- 7-1"]
    ),
)


@st.composite
def files(draw) -> bytes:
    """A file as a person may have it: nearly always plain, with a few cells that are not."""
    names = draw(
        st.sampled_from([["date", "close"], ["date", "close", "note"], KNOWN, ["note", *KNOWN[::-1]]])
    )
    good = {name: f"{draw(st.floats(50, 51)):.4f}" for name in names}
    days = draw(st.lists(DATES, max_size=4)) + [
        str(day) for day in draw(st.permutations(sessions_between(date(2024, 7, 1), date(2024, 7, 16))))
    ]
    lines = [list(names)] + [
        [
            day if name == "date" else "100" if name == "high" else "1" if name == "low" else good[name]
            for name in names
        ]
        for day in days
    ]
    for line, place, cell in draw(
        st.lists(st.tuples(st.integers(0, 99), st.integers(0, 9), CELLS), max_size=2)
    ):
        row = lines[line % len(lines)]
        row[place % len(row)] = cell
    quoted = draw(st.sampled_from([(), (0,), (3,), range(len(lines))]))
    text = [",".join(f'"{cell}"' if i in quoted else cell for cell in row) for i, row in enumerate(lines)]
    spoiled = draw(
        st.sampled_from(["", "", "", '"', ",,", "\n", 'a"b', '"x\ny"', '"a""b"', '","', "é", "\r"])
    )
    at = draw(st.integers(0, len(text)))
    return "\n".join([*text[:at], *([spoiled] if spoiled else []), *text[at:]]).encode() + b"\n"


@example(b"date,close, note \n2024-07-01,50.5,1\n", False)
@given(files(), st.booleans())
def test_the_quick_way_says_what_the_exact_one_does(content, raw):
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), "IWM.csv", content)
        answers = []
        for quick in (True, False):
            with pytest.MonkeyPatch.context() as patch:
                if not quick:
                    patch.setattr(importing, "read_plain_each", lambda paths, **_: [None for _ in paths])
                try:
                    frame, notes = read_history([path], now_ns=NOW, raw=raw)
                    answers.append((frame.rows(), frame.schema, notes))
                except InputError as error:
                    answers.append(str(error))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("cell", ['2"21.28"', '"221"28', '"22""1.28"', '"22"1".28"'])
def test_digits_beside_a_quoted_cell_are_no_part_of_its_number(tmp_path, cell):
    lines = [f'"2024-07-{day:02}","221.28"' for day in (1, 2, 3, 5)]
    lines[2] = f'"2024-07-03",{cell}'
    with pytest.raises(InputError, match="line 4"):
        read(write(tmp_path, "IWM.csv", "\n".join(['"date","close"', *lines]).encode()))


@pytest.mark.parametrize("quotes", [False, True])
def test_a_plain_file_with_all_columns_never_meets_the_exact_reader(tmp_path, monkeypatch, quotes):
    """Newest first, with a note in quotes that hides a comma, or every cell in quotes."""
    monkeypatch.setattr(importing, "read_table", None)
    rows = [("date", "close", "adj_close", "volume", "note")]
    rows += [
        (str(day), "221.28", "43.5", "100", "a, b")
        for day in sessions_between(date(2024, 7, 1), date(2024, 7, 12))[::-1]
    ]
    text = "\r\n".join(
        ",".join(f'"{cell}"' if quotes or "," in cell else cell for cell in row) for row in rows
    )
    frame, notes = read(write(tmp_path, "IWM.csv", b"\xef\xbb\xbf" + text.encode()))
    assert frame.height == len(rows) - 1
    assert frame.row(0) == ("IWM", date(2024, 7, 1), 221.28, 43.5, None, None, None, 100)
    assert notes == ["IWM.csv: ignored the columns note"]


@pytest.mark.parametrize("order", [1, -1])
def test_files_that_share_their_days_are_read_as_each_alone(tmp_path, order):
    """Days are parsed once for a folder: one that begins later, ends earlier, or has others, is no copy."""
    days = [f"2024-07-{day:02}" for day in (1, 2, 3, 5, 8, 9, 10, 11, 12)]
    columns = {
        "A": days,
        "B": days[3:],
        "C": days[:-2],
        "D": [*days[:-1], "2024-07-13"],
        "E": days[::-1],
        "F": [*days[1:4], days[2]],
        "G": [*days[:2], "2024-7-3"],
        "H": days[-1:],
    }
    folder = tmp_path / "closes"
    folder.mkdir()
    for place, name in enumerate(sorted(columns)[::order]):
        rows = "".join(f"{day},{100 + place}.25\n" for day in columns[name])
        (folder / f"{'ABCDEFGH'[place]}{name}.csv").write_text(f"date,close\n{rows}", "utf-8")

    alone, notes = [], []
    for path in sorted(folder.iterdir()):
        try:
            frame, more = read_history([path], now_ns=NOW)
        except InputError:
            assert path.stem.endswith("G")
            path.unlink()
        else:
            alone.append(frame)
            notes += more
    together, more = read_history([folder], now_ns=NOW)
    assert together.equals(pl.concat(alone).sort("symbol", "date"))
    assert sorted(more) == sorted(notes)
