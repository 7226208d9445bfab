"""The Treasury's daily par yield curve as CSV, a year a file. Keyless."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from feeds.errors import SourceError
from feeds.parsing.wire import address, number
from rotation.macro.stated import TENORS

if TYPE_CHECKING:
    from feeds.http.cached import CachedClient
    from feeds.http.fetched import Fetched
    from feeds.macro.series import Observations

HOME = "https://home.treasury.gov"
PATH = "/resource-center/data-chart-center/interest-rates/daily-treasury-rates.csv/{year}/all"
FRESH_S = 86_400.0
HEADS = {"3 Mo": "3M", "2 Yr": "2Y", "5 Yr": "5Y", "10 Yr": "10Y", "30 Yr": "30Y"}
"""The file's columns of the tenors shown; it has more."""
YIELD_MAX = 30.0
"""Per cent beyond any there ever was."""


def parse(data: bytes) -> Observations:
    """Yields by FRED's names. Raises SourceError if this is not such a file, or no row has a yield."""
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig")), strict=True))
    except (UnicodeError, csv.Error) as error:
        raise SourceError("Treasury: not valid CSV") from error
    heads = [head.strip() for head in rows[0]] if rows else []
    if not heads or heads[0] != "Date" or not HEADS.keys() <= set(heads):
        raise SourceError("Treasury: unexpected CSV columns")
    places = {TENORS[tenor]: heads.index(head) for head, tenor in HEADS.items()}
    made: Observations = {name: {} for name in places}
    for row in rows[1:]:
        day = _day(row[0]) if len(row) == len(heads) else None
        if day is None:
            continue
        for name, place in places.items():
            pct = number(row[place].strip())
            if pct is not None and -YIELD_MAX < pct < YIELD_MAX:
                made[name][day] = pct
    if not any(made.values()):
        raise SourceError("Treasury: no yield in the answer")
    return made


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text.strip(), "%m/%d/%Y").replace(tzinfo=UTC).date()
    except ValueError:
        return None


class Treasury:
    """``ROTATION_TUI_TREASURY_REST_URL`` moves it. Raises InputError for a wrong address."""

    name = "Treasury"

    def __init__(self, http: CachedClient) -> None:
        self._http = http
        self._url = address("TREASURY", "REST", HOME)

    async def year(self, year: int, *, reuse_s: float = 0.0) -> Fetched[Observations]:
        """The yields of one year; never raises for what the source does. ``reuse_s``: see CachedClient."""
        params = {"type": "daily_treasury_yield_curve", "field_tdr_date_value": str(year), "_format": "csv"}
        return await self._http.get(
            self._url + PATH.format(year=year),
            parse=parse,
            params=params,
            expect="csv",
            fresh_s=FRESH_S,
            reuse_s=reuse_s,
        )
