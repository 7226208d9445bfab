from __future__ import annotations

from datetime import date
from unittest.mock import patch

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.events import Batch, Correction, Gap, Status, SymbolStates
from feeds.streaming import buffer as stream_buffer
from feeds.streaming.buffer import CORRECTIONS, KEPT, KEPT_NS, Buffer, HandedOn, merge
from rotation.columns import of_quotes, to_quotes
from rotation.market.prints import Prints
from rotation.quote import MINUTE_NS, NS, Quote, Role
from rotation.sessions import close_ns, open_ns
from rotation.status import Kind
from tests.support.fake_time import NOW_NS

QUOTES = st.lists(
    st.builds(
        Quote,
        st.sampled_from(["IWM", "QQQ"]),
        st.integers(0, 50).map(lambda s: NOW_NS + s * NS),
        st.floats(90, 110),
        st.integers(0, 1000),
        st.integers(0, 100),
    ),
    unique_by=lambda quote: (quote.symbol, quote.ts_ns, quote.seq),
    max_size=60,
)


def taken(buffer):
    """All that waits, in order."""
    waiting = buffer.take()
    events = [waiting.gap, waiting.batch, *waiting.corrections, waiting.symbol_states, waiting.status]
    return [event for event in events if event is not None]


KIND = pl.Enum(["IWM", "QQQ", "SPY"])


@given(
    st.lists(
        st.tuples(st.sampled_from(["put", "put_first", "rows", "remove", "take"]), QUOTES, st.booleans()),
        max_size=8,
    )
)
def test_columns_wait_as_quotes_do(steps):
    """A frame among quotes: the same prints come out, in the same order, and the same is taken back."""
    single, mixed = Buffer(2), Buffer(2)

    def out(buffer):
        waiting = buffer.take()
        quotes = [] if waiting.batch is None else [*waiting.batch.quotes]
        return quotes + ([] if waiting.rows is None else to_quotes(waiting.rows))

    for kind, quotes, is_bar in steps:
        given_quotes = [msgspec.structs.replace(quote, bar_ns=60) for quote in quotes] if is_bar else quotes
        if kind == "rows":
            single.put(quotes)
            if quotes:
                mixed.put_rows(of_quotes(quotes).cast({"symbol": KIND}))
        elif kind == "take":
            assert out(mixed) == out(single)
        elif kind == "remove":
            for quote in given_quotes[:2]:
                assert mixed.remove(quote) == single.remove(quote)
        else:
            getattr(single, kind)(given_quotes)
            getattr(mixed, kind)(given_quotes)
        assert (len(mixed), mixed.is_ready) == (len(single), single.is_ready)
    assert out(mixed) == out(single)


def test_too_many_rows_become_quotes_and_are_merged(monkeypatch):
    monkeypatch.setattr(stream_buffer, "ROWS", 100)
    buffer = Buffer(2)
    for i in range(3):
        rows = of_quotes([Quote("IWM", NOW_NS + k, 220.0, k, 1) for k in range(60 * i, 60 * (i + 1))])
        buffer.put_rows(rows)
    waiting = buffer.take()
    assert waiting.rows is None
    assert sum(quote.size for quote in waiting.batch.quotes) == 180


def test_what_was_handed_on_is_kept_for_minutes_as_quotes_or_columns():
    kept = HandedOn()
    quotes = [Quote("IWM", NOW_NS + i * NS, 220.0, i + 1) for i in range(600)]
    for i in range(0, 600, 20):
        part = quotes[i : i + 20]
        kept.add(part) if i % 40 else kept.add_rows(of_quotes(part).cast({"symbol": KIND}))
    newest = quotes[-1].ts_ns
    assert kept.since({"IWM", "QQQ"}, newest - 60 * NS) == {"IWM": quotes[-60:], "QQQ": []}
    assert kept.since({"IWM"})["IWM"][0].ts_ns >= newest - KEPT_NS
    assert sum(len(chunk) for chunk in kept._chunks) < 300


PRINTS = st.lists(
    st.builds(
        Quote,
        st.sampled_from(("IWM", "QQQ", "SPY")),
        st.integers(NOW_NS, NOW_NS + 30),
        st.sampled_from((220.0, 221.0)),
        st.integers(0, 40) | st.integers(2**63 - 3, 2**63 - 1),
    ),
    min_size=1,
    max_size=20,
)


@given(
    st.lists(st.tuples(PRINTS, st.booleans()), max_size=6),
    st.frozensets(st.sampled_from(("IWM", "QQQ", "XYZ"))),
    st.frozensets(st.integers(0, 40) | st.integers(2**63 - 2, 2**63 + 1), max_size=5),
    st.frozensets(st.integers(NOW_NS, NOW_NS + 30), max_size=3),
)
def test_prints_of_these_numbers_or_times_are_found_in_quotes_and_in_columns(parts, symbols, numbers, times):
    kept, arrived = HandedOn(), []
    for prints, as_rows in parts:
        kept.add_rows(of_quotes(prints).cast({"symbol": KIND})) if as_rows else kept.add(prints)
        arrived += prints
    quotes = [quote for quote in arrived if quote.seq in numbers or quote.ts_ns in times]
    assert kept.alike(symbols, numbers, times) == {
        symbol: [quote for quote in quotes if quote.symbol == symbol] for symbol in symbols
    }


@pytest.mark.parametrize("as_rows", [False, True])
def test_an_auction_that_comes_again_without_its_size_keeps_it(as_rows):
    bell_ns = close_ns(date(2024, 7, 16))
    whole = Quote("IWM", bell_ns + 3 * NS + 5, 222.0, 7, size=100_000, role=Role.CLOSE)
    again = Quote("IWM", bell_ns + 3 * NS, 222.0, role=Role.CLOSE)
    corrected = msgspec.structs.replace(whole, price=222.1)
    tomorrow = Quote("IWM", close_ns(date(2024, 7, 17)) + NS, 223.0, role=Role.CLOSE)
    kept = HandedOn()
    for arrived, expected in (
        (again, again),
        (whole, whole),
        (again, whole),
        (corrected, corrected),
        (tomorrow, tomorrow),
    ):
        if as_rows:
            kept.add_rows(of_quotes([arrived]).cast({"symbol": KIND}))
        else:
            kept.add([arrived])
        assert kept.auction("IWM") == expected


def test_in_order_of_arrival_and_nothing_merged():
    buffer = Buffer(2)
    quotes = [Quote("IWM", NOW_NS + i, 220.0) for i in range(100)]
    buffer.put(quotes)
    assert taken(buffer) == [Batch(tuple(quotes))]
    assert buffer.conflated == 0


def test_it_never_outgrows_its_bound():
    buffer = Buffer(2)
    for minute in range(300):
        buffer.put(Quote("IWM", NOW_NS + minute * 60 * NS + i, 220.0 + i % 7, size=1) for i in range(100))
        assert len(buffer._quotes) <= KEPT
    (batch,) = taken(buffer)
    assert buffer.conflated == 30_000 - len(batch.quotes)
    assert sum(quote.size for quote in batch.quotes) == 30_000
    assert batch.quotes[-1].price == 220.0 + 99 % 7


def test_even_with_a_print_of_every_minute():
    buffer = Buffer(1)
    buffer.put(Quote("IWM", NOW_NS + i * 60 * NS, 220.0, size=1) for i in range(KEPT + 1))
    (batch,) = taken(buffer)
    assert [(quote.size, quote.ts_ns) for quote in batch.quotes] == [(KEPT + 1, NOW_NS + KEPT * 60 * NS)]


@given(QUOTES)
def test_merged_or_not_a_market_comes_to_the_same(quotes):
    def booked(merged):
        books = {symbol: Prints(open_ns(date(2024, 7, 16))) for symbol in ("IWM", "QQQ")}
        for quote in merged:
            books[quote.symbol].take(quote)
        return {
            symbol: (book.last and (book.last.ts_ns, book.last.price), book.high, book.low, book.volume)
            for symbol, book in books.items()
        }

    buffer = Buffer(2)
    buffer.put(quotes)
    buffer._conflate(lambda quote: (quote.symbol, quote.ts_ns // (60 * NS)))
    assert booked(buffer._quotes) == booked(quotes)


def test_the_closing_auction_is_not_merged_with_the_late_trades_around_it():
    """It once was part of one of them, where a reader was slow at the bell."""
    bell_ns = close_ns(date(2024, 7, 16))
    auction = Quote("IWM", bell_ns + 4 * NS, 222.0, 9, 5000, role=Role.CLOSE)
    late = [Quote("IWM", bell_ns + 5 * NS + i, 221.0, i, 1) for i in range(KEPT)]
    before = Quote("IWM", bell_ns + NS, 221.5, 1, 1)
    for quotes in ([before, auction, *late], [auction, *(late[:1] * 3), *late], [*late, auction]):
        buffer = Buffer(1)
        buffer.put(quotes)
        assert buffer.conflated > 0
        (batch,) = taken(buffer)
        assert [quote for quote in batch.quotes if quote.role == Role.CLOSE] == [auction]


def test_two_become_a_bar():
    older = Quote("IWM", NOW_NS, 220.0, 1, 10, high=222.0, low=219.0)
    newer = Quote("IWM", NOW_NS + 1, 221.0, 2, 5)
    bar = Quote("IWM", NOW_NS + 1, 221.0, 2, 15, high=222.0, low=219.0)
    assert merge(older, newer) == merge(newer, older) == bar


def test_older_quotes_go_first():
    buffer = Buffer(2)
    buffer.is_held = True
    buffer.put([Quote("IWM", NOW_NS, 221.0)])
    assert not buffer.is_ready
    assert taken(buffer) == []
    buffer.put_first([Quote("IWM", NOW_NS - NS, 220.0)])
    buffer.is_held = False
    (batch,) = taken(buffer)
    assert [quote.price for quote in batch.quotes] == [220.0, 221.0]


def test_of_everything_else_the_newest():
    buffer = Buffer(2)
    wrong = Correction("IWM", NOW_NS)
    for event in (
        Status(Kind.OFFLINE),
        Gap(frozenset({"IWM"}), 5, 9),
        SymbolStates({"IWM": Kind.GAPPED}),
        Gap(frozenset({"QQQ"}), 3, 7),
        Status(Kind.LIVE),
        SymbolStates({}),
    ):
        buffer.add(event)
        buffer.add_corrections([wrong])
    assert taken(buffer) == [
        Gap(frozenset({"IWM", "QQQ"}), 3, 9),
        wrong,
        SymbolStates({}),
        Status(Kind.LIVE),
    ]
    assert not buffer.is_ready


def test_corrections_do_not_pile_up():
    buffer = Buffer(2)
    for i in range(0, CORRECTIONS + 9, 5):
        buffer.add_corrections([Correction("IWM", ts_ns) for ts_ns in range(i, i + 5)])
    buffer.add_corrections([Correction("IWM", 0)])  # it waits already
    assert buffer.unreported == 9
    assert len(taken(buffer)) == CORRECTIONS
    buffer.add_corrections([Correction("IWM", 1)])
    assert (len(taken(buffer)), buffer.unreported) == (1, 9)


def test_a_print_at_a_minutes_very_end_is_not_merged_with_the_next_minutes_prints():
    """It closes the path of its minute, while later prints are the next minute's."""
    buffer = Buffer(1)
    end_ns = 28_000_000 * MINUTE_NS
    late = [Quote("IWM", end_ns + i, 221.0, i, 1) for i in range(1, KEPT + 1)]
    buffer.put([Quote("IWM", end_ns, 220.0, 1, 7), *late])
    batch = buffer.take().batch
    assert batch is not None
    assert [(quote.ts_ns, quote.price, quote.size) for quote in batch.quotes] == [
        (end_ns, 220.0, 7),
        (end_ns + KEPT, 221.0, KEPT),
    ]


@given(st.lists(st.tuples(st.sampled_from(["put", "put_first", "rows"]), QUOTES), max_size=12))
def test_columns_never_outgrow_their_bound_however_they_come(steps):
    """What is too much is merged and counted; no size is lost."""
    with patch.object(stream_buffer, "ROWS", 50), patch.object(stream_buffer, "FRAMES", 3):
        buffer, sizes, given_quotes = Buffer(2), 0, 0
        buffer._limit = 60
        for kind, quotes in steps:
            sizes += sum(quote.size for quote in quotes)
            given_quotes += len(quotes)
            if kind == "rows":
                if quotes:
                    buffer.put_rows(of_quotes(quotes).cast({"symbol": KIND}))
            else:
                getattr(buffer, kind)(quotes)
            assert buffer._height <= 50
            assert len(buffer._frames) <= 3 + 1
            assert len(buffer._quotes) <= 60
        held = len(buffer)
        waiting = buffer.take()
        taken = [] if waiting.batch is None else [*waiting.batch.quotes]
        taken += [] if waiting.rows is None else to_quotes(waiting.rows)
        assert sum(quote.size for quote in taken) == sizes
        assert (len(taken), buffer.conflated) == (held, given_quotes - held)
