"""Answers of the REST sources as their documentation shows them, typed in; figures are of July 2024."""

from __future__ import annotations

import json

NEWYORKFED = json.dumps(
    {
        "refRates": [
            {
                "effectiveDate": "2024-07-15",
                "type": "EFFR",
                "percentRate": 5.33,
                "percentPercentile1": 5.31,
                "percentPercentile25": 5.33,
                "percentPercentile75": 5.34,
                "percentPercentile99": 5.38,
                "targetRateFrom": 5.25,
                "targetRateTo": 5.50,
                "volumeInBillions": 92,
                "revisionIndicator": "",
            }
        ]
    }
).encode()

FRED = (
    b"observation_date,DFEDTARU\n"
    b"2024-07-12,5.50\n2024-07-13,.\n2024-07-14,5.50\n2024-07-15,5.50\n2024-07-16,5.50\n"
)

_ROW = """
    <div class="{shade}row fomc-meeting" >
      <div class="fomc-meeting__month col-xs-5 col-sm-3 col-md-2"><strong>{month}</strong></div>
      <div class="fomc-meeting__date col-xs-4 col-sm-9 col-md-10 col-lg-1">{days}</div>
      <div class="col-xs-12 col-md-4 col-lg-2"><strong>Statement:</strong><br><a href="/x.pdf">PDF</a></div>
    </div>"""


def calendar(years: dict[int, list[tuple[str, str]]]) -> bytes:
    """The Federal Reserve's calendar page: a panel a year, a row a meeting."""
    panels = [
        f'<div class="panel panel-default"><div class="panel-heading"><h4><a id="4{year}">{year} FOMC'
        f" Meetings</a></h4></div>"
        + "".join(_ROW.format(shade="", month=month, days=days) for month, days in rows)
        + "\n</div>"
        for year, rows in years.items()
    ]
    return ("<!DOCTYPE html>\n<html><head><title>Calendars</title></head><body>" + "".join(panels)).encode()


CALENDAR_2026 = [
    ("January", "27-28"),
    ("March", "17-18*"),
    ("April", "28-29"),
    ("June", "16-17*"),
    ("July", "28-29"),
    ("August", "22 (notation vote)"),
    ("September", "15-16*"),
    ("October", "27-28"),
    ("December", "8-9*"),
]
CALENDAR = calendar({2026: CALENDAR_2026, 2027: [("January", "26-27"), ("Apr/May", "30-1")]})


def kalshi_market(ticker: str, bid: str = "0.0200", ask: str = "0.0300", **more: object) -> dict[str, object]:
    return {
        "ticker": ticker,
        "event_ticker": ticker.rpartition("-")[0],
        "market_type": "binary",
        "status": "active",
        "yes_sub_title": "Fed maintains rate",
        "yes_bid_dollars": bid,
        "yes_ask_dollars": ask,
        "last_price_dollars": "0.0200",
        "volume_fp": "120034.00",
        "open_interest_fp": "60211.50",
        "close_time": "2026-12-09T18:55:00Z",
        **more,
    }


def kalshi(*markets: dict[str, object], cursor: str = "") -> bytes:
    event = {"event_ticker": "KXFEDDECISION-26DEC", "series_ticker": "KXFEDDECISION", "markets": markets}
    return json.dumps({"cursor": cursor, "events": [event]}).encode()


KALSHI = kalshi(
    kalshi_market("KXFEDDECISION-26DEC-C26", "0.0000", "0.0100"),
    kalshi_market("KXFEDDECISION-26DEC-C25", "0.0100", "0.0200"),
    kalshi_market("KXFEDDECISION-26DEC-H0", "0.2600", "0.2700"),
    kalshi_market("KXFEDDECISION-26DEC-H25", "0.6800", "0.6900"),
    kalshi_market("KXFEDDECISION-26DEC-H26", "0.0200", "0.0300"),
    kalshi_market("KXFED-26DEC-T4.00", "0.8400", "0.8500"),
)


def polymarket_market(title: str, token: str = "1001", **more: object) -> dict[str, object]:
    return {
        "id": "570361",
        "question": f"Fed: {title}?",
        "groupItemTitle": title,
        "outcomes": '["Yes", "No"]',
        "outcomePrices": '["0.605", "0.395"]',
        "clobTokenIds": f'["{token}", "{token}9"]',
        "bestBid": 0.60,
        "bestAsk": 0.61,
        "lastTradePrice": 0.61,
        "volume": "2534567.81",
        "endDate": "2026-09-16T12:00:00Z",
        "updatedAt": "2026-09-03T14:03:01.123Z",
        "closed": False,
        **more,
    }


def polymarket(*markets: dict[str, object], title: str = "Fed decision in September?") -> bytes:
    event = {
        "id": "481717",
        "slug": "fed-decision-in-september-762",
        "title": title,
        "endDate": "2026-09-16T12:00:00Z",
        "closed": False,
        "markets": markets,
    }
    return json.dumps([{"title": "Who will be Fed chair?", "markets": [{}]}, event]).encode()


POLYMARKET = polymarket(
    polymarket_market("50+ bps decrease", "1001"),
    polymarket_market("25 bps decrease", "1002"),
    polymarket_market("No change", "1003"),
    polymarket_market("25 bps increase", "1004"),
    polymarket_market("50+ bps increase", "1005"),
)


def yahoo(symbol: str = "ZQU24.CBT", *, live: bool = False, **meta: object) -> bytes:
    """Daily bars 9 to 15 July 2024, midnight New York; one null; with ``live`` a row of 16 July, 10:40."""
    times = [1720497600, 1720584000, 1720670400, 1720756800, 1721016000]
    closes = [94.81999969482422, 94.82749938964844, None, 94.86750030517578, 94.8800048828125]
    if live:
        times.append(1721140800)
        closes.append(94.88749694824219)
    fields = {
        "symbol": symbol,
        "currency": "USD",
        "instrumentType": "FUTURE",
        "exchangeTimezoneName": "America/New_York",
        "regularMarketPrice": 94.8875,
        "regularMarketTime": 1721140800,
        "priceHint": 4,
        **meta,
    }
    bars = dict.fromkeys(("open", "high", "low", "close"), closes) | {"volume": [1] * len(closes)}
    result = {"meta": fields, "timestamp": times, "indicators": {"quote": [bars]}}
    return json.dumps({"chart": {"result": [result], "error": None}}).encode()


YAHOO = yahoo(live=True)
BY_PATH = {
    "/api/rates/": NEWYORKFED,
    "/graph/fredgraph.csv": FRED,
    "/monetarypolicy/fomccalendars.htm": CALENDAR,
    "/trade-api/v2/events": KALSHI,
    "/events": POLYMARKET,
    "/v8/finance/chart/": YAHOO,
}


def for_path(path: str) -> bytes:
    """A good answer for this path; an empty object where there is none."""
    return next((body for start, body in BY_PATH.items() if path.startswith(start)), b"{}")
