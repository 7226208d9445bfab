"""Yields during the session: the exchange's indices of the newest notes and bond, by Yahoo's chart. Keyless.

Of its four indices three are yields to maturity. The fourth, of the 13-week bill (IRX), is a discount rate:
it stands some basis points below a yield, so it is not shown beside the curve.
"""

from __future__ import annotations

from datetime import time
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from feeds.errors import SourceError
from feeds.parsing.wire import address
from feeds.vendors.yahoo.address import HOME, PATH
from feeds.vendors.yahoo.chart import parse_chart
from rotation.macro.figures import YieldIndex
from rotation.macro.indices import UNTIL, scale_of
from rotation.sessions import NEW_YORK, from_ns

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from feeds.http.cached import CachedClient
    from feeds.http.fetched import Fetched

SYMBOLS = {"5Y": "FVX", "10Y": "TNX", "30Y": "TYX"}
FRESH_S = 1800.0
FROM, SETTLED = time(8, 20), time(18)
"""New York: when the first values are made, and when the Treasury has the day."""
EVERY_S, LATER_S = 300.0, 1800.0
"""Between two rounds while they are made, and after that."""


class IndexValue(msgspec.Struct, frozen=True):
    """What a chart says of an index, on the scale of whoever sent it."""

    value: float
    at_ns: int
    previous: float | None
    """Its last close before today."""
    delay_min: float | None


def parse(data: bytes, named: str) -> IndexValue:
    """The newest value in a chart. Raises SourceError for another symbol's, and where there is none."""
    chart = parse_chart(data)
    if chart.symbol.upper() != named:
        raise SourceError("Yahoo: an answer for another symbol")
    if chart.price is None or chart.traded_ns is None or chart.price <= 0:
        raise SourceError("Yahoo: no value of the index in the answer")
    return IndexValue(chart.price, chart.traded_ns, chart.previous_close, chart.delay_min)


def wait_s(now: datetime) -> float | None:
    """Seconds between two rounds at this time; None where nobody is to be asked."""
    local = now.astimezone(NEW_YORK)
    if local.weekday() > 4 or not FROM <= local.time() < SETTLED:
        return None
    return EVERY_S if local.time() < UNTIL else LATER_S


class YieldIndices:
    """``ROTATION_TUI_YAHOO_REST_URL`` moves it. Raises InputError for a wrong address."""

    name = "Yahoo"

    def __init__(self, http: CachedClient) -> None:
        self._http = http
        self._url = address("YAHOO", "REST", HOME) + PATH

    async def ask(self, tenor: str, *, reuse_s: float = 0.0) -> Fetched[IndexValue]:
        """One index; never raises for what the source does. ``reuse_s``: see CachedClient."""
        named = f"^{SYMBOLS[tenor]}"
        return await self._http.get(
            self._url + quote(named, safe=""),
            parse=partial(parse, named=named),
            params={"interval": "5m", "range": "1d"},
            fresh_s=FRESH_S,
            reuse_s=reuse_s,
        )


def indices_of(values: Mapping[str, IndexValue], settled_pct: Mapping[str, float]) -> tuple[YieldIndex, ...]:
    """Those of ``values``, by tenor, that are yields beside the settled ones; the others are left out."""
    made = []
    for tenor, symbol in SYMBOLS.items():
        value, settled = values.get(tenor), settled_pct.get(tenor)
        scale = scale_of(value.value, settled) if value is not None and settled is not None else None
        if value is None or scale is None:
            continue
        before = value.previous
        change = None if before is None or before <= 0 else 100 * (value.value - before) / scale
        is_near = change is not None and abs(change) <= 100
        late = "" if not value.delay_min else f", {value.delay_min:.0f} min delayed"
        made.append(
            YieldIndex(
                tenor=tenor,
                symbol=symbol,
                pct=round(value.value / scale, 4),
                change_bp=round(change, 2) if change is not None and is_near else None,
                at=from_ns(value.at_ns),
                source=f"Yahoo{late}",
            )
        )
    return tuple(made)
