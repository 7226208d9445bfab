"""Trades read as arrays are those that are read as objects, whatever is sent in whatever frames."""

from __future__ import annotations

import json
from datetime import date
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.streaming.alike import columns
from feeds.streaming.receive import symbol_codes, together
from feeds.streaming.watch.auction import Auctions
from feeds.vendors.massive.frames import REMEMBERED, TradeIds
from feeds.vendors.massive.many_trades import ManyTrades
from feeds.vendors.massive.trades import codes_of, read_many
from rotation.sessions import close_ns

NOW_MS = 1721140800000
CLOSE_MS = close_ns(date(2024, 7, 16)) // 10**6
ORDERS = (
    ("ev", "sym", "x", "i", "z", "p", "s", "c", "t", "q"),
    ("ev", "sym", "x", "p", "s", "t", "q", "i"),
    ("sym", "t", "p", "ev", "trfi", "ds"),
    ("i", "ev", "c", "q", "sym", "p", "s", "t", "z"),
)
SYMBOLS = ("IWM", "BRK.B", "A", "QQQ", "ABCDEFG", "ABCDEFGH", "LONGERTHAN8", "iwm", "", 'A"', "Ä", 7, None)
PRICES = (221.28, 0.0001, 1.0, 99999.9, 1234.56789, 100, 0, 0.5, 1e7, 1e8, 1e-7, -1.5, True, "221.28", None)
WHOLES = (0, 1, 9, 99, 65536, 123456789, 2**53 + 1, 10**16 - 1, 10**16, 2**63 - 1, 2**63)
ODD = (-1, 1.5, "9", True, None, 10**12, 10**12 + 1, 10**400)
IDS = (
    "a",
    "b",
    "",
    "12345678",
    "1234567890123456",
    "1234567890123457x",
    "9" * 40,
    "9" * 41,
    "é",
    "\\",
    7,
    None,
)
LISTS = (
    [14],
    [14, 37],
    [37, 12],
    [],
    [15],
    [44],
    [46, 14],
    [8],
    [99],
    [14, 12, 37, 41, 10],
    ["14"],
    14,
    [1.5],
)
TIMES = (NOW_MS, NOW_MS + 1, NOW_MS + 1000, CLOSE_MS - 1, CLOSE_MS + 1, 0, -1, 1.5, "x", None, 4 * 10**13)


def usually(*pools):
    """From the first pool nearly always."""
    return st.one_of(*[st.sampled_from(pools[0])] * 12, *map(st.sampled_from, pools))


@st.composite
def trades(draw, order):
    """A trade with its keys in an order, most of them plain."""
    values = {
        "ev": draw(usually(("T",), ("Q", "A", "LULD", "x", 3))),
        "sym": draw(usually(SYMBOLS[:4], SYMBOLS)),
        "p": draw(usually(PRICES[:4], PRICES)),
        "t": draw(usually(TIMES[:3], TIMES)),
        "q": draw(usually(WHOLES[:8], WHOLES, ODD)),
        "s": draw(usually(WHOLES[:6], WHOLES, ODD)),
        "c": draw(usually(LISTS[:4], LISTS)),
        "i": draw(usually(IDS[:7], IDS)),
        "x": draw(usually((4, 10, 11, 12), ODD)),
        "z": draw(usually((1, 2, 3), ODD)),
        "trfi": 202,
        "ds": draw(usually(("100", "1.5"), ("123456789.5",))),
    }
    message = {name: values[name] for name in order}
    if draw(st.integers(0, 30)) == 0:
        message["more"] = draw(st.sampled_from((5, {"ev": "T"}, [{}], 1.5)))
    return message


@st.composite
def takes_back(draw):
    """A trade that takes another back, or a market."""
    wrong = {"ev": "T", "sym": draw(st.sampled_from(SYMBOLS[:4])), "p": 1.0, "t": NOW_MS + 5, "q": 3}
    wrong |= {"i": draw(st.sampled_from(IDS)), "x": draw(st.sampled_from((4, 10, None))), "c": [44]}
    market = {"ev": "Q", "sym": "IWM", "bp": 1.0, "ap": draw(st.sampled_from((2.0, 0.5))), "t": NOW_MS}
    return draw(st.sampled_from((wrong, wrong, wrong, market)))


@st.composite
def tapes(draw):
    """Frames, most of their messages written alike."""
    order, other = draw(st.sampled_from(ORDERS)), draw(st.sampled_from(ORDERS))
    any_of = st.one_of(*[trades(order)] * 6, trades(other), takes_back(), takes_back())
    sent = draw(st.lists(any_of, min_size=1, max_size=24))
    cuts = sorted(draw(st.sets(st.integers(1, len(sent)), max_size=4)) | {len(sent)})
    return [sent[start:stop] for start, stop in zip([0, *cuts], cuts, strict=False)]


def as_json(frames):
    return [json.dumps(frame, separators=(",", ":"), ensure_ascii=False) for frame in frames]


def driven(read, frames):
    """What is read, and the frames that are left to the exact way."""
    quotes, corrections, nbbo, bands, left, place = [], [], [], [], [], 0
    while place < len(frames):
        many = read(frames, place)
        if not many.count:
            left.append(place)
        quotes += many.prints.quotes()
        corrections += many.corrections
        nbbo += many.nbbo
        bands += many.bands
        place += many.count or 1
    return quotes, corrections, nbbo, bands, left


def known_by(ids):
    """What corrections that come later would find."""
    asked = [(venue, name, symbol) for venue in (4, 10, 11) for name in IDS for symbol in SYMBOLS[:4]]
    return [ids.correction(venue, name, symbol, 5) for venue, name, symbol in asked]


def as_columns(frames, *, chunk=columns.CHUNK):
    ids = TradeIds()
    reader = ManyTrades({}, ids, Auctions())
    with (
        patch.object(together, "MANY", 0),
        patch.object(columns, "LEAST", 1),
        patch.object(columns, "SINGLES_SHARE", 0),
        patch.object(columns, "CHUNK", chunk),
        patch.object(columns, "PAUSE_MAX", 0),
    ):
        return driven(reader.read, frames), known_by(ids)


def as_objects(frames):
    ids, codes = TradeIds(), codes_of({})
    auctions = Auctions()
    return driven(lambda given, place: read_many(given, codes, ids, auctions, place), frames), known_by(ids)


@given(tapes(), st.booleans(), st.sampled_from((1, 300, columns.CHUNK)))
def test_trades_as_arrays_are_trades_as_objects(sent, as_bytes, chunk):
    frames = [frame.encode() for frame in as_json(sent)] if as_bytes else as_json(sent)
    assert as_columns(frames, chunk=chunk) == as_objects(frames)


@given(tapes(), st.integers(0, 3))
def test_however_few_names_are_kept(sent, most):
    frames = as_json(sent)
    with patch.object(symbol_codes, "NAMES_MAX", most):
        assert as_columns(frames, chunk=300) == as_objects(frames)


@given(tapes(), st.data())
def test_a_byte_that_is_another_changes_both_alike(sent, data):
    frames = [frame.encode() for frame in as_json(sent)]
    i = data.draw(st.integers(0, len(frames) - 1))
    place = data.draw(st.integers(0, len(frames[i]) - 1))
    byte = data.draw(st.one_of(st.sampled_from(b'{}[],":0123456789.T\\ \x00\xc2'), st.integers(0, 255)))
    frames[i] = frames[i][:place] + bytes((byte,)) + frames[i][place + 1 :]
    assert as_columns(frames) == as_objects(frames)


GOOD = {"ev": "T", "sym": "IWM", "x": 4, "i": "12345678901234567", "z": 3, "p": 221.28, "s": 100, "c": [14]}
GOOD |= {"t": NOW_MS, "q": 2**53 + 1}


def test_what_is_plain_needs_no_object(monkeypatch):
    without = {name: value for name, value in GOOD.items() if name not in "csz"}
    sent = [[GOOD, GOOD | {"sym": "QQQ", "c": [37]}, without, GOOD | {"c": [15]}]] * 50
    expected = as_objects(as_json(sent))
    monkeypatch.setattr(together, "MANY", 0)
    monkeypatch.setattr(columns, "LEAST", 1)
    monkeypatch.setattr("feeds.vendors.massive.trades.TradeReading.take", None)
    ids = TradeIds()
    assert (driven(ManyTrades({}, ids, Auctions()).read, as_json(sent)), known_by(ids)) == expected
    assert len(expected[0][0]) == 150


@pytest.mark.parametrize("same", [16, 3])
def test_ids_that_begin_alike_are_told_apart(same):
    """Of an id only the beginning is looked for as a number; the id itself decides."""
    names = [f"{'7' * same}{n}" for n in range(50)]
    sent = [[GOOD | {"i": name, "q": n + 1} for n, name in enumerate(names)]]
    sent += [[GOOD | {"i": names[n], "c": [44]} for n in (3, 30, 49)] + [GOOD | {"i": "7" * same, "c": [44]}]]
    (_, corrections, *_), _ = as_columns(as_json(sent))
    assert [each.seq for each in corrections] == [4, 31, 50, None]


@pytest.mark.parametrize("at_once", [100, 20_000])
def test_only_the_last_trades_are_known(at_once):
    count = REMEMBERED + 3_000
    messages = [GOOD | {"i": str(n), "q": n + 1} for n in range(count)]
    messages += [GOOD | {"i": str(n), "c": [44]} for n in (0, 2_999, 3_000, 3_001, count - 1)]
    frames = as_json([messages[start : start + at_once] for start in range(0, len(messages), at_once)])
    result = as_columns(frames)
    assert result == as_objects(frames)
    assert [each.seq for each in result[0][1]] == [None, None, 3_001, 3_002, count]


def test_an_id_that_two_venues_use_is_that_of_the_one_that_is_named():
    sent = [[GOOD | {"i": "a", "x": 4, "q": 1}, GOOD | {"i": "a", "x": 10, "q": 2}, *[GOOD] * 10]]
    sent[0] += [GOOD | {"i": "a", "x": venue, "c": [44]} for venue in (4, 10, 11)]
    result = as_columns(as_json(sent))
    assert result == as_objects(as_json(sent))
    assert [each.seq for each in result[0][1]] == [1, 2, None]


def test_what_may_be_the_auction_is_left_to_its_own_reading():
    """A trade after the bell without conditions, on the listing venue: only as an object is it asked."""
    plain = {name: value for name, value in GOOD.items() if name != "c"}
    sent = [[plain | {"x": 12, "t": CLOSE_MS + 1}] * 5 + [GOOD | {"t": CLOSE_MS + 2}] * 5]
    assert as_columns(as_json(sent)) == as_objects(as_json(sent))
