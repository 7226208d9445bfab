from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feeds.clock import Moment
from feeds.streaming.filter import LiveFilter, QuoteFilter
from feeds.streaming.many.seen import KEPT
from feeds.streaming.requests import Answer
from feeds.streaming.vendor import Nbbo
from feeds.streaming.watch.ahead import WAITING
from rotation.quote import MINUTE_NS, NS, PRICE_MAX, Quote
from tests.support.fake_time import NOW_NS


def a_filter(**closes: float) -> QuoteFilter:
    return QuoteFilter({"IWM", "QQQ"}, closes)


def iwm(price: float, ts_ns: int = NOW_NS, seq: int = 0, size: int = 0, **more) -> Quote:
    return Quote("IWM", ts_ns, price, seq, size, **more)


def test_what_is_repeated_counts_once():
    at = a_filter()
    assert at.admit([iwm(220.0, seq=7)] * 3, NOW_NS) == [iwm(220.0, seq=7)]
    assert at.admit([iwm(220.0, seq=7, size=9)], NOW_NS) == []  # a size told as a difference
    assert at.duplicates == 3


def test_without_a_number_the_size_tells_prints_apart():
    at = a_filter()
    two = [iwm(220.0, size=100), iwm(220.0, size=200)]
    assert at.admit([*two, *two], NOW_NS) == two


def test_a_revision_is_no_repeat():
    at = a_filter()
    assert len(at.admit([iwm(220.0, seq=7), iwm(220.1, seq=7)], NOW_NS)) == 2
    assert at.last["IWM"].price == 220.1


def test_memory_is_bounded_and_the_oldest_goes():
    at = a_filter()
    at.admit((iwm(220.0, NOW_NS + i, 1) for i in range(KEPT + 50)), NOW_NS)
    assert len(at._seen) == KEPT
    assert at.admit([iwm(220.0, NOW_NS + KEPT + 40, 1)], NOW_NS) == []
    assert at.admit([iwm(220.0, NOW_NS, 1)], NOW_NS) != []


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (iwm(0.0), "invalid price 0"),
        (iwm(-3.0), "invalid price -3"),
        (iwm(math.nan), "invalid price nan"),
        (iwm(math.inf), "invalid price inf"),
        (iwm(1e308), "invalid price 1e+308"),
        (iwm(220.0, high=math.nan), "invalid price nan"),
        (iwm(220.0, low=-1.0), "invalid price -1"),
        (iwm(220.0, high=219.0, low=218.0), "close outside the bar's high and low"),
        (iwm(220.0, high=218.0, low=221.0), "close outside the bar's high and low"),
        (iwm(220.0, size=-1), "negative size"),
        (iwm(220.0, 0), "implausible time"),
        (iwm(220.0, NOW_NS + 61 * NS), "implausible time"),
    ],
)
def test_what_cannot_be_is_refused_and_said(bad, why):
    at = a_filter()
    assert at.admit([bad], NOW_NS) == []
    assert (at.rejects, at.last_reject) == (1, f"IWM: {why}")


@pytest.mark.parametrize("end", [{"high": 220.0, "low": 219.0}, {"high": 221.0, "low": 220.0}])
def test_a_bar_may_close_at_its_high_or_low(end):
    at = a_filter()
    assert at.admit([iwm(220.0, **end)], NOW_NS) == [iwm(220.0, **end)]


def test_what_waits_for_its_time_beyond_the_most_is_counted():
    """Bars of a clock that is behind, say: of none of them another shows that their time has come."""
    live = LiveFilter(frozenset({f"A{i}" for i in range(WAITING + 5)}), {})
    bars = [Quote(name, NOW_NS + 3 * NS, 50.0, bar_ns=MINUTE_NS) for name in sorted(live._symbols)]
    assert live.admit_live(bars, NOW_NS, 0) == []
    assert (live.rejects, live.last_reject) == (5, f"{bars[-1].symbol}: implausible time")
    assert len(live.admit_live([], NOW_NS + 3 * NS, 0)) == WAITING


def test_strangers_are_passed_over():
    at = a_filter()
    assert at.admit([Quote("TSLA", NOW_NS, 1.0)], NOW_NS) == []
    assert at.rejects == 0


def test_a_spike_waits_and_is_forgotten():
    at = a_filter()
    assert at.admit([iwm(220.0, seq=1), iwm(286.0, seq=2), iwm(220.1, seq=3)], NOW_NS) == [
        iwm(220.0, seq=1),
        iwm(220.1, seq=3),
    ]
    assert at.rejects == 1
    assert "286 jumps by more than 10%" in at.last_reject
    # It bears out nothing later.
    assert at.admit([iwm(287.0, seq=4)], NOW_NS) == []


def test_a_spike_repeated_is_no_second_print():
    at = a_filter(IWM=220.0)
    assert at.admit([iwm(286.0, seq=2)] * 3, NOW_NS) == []
    assert (at.rejects, at.duplicates) == (1, 2)


def test_a_second_print_bears_the_first_out():
    at = a_filter(IWM=880.0)
    halves = [iwm(220.0 + i / 10, NOW_NS - i, seq=i) for i in (1, 2, 3)]  # four for one
    assert at.admit(halves, NOW_NS) == halves
    assert (at.rejects, at.last_reject) == (0, "")


@pytest.mark.parametrize(
    "second",
    [
        iwm(286.1, NOW_NS + NS, seq=7),  # the same trade, told again
        iwm(286.1, seq=8),  # another at the same time: the same frame with another volume
        iwm(286.0, seq=8, size=9),
    ],
)
def test_what_is_no_other_trade_at_another_time_bears_nothing_out(second):
    """Two frames of Yahoo, alike but for the day's volume, once gave QQQ at 61,817."""
    at = a_filter(IWM=220.0)
    assert at.admit([iwm(286.0, seq=7), second, iwm(220.1, NOW_NS + 2 * NS, seq=9)], NOW_NS) == [
        iwm(220.1, NOW_NS + 2 * NS, seq=9)
    ]
    assert at.rejects == 2


def funds(**closes: float) -> QuoteFilter:
    return QuoteFilter({"IWM", "QQQ"}, closes, always_asks=True)


WRONG = [iwm(61_817.0, NOW_NS + 1, seq=1), iwm(61_820.0, NOW_NS + 2, seq=2)]


def test_two_wide_jumps_in_a_broad_fund_wait_for_a_snapshot():
    at = funds(IWM=220.0)
    assert at.admit(WRONG, NOW_NS) == []
    assert at.doubted == {"IWM"}
    assert at.last_reject == "IWM: 61820 jumps by more than 25%, waiting for a snapshot"
    assert at.on_newest("IWM", 220.3) == []
    assert (at.doubted, at.rejects) == (frozenset(), 2)
    fine = iwm(220.2, NOW_NS + 3, seq=3)
    assert at.admit([fine], NOW_NS) == [fine]


def test_a_snapshot_that_agrees_lets_them_in():
    """A split that nobody told of."""
    at = funds(IWM=880.0)
    split = [iwm(220.0 + i / 10, NOW_NS + i, seq=i) for i in (1, 2, 3)]
    assert at.admit(split, NOW_NS) == []
    assert at.on_newest("IWM", 220.5) == split
    assert (at.doubted, at.rejects, at.last_reject) == (frozenset(), 0, "")
    assert at.last["IWM"] == split[-1]


def test_a_source_without_snapshots_needs_a_third_print():
    at = funds(IWM=880.0)
    split = [iwm(220.0 + i / 10, NOW_NS + i, seq=i) for i in (1, 2, 3)]
    at.admit(split[:2], NOW_NS)
    assert at.on_newest("IWM", None) == []
    assert at.doubted == {"IWM"}
    at.admit(split[2:], NOW_NS)
    assert at.on_newest("IWM", None) == split


def test_a_print_at_the_old_price_ends_the_doubt():
    at = funds(IWM=220.0)
    fine = iwm(220.1, NOW_NS + 3, seq=3)
    assert at.admit([*WRONG, fine], NOW_NS) == [fine]
    assert at.doubted == frozenset()
    assert at.on_newest("IWM", 61_817.0) == []


def test_what_is_held_is_bounded():
    at = funds(IWM=220.0)
    at.admit([iwm(900.0 + i / 10, NOW_NS + i, seq=i) for i in range(1, 200)], NOW_NS + 200)
    passed = at.on_newest("IWM", 901.0)
    assert len(passed) == 8
    assert passed[-1].price == pytest.approx(919.9)


@pytest.mark.parametrize(("seconds", "count", "is_undone"), [(31, 3, False), (29, 3, True), (31, 2, True)])
def test_a_level_that_has_stood_for_half_a_minute_is_not_undone_by_one_print(seconds, count, is_undone):
    """Once a bad print at history's close undid the first prints after a split."""
    at = a_filter(IWM=440.0)
    level = [iwm(220.0 + i / 100, NOW_NS + i * NS, i + 1) for i in range(count)]
    assert at.admit(level, NOW_NS + count * NS) == level
    back_ns = NOW_NS + seconds * NS
    assert bool(at.admit([iwm(440.0, back_ns, 99)], back_ns)) is is_undone
    assert at.take_taken_back() == (level if is_undone else [])
    assert at.last["IWM"].price == (440.0 if is_undone else level[-1].price)


def test_two_bad_prints_that_were_believed_are_taken_back_by_the_next():
    """11 % up, two prints, and back: the return needs no second print."""
    at = a_filter(IWM=221.0)
    bad = [iwm(245.0, NOW_NS + 1, seq=1), iwm(245.2, NOW_NS + 2, seq=2)]
    assert at.admit(bad, NOW_NS) == bad
    fine = iwm(221.1, NOW_NS + 3, seq=3)
    assert at.admit([fine], NOW_NS) == [fine]
    assert (at.take_taken_back(), at.take_taken_back()) == (bad, [])


BOTH = [iwm(245.0, NOW_NS + 1, seq=1), iwm(245.2, NOW_NS + 2, seq=2)]
"""11 % up, two trades at two times: the tape alone cannot tell whether it is true."""


def live() -> LiveFilter:
    return LiveFilter({"IWM", "QQQ"}, {"IWM": 221.0})


def test_any_two_live_prints_that_jump_wait_for_a_second_source():
    at = live()
    assert at.admit_live(BOTH, NOW_NS, 0) == []
    assert at.doubted == {"IWM"}
    assert at.last_reject == "IWM: 245.2 jumps by more than 10%, waiting for a snapshot"
    asked = at.next_request(Moment(1000.0, NOW_NS))
    assert asked is not None
    assert (asked.symbols, asked.wants_newest) == ({"IWM"}, True)
    assert at.on_answer(Answer(newest=(iwm(221.1),))) == []
    assert at.doubted == frozenset()
    assert at.last == {}, "nothing of them is left"


def test_a_snapshot_that_agrees_with_a_jump_lets_it_in():
    at = live()
    at.admit_live(BOTH, NOW_NS, 0)
    at.next_request(Moment(1000.0, NOW_NS))
    assert at.on_answer(Answer(error="HTTP 429")) == []
    assert at.doubted == {"IWM"}, "without an answer it stays in doubt"
    at.next_request(Moment(1010.0, NOW_NS))
    assert at.on_answer(Answer(newest=(iwm(244.8),))) == BOTH


def test_bid_and_ask_around_a_jump_are_a_second_source():
    at = live()
    at.quotes.on_quotes([Nbbo("IWM", 245.0, 245.2, NOW_NS)], [])
    assert at.admit_live(BOTH, NOW_NS + NS, 0) == BOTH
    assert at.next_request(Moment(1000.0, NOW_NS)) is None


def test_a_level_that_eight_prints_have_borne_out_stands():
    at = a_filter(IWM=221.0)
    at.admit([iwm(245.0 + i / 10, NOW_NS + i, seq=i) for i in range(1, 9)], NOW_NS)
    back = [iwm(219.0, NOW_NS + 20, seq=20), iwm(219.1, NOW_NS + 21, seq=21)]
    assert at.admit(back, NOW_NS) == back
    assert at.take_taken_back() == []


def test_two_spikes_apart_bear_each_other_not_out():
    at = a_filter(IWM=220.0)
    assert at.admit([iwm(286.0, seq=1), iwm(150.0, seq=2), iwm(400.0, seq=3)], NOW_NS) == []
    assert at.rejects == 3


def test_a_bars_extreme_far_from_its_close_is_left_out():
    at = a_filter()
    assert at.admit([iwm(220.0, high=300.0, low=219.0)], NOW_NS) == [iwm(220.0)]
    whole = iwm(220.0, NOW_NS + 1, high=221.0, low=219.0)
    assert at.admit([whole], NOW_NS) == [whole]


def test_a_snapshot_s_print_is_let_in_again_when_the_stream_brings_it_with_its_size():
    at = a_filter()
    assert at.admit_past([iwm(220.0, seq=7)], NOW_NS) == [iwm(220.0, seq=7)]
    assert at.admit([iwm(220.0, seq=7, size=600)], NOW_NS) == [iwm(220.0, seq=7, size=600)]
    assert at.admit_past([iwm(220.0, seq=7)], NOW_NS) == [], "the other way round it says nothing new"


def test_a_gap_is_judged_by_itself():
    """The market has moved by a fifth since; the bars of the way there are no spikes."""
    at = a_filter(IWM=200.0)
    way = [iwm(200.0 + i * 4, NOW_NS - (11 - i) * 60 * NS) for i in range(11)]
    at.admit([iwm(240.0, NOW_NS - 1, seq=1), iwm(240.1, seq=2)], NOW_NS)
    assert set(way) == set(at.admit_past(way, NOW_NS))
    assert at.last["IWM"].price == 240.1


@given(
    st.lists(st.tuples(st.integers(0, 50), st.floats(96, 104), st.integers(0, 3)), max_size=40), st.randoms()
)
def test_the_last_by_event_time_wins_in_any_order(prints, random):
    """Order of arrival and repeats change nothing but which of two prints of one instant is later.

    Within a tenth of each other, that is: beyond it, which print must wait depends on the one before.
    """
    quotes = list({(ts, seq): iwm(price, NOW_NS - ts * NS, seq) for ts, price, seq in prints}.values())
    shuffled = quotes * 2
    random.shuffle(shuffled)
    at = a_filter(IWM=100.0)
    admitted = at.admit(shuffled, NOW_NS)
    assert sorted(map(repr, admitted)) == sorted(map(repr, quotes))
    if quotes:
        assert at.last["IWM"] == max(quotes, key=lambda quote: (quote.ts_ns, quote.seq))


@example([Quote("IWM", 1, PRICE_MAX)] * 2)
@given(
    st.lists(
        st.builds(
            Quote,
            st.sampled_from(["IWM", "QQQ", "TSLA"]),
            st.integers(-1, NOW_NS * 2),
            st.floats(),
            st.integers(0, 5),
            st.integers(-1, 5),
            st.none() | st.floats(),
            st.none() | st.floats(),
        ),
        max_size=30,
    )
)
def test_whatever_comes_what_passes_is_sound(quotes):
    at = a_filter()
    for quote in at.admit(quotes, NOW_NS):
        assert quote.symbol in {"IWM", "QQQ"}
        assert 0 < quote.price <= PRICE_MAX
        assert quote.high is None or quote.price <= quote.high <= quote.price * 1.1001
        assert 0 < quote.ts_ns <= NOW_NS + 60 * NS
        assert quote.size >= 0
