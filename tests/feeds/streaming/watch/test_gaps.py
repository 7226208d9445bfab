"""What is missing, and the vendor's numbers that show it."""

from __future__ import annotations

import pytest

from feeds.events import Batch
from feeds.streaming.watch.gaps import Gaps, Missing, Sequence
from rotation.quote import MINUTE_NS, NS, Quote, Role
from tests.feeds.streaming.test_state import ALL, SYMBOLS, Script, bars
from tests.support.fake_time import NOW_NS


@pytest.mark.parametrize(("number", "is_hole"), [(5, False), (6, False), (7, True), (8, True), (4, False)])
def test_one_number_that_is_missing_is_a_hole(number: int, is_hole: bool):
    sequence = Sequence({"IWM"})
    assert sequence.holes([("IWM", 5)]) == []
    assert sequence.holes([("IWM", number)]) == [frozenset({"IWM"})] * is_hole


@pytest.mark.parametrize(
    ("end_s", "overlaps"),
    [(-1, False), (0, False), (1, True), (60, True), (130, True), (160, True), (161, False)],
)
def test_a_bar_that_ends_where_the_gap_begins_holds_none_of_it(end_s: int, overlaps: bool):
    missing = Missing(NOW_NS, NOW_NS + 100 * NS)
    assert missing.overlaps(Quote("IWM", NOW_NS + end_s * NS, 1.0)) is overlaps


def test_a_bar_at_the_gap_s_start_is_left_out():
    """It would take the place of a minute of which nothing is missing."""
    script = Script().connect().frame(subscribed=ALL).answer(*bars(1)).prints()
    script.tick(65, printing=SYMBOLS).answer(*bars(0, -1)).tick(55, printing=SYMBOLS)
    assert script.now.ns == NOW_NS + 120 * NS
    script.lose(code=1006).tick(70).connect().frame(subscribed=ALL)
    script.events.clear()
    script.answer(*bars(-1, -2, -3))
    filled = [q.ts_ns for batch in script.of(Batch) for q in batch.quotes if q.role == Role.MINUTE]
    assert filled == [NOW_NS + 3 * MINUTE_NS] * 3


def test_gaps_are_joined_and_dropped_with_their_session():
    gaps = Gaps()
    gaps.open(["IWM"], 100, 200)
    gaps.put("IWM", Missing(150, 200, due_ns=999, tries=2))
    gaps.unpriced.clear()
    gaps.open(["IWM"], 300, 400)
    assert gaps.get("IWM") == Missing(150, 400)
    assert gaps.unpriced == {"IWM"}
    gaps.drop_before(400)
    assert gaps.symbols == {"IWM"}
    gaps.drop_before(401)
    assert (gaps.symbols, gaps.unpriced) == (frozenset(), set())
