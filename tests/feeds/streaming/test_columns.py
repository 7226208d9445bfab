"""Prints judged as columns: whatever they are, the same is let in as of prints judged one by one."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from feeds.streaming.filter import LiveFilter
from feeds.streaming.many import seen
from feeds.streaming.many.look import Look, Sorted, Table
from feeds.streaming.requests import Answer
from feeds.streaming.vendor import Band, Nbbo
from rotation.columns import PrintColumns, to_quotes
from rotation.quote import NS, Quote, Role
from tests.support.fake_time import NOW_NS

EXAMPLES = settings.default.max_examples
SYMBOLS = frozenset({"IWM", "QQQ", "AAA", "BBB"})
CLOSES = {"IWM": 100.0, "QQQ": 200.0, "AAA": 50.0}


@st.composite
def some_print(draw: st.DrawFn) -> Quote:
    symbol = draw(st.sampled_from(("IWM", "IWM", "QQQ", "AAA", "BBB", "XXX")))
    level = CLOSES.get(symbol, 70.0)
    price = level * draw(
        st.sampled_from((1.0, 1.0, 1.01, 0.99, 1.02, 1.06, 0.93, 1.12, 1.13, 0.85, 1.3, 1.31))
    )
    if draw(st.integers(0, 25)) == 0:
        price = draw(st.sampled_from((float("nan"), float("inf"), 0.0, -1.0, 1e8)))
    offset = draw(st.sampled_from((-60, -5, -1, -1, 0, 0, 0, 1, 2))) * NS
    if draw(st.integers(0, 12)) == 0:
        offset = draw(st.sampled_from((3, 10, 70, 90))) * NS
    return Quote(
        symbol,
        NOW_NS + offset + draw(st.integers(0, 3)),
        price,
        draw(st.integers(0, 6)),
        draw(st.sampled_from((0, 100, 100, -1))),
        role=draw(st.sampled_from((Role.PRICE, Role.PRICE, Role.PRICE, Role.SIZE, Role.CLOSE))),
    )


@st.composite
def steps(draw: st.DrawFn) -> tuple[Any, ...]:
    """Something that happens to a filter: prints, a market, limits, a snapshot, time."""
    kind = draw(st.sampled_from(("prints",) * 6 + ("market", "band", "answer", "lost", "time")))
    symbol = draw(st.sampled_from(("IWM", "QQQ")))
    if kind == "prints":
        prints = draw(st.lists(some_print(), min_size=1, max_size=25))
        for _ in range(draw(st.integers(0, 4))):
            prints.insert(draw(st.integers(0, len(prints))), draw(st.sampled_from(prints)))
        return kind, prints
    if kind == "market":
        mid = CLOSES[symbol] * draw(st.sampled_from((1.0, 1.02, 1.12)))
        return kind, Nbbo(symbol, mid - 0.01, mid + 0.01, NOW_NS)
    if kind == "band":
        return kind, Band(symbol, CLOSES[symbol] * 0.95, CLOSES[symbol] * 1.05, NOW_NS)
    if kind == "answer":
        price = CLOSES[symbol] * draw(st.sampled_from((1.0, 1.12)))
        return kind, Answer(newest=(Quote(symbol, NOW_NS, price),))
    if kind == "time":
        return kind, draw(st.sampled_from((0.1, 2.0, 8.0)))
    return (kind,)


def by_symbol(quotes: list[Quote]) -> dict[str, list[Quote]]:
    lists: dict[str, list[Quote]] = {}
    for quote in quotes:
        lists.setdefault(quote.symbol, []).append(quote)
    return lists


def admitted(
    judge: LiveFilter, prints: list[Quote], now_ns: int, lag_ns: int
) -> tuple[list[Quote], list[Quote]]:
    """What is let in of these as columns: rows, as quotes, and quotes."""
    let_in = judge.admit_columns(PrintColumns.of(prints), now_ns, lag_ns)
    rows = [] if let_in.rows is None else to_quotes(let_in.rows)
    assert let_in.symbols == {quote.symbol for quote in rows}
    assert let_in.priced == {quote.symbol for quote in rows if quote.sets_last}
    assert let_in.newest_ns == max((quote.ts_ns for quote in rows), default=0)
    return rows, let_in.quotes


def known(judge: LiveFilter) -> tuple[Any, ...]:
    """All that a filter knows, but for the order of what it has seen."""
    jumps = judge._jumps
    excursions = {name: (each.before, each.prints) for name, each in jumps._excursions.items()}
    return (
        *(judge.last, judge.duplicates, judge.rejects, judge.last_reject, judge.doubted),
        *(judge._seen.hashes(), jumps.reference, jumps._held, excursions),
        # A price that is not a number is not equal to itself.
        *(repr(by_symbol(judge._ahead._waiting)), repr(judge.quotes._waiting)),
    )


OUTSIDE = [
    ("market", Nbbo("IWM", 99.99, 100.01, NOW_NS)),
    (
        "prints",
        [
            Quote("IWM", NOW_NS + 2, 106.0, 1, 100),
            Quote("QQQ", NOW_NS, 200.0, 1, 100),
            Quote("IWM", NOW_NS, 100.0, 2, 100),
            Quote("IWM", NOW_NS + 1, 106.0, 3, 100),
        ],
    ),
]
"""A print outside of bid and ask, one within, and a second one that lets the first in."""


AHEAD_AND_OUTSIDE = [
    ("market", Nbbo("IWM", 99.99, 100.01, NOW_NS)),
    (
        "prints",
        [Quote("IWM", NOW_NS + 2 * NS + 1, 93.0, 1, 100), Quote("QQQ", NOW_NS + NS + 1, 200.0, 1, 100)],
    ),
    ("prints", [Quote("IWM", NOW_NS - 5 * NS, 93.0, 2, 100), Quote("QQQ", NOW_NS + NS, 200.0, 2, 100)]),
]
"""A print ahead of its time that a second one lets in, while another symbol says that it is time."""


@settings(max_examples=4 * EXAMPLES)
@example(OUTSIDE, 0)
@example(AHEAD_AND_OUTSIDE, 0)
@given(st.lists(steps(), max_size=12), st.sampled_from((0, NS, -5 * NS)))
def test_columns_are_judged_as_prints_one_by_one(happened: list[tuple[Any, ...]], lag_ns: int):
    single, many = LiveFilter(SYMBOLS, CLOSES), LiveFilter(SYMBOLS, CLOSES)
    now_ns = NOW_NS
    for kind, *given_ in happened:
        if kind == "prints":
            wanted = single.admit_live(given_[0], now_ns, lag_ns)
            rows, quotes = admitted(many, given_[0], now_ns, lag_ns)
            assert not rows or not quotes
            assert by_symbol([*rows, *quotes]) == by_symbol(wanted)
            assert many.take_taken_back() == single.take_taken_back()
        elif kind == "time":
            now_ns += int(given_[0] * NS)
        else:
            for judge in (single, many):
                if kind == "market":
                    judge.quotes.on_quotes([given_[0]], [])
                elif kind == "band":
                    judge.quotes.on_quotes([], given_)
                elif kind == "lost":
                    judge.on_lost()
            if kind == "answer" and single.doubted:
                price = given_[0].newest[0].price
                for symbol in sorted(single.doubted):
                    assert single.on_newest(symbol, price) == many.on_newest(symbol, price)
        assert known(many) == known(single)


def test_a_print_that_was_held_back_stands_beside_the_one_that_let_it_in():
    """And not where it came: of two orders of the same prints columns must not make a third."""
    batch = [
        Quote("IWM", NOW_NS + NS, 112.0, seq=1),
        Quote("IWM", NOW_NS - NS, 100.0, seq=2, size=100, role=Role.SIZE),
        Quote("IWM", NOW_NS + 2 * NS, 112.0, seq=3),
    ]
    single, many = LiveFilter(SYMBOLS, CLOSES), LiveFilter(SYMBOLS, CLOSES)
    for judge in (single, many):
        judge.quotes.on_quotes([Nbbo("IWM", 111.99, 112.01, NOW_NS + NS)], [])
    wanted = single.admit_live(batch, NOW_NS + 3 * NS, 0)
    rows, quotes = admitted(many, batch, NOW_NS + 3 * NS, 0)
    assert [quote.seq for quote in wanted] == [2, 1, 3]
    assert [*rows, *quotes] == wanted


def test_prints_that_raise_no_doubt_are_never_judged_one_by_one(monkeypatch):
    judge = LiveFilter(SYMBOLS, CLOSES)
    monkeypatch.setattr(LiveFilter, "admit_live", None)
    prints = [Quote("IWM", NOW_NS + i, 100.0 + i % 5, i + 1, 100) for i in range(300)]
    rows, quotes = admitted(judge, [*prints, *prints[:40]], NOW_NS + NS, 0)
    assert (rows, quotes, judge.duplicates) == (prints, [], 40)
    assert judge.last["IWM"] == prints[-1]


def test_only_the_prints_of_a_symbol_in_doubt_are_judged_one_by_one():
    judge = LiveFilter(SYMBOLS, CLOSES)
    wrong = Quote("AAA", NOW_NS, 500.0, 3)
    sent = [
        Quote("IWM", NOW_NS, 100.0, 1),
        wrong,
        Quote("AAA", NOW_NS + 1, 50.0, 4),
        Quote("QQQ", NOW_NS, 200.0, 5),
    ]
    rows, _ = admitted(judge, sent, NOW_NS, 0)
    assert rows == [sent[0], *sent[2:]]
    assert (judge.rejects, judge.last["AAA"].price) == (1, 50.0)


def test_of_prints_without_a_number_the_size_counts_however_small():
    """-1 and -2, which stood for the sizes 0 and 1, have the same hash."""
    sent = [Quote("IWM", NOW_NS, 100.0, 0, size) for size in (0, 1, 2, 1)]
    single, many = LiveFilter(SYMBOLS, CLOSES), LiveFilter(SYMBOLS, CLOSES)
    assert single.admit_live(sent, NOW_NS, 0) == sent[:3]
    assert admitted(many, sent, NOW_NS, 0) == (sent[:3], [])
    assert single.duplicates == many.duplicates == 1


@settings(max_examples=4 * EXAMPLES)
@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from(("AAA", "BBB")), st.integers(0, 9), st.integers(0, 3)), max_size=30
        ),
        max_size=8,
    ),
    st.lists(st.booleans(), min_size=8, max_size=8),
    st.integers(5, 40),
)
def test_what_is_remembered_is_bounded_alike_however_prints_came(
    batches: list[list[tuple[str, int, int]]], as_columns: list[bool], kept: int
):
    """Repeats over looks, some of them one by one, with the oldest forgotten between them."""
    single, mixed = LiveFilter(SYMBOLS, CLOSES), LiveFilter(SYMBOLS, CLOSES)
    with patch.object(seen, "KEPT", kept):
        for batch, is_columns in zip(batches, as_columns, strict=False):
            quotes = [Quote(name, NOW_NS - NS + place, 50.0, number, 7) for name, place, number in batch]
            wanted = single.admit_live(quotes, NOW_NS, 0)
            if is_columns and quotes:
                rows, others = admitted(mixed, quotes, NOW_NS, 0)
                assert [*rows, *others] == wanted
            else:
                assert mixed.admit_live(quotes, NOW_NS, 0) == wanted
            assert mixed._seen.hashes() == single._seen.hashes()
            assert len(mixed._seen) == len(single._seen) <= max(kept, 0)
            assert (mixed.last, mixed.duplicates) == (single.last, single.duplicates)


@settings(max_examples=EXAMPLES)
@example([("AAA", 1, 1, 50.0), ("AAA", 1, 1, 50.01), ("AAA", 1, 1, 50.0)])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("AAA", "BBB", "IWM")),
            st.sampled_from((1, 2, 3, 10**6, 2**45, 2**47)),
            st.integers(0, 3),
            st.sampled_from((50.0, 50.01)),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_rows_are_sorted_by_symbol_time_and_number_over_whatever_span(
    prints: list[tuple[str, int, int, float]],
):
    quotes = [Quote(name, ts_ns, price, number) for name, ts_ns, number, price in prints]
    look = Look.of(PrintColumns.of(quotes), Table(SYMBOLS))
    by = Sorted.of(look)
    identities = [(quote.symbol, quote.ts_ns, quote.seq) for quote in quotes]
    assert by.order.tolist() == sorted(range(len(quotes)), key=identities.__getitem__)
    assert by.arrived.tolist() == sorted(range(len(quotes)), key=lambda place: quotes[place].symbol)
    in_order = [identities[place] for place in by.order.tolist()]
    assert by.same.tolist() == [i for i in range(len(quotes) - 1) if in_order[i] == in_order[i + 1]]
    rows, others = admitted(LiveFilter(SYMBOLS, {}), quotes, NOW_NS, 0)
    assert rows == list(dict.fromkeys(quotes))
    assert others == []
