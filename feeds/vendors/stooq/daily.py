"""Daily history from Stooq: one CSV a symbol, few a day, split-adjusted closes.

Since March 2026 it asks for a key (free, behind a captcha), and answers without one with a page that wants a
browser to prove itself, with HTTP 200. ``o`` is its row of check boxes "skip": splits,
dividends, …; left alone it adjusts for dividends too, which is neither a price nor an adjusted close of ours.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import httpx
import polars as pl

from feeds.errors import BrowserWanted, KeyNeeded, SourceAway, SourceError
from feeds.history.daily import Bars, OneByOne, settled
from feeds.http.download import download
from feeds.http.exchange import Request
from feeds.parsing.symbols import stooq_symbol
from feeds.parsing.wire import address, number
from rotation.sessions import new_york_day, previous_session

if TYPE_CHECKING:
    from datetime import date

    from feeds.http.client import HttpClient

HOME = "https://stooq.com"
PATH = "/q/d/l/"
GAP_S = 1.0
SKIP_DIVIDENDS = "0100000"
KEY_WANTED = "Stooq: needs a key (open stooq.com/q/d/?s=spy.us&get_apikey, then set STOOQ_API_KEY)"
BROWSER_WANTED = "Stooq: sent a page that checks for a browser instead of CSV"
_HEADER = "date,open,high,low,close"


def parse(data: bytes, symbol: str, *, since: date, through: date, known_ns: int) -> Bars:
    """A CSV ``Date,Open,High,Low,Close[,Volume]``, in either order, as far as it is settled at ``known_ns``.

    Today's row is always left out: the file does not say when it was made. Raises SourceError; SourceAway
    where the day's quota is used up, BrowserWanted where a page stands in front of the data, KeyNeeded
    without a key.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError("Stooq: not UTF-8 text") from error
    head = text[:2_000].lower()
    if "exceeded the daily hits limit" in head:
        raise SourceAway("Stooq: the daily quota is used up")
    if "apikey" in head:
        raise KeyNeeded(KEY_WANTED)
    if head.startswith("no data"):
        raise SourceError(f"Stooq: no data for {symbol}")
    if head.lstrip().startswith("<"):
        raise BrowserWanted(BROWSER_WANTED)
    # Warnings of its own program may stand before the header.
    at = head.find(_HEADER)
    if at < 0:
        raise SourceError("Stooq: not a price history in CSV")
    try:
        table = pl.read_csv(io.StringIO(text[at:]), infer_schema=False).rename(str.lower)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise SourceError("Stooq: malformed CSV") from error
    names = ("close", "open", "high", "low", "volume")
    cells = table.with_columns(
        pl.col("date").str.to_date("%Y-%m-%d", strict=False),
        *(pl.lit(None, pl.String).alias(name) for name in names if name not in table.columns),
    ).select("date", *names)
    rows = [
        (day, number(close), None, *map(number, more))
        for day, close, *more in cells.drop_nulls("date").rows()
    ]
    before_today = min(through, previous_session(new_york_day(known_ns)))
    return settled(symbol, rows, since=since, through=before_today, known_ns=known_ns, source="Stooq")


class StooqDaily(OneByOne):
    """``ROTATION_TUI_STOOQ_REST_URL`` moves it. Raises InputError for a wrong address."""

    name = "Stooq"

    def __init__(self, client: HttpClient, key: str) -> None:
        """``client`` paces; see GAP_S."""
        self._client = client
        self._key = key
        self._url = address("STOOQ", "REST", HOME, keyed=True) + PATH

    async def _bars_of(self, symbol: str, since: date, through: date) -> Bars:
        query = {
            "s": stooq_symbol(symbol),
            "i": "d",
            "d1": f"{since:%Y%m%d}",
            "d2": f"{through:%Y%m%d}",
            "o": SKIP_DIVIDENDS,
            "apikey": self._key,
        }
        url = httpx.URL(self._url, params=query)
        # A page is expected too, so that it is judged here and not taken for a fault of one symbol.
        body = await download(self._client, Request(url, expect="html"), "Stooq")
        return parse(body.data, symbol, since=since, through=through, known_ns=body.known_ns)
