"""One price a contract for the chain: quotes of one time, or the last settlements; never a silent mixture."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Literal

import msgspec

from rotation.fed.inputs import StripQuote
from rotation.fed.strip.chain import Chain, StripCase, index, month_of, solve
from rotation.fed.strip.checks import check_ages, check_chain, check_price
from rotation.fed.strip.contracts import Month, name
from rotation.fed.strip.errors import MixedTimesError, PriceError, StripError
from rotation.fed.strip.quotes import Book, usable
from rotation.quote import FUTURE_NS, NS
from rotation.sessions import NEW_YORK, new_york_day, previous_session, to_ns
from rotation.text import day

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rotation.fed.inputs import FedInputs
    from rotation.fed.strip.chain import MeetingMove

SETTLE_HOUR = 15
"""Daily settlement: 14:00 Chicago, 15:00 New York (CME Group, Fed Funds futures settlement procedure)."""
END_HOUR = 17
"""The trading day ends at 16:00 Chicago; what trades later belongs to the next one."""


class NoQuote(Enum):
    """Why a contract is priced by its last settlement; the value is the flag beside it."""

    NO_TRADE = "no trade, last settlement used"
    NO_TRADE_SINCE = "no trade since, last settlement used"
    FUTURE = "dated in the future, last settlement used"
    IMPLAUSIBLE = "implausible price, last settlement used"


class Priced(msgspec.Struct, frozen=True):
    """The price of one contract that enters the chain."""

    quote: StripQuote
    price: float
    kind: Literal["mid", "last", "settlement"]
    ts_ns: int | None
    """Time of the price; for a settlement, the moment it was made."""
    flag: str = ""
    by_book: bool = False
    """A settlement in place of a current book that is crossed or one-sided, not of an old trade."""


class Prices(msgspec.Struct, frozen=True):
    """A whole strip at one time."""

    priced: dict[Month, Priced]
    kind: str
    """"last trades", "order books" or "settlement of 20 Nov 2026"."""
    settled: date | None
    """The day of the settlements where all prices are settlements."""
    warnings: tuple[str, ...]
    left_out: frozenset[Month] = frozenset()
    """Contracts kept out of the chain, so that it stops before a decision whose prices are of two times."""

    def case(self, inputs: FedInputs, now_ns: int) -> StripCase:
        """What the chain computes from. The range labels only; without one it is 0-25."""
        return StripCase(
            new_york_day(now_ns),
            inputs.target_range_bp or (0, 25),
            inputs.fomc_dates,
            {month: priced.price for month, priced in self.priced.items() if month not in self.left_out},
            legacy=inputs.legacy,
        )


def settled_ns(session: date) -> int:
    """When that day's settlement was made."""
    return _at(session, SETTLE_HOUR)


def _ended_ns(session: date) -> int:
    return _at(session, END_HOUR)


def _at(session: date, hour: int) -> int:
    return to_ns(datetime(session.year, session.month, session.day, hour, tzinfo=NEW_YORK))


def prices(inputs: FedInputs, now_ns: int) -> Prices:
    """Quotes up to the first decision whose prices are not of one time; all settlements if it is the next.

    A contract whose price cannot be used is left out, with a warning that names it.
    """
    warnings: list[str] = []
    quoted = _sensible([_quoted(quote, now_ns, warnings) for quote in inputs.strip], warnings)
    expired = _sensible([_settlement(quote, "") for quote in inputs.expired], warnings)
    if not any(priced.kind != "settlement" for priced in quoted.values()):
        return _settlements(inputs, now_ns, warnings)
    live = Prices({**expired, **quoted}, _kind(quoted), None, ())
    current = running(quoted, now_ns)
    try:
        live = _of_same_time(live, inputs, now_ns, current)
        case = live.case(inputs, now_ns)
        chain = solve(case)
        check_chain(case, chain)
    except StripError as error:
        return _settlements(inputs, now_ns, [*warnings, f"{error}; using the last settlements"])
    by_book = [month for month in _used(chain) if month in current and current[month].by_book]
    mixed = [f"{_names(by_book)}: no two-sided book, its last settlement is used beside live quotes"]
    ended = _missed(live.priced, chain, now_ns)
    return msgspec.structs.replace(
        live, warnings=(*warnings, *live.warnings, *ended, *(mixed if by_book else ()))
    )


def _of_same_time(live: Prices, inputs: FedInputs, now_ns: int, current: dict[Month, Priced]) -> Prices:
    """Up to the first decision whose prices are of two times.

    Far contracts trade once in a while: their age must not take the quotes of the next meetings away. Raises
    MixedTimesError if no decision before it rests on a live quote.
    """
    chain = solve(live.case(inputs, now_ns))
    ages_s = {
        month: max(0.0, (now_ns - priced.quote.ts_ns) / NS)
        for month, priced in live.priced.items()
        if priced.quote.ts_ns is not None and (priced.kind != "settlement" or priced.by_book)
    }
    kept: set[Month] = set()
    for meeting in chain.solved:
        try:
            check_ages(Chain((meeting,), None), ages_s, inputs.age_gap_s)
            _check_traded(meeting, current)
        except MixedTimesError as error:
            if all(live.priced[month].kind == "settlement" for month in kept):
                raise
            return _stopped(live, meeting.date, kept, str(error))
        kept.update(meeting.contracts)
    return live


def _stopped(live: Prices, until: date, kept: set[Month], why: str) -> Prices:
    """Without the contracts of that month and later that no decision before rests on: the chain stops there.

    A rule of the chain fires where prices are known, so fewer of them change nothing of what is kept; the
    decision itself keeps neither its own month nor one after it.
    """
    later = frozenset(
        month for month in live.priced if month >= (until.year, until.month) and month not in kept
    )
    warning = f"{why}; no odds from {day(until)} until they trade again"
    return msgspec.structs.replace(live, left_out=later, warnings=(warning,))


def running(priced: dict[Month, Priced], now_ns: int) -> dict[Month, Priced]:
    """Without the months that are over: their last settlement is final."""
    today = new_york_day(now_ns)
    return {month: entry for month, entry in priced.items() if month >= (today.year, today.month)}


def _used(chain: Chain) -> list[Month]:
    return sorted({month for meeting in chain.solved for month in meeting.contracts})


def _names(months: Iterable[Month]) -> str:
    return ", ".join(map(name, months))


def _check_traded(meeting: MeetingMove, current: dict[Month, Priced]) -> None:
    """Refuse a meeting of which one contract has moved since the settlement and another has not.

    A settlement must not pass for fresh where a trade six minutes old does not.
    """
    used = [month for month in meeting.contracts if month in current]
    still = [m for m in used if current[m].kind == "settlement" and not current[m].by_book]
    moved = [m for m in used if current[m].kind != "settlement"]
    if still and moved:
        raise MixedTimesError(
            f"{_names(still)}: no trade since the settlement, but {_names(moved)} traded: the decision "
            f"of {meeting.date} would rest on prices of two days",
            contracts=(*still, *moved),
        )


def _settlements(inputs: FedInputs, now_ns: int, warnings: list[str]) -> Prices:
    """Every contract at its last settlement; a contract that settled earlier than the others is flagged."""
    known = _sensible([_settlement(quote, "") for quote in inputs.strip], warnings)
    newest = max(
        (priced.quote.settle_date for priced in known.values() if priced.quote.settle_date is not None),
        default=None,
    )
    for month, priced in known.items():
        if priced.quote.settle_date != newest:
            flags = "; ".join(text for text in (_since(priced.quote.settle_date), priced.flag) if text)
            known[month] = msgspec.structs.replace(priced, flag=flags)
    expired = _sensible([_settlement(quote, "") for quote in inputs.expired], warnings)
    kind = f"settlement of {day(newest)}" if newest else "no prices"
    settled = Prices({**expired, **known}, kind, newest, ())
    current = running(known, now_ns)
    chain = solve(settled.case(inputs, now_ns))
    other = [
        f"{name(month)} {_since(current[month].quote.settle_date)}, unlike the others"
        for month in _used(chain)
        if month in current and current[month].quote.settle_date != newest
    ]
    ended = _missed(settled.priced, chain, now_ns)
    return msgspec.structs.replace(settled, warnings=tuple(dict.fromkeys([*warnings, *other, *ended])))


def _missed(priced: dict[Month, Priced], chain: Chain, now_ns: int) -> list[str]:
    """Months that are over and in the chain, of which the last settlement was not kept."""
    today = new_york_day(now_ns)
    missed = []
    for month in _used(chain):
        settled, last = (
            priced[month].quote.settle_date,
            previous_session(date(*month_of(index(month) + 1), 1)),
        )
        if month < (today.year, today.month) and (settled is None or settled < last):
            missed.append(f"{name(month)} {_since(settled)}: its last settlement, of {day(last)}, is missing")
    return missed


def _kind(quoted: dict[Month, Priced]) -> str:
    kinds = {priced.kind for priced in quoted.values()}
    words = "order books" if "mid" in kinds else "last trades"
    return f"{words} and settlements" if "settlement" in kinds else words


def _quoted(quote: StripQuote, now_ns: int, warnings: list[str]) -> Priced | PriceError | None:
    """A book if there is one, else the last trade; the settlement where neither is usable."""
    reason = _no_quote(quote, now_ns)
    if reason is NoQuote.FUTURE:
        warnings.append(f"{name(quote.contract)}: price dated in the future, last settlement used")
    if reason is not None:
        return _settlement(quote, reason.value)
    priced = _of_now(quote)
    if not isinstance(priced, Priced) or priced.kind == "settlement":
        return priced
    try:
        check_price(quote.contract, priced.price)
    except PriceError as error:
        warnings.append(str(error))
        return _settlement(quote, NoQuote.IMPLAUSIBLE.value)
    return priced


def _no_quote(quote: StripQuote, now_ns: int) -> NoQuote | None:
    """Why there is no current quote; None if there is one."""
    if quote.ts_ns is None or (quote.settle_date and quote.ts_ns <= _ended_ns(quote.settle_date)):
        return NoQuote.NO_TRADE_SINCE
    if quote.ts_ns > now_ns + FUTURE_NS:
        return NoQuote.FUTURE
    unquoted = quote.price is None and quote.bid is None and quote.ask is None
    return NoQuote.NO_TRADE if unquoted else None


def _of_now(quote: StripQuote) -> Priced | PriceError | None:
    if quote.bid is None and quote.ask is None:
        assert quote.price is not None
        return Priced(quote, quote.price, "last", quote.ts_ns)
    try:
        book_price = usable(quote.contract, Book(quote.bid, quote.ask, quote.settle))
    except PriceError as error:
        return error
    if not book_price.settled:
        return Priced(quote, book_price.price, "mid", quote.ts_ns)
    instead = _settlement(quote, book_price.flag)
    return instead and msgspec.structs.replace(instead, by_book=True)


def _settlement(quote: StripQuote, flag: str) -> Priced | None:
    if quote.settle is None:
        return None
    ts_ns = settled_ns(quote.settle_date) if quote.settle_date else None
    return Priced(quote, quote.settle, "settlement", ts_ns, flag)


def _sensible(priced: list[Priced | PriceError | None], warnings: list[str]) -> dict[Month, Priced]:
    """The plausible prices by contract; every other becomes a warning."""
    kept: dict[Month, Priced] = {}
    for entry in priced:
        if isinstance(entry, PriceError):
            warnings.append(str(entry))
            continue
        if entry is None:
            continue
        month = entry.quote.contract
        try:
            flag = check_price(month, entry.price)
        except PriceError as error:
            warnings.append(str(error))
            continue
        flags = "; ".join(text for text in (entry.flag, flag.removeprefix(f"{name(month)}: ")) if text)
        kept[month] = msgspec.structs.replace(entry, flag=flags)
    return kept


def _since(settled: date | None) -> str:
    return f"last settled on {day(settled)}" if settled else "has no settlement date"
