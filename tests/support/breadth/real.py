"""Real members and closes for the oracle: dictionaries, made without a line of the product's own reading."""

from __future__ import annotations

import csv
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from tests.support.paths import SHARED

if TYPE_CHECKING:
    from tests.support.breadth.worlds import Members

Closes = dict[str, dict[date, float]]


def member_closes(name: str) -> Closes:
    """``ndx`` or ``rut``: adjusted closes by symbol and day, rounded to what 32 bits hold."""
    closes: Closes = {}
    frame = pl.read_parquet(SHARED / "breadth" / f"{name}_members_adj_close.parquet")
    for symbol, day, close in frame.iter_rows():
        if close is not None and close > 0:
            closes.setdefault(symbol, {})[day] = float(f"{close:.7g}")
    return closes


def fund_closes(fund: str) -> dict[date, float]:
    """A fund's adjusted closes."""
    with (SHARED / "daily" / f"{fund}.csv").open(newline="") as file:
        rows = [(row["date"], row["adj_close"]) for row in csv.DictReader(file)]
    return {date.fromisoformat(day): float(close) for day, close in rows if close}


def nasdaq_lists() -> list[tuple[date, Members]]:
    """The Nasdaq-100 on each day of 2023 to 2025 on which it changed, without weights."""
    lists: list[tuple[date, Members]] = []
    for year in (2023, 2024, 2025):
        members, day, part = set[str](), date(year, 1, 1), ""
        path = SHARED / "constituents" / f"n100-ticker-changes-{year}.yaml"
        for line in path.read_text().splitlines():
            word = line.strip().partition("#")[0].strip()
            if word.startswith('"20'):
                lists.append((day, dict.fromkeys(members, ("", None))))
                members, day = set(members), date.fromisoformat(word.strip('":'))
            elif word.endswith(":"):
                part = word
            elif word.startswith("- "):
                symbol = word.removeprefix("- ").strip("'\"")
                (members.discard if part == "difference:" else members.add)(symbol)
        lists.append((day, dict.fromkeys(members, ("", None))))
    return lists


def weighted_lists(fund: str) -> list[tuple[date, Members]]:
    """The fund's lists of summer 2025 by the day of their capture; of two of one day the later one."""
    by_day: dict[date, Members] = {}
    frame = pl.read_parquet(SHARED / "constituents" / f"{fund}_weights_2025-06_2025-08.parquet")
    newest: dict[date, str] = {}
    rows = frame.select("captured_at", "symbol", "weight_pct").rows()
    for at, _, _ in rows:
        newest[date.fromisoformat(at[:10])] = max(at, newest.get(date.fromisoformat(at[:10]), ""))
    for at, symbol, weight in rows:
        day = date.fromisoformat(at[:10])
        if at == newest[day]:
            by_day.setdefault(day, {})[symbol] = ("", weight)
    return sorted(by_day.items())


def russell_lists() -> list[tuple[date, Members]]:
    """Half of the Russell 2000 of 14 May 2024, without weights, and IWM's file of 27 September 2024."""
    path = SHARED / "constituents"
    with (path / "RUT_members_2024-05-14_first997.csv").open(newline="") as file:
        half: Members = {row["symbol"]: ("", None) for row in csv.DictReader(file)}
    whole: Members = {}
    with (path / "IWM_holdings_2024-09-27.csv").open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            if row["Asset Class"] == "Equity" and row["Ticker"] != "-":
                whole.setdefault(row["Ticker"], (row["Sector"], float(row["Weight (%)"])))
    return [(date(2024, 5, 14), half), (date(2024, 9, 27), whole)]
