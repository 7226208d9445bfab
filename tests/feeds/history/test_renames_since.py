"""The name of today's of shares that a list of some day names."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from feeds.desk.members.membership import renamed
from feeds.history.renames import Rename, Renames
from rotation.breadth.members import SCHEMA, MemberList

TODAY = date(2026, 11, 27)
TABLE = Renames(
    [
        Rename(date(2022, 6, 9), "FB", "META"),
        Rename(date(2023, 6, 7), "FISV", "FI"),
        Rename(date(2025, 11, 11), "FI", "FISV"),
        Rename(date(2026, 12, 1), "LATER", "NEXT"),
    ]
)


@pytest.mark.parametrize(
    ("symbol", "day", "name"),
    [
        ("FB", date(2022, 1, 3), "META"),
        ("FB", date(2022, 6, 9), "FB"),  # another company's by then
        ("FISV", date(2022, 1, 3), "FISV"),  # there and back
        ("FI", date(2024, 1, 3), "FISV"),
        ("FISV", date(2025, 12, 1), "FISV"),
        ("LATER", date(2026, 1, 2), "LATER"),
        ("AAPL", date(2000, 1, 3), "AAPL"),
    ],
)
def test_shares_of_a_day_have_one_name_today(symbol: str, day: date, name: str) -> None:
    assert TABLE.since(symbol, day, TODAY) == name


def test_a_list_has_today_s_names_and_each_share_once() -> None:
    rows = [("AAPL", "", "", 5.0), ("FB", "", "", 3.0), ("META", "", "", 2.0)]
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    members = MemberList.of("QQQ", date(2022, 6, 1), frame)
    made = renamed(members, TABLE, TODAY)
    assert made.symbols == ["AAPL", "META"]
    assert made.frame["weight_pct"].to_list() == [5.0, 2.0]
    untouched = MemberList.of("QQQ", date(2022, 6, 9), frame)
    assert renamed(untouched, TABLE, TODAY) is untouched
