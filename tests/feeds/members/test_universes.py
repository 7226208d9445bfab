"""A universe of one's own: its file, its day, its columns, and what is said of a file that cannot be used."""

from __future__ import annotations

import os
from datetime import date

import pytest

from feeds.desk.members.membership import load_membership
from feeds.errors import InputError
from feeds.members.parse import parse_holdings
from feeds.members.store import MemberStore
from feeds.members.universes import load_universe
from rotation.desk import Desk, Universe
from rotation.figures.registry import figures

TODAY = date(2026, 11, 27)
OF_ISHARES = (
    'Fund Holdings as of,"Nov 20, 2026"\n\n'
    "Ticker,Name,Sector,Asset Class,Market Value,Weight (%)\n"
    "AAA,Alpha,Energy,Equity,600,60.00\nBBB,Beta,Banks,Equity,400,40.00\nUSD,Cash,Cash,Cash,1,0.1\n"
)
OWN = "symbol,GICS,Wgt,weight\nAAA,Energy,70,1\nBBB,Banks,30,99\n"


@pytest.fixture
def made(tmp_path):
    """A universe over a file of this text, last changed on 19 November 2026."""

    def of(text: str, **options: object) -> Universe:
        path = tmp_path / "r2k.csv"
        path.write_text(text)
        stamp = 1_795_089_600  # noon of 19 Nov 2026, UTC
        os.utime(path, (stamp, stamp))
        return Universe("r2k", str(path), **options)  # type: ignore[arg-type]

    return of


def test_a_sponsor_s_file_names_its_day(made):
    members = load_universe(made(OF_ISHARES), TODAY)
    assert (members.fund, members.as_of, members.symbols) == ("R2K", date(2026, 11, 20), ["AAA", "BBB"])
    assert members.frame["sector"].to_list() == ["Energy", "Banks"]


def test_columns_of_one_s_own(made):
    members = load_universe(made(OWN, weights="wgt", sectors="GICS", date=date(2026, 11, 18)), TODAY)
    assert members.as_of == date(2026, 11, 18)
    assert members.frame["weight_pct"].to_list() == [70.0, 30.0]
    assert members.frame["sector"].to_list() == ["Energy", "Banks"]
    assert load_universe(made(OWN), TODAY).frame["weight_pct"].to_list() == [1.0, 99.0]


def test_a_list_without_a_heading_is_of_the_day_on_which_it_was_changed(made):
    members = load_universe(made("AAA\nBBB # a comment\nAAA\n"), TODAY)
    assert (members.symbols, members.as_of) == (["AAA", "BBB"], date(2026, 11, 19))
    assert members.frame["weight_pct"].to_list() == [None, None]


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("", {}, "R2K holdings: the file is empty"),
        ("<html>", {}, "R2K holdings: got a web page instead of CSV"),
        ("Name,Weight\nAlpha,60\n", {}, "line 1: 'Name,Weight' is neither a symbol nor the heading"),
        ("symbol\n-\n", {}, "R2K holdings: no members in the file"),
        (OWN, {"weights": "Weight (%)"}, "R2K holdings: no column 'Weight (%)'"),
        (OWN, {"sectors": "Sector"}, "R2K holdings: no column 'Sector'"),
        ("AAA\n", {"weights": "Weight (%)"}, "R2K holdings: no column Ticker or Symbol"),
        (
            OF_ISHARES,
            {"date": date(2026, 11, 18)},
            "the file is dated 2026-11-20, not 2026-11-18 — leave out date",
        ),
        (OWN, {"date": date(2026, 12, 1)}, "2026-12-01 is in the future — check the date"),
    ],
)
def test_a_broken_file_is_named_with_its_universe(made, text, options, says):
    universe = made(text, **options)
    with pytest.raises(InputError) as caught:
        load_universe(universe, TODAY)
    assert str(caught.value).startswith(f"universes.r2k: {universe.holdings}: {says}")


def test_a_missing_file_is_named(tmp_path):
    universe = Universe("r2k", str(tmp_path / "none.csv"))
    with pytest.raises(InputError) as caught:
        load_universe(universe, TODAY)
    assert (
        str(caught.value) == f"universes.r2k: {universe.holdings}: cannot be read (No such file or directory)"
    )


def test_it_stands_beside_the_funds_and_before_one_of_its_name(made, tmp_path):
    store = MemberStore(tmp_path / "members")
    for fund in ("IWM", "R2K"):
        store.put(parse_holdings(b"symbol\nCCC\n", fund, as_of=date(2026, 11, 20)))
    held = load_membership(store, tmp_path / "history", TODAY, [made(OF_ISHARES)])
    assert {each.fund: each.lists[0].symbols for each in held} == {"IWM": ["CCC"], "R2K": ["AAA", "BBB"]}
    assert [each.fund for each in load_membership(store, tmp_path / "history", TODAY)] == ["IWM", "R2K"]


def test_its_figures_have_ids():
    assert "breadth.r2k.share_up" in figures(Desk(universes=("R2K",)))
    assert "breadth.r2k.share_up" not in figures(Desk())
