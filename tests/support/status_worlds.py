"""A desk of two legs, each as old and as bad as asked for."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from rotation.desk import Desk
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.quote import NS, Quote
from rotation.sessions import NEW_YORK, sessions_between, to_ns
from rotation.status import LIVE, Kind, Mode, delayed
from tests.support.core_oracle import Close
from tests.support.core_worlds import history_of

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot

DESK = Desk(legs=("IWM", "QQQ"))
DAY = date(2024, 7, 16)
YAHOO, SLOW = Provenance(LIVE, "Yahoo"), Provenance(delayed(15), "Yahoo")
IEX = Provenance(Mode(venue="IEX"), "Alpaca")
HALTED, GAPPED, OFF = (Provenance(LIVE, "Yahoo", kind) for kind in (Kind.HALTED, Kind.GAPPED, Kind.OFFLINE))
HOLED = Provenance(LIVE, "Yahoo", range_incomplete=True)
IWM, QQQ = "Russell 2000 (IWM)", "Nasdaq 100 (QQQ)"
S, MIN, H = 1.0, 60.0, 3600.0


def at(moment: str) -> int:
    return to_ns(datetime.fromisoformat(moment).replace(tzinfo=NEW_YORK))


NOON = "2024-07-16 13:00"


def closes(last: date = date(2024, 7, 15)) -> list[Close]:
    """Two years of closes: nothing happens until the last two days, on which IWM gains 5 % and 4 %."""
    days = sessions_between(date(2022, 7, 14), last)
    end = {date(2024, 7, 12): 105.0, date(2024, 7, 15): 110.0, DAY: 115.0}
    rows = [Close("IWM", day, end.get(day, 100.0), end.get(day, 100.0)) for day in days]
    return rows + [Close("QQQ", day, *(2 * [400.0 if day < DAY else 401.0])) for day in days]


def snapshot(
    moment: str = NOON,
    *,
    iwm: Provenance = YAHOO,
    qqq: Provenance = YAHOO,
    iwm_age_s: float | None = 1.0,
    qqq_age_s: float | None = 1.0,
    last: date = date(2024, 7, 15),
    desk: Desk = DESK,
    splits: dict[str, date] | None = None,
) -> Snapshot:
    """A desk at this moment; an age of None is a leg that has not printed."""
    as_of_ns = at(moment)
    market = Market(history_of(closes(last)), desk, as_of_ns=as_of_ns, origin=iwm)
    market.set_provenance({"IWM": iwm, "QQQ": qqq})
    market.take_listed_splits(splits or {})
    prints = {"IWM": (115.0, iwm_age_s), "QQQ": (401.0, qqq_age_s)}
    quotes = [
        Quote(symbol, as_of_ns - round(age_s * NS), price)
        for symbol, (price, age_s) in prints.items()
        if age_s is not None
    ]
    return market.apply(sorted(quotes, key=lambda quote: quote.ts_ns), as_of_ns=as_of_ns)
