"""A tape says when each price was known, and is refused in one line where it cannot."""

from __future__ import annotations

import math
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.errors import InputError
from feeds.tapes import bars
from feeds.tapes.reading import SCHEMA, quotes, read_tape
from rotation.quote import NS, Quote
from rotation.sessions import from_ns, to_ns
from tests.support.paths import SHARED

DATA = SHARED / "intraday"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="shared/data/intraday is not beside the repository")
HEAD = "start,open,high,low,close,volume\n"
BAR = "10,12,9,11,100"


def write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content)
    return path


def ns(text: str) -> int:
    return to_ns(datetime.fromisoformat(text))


def ends(frame: pl.DataFrame) -> list[str]:
    """When each row was known, in New York."""
    return [f"{from_ns(ts).astimezone(ZoneInfo('America/New_York')):%m-%d %H:%M:%S}" for ts in frame["ts_ns"]]


def refusal(*paths: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_tape(paths)
    message = str(caught.value)
    assert message.isprintable()
    return message


def test_a_bar_is_known_at_its_end(tmp_path):
    frame = read_tape([write(tmp_path, "iwm_5m_x.csv", HEAD + f"2024-07-16T14:35:00Z,{BAR}.0\n")])
    assert frame.schema == pl.Schema(SCHEMA)
    assert frame.rows() == [("IWM", ns("2024-07-16T14:40:00+00:00"), 0, 11.0, 100, 12.0, 9.0, 300 * NS, 0)]


@pytest.mark.parametrize(
    "start",
    [
        "2024-07-16T14:35:00Z",
        "2024-07-16 14:35Z",
        "2024-07-16T14:35+00:00",
        "2024-07-16T10:35:00-04:00",
        "2024-07-16 10:35:00-0400",
        "2024-07-16T14:35:00.000000000Z",
        "2024-07-16T20:20:00.000+05:45",
    ],
)
def test_spellings_of_one_instant(tmp_path, start):
    frame = read_tape([write(tmp_path, "IWM_5m.csv", HEAD + f"{start},{BAR}\n")])
    assert frame["ts_ns"].to_list() == [ns("2024-07-16T14:40:00+00:00")]


def test_columns_in_any_order_and_no_volume(tmp_path):
    rows = "Close,LOW, High ,Open,Start,vwap\n11,9,12,10,2024-07-16T14:35:00Z,1\n"
    frame = read_tape([write(tmp_path, "NDX_5m.csv", rows)])
    assert frame.select("price", "size", "high", "low").rows() == [(11.0, 0, 12.0, 9.0)]


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("IWM_30s.csv", ["07-16 10:00:30", "07-16 10:05:30"]),
        ("IWM_5m_2024-07-16.csv", ["07-16 10:05:00", "07-16 10:10:00"]),
        ("IWM_day_1h.csv", ["07-16 11:00:00", "07-16 11:05:00"]),
        ("IWM.csv", ["07-16 10:05:00", "07-16 10:10:00"]),
        ("IWM_0m_x5m.csv", ["07-16 10:05:00", "07-16 10:10:00"]),
    ],
)
def test_how_long_a_bar_is(tmp_path, name, known):
    rows = f"2024-07-16T14:05:00Z,{BAR}\n2024-07-16T14:00:00Z,{BAR}\n"
    assert ends(read_tape([write(tmp_path, name, HEAD + rows)])) == known


def test_the_smallest_gap_is_the_length(tmp_path):
    rows = "".join(f"2024-07-16T{clock}:00Z,{BAR}\n" for clock in ("14:00", "15:00", "15:15", "14:00"))
    frame = read_tape([write(tmp_path, "IWM.csv", HEAD + rows)])
    assert ends(frame) == ["07-16 10:15:00", "07-16 11:15:00", "07-16 11:30:00"]


@pytest.mark.parametrize(
    ("start", "known"),
    [
        ("2024-07-16T15:30-04:00", "07-16 16:00:00"),
        ("2024-07-16T15:00-04:00", "07-16 16:00:00"),
        ("2024-07-16T14:30-04:00", "07-16 15:30:00"),
        ("2024-07-16T16:00-04:00", "07-16 17:00:00"),  # late trading is not cut
        ("2024-01-16T20:30Z", "01-16 16:00:00"),  # winter time
        ("2024-07-03T12:30-04:00", "07-03 13:00:00"),  # closes at 13:00
        ("2024-07-04T15:30-04:00", "07-04 16:30:00"),  # no session, no bell
        ("2024-07-16T23:30-04:00", "07-17 00:30:00"),
    ],
)
def test_a_closing_bell_ends_the_bar(tmp_path, start, known):
    assert ends(read_tape([write(tmp_path, "IWM_1h.csv", HEAD + f"{start},{BAR}\n")])) == [known]


FIX = " — fix or remove the row"
REFUSED = [
    ("2024-07-16T14:35:00Z,10,12,9,-1,5", "line 2: close is -1.0; prices must be above 0" + FIX),
    ("2024-07-16T14:35:00Z,0,12,9,11,5", "line 2: open is 0.0; prices must be above 0" + FIX),
    ("2024-07-16T14:35:00Z,10,inf,9,11,5", "line 2: high is inf; prices must be finite numbers" + FIX),
    ("2024-07-16T14:35:00Z,10,12,NaN,11,5", "line 2: low is nan; prices must be finite numbers" + FIX),
    ("2024-07-16T14:35:00Z,10,12,9,x,5", "line 2: close is 'x', not a number" + FIX),
    ("2024-07-16T14:35:00Z,10,,9,11,5", "line 2: high is missing" + FIX),
    ("2024-07-16T14:35:00Z,10,12,9,11,-5", "line 2: volume is -5.0; it must be 0 or more shares" + FIX),
    (
        "2024-07-16T14:35:00Z,10,10.5,9,11,5",
        "line 2: high is 10.5, below the open 10.0 or close 11.0" + FIX,
    ),
    (
        "2024-07-16T14:35:00Z,10,12,10.1,11,5",
        "line 2: low is 10.1, above the open 10.0 or close 11.0" + FIX,
    ),
    (
        "2024-07-16T14:35:00,10,12,9,11,5",
        (
            "line 2: start is '2024-07-16T14:35:00', without a time zone"
            " — end it with Z for UTC or an offset like -04:00"
        ),
    ),
    (
        "2024-07-16T14:65:00Z,10,12,9,11,5",
        "line 2: start is '2024-07-16T14:65:00Z', not a time — write times like 2024-07-16T13:30:00Z",
    ),
    (
        "1721140800,10,12,9,11,5",
        "line 2: start is '1721140800', not a time — write times like 2024-07-16T13:30:00Z",
    ),
    (",10,12,9,11,5", "line 2: start is missing" + FIX),
    (
        f"2024-07-16T14:35:00Z,{BAR}\n2024-07-16T10:35-04:00,10,12,9,11,101",
        "line 3: 2024-07-16T14:35:00+00:00 appears again with other values — keep the right row",
    ),
    ("", "has no rows — export it again"),
    ("2024-07-16T14:35:00Z,10", "line 2: the header has 6 cells, this row 2" + FIX),
]


@pytest.mark.parametrize(("rows", "message"), REFUSED)
def test_refused_bars(tmp_path, rows, message):
    result = refusal(write(tmp_path, "IWM_5m.csv", HEAD + rows + "\n"))
    assert result.removeprefix("IWM_5m.csv").lstrip(",: ") == message


def test_refused_files(tmp_path):
    lone = write(tmp_path, "IWM.csv", HEAD + f"2024-07-16T14:35:00Z,{BAR}\n")
    assert refusal(lone) == (
        "IWM.csv: a single bar does not show its length — put it in the file name, like IWM_5m.csv"
    )
    columns = write(tmp_path, "QQQ_5m.csv", "time,open,high,low,close\n2024-07-16T14:35:00Z,1,1,1,1\n")
    assert refusal(columns) == (
        "QQQ_5m.csv: has the columns open, high, low, close, time"
        " — it needs start, open, high, low, close; volume may follow"
    )
    assert "'i w' is not a valid symbol" in refusal(write(tmp_path, "i w_5m.csv", HEAD))
    assert "no such file or folder" in refusal(tmp_path / "gone")


def test_rounding_in_the_last_digit_is_no_error(tmp_path):
    row = "2024-07-16T14:35:00Z,10,10.9999999,10.0000001,11,5\n"
    assert read_tape([write(tmp_path, "IWM_5m.csv", HEAD + row)]).height == 1


def test_repeated_bars_collapse_in_and_across_files(tmp_path):
    rows = HEAD + f"2024-07-16T14:35:00Z,{BAR}\n2024-07-16T14:40:00Z,{BAR}\n"
    first = write(tmp_path, "IWM_5m_a.csv", rows + f"2024-07-16T14:35:00Z,{BAR}\n")
    second = write(tmp_path, "IWM_5m_b.csv", rows + f"2024-07-17T14:35:00Z,{BAR}\n")
    assert ends(read_tape([first, second])) == ["07-16 10:40:00", "07-16 10:45:00", "07-17 10:40:00"]


def test_files_are_merged_by_time_and_stably(tmp_path):
    rows = HEAD + f"2024-07-16T14:40:00Z,{BAR}\n2024-07-16T14:35:00Z,{BAR}\n"
    for symbol in ("QQQ", "IWM"):
        write(tmp_path, f"{symbol}_5m.csv", rows)
    pl.DataFrame(
        {"symbol": "SPY", "ts_ns": ns("2024-07-16T14:40:00+00:00"), "price": [2.0, 1.0], "seq": [7, 3]}
    ).write_parquet(tmp_path / "tape.parquet")
    frame = read_tape([tmp_path])
    assert frame["symbol"].to_list() == ["IWM", "QQQ", "SPY", "SPY", "IWM", "QQQ"]
    assert frame["price"].to_list()[2:4] == [2.0, 1.0]
    assert frame["ts_ns"].is_sorted()


def test_no_paths_give_an_empty_tape():
    frame = read_tape([])
    assert frame.schema == pl.Schema(SCHEMA)
    assert quotes(frame) == []


def test_a_recorded_tape_comes_back_as_it_was(tmp_path):
    collected = [
        Quote("IWM", 1, 220.5, seq=4, size=100),
        Quote("IWM", 2, -3.0, high=221.0, low=219.0),
        Quote("not a symbol", 3, math.inf),
    ]
    names = Quote.__struct_fields__
    rows = [tuple(getattr(quote, name) for name in names) for quote in collected]
    pl.DataFrame(rows, schema=list(names), orient="row").write_parquet(tmp_path / "x.parquet")
    assert quotes(read_tape([tmp_path / "x.parquet"])) == collected


def test_a_recorded_tape_with_the_least_and_with_more(tmp_path):
    pl.DataFrame(
        {
            "price": pl.Series([1, None, 3], dtype=pl.Int32),
            "ts_ns": pl.Series([1, 2, 3], dtype=pl.UInt64),
            "symbol": pl.Series(["IWM"] * 3, dtype=pl.Categorical),
            "high": [None] * 3,
            "size": [5, None, 7],
            "venue": ["P"] * 3,
        }
    ).write_parquet(tmp_path / "tape.parquet")
    frame = read_tape([tmp_path])
    assert frame.schema == pl.Schema(SCHEMA)
    first, lost, last = quotes(frame)
    assert (first, last) == (Quote("IWM", 1, 1.0, size=5), Quote("IWM", 3, 3.0, size=7))
    assert math.isnan(lost.price)  # unknown: the session filter counts it


REFUSED_PRINTS = [
    ({"symbol": ["A"], "ts_ns": [1]}, "has the columns symbol, ts_ns — it needs symbol, ts_ns, price"),
    ({"symbol": [1], "ts_ns": [1], "price": [1.0]}, "column symbol is of type Int64, not text"),
    ({"symbol": ["A"], "ts_ns": [1.0], "price": [1.0]}, "column ts_ns is of type Float64, not whole numbers"),
    (
        {"symbol": ["A"], "ts_ns": [datetime(2024, 1, 2, tzinfo=UTC)], "price": [1.0]},
        "column ts_ns is of type Datetime(time_unit='us', time_zone='UTC'), not whole numbers",
    ),
    ({"symbol": ["A"], "ts_ns": [1], "price": ["1"]}, "column price is of type String, not numbers"),
    ({"symbol": ["A"], "ts_ns": [1], "price": [None]}, "column price is of type Null, not numbers"),
    (
        {"symbol": ["A"], "ts_ns": [1], "price": [1.0], "seq": ["1"]},
        "column seq is of type String, not whole numbers",
    ),
    ({"symbol": ["A", None], "ts_ns": [1, 2], "price": [1.0, 1.0]}, "row 2: symbol is missing"),
    ({"symbol": ["A", "A"], "ts_ns": [None, 2], "price": [1.0, 1.0]}, "row 1: ts_ns is missing"),
    ({"symbol": ["A"], "ts_ns": [2**64 - 1], "price": [1.0]}, "row 1: ts_ns is missing"),
    ({"symbol": [], "ts_ns": [], "price": []}, "has no rows"),
]


@pytest.mark.parametrize(("columns", "part"), REFUSED_PRINTS)
def test_refused_prints(tmp_path, columns, part):
    pl.DataFrame(columns).write_parquet(tmp_path / "tape.parquet")
    message = refusal(tmp_path)
    assert message.startswith("tape.parquet")
    assert part in message
    assert " — " in message


def test_a_long_tape_becomes_quotes_quickly():
    n = 200_000
    frame = pl.DataFrame(
        {"symbol": "IWM", "ts_ns": range(n), "seq": 0, "price": 1.5, "size": 1}
    ).with_columns(high=pl.lit(None, pl.Float64), low=pl.lit(None, pl.Float64), bar_ns=0, role=0)
    started = time.process_time()
    for i in range(n):
        Quote("IWM", i, 1.5, size=1)
    bare = time.process_time() - started
    started = time.process_time()
    result = quotes(frame)
    assert time.process_time() - started < 30 * bare, "of the work to make them at all"
    assert result[-1] == Quote("IWM", n - 1, 1.5, size=1)


@needs_data
def test_the_real_five_minute_bars():
    frame = read_tape([DATA / "IWM_5m_2024-07-16.csv", DATA / "QQQ_5m_2024-07-16.csv"])
    assert frame.height == 156
    quotes_by_symbol = {
        quote.symbol: quote for quote in quotes(frame) if quote.ts_ns == ns("2024-07-16T14:40:00+00:00")
    }
    assert quotes_by_symbol["IWM"].price == 221.28
    assert quotes_by_symbol["QQQ"].price == 495.43
    assert quotes_by_symbol["IWM"].low <= 221.28 <= quotes_by_symbol["IWM"].high


@needs_data
def test_the_real_hourly_bars_end_at_the_bell():
    frame = read_tape([DATA / "IWM_1h.csv"])
    assert frame.height == 3_491
    clock = pl.from_epoch("ts_ns", "ns").dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York")
    assert frame.select(clock.dt.strftime("%H:%M").max()).item() == "16:00"
    assert frame.filter(clock.dt.strftime("%H:%M") == "16:00").height > 400


STARTS = [
    "2024-07-16T13:30:00Z",
    "2024-07-16 13:35:00+00:00",
    "2024-07-16T09:40-0400",
    "2024-07-16T13:45:00.5Z",
]
ODD_STARTS = ["2024-07-16T13:50:00", "2024-07-16", "", "soon", " 2024-07-16T13:55:00Z", STARTS[0]]
ODD_CELLS = ["", " 10", "0", "-1", "nan", "inf", "x", "1e1", "99", "1e30", '"10"', "1_0"]


@st.composite
def bar_files(draw) -> str:
    """Bars as a person may have them: nearly always plain, with a cell or two that is not."""
    names = ["start", "open", "high", "low", "close", "volume"][: draw(st.sampled_from([5, 6]))]
    lines = [[start, "10", "11", "9", "10.5", "100"][: len(names)] for start in draw(st.permutations(STARTS))]
    cells = st.tuples(st.integers(0, 3), st.integers(1, 5), st.sampled_from(ODD_CELLS))
    for line, place, cell in draw(st.lists(cells, max_size=2)):
        lines[line][min(place, len(names) - 1)] = cell
    for line, start in draw(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(ODD_STARTS)), max_size=1)):
        lines[line][0] = start
    return "\n".join(",".join(cells) for cells in [names, *lines, *draw(st.sampled_from([[], [lines[0]]]))])


@given(bar_files())
def test_the_quick_way_says_what_the_exact_one_does(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "IWM_5m.csv"
        path.write_text(content)
        answers = []
        for quick in (True, False):
            with pytest.MonkeyPatch.context() as patch:
                if not quick:
                    patch.setattr(bars, "read_plain", lambda *_, **__: None)
                try:
                    frame = read_tape([path])
                    answers.append((frame.rows(), frame.schema))
                except InputError as error:
                    answers.append(str(error))
    assert answers[0] == answers[1]


def test_plain_bars_never_meet_the_exact_reader(tmp_path, monkeypatch):
    monkeypatch.setattr(bars, "read_table", None)
    lines = [f"{start},10,11,9,10.5,100" for start in STARTS[:3]]
    (tmp_path / "IWM_5m.csv").write_text("\n".join(["start,open,high,low,close,volume", *lines]))
    assert read_tape([tmp_path])["price"].to_list() == [10.5] * 3


def test_a_bar_in_two_files_of_one_symbol_is_there_once(tmp_path):
    for name in ("IWM_5m.csv", "IWM_5m_again.csv"):
        lines = [f"{start},10,11,9,10.5,100" for start in STARTS[:2]]
        (tmp_path / name).write_text("\n".join(["start,open,high,low,close,volume", *lines]))
    assert read_tape([tmp_path]).height == 2
