"""Prints and the session filter against a model that keeps everything."""

from __future__ import annotations

import random
from datetime import date, datetime
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotation.market import prints as module
from rotation.market.prints import KEPT_MAX, KEPT_NS, Prints
from rotation.market.session_filter import SessionFilter
from rotation.quote import MINUTE_NS, NS, Quote
from rotation.sessions import NEW_YORK, close_ns, hours, open_ns, to_ns
from rotation.snapshot import Counts
from tests.support.core_oracle import Book

DAY = date(2024, 7, 16)
OPENS = open_ns(DAY)

OFFSETS = st.sampled_from((0, 1, 30 * NS, 60 * NS - 1, 60 * NS, 60 * NS + 1, 90 * NS, 120 * NS, 121 * NS))
PRICES = st.sampled_from((10.0, 10.5, 11.0, 9.0))
SIZES = st.sampled_from((0, 100, 300))


@st.composite
def prints(draw: st.DrawFn, offsets: st.SearchStrategy[int] = OFFSETS) -> Quote:
    price = draw(PRICES)
    high, low = draw(st.sampled_from(((None, None), (price + 1, price - 1), (price - 1, None))))
    ts_ns = OPENS + draw(offsets)
    return Quote("IWM", ts_ns, price, seq=draw(st.integers(0, 2)), size=draw(SIZES), high=high, low=low)


def state(prints: Prints | Book) -> tuple:
    return prints.last, prints.high, prints.low, prints.volume, prints.minutes


# One by one --------------------------------------------------------------------------------------------


@given(st.lists(prints(), min_size=1, max_size=40))
def test_each_print_counts_as_in_a_model_that_keeps_everything(quotes: list[Quote]):
    prints, book = Prints(OPENS), Book(OPENS)
    for quote in quotes:
        assert prints.take(quote) == book.take(quote)
        assert state(prints) == state(book)


@given(st.lists(prints(), min_size=1, max_size=40), st.integers(1, 5))
def test_and_so_they_do_when_memory_is_short(quotes: list[Quote], memory: int):
    with patch.object(module, "KEPT_MAX", memory):
        prints, book = Prints(OPENS), Book(OPENS, memory)
        for quote in quotes:
            assert prints.take(quote) == book.take(quote)
            assert state(prints) == state(book)
            assert len(prints._kept) <= memory


@given(
    st.lists(prints(st.integers(0, 60 * NS)), min_size=1, max_size=20, unique_by=lambda q: (q.ts_ns, q.seq)),
    st.integers(0, 2**32),
)
def test_the_order_of_arrival_does_not_matter(quotes: list[Quote], seed: int):
    """Of prints within a minute, none revised; some come twice."""
    rng = random.Random(seed)
    orders = [sorted(quotes, key=lambda q: (q.ts_ns, q.seq)), rng.sample(quotes, len(quotes))]
    orders.append(rng.sample(quotes * 2, len(quotes) * 2))
    states = []
    for order in orders:
        prints = Prints(OPENS)
        outcomes = [prints.take(quote) for quote in order]
        assert outcomes.count("accepted") == len(quotes)
        assert outcomes.count("duplicates") == len(order) - len(quotes)
        states.append(state(prints))
    assert states[0] == states[1] == states[2]


# By hand -----------------------------------------------------------------------------------------------


def test_the_last_print_is_the_latest_by_event_time_then_seq():
    prints = Prints(OPENS)
    for ts_ns, seq in [(5, 0), (9, 1), (9, 0), (7, 9)]:
        prints.take(Quote("IWM", OPENS + ts_ns, 100 + ts_ns + seq / 10, seq=seq))
    assert prints.last.price == 109.1


def test_a_revision_replaces_what_the_print_gave():
    prints = Prints(OPENS)
    prints.take(Quote("IWM", OPENS + 1, 100.0, size=10))
    prints.take(Quote("IWM", OPENS + 2, 900.0, size=50))
    assert prints.take(Quote("IWM", OPENS + 2, 90.0, size=5)) == "revised"
    assert (prints.last.price, prints.high, prints.low, prints.volume) == (90.0, 100.0, 90.0, 15)
    assert prints.minutes[1].price == 90.0
    assert prints.take(Quote("IWM", OPENS + 2, 90.0, size=5)) == "duplicates"


def test_a_revision_of_an_earlier_print_leaves_the_last_one():
    prints = Prints(OPENS)
    prints.take(Quote("IWM", OPENS + 1, 100.0))
    prints.take(Quote("IWM", OPENS + 2, 101.0))
    assert prints.take(Quote("IWM", OPENS + 1, 120.0)) == "revised"
    assert (prints.last.price, prints.high, prints.low) == (101.0, 120.0, 101.0)


def test_a_bar_widens_the_range_and_its_close_always_lies_in_it():
    prints = Prints(OPENS)
    prints.take(Quote("IWM", OPENS, 100.0, high=103.0, low=98.0))
    assert (prints.high, prints.low) == (103.0, 98.0)
    prints.take(Quote("IWM", OPENS + 1, 104.0, high=103.5, low=105.0))
    assert (prints.high, prints.low) == (104.0, 98.0)


@pytest.mark.parametrize(
    ("after_s", "minute"), [(0, 0), (0.5, 1), (60, 1), (60.5, 2), (4200, 70), (-30, 0), (-60, -1), (-61, -1)]
)
def test_a_minute_ends_with_its_last_instant(after_s: float, minute: int):
    """A bar known at 10:40:00 closes the minute that ends then, the 70th."""
    prints = Prints(OPENS)
    prints.take(Quote("IWM", OPENS + int(after_s * NS), 100.0))
    assert list(prints.minutes) == [minute]


# Bounds ------------------------------------------------------------------------------------------------


def test_memory_holds_the_last_minute_and_late_ones_are_told():
    prints = Prints(OPENS)
    for second in range(3600):
        prints.take(Quote("IWM", OPENS + second * NS, 100.0 + second % 7, size=1))
        assert len(prints._kept) == len(prints._order) <= 61
    before = state(prints)
    newest = prints.last.ts_ns
    assert prints.take(Quote("IWM", newest - KEPT_NS - 1, 500.0, size=9)) == "late"
    assert prints.take(Quote("IWM", OPENS, 100.0, size=1)) == "late"  # too late to tell from a duplicate
    assert state(prints) == before
    assert prints.take(Quote("IWM", newest - KEPT_NS, 500.0, seq=1, size=9)) == "accepted"
    assert prints.high == 500.0
    assert prints.volume == 3609
    assert prints.last.ts_ns == newest


def test_memory_holds_4096_prints_at_most():
    assert KEPT_MAX == 4096
    prints = Prints(OPENS)
    for i in range(3 * KEPT_MAX):
        prints.take(Quote("IWM", OPENS + i, 100.0, size=1))
        assert len(prints._kept) == len(prints._order) == min(i + 1, KEPT_MAX)
    forgotten = OPENS + 2 * KEPT_MAX - 1
    assert prints.take(Quote("IWM", forgotten, 100.0, size=1)) == "late"
    assert prints.take(Quote("IWM", forgotten + 1, 100.0, size=1)) == "duplicates"
    assert prints.take(Quote("IWM", forgotten + 1, 100.0, size=3)) == "revised"
    assert prints.take(Quote("IWM", forgotten, 100.0, seq=1, size=1)) == "accepted"
    assert prints.volume == 3 * KEPT_MAX + 3


def test_what_was_folded_keeps_its_range_through_revisions():
    prints = Prints(OPENS)
    prints.take(Quote("IWM", OPENS, 150.0, low=50.0))
    prints.take(Quote("IWM", OPENS + 61 * NS, 100.0))
    prints.take(Quote("IWM", OPENS + 61 * NS, 101.0))
    assert (prints.high, prints.low) == (150.0, 50.0)


def test_minutes_are_as_many_as_the_session_has():
    prints = Prints(OPENS)
    for tick in range(0, close_ns(DAY) - OPENS + 1, 20 * NS):
        prints.take(Quote("IWM", OPENS + tick, 100.0))
    assert list(prints.minutes) == list(range(391))
    assert MINUTE_NS == 60 * NS


# The session filter ------------------------------------------------------------------------------------


def session_filter(session: date | None = None) -> SessionFilter:
    opened = SessionFilter()
    opened.expect({"IWM", "QQQ"}, session)
    return opened


def at(text: str) -> int:
    return to_ns(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))


@pytest.mark.parametrize(
    ("quote", "outcome"),
    [
        (Quote("XXX", OPENS, 1.0), "unknown_symbol"),
        (Quote("IWM", OPENS, float("nan")), "bad_price"),
        (Quote("IWM", OPENS, float("inf")), "bad_price"),
        (Quote("IWM", OPENS, 0.0), "bad_price"),
        (Quote("IWM", OPENS, -1.0), "bad_price"),
        (Quote("IWM", OPENS, 1.0, high=float("nan")), "bad_price"),
        (Quote("IWM", OPENS, 1.0, low=0.0), "bad_price"),
        (Quote("IWM", OPENS + 3600 * NS + 60 * NS + 1, 1.0), "future"),
        (Quote("IWM", at("2024-07-15 12:00"), 1.0), "off_session"),
        (Quote("IWM", at("2024-07-16 03:59:59"), 1.0), "overnight"),
        (Quote("IWM", at("2024-07-15 23:00"), 1.0), "overnight"),
        (Quote("IWM", at("2024-07-14 21:00"), 1.0), "overnight"),  # Sunday evening
        (Quote("IWM", at("2024-07-12 21:00"), 1.0), "off_session"),  # Friday evening
        (Quote("IWM", at("2024-07-13 12:00"), 1.0), "off_session"),  # Saturday
        (Quote("IWM", OPENS + 3600 * NS + 60 * NS, 1.0), "accepted"),
        (Quote("IWM", at("2024-07-16 04:00"), 1.0), "accepted"),
    ],
)
def test_what_the_session_filter_turns_away_and_why(quote: Quote, outcome: str):
    opened = session_filter(DAY)
    assert opened.admit(quote, OPENS + 3600 * NS) is (outcome == "accepted")
    assert opened.counts == Counts(**{outcome: 1})
    assert opened.session == DAY


def test_a_print_of_a_newer_session_turns_the_page():
    opened = session_filter(date(2024, 7, 15))
    opened.admit(Quote("IWM", at("2024-07-15 12:00"), 1.0), OPENS)
    opened.admit(Quote("QQQ", at("2024-07-16 08:00"), 2.0), OPENS)
    assert opened.session == DAY
    assert opened.symbols == {"QQQ"}
    assert opened.counts == Counts(accepted=1)
    assert not opened.admit(Quote("IWM", at("2024-07-15 12:00"), 1.0), OPENS)


def test_bells_belong_to_regular_hours_on_both_ends():
    opened = session_filter()
    pre, opens, closes, ends = hours(DAY)
    for i, ts_ns in enumerate((pre, opens - 1, opens, closes, closes + 1, ends)):
        assert opened.admit(Quote("IWM", ts_ns, 100.0 + i, size=1), ends)
    by_part = {part: opened.prints("IWM", part) for part in ("PRE", "REGULAR", "POST")}
    assert {part: (prints.low, prints.last.price) for part, prints in by_part.items()} == {
        "PRE": (100.0, 101.0),
        "REGULAR": (102.0, 103.0),
        "POST": (104.0, 105.0),
    }
    assert opened.current("IWM") is by_part["REGULAR"]


FIVE_NS = 300 * NS


@pytest.mark.parametrize(
    ("starts", "bar_ns", "part"),
    [
        ("09:25", FIVE_NS, "PRE"),  # ends at the opening bell
        ("09:28", FIVE_NS, "PRE"),  # and past it
        ("09:30", FIVE_NS, "REGULAR"),
        ("15:55", FIVE_NS, "REGULAR"),
        ("15:58", FIVE_NS, "REGULAR"),  # ends past the closing bell
        ("16:00", FIVE_NS, "POST"),
        ("19:55", FIVE_NS, "POST"),
        ("20:00", FIVE_NS, None),
        ("04:00", FIVE_NS, "PRE"),
        ("03:55", FIVE_NS, None),  # known at 04:00, but of the night
        ("09:30", 0, "REGULAR"),  # prints, by their time
        ("16:00", 0, "REGULAR"),
        ("20:00", 0, "POST"),
        ("04:00", 0, "PRE"),
    ],
)
def test_a_bar_belongs_to_the_part_of_the_day_in_which_it_starts(starts: str, bar_ns: int, part: str | None):
    opened = session_filter()
    quote = Quote("IWM", at(f"2024-07-16 {starts}") + bar_ns, 100.0, high=101.0, low=99.0, bar_ns=bar_ns)
    assert opened.admit(quote, quote.ts_ns) is (part is not None)
    assert [name for name in ("PRE", "REGULAR", "POST") if opened.prints("IWM", name)] == [part] * bool(part)
    assert opened.counts == (Counts(accepted=1) if part else Counts(overnight=1))


def test_the_opening_range_has_no_bar_of_the_pre_market():
    """At 09:34 high, low and volume are of the session's own bars."""
    opened = session_filter()
    for minute, price, size in ((-5, 90.0, 1_000_000), (0, 100.0, 500), (1, 101.0, 700)):
        length_ns = FIVE_NS if minute < 0 else 60 * NS
        ends_ns = OPENS + minute * 60 * NS + length_ns
        opened.admit(
            Quote("IWM", ends_ns, price, size=size, high=price + 1, low=price - 1, bar_ns=length_ns), ends_ns
        )
    regular = opened.prints("IWM", "REGULAR")
    assert (regular.high, regular.low, regular.volume) == (102.0, 99.0, 1200)


def test_todays_figures_rest_on_regular_prints_then_pre_market_ones_never_late_ones():
    opened = session_filter()
    assert opened.current("IWM") is None
    opened.admit(Quote("IWM", close_ns(DAY) + 1, 1.0), close_ns(DAY))
    assert opened.current("IWM") is None
    opened.admit(Quote("IWM", OPENS - 1, 1.0), close_ns(DAY))
    assert opened.current("IWM") is opened.prints("IWM", "PRE")
    opened.admit(Quote("IWM", OPENS, 1.0), close_ns(DAY))
    assert opened.current("IWM") is opened.prints("IWM", "REGULAR")


def test_expecting_an_older_session_keeps_the_page():
    opened = session_filter(DAY)
    opened.admit(Quote("IWM", OPENS, 1.0), OPENS)
    opened.expect({"IWM"}, date(2024, 7, 15))
    assert (opened.session, opened.symbols) == (DAY, {"IWM"})
    opened.expect({"IWM"}, None)
    assert (opened.session, opened.symbols) == (DAY, {"IWM"})
    opened.expect({"IWM"}, date(2024, 7, 17))
    assert (opened.session, opened.symbols) == (date(2024, 7, 17), set())
    assert opened.counts == Counts()
