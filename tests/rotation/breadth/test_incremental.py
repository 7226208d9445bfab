"""Breadth that follows each member is breadth computed anew from all of them, to the last digit."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.breadth.past import past
from rotation.breadth.today import Counted
from tests.support.breadth.worlds import world

WORLDS = [world(seed) for seed in range(6)]
MOVES = (None, 0.5, 0.9, 0.99, 1.0, 1.0 + 5e-7, 1.01, 1.1, 3.0)
"""Of the value before the session; None: no value any more."""
STEP = st.tuples(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(MOVES)), max_size=8), st.integers(0, 3)
)


@settings(max_examples=60)
@given(st.integers(0, len(WORLDS) - 1), st.integers(1, 60), st.lists(STEP, max_size=25))
def test_step_by_step_is_all_at_once(seed, ago, steps):
    """Whatever is asked for meanwhile: counts always, sectors and movers now and then."""
    made = WORLDS[seed]
    before = past(made.history, made.membership, made.days[-ago])
    symbols = before.table["symbol"].to_list()
    backs = before.table["back_1"].to_list() if before.members is not None else []
    values: list[float | None] = [None] * len(symbols)
    counted = Counted(before)
    for moves, asked in steps:
        for place, move in moves:
            if backs:
                at = place % len(backs)
                values[at] = None if move is None else (backs[at] or 50.0) * move
        if backs:
            counted.take(values, {place % len(backs) for place, _ in moves})
        anew = Counted(before, dict(zip(symbols, values, strict=True)))
        assert counted.figures() == anew.figures()
        assert [counted.is_counted(i) for i in range(len(backs))] == [
            anew.is_counted(i) for i in range(len(backs))
        ]
        if asked & 1:
            assert counted.sectors() == anew.sectors()
        else:
            counted.forget_sectors()
        if asked & 2:
            assert counted.movers() == anew.movers()
        else:
            counted.forget_movers()
