"""Yahoo: captured frames to their values, charts without the live row, one contract after the other."""

from __future__ import annotations

import base64
import json
import struct
from datetime import UTC, date, datetime

import pytest

from feeds.errors import SourceError
from feeds.fed.futures import Close, YahooStrip, contract, from_frame, parse, symbol
from feeds.fed.strip import StripQuote, code, months_ahead, usable
from feeds.http.cached import CachedClient
from feeds.vendors.yahoo.address import stream_url
from feeds.vendors.yahoo.frames import FRAME_MAX, PricingData, decode_message
from feeds.vendors.yahoo.frames import parse as parse_frame
from rotation.sessions import to_ns
from tests.support.servers.rest import FAULTS, RestServer, ok
from tests.support.servers.samples import YAHOO, yahoo

NOW_NS = 1_721_140_800 * 10**9
"""16 July 2024, 10:40 New York."""
CAPTURED = "CgRBQVBMFexhnUMYkI6yi8VcKgNOTVMwCDgBRW68EkBItJzfEGXAwuFA2AEE"
"""AAPL, 18 May 2020; a public fixture."""


async def no_wait(seconds):
    pass


# Frames


def test_every_captured_frame(shared_data):
    frames = [
        json.loads(line) for line in (shared_data / "streams/yahoo_ws_frames.jsonl").read_text().splitlines()
    ]
    assert len(frames) == 7
    for frame in frames:
        data = parse_frame(frame["message"])
        assert data == parse_frame(json.dumps({"type": "pricing", "message": frame["message"]}))
        for name, wanted in frame["expect"].items():
            got = getattr(data, {"time": "time_ms"}.get(name, name))
            # The stated figures are shortened 32-bit floats.
            assert got == (pytest.approx(wanted, rel=1e-6) if isinstance(wanted, float) else wanted), name


def test_a_captured_frame_and_what_proto3_leaves_out():
    data = parse_frame(CAPTURED)
    assert (data.id, data.time_ms, data.exchange, data.quote_type) == ("AAPL", 1589820933000, "NMS", 8)
    assert (data.market_hours, data.day_volume, data.price_hint) == (1, 17557274, 2)
    assert data.price == pytest.approx(314.765, rel=1e-7)
    assert decode_message(b"") == PricingData()


def varint(value: int) -> bytes:
    result = b""
    while value > 0x7F:
        result += bytes([value & 0x7F | 0x80])
        value >>= 7
    return result + bytes([value])


def text(number: int, value: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(value)) + value


def f32(number: int, value: float) -> bytes:
    return varint(number << 3 | 5) + struct.pack("<f", value)


def sint(number: int, value: int) -> bytes:
    return varint(number << 3) + varint((value << 1 ^ value >> 63) & (1 << 64) - 1)


def zq(price: float = 95.835, name: bytes = b"ZQZ26.CBT", **more: bytes) -> str:
    message = text(1, name) + f32(2, price) + sint(3, 1_784_000_000_000) + varint(6 << 3) + varint(18)
    return base64.b64encode(message + more.get("tail", b"")).decode()


def test_signed_wide_and_unknown_fields():
    message = sint(9, -5) + sint(9, -(1 << 62)) + varint(33 << 3 | 1) + struct.pack("<d", 1e12)
    unknown = text(99, b"later") + varint(98 << 3) + varint(7) + varint(97 << 3 | 1) + b"8 bytes!"
    data = decode_message(message + unknown + f32(12, -0.5))
    assert (data.day_volume, data.market_cap, data.change) == (-(1 << 62), 1e12, -0.5)


def test_a_field_of_another_wire_type_is_passed_over():
    assert decode_message(text(2, b"abcd") + f32(1, 1.0)) == PricingData()


def test_no_control_byte_leaves_a_frame():
    data = decode_message(text(1, b"\x1b[31mIWM\x00\xe2\x80\xae\xff") + text(13, b"x" * 10_000))
    assert data.id == "[31mIWM\ufffd"
    assert len(data.short_name) == 80


@pytest.mark.parametrize("cut", range(1, 45))
def test_a_cut_frame_is_refused_or_shorter_never_wrong(cut):
    whole = base64.b64decode(CAPTURED)
    try:
        data = decode_message(whole[:-cut])
    except SourceError:
        return
    full = decode_message(whole)
    for name in PricingData.__struct_fields__:
        assert getattr(data, name) in {getattr(full, name), getattr(PricingData(), name)}


@pytest.mark.parametrize(
    "frame",
    [
        "not base64!", "{", '{"type":"pricing"}', '{"message":3}', "A" * (FRAME_MAX + 4), b"\xff\xfe", "====",
        base64.b64encode(b"\x0b").decode(), base64.b64encode(b"\xff" * 20).decode(),
        base64.b64encode(b"\x0a\xff\xff\xff\xff\x0f").decode(), base64.b64encode(b"\x02\x00").decode(),
        base64.b64encode(b"\x08\x00" * 300).decode(),
        base64.b64encode(b"\x18" + b"\x80" * 15 + b"\x01").decode(),
    ],
    ids=range(13),
)  # fmt: skip
def test_a_frame_that_is_none_says_so(frame):
    with pytest.raises(SourceError, match="Yahoo"):
        parse_frame(frame)


def test_a_frame_of_a_contract():
    quote = from_frame(parse_frame(zq(tail=f32(23, 95.83) + f32(25, 95.84))))
    assert quote == StripQuote(
        year=2026, month=12, price=95.835, bid=95.83, ask=95.84, ts_ns=1_784_000_000 * 10**9, source="Yahoo"
    )


@pytest.mark.parametrize(
    "frame",
    [
        CAPTURED,
        zq(0.0),
        zq(89.9),
        zq(float("nan")),
        zq(1e30),
        zq(name=b"ZQ=F"),
        zq(name=b"ZQA26.CBT"),
        zq(tail=b"\x30\x08"),
    ],
    ids=range(8),
)
def test_a_frame_that_is_no_contract(frame):
    assert from_frame(parse_frame(frame)) is None


# Symbols


def test_symbols():
    assert [code(2026, month)[2] for month in range(1, 13)] == list("FGHJKMNQUVXZ")
    assert symbol(2026, 12) == "ZQZ26.CBT"
    assert [contract(symbol(2027, month)) for month in (1, 6, 12)] == [(2027, 1), (2027, 6), (2027, 12)]
    assert contract("ZQ=F") is contract("ZQZ26") is contract("ZQZ26.CBT\n") is None
    assert months_ahead(2026, 11, 4) == ((2026, 11), (2026, 12), (2027, 1), (2027, 2))


def test_prices():
    assert usable(94.88749694824219) == 94.8875  # a 32-bit float of the tick 94.8875
    assert usable(100.01) == 100.01  # a negative rate is arithmetic
    assert usable(89.99) is usable(110.1) is usable(None) is None


# Charts


CLOSES = (
    Close(date(2024, 7, 9), 94.82),
    Close(date(2024, 7, 10), 94.8275),
    Close(date(2024, 7, 12), 94.8675),
    Close(date(2024, 7, 15), 94.88),
)


def test_a_null_is_no_day_and_the_live_row_is_not_settled():
    chart = parse(YAHOO)
    assert (chart.year, chart.month, chart.closes) == (2024, 9, CLOSES)
    assert (chart.price, chart.ts_ns) == (94.8875, NOW_NS)
    assert chart.quote == StripQuote(
        year=2024,
        month=9,
        price=94.8875,
        settle=94.88,
        settle_date=date(2024, 7, 15),
        ts_ns=NOW_NS,
        source="Yahoo",
    )


def test_today_is_not_settled_under_midnight_either():
    # In session Yahoo may give today's row at midnight instead of appending one.
    data = json.loads(yahoo(live=True))
    data["chart"]["result"][0]["timestamp"][-1] = 1721102400
    assert parse(json.dumps(data).encode()).closes == CLOSES


def test_a_day_is_settled_when_the_next_has_begun():
    evening = to_ns(datetime(2024, 7, 17, 3, 59, 59, tzinfo=UTC))
    traded_s = to_ns(datetime(2024, 7, 16, 20, 59, tzinfo=UTC)) // 10**9
    data = json.loads(yahoo(live=True, regularMarketTime=traded_s))
    data["chart"]["result"][0]["timestamp"][-1] = traded_s
    late = json.dumps(data).encode()
    assert parse(late, as_of_ns=evening).closes == CLOSES
    assert parse(late, as_of_ns=evening + 10**9).closes == (*CLOSES, Close(date(2024, 7, 16), 94.8875))


def test_an_answer_kept_from_the_morning_never_settles_its_day():
    days_later = to_ns(datetime(2024, 7, 19, 16, 0, tzinfo=UTC))
    assert parse(YAHOO, as_of_ns=days_later).closes == CLOSES


def adjusted(result):
    return [each["adjclose"] for each in result["indicators"].get("adjclose", [])]


def test_a_whole_row_of_a_day_comes_before_the_appended_one():
    data = json.loads(yahoo(live=True))
    result = data["chart"]["result"][0]
    result["timestamp"].insert(5, 1721102400)
    for column in (
        *result["indicators"]["quote"][0].values(),
        *(each["adjclose"] for each in adjusted(result)),
    ):
        column.insert(5, 94.89)
    parsed = parse(json.dumps(data).encode(), as_of_ns=NOW_NS + 86_400 * 10**9)
    assert parsed.closes[-1] == Close(date(2024, 7, 16), 94.89)


def test_without_the_time_of_the_last_trade_nothing_is_settled():
    chart = parse(yahoo(regularMarketTime=None))
    assert (chart.closes, chart.price, chart.ts_ns) == ((), 94.8875, None)


def test_missing_bars_leave_the_price():
    data = json.loads(yahoo())
    result = data["chart"]["result"][0]
    del result["timestamp"], result["indicators"]
    assert parse(json.dumps(data).encode()).closes == ()


@pytest.mark.parametrize("value", ["NA", None, 9.48875, 948.875, "nan", True])
def test_a_price_that_cannot_be_one(value):
    chart = parse(yahoo(regularMarketPrice=value))
    assert (chart.price, chart.quote.price, chart.quote.settle) == (None, None, 94.88)


def test_an_error_is_told_without_its_control_bytes():
    problem = {
        "code": "Not Found",
        "description": "No data found, \x1b]52;c;aGk=\x07\u202esymbol may be delisted",
    }
    data = json.dumps({"chart": {"result": None, "error": problem}}).encode()
    with pytest.raises(SourceError) as caught:
        parse(data)
    assert str(caught.value) == "Yahoo: No data found, ]52;c;aGk=symbol may be delisted"


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b'{"chart":{}}', b'{"chart":{"result":[]}}', b'{"chart":{"result":[{}]}}',
        yahoo("ZQ=F"), yahoo("IWM"), YAHOO[:200], FAULTS["html"].body, b'{"chart":"\xff"}',
        yahoo(regularMarketPrice=None, regularMarketTime=None),
        YAHOO.replace(b"1721140800]", b"1721140800, 1]"),
    ],
    ids=range(13),
)  # fmt: skip
def test_what_cannot_be_used_says_so(data):
    with pytest.raises(SourceError, match="Yahoo"):
        parse(data)


def months(*names: str):
    return [ok(yahoo(name, live=True)) for name in names]


async def refresh(monkeypatch, *script, count=2, times=1, now_ns=NOW_NS):
    async with RestServer(*script) as server:
        monkeypatch.setenv("ROTATION_TUI_YAHOO_REST_URL", server.url)
        clocks = {"clock_ns": lambda: now_ns, "monotonic": lambda: 0.0, "random": lambda: 0.0}
        async with CachedClient(sleep=no_wait, **clocks) as client:
            source = YahooStrip(client, months=count, clock_ns=lambda: now_ns)
            for _ in range(times):
                got = await source.refresh()
    return got, [asked.path for asked in server.requests], source


GOOD = months("ZQN24.CBT", "ZQQ24.CBT")


async def test_contracts_are_asked_for_one_by_one(monkeypatch):
    got, paths, source = await refresh(monkeypatch, *GOOD)
    query = "?range=1mo&interval=1d&includePrePost=false"
    assert paths == [f"/v8/finance/chart/{name}.CBT{query}" for name in ("ZQN24", "ZQQ24")]
    assert [(quote.year, quote.month) for quote in got.quotes] == [(2024, 7), (2024, 8)]
    assert (got.state, got.errors) == ("LIVE", ())
    assert source.charts[2024, 7].closes == CLOSES


@pytest.mark.parametrize(("day", "asked"), [(1, True), (7, True), (8, False)])
async def test_in_a_months_first_week_the_month_before_is_asked_for_its_last_settlement(
    monkeypatch, day, asked
):
    august = to_ns(datetime(2024, 8, day, 14, tzinfo=UTC))
    script = months("ZQQ24.CBT", "ZQU24.CBT", "ZQN24.CBT")
    got, paths, source = await refresh(monkeypatch, *script, now_ns=august)
    assert [path.partition(".CBT")[0][-5:] for path in paths] == ["ZQQ24", "ZQU24", *["ZQN24"] * asked]
    assert [(quote.year, quote.month) for quote in got.quotes] == [(2024, 8), (2024, 9)]
    assert ((2024, 7) in source.charts) is asked
    assert got.errors == ()


@pytest.mark.parametrize("name", ["500", "html", "empty", "429"])
async def test_a_month_that_is_over_and_dropped_is_no_error(monkeypatch, name):
    august = to_ns(datetime(2024, 8, 2, 14, tzinfo=UTC))
    script = (*months("ZQQ24.CBT", "ZQU24.CBT"), FAULTS[name])
    got, _, source = await refresh(monkeypatch, *script, now_ns=august)
    assert (got.state, got.errors, sorted(source.charts)) == ("LIVE", (), [(2024, 8), (2024, 9)])


@pytest.mark.parametrize("name", ["429", "500", "cut", "html", "empty", "missing", "utf8", "huge"])
async def test_every_fault_keeps_the_strip(monkeypatch, name):
    got, _, _ = await refresh(monkeypatch, *GOOD, FAULTS[name], times=2)
    assert [quote.settle for quote in got.quotes] == [94.88, 94.88]
    assert got.errors


async def test_the_wrong_contract_is_refused(monkeypatch):
    got, _, _ = await refresh(monkeypatch, *months("ZQZ24.CBT", "ZQQ24.CBT"))
    assert [(quote.year, quote.month) for quote in got.quotes] == [(2024, 8)]
    assert got.errors == ("ZQN24: Yahoo: an answer for another symbol; next try in under 1s",)


async def test_a_limit_stops_the_whole_round(monkeypatch):
    limited = ok(b"")
    limited = type(limited)(b"Too Many Requests", 429, {"retry-after": "120"})
    got, paths, _ = await refresh(monkeypatch, *GOOD[:1], limited, count=5)
    assert len(paths) == 2
    assert [error.partition(": ")[2] for error in got.errors] == [
        "HTTP 429; next try in 2m", *["backing off, next try in 2m"] * 3,
    ]  # fmt: skip
    assert len(got.quotes) == 1


async def test_nothing_is_offline(monkeypatch):
    got, _, _ = await refresh(monkeypatch, FAULTS["html"])
    assert (got.quotes, got.state, len(got.errors)) == ((), "OFFLINE", 2)


def test_the_stream_address(monkeypatch):
    assert stream_url() == "wss://streamer.finance.yahoo.com/?version=2"
    monkeypatch.setenv("ROTATION_TUI_YAHOO_STREAM_URL", "ws://127.0.0.1:9")
    assert stream_url() == "ws://127.0.0.1:9/?version=2"
