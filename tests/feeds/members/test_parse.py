"""Holdings files of two sponsors and of a person; what is no whole file is refused."""

from __future__ import annotations

import os
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from feeds.errors import SourceError, StorageError
from feeds.members.checks import check_unit, check_whole
from feeds.members.parse import parse_holdings
from feeds.members.store import MemberStore
from feeds.parsing.decimals import read_number
from tests.support.breadth.sponsors import HEAD, TITLE, invesco, sponsors
from tests.support.paths import SHARED

if TYPE_CHECKING:
    from pathlib import Path


def test_shares_count_and_cash_futures_escrow_and_private_lines_do_not() -> None:
    made = parse_holdings(sponsors(), "IWM", is_sponsors=True)
    assert made.as_of == date(2026, 5, 5)
    assert len(made.symbols) == 1_601
    assert "MOG.A" in made.symbols
    assert not {"XTSLA", "USD", "P5N994", "-"} & set(made.symbols)
    assert made.frame["weight_pct"].sum() == pytest.approx(100, abs=0.01)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"<!doctype html><title>Verify</title>", "web page"),
        (b"Name,Weight\nX,1\n", "no column"),
        (sponsors(title=TITLE.replace("2000", "1000")), "another fund"),
        (sponsors(members=800), "whole fund"),
        (sponsors()[: len(sponsors()) // 2], "cut off"),
        (sponsors(title=""), "date"),
        (HEAD.encode(), "date"),
        (HEAD.replace("Weight (%)", "Other").replace("Market Value", "Else").encode() + b'"A"\n', "date"),
    ],
)
def test_what_is_no_whole_file_of_the_fund_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        parse_holdings(data, "IWM", is_sponsors=True)


def test_a_persons_list_needs_no_weights() -> None:
    made = parse_holdings(b"symbol\nAAPL\nBRK-B\n-\n", "QQQ", as_of=date(2026, 1, 2))
    assert made.symbols == ["AAPL", "BRK.B"]
    assert made.frame["weight_pct"].to_list() == [None, None]


OF = date(2026, 1, 2)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'symbol,name\nAAA,"' + b"x" * 200_000 + b'"\n', "line 2: not a line of CSV"),
        (b'symbol,name\nAAA,x\nBBB,"never closed\nCCC,y\nDDD,z\n', "line 3: a quotation mark is not closed"),
        (b'symbol\nAAA\n"BBB\nCCC\n', "line 3: a quotation mark is not closed"),
        (b"symbol,weight\nAAA,0.25\nBBB,0.5\nCCC,0.25\n", "add up to 1.00: give them in percent"),
        (b"symbol,weight\nAAA,120000\nBBB,80000\n", "add up to 200,000: give them in percent"),
        (b'Fund Holdings as of,"Jan 01, 0001"\n\nsymbol\nAAA\n', "0001-01-01 cannot be its date"),
    ],
    ids=range(6),
)
def test_a_list_that_would_lose_members_or_mean_something_else_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        parse_holdings(data, "IWM", as_of=OF)


def test_a_list_of_a_person_is_taken_as_it_is() -> None:
    """Weights of a part of a fund, short positions, none at all; of a symbol that stands twice the first."""
    odd = 'symbol,weight,name\naaa,1.5,x\nAAA,9,y\nbbb,-2,"\x1b[2Jz\u202e"\nbrk/b,,\nBRK-B,3,\nCCC,nan,\n'
    made = parse_holdings(odd.encode(), "MINE", as_of=OF)
    assert made.frame.rows() == [
        ("AAA", "x", "", 1.5), ("BBB", "[2Jz", "", -2.0), ("BRK.B", "", "", None), ("CCC", "", "", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("weight", "read"),
    [("1,5", None), ("1,50", None), ("0,125", None), ("1,234.5", 1_234.5), ("12.5%", 12.5)],
)
def test_a_decimal_comma_is_not_taken_for_one_between_thousands(weight: str, read: float | None) -> None:
    """1,5 was read as 15. What is not plain is unknown."""
    assert read_number(weight) == read


def test_a_fund_is_no_member_of_its_own() -> None:
    listed = parse_holdings(b"symbol,weight\nQQQ,50\nAAPL,50\n", "QQQ", as_of=OF)
    assert listed.frame["symbol"].to_list() == ["AAPL"]


@pytest.mark.parametrize("kept", [0.9, 0.95, 0.98])
def test_a_file_that_lacks_its_last_lines_is_refused_though_they_weigh_little(kept: float) -> None:
    """Its weights are made from its own values, and add up whatever is missing."""
    whole = invesco(120)
    assert len(parse_holdings(whole, "QQQ", is_sponsors=True).symbols) == 120
    lines = whole.splitlines(keepends=True)
    with pytest.raises(SourceError, match="% of the fund: the file was cut off"):
        parse_holdings(b"".join(lines[: int(len(lines) * kept)]), "QQQ", is_sponsors=True)


def test_another_fund_in_its_column_is_refused() -> None:
    with pytest.raises(SourceError, match="another fund"):
        parse_holdings(b"Fund Ticker,Holding Ticker,Weight\nQQQ,AAPL ,9\n", "IWM", as_of=date(2026, 1, 2))


def test_files_are_kept_by_day_and_read_again(tmp_path: Path) -> None:
    store = MemberStore(tmp_path / "members")
    assert store.load() == ()
    first = parse_holdings(sponsors(), "IWM")
    assert store.put(first)
    assert not store.put(first)
    own = parse_holdings(b"symbol\nAAPL\n", "QQQ", as_of=date(2026, 1, 2))
    store.put(own)
    iwm, qqq = store.load()
    assert iwm.lists[0].frame.equals(first.frame)
    assert (qqq.fund, qqq.first, qqq.lists[0].symbols) == ("QQQ", date(2026, 1, 2), ["AAPL"])


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "IWM-2026-01-02.csv").write_text("no,table\n1,2,3\n")
    with pytest.raises(StorageError, match="IWM-2026-01-02"):
        MemberStore(tmp_path).load()


@pytest.mark.parametrize(
    ("name", "rows", "says"),
    [
        ("IWM-2024-13-99.csv", "A,,,1\n", "IWM-2024-13-99.csv: 2024-13-99 is not a date — rename it"),
        ("IWM-2026-01-02.csv", "", "IWM-2026-01-02.csv: damaged"),
        ("IWM-2026-01-02.csv", ",,,1\nA,,,2\n", "IWM-2026-01-02.csv: damaged"),
        ("IWM-2026-01-02.csv", "A,,,nan\n", "IWM-2026-01-02.csv: damaged"),
        ("IWM-2026-01-02.csv", "A,,,inf\n", "IWM-2026-01-02.csv: damaged"),
        ("IWM-2026-01-02.csv", "A,,,1\nA,,,2\n", "IWM-2026-01-02.csv: damaged"),
    ],
    ids=range(6),
)
def test_a_file_that_somebody_has_edited_is_named(tmp_path: Path, name: str, rows: str, says: str) -> None:
    """A line without a symbol, or a file of no day, ended the desk with an internal error."""
    (tmp_path / name).write_text(f"symbol,name,sector,weight_pct\n{rows}")
    with pytest.raises(StorageError, match=says):
        MemberStore(tmp_path).load()


def daily(store: MemberStore, count: int) -> list[date]:
    """So many days of files: the weights differ each day, the members on one of them."""
    days = [date(2026, 1, 1) + timedelta(n) for n in range(count)]
    for n, day in enumerate(days):
        more = "C,1\n" if n == 3 else ""
        store.put(parse_holdings(f"symbol,weight\nB,{n + 1}\nA,9\n{more}".encode(), "IWM", as_of=day))
    return days


def test_a_second_start_reads_only_what_it_looks_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemberStore(tmp_path)
    days = daily(store, 40)
    (before,) = store.load()
    files: list[Path] = []
    read_csv = pl.read_csv
    monkeypatch.setattr(
        pl, "read_csv", lambda path, **named: (files.append(path), read_csv(path, **named))[1]
    )
    (held,) = store.load()
    assert files == []
    assert [(each.as_of, each.symbols) for each in held.lists] == [
        (each.as_of, each.symbols) for each in before.lists
    ]
    assert len({id(each.symbols) for each in held.lists}) == 2, "equal lists are one"
    assert held.symbols() == {"A", "B", "C"}
    newest = held.on(days[-1])
    assert newest is not None
    assert newest.frame["weight_pct"].to_list() == [9.0, 40.0]
    assert [path.name for path in files] == ["IWM-2026-02-09.csv"]


def test_an_index_that_is_old_or_broken_is_made_anew(tmp_path: Path) -> None:
    store = MemberStore(tmp_path)
    days = daily(store, 5)
    store.load()
    index = tmp_path / "symbols.index"
    whole = index.read_bytes()
    for broken in (b"", b"x", whole[:-3], whole[:40] + b"\x00" + whole[41:]):
        index.write_bytes(broken)
        (held,) = store.load()
        assert [each.symbols for each in held.lists].count(["A", "B"]) == 4
        assert index.read_bytes() == whole
    store.put(parse_holdings(b"symbol\nX\n", "IWM", as_of=days[1]))
    (tmp_path / f"IWM-{days[2]}.csv").unlink()
    (held,) = store.load()
    assert [each.symbols for each in held.lists] == [["A", "B"], ["X"], ["A", "B", "C"], ["A", "B"]]


def test_a_file_of_the_same_size_that_was_written_since_is_read_anew(tmp_path: Path) -> None:
    store = MemberStore(tmp_path)
    daily(store, 1)
    (held,) = store.load()
    (path,) = tmp_path.glob("*.csv")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"A,", b"Z,", 1))
    assert path.stat().st_size == len(whole)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))
    (changed,) = store.load()
    assert changed.symbols() == (held.symbols() - {"A"}) | {"Z"}


@pytest.mark.parametrize("weights", [[60.0, 70.0], [60.0, 10.0, None]])
def test_weights_of_more_or_less_than_a_fund_are_no_sponsor_s(weights: list[float | None]) -> None:
    with pytest.raises(SourceError, match="was cut off"):
        check_whole(weights, "IWM")


def test_weights_long_and_short_are_percent_though_they_cancel() -> None:
    check_unit([130.0, -30.0, None], "OWN")
    with pytest.raises(SourceError, match="give them in percent"):
        check_unit([40_000.0, -39_900.0], "OWN")


def test_a_file_damaged_since_is_named_when_it_is_looked_at(tmp_path: Path) -> None:
    store = MemberStore(tmp_path)
    daily(store, 2)
    (held,) = store.load()
    (tmp_path / "IWM-2026-01-02.csv").write_text("no,table\n1,2,3\n")
    with pytest.raises(StorageError, match="IWM-2026-01-02"):
        _ = held.lists[1].frame
    with pytest.raises(StorageError, match="IWM-2026-01-02"):
        store.load()


@pytest.mark.skipif(not SHARED.is_dir(), reason="no shared market data here")
@pytest.mark.parametrize(
    ("name", "fund", "day", "members"),
    [
        ("IWM_holdings_2026-05-05.csv", "IWM", date(2026, 5, 5), 1920),
        ("IWM_holdings_2024-09-27.csv", "IWM", date(2024, 9, 27), 1968),
        ("QQQ_holdings_2025-09-24.csv", "QQQ", date(2025, 9, 24), 101),
    ],
)
def test_real_files(name: str, fund: str, day: date, members: int) -> None:
    data = (SHARED / "constituents" / name).read_bytes()
    made = parse_holdings(data, fund, as_of=day, is_sponsors=True)
    assert made.as_of == day
    assert abs(len(made.symbols) - members) <= 8
    assert made.frame["weight_pct"].sum() == pytest.approx(100, abs=1.0)
    assert "" not in made.frame["sector"].to_list()
