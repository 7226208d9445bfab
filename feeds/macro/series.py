"""FRED's series of macro figures, as its CSV graphs have them. Keyless."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from feeds.errors import SourceError
from feeds.fed.rates import fred
from feeds.parsing.wire import address

if TYPE_CHECKING:
    from feeds.http.cached import CachedClient
    from feeds.http.fetched import Fetched

Observations = dict[str, dict[date, float]]
"""Series → day, or the first day of a month → value."""
FRESH_S = 86_400.0
LOOK = timedelta(days=800)
"""How far back is asked: two years and what a change on the year looks back from."""


def parse(data: bytes) -> Observations:
    """As ``feeds.fed.rates.fred.parse``, without the dots. Raises SourceError."""
    made: Observations = {}
    for each in fred.parse(data):
        if each.percent is not None:
            made.setdefault(each.series, {})[each.date] = each.percent
    return made


def _of(name: str, data: bytes) -> Observations:
    made = parse(data)
    if name not in made:
        raise SourceError(f"FRED: {name} is not in the answer")
    return {name: made[name]}


class FredSeries:
    """``ROTATION_TUI_FRED_REST_URL`` moves it. Raises InputError for a wrong address."""

    name = "FRED"

    def __init__(self, http: CachedClient) -> None:
        self._http = http
        self._url = address("FRED", "REST", fred.HOME) + fred.PATH

    async def series(self, name: str, today: date, *, reuse_s: float = 0.0) -> Fetched[Observations]:
        """One series up to a day; never raises for what the source does. ``reuse_s``: see CachedClient."""
        params = {"id": name, "cosd": str(today - LOOK), "coed": str(today)}
        return await self._http.get(
            self._url,
            parse=lambda data: _of(name, data),
            params=params,
            passing=("cosd", "coed"),
            expect="csv",
            fresh_s=FRESH_S,
            reuse_s=reuse_s,
        )
