"""One price a contract for the chain: quotes of one time, or the last settlements; never a silent mixture."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from rotation.errors import InputError
from rotation.fed_inputs import StripQuote
from rotation.fedwatch import Month, StripCase, solve
from rotation.headline import day
from rotation.sessions import NEW_YORK, last_closed, new_york_day, to_ns
from rotation.states import duration
from rotation.strip_check import check_ages, check_price
from rotation.strip_quotes import Book, usable
from rotation.ticks import NS

if TYPE_CHECKING:
    from rotation.fed_inputs import FedInputs

FRESH_S = 900.0
"""A futures price older than this is stale; back months trade once in a few minutes on a good day."""
SETTLE_HOUR = 15
"""Daily settlement: 14:00 Chicago, 15:00 New York (CME Group, Fed Funds futures settlement procedure)."""
END_HOUR = 17
"""The trading day ends at 16:00 Chicago; what trades later belongs to the next one."""


class Priced(msgspec.Struct, frozen=True):
    """The price of one contract that enters the chain."""

    quote: StripQuote
    price: float
    kind: Literal["mid", "last", "settlement"]
    ts_ns: int | None
    """Of the price; of a settlement the moment it was made."""
    flag: str = ""


class Prices(msgspec.Struct, frozen=True):
    """A whole strip at one time."""

    priced: dict[Month, Priced]
    kind: str
    """"last trades", "order books" or "settlement of 20 Nov 2026"."""
    settled: date | None
    """The day of the settlements where all prices are settlements."""
    warnings: tuple[str, ...]

    def case(self, inputs: FedInputs, now_ns: int) -> StripCase:
        """What the chain computes from. The range labels only; without one it is 0-25."""
        return StripCase(
            new_york_day(now_ns),
            inputs.target_range_bp or (0, 25),
            inputs.fomc_dates,
            {month: one.price for month, one in self.priced.items()},
        )


def settled_ns(session: date) -> int:
    """When that day's settlement was made."""
    return _at(session, SETTLE_HOUR)


def _ended_ns(session: date) -> int:
    return _at(session, END_HOUR)


def _at(session: date, hour: int) -> int:
    return to_ns(datetime(session.year, session.month, session.day, hour, tzinfo=NEW_YORK))


def prices(inputs: FedInputs, now_ns: int) -> Prices:
    """Quotes where those of every meeting are of about the same age; else the settlements of all contracts.

    A contract whose price cannot be used is left out, with a warning that names it.
    """
    warnings: list[str] = []
    quoted = _sensible([_quoted(quote) for quote in inputs.strip], warnings)
    expired = _sensible([_settlement(quote, "") for quote in inputs.expired], warnings)
    live = Prices({**expired, **quoted}, _kind(quoted), None, tuple(warnings))
    if not any(one.kind != "settlement" for one in quoted.values()):
        return _settlements(inputs, warnings)
    ages_s = {
        month: max(0.0, (now_ns - one.ts_ns) / NS)
        for month, one in quoted.items()
        if one.ts_ns is not None and one.kind != "settlement"
    }
    try:
        check_ages(solve(live.case(inputs, now_ns)), ages_s, inputs.age_gap_s)
    except InputError as error:
        return _settlements(inputs, [*warnings, f"{error}; the last settlements are shown"])
    return live


def _settlements(inputs: FedInputs, warnings: list[str]) -> Prices:
    """Every contract at its last settlement; one that settled earlier than the others is flagged."""
    newest = max((quote.settle_date for quote in inputs.strip if quote.settle_date), default=None)
    found = [
        _settlement(quote, "" if quote.settle_date == newest else _since(quote.settle_date))
        for quote in inputs.strip
    ]
    priced = _sensible([*(_settlement(quote, "") for quote in inputs.expired), *found], [])
    kind = f"settlement of {day(newest)}" if newest else "no prices"
    return Prices(priced, kind, newest, tuple(warnings))


def _kind(quoted: dict[Month, Priced]) -> str:
    kinds = {one.kind for one in quoted.values()}
    words = "order books" if "mid" in kinds else "last trades"
    return f"{words} and settlements" if "settlement" in kinds else words


def _quoted(quote: StripQuote) -> Priced | str | None:
    """A book where there is one, else the last trade; the settlement where it came after both."""
    if quote.ts_ns is None or (quote.settle_date and quote.ts_ns <= _ended_ns(quote.settle_date)):
        return _settlement(quote, "no trade since, last settlement used")
    if quote.bid is not None or quote.ask is not None:
        try:
            found = usable(quote.contract, Book(quote.bid, quote.ask, quote.settle))
        except InputError as error:
            return str(error)
        if not found.settled:
            return Priced(quote, found.price, "mid", quote.ts_ns)
        return _settlement(quote, found.flag.partition(": ")[2])
    if quote.price is None:
        return _settlement(quote, "no trade, last settlement used")
    return Priced(quote, quote.price, "last", quote.ts_ns)


def _settlement(quote: StripQuote, flag: str) -> Priced | None:
    if quote.settle is None:
        return None
    ts_ns = settled_ns(quote.settle_date) if quote.settle_date else None
    return Priced(quote, quote.settle, "settlement", ts_ns, flag)


def _sensible(found: list[Priced | str | None], warnings: list[str]) -> dict[Month, Priced]:
    """Prices that can be prices; what cannot is told."""
    kept: dict[Month, Priced] = {}
    for one in found:
        if isinstance(one, str):
            warnings.append(one)
            continue
        if one is None:
            continue
        month = one.quote.contract
        try:
            flag = check_price(month, one.price)
        except InputError as error:
            warnings.append(str(error))
            continue
        flags = "; ".join(text for text in (one.flag, flag.partition(": ")[2]) if text)
        kept[month] = msgspec.structs.replace(one, flag=flags)
    return kept


def _since(settled: date | None) -> str:
    return f"settled last on {day(settled)}" if settled else "no date of its settlement"


def state_of(one: Priced, mode: str, now_ns: int) -> tuple[str, float | None]:
    """State word and age of one price. ``mode``: the word of a fresh quote (LIVE, DELAYED 10m, DEMO)."""
    if mode == "DEMO":
        return mode, None
    if one.kind != "settlement":
        age_s = max(0.0, (now_ns - (one.ts_ns or 0)) / NS)
        return (mode if age_s <= FRESH_S else f"STALE {duration(age_s)}"), age_s
    settled = one.quote.settle_date
    return settlement_state(settled, now_ns), None


def settlement_state(settled: date | None, now_ns: int) -> str:
    """CLOSED where it is the latest there can be; STALE once a later session has closed without one."""
    if settled is None:
        return "OFFLINE"
    latest = last_closed(now_ns)
    if settled >= latest:
        return "CLOSED"
    return f"STALE {(new_york_day(now_ns) - settled).days}d"
