"""The Federal Reserve Bank of New York: effective federal funds rate and target range. Keyless."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec

from feeds.clock import wall_ns
from feeds.errors import SourceError
from feeds.fed.rates.policy_rate import FRESH_S, PolicyRate, published, rate_bp, target_range_bp
from feeds.parsing.wire import Loose, address, decode, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from feeds.http.cached import CachedClient
    from feeds.http.fetched import Fetched

HOME = "https://markets.newyorkfed.org"
PATH = "/api/rates/unsecured/effr/last/90.json"
"""Four months: past ranges label past settlements, and show decisions outside the calendar."""
ROWS_MAX = 10_000


class _Row(msgspec.Struct, rename="camel"):
    effective_date: str = ""
    percent_rate: Loose = None
    target_rate_from: Loose = None
    target_rate_to: Loose = None
    type: str = "EFFR"


class _Answer(msgspec.Struct, rename="camel"):
    ref_rates: list[_Row]


def parse(data: bytes) -> list[PolicyRate]:
    """The days of an answer, oldest first. Raises SourceError where no day has a figure."""
    rows = decode(data, _Answer, "New York Fed").ref_rates[:ROWS_MAX]
    rates = [rate for row in rows if (rate := _rate(row)) is not None]
    if not rates:
        raise SourceError("New York Fed: no rate in the answer")
    return sorted(rates, key=lambda rate: rate.date)


def _rate(row: _Row) -> PolicyRate | None:
    try:
        day = date.fromisoformat(row.effective_date)
    except ValueError:
        return None
    effr_bp = rate_bp(number(row.percent_rate))
    lower_bp, upper_bp = target_range_bp(number(row.target_rate_from), number(row.target_rate_to))
    if row.type != "EFFR" or (effr_bp is None and upper_bp is None):
        return None
    return PolicyRate(day, effr_bp, lower_bp, upper_bp, "New York Fed")


class NewYorkFed:
    """``ROTATION_TUI_NEWYORKFED_REST_URL`` moves it. Raises InputError for a wrong address."""

    name = "New York Fed"

    def __init__(self, http: CachedClient, *, clock_ns: Callable[[], int] = wall_ns) -> None:
        self._http = http
        self._clock_ns = clock_ns
        self._url = address("NEWYORKFED", "REST", HOME) + PATH

    async def refresh(self) -> Fetched[PolicyRate]:
        """Ask; never raises for what the source does."""
        got = await self._http.get(self._url, parse=parse, fresh_s=FRESH_S)
        return published(got, self._clock_ns())
