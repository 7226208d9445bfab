"""Stooq's CSV: its columns and orders, today's row, the quota and the key, and what is no CSV."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import pytest

from feeds.errors import BrowserWanted, KeyNeeded, SourceAway, SourceError
from feeds.vendors.stooq.daily import StooqDaily, parse
from rotation.sessions import NEW_YORK, to_ns
from tests.support.servers.history import Market, Share, patient_client
from tests.support.servers.rest import PAGE, Reply, RestServer, fault, ok

if TYPE_CHECKING:
    from feeds.history.daily import Bars

DAYS = [date(2024, 7, 10), date(2024, 7, 11), date(2024, 7, 12), date(2024, 7, 15)]
CLOSES = [202.45, 210.04, 212.67, 216.33]
HEADER = "Date,Open,High,Low,Close,Volume"
GATE = """Get your apikey:

1. Open https://stooq.com/q/d/?s=spy.us&get_apikey
2. Enter the captcha code.
3. Copy the CSV download link at the bottom of the page - it will contain the <apikey> variable.
"""


BLOCKED = (
    b'<!DOCTYPE html><html><head><meta charset="utf-8"><meta name="robots" content="noindex,nofollow">'
    b"</head><body>"
    b"<noscript>This site requires JavaScript to verify your browser. Please enable JavaScript and reload."
    b"</noscript></body></html>"
)
"""What it answers without a key since July 2026, with HTTP 200."""


def ny(day: date, hour: int) -> int:
    return to_ns(datetime(day.year, day.month, day.day, hour, tzinfo=NEW_YORK))


MORNING = ny(date(2024, 7, 16), 8)


def csv(closes: list[object], *, header: str = HEADER, end: str = "\r\n") -> bytes:
    lines = [f"{day},1.5,2.5,0.5,{close},1234.5" for day, close in zip(DAYS, closes, strict=False)]
    return end.join([header, *lines]).encode()


def read(data: bytes, known_ns: int = MORNING, *, since: date = DAYS[0]) -> Bars:
    return parse(data, "IWM", since=since, through=DAYS[-1], known_ns=known_ns)


def closes(bars: Bars) -> dict[date, float]:
    return dict(bars.frame.select("date", "close").rows())


def test_a_csv():
    bars = read(csv(CLOSES))
    assert closes(bars) == dict(zip(DAYS, CLOSES, strict=True))
    assert bars.frame["adj_close"].null_count() == 4  # unknown, not the close
    assert bars.frame.row(0, named=True) == {
        "symbol": "IWM",
        "date": DAYS[0],
        "close": 202.45,
        "adj_close": None,
        "open": 1.5,
        "high": 2.5,
        "low": 0.5,
        "volume": 1234,
    }


def test_other_shapes_of_the_same():
    lines = csv(CLOSES).decode().split("\r\n")
    newest_first = "\n".join([lines[0], *reversed(lines[1:])]).encode()
    warned = b"\nWarning: Division by zero in /x/download.inc on line 102\n" + csv(CLOSES, end="\n")
    marked = b"\xef\xbb\xbf" + csv(CLOSES)
    short = "\n".join(line.rpartition(",")[0] for line in lines).encode()  # indices have no volume
    for data in (newest_first, warned, marked, short):
        assert closes(read(data)) == dict(zip(DAYS, CLOSES, strict=True))


def test_todays_row_waits_for_tomorrow():
    for hour in (10, 17, 23):
        assert list(closes(read(csv(CLOSES), ny(DAYS[-1], hour)))) == DAYS[:-1]


def test_cells_that_are_none():
    bars = read(csv(["202.45", "", "0", "-"]))
    assert closes(bars) == {DAYS[0]: 202.45}
    assert closes(read(csv(["nan", "inf", "1e308", "5"]))) == {DAYS[3]: 5.0}
    assert closes(read(csv([1, 2, 3, 4]).replace(b"2024-07-11", b"yesterday"))).keys() == {
        DAYS[0],
        DAYS[2],
        DAYS[3],
    }


@pytest.mark.parametrize("body", [b"Exceeded the daily hits limit", b"Exceeded the daily hits limit!\r\n"])
def test_the_quota(body):
    with pytest.raises(SourceAway) as caught:
        read(body)
    assert str(caught.value) == "Stooq: the daily quota is used up"
    assert caught.value.after_s is None


def test_a_key_is_wanted():
    with pytest.raises(KeyNeeded, match=r"needs a key .*STOOQ_API_KEY"):
        read(GATE.encode())


@pytest.mark.parametrize("page", [BLOCKED, PAGE, b"\r\n <HTML>"])
def test_a_page_that_checks_for_a_browser(page):
    with pytest.raises(BrowserWanted, match="a page that checks for a browser instead of CSV"):
        read(page)


async def test_such_a_page_ends_the_round(monkeypatch):
    async with RestServer(ok(BLOCKED, content_type="text/html; charset=utf-8")) as server:
        monkeypatch.setenv("ROTATION_TUI_STOOQ_REST_URL", server.url)
        with pytest.raises(BrowserWanted) as caught:
            await ask(server, "IWM", "QQQ")
        assert len(server.requests) == 1
    assert caught.value.after_s is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"No data", "Stooq: no data for IWM"),
        (HEADER.encode(), "Stooq: no settled close for IWM since 2024-07-10"),
        (b"Symbol,Price\r\nIWM,1", "Stooq: not a price history in CSV"),
        (b"\xff\xfe", "Stooq: not UTF-8 text"),
        (csv(CLOSES) + b"\n2024-07-16,1,2,3,4,5,6,7,8,9", "Stooq: malformed CSV"),
        (b"Date,Open,High,Low,Close,CLOSE\n2024-07-12,1,1,1,1,1", "Stooq: malformed CSV"),
    ],
)
def test_answers_of_no_use(data, expected):
    with pytest.raises(SourceError) as caught:
        read(data)
    assert str(caught.value) == expected


async def ask(server: RestServer, *symbols: str, key: str = "a-key"):
    async with patient_client(MORNING) as client:
        return await StooqDaily(client, key).daily(symbols, DAYS[0], DAYS[-1])


def market() -> Market:
    # Two for one on the 12th: the CSV asked for is adjusted for it, and for no dividend.
    raw = {day: close * (2 if day < DAYS[2] else 1) for day, close in zip(DAYS, CLOSES, strict=True)}
    shares = {"IWM": Share(raw, {DAYS[2]: 2.0}, {DAYS[3]: 5.0}), "RUT": Share(dict.fromkeys(DAYS, 2000.0))}
    return Market(shares, MORNING)


async def test_what_is_asked(monkeypatch, caplog):
    caplog.set_level(0)
    async with RestServer(answer=market().answer) as server:
        monkeypatch.setenv("ROTATION_TUI_STOOQ_REST_URL", server.url)
        answers = await ask(server, "IWM", "NONE", "RUT", key="SECRET-KEY")
    assert closes(answers["IWM"]) == pytest.approx(dict(zip(DAYS, CLOSES, strict=True)))
    assert str(answers["NONE"]) == "Stooq: no data for NONE"
    assert closes(answers["RUT"])[DAYS[0]] == 2000.0
    assert [each.path for each in server.requests] == [
        f"/q/d/l/?s={name}&i=d&d1=20240710&d2=20240715&o=0100000&apikey=SECRET-KEY"
        for name in ("iwm.us", "none.us", "%5Erut")
    ]
    assert "SECRET-KEY" not in caplog.text


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ([ok(b"")], "an empty body"),
        ([fault(404)], "unknown symbol"),
    ],
)
async def test_a_fault_names_one_symbol(monkeypatch, script, expected):
    async with RestServer(*script, Reply(), answer=market().answer) as server:
        monkeypatch.setenv("ROTATION_TUI_STOOQ_REST_URL", server.url)
        answers = await ask(server, "BAD", "IWM")
    assert expected in str(answers["BAD"])
    assert closes(answers["IWM"])


async def test_faults_that_pass(monkeypatch):
    script = [fault(429, retry_after="7"), fault(500), Reply(cut=True)]
    async with RestServer(*script, Reply(), answer=market().answer) as server:
        monkeypatch.setenv("ROTATION_TUI_STOOQ_REST_URL", server.url)
        assert closes((await ask(server, "IWM"))["IWM"])
        assert len(server.requests) == 4


async def test_the_quota_ends_the_round(monkeypatch):
    async with RestServer(Reply(), ok(b"Exceeded the daily hits limit"), answer=market().answer) as server:
        monkeypatch.setenv("ROTATION_TUI_STOOQ_REST_URL", server.url)
        with pytest.raises(SourceAway, match="quota"):
            await ask(server, "IWM", "IWM2", "RUT")
        assert len(server.requests) == 2
