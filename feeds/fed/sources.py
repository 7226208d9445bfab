"""What the Fed's sources have answered so far, put together into one frozen record."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, TypeVar

import msgspec

from feeds.clock import wall_ns
from feeds.errors import InputError
from feeds.fed.calendar import SHIPPED, CalendarFed, few_ahead
from feeds.fed.databento import DatabentoStrip
from feeds.fed.futures import YahooStrip
from feeds.fed.kalshi import Kalshi
from feeds.fed.polymarket.rest import Polymarket
from feeds.fed.rates.fred import Fred
from feeds.fed.rates.newyorkfed import NewYorkFed
from feeds.fed.rates.policy_rate import PolicyRate, PolicyRates
from feeds.keys import keys
from rotation.fed.inputs import OutcomeQuote, Sourced, StripQuote
from rotation.fed.records import SourcesRecord
from rotation.sessions import new_york_day
from rotation.status import Kind, delayed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import date

    from feeds.fed.futures import Chart
    from feeds.fed.polymarket.frames import TokenQuote
    from feeds.fed.strip import Strip
    from feeds.http.cached import CachedClient
    from feeds.http.fetched import Fetched
    from rotation.fed.strip.contracts import Month

T = TypeVar("T")
STRIP_MODE = delayed(10)
"""Yahoo shows CME's prices ten minutes late."""
STRIP_CHOICE = "ROTATION_TUI_FED_STRIP"
"""Who is asked for the futures: ``auto`` (Yahoo, then Databento with a key), ``yahoo`` or ``databento``."""


class FedSources:
    """Every source, asked by name; ``record`` is all that they have answered.

    No method raises for what a source does.
    """

    def __init__(
        self,
        http: CachedClient,
        *,
        age_gap_s: float = 300.0,
        clock_ns: Callable[[], int] = wall_ns,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Raises InputError where an environment variable holds no usable address, choice or key."""
        self._clock_ns = clock_ns
        self._age_gap_s = age_gap_s
        self._strip = YahooStrip(http, clock_ns=clock_ns)
        self._choice, key = _strip_choice(os.environ if environ is None else environ)
        self._settlements = None if key is None else DatabentoStrip(http, key, clock_ns=clock_ns)
        self._rates = PolicyRates([NewYorkFed(http, clock_ns=clock_ns), Fred(http, clock_ns=clock_ns)])
        self._calendar = CalendarFed(http, clock_ns=clock_ns)
        self._kalshi = Kalshi(http)
        self._polymarket = Polymarket(http)
        self._quotes: dict[Month, StripQuote] = {}
        self._outcomes: dict[str, tuple[OutcomeQuote, ...]] = {}
        self._rate: PolicyRate | None = None
        self._dates: tuple[date, ...] = SHIPPED
        self._calendar_warning = ""
        self._states: dict[str, Sourced] = {}
        self._ask: dict[str, Callable[[], Awaitable[None]]] = {
            "Yahoo": self._ask_strip,
            "policy rate": self._ask_rates,
            "FOMC calendar": self._ask_calendar,
            "Kalshi": self._ask_kalshi,
            "Polymarket": self._ask_polymarket,
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The sources, in the order in which they are listed."""
        return tuple(self._ask)

    @property
    def _listed(self) -> tuple[str, ...]:
        """The sources whose state is listed: Databento's beside Yahoo's, whose place it takes."""
        listed = list(self._ask)
        listed.insert(listed.index("Yahoo") + 1, "Databento")
        return tuple(listed)

    @property
    def tokens(self) -> frozenset[str]:
        """Polymarket's contracts, for its stream."""
        return frozenset(quote.contract for quote in self._outcomes.get("Polymarket", ()) if quote.contract)

    @property
    def charts(self) -> Mapping[Month, Chart]:
        """Histories of the strip's contracts as last answered, for the store of settlements."""
        if self._settlements is None:
            return self._strip.charts
        return {**self._settlements.charts, **self._strip.charts}

    async def ask(self, name: str) -> bool:
        """Ask one source again; True if nothing failed."""
        await self._ask[name]()
        asked = "Databento" if name == "Yahoo" and self._choice == "databento" else name
        return not self._states[asked].error

    async def ask_all(self, limit_s: float) -> None:
        """Ask every source at once; one that takes longer than ``limit_s`` is OFFLINE and says so."""

        async def within(name: str) -> None:
            try:
                async with asyncio.timeout(limit_s):
                    await self._ask[name]()
            except TimeoutError:
                self._states[name] = Sourced(Kind.OFFLINE, None, f"no answer in {limit_s:.0f} s")

        async with asyncio.TaskGroup() as group:
            for name in self._ask:
                group.create_task(within(name), name=f"Fed {name}")

    def record(self, pushed: Mapping[Month, StripQuote], tokens: Mapping[str, TokenQuote]) -> SourcesRecord:
        """All that is known, with what the streams have pushed since on top."""
        today = new_york_day(self._clock_ns())
        months = sorted(month for month in {*self._quotes, *pushed} if month >= (today.year, today.month))
        strip = [_newer(self._quotes.get(month), pushed.get(month)) for month in months]
        outcomes = [
            _overlaid(quote, tokens.get(quote.contract)) for held in self._outcomes.values() for quote in held
        ]
        rate = self._rate
        return SourcesRecord(
            strip=tuple(quote for quote in strip if quote is not None),
            outcomes=tuple(outcomes),
            scheduled=self._dates,
            # The page's own warning, or the shipped table's.
            calendar_warning=self._calendar_warning or few_ahead(self._dates, today),
            ranges=rate.ranges if rate and rate.upper_bp is not None else (),
            range_day=rate.date if rate else None,
            effr_pct=rate.effr_bp / 100 if rate and rate.effr_bp is not None else None,
            states={name: self._states[name] for name in self._listed if name in self._states},
            age_gap_s=self._age_gap_s,
            strip_mode=STRIP_MODE,
        )

    async def _ask_strip(self) -> None:
        """Yahoo, and Databento's settlements where it does not answer, or instead of it."""
        well = False
        if self._choice != "databento":
            strip = await self._strip.refresh()
            well = strip.kind is Kind.LIVE
            self._note_strip("Yahoo", strip)
            for quote in strip.quotes:
                self._quotes[quote.contract] = quote
        if self._settlements is not None and not well:
            strip = await self._settlements.refresh()
            self._note_strip("Databento", strip)
            for quote in strip.quotes:
                self._quotes[quote.contract] = _settled_later(self._quotes.get(quote.contract), quote)

    def _note_strip(self, name: str, strip: Strip) -> None:
        errors = "; ".join(strip.errors[:1])
        if len(strip.errors) > 1:
            errors += f" (and {len(strip.errors) - 1} more)"
        checked_ns = self._clock_ns() if strip.quotes else None
        self._states[name] = Sourced(strip.kind, checked_ns, errors, strip.age_s)

    async def _ask_rates(self) -> None:
        today = new_york_day(self._clock_ns())
        got = await self._rates.refresh(max((day for day in self._dates if day < today), default=None))
        self._note("policy rate", got)
        self._rate = got.value or self._rate

    async def _ask_calendar(self) -> None:
        got = await self._calendar.refresh()
        self._states["FOMC calendar"] = Sourced(got.kind, None, got.error, got.age_s)
        self._dates, self._calendar_warning = got.dates, got.warning

    async def _ask_kalshi(self) -> None:
        self._keep("Kalshi", await self._kalshi.refresh())

    async def _ask_polymarket(self) -> None:
        self._keep("Polymarket", await self._polymarket.refresh())

    def _keep(self, venue: str, got: Fetched[list[OutcomeQuote]]) -> None:
        self._note(venue, got)
        if got.value is not None:
            self._outcomes[venue] = tuple(got.value)

    def _note(self, name: str, got: Fetched[T]) -> None:
        self._states[name] = Sourced(got.kind, got.fetched_at_ns, got.error, got.age_s)


def _strip_choice(environ: Mapping[str, str]) -> tuple[str, str | None]:
    """Who is asked for the futures, and Databento's key. Raises InputError."""
    choice = environ.get(STRIP_CHOICE, "").strip().lower() or "auto"
    if choice not in {"auto", "yahoo", "databento"}:
        raise InputError(f"{STRIP_CHOICE}: choose one of auto, yahoo, databento")
    held = None if choice == "yahoo" else keys.find("databento", environ=environ)
    if choice == "databento" and held is None:
        raise InputError(
            f"{STRIP_CHOICE}=databento: needs a key — see: rotation-tui config key set databento"
        )
    return choice, None if held is None else held.key


def _settled_later(held: StripQuote | None, settled: StripQuote) -> StripQuote:
    """The settlement, unless a later one is held; a price that was traded after it stays beside it."""
    if held is None or held.settle_date is None or settled.settle_date is None:
        return settled
    return settled if settled.settle_date > held.settle_date else held


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
