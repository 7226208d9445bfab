"""Random worlds of members: closes with holes, late listings, halts and ends, and files that disagree."""

from __future__ import annotations

import random
from datetime import date
from typing import NamedTuple

import polars as pl

from rotation.breadth.members import SCHEMA, MemberList, Membership
from rotation.history import History
from rotation.sessions import sessions_between

LISTED = "ABCDEFGHIJ"
SECTORS = ("Financials", "Health Care", "")

Members = dict[str, tuple[str, float | None]]


class World(NamedTuple):
    """One fund, as the product takes it and as the oracle does."""

    history: History
    membership: Membership
    closes: dict[str, dict[date, float]]
    lists: list[tuple[date, Members]]
    days: list[date]


def world(seed: int, *, sessions: int = 330, files: int = 3) -> World:
    """A world of ten shares over so many sessions; everything follows from the seed."""
    dice = random.Random(seed)
    days = sessions_between(date(2022, 1, 3), date(2024, 12, 31))[:sessions]
    closes = {name: _closes(dice, days) for name in LISTED}
    closes["MOG-A"] = _closes(dice, days)
    lists = [_file(dice, day) for day in dice.sample(days, files)]
    return World(history_of(closes), membership_of("IWM", lists), closes, lists, days)


def _closes(dice: random.Random, days: list[date]) -> dict[date, float]:
    """A walk with small steps, some of them none; it may begin late, end early, and miss days."""
    begins = dice.choice((0, 0, 0, dice.randrange(len(days))))
    ends = dice.choice((len(days), len(days), dice.randrange(len(days))))
    missing = dice.choice((0.0, 0.0, 0.003, 0.05))
    price, made = dice.uniform(5, 300), {}
    for place, day in enumerate(days):
        price = max(0.5, price * dice.choice((0.97, 0.99, 1.0, 1.0, 1.01, 1.03)))
        if begins <= place < ends and dice.random() >= missing:
            made[day] = float(f"{price:.7g}")
    return made


def _file(dice: random.Random, day: date) -> tuple[date, Members]:
    names = [name for name in (*LISTED, "MOG-A", "GONE") if dice.random() < 0.8] or ["A"]
    weights = [None if dice.random() < 0.1 else round(dice.uniform(0.01, 20), 2) for _ in names]
    return day, {name: (dice.choice(SECTORS), weight) for name, weight in zip(names, weights, strict=True)}


def history_of(closes: dict[str, dict[date, float]]) -> History:
    """The closes as history holds them."""
    rows = [(name, day, close, close) for name, series in closes.items() for day, close in series.items()]
    return History(pl.DataFrame(rows, schema=["symbol", "date", "close", "adj_close"], orient="row"))


def membership_of(fund: str, lists: list[tuple[date, Members]]) -> Membership:
    """The files as the product holds them: classes of shares with a dot, where history has a dash."""
    return Membership.of(fund, [MemberList.of(fund, day, _frame(members)) for day, members in lists])


def _frame(members: Members) -> pl.DataFrame:
    rows = [(name.replace("-", "."), name, sector, weight) for name, (sector, weight) in members.items()]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
