"""What moves P(cut): the effect of one tick, and the price at which it passes a level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.fed.odds import conditional, odds
from rotation.fed.strip.chain import STEP_PCT, StripCase, solve
from rotation.fed.strip.contracts import Month

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rotation.fed.strip.chain import MeetingMove

TICK = 0.005
SPOT_TICK = 0.0025
"""Tick of the contract in its own month (CME Group, 30-Day Federal Funds Futures, contract specification)."""
LOWEST_PRICE = 90.0


class TickEffect(msgspec.Struct, frozen=True):
    """How one tick of one contract changes P(cut by the meeting), in shares of 1."""

    contract: Month
    tick: float
    up: float
    down: float


class Breakeven(msgspec.Struct, frozen=True):
    """Where one contract's price brings P(cut at the next meeting) to the level, the others unchanged."""

    contract: Month
    price: float | None
    """Exact, between ticks; None where no price of 90 or more does it."""
    ticks: float | None
    """From its price now; negative is down."""


def tick_size(contract: Month, case: StripCase) -> float:
    """0.0025 in the spot month, else 0.005."""
    return SPOT_TICK if contract == (case.watch_date.year, case.watch_date.month) else TICK


def p_cut(case: StripCase, meeting: int = 0, *, legacy: bool = False) -> float | None:
    """P(range below the current one after the meeting), conditional view; None where it is not solved."""
    moves = solve(case, legacy=legacy).moves
    if not 0 <= meeting < len(moves):
        return None
    return odds(conditional(moves[: meeting + 1])[-1], case.target_range_bp).cut


def tick_effects(case: StripCase, meeting: int = 0, *, legacy: bool = False) -> tuple[TickEffect, ...]:
    """The effect of one tick of every contract that this meeting's row rests on; empty if it is unsolved."""
    solved = solve(case, legacy=legacy).solved
    if not 0 <= meeting < len(solved):
        return ()
    moves = [row.x for row in solved[: meeting + 1] if row.x is not None]
    now = odds(conditional(moves)[-1], case.target_range_bp).cut
    contracts = sorted({month for row in solved[: meeting + 1] for month in row.contracts})
    effects = []
    for contract in contracts:
        tick = tick_size(contract, case)
        up, down = (
            (p_cut(_moved(case, contract, by), meeting, legacy=legacy) or 0.0) - now for by in (tick, -tick)
        )
        effects.append(TickEffect(contract, tick, up, down))
    return tuple(effects)


def breakevens(case: StripCase, level: float, *, legacy: bool = False) -> tuple[Breakeven, ...]:
    """For every contract of the next meeting, the price at which P(cut) passes ``level``.

    P(cut) is max(0, min(1, -x)) and x is linear in every price, so the inverse is exact: x = -level. A level
    outside [0, 1] has no price. Empty if the next meeting is unsolved.
    """
    return breakevens_at(case, (level,), legacy=legacy)[level]


def breakevens_at(
    case: StripCase, levels: Sequence[float], *, legacy: bool = False
) -> dict[float, tuple[Breakeven, ...]]:
    """``breakevens`` of several levels, by level. The chain is solved once a contract."""
    first = next(iter(solve(case, legacy=legacy).solved), None)
    if first is None:
        return dict.fromkeys(levels, ())
    here = _x(first)
    slopes = {
        contract: _x(solve(_moved(case, contract, 1), legacy=legacy).meetings[0]) - here
        for contract in first.contracts
    }
    return {
        level: tuple(_breakeven(case, contract, level, here, slope) for contract, slope in slopes.items())
        for level in levels
    }


def _breakeven(case: StripCase, contract: Month, level: float, here: float, slope: float) -> Breakeven:
    now = case.prices[contract]
    if not 0 <= level <= 1 or abs(slope) < 1e-9:
        return Breakeven(contract, None, None)
    price = now + (-level - here) / slope
    if price < LOWEST_PRICE:
        return Breakeven(contract, None, None)
    return Breakeven(contract, price, (price - now) / tick_size(contract, case))


def _x(meeting: MeetingMove) -> float:
    """Its move before it is snapped to a whole number."""
    assert meeting.end_pct is not None
    assert meeting.start_pct is not None
    return (meeting.end_pct - meeting.start_pct) / STEP_PCT


def _moved(case: StripCase, contract: Month, by: float) -> StripCase:
    prices = {**case.prices, contract: case.prices[contract] + by}
    return msgspec.structs.replace(case, prices=prices)
