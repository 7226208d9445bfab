"""The prices of the futures at which P(cut at the next meeting) passes a level, on the tick grid."""

from __future__ import annotations

from itertools import groupby
from math import ceil
from typing import TYPE_CHECKING

from rotation.context.figures import Level

if TYPE_CHECKING:
    from rotation.fed.figures import Fed, FedBreakeven

FIGURE = "fed.next.cut"
NEAR = 1e-6
"""As a share of a tick: a breakeven this close to the grid lies on it."""


def cut_levels(fed: Fed) -> list[Level]:
    """Of every contract that the next decision rests on, the others unchanged.

    P(cut) is linear in each price between 0 and 1, so two breakevens of a contract give it everywhere. Empty
    where it is not solved.
    """
    ticks = {effect.contract: effect.tick for effect in fed.ticks}
    prices = {contract.symbol: contract.price for contract in fed.contracts}
    by_contract = sorted(fed.breakevens, key=lambda each: each.contract)
    return [
        level
        for contract, rows in groupby(by_contract, key=lambda each: each.contract)
        if contract in ticks
        for level in _of_contract(list(rows), ticks[contract], prices.get(contract))
    ]


def _of_contract(rows: list[FedBreakeven], tick: float, now: float | None) -> list[Level]:
    known = [(row.level, row.price) for row in rows if row.price is not None]
    if len(known) < 2:
        return []
    (low, at_low), (high, at_high) = known[0], known[-1]
    if at_low == at_high:
        return []
    slope = (high - low) / (at_high - at_low)
    levels: list[Level] = []
    for level, price in known:
        steps = ceil(price / tick - NEAR)
        at, below = (
            min(1.0, max(0.0, low + slope * (place * tick - at_low))) for place in (steps, steps - 1)
        )
        levels.append(
            Level(
                figure=FIGURE,
                leg=rows[0].contract,
                price=round(steps * tick, 4),
                tick=tick,
                at_or_above=round(at, 9),
                below=round(below, 9),
                change_pct=None if now is None else (steps * tick / now - 1) * 100,
                mark=level,
            )
        )
    return levels
