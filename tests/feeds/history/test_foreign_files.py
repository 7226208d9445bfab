"""Files of other programs: what is unambiguous is read, what is not is named; a stray file costs no other."""

from __future__ import annotations

import datetime as dt
import errno
import os

import pytest

from feeds.errors import InputError, StorageError
from feeds.history.importing import read_history
from feeds.history.store import HistoryStore, Series

NOW_NS = 1_721_300_000 * 10**9
DAY, NEXT = dt.date(2024, 7, 11), dt.date(2024, 7, 12)
GOOD = "date,close\n2024-07-11,100.5\n2024-07-12,99.25\n"
YFINANCE = "Price,Close,High,Low,Open,Volume\nTicker,IWM,IWM,IWM,IWM,IWM\nDate,,,,,\n"


def read(tmp_path, data: str | bytes):
    path = tmp_path / "IWM.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    frame, _ = read_history([path], now_ns=NOW_NS)
    return frame.select("date", "close").rows()


@pytest.mark.parametrize(
    ("text", "closes"),
    [
        ("date;close\n2024-07-11;100.5\n2024-07-12;99.25\n", [100.5, 99.25]),
        ("date;close\n2024-07-11;100,5\n2024-07-12;99,25\n", [100.5, 99.25]),
        ("date;close\n2024-07-11;1.234,5\n2024-07-12;99,25\n", [1234.5, 99.25]),
        ("date;close;volume\n2024-07-11;100;5\n2024-07-12;99,25;\n", [100.0, 99.25]),
        ("date\tclose\n2024-07-11\t100,5\n2024-07-12\t99,25\n", [100.5, 99.25]),
        ('"date";"close"\n"2024-07-11";"100,5"\n"2024-07-12";"99,25"\n', [100.5, 99.25]),
        ("date;close\n2024-07-11;100,123\n2024-07-12;99,25\n", [100.123, 99.25]),
        (YFINANCE + "2024-07-11,100.5,101,99,100,1\n2024-07-12,99.25,100,99,100,1\n", [100.5, 99.25]),
    ],
)
def test_what_is_unambiguous_is_read(tmp_path, text, closes):
    assert read(tmp_path, text) == [
        (day, pytest.approx(close)) for day, close in zip((DAY, NEXT), closes, strict=True)
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("date;close\n2024-07-11;1,234\n2024-07-12;2,345\n", "close '1,234' may be thousands or decimals"),
        ("date;close\n2024-07-11;1,2,3\n", "line 2: close is '1,2,3', not a number"),
        ("date;close\n2024-07-11;5;3\n", "line 2: the header has 2 cells, this row 3"),
        (
            "Price,Close,Close\nTicker,IWM,QQQ\nDate,,\n2024-07-11,1,2\n",
            "holds IWM, QQQ — export one file per symbol",
        ),
        ("date,close\n1890-01-02,5\n", "line 2: date is '1890-01-02', before 1900"),
        (b"PK\x03\x04" + bytes(40), "is a binary file (perhaps a workbook of a spreadsheet), not CSV"),
        ("date,close\n2024-07-11,1\n".encode("utf-16"), "is a binary file"),
    ],
)
def test_what_is_not_is_named(tmp_path, data, message):
    with pytest.raises(InputError) as error:
        read(tmp_path, data)
    assert str(error.value).startswith("IWM.csv")
    assert message in str(error.value)


STRAYS = {
    "my notes of today.csv": "a,b\n1,2\n",
    "HOLDINGS.csv": "name,weight\nx,1\n",
    "BOOK.csv": b"PK\x03\x04\0\0",
    "EMPTY.csv": "",
    "HEADINGS.csv": "Date,Close\n",
}


@pytest.mark.parametrize("name", STRAYS)
def test_a_stray_file_in_a_folder_is_named_and_the_rest_taken(tmp_path, name):
    (tmp_path / "IWM.csv").write_text(GOOD)
    data = STRAYS[name]
    (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    frame, notes = read_history([tmp_path], now_ns=NOW_NS)
    assert frame["symbol"].unique().to_list() == ["IWM"]
    assert len(notes) == 1
    assert notes[0].startswith(f"left out the file {name}: ")
    with pytest.raises(InputError):
        read_history([tmp_path / name, tmp_path / "IWM.csv"], now_ns=NOW_NS)


def test_a_folder_of_strays_alone_and_a_bad_row_are_refused(tmp_path):
    (tmp_path / "HOLDINGS.csv").write_text("name,weight\nx,1\n")
    with pytest.raises(InputError, match=r"HOLDINGS\.csv: has the columns"):
        read_history([tmp_path], now_ns=NOW_NS)
    (tmp_path / "IWM.csv").write_text(GOOD.replace("99.25", "ninety"))
    with pytest.raises(InputError, match=r"IWM\.csv, line 3: close is 'ninety'"):
        read_history([tmp_path], now_ns=NOW_NS)


def series(tmp_path, *symbols: str) -> list[Series]:
    made = []
    for symbol in symbols:
        path = tmp_path / f"{symbol}.csv"
        path.write_text(GOOD)
        made.append(Series(read_history([path], now_ns=NOW_NS)[0], path.name))
    return made


def test_series_are_removed_all_or_none(tmp_path):
    store = HistoryStore(tmp_path / "store")
    store.replace_each(series(tmp_path, "IWM", "QQQ", "SPY"), now_ns=NOW_NS)
    with pytest.raises(InputError, match="XX, YY: not stored"):
        store.remove(["IWM", "XX", "YY"])
    assert list(store.remove(["SPY", "IWM", "SPY"])) == ["SPY", "IWM"]
    assert list(store.symbols()) == ["QQQ"]
    assert [path.name for path in store.folder.glob("*.parquet") if not path.name.startswith("QQQ")] == []
    store.remove(["QQQ"])
    assert store.symbols() == {}
    assert store.load().symbols == HistoryStore(tmp_path / "none").load().symbols


@pytest.mark.parametrize("at", range(6))
def test_a_full_disk_leaves_nothing_that_nothing_names(tmp_path, monkeypatch, at):
    store = HistoryStore(tmp_path / "store")
    store.replace_each(series(tmp_path, "IWM"), now_ns=NOW_NS)
    calls = iter(range(100))
    fsync = os.fsync

    def full(handle: int) -> None:
        if next(calls) >= at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", full)
    more = series(tmp_path, "QQQ", "SPY", "DIA")
    with pytest.raises(StorageError, match="No space left"):
        store.replace_each(more, now_ns=NOW_NS)
    monkeypatch.undo()
    # The last flush comes when all is in place already: then it is all named.
    assert list(store.symbols()) in (["IWM"], ["DIA", "IWM", "QQQ", "SPY"])
    named = {entry.file for entry in store.symbols().values()}
    assert {path.name for path in store.folder.glob("*.parquet")} == named
    assert not list(store.folder.glob("*.tmp"))
