"""How old the Fed's figures are: what every price and engine is worth, now and a moment later. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from rotation.fed.figures import FUTURES, Fed, FedContract, FedEngine
from rotation.quote import NS
from rotation.sessions import NEW_YORK, from_ns, new_york_day, previous_session
from rotation.status import Kind, PriceStatus
from rotation.wording import word

if TYPE_CHECKING:
    from datetime import date, datetime

    from rotation.fed.prices import Priced
    from rotation.status import Mode

FRESH_S = 900.0
"""A price older than this and its feed's delay is stale; back months trade once in a few minutes."""
DAY_S = 86_400.0
Aging = TypeVar("Aging", FedEngine, FedContract)


def price_status(priced: Priced, mode: Mode, now_ns: int) -> PriceStatus:
    """What one price is worth. ``mode``: what a fresh quote is worth (LIVE, DELAYED by 10 minutes, DEMO)."""
    as_of = None if priced.ts_ns is None else from_ns(priced.ts_ns)
    if mode.kind is Kind.DEMO:
        return PriceStatus(Kind.DEMO, as_of)
    if priced.kind == "settlement":
        return settlement_status(priced.quote.settle_date, now_ns, as_of)
    age_s = max(0.0, (now_ns - (priced.ts_ns or 0)) / NS)
    kind = mode.kind if age_s <= FRESH_S + mode.delay_s else Kind.STALE
    return PriceStatus(kind, as_of, age_s, mode.delay_s)


def settlement_status(settled: date | None, now_ns: int, as_of: datetime | None = None) -> PriceStatus:
    """CLOSED for a settlement of the session before today's New York date or later; else STALE by days.

    A day's settlement is told in the course of its evening, by a keyless source after midnight: until then
    yesterday's is the latest there can be. OFFLINE where its day is not known. ``as_of``: when it was made.
    """
    if settled is None:
        return PriceStatus(Kind.OFFLINE, as_of)
    today = new_york_day(now_ns)
    if settled >= previous_session(today):
        return PriceStatus(Kind.CLOSED, as_of)
    return PriceStatus(Kind.STALE, as_of, (today - settled).days * DAY_S)


def aged(known: Fed, now_ns: int) -> Fed:
    """The same figures a moment later: ages have grown, and what was the latest may no longer be."""
    engines = {name: _aged(engine, now_ns) for name, engine in known.engines.items()}
    futures = engines[FUTURES]
    return msgspec.structs.replace(
        known,
        state=futures.state,
        engines=engines,
        contracts=tuple([_aged(contract, now_ns) for contract in known.contracts]),
        status=known.status if futures.status is None else _of_source(futures.status, known.source),
    )


def offline(known: Fed) -> Fed:
    """The same figures, of which nothing more is known: whoever asked for them has fallen silent."""
    engines = {name: _offline(engine) for name, engine in known.engines.items()}
    status = known.status and msgspec.structs.replace(known.status, kind=Kind.OFFLINE)
    return msgspec.structs.replace(
        known,
        state=known.state if status is None else word(status),
        engines=engines,
        contracts=tuple([_offline(contract) for contract in known.contracts]),
        status=status,
    )


def _offline(figure: Aging) -> Aging:
    if figure.status is None:
        return figure
    status = msgspec.structs.replace(figure.status, kind=Kind.OFFLINE)
    return msgspec.structs.replace(figure, state=word(status), status=status)


def with_status(known: Fed) -> Fed:
    """The figures with what they are worth as a value: as much as the futures' engine."""
    status = known.engines[FUTURES].status
    if status is None:
        return known
    return msgspec.structs.replace(known, status=_of_source(status, known.source))


def _of_source(status: PriceStatus, source: str) -> PriceStatus:
    return status if status.source == source else msgspec.structs.replace(status, source=source)


def _aged(figure: Aging, now_ns: int) -> Aging:
    """The demo does not age, nor does what has no time or no status. A settlement's ``age_s`` stays None."""
    status = figure.status
    if status is None or status.as_of is None or status.kind is Kind.DEMO:
        return figure
    if figure.age_s is None:
        older = _older_settlement(figure, status.as_of, now_ns)
        older = msgspec.structs.replace(older, source=status.source)
        return msgspec.structs.replace(figure, state=word(older), status=older)
    older = _older_quote(status, status.as_of, now_ns)
    return msgspec.structs.replace(figure, state=word(older), age_s=older.age_s, status=older)


def _older_quote(status: PriceStatus, as_of: datetime, now_ns: int) -> PriceStatus:
    """What is STALE or OFFLINE stays so; all else is stale beyond its limit."""
    age_s = max(0.0, now_ns / NS - as_of.timestamp())
    is_stale = status.kind is not Kind.OFFLINE and age_s > FRESH_S + status.delay_s
    return msgspec.structs.replace(status, kind=Kind.STALE if is_stale else status.kind, age_s=age_s)


def _older_settlement(figure: FedEngine | FedContract, as_of: datetime, now_ns: int) -> PriceStatus:
    """The status of a settlement made at ``as_of``; that of a month that is over is final."""
    if isinstance(figure, FedContract) and figure.month < f"{new_york_day(now_ns):%Y-%m}":
        return PriceStatus(Kind.CLOSED, as_of)
    return settlement_status(as_of.astimezone(NEW_YORK).date(), now_ns, as_of)
