"""Levels of P(cut): one tick on either side gives the two probabilities, by the chain itself."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.demo.fed import demo_fed
from rotation.fed.breakevens import breakevens_at, p_cut, tick_effects, tick_size
from rotation.fed.figures import FedBreakeven, FedContract, FedTick
from rotation.fed.strip.chain import StripCase
from rotation.fed.strip.contracts import symbol
from rotation.sessions import open_ns
from rotation.story.cut_levels import cut_levels

DAY = date(2024, 7, 16)
MEETINGS = (date(2024, 7, 31), date(2024, 9, 18), date(2024, 11, 7), date(2024, 12, 18))


@given(st.lists(st.integers(18_900, 18_960), min_size=3, max_size=3))
def test_one_tick_on_either_side_gives_the_two_probabilities(prices):
    months = ((2024, 7), (2024, 8), (2024, 9))
    case = StripCase(DAY, (525, 550), MEETINGS, {m: p * 0.005 for m, p in zip(months, prices, strict=True)})
    shown = demo_fed(open_ns(DAY) + 3600 * 10**9)
    assert shown is not None
    at = breakevens_at(case, (0.25, 0.5, 0.75))
    template = shown.contracts[0]
    known = msgspec.structs.replace(
        shown,
        ticks=tuple(FedTick(symbol(t.contract), t.tick, t.up, t.down) for t in tick_effects(case)),
        breakevens=tuple(
            FedBreakeven(symbol(b.contract), level, b.price, b.ticks)
            for level, rows in at.items()
            for b in rows
        ),
        contracts=tuple(_contract(template, symbol(month), price) for month, price in case.prices.items()),
    )
    names = {symbol(month): month for month in months}
    stated = cut_levels(known)
    assert stated
    for level in stated:
        month = names[level.leg]
        assert level.tick == tick_size(month, case)
        for ticks, wanted in ((0, level.at_or_above), (-1, level.below)):
            moved = {**case.prices, month: level.price + ticks * level.tick}
            assert p_cut(msgspec.structs.replace(case, prices=moved)) == pytest.approx(wanted, abs=1e-6)
        assert (level.at_or_above - level.mark) * (level.below - level.mark) <= 1e-6
        assert level.change_pct == pytest.approx((level.price / case.prices[month] - 1) * 100)


def _contract(template: FedContract, name: str, price: float) -> FedContract:
    return msgspec.structs.replace(template, symbol=name, price=price)


def test_the_demo_s_levels_stand_at_its_breakevens():
    shown = demo_fed(open_ns(DAY) + 3600 * 10**9)
    assert shown is not None
    levels = cut_levels(shown)
    prices = {(row.contract, row.level): row.price for row in shown.breakevens}
    assert levels
    for level in levels:
        exact = prices[level.leg, level.mark]
        assert exact is not None
        assert 0 <= level.price - exact + 1e-6 <= level.tick + 2e-6
