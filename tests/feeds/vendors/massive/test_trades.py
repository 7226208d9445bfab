"""Frames of trades are read to types; whatever that accepts, message by message says the same."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.errors import SourceError
from feeds.streaming.watch.auction import Auctions
from feeds.vendors.massive.frames import REMEMBERED, TradeIds, market_data, parse
from feeds.vendors.massive.trades import MESSAGES_MAX, codes_of, read_many
from rotation.sessions import close_ns
from tests.support.fake_time import NOW_NS
from tests.support.servers.massive import NOW_MS, array, quoted, trade

if TYPE_CHECKING:
    from feeds.events import Correction

CLOSE_MS = close_ns(date(2024, 7, 16)) // 10**6
POOLS: dict[str, tuple[Any, ...]] = {
    "ev": ("T", "T", "T", "Q", "A", "status", 3, None),
    "sym": ("IWM", "BRK.B", "iwm", "", None, 7, "A" * 30),
    "p": (221.28, 221, -1.0, 0, 1e7, 1e8, "221.28", True, None, 10**400),
    "t": (NOW_MS, NOW_NS, NOW_MS // 1000, 0, -1, 1.5, str(NOW_MS), None, 10**400, 4 * 10**13),
    "q": (0, 2**53 + 1, 2**63 - 1, 2**63, -1, 1.5, "9", True, None),
    "s": (100, 0, -3, 1.5, 10**12, 10**12 + 1, "100", None, True),
    "c": ([14], [14, 37], [15], [44], [8], [], [99], ["14"], 14, [1.5], None, [True]),
    "i": ("a", "b", 7, None, "x" * 60, ""),
    "x": (4, 10, 11, 12, "4", None, 4.5),
    "z": (1, 2, 3, None, "1"),
}


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    """Mostly well-formed: one field or two of another shape, or left out."""
    message = draw(
        st.sampled_from(
            (
                *(trade(q=7, i="a"), trade(q=8, i="b"), trade(q=9, i="b", ts_ms=NOW_MS + 1)),
                *(trade(i="a", c=[44]), trade(i="b", c=[46, 14]), trade(i="c", c=[44], ts_ms=NOW_MS + 2)),
                trade(i="a", c=[44], x=11),
                *(quoted(), quoted(bid=0.0), quoted(bid=221.5)),
                {"ev": "LULD", "T": "IWM", "h": 230.0, "l": 210.0, "t": NOW_MS},
                {"ev": "LULD", "T": "IWM", "h": 210.0, "l": 230.0, "t": NOW_MS},
                *(trade(ts_ms=CLOSE_MS + ms, c=[], x=x, z=2) for ms in (-1, 0, 1, 200_000) for x in (4, 11)),
            )
        )
    )
    message = dict(message)
    for name in draw(st.lists(st.sampled_from(sorted(POOLS)), max_size=2)):
        message[name] = draw(st.sampled_from(POOLS[name]))
        if draw(st.integers(0, 5)) == 0:
            del message[name]
    return message


def exactly(
    frame: str, ids: TradeIds, auctions: Auctions, known: list[Any], taken_back: list[Correction]
) -> None:
    try:
        result = market_data(parse(frame), ids, auctions)
    except SourceError:
        known.append("unreadable")
        return
    known += [*result.quotes, *result.rejected]
    taken_back += result.corrections


@given(st.lists(st.lists(messages(), min_size=1, max_size=4).map(json.dumps), max_size=8))
def test_what_is_read_at_once_is_read_the_same_way_message_by_message(sent: list[str]) -> None:
    single: list[Any] = []
    taken_back: dict[bool, list[Correction]] = {True: [], False: []}
    markets: dict[bool, list[Any]] = {True: [], False: []}
    ids, auctions = TradeIds(), Auctions()
    for frame in sent:
        exactly(frame, ids, auctions, single, taken_back[False])
        try:
            result = market_data(parse(frame), TradeIds(), Auctions())
        except SourceError:
            continue
        markets[False] += [*result.nbbo, *result.bands]
    many: list[Any] = []
    codes, ids, auctions, place = codes_of({}), TradeIds(), Auctions(), 0
    while place < len(sent):
        made = read_many(sent, codes, ids, auctions, place)
        place += made.count
        many += made.prints.quotes()
        taken_back[True] += made.corrections
        markets[True] += [*made.nbbo, *made.bands]
        if not made.count:
            exactly(sent[place], ids, auctions, many, taken_back[True])
            try:
                result = market_data(parse(sent[place]), TradeIds(), Auctions())
                markets[True] += [*result.nbbo, *result.bands]
            except SourceError:
                pass
            place += 1
    assert many == single
    assert taken_back[True] == taken_back[False]
    assert sorted(map(repr, markets[True])) == sorted(map(repr, markets[False]))


def test_ids_are_known_however_trades_came_and_only_the_last_of_them() -> None:
    one_by_one, together = TradeIds(), TradeIds()
    count = REMEMBERED + 3_000
    for n in range(count):
        one_by_one.add_many(["IWM"], [4], [str(n)], [n], [n])
    for start in range(0, count, 700):
        part = range(start, min(start + 700, count))
        together.add_many(
            ["IWM"] * len(part), [4] * len(part), [str(n) for n in part], list(part), list(part)
        )
    for n in (0, 2_999, 3_000, 3_001, count - 1):
        asked = [ids.correction(4, str(n), "IWM", 5) for ids in (one_by_one, together)]
        assert asked[0] == asked[1]
        assert (asked[0].seq is None) == (n < 3_000)


@pytest.mark.parametrize("conditions", [[8], [19]])
def test_a_closing_print_is_read_message_by_message(conditions: list[int]) -> None:
    assert read_many([array(trade(c=conditions))], codes_of({}), TradeIds(), Auctions()).count == 0


def test_what_is_taken_back_is_the_last_trade_of_that_id_before_it() -> None:
    sent = [
        array(trade(i="a", q=1), trade(i="a", c=[44]), trade(i="a", q=2, ts_ms=NOW_MS + 1)),
        array(trade(i="a", c=[44]), trade(i="b", q=3), trade(i="a", c=[44], sym="QQQ")),
    ]
    made = read_many(sent, codes_of({}), TradeIds(), Auctions())
    assert made.count == 2
    assert [(each.symbol, each.seq) for each in made.corrections] == [("IWM", 1), ("IWM", 2), ("QQQ", None)]


def test_a_trade_without_conditions_is_read_at_once_but_for_the_minutes_of_the_auction() -> None:
    assert read_many([array(trade(c=[], x=12))], codes_of({}), TradeIds(), Auctions()).count == 1
    late = trade(c=[], x=12, ts_ms=CLOSE_MS + 1)
    assert read_many([array(late)], codes_of({}), TradeIds(), Auctions()).count == 0
    assert read_many([array(late | {"x": 4})], codes_of({}), TradeIds(), Auctions()).count == 1
    assert (
        read_many([array(late | {"t": CLOSE_MS + 200_000})], codes_of({}), TradeIds(), Auctions()).count == 1
    )


@pytest.mark.parametrize("frame", ["", "null", "{}", "[[", json.dumps([trade()] * (MESSAGES_MAX + 1))])
def test_any_other_frame_is_left_to_the_exact_way(frame: str) -> None:
    assert read_many([frame, frame], codes_of({}), TradeIds(), Auctions()).count == 0
