"""How old the Fed's figures are: the word beside every price and engine, now and a moment later. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from rotation.fed.figures import FUTURES, Fed, FedContract, FedEngine
from rotation.quote import NS
from rotation.sessions import NEW_YORK, new_york_day, previous_session
from rotation.status import Kind, PriceStatus
from rotation.text import duration
from rotation.wording import parse_word

if TYPE_CHECKING:
    from datetime import date, datetime

    from rotation.fed.prices import Priced

FRESH_S = 900.0
"""A price older than this and its feed's delay is stale; back months trade once in a few minutes."""
Aging = TypeVar("Aging", FedEngine, FedContract)


def state_of(one: Priced, mode: str, now_ns: int) -> tuple[str, float | None]:
    """State word and age of one price. ``mode``: the word of a fresh quote (LIVE, DELAYED 10m, DEMO)."""
    if mode == "DEMO":
        return mode, None
    if one.kind != "settlement":
        age_s = max(0.0, (now_ns - (one.ts_ns or 0)) / NS)
        return (mode if age_s <= FRESH_S + _delay_s(mode) else f"STALE {duration(age_s)}"), age_s
    settled = one.quote.settle_date
    return settlement_state(settled, now_ns), None


def settlement_state(settled: date | None, now_ns: int) -> str:
    """CLOSED for a settlement of the session before today's New York date or later; else STALE.

    A day's settlement is told in the course of its evening, by a keyless source after midnight: until then
    yesterday's is the latest there can be.
    """
    if settled is None:
        return "OFFLINE"
    today = new_york_day(now_ns)
    return "CLOSED" if settled >= previous_session(today) else f"STALE {(today - settled).days}d"


def _delay_s(word: str) -> float:
    return parse_word(word)[1]


def aged(known: Fed, now_ns: int) -> Fed:
    """The same figures a moment later: ages have grown, and what was the latest may no longer be."""
    engines = {name: _aged(engine, now_ns) for name, engine in known.engines.items()}
    older = msgspec.structs.replace(
        known,
        state=engines[FUTURES].state,
        engines=engines,
        contracts=tuple(_aged(contract, now_ns) for contract in known.contracts),
    )
    return with_status(older)


def with_status(known: Fed) -> Fed:
    """The figures with what they are worth as a value.

    The words of engines and contracts are still how a price's worth comes in here; recordings hold them too.
    """
    futures = known.engines[FUTURES]
    state, late_s, stale_s = parse_word(known.state)
    kind = state if isinstance(state, Kind) else Kind.OFFLINE
    age_s = stale_s if futures.age_s is None else futures.age_s
    return msgspec.structs.replace(
        known, status=PriceStatus(kind, futures.at, age_s, late_s, source=known.source)
    )


def _aged(one: Aging, now_ns: int) -> Aging:
    state, age_s = _older(one, now_ns)
    return msgspec.structs.replace(one, state=state, age_s=age_s)


def _older(one: FedEngine | FedContract, now_ns: int) -> tuple[str, float | None]:
    """A settlement has no age and is stale by days. The demo does not age, nor does what has no time."""
    if one.at is None or one.state == "DEMO":
        return one.state, one.age_s
    if one.age_s is None:
        return _settled_state(one, one.at, now_ns), None
    age_s = max(0.0, now_ns / NS - one.at.timestamp())
    limit_s = FRESH_S + _delay_s(one.state)
    stale = one.state.startswith("STALE") or (one.state != "OFFLINE" and age_s > limit_s)
    return (f"STALE {duration(age_s)}" if stale else one.state), age_s


def _settled_state(one: FedEngine | FedContract, at: datetime, now_ns: int) -> str:
    """The word of a settlement made ``at``; that of a month that is over is final."""
    if isinstance(one, FedContract) and one.month < f"{new_york_day(now_ns):%Y-%m}":
        return "CLOSED"
    return settlement_state(at.astimezone(NEW_YORK).date(), now_ns)
