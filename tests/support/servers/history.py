"""A made-up market of daily closes, with splits and dividends, as Yahoo, Stooq, Tiingo and Alpaca tell it.

By hand: ``python -m tests.support.servers.history --port 0 --symbols 12 --years 26`` prints its address; set
ROTATION_TUI_YAHOO_REST_URL (or STOOQ, TIINGO, ALPACA) to it. Symbols are S0, S1, …;
``--script 429`` as in rest.py.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

from feeds.clock import wall_ns
from feeds.http.client import HttpClient, download_limits
from rotation.sessions import NEW_YORK, close_ns, hours, is_session, new_york_day, sessions_between, to_ns
from tests.support.servers.rest import FAULTS, RestServer, run

S = 1_000_000_000


@dataclass
class Share:
    raw: dict[date, float | None]
    """Closes as they were printed; None: the vendors lack that day."""
    splits: dict[date, float] = field(default_factory=dict)
    """By ex-date: 4.0 for four shares from one."""
    dividends: dict[date, float] = field(default_factory=dict)

    def rows(self, first: date, last: date, restated: date) -> list[tuple[date, float | None, float | None]]:
        """Day, close, adjusted close, with all events up to the day ``restated`` worked in."""
        days = sorted(self.raw)
        adjusted = []
        for day in days:
            if first <= day <= last:
                close = self.raw[day]
                by_splits = 1.0
                by_dividends = 1.0
                for ex, ratio in sorted(self.splits.items()):
                    if day < ex <= restated:
                        by_splits /= ratio
                for ex, amount in sorted(self.dividends.items()):
                    if day < ex <= restated:
                        before = [raw for d in days if d < ex and (raw := self.raw[d])]
                        by_dividends *= 1 - amount / before[-1] if before else 1.0
                scaled = None if close is None else close * by_splits
                adjusted.append((day, scaled, None if scaled is None else scaled * by_dividends))
        return adjusted


@dataclass
class Market:
    shares: dict[str, Share]
    now_ns: int
    """What the vendors call now: no row is later."""
    live: bool = True
    """Whether Yahoo appends its row of the last trade."""
    pages: int = 10_000
    """Bars on a page of Alpaca's."""
    yahoo_names: dict[str, str] = field(default_factory=dict)

    def rows(self, symbol: str, first: date, last: date) -> list[tuple[date, float | None, float | None]]:
        """As it is known now; today's row, while it forms, is one percent off."""
        today = new_york_day(self.now_ns)
        rows = self.shares[symbol].rows(first, min(last, today), self.restated())
        if rows and rows[-1][0] == today and is_session(today) and self.now_ns < close_ns(today):
            day, close, adjusted = rows.pop()
            if self.now_ns >= hours(day)[1] and close and adjusted:
                rows.append((day, close * 1.01, adjusted * 1.01))
        return rows

    def restated(self) -> date:
        """Events of today are worked in at 04:00."""
        today = new_york_day(self.now_ns)
        starts = to_ns(datetime(today.year, today.month, today.day, 4, tzinfo=NEW_YORK))
        return today if self.now_ns >= starts else today - timedelta(days=1)

    def answer(self, path: str) -> bytes:
        """To a GET, whichever vendor's it is."""
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path.startswith("/v8/finance/chart/"):
            return self.yahoo(unquote(parts.path.rpartition("/")[2]), query)
        if parts.path == "/q/d/l/":
            return self.stooq(query)
        if parts.path.startswith("/tiingo/daily/"):
            return self.tiingo(unquote(parts.path.split("/")[3]), query)
        return self.alpaca(query)

    def yahoo(self, symbol: str, query: dict[str, str]) -> bytes:
        """One chart."""
        ours = self.yahoo_names.get(symbol, symbol)
        if ours not in self.shares:
            problem = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            return json.dumps({"chart": {"result": None, "error": problem}}).encode()
        first = new_york_day(int(query["period1"]) * S)
        last = new_york_day(int(query["period2"]) * S) - timedelta(days=1)
        rows = self.rows(ours, first, last)
        opens = [hours(day)[1] // S for day, *_ in rows]
        today = new_york_day(self.now_ns)
        session = today if is_session(today) else sessions_between(today - timedelta(9), today)[-1]
        traded = min(self.now_ns, close_ns(session) + S) // S
        if self.live and rows and rows[-1][0] == today:
            opens[-1] = traded
        closes = [close for _, close, _ in rows]
        bars = dict.fromkeys(("open", "high", "low", "close"), closes)
        share = self.shares[ours]
        ex_dates = [day for day in share.splits if first <= day <= today]
        splits = {
            str(hours(day)[1] // S): {
                "date": hours(day)[1] // S,
                "numerator": share.splits[day],
                "denominator": 1.0,
                "splitRatio": f"{share.splits[day]:g}:1",
            }
            for day in ex_dates
        }
        result = {
            "meta": {
                "symbol": symbol,
                "currency": "USD",
                "instrumentType": "EQUITY",
                "exchangeTimezoneName": "America/New_York",
                "regularMarketTime": traded,
            },
            "timestamp": opens,
            "events": {"splits": splits} if splits else {},
            "indicators": {
                "quote": [bars | {"volume": [1_000 if close else None for close in closes]}],
                "adjclose": [{"adjclose": [adjusted for *_, adjusted in rows]}],
            },
        }
        return json.dumps({"chart": {"result": [result], "error": None}}).encode()

    def stooq(self, query: dict[str, str]) -> bytes:
        """One CSV; ``o`` as the check boxes have it: its second one skips dividends."""
        symbol = query["s"].removesuffix(".us").removeprefix("^").upper()
        if symbol not in self.shares:
            return b"No data"
        first, last = (datetime.strptime(query[name], "%Y%m%d").date() for name in ("d1", "d2"))  # noqa: DTZ007
        split_only = query.get("o", "0000000")[1] == "1"
        lines = ["Date,Open,High,Low,Close,Volume"]
        for day, close, adjusted in self.rows(symbol, first, last):
            price = close if split_only else adjusted
            if price is not None:
                lines.append(f"{day},{price!r},{price!r},{price!r},{price!r},1000")
        return "\r\n".join(lines).encode()

    def tiingo(self, symbol: str, query: dict[str, str]) -> bytes:
        """Closes as printed, with the split and the dividend of each day, and adjusted closes beside them."""
        ours = next((name for name in self.shares if name.replace(".", "-").lower() == symbol), None)
        if ours is None:
            return json.dumps({"detail": f"Error: Ticker '{symbol.upper()}' not found"}).encode()
        share = self.shares[ours]
        first, last = (date.fromisoformat(query[name]) for name in ("startDate", "endDate"))
        rows = []
        for day, close, adjusted in self.rows(ours, first, last):
            if close is None or adjusted is None:
                continue
            later = [ratio for ex, ratio in share.splits.items() if day < ex <= self.restated()]
            printed = close * math.prod(later)
            row = dict.fromkeys(("close", "open", "high", "low"), printed) | {
                "volume": 1000,
                "adjClose": adjusted,
            }
            row |= {"divCash": share.dividends.get(day, 0.0), "splitFactor": share.splits.get(day, 1.0)}
            rows.append({"date": f"{day}T00:00:00.000Z", **row})
        return json.dumps(rows).encode()

    def alpaca(self, query: dict[str, str]) -> bytes:
        """One page of daily bars."""
        names = [name for name in query["symbols"].split(",") if name in self.shares]
        first, last = (new_york_day(_ns(query[name])) for name in ("start", "end"))
        at = int(query.get("page_token", "0"))
        size = min(int(query["limit"]), self.pages)
        rows = [
            (name, day, close)
            for name in sorted(names)
            for day, close, _ in self.rows(name, first, last)
            if close is not None
        ]
        bars: dict[str, list[dict[str, object]]] = {}
        for name, day, close in rows[at : at + size]:
            start = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK)
            bar = dict.fromkeys("ohlc", close) | {"t": _z(start), "v": 1000, "n": 9, "vw": close}
            bars.setdefault(name, []).append(bar)
        token = str(at + size) if at + size < len(rows) else None
        return json.dumps({"bars": bars, "next_page_token": token}).encode()


def patient_client(now_ns: int) -> HttpClient:
    """A client for downloads at ``now_ns`` whose waits are over at once."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    return HttpClient(
        download_limits(1.0), clock_ns=lambda: now_ns, monotonic=lambda: sum(slept), sleep=sleep
    )


def made(symbols: int, days: list[date], seed: int = 2024) -> dict[str, Share]:
    """Walks of closes, the same for the same seed."""
    shares = {}
    for count in range(symbols):
        rng = random.Random(seed + count)
        price = rng.uniform(5, 300)
        raw: dict[date, float | None] = {}
        for day in days:
            price = max(price * rng.gauss(1, 0.015), 1.0)
            raw[day] = round(price, 2)
        shares[f"S{count}"] = Share(raw)
    return shares


def _ns(text: str) -> int:
    return to_ns(datetime.fromisoformat(text))


def _z(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _started() -> list[str]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--symbols", type=int, default=12)
    parser.add_argument("--years", type=int, default=26)
    parser.add_argument("--script", action="append", choices=sorted(FAULTS))
    given = parser.parse_args()
    now_ns = wall_ns()
    today = new_york_day(now_ns)
    market = Market(
        made(given.symbols, sessions_between(date(today.year - given.years, 1, 1), today)), now_ns
    )

    def answer(path: str) -> bytes:
        market.now_ns = wall_ns()
        return market.answer(path)

    server = RestServer(*(FAULTS[name] for name in given.script or ["ok"]), answer=answer)
    await server.start(given.port)
    return [server.url]


if __name__ == "__main__":
    run(_started)
