"""Tiingo's daily prices: what is adjusted here and there, refusals, and what cannot be used.

The shapes are those of its documentation, typed in: nothing here was captured from the real host.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from feeds.errors import InputError, KeyNeeded, SourceAway, SourceError
from feeds.vendors.tiingo.daily import TiingoDaily, parse
from rotation.sessions import NEW_YORK, to_ns
from tests.support.servers.history import Market, Share, patient_client
from tests.support.servers.rest import PAGE, Reply, RestServer, fault, ok

if TYPE_CHECKING:
    from feeds.history.daily import Bars

DAYS = [date(2024, 7, 10), date(2024, 7, 11), date(2024, 7, 12), date(2024, 7, 15)]
CLOSES = [202.45, 210.04, 212.67, 216.33]
KEY = "tiingoMARKER0123456789"
NOT_FOUND = b'{"detail":"Error: Ticker \'NONE\' not found"}'
RUN_OVER = b'{"detail":"Error: You have run over your hourly request allocation."}'
NO_TOKEN = b'{"detail":"Please supply a token"}'


def ny(day: date, hour: int) -> int:
    return to_ns(datetime(day.year, day.month, day.day, hour, tzinfo=NEW_YORK))


MORNING = ny(date(2024, 7, 16), 8)


def day(
    at: date, close: Any, adjusted: Any = None, *, split: Any = 1.0, dividend: Any = 0.0
) -> dict[str, Any]:
    """One row as documented."""
    adjusted = close if adjusted is None else adjusted
    prices = {"close": close, "high": close, "low": close, "open": close, "volume": 1000}
    adjusted_prices = {"adjClose": adjusted, "adjHigh": adjusted, "adjLow": adjusted, "adjOpen": adjusted}
    more = {"adjVolume": 1000, "divCash": dividend, "splitFactor": split}
    return {"date": f"{at}T00:00:00.000Z", **prices, **adjusted_prices, **more}


ROWS = [day(at, close) for at, close in zip(DAYS, CLOSES, strict=True)]


def read(rows: Any, known_ns: int = MORNING, *, since: date = DAYS[0], through: date = DAYS[-1]) -> Bars:
    data = rows if isinstance(rows, bytes) else json.dumps(rows).encode()
    return parse(data, "IWM", since=since, through=through, known_ns=known_ns)


def closes(bars: Bars, column: str = "close") -> dict[date, float]:
    return dict(bars.frame.select("date", column).rows())


def test_an_answer():
    bars = read(ROWS)
    assert closes(bars) == dict(zip(DAYS, CLOSES, strict=True))
    assert bars.frame.row(0, named=True) == {
        "symbol": "IWM",
        "date": DAYS[0],
        "close": 202.45,
        "adj_close": 202.45,
        "open": 202.45,
        "high": 202.45,
        "low": 202.45,
        "volume": 1000,
    }
    assert read(ROWS[::-1]).frame.equals(bars.frame)


def test_a_split_is_worked_into_all_earlier_prices_and_volumes():
    rows = [
        day(DAYS[0], 800.0, 200.0),
        day(DAYS[1], 840.0, 210.0),
        day(DAYS[2], 212.0, split=4.0),
        day(DAYS[3], 216.0),
    ]
    bars = read(rows)
    assert list(closes(bars).values()) == [200.0, 210.0, 212.0, 216.0]
    assert list(closes(bars, "volume").values()) == [4000, 4000, 1000, 1000]
    reverse = [day(DAYS[0], 20.0, 200.0), day(DAYS[1], 210.0, split=0.1), day(DAYS[2], 212.0)]
    assert list(closes(read(reverse)).values()) == [200.0, 210.0, 212.0]


def test_a_dividend_is_in_the_adjusted_close_alone():
    rows = [day(DAYS[0], 200.0, 198.0), day(DAYS[1], 205.0, dividend=2.0), day(DAYS[2], 206.0)]
    bars = read(rows)
    assert list(closes(bars).values()) == [200.0, 205.0, 206.0]
    assert list(closes(bars, "adj_close").values()) == [198.0, 205.0, 206.0]


def test_a_split_worked_into_one_close_only_is_refused():
    rows = [day(DAYS[0], 800.0), day(DAYS[1], 840.0), day(DAYS[2], 212.0, split=4.0)]
    with pytest.raises(SourceError, match="closes before the split of 2024-07-12 are not adjusted yet"):
        read(rows)
    unlisted = [day(DAYS[0], 800.0, 200.0), day(DAYS[1], 840.0, 210.0), day(DAYS[2], 212.0)]
    with pytest.raises(SourceError, match="not adjusted yet"):
        read(unlisted)


def test_a_day_that_is_not_settled_is_left_out():
    assert list(closes(read(ROWS, ny(DAYS[-1], 15)))) == DAYS[:-1]
    assert list(closes(read(ROWS, ny(DAYS[-1], 18)))) == DAYS


def test_missing_fields():
    without = [dict(row) for row in ROWS]
    del without[1]["close"], without[1]["adjClose"], without[2]["adjClose"], without[3]["volume"]
    without[0]["date"] = "yesterday"
    bars = read(without)
    assert closes(bars) == {DAYS[2]: CLOSES[2], DAYS[3]: CLOSES[3]}
    assert closes(bars, "adj_close") == {DAYS[2]: None, DAYS[3]: CLOSES[3]}
    assert bars.rejected == 1
    for factor in (None, 0, -2, "NA"):
        with pytest.raises(SourceError, match="no split factor on 2024-07-11"):
            read([ROWS[0], day(DAYS[1], 210.0, split=factor), ROWS[2]])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[]", "Tiingo: no settled close for IWM since 2024-07-10"),
        (
            b'[{"date":"2024-07-12T00:00:00.000Z","splitFactor":1}]',
            "Tiingo: no settled close for IWM since 2024-07-10",
        ),
        (NOT_FOUND, "Tiingo: no data for IWM"),
        (b'{"detail":7}', "Tiingo: no data for IWM"),
        (b'{"rows":[]}', "Tiingo: unexpected JSON structure"),
        (b"[1]", "Tiingo: unexpected JSON structure"),
        (b"[{", "Tiingo: not valid JSON"),
    ],
)
def test_answers_of_no_use(data, message):
    with pytest.raises(SourceError) as caught:
        read(data)
    assert str(caught.value) == message


def test_an_old_answer_has_no_day_of_now():
    with pytest.raises(SourceError, match="no settled close for IWM since 2024-07-12"):
        read(ROWS[:2], since=DAYS[2])


def test_refusals_with_status_200_concern_all():
    with pytest.raises(SourceAway, match="quota is used up"):
        read(RUN_OVER)
    with pytest.raises(KeyNeeded, match="config key set tiingo"):
        read(NO_TOKEN)


async def ask(server: RestServer, *symbols: str):
    async with patient_client(MORNING) as client:
        return await TiingoDaily(client, KEY).daily(symbols, DAYS[0], DAYS[-1])


def market() -> Market:
    # Two for one on the 12th, and a dividend on the 15th.
    raw = {at: close * (2 if at < DAYS[2] else 1) for at, close in zip(DAYS, CLOSES, strict=True)}
    shares = {"IWM": Share(raw, {DAYS[2]: 2.0}, {DAYS[3]: 5.0}), "BRK.B": Share(dict.fromkeys(DAYS, 400.0))}
    return Market(shares, MORNING)


async def test_what_is_asked(monkeypatch, caplog):
    caplog.set_level(0)
    world = market()
    async with RestServer(answer=world.answer) as server:
        monkeypatch.setenv("ROTATION_TUI_TIINGO_REST_URL", server.url)
        answers = await ask(server, "IWM", "NONE", "BRK.B")
    truth = world.shares["IWM"].rows(DAYS[0], DAYS[-1], DAYS[-1])
    assert closes(answers["IWM"]) == pytest.approx({at: close for at, close, _ in truth})
    assert closes(answers["IWM"], "adj_close") == pytest.approx({at: adjusted for at, _, adjusted in truth})
    assert str(answers["NONE"]) == "Tiingo: no data for NONE"
    assert closes(answers["BRK.B"])
    assert [request.path for request in server.requests] == [
        f"/tiingo/daily/{name}/prices?startDate=2024-07-10&endDate=2024-07-15&format=json"
        for name in ("iwm", "none", "brk-b")
    ]
    assert {request.headers["authorization"] for request in server.requests} == {f"Token {KEY}"}
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ([ok(PAGE, content_type="text/html")], "an HTML page instead of JSON"),
        ([ok(b"")], "an empty body"),
        ([fault(404)], "unknown symbol"),
    ],
)
async def test_a_fault_names_one_symbol(monkeypatch, script, message):
    async with RestServer(*script, Reply(), answer=market().answer) as server:
        monkeypatch.setenv("ROTATION_TUI_TIINGO_REST_URL", server.url)
        answers = await ask(server, "BAD", "IWM")
    assert message in str(answers["BAD"])
    assert closes(answers["IWM"])


async def test_faults_that_pass(monkeypatch):
    script = [fault(429, retry_after="7"), fault(500), Reply(cut=True)]
    async with RestServer(*script, Reply(), answer=market().answer) as server:
        monkeypatch.setenv("ROTATION_TUI_TIINGO_REST_URL", server.url)
        assert closes((await ask(server, "IWM"))["IWM"])
        assert len(server.requests) == 4


@pytest.mark.parametrize("status", [401, 403])
async def test_a_wrong_key_ends_the_round(monkeypatch, status):
    async with RestServer(fault(status)) as server:
        monkeypatch.setenv("ROTATION_TUI_TIINGO_REST_URL", server.url)
        with pytest.raises(KeyNeeded, match="the key was refused") as caught:
            await ask(server, "IWM", "QQQ")
        assert len(server.requests) == 1
    assert caught.value.after_s is None
    assert KEY not in str(caught.value)


async def test_the_quota_ends_the_round(monkeypatch):
    async with RestServer(fault(429, retry_after="3000")) as server:
        monkeypatch.setenv("ROTATION_TUI_TIINGO_REST_URL", server.url)
        with pytest.raises(SourceAway) as caught:
            await ask(server, "IWM", "QQQ")
        assert len(server.requests) == 1
    assert caught.value.refused


async def test_the_key_follows_no_redirect_and_goes_nowhere_unencrypted(monkeypatch):
    async with RestServer(Reply(b"", 302, {"location": "http://127.0.0.1:9/elsewhere"})) as server:
        monkeypatch.setenv("ROTATION_TUI_TIINGO_REST_URL", server.url)
        answers = await ask(server, "IWM")
        assert "HTTP 302" in str(answers["IWM"])
    monkeypatch.setenv("ROTATION_TUI_TIINGO_REST_URL", "http://example.org")
    with pytest.raises(InputError, match="unencrypted"):
        TiingoDaily(None, KEY)


def test_it_has_no_indices():
    source = TiingoDaily(None, KEY)
    assert source.serves("IWM")
    assert not source.serves("RUT")
    assert not source.serves("^NDX")
    assert source.at_once(6_000) == 1
