"""Yahoo's chart API: recorded shapes, the row that still forms, splits not worked in yet, and every fault."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import pytest

from feeds.errors import SourceAway, SourceError
from feeds.history.daily import Bars, last_settled
from feeds.http.client import HttpClient, download_limits
from feeds.vendors.yahoo.daily import YahooDaily, parse
from rotation.sessions import NEW_YORK, SETTLE_NS, close_ns, open_ns, to_ns
from tests.support.servers import rest
from tests.support.servers.history import Market, Share
from tests.support.servers.rest import PAGE, Reply, RestServer, fault, ok

S = 1_000_000_000
DAYS = [date(2024, 7, 10), date(2024, 7, 11), date(2024, 7, 12), date(2024, 7, 15), date(2024, 7, 16)]
CLOSES = [202.45, 210.04, 212.67, 216.33, 224.32]
SINCE = DAYS[0]


def ny(day: date, hour: int, minute: int = 0) -> int:
    return to_ns(datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK))


def chart(
    rows: list[tuple[int, object]],
    *,
    traded: int | None,
    symbol: str = "IWM",
    adjusted: list[object] | None = None,
    splits: dict[date, tuple[float, float]] | None = None,
    **more: object,
) -> bytes:
    closes = [close for _, close in rows]
    indicators: dict[str, object] = {
        "quote": [dict.fromkeys(("open", "high", "low", "close"), closes) | {"volume": [3] * len(rows)}]
    }
    if adjusted is not None:
        indicators["adjclose"] = [{"adjclose": adjusted}]
    result: dict[str, object] = {
        "meta": {"symbol": symbol, "regularMarketTime": traded and traded // S, "priceHint": 2},
        "timestamp": [ts // S for ts, _ in rows],
        "indicators": indicators,
    }
    if splits:
        listed = {
            str(open_ns(day) // S): {"date": open_ns(day) // S, "numerator": up, "denominator": down}
            for day, (up, down) in splits.items()
        }
        result["events"] = {"splits": listed}
    return json.dumps({"chart": {"result": [result | more], "error": None}}).encode()


def good(closes: list[object] = CLOSES) -> list[tuple[int, object]]:
    return [(open_ns(day), close) for day, close in zip(DAYS, closes, strict=False)]


def read(data: bytes, known_ns: int, *, symbol: str = "IWM", since: date = SINCE) -> Bars:
    return parse(data, symbol, since=since, through=last_settled(known_ns), known_ns=known_ns)


def closes(bars: Bars) -> dict[date, float]:
    return dict(bars.frame.select("date", "close").rows())


EVENING = ny(DAYS[-1], 18)
BELL = close_ns(DAYS[-1])


def test_a_chart_after_the_close():
    adjusted = [float(f"{close * 0.98:.7g}") for close in CLOSES]
    bars = read(chart(good(), traded=BELL + S, adjusted=adjusted), EVENING)
    assert closes(bars) == dict(zip(DAYS, CLOSES, strict=True))
    assert bars.frame["adj_close"].to_list() == adjusted
    assert bars.frame["symbol"].unique().to_list() == ["IWM"]
    assert bars.frame["volume"].to_list() == [3] * 5
    assert bars.rejected == 0
    assert not bars.restating


def test_the_appended_row_of_the_last_trade():
    rows = [*good()[:4], (BELL + S, 224.32)]
    assert closes(read(chart(rows, traded=BELL + S), EVENING))[DAYS[-1]] == 224.32
    # Both a bar and the appended row of one day: the appended one is the newer.
    rows = [*good([*CLOSES[:4], 224.30]), (BELL + S, 224.32)]
    assert closes(read(chart(rows, traded=BELL + S), EVENING))[DAYS[-1]] == 224.32


@pytest.mark.parametrize(
    ("known", "traded"),
    [
        (ny(DAYS[-1], 10, 40), ny(DAYS[-1], 10, 40)),  # open
        (BELL + 60 * S, BELL + S),  # closed, but not settled yet
        (EVENING, ny(DAYS[-1], 15, 59)),  # an answer made before the bell, served after it
        (EVENING, None),  # it does not say
    ],
)
def test_a_forming_bar_never_enters(known, traded):
    for rows in (good(), [*good()[:4], (traded or known, 230.0)], [*good(), (traded or known, 230.0)]):
        assert closes(read(chart(rows, traded=traded), known)) == dict(zip(DAYS[:4], CLOSES[:4], strict=True))


def test_a_close_settles_by_the_answers_own_time_whatever_was_asked_for():
    data = chart(good(), traded=BELL + S)
    for known, last in ((BELL + 60 * S, DAYS[-2]), (BELL + SETTLE_NS, DAYS[-1])):
        bars = parse(data, "IWM", since=SINCE, through=DAYS[-1], known_ns=known)
        assert bars.frame["date"][-1] == last


def test_a_half_day_settles_after_13_00():
    half = date(2026, 11, 27)
    rows = [(open_ns(date(2026, 11, 25)), 1.0), (open_ns(half), 2.0)]
    bell = close_ns(half)
    assert bell == ny(half, 13)
    data = chart(rows, traded=bell + S)
    assert list(closes(read(data, bell + SETTLE_NS - 1, since=date(2026, 11, 1)))) == [date(2026, 11, 25)]
    assert list(closes(read(data, bell + SETTLE_NS, since=date(2026, 11, 1)))) == [date(2026, 11, 25), half]


def test_yesterdays_row_needs_no_trade_of_today():
    # A share halted since noon of the 15th: its 15th is over on the 16th.
    assert DAYS[3] in closes(read(chart(good(), traded=ny(DAYS[3], 12)), ny(DAYS[4], 12)))


def test_nulls_and_prices_that_are_none():
    bars = read(chart(good([202.45, None, 0.0, -1.0, 224.32]), traded=BELL + S), EVENING)
    assert closes(bars) == {DAYS[0]: 202.45, DAYS[4]: 224.32}
    assert bars.rejected == 2  # a null says nothing; a price of 0 or less is wrong
    bars = read(chart(good([202.45, 1e308, "x", True, 224.32]), traded=BELL + S), EVENING)
    assert closes(bars) == {DAYS[0]: 202.45, DAYS[4]: 224.32}
    bars = read(chart(good(), traded=BELL + S, adjusted=[None, 1.0, None, None, 2.0]), EVENING)
    assert bars.frame["adj_close"].to_list() == [None, 1.0, None, None, 2.0]


def test_days_without_a_session_and_outside_what_was_asked():
    rows = [*good()[:3], (ny(date(2024, 7, 13), 9, 30), 1.0), *good()[3:]]
    bars = read(chart(rows, traded=BELL + S), EVENING, since=DAYS[1])
    assert list(closes(bars)) == DAYS[1:]


def test_a_column_that_is_missing_or_uneven():
    data = json.loads(chart(good(), traded=BELL + S))
    bars = data["chart"]["result"][0]["indicators"]["quote"][0]
    del bars["volume"], bars["open"]
    assert read(json.dumps(data).encode(), EVENING).frame["volume"].null_count() == 5
    bars["close"].pop()
    with pytest.raises(SourceError, match="columns of different length"):
        read(json.dumps(data).encode(), EVENING)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"chart":{"result":null,"error":{"description":"No data found\\u001b[2J"}}}', "No data found[2J"),
        (b'{"chart":{"result":null,"error":null}}', "no result in the answer"),
        (b'{"chart":{"result":[],"error":{}}}', "no result in the answer"),
        (chart(good(), traded=BELL, symbol="IWN"), "an answer for another symbol, not IWM"),
        (chart([], traded=BELL), "no settled close for IWM since 2024-07-10"),
        (b'{"chart":{"result":[{"meta":{"symbol":"IWM"},"indicators":{"quote":[{}]}}]}}', "no settled close"),
        (b"[]", "unexpected JSON structure"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
    ],
)
def test_answers_of_no_use(data, expected):
    with pytest.raises(SourceError) as caught:
        read(data, EVENING)
    assert str(caught.value).startswith("Yahoo: ")
    assert expected in str(caught.value)
    assert str(caught.value).isprintable()


def test_other_names_of_the_same_thing():
    assert closes(read(chart(good(), traded=BELL + S, symbol="^RUT"), EVENING, symbol="RUT"))
    assert closes(read(chart(good(), traded=BELL + S, symbol="BRK-B"), EVENING, symbol="BRK.B"))


def test_a_split_that_the_closes_do_not_show_yet():
    day, unadjusted, adjusted = (
        DAYS[3],
        [400.0, 404.0, 408.0, 103.0, 104.0],
        [100.0, 101.0, 102.0, 103.0, 104.0],
    )
    data = chart(good(unadjusted), traded=BELL + S, splits={day: (4, 1)})
    with pytest.raises(SourceError, match="closes before the split of 2024-07-15 are not adjusted yet"):
        read(data, EVENING)
    assert read(chart(good(adjusted), traded=BELL + S, splits={day: (4, 1)}), EVENING).frame.height == 5
    # One for ten, on a day when the share fell by 30 %.
    fallen = [100.0, 101.0, 102.0, 71.0, 70.0]
    assert read(chart(good(fallen), traded=BELL + S, splits={day: (1, 10)}), EVENING).frame.height == 5
    # A small one cannot be told from a day's move, an old one is what it is.
    assert read(chart(good(fallen), traded=BELL + S, splits={day: (11, 10)}), EVENING).frame.height == 5
    late = EVENING + 30 * 86_400 * S
    assert read(data, late).frame.height == 5


@pytest.mark.parametrize("splits", [{DAYS[3]: (0, 1)}, {DAYS[3]: (4, 0)}, {DAYS[3]: (-4, 1)}])
def test_a_split_that_is_none(splits):
    assert read(chart(good(), traded=BELL + S, splits=splits), EVENING).frame.height == 5


def test_a_split_of_today_may_restate_at_any_moment():
    morning = ny(DAYS[-1], 9, 31)
    data = chart(good(), traded=morning, splits={DAYS[-1]: (4, 1)})
    assert read(data, morning).restating
    assert not read(chart(good(), traded=morning, splits={DAYS[1]: (4, 1)}, adjusted=None), morning).restating


class Clock:
    """Fake time: sleeping passes it."""

    def __init__(self, now_ns: int) -> None:
        self.start_ns = now_ns
        self.slept: list[float] = []

    @property
    def now_ns(self) -> int:
        return self.start_ns + int(sum(self.slept) * S)

    def client(self, **more: object) -> HttpClient:
        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        return HttpClient(
            download_limits(0.5),
            clock_ns=lambda: self.now_ns,
            monotonic=lambda: sum(self.slept),
            sleep=sleep,
            random=lambda: 0.5,
            **more,
        )


async def ask(server: RestServer, clock: Clock, *symbols: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ROTATION_TUI_YAHOO_REST_URL", server.url)
    async with clock.client() as client:
        source = YahooDaily(client)
        return await source.daily(symbols, SINCE, last_settled(clock.now_ns))


def market() -> Market:
    return Market({"IWM": Share(dict(zip(DAYS, CLOSES, strict=True)))}, EVENING)


async def test_what_is_asked(monkeypatch):
    async with RestServer(answer=market().answer) as server:
        answers = await ask(server, clock := Clock(EVENING), "IWM", "NONE", monkeypatch=monkeypatch)
    assert closes(answers["IWM"]) == dict(zip(DAYS, CLOSES, strict=True))
    assert str(answers["NONE"]) == "Yahoo: No data found, symbol may be delisted"
    assert [each.path.partition("?")[0] for each in server.requests] == [
        "/v8/finance/chart/IWM",
        "/v8/finance/chart/NONE",
    ]
    start, end = ny(SINCE, 0) // S, ny(DAYS[-1], 0) // S + 3 * 86_400
    query = server.requests[0].path.partition("?")[2]
    assert f"period1={start}&period2={end}" in query
    assert "interval=1d" in query
    assert "events=div%2Csplits" in query
    assert server.requests[0].headers["user-agent"].startswith("Mozilla/5.0")
    assert clock.slept == [0.5]  # between the two


@pytest.mark.parametrize(
    ("script", "slept", "requests"),
    [
        ([fault(429, retry_after="7"), Reply()], [7.0], 2),
        ([fault(500), Reply()], [0.5], 2),
        ([Reply(cut=True), Reply()], [0.5], 2),
        ([fault(503), fault(502), Reply()], [0.5, 1.0], 3),
    ],
)
async def test_what_passes_is_waited_out(monkeypatch, script, slept, requests):
    async with RestServer(*script, answer=market().answer) as server:
        answers = await ask(server, clock := Clock(EVENING), "IWM", monkeypatch=monkeypatch)
    assert closes(answers["IWM"])[DAYS[-1]] == CLOSES[-1]
    assert len(server.requests) == requests
    assert clock.slept == slept


@pytest.mark.parametrize(
    ("reply", "expected", "requests"),
    [
        (fault(404), "Yahoo: unknown symbol (HTTP 404)", 1),
        (ok(PAGE, content_type="text/html"), "Yahoo: an HTML page instead of JSON", 1),
        (ok(b"  "), "Yahoo: an empty body", 1),
        (ok(b"{}"), "Yahoo: unexpected JSON structure", 1),
        (fault(500), "Yahoo: HTTP 500", 4),
        (Reply(cut=True), "Yahoo: the connection was cut", 4),
    ],
)
async def test_a_fault_names_one_symbol(monkeypatch, reply, expected, requests):
    async with RestServer(*[reply] * requests, Reply(), answer=market().answer) as server:
        answers = await ask(server, Clock(EVENING), "BAD", "IWM", monkeypatch=monkeypatch)
    assert str(answers["BAD"]) == expected
    assert closes(answers["IWM"])[DAYS[-1]] == CLOSES[-1]
    assert len(server.requests) == requests + 1


@pytest.mark.parametrize(
    ("reply", "expected", "after_s"),
    [
        (fault(429, retry_after="600"), "Yahoo: HTTP 429", 600.0),
        (fault(401), "Yahoo: HTTP 401", None),
        (fault(403), "Yahoo: HTTP 403", None),
    ],
)
async def test_a_refusal_concerns_everybody(monkeypatch, reply, expected, after_s):
    async with RestServer(reply) as server:
        with pytest.raises(SourceAway) as caught:
            await ask(server, Clock(EVENING), "A", "B", "C", monkeypatch=monkeypatch)
    assert str(caught.value) == expected
    assert caught.value.after_s == after_s
    assert caught.value.refused == (after_s is not None)
    assert len(server.requests) == 1


async def test_three_symbols_in_a_row_without_an_answer_are_the_vendors_fault(monkeypatch):
    async with RestServer(ok(PAGE)) as server:
        with pytest.raises(SourceAway, match="an HTML page instead of JSON"):
            await ask(server, Clock(EVENING), *"ABCDEFGH", monkeypatch=monkeypatch)
    assert len(server.requests) == 3


async def test_a_host_out_of_reach_is_told_after_one_symbol(monkeypatch):
    async with RestServer() as gone:
        pass
    with pytest.raises(SourceAway, match=r"Yahoo: connection refused$") as caught:
        await ask(gone, clock := Clock(EVENING), *"ABCDEFGH", monkeypatch=monkeypatch)
    assert not caught.value.refused
    assert clock.slept == [0.5, 1.0, 2.0]


async def test_after_that_the_next_failure_tells_it_at_once(monkeypatch):
    clock = Clock(EVENING)
    async with RestServer(ok(PAGE)) as server:
        monkeypatch.setenv("ROTATION_TUI_YAHOO_REST_URL", server.url)
        async with clock.client() as client:
            source = YahooDaily(client)
            for requests in (3, 4, 5):
                with pytest.raises(SourceAway, match="an HTML page") as caught:
                    await source.daily([*"ABCDEFGH"], SINCE, DAYS[-1])
                assert not caught.value.refused
                assert len(server.requests) == requests
                clock.slept.append(60.0)


async def test_nobody_is_asked_before_the_time_that_was_told(monkeypatch):
    clock = Clock(EVENING)
    async with RestServer(fault(429, retry_after="600"), Reply(), answer=market().answer) as server:
        monkeypatch.setenv("ROTATION_TUI_YAHOO_REST_URL", server.url)
        async with clock.client() as client:
            source = YahooDaily(client)
            for passes_s, after_s in ((100.0, 600.0), (500.0, 500.0)):
                with pytest.raises(SourceAway) as caught:
                    await source.daily(["IWM"], SINCE, DAYS[-1])
                assert caught.value.after_s == after_s
                assert len(server.requests) == 1
                clock.slept.append(passes_s)
            assert closes((await source.daily(["IWM"], SINCE, DAYS[-1]))["IWM"])


async def test_a_stale_answer_is_judged_by_its_own_time(monkeypatch):
    # A cache on the way kept what was made at 15:50; the wall clock says 18:00.
    made = Market(market().shares, ny(DAYS[-1], 15, 50), live=False).answer
    kept = rest.ok(made("/v8/finance/chart/IWM?period1=0&period2=9999999999"), age="7800")
    async with RestServer(kept) as server:
        answers = await ask(server, Clock(EVENING), "IWM", monkeypatch=monkeypatch)
    assert list(closes(answers["IWM"])) == DAYS[:-1]


async def test_a_stale_answer_of_yesterday(monkeypatch):
    # Made while yesterday's bar was forming: this morning that bar looks like any other.
    made = Market(market().shares, ny(DAYS[-1], 15, 50), live=False).answer
    kept = rest.ok(made("/v8/finance/chart/IWM?period1=0&period2=9999999999"), age=str(17 * 3_600))
    async with RestServer(kept) as server:
        answers = await ask(server, Clock(ny(DAYS[-1] + timedelta(1), 8, 50)), "IWM", monkeypatch=monkeypatch)
    assert list(closes(answers["IWM"])) == DAYS[:-1]


def test_last_settled():
    bell = close_ns(DAYS[-1])
    assert last_settled(bell) == DAYS[-2]
    assert last_settled(bell + SETTLE_NS - 1) == DAYS[-2]
    assert last_settled(bell + SETTLE_NS) == DAYS[-1]
    assert last_settled(ny(date(2024, 7, 14), 12)) == date(2024, 7, 12)
    assert last_settled(ny(DAYS[-1] + timedelta(1), 3)) == DAYS[-1]
