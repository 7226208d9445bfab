"""Asked once: what is no print yet, and prices on another scale than history's closes."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from feeds.desk.asked import first_answer
from feeds.desk.opened.snapshots import Now, snapshot_at
from feeds.desk.opened.sources import Source
from feeds.errors import SourceError
from feeds.streaming.requests import Reference
from rotation.desk import Desk
from rotation.market.status import Provenance
from rotation.quote import MINUTE_NS, NS, Quote
from rotation.status import LIVE, OFFLINE, Kind
from tests.support.fake_time import NOW_NS
from tests.support.live_desk import closes

DAY = date(2024, 7, 16)
HISTORY = closes(NOW_NS)
IWM, QQQ = (
    float(HISTORY.on(date(2024, 7, 15)).filter(symbol=symbol)["close"][0]) for symbol in ("IWM", "QQQ")
)
BEFORE = {"IWM": IWM, "QQQ": QQQ}
SECOND = NOW_NS - NS


class Vendor:
    """Answers with these quotes, and of the scale with this, or this error, or not at all."""

    name, mode = "Massive", LIVE

    def __init__(self, *quotes: Quote, scale: Reference | Exception | None = None) -> None:
        self.quotes, self.scale = quotes, scale
        self.asked: list[tuple[frozenset[str], date]] = []

    async def snapshot(self, symbols: frozenset[str]) -> tuple[Quote, ...]:
        return tuple(quote for quote in self.quotes if quote.symbol in symbols)

    async def reference(self, symbols: frozenset[str], session: date) -> Reference:
        self.asked.append((symbols, session))
        if isinstance(self.scale, Exception):
            raise self.scale
        if self.scale is None:
            await asyncio.Event().wait()
        return self.scale


async def shown(vendor: Vendor):
    """The snapshot that comes of it."""
    asked = await first_answer([vendor], ["IWM", "QQQ"], 0.2, closes=BEFORE, clock_ns=lambda: NOW_NS)
    provenance = {quote.symbol: origin for quote, origin in asked.quotes.items()}
    now = Now(tuple(asked.quotes), provenance, None, asked.scale)
    source = Source(HISTORY, None, Provenance(OFFLINE, "history"))
    return snapshot_at(source, Desk(), at=None, now_ns=NOW_NS, now=now)


async def test_a_bar_that_still_forms_is_no_print_of_now():
    """Massive's plans without trades give the running minute, whose end is ahead of the clock."""
    forming = Quote("IWM", NOW_NS + 40 * NS, IWM * 1.01, bar_ns=MINUTE_NS)
    snapshot = await shown(Vendor(forming, Quote("QQQ", SECOND, QQQ)))
    assert (snapshot.legs["IWM"].last, snapshot.legs["QQQ"].status.kind) == (IWM, Kind.LIVE)
    assert snapshot.legs["IWM"].status.kind is not Kind.LIVE


async def test_nor_is_a_print_far_ahead_of_time_or_of_no_price():
    quotes = [Quote("IWM", NOW_NS + 50 * NS, IWM * 1.05), Quote("QQQ", SECOND, float("nan"))]
    snapshot = await shown(Vendor(*quotes))
    assert {snapshot.legs[symbol].last for symbol in ("IWM", "QQQ")} == {IWM, QQQ}


@pytest.mark.parametrize(
    "scale",
    [
        Reference({"IWM": IWM / 2}),
        Reference(splits={"IWM": 2.0}),
        Reference(),
        SourceError("Massive: HTTP 500"),
        None,
    ],
    ids=["restated", "listed", "neither", "no answer", "too slow"],
)
async def test_half_the_close_of_yesterday_is_no_fall_of_half(scale):
    """The ex-date of a split that history does not know yet: asked once, it once said −50 %, LIVE."""
    vendor = Vendor(Quote("IWM", SECOND, IWM / 2), Quote("QQQ", SECOND, QQQ), scale=scale)
    snapshot = await shown(vendor)
    iwm = snapshot.legs["IWM"]
    assert (iwm.status.kind, iwm.return_pct["1"]) == (Kind.UNADJUSTED, None)
    assert "50.0" not in snapshot.headline
    assert snapshot.legs["QQQ"].status.kind is Kind.LIVE
    assert vendor.asked == [(frozenset({"IWM"}), DAY)], "of the symbol in doubt alone"


async def test_a_crash_is_one_where_the_vendor_has_the_same_close():
    vendor = Vendor(Quote("IWM", SECOND, IWM * 0.8), scale=Reference({"IWM": IWM}))
    iwm = (await shown(vendor)).legs["IWM"]
    assert (iwm.status.kind, iwm.return_pct["1"]) == (Kind.LIVE, pytest.approx(-20.0))


async def test_a_day_like_others_asks_nothing_more():
    vendor = Vendor(Quote("IWM", SECOND, IWM * 1.05))
    assert (await shown(vendor)).legs["IWM"].return_pct["1"] == pytest.approx(5.0)
    assert vendor.asked == []
