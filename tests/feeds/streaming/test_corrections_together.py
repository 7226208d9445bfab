"""Many prints taken back within a second are looked for in one go."""

from __future__ import annotations

from feeds.clock import Moment
from feeds.events import Correction
from feeds.streaming.buffer import HandedOn
from feeds.streaming.corrections import UNFOUND, Corrections
from feeds.streaming.requests import Answer
from rotation.columns import of_quotes
from rotation.quote import MINUTE_NS, NS, Quote
from tests.support.fake_time import NOW_NS


class Counted(HandedOn):
    """As any, and how often it was searched."""

    searches = 0

    def alike(self, *asked):
        self.searches += 1
        return super().alike(*asked)


def corrections_of(handed_on: HandedOn) -> Corrections:
    return Corrections({"IWM", "QQQ"}, {}, handed_on, late_ns=0)


def test_what_was_handed_on_is_searched_once_for_all_corrections_of_a_second():
    handed_on = Counted()
    prints = [Quote("IWM", NOW_NS - 120 * NS + i, 221.0, i + 1, 100) for i in range(300)]
    handed_on.add_rows(of_quotes(prints))
    corrections = corrections_of(handed_on)
    for print_ in prints:
        corrections.on_corrections([Correction("IWM", NOW_NS, print_.seq)], Moment(ns=NOW_NS, s=5.0))
    assert (handed_on.searches, corrections.suspect) == (0, {"IWM"})
    assert corrections.next_request(Moment(ns=NOW_NS + NS, s=6.0)) is None
    assert corrections.next_request(Moment(ns=NOW_NS + 3 * NS, s=8.0)) is not None
    assert handed_on.searches == 1


def test_a_share_that_trades_a_hundred_times_a_second_loses_no_print_for_one_taken_back():
    """All prints since the last bar stay, however many a busy minute has."""
    start_ns = NOW_NS // MINUTE_NS * MINUTE_NS
    prints = [Quote("IWM", start_ns + 1 + i * NS // 100, 221.0, i + 1, 100) for i in range(5_800)]
    handed_on = HandedOn()
    handed_on.add_rows(of_quotes(prints))
    corrections = corrections_of(handed_on)
    now = Moment(ns=start_ns + 58 * NS, s=100.0)
    corrections.on_corrections([Correction("IWM", now.ns, 7)], now)
    later = Moment(ns=start_ns + 63 * NS, s=105.0)
    request = corrections.next_request(later)
    assert request is not None
    assert request.end_ns == start_ns, "the minute has only just ended: it has no bar yet"
    before = Quote("IWM", start_ns, 220.0, -1, 900, 220.5, 219.5, MINUTE_NS)
    corrections.on_answer(Answer(bars=(before,)), later)
    (replaced,) = corrections.take_replaced()
    assert [quote.seq for quote in replaced.quotes[1:]] == [i for i in range(1, 5_801) if i != 7]


def test_corrections_that_nobody_has_looked_for_are_bounded():
    handed_on = Counted()
    corrections = corrections_of(handed_on)
    for seq in range(1, 2 * UNFOUND + 2):
        corrections.on_corrections([Correction("IWM", NOW_NS, seq)], Moment(ns=NOW_NS, s=5.0))
    assert handed_on.searches == 2
    assert len(corrections._unfound) == 1


def test_a_print_taken_back_while_it_waited_is_left_out_as_columns_too():
    corrections = corrections_of(HandedOn())
    prints = [Quote("IWM", NOW_NS - 10 + i, 221.0, i + 1, 100) for i in range(5)]
    corrections.on_corrections([Correction("IWM", NOW_NS, 2)], Moment(ns=NOW_NS, s=5.0))
    rows = of_quotes(prints)
    assert corrections.without_wrong_rows(rows)["seq"].to_list() == [1, 3, 4, 5]
    corrections.on_corrections([Correction("IWM", NOW_NS, 5)], Moment(ns=NOW_NS, s=5.0))
    assert corrections.without_wrong_rows(rows)["seq"].to_list() == [1, 3, 4]
    later = of_quotes([Quote("IWM", NOW_NS + 1, 221.0, 2, 100), Quote("QQQ", NOW_NS - 9, 490.0, 2, 100)])
    assert corrections.without_wrong_rows(later)["seq"].to_list() == [2, 2], "another trade, and another's"
