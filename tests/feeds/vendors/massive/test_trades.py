"""Frames of trades are read to types; whatever that accepts, message by message says the same."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.errors import SourceError
from feeds.streaming.watch.auction import Auctions
from feeds.vendors.massive.frames import REMEMBERED, Message, TradeIds, market_data, parse
from feeds.vendors.massive.trades import MESSAGES_MAX, codes_of, read_many
from rotation.sessions import close_ns
from tests.support.fake_time import NOW_NS
from tests.support.servers.massive import NOW_MS, array, quoted, trade

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
                *(trade(q=7, i="a"),) * 4,
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


def exactly(frame: str, ids: TradeIds, auctions: Auctions, known: list[Any]) -> None:
    try:
        result = market_data(parse(frame), ids, auctions)
    except SourceError:
        known.append("unreadable")
        return
    known += [*result.quotes, *result.corrections, *result.rejected]


@given(st.lists(st.lists(messages(), min_size=1, max_size=4).map(json.dumps), max_size=8))
def test_what_is_read_at_once_is_read_the_same_way_message_by_message(sent: list[str]) -> None:
    single: list[Any] = []
    markets: dict[bool, list[Any]] = {True: [], False: []}
    ids, auctions = TradeIds(), Auctions()
    for frame in sent:
        exactly(frame, ids, auctions, single)
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
        markets[True] += [*made.nbbo, *made.bands]
        if not made.count:
            exactly(sent[place], ids, auctions, many)
            try:
                result = market_data(parse(sent[place]), TradeIds(), Auctions())
                markets[True] += [*result.nbbo, *result.bands]
            except SourceError:
                pass
            place += 1
    assert many == single
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
        message = Message(ev="T", sym="IWM", x=4, i=str(n))
        asked = [ids.correction(message, "IWM", 5) for ids in (one_by_one, together)]
        assert asked[0] == asked[1]
        assert (asked[0].seq is None) == (n < 3_000)


@pytest.mark.parametrize("conditions", [[8], [19], [44]])
def test_a_closing_print_and_a_correction_are_read_message_by_message(conditions: list[int]) -> None:
    assert read_many([array(trade(c=conditions))], codes_of({}), TradeIds(), Auctions()).count == 0


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
