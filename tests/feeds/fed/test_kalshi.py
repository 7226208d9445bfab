"""Kalshi's tickers and figures, page by page, fault by fault."""

from __future__ import annotations

import json

import pytest

from feeds.errors import SourceError
from feeds.fed.kalshi import Kalshi, parse, parse_page
from feeds.http.cached import CachedClient
from rotation.fed.prediction_markets import price
from rotation.sessions import from_ns
from tests.support.servers.rest import FAULTS, RestServer, ok
from tests.support.servers.samples import KALSHI, kalshi, kalshi_market

NOW_NS = 1_790_000_000 * 10**9
HOSTILE = "\x1b]52;c;aGk=\x07\x9b31m\u202e\u200b\x00 [bold]hold[/]" + "x" * 100_000


async def no_wait(seconds):
    pass


def cached_client() -> CachedClient:
    return CachedClient(clock_ns=lambda: NOW_NS, sleep=no_wait, random=lambda: 0.0)


def quote_of(ticker="KXFEDDECISION-26DEC-H0", **more):
    return parse(kalshi(kalshi_market(ticker, **more)))[0]


def test_the_documented_shape():
    quotes = parse(KALSHI)
    assert [(quote.move_bp, quote.is_open, price(quote)[0]) for quote in quotes[:5]] == [
        (-50, True, 0.005),
        (-25, False, 0.015),
        (0, False, 0.265),
        (25, False, pytest.approx(0.685)),
        (50, True, 0.025),
    ]
    hold = quotes[2]
    assert (hold.venue, hold.contract, hold.event) == (
        "Kalshi",
        "KXFEDDECISION-26DEC-H0",
        "KXFEDDECISION-26DEC",
    )
    assert (hold.year, hold.month, hold.above_bp, hold.label) == (2026, 12, None, "Fed maintains rate")
    assert (hold.volume, hold.open_interest, hold.last) == (120034.0, 60211.5, 0.02)
    assert from_ns(hold.close_ns).isoformat() == "2026-12-09T18:55:00+00:00"


def test_a_strike_of_the_ladder():
    strike = parse(KALSHI)[5]
    assert (strike.move_bp, strike.above_bp, strike.bid, strike.ask) == (None, 400, 0.84, 0.85)


def test_the_recorded_ladder(shared_data):
    samples = json.loads((shared_data / "fed/vectors/prediction_market_samples.json").read_bytes())["samples"]
    ladder = next(sample["ladder"] for sample in samples if "ladder" in sample)
    quotes = parse(kalshi(*(kalshi_market(t, f"{b:.4f}", f"{a:.4f}") for t, (b, a) in ladder.items())))
    assert {quote.contract: [quote.bid, quote.ask] for quote in quotes} == ladder
    assert [quote.above_bp for quote in quotes] == [400, 425, 450]


@pytest.mark.parametrize(
    "ticker",
    [
        "KXFEDDECISION-26DEC-X25", "KXFEDDECISION-26ZZZ-H0", "KXFED-26DEC-4.00", "KXFED-26DEC-T4.00x",
        "KXFEDCOMBO-26DEC-H0", "KXFEDDECISION-26DEC", "", "kxfed-26dec-t4.00", "KXFED-26DEC-T4.00\n",
        "KXFED-\u0662\u0666DEC-T4.00",
    ],
)  # fmt: skip
def test_an_unknown_ticker_is_left_out(ticker):
    assert len(parse(kalshi(kalshi_market(ticker), kalshi_market("KXFED-26DEC-T4.00")))) == 1


@pytest.mark.parametrize("value", ["NA", "", None, "1.5", "-0.1", "nan", True, [], {}, "\x1b[31m"])
def test_a_figure_that_is_none(value):
    quote = quote_of(yes_bid_dollars=value, last_price_dollars=value)
    assert (quote.bid, quote.last, quote.ask) == (None, None, 0.03)


def test_a_close_that_is_none():
    assert [quote_of(close_time=value).close_ns for value in ("NA", None, "2026-12-09", [], "")] == [None] * 5


def test_an_empty_side():
    quote = quote_of(yes_bid_dollars="0.0000", yes_ask_dollars="0.0000", last_price_dollars="0.0000")
    assert (quote.bid, quote.ask, quote.last, price(quote)[0]) == (0.0, None, None, None)


def test_a_crossed_book_gives_no_middle():
    quote = quote_of(yes_bid_dollars="0.60", yes_ask_dollars="0.40")
    assert price(quote)[0] == 0.02  # the last trade


def test_missing_fields_are_unknown():
    event = {"markets": [{"ticker": "KXFEDDECISION-26DEC-H0"}]}
    quote = parse(json.dumps({"events": [event, {"markets": None}, {}]}).encode())[0]
    assert (quote.bid, quote.ask, quote.volume, quote.label) == (None, None, None, "")
    assert quote.event == "KXFEDDECISION-26DEC"


def test_no_control_byte_leaves_the_parser():
    market = kalshi_market("KXFEDDECISION-26DEC-H0", yes_sub_title=HOSTILE)
    data = kalshi(market).replace(b'"event_ticker": "KXFEDDECISION-26DEC"', b'"event_ticker": "\\u001b[2J"')
    quote = parse(data)[0]
    assert quote.label.isprintable()
    assert quote.label.startswith("]52;c;aGk=31m [bold]hold[/]xxx")
    assert len(quote.label) == 200
    assert quote.event in {"[2J", "KXFEDDECISION-26DEC"}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b'{"events":[]}', b'{"events":[{}],"cursor":""}', b'{"events":{"a":1}}',
        b'{"events":[{"markets":[{"ticker":3}]}]}', KALSHI[:200], b'{"events":["\xff"]}', FAULTS["html"].body,
    ],
    ids=range(10),
)  # fmt: skip
def test_what_cannot_be_used_says_so(data):
    with pytest.raises(SourceError, match="Kalshi"):
        parse(data)


def test_a_cursor_is_sent_on_only_if_it_is_one():
    market = kalshi_market("KXFED-26DEC-T4.00")
    assert parse_page(kalshi(market, cursor="CgwI+/=_-")).cursor == "CgwI+/=_-"
    assert parse_page(kalshi(market, cursor="a b\x1b")).cursor == ""
    assert parse_page(kalshi(market, cursor="x" * 1000)).cursor == ""


async def refresh(monkeypatch, *script, times=1):
    async with RestServer(*script) as server, cached_client() as client:
        monkeypatch.setenv("ROTATION_TUI_KALSHI_REST_URL", server.url)
        source = Kalshi(client)
        for _ in range(times):
            got = await source.refresh()
    return got, [asked.path for asked in server.requests]


DECISION = kalshi(kalshi_market("KXFEDDECISION-26DEC-H0"))
LADDER = kalshi(kalshi_market("KXFED-26DEC-T4.00"))


async def test_both_series_are_asked_for(monkeypatch):
    got, paths = await refresh(monkeypatch, ok(DECISION), ok(LADDER))
    query = "&status=open&with_nested_markets=true"
    wanted = [f"/trade-api/v2/events?series_ticker={name}{query}" for name in ("KXFEDDECISION", "KXFED")]
    assert paths == wanted
    assert [quote.contract for quote in got.value] == ["KXFEDDECISION-26DEC-H0", "KXFED-26DEC-T4.00"]
    assert (got.state, got.error) == ("LIVE", "")


async def test_pages_are_followed_to_an_end(monkeypatch):
    page = kalshi(kalshi_market("KXFEDDECISION-26DEC-H0"), cursor="more")
    got, paths = await refresh(monkeypatch, ok(page), ok(DECISION), ok(LADDER))
    assert len(got.value) == 3
    assert paths[1].endswith("&cursor=more")
    got, paths = await refresh(monkeypatch, ok(page))
    assert len(paths) == 10  # a cursor that never ends: five pages of each series


@pytest.mark.parametrize("name", ["429", "500", "cut", "html", "empty", "missing", "utf8", "huge"])
async def test_every_fault_keeps_the_quotes(monkeypatch, name):
    got, _ = await refresh(monkeypatch, ok(DECISION), ok(LADDER), FAULTS[name], times=2)
    assert len(got.value) == 2
    assert got.error


async def test_one_series_stands_without_the_other(monkeypatch):
    got, _ = await refresh(monkeypatch, FAULTS["html"], ok(LADDER))
    assert [quote.above_bp for quote in got.value] == [400]
    assert got.error.startswith("an HTML page instead of JSON")


async def test_nothing_is_offline(monkeypatch):
    got, paths = await refresh(monkeypatch, FAULTS["html"])
    assert (got.value, got.state, len(paths)) == (None, "OFFLINE", 2)
