"""Sectors and the advance/decline line, against dictionaries and loops over random worlds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.market.market import Market
from rotation.sessions import close_ns
from tests.support.breadth import oracle
from tests.support.breadth.worlds import world

if TYPE_CHECKING:
    from datetime import date

    from rotation.breadth.figures import IndexBreadth


def sectors(
    closes: oracle.Closes, members: oracle.Members, day: date, before: date
) -> dict[str, list[float]]:
    """Sector → weight, weight × return, up, counted, total. Weights None are none."""
    made: dict[str, list[float]] = {}
    for symbol, (sector, weight) in members.items():
        row = made.setdefault(sector, [0.0, 0.0, 0, 0, 0])
        row[4] += 1
        value, was = closes.get(symbol, {}).get(day), closes.get(symbol, {}).get(before)
        if value is None or was is None:
            continue
        way = oracle.way(value, was)
        row[3] += 1
        row[2] += way > 0
        if weight is not None:
            row[0] += weight
            row[1] += weight * (value / was - 1 if way else 0.0)
    return made


def shown(made, session: date) -> IndexBreadth:
    bell = close_ns(session)
    market = Market(made.history, as_of_ns=bell, membership=(made.membership,))
    breadth = market.apply([], as_of_ns=bell).breadth
    return None if breadth is None else breadth.indices["IWM"]


@given(st.integers(0, 10_000), st.integers(60, 149))
@settings(max_examples=max(10, settings().max_examples // 3))
def test_sectors_and_the_line_are_those_of_the_definition(seed: int, place: int) -> None:
    made = world(seed, sessions=150)
    day, before = made.days[place], made.days[place - 1]
    index = shown(made, day)
    held = oracle.list_on(made.lists, day)
    if held is None:
        assert index is None
        return
    expected = sectors(made.closes, held[1], day, before)
    if index.now is None:
        assert index.sectors == ()
    else:
        assert {each.sector for each in index.sectors} == expected.keys()
        for each in index.sectors:
            weight, moved, up, counted, total = expected[each.sector]
            assert (each.advances, each.counted, each.total) == (up, counted, total)
            if each.weight_pct is None:
                assert weight == 0.0
                assert each.return_pct is each.contribution_pp is None
            else:
                assert each.weight_pct == pytest.approx(weight)
                assert each.contribution_pp == pytest.approx(moved)
                assert each.return_pct == pytest.approx(100 * moved / weight) if weight else True
        weights = [each.weight_pct or 0.0 for each in index.sectors]
        assert weights == sorted(weights, reverse=True)
    records = list(oracle.breadth(made.closes, made.lists, made.days[:place]))[-120:]
    line, sum_ = [], 0
    for each in records:
        sum_ += each["advances"] - each["declines"]
        line.append((each["session"], sum_))
    assert list(index.advance_decline) == line


def test_a_file_without_weights_has_sectors_without_returns() -> None:
    made = world(3, sessions=80)
    bare = [(day, {name: (sector, None) for name, (sector, _) in held.items()}) for day, held in made.lists]
    from tests.support.breadth.worlds import membership_of

    index = shown(made._replace(membership=membership_of("IWM", bare), lists=bare), made.days[-1])
    assert index.sectors
    assert {(each.weight_pct, each.return_pct, each.contribution_pp) for each in index.sectors} == {
        (None, None, None)
    }
    assert sum(each.counted for each in index.sectors) == index.now.counted
