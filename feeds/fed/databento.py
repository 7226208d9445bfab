"""Fed funds futures from Databento: CME's daily settlements (dataset GLBX.MDP3), with a key of one's own.

What is asked for is metered, so it is asked for seldom: settlements change once a day. Written from the
vendor's documentation; no answer was captured from the real host.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from feeds.clock import wall_ns
from feeds.errors import SourceError
from feeds.fed.futures import LAST_SETTLE_DAYS, MONTHS, Chart, Close
from feeds.fed.strip import CODES, Strip, in_order, months_ahead, usable
from feeds.http.fetched import Fetched, dated
from feeds.parsing.wire import Loose, address, decode, instant_ns, number
from rotation.fed.prices import settled_ns
from rotation.sessions import from_ns, new_york_day
from rotation.status import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from feeds.http.cached import CachedClient
    from rotation.fed.strip.contracts import Month

HOME = "https://hist.databento.com"
PATH = "/v0/timeseries.get_range"
RANGE_PATH = "/v0/metadata.get_dataset_range"
DATASET = "GLBX.MDP3"
DAYS = 8
"""Calendar days asked for: a week with a holiday holds four settlements."""
EVERY_S = 3600.0
"""Between two questions after an answer: each one is paid for."""
FRESH_S = 4 * 86_400.0
"""A settlement older than a long weekend is STALE."""
_SETTLEMENT = 3
_DELETED = 2
_FINAL, _INTRADAY, _NO_PRICE = 0x01, 0x08, 0x80
"""CME's settlement price type, tag 731: what its bits say."""
_LINES_MAX = 20_000


class _Head(msgspec.Struct):
    ts_event: Loose = None


class _Statistic(msgspec.Struct):
    hd: _Head = msgspec.field(default_factory=_Head)
    ts_ref: Loose = None
    price: Loose = None
    stat_type: Loose = None
    update_action: Loose = None
    stat_flags: Loose = None
    symbol: Loose = None


class _Span(msgspec.Struct):
    end: Loose = None


class _Range(msgspec.Struct):
    end: Loose = None
    schema: dict[str, _Span] = {}


def raw_symbol(month: Month) -> str:
    """``ZQZ6`` for December 2026, as CME writes it."""
    return f"ZQ{CODES[month[1] - 1]}{month[0] % 10}"


def parse_end(data: bytes) -> int:
    """UTC ns up to which the key may ask for statistics. Raises SourceError."""
    answer = decode(data, _Range, "Databento")
    span = answer.schema.get("statistics")
    end_ns = instant_ns(span.end if span is not None else answer.end)
    if end_ns is None:
        raise SourceError("Databento: no end of the available range")
    return end_ns


def parse(data: bytes, months: Mapping[str, Month]) -> dict[Month, Chart]:
    """JSON lines of statistics as each contract's settlements; ``months``: by raw symbol, those asked for.

    Of several on one day the final one counts before a preliminary one, the later before the earlier.
    Raises SourceError for a line that cannot be read, and where there is no settlement at all.
    """
    lines = [line for line in data.splitlines() if line.strip()]
    if len(lines) > _LINES_MAX:
        raise SourceError("Databento: more lines than requested")
    best: dict[Month, dict[date, tuple[bool, int, float]]] = {}
    for line in lines:
        record = decode(line, _Statistic, "Databento")
        month = months.get(record.symbol) if isinstance(record.symbol, str) else None
        settlement = _settlement(record)
        if month is None or settlement is None:
            continue
        session, figures = settlement
        held = best.setdefault(month, {})
        held[session] = max(held.get(session, figures), figures)
    if not best:
        raise SourceError("Databento: no settlement for any contract requested")
    return {month: _chart(month, held) for month, held in best.items()}


def _settlement(record: _Statistic) -> tuple[date, tuple[bool, int, float]] | None:
    """Its day, and (is final, when it was sent, price); None for any other statistic."""
    price, ref_ns = usable(number(record.price)), instant_ns(record.ts_ref)
    flags = record.stat_flags if isinstance(record.stat_flags, int) else 0
    if record.stat_type != _SETTLEMENT or record.update_action == _DELETED or flags & (_INTRADAY | _NO_PRICE):
        return None
    if price is None or ref_ns is None:
        return None
    session = datetime.fromtimestamp(ref_ns / 1e9, UTC).date()  # midnight UTC of the trading day
    return session, (bool(flags & _FINAL), instant_ns(record.hd.ts_event) or 0, price)


def _chart(month: Month, held: Mapping[date, tuple[bool, int, float]]) -> Chart:
    closes = tuple(Close(session, held[session][2]) for session in sorted(held))
    return Chart(*month, closes, None, None, source="Databento")


class DatabentoStrip:
    """``ROTATION_TUI_DATABENTO_REST_URL`` moves it. Raises InputError for a wrong address."""

    name = "Databento"

    def __init__(
        self,
        http: CachedClient,
        key: str,
        *,
        months: int = MONTHS,
        clock_ns: Callable[[], int] = wall_ns,
    ) -> None:
        """``months``: contracts from the current one on."""
        self._http = http
        self._months = months
        self._clock_ns = clock_ns
        self._url = address("DATABENTO", "REST", HOME)
        # The key is the user name, the password is empty.
        self._headers = {"authorization": f"Basic {b64encode(f'{key}:'.encode()).decode()}"}
        self._asked_ns: int | None = None
        self._last = Strip((), Kind.OFFLINE)
        self.charts: dict[Month, Chart] = {}
        """Settlements by contract, for our own store."""

    async def refresh(self) -> Strip:
        """The last settlements of all contracts, in one question; what is held where it is under an hour old.

        ``charts`` gets the month that has just ended too: its last settlement is an anchor.
        """
        now_ns = self._clock_ns()
        if self._asked_ns is not None and 0 <= now_ns - self._asked_ns < EVERY_S * 1e9:
            return self._last
        today = new_york_day(now_ns)
        wanted = months_ahead(today.year, today.month, self._months)
        ended = [] if today.day > LAST_SETTLE_DAYS else [_before(today)]
        got = await self._ask({raw_symbol(month): month for month in (*ended, *wanted)})
        charts = got.value or {}
        self.charts = charts or self.charts
        quotes = in_order(chart.quote for month, chart in charts.items() if month in wanted)
        errors = (got.error,) if got.error else ()
        self._last = Strip(quotes, got.kind if quotes else Kind.OFFLINE, errors, got.age_s)
        self._asked_ns = now_ns if not errors else None
        return self._last

    async def _ask(self, months: dict[str, Month]) -> Fetched[dict[Month, Chart]]:
        known = await self._http.get(
            self._url + RANGE_PATH, parse=parse_end, params={"dataset": DATASET}, headers=self._headers
        )
        if known.value is None or known.error:
            return Fetched(None, None, None, None, Kind.OFFLINE, known.error)
        end = from_ns(known.value)
        params = {
            "dataset": DATASET,
            "schema": "statistics",
            "symbols": ",".join(months),
            "stype_in": "raw_symbol",
            "start": (end - timedelta(days=DAYS)).strftime("%Y-%m-%d"),
            "end": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "encoding": "json",
            "pretty_px": "true",
            "pretty_ts": "true",
            "map_symbols": "true",
        }
        got = await self._http.get(
            self._url + PATH,
            parse=lambda data: parse(data, months),
            params=params,
            headers=self._headers,
            passing=("start", "end"),
            fresh_s=FRESH_S,
        )
        newest = max((chart.closes[-1].session for chart in (got.value or {}).values()), default=None)
        if newest is None:
            return got
        return dated(got, settled_ns(newest), now_ns=self._clock_ns(), fresh_s=FRESH_S)


def _before(today: date) -> Month:
    """The month before this one."""
    last = today.replace(day=1) - timedelta(days=1)
    return last.year, last.month
