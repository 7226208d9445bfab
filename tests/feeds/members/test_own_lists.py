"""A person's own list, as brokers and spreadsheets write it: what is no share, and what cannot be read."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from feeds.errors import InputError, SourceError
from feeds.history.universe import read_universe
from feeds.members.holdings import import_file, line
from feeds.members.parse import parse_holdings
from feeds.members.store import MemberStore
from feeds.members.universes import load_universe
from feeds.parsing.shares import LineKind, kind_of
from rotation.desk import Universe

if TYPE_CHECKING:
    from pathlib import Path

    from rotation.breadth.members import MemberList

OF = date(2026, 1, 2)
TABLE = "symbol,name,weight\n"


def parsed(text: str | bytes) -> MemberList:
    data = text if isinstance(text, bytes) else text.encode()
    return parse_holdings(data, "MINE", as_of=OF, is_named=False)


def weights(text: str | bytes) -> dict[str, float | None]:
    made = parsed(text).frame
    return dict(made.select("symbol", "weight_pct").iter_rows())


@pytest.mark.parametrize(
    "row",
    [
        "CASH,,0.5",
        "CASH,Cash,0.5",
        "Cash & Other,,0.5",
        "USD,,0.5",
        "USD,US DOLLAR,0.5",
        "US DOLLAR,,0.5",
        "EUR,EUR CASH,0.5",
        "-,BLACKROCK CASH FUNDS TREASURY SL AGENCY,-0.39",
        "XTSLA,BLACKROCK CASH FUNDS TREASURY SL AGENCY,-0.39",
        "XTSLA,BLK CSH FND TREASURY SL AGENCY,-0.39",
        "BLACKROCK CASH FUNDS,,-0.39",
        "MSFUT,CASH COLLATERAL MSFUT USD,0.03",
        "AGPXX,INVESCO GOVERNMENT & AGENCY PORTFOLIO,0.1",
        "FGXXX,First American Government Obligations Fund,0.1",
        "SPAXX,Fidelity Government Money Market,0.1",
        "RTYM6,,0.0",
        "RTYM6,RUSSELL 2000 EMINI CME JUN 26,0.0",
        "ESZ26,,0.0",
        "RTY,CME E-Mini Russell 2000 Index Future,0.0",
        "ES=F,,0.0",
        "912797GK7,TREASURY BILL,0.4",
        "912797GK7,,0.4",
        "US0378331005,,0.4",
        "TOTAL,,100",
        "Total,,100",
        "--,,1",
        "N/A,,1",
        ",,1",
    ],
)
def test_what_is_no_share_is_no_member_and_is_named(row: str) -> None:
    made = parsed(f"{TABLE}AAA,Alpha,60\n{row}\nBBB,Beta,39\n")
    assert made.symbols == ["AAA", "BBB"]
    if row.partition(",")[0]:
        assert f"{row.partition(',')[0]} (line 3)" in line(made)


@pytest.mark.parametrize(
    "row",
    [
        "CASH,PATHWARD FINANCIAL INC,0.06",
        "FCFS,FIRSTCASH HOLDINGS INC,0.27",
        "CSH,CASH AMERICA INTERNATIONAL INC,0.1",
        "FF,FUTUREFUEL CORP,0.1",
        "DG,DOLLAR GENERAL CORP,0.1",
        "LQDT,LIQUIDITY SERVICES INC,0.1",
        "USD,PROSHARES ULTRA SEMICONDUCTORS,0.1",
        "BRK/B,BERKSHIRE HATHAWAY INC,-2",
        "brk b,BERKSHIRE HATHAWAY INC,1",
        "MOGA,MOOG INC CLASS A,1",
        "7203.T,TOYOTA,1",
        "NOVO-B.CO,NOVO NORDISK,1",
    ],
)
def test_a_share_whose_name_or_symbol_only_looks_so_is_a_member(row: str) -> None:
    made = parsed(f"{TABLE}AAA,Alpha,60\n{row}\n")
    assert len(made.symbols) == 2
    assert "left out" not in line(made)


def test_a_sector_names_cash_too() -> None:
    made = parsed("symbol,sector,weight\nAAA,Energy,60\nZZZ,Cash and/or Derivatives,1\nYYY,Money Market,-1\n")
    assert made.symbols == ["AAA"]


def test_a_sponsors_own_classes_decide_where_they_are_given(shared_data: Path) -> None:
    """CASH is Pathward Financial there, of class Equity; XTSLA and the futures are not."""
    data = (shared_data / "constituents" / "IWM_holdings_2026-05-05.csv").read_bytes()
    made = parse_holdings(data, "IWM")
    assert "CASH" in made.symbols
    assert "FCFS" in made.symbols
    assert not {"USD", "CAD", "XTSLA", "MSFUT", "RTYM6"} & set(made.symbols)


def test_no_name_of_a_real_share_is_taken_for_cash(shared_data: Path) -> None:
    """All that iShares calls Equity and lists on an exchange, two years of it."""
    others = set[str]()
    for day in ("2024-09-27", "2026-05-05"):
        path = shared_data / "constituents" / f"IWM_holdings_{day}.csv"
        lines = path.read_text("utf-8-sig").splitlines()
        head = next(n for n, each in enumerate(lines) if each.startswith("Ticker,"))
        table = pl.read_csv("\n".join(lines[head:]).encode(), truncate_ragged_lines=True, infer_schema=False)
        for ticker, name, kind in table.select("Ticker", "Name", "Asset Class").drop_nulls().iter_rows():
            is_share = kind_of(ticker, name) is LineKind.SHARE
            assert is_share or kind != "Equity" or ticker == "-", (ticker, name)
            if kind != "Equity" and is_share:
                others.add(name)
    assert others == set(), "and nothing else is one"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TABLE + "AAA,x,1\n../../etc,y,1\n", "line 3: '../../etc' is not a symbol"),
        (TABLE + "AAA,x,1\nA..B,y,1\n", "line 3: 'A..B' is not a symbol"),
        (TABLE + "AAA,x,1\n-X,y,1\n", "line 3: '-X' is not a symbol"),
        (TABLE + "AAA,x,1\nMicrosoft Corporation Inc,y,1\n", "line 3: 'Microsoft Corporation Inc' is not"),
        (TABLE + "AAA,x,1\nBBB\nCCC,y,1\n", "line 3: 1 cell under 3 headings"),
        (TABLE + "AAA,x,1\nBBB\n", "line 3: 1 cell under 3 headings"),
        (TABLE + "AAA,Alpha, Inc.,1\n", "line 2: 4 cells under 3 headings"),
        (TABLE + 'AAA,x,"1,5"\n', "line 2: '1,5' has a decimal comma"),
        (TABLE + "AAA,x,1 234.5\n", "line 2: '1 234.5' is not a number"),
        ("symbol;weight\nAAA;1,5\nBBB;1.5\n", "lines 2 and 3: '1,5' and '1.5'"),
        ("symbol;market value\nAAA;1,234\nBBB;2,345\n", "line 2: '1,234' may be 1.234 or 1234"),
        (b"PK\x03\x04\x14\x00\x06", "an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook"),
        (b"s\0y\0m\0b\0o\0l\0\n\0", "it is not text"),
        ("symbol\nAAA\n".encode("utf-16")[:-1], "its text is cut off"),
    ],
    ids=range(15),
)
def test_what_cannot_be_read_is_named_with_its_line(text: str | bytes, says: str) -> None:
    with pytest.raises(SourceError) as caught:
        parsed(text)
    assert str(caught.value).startswith(f"MINE holdings: {says}")


@pytest.mark.parametrize("mark", [";", "\t"])
def test_columns_apart_by_semicolons_or_tabs_may_have_decimal_commas(mark: str) -> None:
    text = (
        f"sep={mark}\nsymbol{mark}name{mark}weight\nAAA{mark}Alpha, Inc.{mark}60,25\nBBB{mark}{mark}9,123\n"
    )
    assert weights(text) == {"AAA": 60.25, "BBB": 9.123}
    assert weights(text.replace(",25", ".25").replace("9,123", "9.123")) == {"AAA": 60.25, "BBB": 9.123}


def test_thousands_with_dots_are_read_where_a_decimal_comma_shows_what_they_are() -> None:
    text = "Ticker;Weight (%);Market Value\nAAA;60,00 %;1.234.567,50\nBBB;39,50 %;812.978\n"
    assert weights(text) == {"AAA": pytest.approx(60.29, abs=0.5), "BBB": pytest.approx(39.7, abs=0.5)}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
def test_excel_s_unicode_text_is_read(encoding: str) -> None:
    data = "symbol\tname\tweight\r\nAAA\tÄlpha\t1,5\r\nBBB\t\t2,25\r\n".encode(encoding)
    if encoding == "utf-16-be":
        data = b"\xfe\xff" + data
    assert weights(data) == {"AAA": 1.5, "BBB": 2.25}
    assert parsed(data).frame["name"].to_list() == ["Älpha", ""]


def test_what_stands_below_the_table_is_no_member() -> None:
    assert parsed(f"{TABLE}AAA,x,99\n\nThe content contained herein is owned by its makers\n").symbols == [
        "AAA"
    ]


def test_of_a_symbol_that_stands_twice_the_second_line_is_named() -> None:
    made = parsed("symbol,weight\nBRK.B,2\nbrk/b,5\n")
    assert made.frame["weight_pct"].to_list() == [2.0]
    assert "brk/b (line 3, listed before)" in line(made)


def own(tmp_path: Path, data: bytes) -> Universe:
    path = tmp_path / "r2k.csv"
    path.write_bytes(data)
    return Universe("r2k", str(path), date=OF)


def test_a_list_without_a_heading_is_held_to_the_same(tmp_path: Path) -> None:
    made = load_universe(own(tmp_path, "AAA\nCASH\nUSD\nRTYM6\n-\nBRK/B\n".encode("utf-16")), OF)
    assert made.symbols == ["AAA", "BRK.B"]
    assert line(made).endswith("left out: CASH (line 2), USD (line 3), RTYM6 (line 4), - (line 5)")
    for text, says in (
        ("AAA\n../../etc\n", "line 2: '../../etc' is neither"),
        ("CASH\n", "no symbol in the file"),
    ):
        with pytest.raises(InputError) as caught:
            load_universe(own(tmp_path, text.encode()), OF)
        assert says in str(caught.value)


def test_an_import_names_what_it_left_out_and_where_it_stopped(tmp_path: Path) -> None:
    store, path = MemberStore(tmp_path / "members"), tmp_path / "mine.csv"
    rows = "".join(f"-,Line {n},0\n" for n in range(7))
    path.write_text(f"{TABLE}AAA,x,99\n{rows}CASH,,1\n")
    (message,) = import_file(store, path, "IWM", OF, OF)
    assert message.endswith("; left out: - (line 3), - (line 4), - (line 5), - (line 6) and 4 more")
    path.write_text(f"{TABLE}../../etc,x,99\n")
    with pytest.raises(
        InputError, match=r"^mine\.csv: IWM holdings: line 2: '\.\./\.\./etc' is not a symbol"
    ):
        import_file(store, path, "IWM", OF, OF)


@pytest.mark.parametrize(
    "data",
    ["Symbol;Weight\nAAA;1,5\nBBB;2\n".encode("utf-16"), b"Symbol\tWeight\nAAA\t1,5\nBBB\t2\n"],
    ids=["utf-16", "tabs"],
)
def test_a_universe_to_download_is_read_in_the_same_way(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "u.csv"
    path.write_bytes(data)
    assert read_universe(path) == ["AAA", "BBB"]


def test_a_workbook_to_download_is_named(tmp_path: Path) -> None:
    path = tmp_path / "u.xlsx"
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match=r"^u\.xlsx: an Excel workbook"):
        read_universe(path)


def test_a_universe_to_download_leaves_out_cash_and_names_what_is_no_symbol(tmp_path: Path) -> None:
    """USD and XTSLA failed on every download, which then ended with exit code 1."""
    path = tmp_path / "u.csv"
    rows = "AAA,Alpha\nUSD,US DOLLAR\nXTSLA,BLK CSH FND\nMOGA,MOOG INC\nES=F,\n^RUT,\nBTC-USD,\nTotal,\n"
    path.write_text(f"symbol,name\n{rows}")
    assert read_universe(path) == ["AAA", "MOG.A", "ES=F", "^RUT", "BTC-USD"]
    path.write_text("symbol,name\nAAA,Alpha\n../../etc,x\n")
    with pytest.raises(InputError, match=r"^u\.csv, line 3: '\.\./\.\./etc' is not a symbol"):
        read_universe(path)
