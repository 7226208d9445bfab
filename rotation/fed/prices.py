"""One price a contract for the chain: quotes of one time, or the last settlements; never a silent mixture."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from rotation.errors import InputError
from rotation.fed.inputs import StripQuote
from rotation.fed.strip.chain import Chain, StripCase, index, month_of, solve
from rotation.fed.strip.checks import check_ages, check_chain, check_price
from rotation.fed.strip.contracts import Month, name
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


class Priced(msgspec.Struct, frozen=True):
    """The price of one contract that enters the chain."""

    quote: StripQuote
    price: float
    kind: Literal["mid", "last", "settlement"]
    ts_ns: int | None
    """Of the price; of a settlement the moment it was made."""
    flag: str = ""
    by_book: bool = False
    """A settlement in the place of a book of now that is crossed or one-sided, not of an old trade."""


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
            {month: one.price for month, one in self.priced.items() if month not in self.left_out},
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
    if not any(one.kind != "settlement" for one in quoted.values()):
        return _settlements(inputs, now_ns, warnings)
    live = Prices({**expired, **quoted}, _kind(quoted), None, ())
    current = running(quoted, now_ns)
    try:
        live = _of_one_time(live, inputs, now_ns, current)
        case = live.case(inputs, now_ns)
        chain = solve(case)
        check_chain(case, chain)
    except InputError as error:
        return _settlements(inputs, now_ns, [*warnings, f"{error}; the last settlements are used"])
    by_book = [month for month in _used(chain) if month in current and current[month].by_book]
    told = [f"{_names(by_book)}: no two-sided book, the last settlement is used beside quotes of now"]
    ended = _missed(live.priced, chain, now_ns)
    return msgspec.structs.replace(
        live, warnings=(*warnings, *live.warnings, *ended, *(told if by_book else ()))
    )


def _of_one_time(live: Prices, inputs: FedInputs, now_ns: int, current: dict[Month, Priced]) -> Prices:
    """Up to the first decision whose prices are of two times.

    Far contracts trade once in a while: their age must not take the quotes of the next meetings away. Raises
    InputError if no decision before it rests on a quote of now.
    """
    chain = solve(live.case(inputs, now_ns))
    ages_s = {
        month: max(0.0, (now_ns - one.quote.ts_ns) / NS)
        for month, one in live.priced.items()
        if one.quote.ts_ns is not None and (one.kind != "settlement" or one.by_book)
    }
    kept: set[Month] = set()
    for meeting in chain.solved:
        try:
            check_ages(Chain((meeting,), None), ages_s, inputs.age_gap_s)
            _check_traded(meeting, current)
        except InputError as error:
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
    told = f"{why.partition('; ')[0]}; no figures from it on until they trade again, those before are of now"
    return msgspec.structs.replace(live, left_out=later, warnings=(told,))


def running(priced: dict[Month, Priced], now_ns: int) -> dict[Month, Priced]:
    """Without the months that are over: their last settlement is final."""
    today = new_york_day(now_ns)
    return {month: one for month, one in priced.items() if month >= (today.year, today.month)}


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
        raise InputError(
            f"{_names(still)}: no price since the settlement, but {_names(moved)} traded: the decision "
            f"of {meeting.date} would rest on prices of two days"
        )


def _settlements(inputs: FedInputs, now_ns: int, warnings: list[str]) -> Prices:
    """Every contract at its last settlement; one that settled earlier than the others is told."""
    known = _sensible([_settlement(quote, "") for quote in inputs.strip], warnings)
    newest = max(
        (one.quote.settle_date for one in known.values() if one.quote.settle_date is not None), default=None
    )
    for month, one in known.items():
        if one.quote.settle_date != newest:
            flags = "; ".join(text for text in (_since(one.quote.settle_date), one.flag) if text)
            known[month] = msgspec.structs.replace(one, flag=flags)
    expired = _sensible([_settlement(quote, "") for quote in inputs.expired], warnings)
    kind = f"settlement of {day(newest)}" if newest else "no prices"
    found = Prices({**expired, **known}, kind, newest, ())
    current = running(known, now_ns)
    chain = solve(found.case(inputs, now_ns))
    other = [
        f"{name(month)} {_since(current[month].quote.settle_date)}: not of the day of the others"
        for month in _used(chain)
        if month in current and current[month].quote.settle_date != newest
    ]
    ended = _missed(found.priced, chain, now_ns)
    return msgspec.structs.replace(found, warnings=tuple(dict.fromkeys([*warnings, *other, *ended])))


def _missed(priced: dict[Month, Priced], chain: Chain, now_ns: int) -> list[str]:
    """Months that are over and in the chain, of which the last settlement was not kept."""
    today = new_york_day(now_ns)
    told = []
    for month in _used(chain):
        settled, last = (
            priced[month].quote.settle_date,
            previous_session(date(*month_of(index(month) + 1), 1)),
        )
        if month < (today.year, today.month) and (settled is None or settled < last):
            told.append(f"{name(month)} {_since(settled)}: its last settlement, of {day(last)}, is not known")
    return told


def _kind(quoted: dict[Month, Priced]) -> str:
    kinds = {one.kind for one in quoted.values()}
    words = "order books" if "mid" in kinds else "last trades"
    return f"{words} and settlements" if "settlement" in kinds else words


def _quoted(quote: StripQuote, now_ns: int, warnings: list[str]) -> Priced | str | None:
    """A book where there is one, else the last trade; the settlement where neither is of use."""
    why = _no_quote(quote, now_ns)
    one = _settlement(quote, why) if why else _of_now(quote)
    if not isinstance(one, Priced) or one.kind == "settlement":
        if "future" in why:
            warnings.append(f"{name(quote.contract)}: its price is {why}")
        return one
    try:
        check_price(quote.contract, one.price)
    except InputError as error:
        warnings.append(str(error))
        return _settlement(quote, "its price makes no sense, last settlement used")
    return one


def _no_quote(quote: StripQuote, now_ns: int) -> str:
    """Why there is no quote of now; empty where there is one."""
    if quote.ts_ns is None or (quote.settle_date and quote.ts_ns <= _ended_ns(quote.settle_date)):
        return "no trade since, last settlement used"
    if quote.ts_ns > now_ns + FUTURE_NS:
        return "dated in the future, last settlement used"
    unquoted = quote.price is None and quote.bid is None and quote.ask is None
    return "no trade, last settlement used" if unquoted else ""


def _of_now(quote: StripQuote) -> Priced | str | None:
    if quote.bid is None and quote.ask is None:
        assert quote.price is not None
        return Priced(quote, quote.price, "last", quote.ts_ns)
    try:
        found = usable(quote.contract, Book(quote.bid, quote.ask, quote.settle))
    except InputError as error:
        return str(error)
    if not found.settled:
        return Priced(quote, found.price, "mid", quote.ts_ns)
    instead = _settlement(quote, found.flag.partition(": ")[2])
    return instead and msgspec.structs.replace(instead, by_book=True)


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
