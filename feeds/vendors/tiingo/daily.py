"""Daily history from Tiingo: split- and dividend-adjusted, back to the first listing, with a free key.

Its ``close`` is the price as printed. Each row carries the split and the dividend of its own day, so the
split-adjusted close is computed here; ``adjClose`` is adjusted for both, as Yahoo's ``adjclose`` is.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import msgspec

from feeds.errors import KeyNeeded, SourceAway, SourceError
from feeds.history.daily import Bars, OneByOne, Row, settled
from feeds.http.download import download
from feeds.http.exchange import Request
from feeds.http.failure import RequestError
from feeds.parsing.fields import price
from feeds.parsing.symbols import tiingo_symbol
from feeds.parsing.wire import Loose, address, decode, number
from rotation.desk import is_index

if TYPE_CHECKING:
    from feeds.http.client import HttpClient

HOME = "https://api.tiingo.com"
PATH = "/tiingo/daily/"
GAP_S = 1.0
MOST = 500
"""Different symbols that a free key may ask for in a month (and 50 requests an hour)."""
KEY_REFUSED = "Tiingo: the key was refused — set it again: rotation-tui config key set tiingo"
_JUMP = 1.25
"""Adjusted over split-adjusted close moves only by dividends; a larger step is a split half worked in."""
_REFUSED = frozenset({401, 403})


class _Day(msgspec.Struct):
    date: Loose = None
    close: Loose = None
    adjClose: Loose = None  # noqa: N815
    open: Loose = None
    high: Loose = None
    low: Loose = None
    volume: Loose = None
    divCash: Loose = None  # noqa: N815
    splitFactor: Loose = None  # noqa: N815


class _Problem(msgspec.Struct):
    detail: Loose


def parse(data: bytes, symbol: str, *, since: date, through: date, known_ns: int) -> Bars:
    """An array of days, in any order, as far as it is settled at ``known_ns``.

    The answer does not name its symbol. Raises SourceError if it is no such array, if a day lacks its split
    factor, or if a split is worked into one of the two closes only; SourceAway where the quota is used up.
    """
    if data.lstrip().startswith(b"{"):
        raise _problem(decode(data, _Problem, "Tiingo"), symbol)
    answer = decode(data, list[_Day], "Tiingo")
    days = sorted(((day, row) for row in answer if (day := _day(row.date)) is not None), key=lambda at: at[0])
    rows = _split_adjusted(days)
    _check_splits(days, rows)
    return settled(symbol, rows, since=since, through=through, known_ns=known_ns, source="Tiingo")


def _problem(problem: _Problem, symbol: str) -> SourceError:
    """Some refusals come with HTTP 200. Their text is never quoted."""
    text = problem.detail.lower() if isinstance(problem.detail, str) else ""
    if "run over" in text or "limit" in text:
        return SourceAway("Tiingo: the key's quota is used up")
    if "token" in text:
        return KeyNeeded(KEY_REFUSED)
    return SourceError(f"Tiingo: no data for {symbol}")


def _day(text: object) -> date | None:
    """``2024-07-12T00:00:00.000Z`` is the session of the 12th, whatever the zone."""
    try:
        return date.fromisoformat(text[:10]) if isinstance(text, str) else None
    except ValueError:
        return None


def _split_adjusted(days: list[tuple[date, _Day]]) -> list[Row]:
    """Rows in order of time, prices divided by the splits of all later days, volumes multiplied."""
    rows: list[Row] = []
    shares = 1.0
    for day, row in reversed(days):
        prices = [None if (figure := price(value)) is None else figure / shares for value in _prices(row)]
        volume = number(row.volume)
        rows.append((day, prices[0], price(row.adjClose), *prices[1:], volume and volume * shares))
        ratio = number(row.splitFactor)
        if ratio is None or ratio <= 0:
            raise SourceError(f"Tiingo: no split factor on {day}")
        shares *= ratio
    return rows[::-1]


def _prices(row: _Day) -> tuple[Loose, ...]:
    return row.close, row.open, row.high, row.low


def _check_splits(days: list[tuple[date, _Day]], rows: list[Row]) -> None:
    """Raise SourceError where adjusted and split-adjusted closes part by more than a dividend explains."""
    before: float | None = None
    for (day, given), (_, close, adjusted, *_) in zip(days, rows, strict=True):
        if not isinstance(close, float) or not isinstance(adjusted, float):
            continue
        share = adjusted / close
        pays = (number(given.divCash) or 0.0) > 0
        if before is not None and not pays and not 1 / _JUMP < share / before < _JUMP:
            raise SourceError(f"Tiingo: closes before the split of {day} are not adjusted yet")
        before = share


class TiingoDaily(OneByOne):
    """``ROTATION_TUI_TIINGO_REST_URL`` moves it. Raises InputError for a wrong address."""

    name = "Tiingo"

    def __init__(self, client: HttpClient, key: str) -> None:
        """``client`` paces; see GAP_S."""
        self._client = client
        self._headers = {"authorization": f"Token {key}"}
        self._url = address("TIINGO", "REST", HOME) + PATH

    def serves(self, symbol: str) -> bool:
        """Shares and funds; it has no indices."""
        return not is_index(symbol)

    async def _bars_of(self, symbol: str, since: date, through: date) -> Bars:
        query = {"startDate": since.isoformat(), "endDate": through.isoformat(), "format": "json"}
        name = quote(tiingo_symbol(symbol), safe="")
        url = httpx.URL(f"{self._url}{name}/prices", params=query)
        try:
            body = await download(self._client, Request(url, self._headers), "Tiingo")
        except SourceAway as away:
            if isinstance(away.__cause__, RequestError) and away.__cause__.status in _REFUSED:
                raise KeyNeeded(KEY_REFUSED) from away
            raise
        return parse(body.data, symbol, since=since, through=through, known_ns=body.known_ns)
