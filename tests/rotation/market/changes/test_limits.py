"""The limit from which silence makes a live price STALE: a person's own, in every place that has one."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.desk import STALE_AFTER_S, Desk, DeskChange
from rotation.market import bid_ask
from rotation.market.market import Market
from rotation.market.status import THIN_AFTER_S, Provenance, of_close, of_print
from rotation.quote import NS, Nbbo, Quote
from rotation.sessions import open_ns, session_at
from rotation.status import LIVE, Kind, delayed, worst
from tests.support.core_worlds import CALENDAR, FIRST, LEGS, PRICED, World, closes, history_of, worlds

DAY = CALENDAR[FIRST + 1]
EXAMPLES = settings.default.max_examples
MODES = st.sampled_from([LIVE, delayed(15)])
LIMITS = st.floats(1.0, 900.0)
AGES = st.floats(0.0, 5_000.0)
SINCE_OPEN_S = st.floats(-7_200.0, 30_000.0)


@given(MODES, AGES, SINCE_OPEN_S, LIMITS, LIMITS)
def test_a_smaller_limit_never_makes_a_print_better(mode, age_s, since_s, first, second):
    as_of_ns = open_ns(DAY) + round(since_s * NS)
    ts_ns = as_of_ns - round(age_s * NS)
    strict, lax = (
        of_print(Provenance(mode), ts_ns, as_of_ns, stale_s=each) for each in sorted((first, second))
    )
    assert worst((strict, lax)).kind == strict.kind
    assert msgspec.structs.replace(strict, kind=lax.kind) == lax, "nothing else of it is another one"


@given(MODES, st.integers(0, 2), SINCE_OPEN_S, LIMITS, LIMITS)
def test_a_smaller_limit_never_makes_a_close_better(mode, days, since_s, first, second):
    as_of_ns = open_ns(DAY) + round(since_s * NS)
    closed, session = CALENDAR[FIRST + 1 - days], session_at(as_of_ns)
    limits = sorted((first, second))
    strict, lax = (of_close(Provenance(mode), closed, session, as_of_ns, stale_s=each) for each in limits)
    assert worst((strict, lax)).kind == strict.kind


@given(AGES, LIMITS)
def test_a_live_print_is_stale_exactly_beyond_the_limit(age_s, limit_s):
    as_of_ns = open_ns(DAY) + round(2 * 3600 * NS)
    status = of_print(Provenance(LIVE), as_of_ns - round(age_s * NS), as_of_ns, stale_s=limit_s)
    assert status.kind is (Kind.STALE if status.age_s > limit_s else Kind.LIVE)


@given(AGES)
def test_without_a_limit_it_is_the_usual_one(age_s):
    as_of_ns = open_ns(DAY) + round(2 * 3600 * NS)
    ts_ns = as_of_ns - round(age_s * NS)
    plain = of_print(Provenance(LIVE), ts_ns, as_of_ns)
    assert plain == of_print(Provenance(LIVE), ts_ns, as_of_ns, stale_s=STALE_AFTER_S)
    assert Desk().stale_s == STALE_AFTER_S < THIN_AFTER_S


def test_a_bid_and_ask_go_when_a_print_of_their_age_would_be_stale():
    as_of_ns = open_ns(DAY) + 3600 * NS
    market = Nbbo("IWM", 219.99, 220.01, as_of_ns - 20 * NS)
    shown = [
        bid_ask.shown(market, Provenance(LIVE), DAY, as_of_ns, stale_s=limit_s).mid
        for limit_s in (19.9, 20.0, 30.0)
    ]
    assert shown == [None, 220.0, 220.0]


@settings(max_examples=max(5, EXAMPLES // 10))
@given(worlds(fewest=2), LIMITS, st.data())
def test_a_limit_that_is_changed_in_the_middle_of_the_day_is_as_if_it_had_always_been(
    world: World, limit_s, data
):
    """Legs, pairs, breadth and headline alike; no print of today is lost."""
    turn = data.draw(st.integers(0, len(world.batches) - 1))
    desk = msgspec.structs.replace(world.desk, stale_s=limit_s, leg_gap_s=limit_s)
    market, always = world.market(), world._replace(desk=desk).market()
    for number, (quotes, as_of_ns) in enumerate(world.batches):
        if number == turn:
            market.take_desk(DeskChange(stale_s=limit_s, leg_gap_s=limit_s).of(market.desk))
        shown, expected = (each.apply(quotes, as_of_ns=as_of_ns) for each in (market, always))
        assert number < turn or shown == expected


@pytest.mark.parametrize(("limit_s", "kind"), [(10.0, Kind.STALE), (30.0, Kind.LIVE), (60.0, Kind.LIVE)])
def test_every_part_of_a_snapshot_takes_the_limit(limit_s, kind):
    """Leg, spread, ratio, headline and connection of prices that are 20 s old."""
    rows = [row for symbol in LEGS for row in closes(symbol, [CALENDAR[FIRST]], b"\3")]
    as_of_ns = open_ns(DAY) + 3600 * NS
    desk = Desk(legs=LEGS, stale_s=limit_s)
    market = Market(history_of(rows), desk, as_of_ns=as_of_ns - NS, origin=Provenance(LIVE, "a feed"))
    shown = market.apply(
        [Quote(symbol, as_of_ns - 20 * NS, float(PRICED[symbol])) for symbol in LEGS], as_of_ns=as_of_ns
    )
    kinds = [leg.status.kind for leg in shown.legs.values()]
    kinds += [shown.ratio.status.kind, shown.headline_status.kind, shown.connection.kind]
    kinds += [window.status.kind for window in shown.spread.windows.values()]
    assert set(kinds) == {kind}


@settings(max_examples=max(5, EXAMPLES // 10))
@given(worlds(fewest=2), st.sampled_from(["price", "total"]), st.data())
def test_returns_that_are_changed_in_the_middle_of_the_day_are_as_if_they_had_always_been(
    world: World, returns, data
):
    turn = data.draw(st.integers(0, len(world.batches) - 1))
    market = world.market()
    always = world._replace(desk=msgspec.structs.replace(world.desk, returns=returns)).market()
    for number, (quotes, as_of_ns) in enumerate(world.batches):
        if number == turn:
            desk = DeskChange(returns=returns).of(market.desk)
            market.take_desk(desk, market.pass_for(desk)())
        shown, expected = (each.apply(quotes, as_of_ns=as_of_ns) for each in (market, always))
        assert number < turn or shown == expected


def test_changes_add_up():
    first = DeskChange(stale_s=10.0)
    assert DeskChange(leg_gap_s=5.0).after(first) == DeskChange(stale_s=10.0, leg_gap_s=5.0)
    assert DeskChange(stale_s=20.0).after(first) == DeskChange(stale_s=20.0)
    assert DeskChange().of(Desk()) == Desk()
