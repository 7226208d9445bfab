"""Prints handed on as columns are found by number and time, however many were kept, in bounded memory."""

from __future__ import annotations

import weakref

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.clock import Moment
from feeds.events import Correction
from feeds.streaming.buffer import KEPT_NS, HandedOn
from feeds.streaming.corrections import Corrections
from feeds.streaming.many import handed_rows
from feeds.streaming.many.handed_rows import HandedRows, Wanted
from rotation.columns import of_quotes
from rotation.quote import NS, Quote
from tests.support.fake_time import NOW_NS

KIND = pl.Enum(["IWM", "QQQ", "SPY"])
EDGE = (1 << 63) - 1
NUMBERS = st.integers(0, 12) | st.integers(EDGE - 3, EDGE) | st.integers(0, EDGE)
PRINTS = st.lists(
    st.builds(
        Quote,
        st.sampled_from(("IWM", "QQQ", "SPY")),
        st.integers(NOW_NS, NOW_NS + 30),
        st.just(220.0),
        NUMBERS,
    ),
    min_size=1,
    max_size=12,
)


@pytest.fixture
def few_rows(monkeypatch):
    """A chunk is full, and frames are joined, after a few."""
    monkeypatch.setattr(handed_rows, "ROW_CHUNK", 16)
    monkeypatch.setattr(handed_rows, "PARTS", 3)


def rows_of(prints: list[Quote]) -> pl.DataFrame:
    return of_quotes(prints).cast({"symbol": KIND})


@pytest.mark.usefixtures("few_rows")
@given(
    st.lists(st.tuples(PRINTS, st.booleans()), max_size=12),
    st.frozensets(st.sampled_from(("IWM", "QQQ", "XYZ"))),
    st.data(),
)
def test_in_sorted_chunks_too_just_those_with_a_number_or_time_are_found_in_order(parts, symbols, data):
    kept, arrived = HandedOn(), []
    for prints, as_rows in parts:
        kept.add_rows(rows_of(prints)) if as_rows else kept.add(prints)
        arrived += prints
    kept_numbers = st.sampled_from([each.seq for each in arrived]) if arrived else st.nothing()
    numbers = data.draw(st.frozensets(kept_numbers | NUMBERS | st.just(EDGE + 2), max_size=8))
    times = data.draw(st.frozensets(st.integers(NOW_NS - 2, NOW_NS + 32), max_size=3))
    quotes = [quote for quote in arrived if quote.seq in numbers or quote.ts_ns in times]
    assert kept.alike(symbols, numbers, times) == {
        symbol: [quote for quote in quotes if quote.symbol == symbol] for symbol in symbols
    }


def test_numbers_that_share_a_remainder_are_told_apart():
    """A full chunk of a real size: each remainder is that of several numbers."""
    numbers = np.random.default_rng(1).integers(0, EDGE, handed_rows.ROW_CHUNK)
    prints = [Quote("IWM", NOW_NS + i, 220.0, number) for i, number in enumerate(numbers.tolist())]
    rows = HandedRows()
    rows.add(rows_of(prints))
    assert rows.is_full
    assert len(np.unique(handed_rows._remainders(numbers))) < 0.7 * len(numbers)
    asked = {*numbers[::97].tolist(), *range(1, 5000)}
    alike = rows.alike(Wanted(asked), Wanted(()))
    assert alike == [quote for quote in prints if quote.seq in asked]


@pytest.mark.usefixtures("few_rows")
def test_what_is_kept_and_sorted_is_bounded_by_the_minutes():
    """Ten of them: the oldest go with all that was made to find them."""
    kept, gone = HandedOn(), []
    for second in range(600):
        for i in range(7):
            kept.add_rows(rows_of([Quote("IWM", NOW_NS + second * NS, 220.0, 7 * second + i)]))
        chunk = kept._chunks[-1]
        gone += [] if any(chunk is each() for each in gone[-1:]) else [weakref.ref(chunk)]
        assert all(len(each._parts) <= 3 for each in kept._chunks)
        assert all(each.is_full for each in kept._chunks[:-1])
    del chunk
    seconds = KEPT_NS // NS
    assert 7 * seconds <= sum(map(len, kept._chunks)) <= 7 * (seconds + 1) + 2 * 16
    assert sum(each() is not None for each in gone) == len(kept._chunks)
    assert kept.alike({"IWM"}, {0, 7 * 599}, set())["IWM"][0].seq == 7 * 599


@pytest.mark.usefixtures("few_rows")
def test_prints_since_an_instant_are_the_same_though_older_chunks_are_passed_over():
    kept, arrived = HandedOn(), []
    for second in range(60):
        late = 5 if second % 9 == 0 else 0
        prints = [Quote("IWM", NOW_NS + (second - late) * NS + i, 220.0, 7 * second + i) for i in range(7)]
        kept.add_rows(rows_of(prints)) if second % 4 else kept.add(prints)
        arrived += prints
    for after_s in range(-7, 62, 3):
        after_ns = NOW_NS + after_s * NS
        expected = [quote for quote in arrived if quote.ts_ns > after_ns]
        assert kept.since({"IWM"}, after_ns) == {"IWM": expected}


@pytest.mark.parametrize("as_rows", [False, True])
@pytest.mark.parametrize("number", [None, 2])
@pytest.mark.parametrize("together", [False, True])
def test_a_correction_of_an_unknown_print_waits_for_bars_though_another_was_taken_back(
    as_rows, number, together
):
    """It once was taken for the other's, and its symbol trusted before any bar could show it."""
    handed_on = HandedOn()
    prints = [Quote("IWM", NOW_NS - 20 * NS, 221.0, 1, 100)]
    handed_on.add_rows(rows_of(prints)) if as_rows else handed_on.add(prints)
    corrections = Corrections({"IWM", "QQQ"}, {}, handed_on, late_ns=0)
    now = Moment(ns=NOW_NS, s=5.0)
    corrections.on_corrections([Correction("IWM", NOW_NS, 1)], now)
    if not together:
        assert corrections.next_request(Moment(ns=NOW_NS + NS, s=6.0)) is None
        assert corrections._unseen_ns == {}, "this one is known"
    corrections.on_corrections([Correction("IWM", NOW_NS - 3 * NS, number)], now)
    corrections.next_request(Moment(ns=NOW_NS + NS, s=6.0))
    assert corrections._unseen_ns == {"IWM": NOW_NS - 3 * NS}
