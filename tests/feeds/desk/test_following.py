"""Newer lists of members reach everybody who follows them, whatever becomes of one."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from feeds.desk.opened.supervision import follow_members
from feeds.errors import InputError
from feeds.supervisor import Supervisor
from rotation.breadth.members import SCHEMA, MemberList, Membership
from rotation.history import History
from rotation.market.market import Market
from tests.support.fake_time import NOW_NS, at_once

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = date(2024, 7, 15)


def membership(*symbols: str) -> tuple[Membership, ...]:
    rows = [(symbol, "", "", None) for symbol in symbols]
    return (Membership.of("OWN", [MemberList.of("OWN", DAY, pl.DataFrame(rows, SCHEMA, orient="row"))]),)


class Follower:
    def __init__(self, name: str, error: Exception | None = None) -> None:
        self.name = name
        self.taken: list[Any] = []
        self._error = error

    def take_members(self, members: Sequence[Membership]) -> None:
        if self._error is not None:
            raise self._error
        self.taken.append(members)


class Holdings:
    on_members: Any = None


@pytest.mark.parametrize("error", [InputError("renames.csv: line 2: no date"), ValueError("a defect")])
async def test_one_that_fails_is_told_and_stops_no_other(error, caplog):
    broken, after = Follower("member closes", error), Follower("members")
    holdings: Any = Holdings()
    market = Market(History.empty(), as_of_ns=NOW_NS)
    supervisor = Supervisor(market, [], clock_ns=lambda: NOW_NS, offload=at_once)
    follow_members(supervisor, [broken, holdings, after], ())  # type: ignore[list-item]
    newer = membership("AAA", "BBB")
    with pytest.raises(type(error), match=str(error)):
        await holdings.on_members(newer)
    assert supervisor.membership == newer
    assert after.taken == [newer]
    assert "member closes cannot take a newer list" in caplog.text


async def test_a_desk_that_fails_stops_no_follower(monkeypatch):
    after, holdings = Follower("members"), Holdings()
    supervisor = Supervisor(Market(History.empty(), as_of_ns=NOW_NS), [], offload=at_once)

    async def fail(_membership: object) -> None:
        raise InputError("no")

    monkeypatch.setattr(supervisor, "take_members", fail)
    follow_members(supervisor, [after, holdings], ())  # type: ignore[list-item]
    with pytest.raises(InputError):
        await holdings.on_members(membership("AAA"))
    assert len(after.taken) == 1
