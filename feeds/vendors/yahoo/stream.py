"""Yahoo's streamer: keyless, unofficial, best effort. Shares, ETFs, indices and futures alike.

It never says what is subscribed, and stops sending unless the subscription is sent again every 15 s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote as escaped

import msgspec

from feeds.errors import PartialAnswer, SourceError
from feeds.http.failure import RequestError
from feeds.parsing.symbols import yahoo_symbol
from feeds.parsing.wire import address, instant_ns
from feeds.streaming.requests import Reference
from feeds.streaming.vendor import FrameResult
from feeds.vendors.yahoo.address import HOME, PATH, stream_url
from feeds.vendors.yahoo.frames import parse
from feeds.vendors.yahoo.minutes import LATEST_NS, Minutes, parse_minutes
from feeds.vendors.yahoo.reference import params, parse_scale
from rotation.desk import is_index
from rotation.quote import NS, Nbbo, Quote, Role
from rotation.sessions import close_ns, session_at
from rotation.status import LIVE, delayed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from feeds.http.cached import CachedClient
    from feeds.streaming.vendor import Frame
    from feeds.vendors.yahoo.frames import PricingData
    from rotation.status import Mode

HEARTBEAT = 7
FRESH_S = 30.0
"""A backfill's answers hold the newest prints too: a snapshot within this time needs no others."""
HINT_MAX = 8
REGULAR = 1
"""Value of ``market_hours`` for the regular session."""
_LISTED = frozenset({8, 9, 20})
"""Shares, indices, ETFs."""
INDEX_DELAY_MIN = {"DJI": 0.0}
"""By which the quote API says an index is late (``exchangeDataDelayedBy`` of a captured answer). The stream
does not say, and the chart not always: another index counts as INDEX_DELAY_DEFAULT_MIN late, the allowance
of exchanges for free data, until the chart says otherwise. So none is LIVE by assumption."""
INDEX_DELAY_DEFAULT_MIN = 15.0


class YahooConversation:
    """One connection, without greeting or acknowledgement."""

    def __init__(
        self,
        named: Callable[[str], str] = yahoo_symbol,
        seen: Callable[[PricingData], object] | None = None,
    ) -> None:
        """``named``: how Yahoo writes a symbol. ``seen`` is given every print, for what a Quote lacks."""
        self._named = named
        self._seen = seen
        self._asked: dict[str, str] = {}
        self._volumes: dict[str, int] = {}
        self._newest: dict[str, Quote] = {}

    def opened(self) -> tuple[Frame, ...]:
        """Nothing: no key is needed."""
        return ()

    def received(self, frame: Frame) -> FrameResult:
        """One print, or a heartbeat."""
        data = parse(frame)
        if data.quote_type == HEARTBEAT:
            return FrameResult(heartbeat=True)
        symbol = self._asked.get(data.id)
        if symbol is None:
            return FrameResult()
        if self._seen is not None:
            self._seen(data)
        volume = data.day_volume
        before = self._volumes.get(data.id, volume)
        self._volumes[data.id] = volume
        # What has traded between two frames; the first one's is not known.
        size = max(volume - before, 0)
        quote = self._numbered(symbol, data, volume, size)
        # Before and after hours the two are those of the regular session's end.
        has_market = data.market_hours == REGULAR and min(data.bid, data.ask) > 0
        nbbo = (Nbbo(symbol, _digits(data, data.bid), _digits(data, data.ask), quote.ts_ns),)
        return FrameResult(quotes=(quote,), nbbo=nbbo if has_market else ())

    def _numbered(self, symbol: str, data: PricingData, volume: int, size: int) -> Quote:
        """The print, numbered by the day's volume, or by order where that stands still within an instant.

        Indices and the pre-market have no volume: two prints of a second would be one, and an extreme lost.
        """
        ts_ns = instant_ns(data.time_ms) or 0
        quote = Quote(symbol, ts_ns, rounded(data), volume, size, role=_role(data, ts_ns))
        last = self._newest.get(data.id)
        if last is not None and last.ts_ns == quote.ts_ns and last.seq >= quote.seq:
            again = last.price == quote.price
            quote = msgspec.structs.replace(quote, seq=last.seq if again else last.seq + 1)
        self._newest[data.id] = quote
        return quote

    def subscribe(self, symbols: frozenset[str]) -> tuple[Frame, ...]:
        """What is no longer wanted, and what is new."""
        wanted = {self._named(symbol): symbol for symbol in symbols}
        changes = (
            ("unsubscribe", self._asked.keys() - wanted.keys()),
            ("subscribe", wanted.keys() - self._asked.keys()),
        )
        self._asked = wanted
        return tuple(_message(action, names) for action, names in changes if names)

    def beat(self) -> tuple[Frame, ...]:
        """The subscription again."""
        return (_message("subscribe", self._asked),)


class Yahoo:
    """``ROTATION_TUI_YAHOO_STREAM_URL`` and ``…_REST_URL`` move it. Raises InputError for a wrong address."""

    name = "Yahoo"
    mode = LIVE
    headers: Mapping[str, str] = {}
    beat_s = 15.0
    heartbeats = False
    """They have been seen, but how often they come is not documented."""
    keyed = False
    acknowledges = False
    most_symbols = None

    def __init__(self, http: CachedClient, *, clock_ns: Callable[[], int]) -> None:
        """``http``: for snapshots and gaps, from the chart API."""
        self.url = stream_url()
        self._rest = address("YAHOO", "REST", HOME) + PATH
        self._http = http
        self._clock_ns = clock_ns
        self._charts: dict[str, tuple[int, Minutes]] = {}
        self._delays_min: dict[str, float] = {}
        """As the chart has stated them."""

    @staticmethod
    def named(symbol: str) -> str:
        """How Yahoo writes it."""
        return yahoo_symbol(symbol)

    def mode_of(self, symbol: str) -> Mode:
        """LIVE, or DELAYED by what Yahoo states; where it states nothing of an index, by INDEX_DELAY_MIN."""
        stated_min = self._delays_min.get(symbol)
        if stated_min is None and is_index(symbol):
            stated_min = INDEX_DELAY_MIN.get(symbol.removeprefix("^"), INDEX_DELAY_DEFAULT_MIN)
        return delayed(stated_min) if stated_min else self.mode

    def conversation(self) -> YahooConversation:
        """A new connection begins."""
        return YahooConversation(self.named)

    async def snapshot(self, symbols: frozenset[str]) -> tuple[Quote, ...]:
        """The newest price of each, before and after hours too, one request after the other.

        After hours the closing auction's with it. Raises SourceError where the source answers for none.
        """
        now_ns = self._clock_ns()
        held = {s: chart for s, (at_ns, chart) in self._charts.items() if now_ns - at_ns < FRESH_S * NS}
        charts = await self._ask(symbols - held.keys()) | held
        return tuple(quote for s in sorted(symbols & charts.keys()) for quote in charts[s].snapshot(now_ns))

    async def snapshot_anew(self, symbols: frozenset[str]) -> tuple[Quote, ...]:
        """The same without the charts of the last seconds. Raises SourceError where none is answered for."""
        charts = await self._ask(symbols)
        return tuple(charts[s].newest(self._clock_ns()) for s in sorted(charts))

    async def backfill(self, symbols: frozenset[str], start_ns: int, end_ns: int) -> tuple[Quote, ...]:
        """Today's minute bars, one request after the other.

        Raises SourceError where the source answers for none, PartialAnswer where for some.
        """
        charts, error = await self._asked(symbols)
        bars = tuple(bar for s in sorted(charts) for bar in charts[s].bars if start_ns < bar.ts_ns <= end_ns)
        if error:
            raise PartialAnswer(f"Yahoo: {error}", bars, symbols - charts.keys())
        return bars

    async def reference(self, symbols: frozenset[str], session: date) -> Reference:
        """The day's splits, and of symbols without one the close before ``session`` as Yahoo has it now.

        A request a share; an index is never split. Raises SourceError where the source answers for none.
        """
        closes: dict[str, float] = {}
        splits: dict[str, float] = {}
        error, answers = "", 0
        names = sorted(symbol for symbol in symbols if not is_index(symbol))
        for symbol in names:
            try:
                scale = await self._http.client.get(
                    self._rest + escaped(self.named(symbol), safe=""),
                    parse=lambda body, symbol=symbol: parse_scale(body, self.named(symbol), session),  # type: ignore[misc]
                    params=params(session),
                )
            except RequestError as failure:
                error = failure.with_next_try()
                continue
            answers += 1
            if scale.close is not None:
                closes[symbol] = scale.close
            if scale.ratio is not None:
                splits[symbol] = scale.ratio
        if names and not answers:
            raise SourceError(f"Yahoo: {error}")
        return Reference(closes, splits)

    async def _ask(self, symbols: frozenset[str]) -> dict[str, Minutes]:
        return (await self._asked(symbols))[0]

    async def _asked(self, symbols: frozenset[str]) -> tuple[dict[str, Minutes], str]:
        """The charts, and why some are missing; the reason is empty where none is."""
        charts: dict[str, Minutes] = {}
        error = ""
        for symbol in sorted(symbols):
            try:
                chart = await self._http.client.get(
                    self._rest + escaped(self.named(symbol), safe=""),
                    parse=lambda body, symbol=symbol: self._minutes(body, symbol),  # type: ignore[misc]
                    params={"range": "1d", "interval": "1m", "includePrePost": "true"},
                )
            except RequestError as failure:
                error = failure.with_next_try()
                continue
            charts[symbol] = chart
            self._charts[symbol] = (self._clock_ns(), chart)
        if symbols and not charts:
            raise SourceError(f"Yahoo: {error}")
        return charts, error

    def _minutes(self, body: bytes, symbol: str) -> Minutes:
        minutes = parse_minutes(body, symbol, self.named(symbol))
        if minutes.delay_min is not None:
            self._delays_min[symbol] = minutes.delay_min
        return minutes


def _role(data: PricingData, ts_ns: int) -> Role:
    """The closing auction, or an index's closing value: after the bell, and yet regular by Yahoo's own word.

    Yahoo names no venue of a print (``exchange`` is where the share is listed), so nothing else tells it.
    """
    session = session_at(ts_ns) if data.market_hours == REGULAR and data.quote_type in _LISTED else None
    after_ns = ts_ns - close_ns(session) if session is not None else 0
    return Role.CLOSE if 0 < after_ns <= LATEST_NS else Role.PRICE


def rounded(data: PricingData) -> float:
    """The price without the noise of 32 bits: to the decimals Yahoo names, else to seven digits."""
    return _digits(data, data.price)


def _digits(data: PricingData, price: float) -> float:
    return round(price, data.price_hint) if 0 < data.price_hint <= HINT_MAX else float(f"{price:.7g}")


def _message(action: str, symbols: Iterable[str]) -> str:
    return msgspec.json.encode({action: sorted(symbols)}).decode()
