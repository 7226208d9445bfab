"""Trades read as arrays are those that are read as objects, whatever is sent in whatever frames."""

from __future__ import annotations

import json
from unittest.mock import patch

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.streaming.alike import columns
from feeds.streaming.receive import symbol_codes, together
from feeds.vendors.alpaca import many_trades
from feeds.vendors.alpaca.many_trades import ManyTrades
from feeds.vendors.alpaca.trades import codes_of, read_many

SECONDS = (1721140800, 1721140801, 1721140860, 4102444800, 2**33)
ORDERS = (
    ("T", "S", "i", "x", "p", "s", "c", "z", "t"),
    ("T", "i", "S", "x", "p", "s", "t", "c", "z"),
    ("T", "t", "z", "c", "s", "p", "x", "S", "i"),
    ("T", "S", "p", "i", "t"),
)
SYMBOLS = ("IWM", "BRK.B", "A", "QQQ", "ABCDEFG", "ABCDEFGH", "LONGERTHAN8", "iwm", "", "A\x00", 'A"', "Ä")
PRICES = (
    *(221.28, 0.0001, 1.0, 99999.9, 1234.56789, 100, 0, 0.5, 10.25, 1e22, 1e-7, 1e300),
    *(-1.5, float("inf"), True, "221.28", None),
)
WHOLES = (
    *(0, 1, 9, 99, 100, 65535, 65536, 12345678, 123456789),
    *(2**53 + 1, 10**16 - 1, 10**16, 2**63 - 1, 2**63),
)
ODD = (-1, -33, 1.5, "9", True, None, 10**13, 1e13)
LISTS = (
    *(["@"], ["@", "I"], ["@", "F", "I"], [" "], [], ["6"], ["M"], ["B"], ["W"], ["4"], ["@", "4"], ["]"]),
    *(["@", "T", "I", "4"], ["@", "F", "T", "I", "4", "9"], ["@@"], "I", [3], None, ["@", "é"]),
)
TAPES = ("A", "B", "C", "", "N", "AB", "ABCDEFGHIJ", None, 4)
FRACTIONS = ("", ".1", ".12", ".000000001", ".123456789", ".12345678", ".1234567", ".1234567891", ".", ".1x")


def usually(*pools):
    """From the first pool nearly always."""
    return st.one_of(*[st.sampled_from(pools[0])] * 12, *map(st.sampled_from, pools))


@st.composite
def trades(draw, order, *, packed):
    """A trade with its keys in an order, most of them plain."""
    second = draw(usually(SECONDS[:3], SECONDS))
    if packed:
        nanos = draw(st.integers(0, 10**9 - 1))
        stamp = draw(usually((msgpack.Timestamp(second, nanos),), (msgpack.Timestamp(second, 0), "x", None)))
    else:
        day = draw(usually(("2024-07-16T14:40:",), ("2024-13-16T14:40:", "1960-07-16 14:40:")))
        fraction = draw(usually(FRACTIONS[1:5], FRACTIONS))
        zone = draw(usually(("Z",), ("+01:00", "z", "")))
        stamp = f"{day}{second % 60:02}{fraction}{zone}"
    values = {
        "T": draw(usually(("t",), ("q", "x", "b", 3))),
        "S": draw(usually(SYMBOLS[:4], SYMBOLS)),
        "i": draw(usually(WHOLES[:12], WHOLES, ODD)),
        "x": draw(usually(("V", "D"), ("", "\\", "VV", "ABCDEFGHIJK", "Ö"))),
        "p": draw(usually(PRICES[:4], PRICES)),
        "s": draw(usually(WHOLES[:8], WHOLES[:12], ODD)),
        "c": draw(usually(LISTS[:4], LISTS)),
        "z": draw(usually(TAPES[:3], TAPES)),
        "t": stamp,
    }
    message = {name: values[name] for name in order}
    if draw(st.integers(0, 30)) == 0:
        message["oi"] = draw(st.sampled_from((5, {"T": "t"}, [{}])))
    return message


@st.composite
def cancels(draw, *, packed):
    """A print is taken back."""
    stamp = msgpack.Timestamp(SECONDS[0], 5) if packed else "2024-07-16T14:40:00.5Z"
    number = draw(st.sampled_from(WHOLES[:10]))
    kind, symbol = draw(st.sampled_from("xc")), draw(st.sampled_from(SYMBOLS[:5]))
    return {"T": kind, "S": symbol, "i": number, "oi": 7, "t": stamp}


@st.composite
def tapes(draw, *, packed):
    """Frames, most of their messages written alike."""
    order = draw(st.sampled_from(ORDERS))
    other = draw(st.sampled_from(ORDERS))
    any_of = st.one_of(
        *[trades(order, packed=packed)] * 6, trades(other, packed=packed), cancels(packed=packed)
    )
    sent = draw(st.lists(any_of, min_size=1, max_size=24))
    cuts = sorted(draw(st.sets(st.integers(1, len(sent)), max_size=4)) | {len(sent)})
    return [sent[start:stop] for start, stop in zip([0, *cuts], cuts, strict=False)]


def as_json(frames, *, spaced=False):
    separators = (", ", ": ") if spaced else (",", ":")
    return [json.dumps(frame, separators=separators, ensure_ascii=False) for frame in frames]


def as_msgpack(frames):
    for frame in frames:
        for message in frame:
            for name in ("i", "s", "p"):
                if isinstance(message.get(name), int) and message[name] >= 2**64:
                    message[name] = 0
    return [msgpack.packb(frame) for frame in frames]


def driven(read, frames):
    """What is read, and the frames that are left to the exact way."""
    quotes, corrections, nbbo, left, place = [], [], [], [], 0
    while place < len(frames):
        many = read(frames, place)
        if not many.count:
            left.append(place)
        quotes += many.prints.quotes()
        corrections += many.corrections
        nbbo += many.nbbo
        place += many.count or 1
    return quotes, corrections, nbbo, left


@pytest.mark.parametrize(("symbols", "is_ready"), [(many_trades.MANY, True), (many_trades.MANY - 1, False)])
def test_what_arrays_need_is_there_before_the_first_trades_of_many_symbols(symbols, is_ready):
    assert (ManyTrades({}, symbols=symbols)._columns is not None) is is_ready


def as_columns(frames, *, chunk=columns.CHUNK):
    reader = ManyTrades({})
    with (
        patch.object(together, "MANY", 0),
        patch.object(columns, "LEAST", 1),
        patch.object(columns, "SINGLES_SHARE", 0),
        patch.object(columns, "CHUNK", chunk),
        patch.object(columns, "PAUSE_MAX", 0),
    ):
        return driven(reader.read, frames)


def as_objects(frames):
    codes = codes_of({})
    return driven(lambda given, place: read_many(given, codes, place), frames)


@given(tapes(packed=False), st.booleans(), st.sampled_from((1, 300, columns.CHUNK)))
def test_json_as_arrays_is_json_as_objects(sent, as_bytes, chunk):
    frames = [frame.encode() for frame in as_json(sent)] if as_bytes else as_json(sent)
    assert as_columns(frames, chunk=chunk) == as_objects(frames)


@given(tapes(packed=True), st.sampled_from((1, 300, columns.CHUNK)))
def test_msgpack_as_arrays_is_msgpack_as_objects(sent, chunk):
    frames = as_msgpack(sent)
    assert as_columns(frames, chunk=chunk) == as_objects(frames)


def test_more_names_than_are_kept_mix_up_no_symbols():
    """Garbage alone has so many: the exchanges of the United States have some 12,000."""
    plain = [[GOOD | {"S": f"A{i}"} for i in range(4)], [GOOD, *(GOOD | {"S": f"B{i}"} for i in range(3))]]
    by_itself = [GOOD | {"S": "ZZZ", "t": "2024-07-16T14:40:00Z"}]
    with patch.object(symbol_codes, "NAMES_MAX", 5):
        assert as_columns(as_json([plain[0], plain[1] + by_itself])) == as_objects(
            as_json([plain[0], plain[1] + by_itself])
        )


@given(tapes(packed=False), st.integers(0, 3))
def test_however_few_names_are_kept(sent, most):
    frames = as_json(sent)
    with patch.object(symbol_codes, "NAMES_MAX", most):
        assert as_columns(frames, chunk=300) == as_objects(frames)


@given(tapes(packed=False), st.data())
def test_a_byte_that_is_another_changes_both_alike(sent, data):
    frames = [frame.encode() for frame in as_json(sent)]
    assert_alike_when_changed(frames, data)


@given(tapes(packed=True), st.data())
def test_a_byte_of_msgpack_that_is_another_changes_both_alike(sent, data):
    assert_alike_when_changed(as_msgpack(sent), data)


def assert_alike_when_changed(frames, data):
    i = data.draw(st.integers(0, len(frames) - 1))
    place = data.draw(st.integers(0, len(frames[i]) - 1))
    bytes_ = st.sampled_from(b'{}[],":0123456789.T\\ \x00\xa1\xc2\x8f\x91\x93')
    byte = data.draw(st.one_of(bytes_, st.integers(0, 255)))
    frames[i] = frames[i][:place] + bytes((byte,)) + frames[i][place + 1 :]
    assert as_columns(frames) == as_objects(frames)


def priced(digits, places):
    text = f"{digits:0{places + 1}}"
    return f"{text[:-places]}.{text[-places:]}" if places else text


WRITTEN = st.one_of(
    st.builds(priced, st.integers(0, 10**7 - 1), st.integers(0, 6)),
    st.builds(priced, st.integers(0, 10**15 - 1), st.integers(1, 9)),
    st.sampled_from(("220.1234", "612345.67", "9999999.9999999", "0.0000001", "12345678", "12345678.5")),
)
"""Prices as they are written, short and long."""


@given(st.lists(WRITTEN, min_size=1, max_size=9))
def test_prices_are_the_nearest_floats(prices):
    whole = as_json([[GOOD]])[0]
    frames = [whole.replace('"p":1', f'"p":{price}') for price in prices]
    (quotes, *_), (others, *_) = as_columns(frames), as_objects(frames)
    assert quotes == others
    assert [quote.price for quote in quotes] == [float(price) for price in prices]


@given(WRITTEN, st.sampled_from("0123456789.-+eE,}"), st.integers(0, 15))
def test_a_price_with_a_character_too_many_is_judged_alike(price, char, place):
    whole = as_json([[GOOD]])[0]
    wrong = price[:place] + char + price[place:]
    frames = [whole, whole.replace('"p":1', f'"p":{wrong}'), whole]
    assert as_columns(frames) == as_objects(frames)


@pytest.mark.parametrize("price", ["220.1234", "612345.67", "9999999.9999999", "0.0000001"])
def test_a_price_of_eight_characters_and_more_needs_no_object(price, monkeypatch):
    frames = [as_json([[GOOD | {"p": 220.25}] * 30])[0].replace("220.25", price, 1)] * 9
    expected = as_objects(frames)
    assert expected[0][0].price == float(price)
    monkeypatch.setattr(together, "MANY", 0)
    monkeypatch.setattr("feeds.vendors.alpaca.trades.read_many", None)
    monkeypatch.setattr("feeds.vendors.alpaca.trades._Reading.take", None)
    assert driven(ManyTrades({}).read, frames) == expected


GOOD = {
    "T": "t",
    "S": "IWM",
    "i": 2**53 + 1,
    "x": "V",
    "p": 1,
    "s": 100,
    "c": ["@"],
    "z": "B",
    "t": "2024-07-16T14:40:00.123456789Z",
}


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        *(('"s":100', f'"s":{text}') for text in ("0100", "00", "", "+1", "1,", "1 ", "9" * 20)),
        *(('"p":1', f'"p":{text}') for text in ("01.5", "1.", ".5", "1..5", "1.5.1", "-", "0x1", "1.5e3")),
        *(('"p":1', f'"p":{text}') for text in ("1234567.", "1234567895", "12345678x5", "0123.45678")),
        *(('"i":9007199254740993', f'"i":{text}') for text in ("09", "9" * 17, "9" * 16, "", "9-9")),
        *(("00.123456789Z", text) for text in ("00,123456789Z", "00.123456789", "00.Z", "00.12a4Z", "00Z")),
        *(("00.123456789Z", f"00.{'1' * digits}Z") for digits in range(1, 11)),
        *(('"x":"V"', f'"x":{text}') for text in ('"\x01"', '"\n"', '"\x7f"', '"\\u0041"', '"\xe9"', '"')),
        *(("},{", text) for text in ("},5,{", "},,{", "}{", "},\n{", "} ,{", '},"",{', "]{", "}],[{")),
        *(('["@"]', text) for text in ('["@",]', '["@""I"]', "[]", "[@]", '["@","I"', '["]"]', '[["@"]]')),
        *(("[{", text) for text in ("[[{", "[5,{", " [{", "[ {", "{", "[{,")),
        *(("}]", text) for text in ("}]]", "},]", "}] ", "}", "},5]")),
    ],
)
@pytest.mark.parametrize("is_text", [False, True])
def test_json_that_is_nearly_right_is_judged_alike(part, instead, is_text):
    good = json.dumps([GOOD] * 3, separators=(",", ":"))
    assert part in good
    frames = [good, good.replace(part, instead, 1), good]
    sent = frames if is_text else [frame.encode() for frame in frames]
    assert as_columns(sent) == as_objects(sent)


@pytest.mark.parametrize("last", ["s", "i", "p"])
@pytest.mark.parametrize("text", ["", "7", "07", "1.", ".5", "]", "x", '"'])
def test_a_number_at_the_end_of_a_message_is_one_or_the_frame_is_none(last, text):
    message = {name: value for name, value in GOOD.items() if name != last} | {last: 100}
    good = json.dumps([message] * 3, separators=(",", ":"))
    frames = [good, good.replace(f'"{last}":100}}', f'"{last}":{text}}}', 1), good]
    assert as_columns(frames) == as_objects(frames)


def test_frames_cut_in_the_middle_of_a_message_are_none():
    first, second, third = (msgpack.packb(GOOD | {"t": msgpack.Timestamp(SECONDS[0], n)}) for n in (5, 6, 7))
    frames = [b"\x92" + first + second[:9], b"\x91" + second[9:] + third]
    assert as_columns(frames)[3] == [0, 1]


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_plain_needs_no_object(packed, monkeypatch):
    good = GOOD | {"p": 1.5} | ({"t": msgpack.Timestamp(SECONDS[0], 5)} if packed else {})
    sent = [[good, good | {"c": ["@", "I"], "S": "QQQ", "p": 2.5, "s": 7}, good | {"c": ["M"]}]] * 50
    frames = as_msgpack(sent) if packed else as_json(sent)
    expected = as_objects(frames)
    monkeypatch.setattr(together, "MANY", 0)
    monkeypatch.setattr("feeds.vendors.alpaca.trades.read_many", None)
    monkeypatch.setattr("feeds.vendors.alpaca.trades._Reading.take", None)
    assert driven(ManyTrades({}).read, frames) == expected
