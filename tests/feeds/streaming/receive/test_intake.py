"""What frames contain, on its way to the consumer: what is measured by it, and what may change a state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from feeds.events import Correction
from feeds.streaming.receive.gathered import Gathered
from feeds.streaming.vendor import Halt
from rotation.columns import PrintColumns
from rotation.quote import MINUTE_NS, NS, Quote, Role
from tests.feeds.streaming.test_state import ALL, PRICES, SYMBOLS, Script
from tests.support.fake_time import NOW_NS

if TYPE_CHECKING:
    from collections.abc import Callable

    As = Callable[[list[Quote]], list[Quote] | PrintColumns]

ONE_BY_ONE_OR_COLUMNS = pytest.mark.parametrize("of", [list, PrintColumns.of], ids=["prints", "columns"])


def subscribed() -> Script:
    return Script().connect().frame(subscribed=ALL).answer()


def price(symbol: str, at_ns: int, number: int = 1, role: Role = Role.PRICE) -> Quote:
    return Quote(symbol, at_ns, PRICES.get(symbol, 50.0), number, 100, role=role)


@pytest.mark.parametrize(
    ("symbol", "bar_ns", "is_behind"),
    [("IWM", 0, True), ("IWM", MINUTE_NS, False), ("TSLA", 0, False)],
    ids=["prints", "bars", "of another symbol"],
)
def test_our_clock_is_measured_by_the_prints_of_what_is_followed(symbol, bar_ns, is_behind):
    script = subscribed().tick(3, printing=SYMBOLS)
    ahead_ns = script.now.ns + 30 * NS
    script.frame(
        quotes=tuple(
            Quote(symbol, ahead_ns + i, PRICES.get(symbol, 50.0), i, 100, bar_ns=bar_ns) for i in range(64)
        )
    )
    assert (script.state._watch.lag.behind_s is not None) is is_behind


def test_our_clock_is_measured_by_prints_that_come_together_too():
    script = subscribed().tick(3, printing=SYMBOLS)
    held = Gathered()
    held.prints = PrintColumns.of([price("IWM", script.now.ns + 30 * NS + i, i) for i in range(64)])
    script.state._intake.take_gathered(held, script.now)
    assert script.state._watch.lag.behind_s is not None


@ONE_BY_ONE_OR_COLUMNS
def test_lag_is_that_of_the_newest_print_whatever_their_order(of: As):
    script = subscribed()
    now_ns = script.now.ns
    script.state._intake.admit(of([price("QQQ", now_ns), price("IWM", now_ns - 3 * NS // 2)]), script.now)
    assert script.state._watch.lag.least_s == 0.0


@ONE_BY_ONE_OR_COLUMNS
def test_a_print_that_sets_no_price_ends_no_halt(of: As):
    script = Script().live().frame(halts=(Halt("IWM", halted=True, ts_ns=NOW_NS),)).tick(6)
    early = [price("IWM", NOW_NS + NS, 4), price("IWM", script.now.ns, 6, Role.SIZE)]
    script.state._intake.admit(of(early), script.now)
    assert script.state._halts.named == {"IWM"}, "its price is of before the halt's end"
    for role, halted in ((Role.SIZE, {"IWM"}), (Role.PRICE, set())):
        script.state._intake.admit(of([price("IWM", script.now.ns, 5, role)]), script.now)
        assert script.state._halts.named == halted
        script.tick()


@ONE_BY_ONE_OR_COLUMNS
def test_a_first_print_and_one_of_a_symbol_in_doubt_may_change_a_state(of: As):
    script = subscribed()
    changed = []
    for place, symbol in enumerate(("IWM", "IWM", "QQQ", "QQQ")):
        script.s += 1
        changed.append(script.state._intake.admit(of([price(symbol, script.now.ns, place)]), script.now))
    assert changed == [True, False, True, False]
    known = Script().connect().frame(subscribed=ALL)
    known.answer(newest=[price(symbol, NOW_NS - NS) for symbol in SYMBOLS])
    known.s += 1
    assert known.state._intake.admit(of([price("IWM", known.now.ns)]), known.now), "the first"
    known.s += 1
    assert not known.state._intake.admit(of([price("QQQ", known.now.ns)]), known.now)


@ONE_BY_ONE_OR_COLUMNS
def test_a_size_alone_takes_no_price_out_of_doubt(of: As):
    script = subscribed()
    script.state._intake.admit(of([price("QQQ", script.now.ns)]), script.now)
    script.s += 1
    assert not script.state._intake.admit(of([price("IWM", script.now.ns, 2, Role.SIZE)]), script.now)
    assert "IWM" in script.state._backfill._gaps.unpriced


def test_what_is_taken_back_among_prints_that_come_together_is_left_out():
    script = Script().live()
    wrong_ns = script.now.ns
    script.tick(1)
    held = Gathered()
    held.prints = PrintColumns.of([price("QQQ", script.now.ns)])
    held.corrections = (Correction("IWM", wrong_ns),)
    assert script.state._intake.take_gathered(held, script.now)
    assert script.tick().symbol_states == {"IWM": "GAPPED"}
