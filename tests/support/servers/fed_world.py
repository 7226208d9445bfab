"""All the Fed's REST sources at one instant, from one strip: the answers agree with each other.

By hand: ``python -m tests.support.servers.fed_world`` prints the environment that points rotation-tui at it.
Its instant is now.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from feeds.clock import wall_ns
from feeds.fed.calendar import SHIPPED
from feeds.fed.strip import code, months_ahead
from rotation.fed.prices import settled_ns
from rotation.sessions import (
    NEW_YORK,
    from_ns,
    last_closed,
    new_york_day,
    previous_session,
    sessions_between,
    to_ns,
)
from tests.support.servers.rest import RestServer, run
from tests.support.servers.samples import calendar, kalshi, kalshi_market, polymarket_market

FEEDS = ("YAHOO", "NEWYORKFED", "FRED", "CALENDAR_FED", "KALSHI", "POLYMARKET")
STEP = 0.05
"""Every month is priced this much lower than the one before: hikes ahead."""
MOVES = {
    "C26": ("0.0000", "0.0100"),
    "C25": ("0.0100", "0.0200"),
    "H0": ("0.7600", "0.7700"),
    "H25": ("0.1900", "0.2000"),
    "H26": ("0.0100", "0.0200"),
}
LABELS = {
    "50+ bps decrease": 0.005,
    "25 bps decrease": 0.015,
    "No change": 0.775,
    "25 bps increase": 0.195,
    "50+ bps increase": 0.015,
}
RATES = {"DFEDTARU": 4.0, "DFEDTARL": 3.75, "DFF": 3.88}
YIELDS = {"DGS3MO": 3.85, "DGS2": 3.55, "DGS5": 3.65, "DGS10": 4.08, "DGS30": 4.68}
MONTHLY = {
    "CPIAUCSL": (324.0, 0.8),
    "CPIAUCNS": (323.9, 0.8),
    "CPILFESL": (330.5, 0.9),
    "PAYEMS": (159_500.0, 90.0),
    "UNRATE": (4.3, 0.0),
}
"""The newest month's level, and what a month adds."""
MONTHS = 27
"""Of the monthly series, as far back as the program asks; the newest is that of two months ago."""


def last_session(year: int, month: int) -> date:
    """The last of a month."""
    return previous_session(date(year + month // 12, month % 12 + 1, 1))


class FedWorld:
    """Answers by path, for ``RestServer(answer=world.answer)``. ``now_ns`` may be moved."""

    def __init__(self, now_ns: int, *, first_price: float = 96.12) -> None:
        self.now_ns = now_ns
        self.start = new_york_day(now_ns)
        self.first_price = first_price
        self.front = 0.0
        """Added to the first day's price of its month alone: moving the whole strip moves no probability."""
        self.trade_age_s = 5.0
        self.cut_on: date | None = None
        """A quarter off, decided on this day; a source tells it once its newest day is later."""
        self.fred_day: date | None = None
        """FRED's newest; None: today."""
        self.drops = False
        """Yahoo knows no contract of a month that is over."""

    def price(self, year: int, month: int, session: date) -> float:
        """On the tick grid; the whole strip but the first day's month rises by a tick every other day.

        The first day is always above the session before it, whatever day of the week it is.
        """
        ahead = (year - self.start.year) * 12 + month - self.start.month
        back = ((self.start - session).days + 1) // 2
        moved = -0.005 * (back % 3) if ahead else self.front * (session == self.start)
        return round(self.first_price - STEP * ahead + moved, 4)

    def answer(self, path: str) -> bytes:
        """What the source of this path says now."""
        parts = urlsplit(path)
        if parts.path.startswith("/v8/finance/chart/"):
            return self._chart(parts.path.rpartition("/")[2])
        if parts.path.startswith("/api/rates/"):
            return self._rate()
        if parts.path.startswith("/graph/"):
            return self._fred(parse_qs(parts.query)["id"][0])
        if parts.path.startswith("/monetarypolicy/"):
            return self._calendar()
        return self._kalshi(parts.query) if parts.path.startswith("/trade-api/") else self._polymarket()

    @property
    def meeting(self) -> date:
        """The next one."""
        return min(day for day in SHIPPED if day >= new_york_day(self.now_ns))

    def _chart(self, symbol: str) -> bytes:
        contract = next(
            ((y, m) for y, m in months_ahead(2020, 1, 200) if f"{code(y, m)}.CBT" == symbol),
            None,
        )
        today = new_york_day(self.now_ns)
        over = contract is not None and contract < (today.year, today.month)
        if contract is None or (over and self.drops):
            return json.dumps({"chart": {"result": None, "error": {"description": "No data found"}}}).encode()
        last = last_session(*contract) if over else last_closed(self.now_ns)
        newest = last if over else today
        sessions = sessions_between(last - timedelta(days=30), last)
        times = [
            to_ns(datetime.combine(day, datetime.min.time(), NEW_YORK)) // 10**9
            for day in sessions
            if day < today
        ]
        closes = [self.price(*contract, day) for day in sessions if day < today]
        traded_ns = settled_ns(last) if over else self.now_ns - int(self.trade_age_s * 1e9)
        traded = traded_ns // 10**9
        meta = {
            "symbol": symbol, "exchangeTimezoneName": "America/New_York",
            "regularMarketPrice": self.price(*contract, newest), "regularMarketTime": traded,
        }  # fmt: skip
        result = {
            "meta": meta,
            "timestamp": [*times, traded],
            "indicators": {"quote": [{"close": [*closes, meta["regularMarketPrice"]]}]},
        }
        return json.dumps({"chart": {"result": [result], "error": None}}).encode()

    def _rate(self) -> bytes:
        day = last_closed(self.now_ns) - timedelta(days=1)
        rate = {
            "effectiveDate": str(day),
            "type": "EFFR",
            "percentRate": 3.88,
            "targetRateFrom": 3.75 - self._cut(day),
            "targetRateTo": 4.0 - self._cut(day),
        }
        return json.dumps({"refRates": [rate]}).encode()

    def _fred(self, series: str) -> bytes:
        """The policy rate of a day, yields of two months of sessions, and two years of monthly figures."""
        today = new_york_day(self.now_ns)
        if series in RATES:
            day = self.fred_day or today
            rows = [(day, RATES[series] - self._cut(day))]
        elif series in YIELDS:
            last = last_closed(self.now_ns)
            days = sessions_between(last - timedelta(days=60), last)
            rows = [(day, YIELDS[series] + 0.01 * (day.toordinal() % 5 - 2)) for day in days]
        else:
            newest, step = MONTHLY[series]
            months = [today.year * 12 + today.month - 3 - back for back in reversed(range(MONTHS))]
            rows = [
                (date(month // 12, month % 12 + 1, 1), newest - step * (len(months) - 1 - place))
                for place, month in enumerate(months)
            ]
        return "\n".join(
            [f"observation_date,{series}", *(f"{day},{value:.2f}" for day, value in rows), ""]
        ).encode()

    def _cut(self, day: date) -> float:
        return 0.25 if self.cut_on is not None and day > self.cut_on else 0.0

    def _calendar(self) -> bytes:
        years: dict[int, list[tuple[str, str]]] = {}
        for day in SHIPPED:
            years.setdefault(day.year, []).append((f"{day:%B}", str(day.day)))
        return calendar(years)

    def _kalshi(self, query: str) -> bytes:
        tag = f"{self.meeting:%y%b}".upper()
        if "KXFEDDECISION" in query:
            return kalshi(
                *(kalshi_market(f"KXFEDDECISION-{tag}-{move}", *book) for move, book in MOVES.items())
            )
        return kalshi(kalshi_market(f"KXFED-{tag}-T4.00", "0.2000", "0.2200"))

    def _polymarket(self) -> bytes:
        ends = f"{self.meeting}T19:00:00Z"
        markets = [
            polymarket_market(
                label,
                str(1001 + place),
                bestBid=mid - 0.005,
                bestAsk=mid + 0.005,
                endDate=ends,
                updatedAt=from_ns(self.now_ns).isoformat(),
            )
            for place, (label, mid) in enumerate(LABELS.items())
        ]
        event = {
            "slug": "fed-decision",
            "title": f"Fed decision in {self.meeting:%B}?",
            "endDate": ends,
            "closed": False,
        }
        return json.dumps([event | {"markets": markets}]).encode()


def environment(url: str) -> dict[str, str]:
    """The variables that point every REST source there, and the streams at a closed port."""
    closed = "ws://127.0.0.1:9"
    rest = {f"ROTATION_TUI_{feed}_REST_URL": url for feed in (*FEEDS, "TREASURY", "SEC", "CALENDAR_BLS")}
    return rest | {"ROTATION_TUI_POLYMARKET_STREAM_URL": closed, "ROTATION_TUI_YAHOO_STREAM_URL": closed}


async def _started() -> list[str]:
    world = FedWorld(wall_ns())

    def now(path: str) -> bytes:
        world.now_ns = wall_ns()
        return world.answer(path)

    server = RestServer(answer=now)
    await server.start()
    return [f"export {name}={value}" for name, value in environment(server.url).items()]


if __name__ == "__main__":
    run(_started)
