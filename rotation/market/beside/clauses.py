"""The clauses that the headline grows by: what is true, rare, and rests on good prices; at most three."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rotation.breadth.figures import COUNTED_LEAST
from rotation.macro.stated import RANKED
from rotation.macro.worth import worth
from rotation.market.records import SINCE_LEAST
from rotation.snapshot import BankLead, Clause
from rotation.status import Kind, derive
from rotation.text import signed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date, datetime

    from rotation.breadth.figures import Breadth
    from rotation.macro.figures import Macro
    from rotation.market.settled import Settled
    from rotation.status import DerivedStatus, PriceStatus

MOST = 3
RARE = 5.0
"""A percentile as near as this to 0 or 100 is rare."""
GOOD = frozenset({Kind.LIVE, Kind.CLOSED, Kind.PROVISIONAL, Kind.DELAYED, Kind.REPLAY, Kind.DEMO})
"""What a clause may rest on."""


class Day(NamedTuple):
    """What a leg has made of its session; without its price, of which no clause speaks."""

    pct: float | None
    session: date | None
    status: PriceStatus


def bank_leads(
    settled: Settled | None, legs: Mapping[str, Day], base: str, limit_s: float
) -> dict[str, BankLead]:
    """Each bank fund that is a leg against the base leg; none without that. ``limit_s``: see ``derive``."""
    own = legs.get(base)
    if settled is None or own is None:
        return {}
    made = {}
    for symbol, records in settled.banks.items():
        leg = legs.get(symbol)
        if leg is None:
            continue
        day_pp = None
        if leg.session == own.session and leg.pct is not None and own.pct is not None:
            day_pp = leg.pct - own.pct
        status = derive({symbol: leg.status, base: own.status}, limit_s=limit_s)
        made[symbol] = BankLead(day_pp, records.percentile(day_pp), records.n, status)
    return made


def clauses(
    base: str,
    legs: Mapping[str, Day],
    banks: Mapping[str, BankLead],
    *,
    breadth: Breadth | None,
    macro: Macro | None,
    now: datetime,
    sentence: DerivedStatus | None,
) -> tuple[Clause, ...]:
    """The rarest first, of banks only one. Nothing of what is old, of another session, or of few values.

    Nothing that is worth less than the ``sentence`` which it would stand in, whose status covers them all.
    None at all while the base leg has no return on the day: the sentence says why.
    """
    own = legs.get(base)
    if own is None or own.pct is None or sentence is None:
        return ()
    of_banks = sorted(_banks(legs, banks, sentence), key=_rarity)[:1]
    rare = [*of_banks, *_members(base, breadth, sentence), *_yields(macro, now)]
    return tuple(sorted(rare, key=_rarity)[:MOST])


def grown(headline: str, more: tuple[Clause, ...]) -> str:
    """The sentence with its clauses."""
    return "; ".join((headline.removesuffix("."), *(each.text for each in more))) + "." if more else headline


def _rarity(clause: Clause) -> float:
    return min(clause.percentile, 100 - clause.percentile)


def _is_rare(percentile: float | None, n: int) -> bool:
    return percentile is not None and n >= SINCE_LEAST and not RARE < percentile < 100 - RARE


def _fits(status: DerivedStatus, sentence: DerivedStatus) -> bool:
    """Whether a sentence of this status may say what is worth that: prices of one time, and no worse ones."""
    return status.kind in GOOD and not status.apart and status.kind.severity <= sentence.kind.severity


def _banks(
    legs: Mapping[str, Day], banks: Mapping[str, BankLead], sentence: DerivedStatus
) -> Iterator[Clause]:
    for symbol, lead in banks.items():
        pct = legs[symbol].pct
        if lead.percentile is None or pct is None or not _fits(lead.status, sentence):
            continue
        if _is_rare(lead.percentile, lead.n):
            text = f"banks {'lead' if lead.percentile > 50 else 'lag'}: {symbol} {signed(pct, 1)} %"
            ranked = f"banks.{symbol.lower()}.1.pp"
            yield Clause(f"{symbol.lower()}.day_pct", text, lead.percentile, lead.n, ranked)


def _members(base: str, breadth: Breadth | None, sentence: DerivedStatus) -> Iterator[Clause]:
    index = breadth.indices.get(base) if breadth else None
    if index is None or index.now is None or index.status is None or index.status.kind not in GOOD:
        return
    if index.status.kind.severity > sentence.kind.severity:
        return
    now, percentile = index.now, index.share_up_percentile
    if percentile is None or not _is_rare(percentile, index.share_up_n):
        return
    if now.counted < COUNTED_LEAST * now.total or now.advances is None or now.declines is None:
        return
    number, way = (now.advances, "up") if percentile > 50 else (now.declines, "down")
    name = "advances" if percentile > 50 else "declines"
    text = f"{number:,} of {now.counted:,} members {way}"
    fund = f"breadth.{base.lower()}"
    yield Clause(f"{fund}.{name}", text, percentile, index.share_up_n, f"{fund}.share_up")


def _yields(macro: Macro | None, now: datetime) -> Iterator[Clause]:
    figure = macro.stated.get(RANKED) if macro else None
    if macro is None or figure is None or figure.percentile is None:
        return
    status = worth(macro, RANKED, now)
    if status is not None and status.kind in GOOD and _is_rare(figure.percentile, figure.n):
        text = f"10-year {signed(figure.value, 0)} bp on the week"
        yield Clause(f"macro.{RANKED}", text, figure.percentile, figure.n)
