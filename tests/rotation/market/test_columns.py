"""Prints as columns: any tape, however cut into quotes and columns, is the same tape one by one."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import pairwise
from typing import NamedTuple
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.columns import SCHEMA, is_plain, of_quotes, to_quotes
from rotation.history import History
from rotation.market import prints as limits
from rotation.market import session_filter
from rotation.market.market import Market
from rotation.market.reduce import backlog, sift, sums, tally
from rotation.quote import NS, Quote, Role
from rotation.sessions import hours, next_session
from tests.support.core_worlds import (
    CALENDAR,
    DESK,
    FIRST,
    MEMBERS,
    PRICED,
    SYMBOLS,
    closes,
    history_of,
    look_backs_kept,
)

EXAMPLES = settings.default.max_examples
DAY = CALENDAR[FIRST]
NEXT = next_session(DAY)
OPENS = hours(DAY)[1]
PARTS = ("PRE", "REGULAR", "POST")
HISTORY = history_of(
    [row for symbol in SYMBOLS for row in closes(symbol, CALENDAR[FIRST - 8 : FIRST], bytes(range(8)))]
)
ANCHORS = (*hours(DAY)[:2], OPENS, OPENS, OPENS, OPENS, *hours(DAY)[2:])
OUTSIDE = (hours(DAY)[0] - 3600 * NS, hours(CALENDAR[FIRST - 1])[2], *hours(NEXT)[:3])
OFFSETS = (0, 0, 1, 2, NS, 30 * NS, 60 * NS - 1, 60 * NS, 60 * NS + 1, 90 * NS, 121 * NS, -1, -NS)
BAD_PRICES = (float("nan"), float("inf"), 0.0, -1.0)


class Tape(NamedTuple):
    quotes: list[Quote]
    cuts: list[int]
    """Where batches begin."""
    as_columns: list[bool]
    """Which of them are given as columns."""


@st.composite
def some_print(draw: st.DrawFn) -> Quote:
    symbol = draw(st.sampled_from(("IWM", "IWM", "MEM", "MEM", "MEM", "OUT", "QQQ", "NEW", "XXX")))
    price = round(PRICED.get(symbol, 50) * (94 + draw(st.integers(0, 12))) / 100, 2)
    if draw(st.integers(0, 19)) == 0:
        price = draw(st.sampled_from(BAD_PRICES))
    anchors = OUTSIDE if draw(st.integers(0, 14)) == 0 else ANCHORS
    role = draw(st.sampled_from((Role.PRICE, Role.PRICE, Role.PRICE, Role.SIZE, Role.CLOSE)))
    return Quote(
        symbol,
        draw(st.sampled_from(anchors)) + draw(st.sampled_from(OFFSETS)),
        price,
        draw(st.integers(0, 2)),
        draw(st.sampled_from((0, 100, 250))),
        role=role,
    )


@st.composite
def tapes(draw: st.DrawFn) -> Tape:
    quotes = draw(st.lists(some_print(), max_size=60))
    if draw(st.booleans()):
        quotes.sort(key=lambda quote: (quote.ts_ns, quote.seq))
    for again in draw(st.lists(st.integers(0, 2), max_size=8)):
        if quotes:
            earlier = quotes[draw(st.integers(0, len(quotes) - 1))]
            if again == 1:
                earlier = msgspec.structs.replace(earlier, price=earlier.price * 1.5, size=earlier.size + 50)
            if again == 2:
                earlier = msgspec.structs.replace(
                    earlier, role=Role.MINUTE, bar_ns=draw(st.sampled_from((0, NS, 60 * NS)))
                )
            quotes.insert(draw(st.integers(0, len(quotes))), earlier)
    cuts = sorted({0, *draw(st.sets(st.integers(0, len(quotes)), max_size=5))})
    return Tape(quotes, cuts, draw(st.lists(st.booleans(), min_size=len(cuts), max_size=len(cuts))))


@pytest.fixture(autouse=True, scope="module")
def _kept():
    with look_backs_kept():
        yield


def market() -> Market:
    return Market(HISTORY, DESK, as_of_ns=hours(DAY)[0], members=MEMBERS)


def books(market: Market) -> dict[tuple[str, str], tuple]:
    """All that is known of today's prints."""
    kept = {(symbol, part): market._filter.prints(symbol, part) for symbol in SYMBOLS for part in PARTS}
    return {
        key: (prints.last, prints.high, prints.low, prints.volume, prints.minutes)
        for key, prints in kept.items()
        if prints is not None
    }


def lasts(market: Market) -> dict[str, tuple[float, int] | None]:
    """The last price of every symbol, as it is asked for without its sums."""
    return {symbol: market._filter.last(symbol) for symbol in SYMBOLS}


def read_lasts(market: Market) -> dict[str, tuple[float, int] | None]:
    """The same from what is known of all its prints."""
    known = {symbol: market._filter.current(symbol) for symbol in SYMBOLS}
    return {
        symbol: (prints.last.price, prints.last.ts_ns) if prints and prints.last else None
        for symbol, prints in known.items()
    }


def assert_same(tape: Tape, as_of_ns: int, *, reading: bool, follows_from: int = 0) -> None:
    """``reading``: all prints are read after every batch, not only at the end.

    ``follows_from``: the batch from which last prices are followed.
    """
    columns, single = market(), market()
    for number, ((start, end), is_columns) in enumerate(
        zip(pairwise([*tape.cuts, len(tape.quotes)]), tape.as_columns, strict=True)
    ):
        if number == follows_from:
            columns._filter.follow_last()
        batch = tape.quotes[start:end]
        with patch.object(session_filter, "MANY", 10**9):
            wanted = single.apply(batch, as_of_ns=as_of_ns)
        if is_columns and all(is_plain(quote) or not quote.bar_ns for quote in batch):
            given = columns.apply_columns(of_quotes(batch), as_of_ns=as_of_ns)
        else:
            given = columns.apply(batch, as_of_ns=as_of_ns)
        assert given == wanted
        assert columns._filter.symbols == single._filter.symbols
        if number >= follows_from:
            assert lasts(columns) == read_lasts(single)
        if reading:
            assert books(columns) == books(single)
    assert lasts(columns) == read_lasts(single)
    assert books(columns) == books(single)
    # What each remembers shows in what it makes of the same tape again, and of a revision of each print.
    again = [
        *tape.quotes,
        *(msgspec.structs.replace(quote, price=1.0) for quote in tape.quotes if is_plain(quote)),
    ]
    with patch.object(session_filter, "MANY", 10**9):
        assert columns.apply(again, as_of_ns=as_of_ns) == single.apply(again, as_of_ns=as_of_ns)
    assert books(columns) == books(single)


@settings(max_examples=max(EXAMPLES, min(3 * EXAMPLES, 150)))
@given(
    tapes(),
    st.sampled_from((hours(DAY)[3], OPENS + 30 * NS, hours(NEXT)[3])),
    st.sampled_from((4096, 3)),
    st.sampled_from((256, 0)),
    st.sampled_from((16_384, 4, 1)),
    st.sampled_from((8, 1, 0)),
    st.sampled_from((500, 5)),
    st.booleans(),
    st.integers(0, 3),
    st.sampled_from((32_768, 8, 0)),
)
def test_columns_are_prints_one_by_one(
    tape: Tape,
    as_of_ns: int,
    memory: int,
    one_by_one: int,
    chunk: int,
    few: int,
    many: int,
    reading: bool,
    follows: int,
    old: int,
):
    """With little memory, sums for the desk's own symbols, rows let go and minutes packed at once, too."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(limits, "LOOSE", min(old, 4)))
        stack.enter_context(patch.object(limits, "RECENT", 2 if old else 1))
        stack.enter_context(patch.object(backlog, "OLD", old))
        stack.enter_context(patch.object(backlog, "OLD_AT_ONCE", 512 if old else 1))
        stack.enter_context(patch.object(limits, "KEPT_MAX", memory))
        stack.enter_context(patch.object(tally, "ONE_BY_ONE", one_by_one))
        stack.enter_context(patch.object(backlog, "CHUNK", chunk))
        stack.enter_context(patch.object(sums, "FULL", chunk))
        stack.enter_context(patch.object(sift, "FEW", few))
        stack.enter_context(patch.object(session_filter, "MANY", many))
        assert_same(tape, as_of_ns, reading=reading, follows_from=follows)


def in_order(symbol: str, seconds: range) -> list[Quote]:
    return [Quote(symbol, OPENS + second * NS, 10.0 + second % 7, second, 100) for second in seconds]


def test_rows_in_order_are_never_taken_one_by_one():
    columns = market()
    with patch.object(limits.Prints, "take", side_effect=AssertionError("one by one")):
        for start in range(0, 300, 50):
            batch = in_order("MEM", range(start, start + 50))
            # Of one frame the order does not matter.
            snapshot = columns.apply_columns(of_quotes(batch[::-1]), as_of_ns=OPENS + 3600 * NS)
    assert snapshot.health.counts.accepted == 300
    prints = columns._filter.prints("MEM", "REGULAR")
    assert (prints.last.ts_ns, prints.high, prints.low, prints.volume) == (
        OPENS + 299 * NS,
        16.0,
        10.0,
        30_000,
    )
    assert {minute: quote.seq for minute, quote in prints.minutes.items()} == {
        0: 0, 1: 60, 2: 120, 3: 180, 4: 240, 5: 299,
    }  # fmt: skip


def test_memory_of_columns_is_bounded_by_what_may_be_repeated():
    columns = market()
    heights = []
    with patch.object(backlog, "CHUNK", 20):
        for start in range(0, 6000, 20):
            columns.apply_columns(
                of_quotes(in_order("MEM", range(start, start + 20))), as_of_ns=OPENS + 9000 * NS
            )
            heights.append(columns._filter._tally._backlog.height)
    assert max(heights) <= 61 + 4 * 20
    assert columns._filter.prints("MEM", "REGULAR").volume == 600_000


def test_what_was_let_go_keeps_its_range_and_is_late():
    """Eighteen prints of one minute, of which three are remembered: the high is of one let go."""
    prices = [10.0, 12.0, 8.0, *[10.0] * 15]
    batch = [Quote("MEM", OPENS + i * NS, price, 0, 1) for i, price in enumerate(prices)]
    columns = market()
    with patch.object(backlog, "CHUNK", 2), patch.object(limits, "KEPT_MAX", 3):
        for start in range(0, len(batch), 2):
            columns.apply_columns(of_quotes(batch[start : start + 2]), as_of_ns=OPENS + 60 * NS)
        revision = msgspec.structs.replace(batch[-1], price=11.0)
        assert columns.apply([revision], as_of_ns=OPENS + 60 * NS).health.counts.revised == 1
        prints = columns._filter.prints("MEM", "REGULAR")
        assert (prints.high, prints.low, prints.last.price) == (12.0, 8.0, 11.0)
        repeats = columns.apply(batch, as_of_ns=OPENS + 60 * NS).health.counts
        assert (repeats.late, repeats.duplicates, repeats.revised) == (len(batch) - 3, 2, 2)


def test_many_quotes_are_taken_as_columns_and_few_one_by_one():
    batch = [Quote("MEM", OPENS + i, 10.0, 0, 1) for i in range(session_filter.MANY)]
    columns = market()
    with patch.object(limits.Prints, "take", side_effect=AssertionError("one by one")):
        assert columns.apply(batch, as_of_ns=OPENS).health.counts.accepted == len(batch)
        # One print more, and columns are held: to compare it with all of them would cost more.
        after = Quote("MEM", OPENS + len(batch), 10.0, 0, 1)
        assert columns.apply([after], as_of_ns=OPENS).health.counts.accepted == len(batch) + 1
    assert columns.apply(batch[1:], as_of_ns=OPENS).health.counts.duplicates == len(batch) - 1
    few = market()
    with patch.object(session_filter, "of_quotes", side_effect=AssertionError("columns")):
        assert few.apply(batch[1:], as_of_ns=OPENS).health.counts.accepted == len(batch) - 1


# The columns -------------------------------------------------------------------------------------------


@given(st.lists(some_print()))
def test_columns_give_back_the_quotes(quotes: list[Quote]):
    frame = of_quotes(quotes)
    assert dict(frame.schema) == SCHEMA
    assert str(to_quotes(frame)) == str(quotes)  # NaN is not equal to itself


def test_numbers_survive_exactly():
    quotes = [
        Quote("IWM", 2**62 + 1, 0.1, 2**63 - 1, 2**53 + 1),
        Quote("IWM", 1, 1e7, -5, 0, role=Role.CLOSE),
    ]
    assert to_quotes(of_quotes(quotes)) == quotes


@pytest.mark.parametrize(
    "bar",
    [{"high": 2.0}, {"low": 1.0}, {"bar_ns": 60 * NS}, {"role": Role.MINUTE}],
    ids=lambda bar: next(iter(bar)),
)
def test_a_bar_is_no_plain_print(bar: dict):
    quote = Quote("IWM", 1, 1.0)
    assert is_plain(quote)
    assert not is_plain(msgspec.structs.replace(quote, **bar))


def test_no_history_and_no_rows():
    empty = Market(History.empty(), DESK, as_of_ns=OPENS)
    same = Market(History.empty(), DESK, as_of_ns=OPENS)
    assert empty.apply_columns(of_quotes([]), as_of_ns=OPENS) == same.apply([], as_of_ns=OPENS)
