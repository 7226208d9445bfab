"""What the Fed's sources have said so far, put together for the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from feeds.clock import wall_ns
from feeds.fed.calendar import SHIPPED, CalendarFed, few_ahead
from feeds.fed.futures import YahooStrip
from feeds.fed.kalshi import Kalshi
from feeds.fed.polymarket.rest import Polymarket
from feeds.fed.rates.fred import Fred
from feeds.fed.rates.newyorkfed import NewYorkFed
from feeds.fed.rates.policy_rate import PolicyRate, PolicyRates
from rotation.fed.inputs import FedInputs, OutcomeQuote, PastCut, Sourced, StripQuote
from rotation.sessions import new_york_day

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import date

    from feeds.fed.polymarket.frames import TokenQuote
    from feeds.http.cached import Fetched, Transport
    from rotation.fed.strip.contracts import Month

T = TypeVar("T")
STRIP_MODE = "DELAYED 10m"
"""Yahoo shows CME's prices ten minutes late."""


class FedSources:
    """One refresh method a source; none raises for what a source does. ``inputs`` is all of it together."""

    def __init__(
        self,
        transport: Transport,
        *,
        age_gap_s: float = 300.0,
        clock_ns: Callable[[], int] = wall_ns,
    ) -> None:
        """Raises InputError where an environment variable holds no usable address."""
        self._clock_ns = clock_ns
        self._age_gap_s = age_gap_s
        self.strip = YahooStrip(transport, clock_ns=clock_ns)
        self._rates = PolicyRates(
            [NewYorkFed(transport, clock_ns=clock_ns), Fred(transport, clock_ns=clock_ns)]
        )
        self._calendar = CalendarFed(transport, clock_ns=clock_ns)
        self._kalshi = Kalshi(transport)
        self._polymarket = Polymarket(transport)
        self._quotes: dict[Month, StripQuote] = {}
        self._outcomes: dict[str, tuple[OutcomeQuote, ...]] = {}
        self._rate: PolicyRate | None = None
        self._dates: tuple[date, ...] = SHIPPED
        self._calendar_warning = ""
        self.sources: dict[str, Sourced] = {}
        self.expired: tuple[StripQuote, ...] = ()
        self.past: dict[date, tuple[PastCut, ...]] = {}
        self.trouble = ""
        """What keeps our own history from being written."""

    @property
    def refreshes(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Source → what asks it anew."""
        return {
            "Yahoo": self._refresh_strip,
            "policy rate": self._refresh_rates,
            "FOMC calendar": self._refresh_calendar,
            "Kalshi": self._refresh_kalshi,
            "Polymarket": self._refresh_polymarket,
        }

    @property
    def tokens(self) -> frozenset[str]:
        """Polymarket's contracts, for its stream."""
        return frozenset(one.contract for one in self._outcomes.get("Polymarket", ()) if one.contract)

    @property
    def range_bp(self) -> tuple[int, int] | None:
        """The target range as last published."""
        rate = self._rate
        if rate is None or rate.lower_bp is None or rate.upper_bp is None:
            return None
        return round(rate.lower_bp), round(rate.upper_bp)

    async def _refresh_strip(self) -> None:
        told = await self.strip.refresh()
        errors = "; ".join(told.errors[:1])
        if len(told.errors) > 1:
            errors += f" (and {len(told.errors) - 1} more)"
        self.sources["Yahoo"] = Sourced(told.state, self._clock_ns() if told.quotes else None, errors)
        for quote in told.quotes:
            self._quotes[quote.contract] = quote

    async def _refresh_rates(self) -> None:
        today = new_york_day(self._clock_ns())
        got = await self._rates.refresh(max((day for day in self._dates if day < today), default=None))
        self._note("policy rate", got)
        self._rate = got.value or self._rate

    async def _refresh_calendar(self) -> None:
        got = await self._calendar.refresh()
        self.sources["FOMC calendar"] = Sourced(got.state, None, got.error)
        self._dates, self._calendar_warning = got.dates, got.warning

    async def _refresh_kalshi(self) -> None:
        await self._refresh_venue("Kalshi", await self._kalshi.refresh())

    async def _refresh_polymarket(self) -> None:
        await self._refresh_venue("Polymarket", await self._polymarket.refresh())

    async def _refresh_venue(self, venue: str, got: Fetched[list[OutcomeQuote]]) -> None:
        self._note(venue, got)
        if got.value is not None:
            self._outcomes[venue] = tuple(got.value)

    def _note(self, name: str, got: Fetched[T]) -> None:
        self.sources[name] = Sourced(got.state, got.fetched_at_ns, got.error)

    def inputs(self, pushed: Mapping[Month, StripQuote], tokens: Mapping[str, TokenQuote]) -> FedInputs:
        """All of it, with what the streams have pushed since on top."""
        today = new_york_day(self._clock_ns())
        months = sorted(month for month in {*self._quotes, *pushed} if month >= (today.year, today.month))
        strip = [_newer(self._quotes.get(month), pushed.get(month)) for month in months]
        outcomes = [
            _overlaid(one, tokens.get(one.contract)) for held in self._outcomes.values() for one in held
        ]
        rate = self._rate
        return FedInputs(
            strip=tuple(quote for quote in strip if quote is not None),
            expired=self.expired,
            fomc_dates=self._dates,
            target_range_bp=self.range_bp,
            effr_pct=rate.effr_bp / 100 if rate and rate.effr_bp is not None else None,
            outcomes=tuple(outcomes),
            sources={name: self.sources[name] for name in self.refreshes if name in self.sources},
            past=self.past,
            warnings=tuple(
                text for text in (self._calendar_words(today), self._range_words(today), self.trouble) if text
            ),
            age_gap_s=self._age_gap_s,
            strip_mode=STRIP_MODE,
        )

    def _calendar_words(self, today: date) -> str:
        """The page's own warning, or the shipped table's."""
        return self._calendar_warning or few_ahead(self._dates, today)

    def _range_words(self, today: date) -> str:
        """After a decision every label is wrong by the move, until the new range is published."""
        if self._rate is None:
            return ""
        since = [day for day in self._dates if self._rate.date <= day < today]
        if not since:
            return ""
        return (
            f"the target range is that of {self._rate.date}, before the decision of {since[-1]} took effect: "
            "labels may be off"
        )


def _newer(chart: StripQuote | None, pushed: StripQuote | None) -> StripQuote | None:
    """The chart's settlement, and the newer of the two prices."""
    if chart is None:
        return pushed
    if pushed is None or (chart.ts_ns or 0) > (pushed.ts_ns or 0):
        return chart
    return msgspec.structs.replace(pushed, settle=chart.settle, settle_date=chart.settle_date)


def _overlaid(quote: OutcomeQuote, pushed: TokenQuote | None) -> OutcomeQuote:
    if pushed is None or (pushed.ts_ns or 0) < (quote.ts_ns or 0):
        return quote
    return msgspec.structs.replace(
        quote,
        bid=quote.bid if pushed.bid is None else pushed.bid,
        ask=quote.ask if pushed.ask is None else pushed.ask,
        last=quote.last if pushed.last is None else pushed.last,
        ts_ns=pushed.ts_ns or quote.ts_ns,
    )
