"""Prediction markets on the next meeting, without their overround, beside the futures. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from rotation.fed.figures import FedEngine, FedStrike
from rotation.fed.overround import MarketError, against_cumulative, beyond, devig
from rotation.quote import NS
from rotation.sessions import from_ns
from rotation.status import Kind, PriceStatus
from rotation.text import signed
from rotation.wording import word

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from rotation.fed.inputs import OutcomeQuote, Sourced

VENUES = ("Kalshi", "Polymarket")
WIDE = 0.10
"""A book wider than this says little: the venue's own price, or the last trade, stands for it."""
ROUNDING = 1e-9
"""Tolerance for binary fractions: 0.80 - 0.70 is ten cents like any other."""
SUM_FROM, SUM_TO = 0.9, 1.15
"""Below, an outcome is missing, and the rest scaled to 100 % would be wrong. Above, it is doubtful."""
LEAST_OUTCOMES = 3
"""A distribution from fewer would be a guess."""


def price(quote: OutcomeQuote) -> tuple[float | None, bool]:
    """A probability, and whether it is the middle of a book that is neither crossed nor wide.

    Else the venue's own price, else the last trade; None where there is neither.
    """
    bid, ask = quote.bid, quote.ask
    if bid is not None and ask is not None and 0 <= ask - bid <= WIDE + ROUNDING:
        return (bid + ask) / 2, True
    return (quote.mark if quote.mark is not None else quote.last), False


def engine(
    venue: str,
    quotes: Sequence[OutcomeQuote],
    meeting: date,
    source: Sourced,
    *,
    futures_bp: float | None,
    now_ns: int,
) -> FedEngine | None:
    """What a venue gives this meeting's move; None where it has no contract on it.

    ``futures_bp``: the mean move that the futures expect, to compare with.
    """
    of_meeting = [
        quote
        for quote in quotes
        if quote.venue == venue
        and quote.move_bp is not None
        and (quote.year, quote.month) == (meeting.year, meeting.month)
    ]
    if not of_meeting:
        return None
    priced = [(quote, *price(quote)) for quote in of_meeting]
    middles: dict[int, float] = {}
    for quote, value, _ in priced:
        assert quote.move_bp is not None
        if value is not None:
            middles[quote.move_bp] = middles.get(quote.move_bp, 0.0) + value
    notes = _notes(priced, source.error)
    at_ns = source.checked_ns
    age_s = None if at_ns is None or source.kind is Kind.DEMO else max(0.0, (now_ns - at_ns) / NS)
    at = from_ns(at_ns) if at_ns is not None else None
    status = PriceStatus(source.kind, at, source.age_s if age_s is None else age_s, source=venue)
    unknown = FedEngine(
        kind="order book",
        state=word(status),
        at=at,
        age_s=age_s,
        cut=None,
        hold=None,
        hike=None,
        moves={},
        mean_bp=None,
        gap_bp=None,
        raw_sum=None,
        note="; ".join(notes),
        status=status,
    )
    if len(middles) < LEAST_OUTCOMES or 0 not in middles:
        return msgspec.structs.replace(unknown, note="; ".join([*notes, "too few outcomes are quoted"]))
    try:
        market = devig(middles)
    except MarketError as error:
        return msgspec.structs.replace(unknown, note="; ".join([*notes, str(error)]))
    if market.raw_sum < SUM_FROM:
        note = "; ".join([*notes, "an outcome is missing"])
        return msgspec.structs.replace(unknown, raw_sum=market.raw_sum, note=note)
    if market.raw_sum > SUM_TO:
        notes.append("quotes total far more than 100 %: read with care")
    notes += _open_ended(of_meeting, futures_bp)
    chances = market.probability
    return msgspec.structs.replace(
        unknown,
        cut=market.cut,
        hold=chances.get(0, 0.0),
        hike=sum((p for move, p in chances.items() if move > 0), 0.0),
        moves={str(move): p for move, p in chances.items()},
        mean_bp=market.mean_bp,
        gap_bp=None if futures_bp is None else market.mean_bp - futures_bp,
        raw_sum=market.raw_sum,
        note="; ".join(notes),
    )


def _open_ended(quotes: Sequence[OutcomeQuote], futures_bp: float | None) -> list[str]:
    """Notes on buckets without a far end, where futures price moves beyond their near one."""
    if futures_bp is None:
        return []
    open_bp = [quote.move_bp for quote in quotes if quote.is_open and quote.move_bp is not None]
    return [
        f"the {signed(edge, 0)} bp outcome is open-ended and futures price moves beyond it: "
        "its mean, and so vs futures, is only a bound"
        for edge in beyond(futures_bp / 25, open_bp)
    ]


def _notes(priced: Sequence[tuple[OutcomeQuote, float | None, bool]], error: str) -> list[str]:
    counts = Counter("book" if book else "last" if value is not None else "none" for _, value, book in priced)
    notes = [error] if error else []
    if counts["last"]:
        notes.append(f"{counts['last']} of {len(priced)} outcomes at last price: no tight market")
    if counts["none"]:
        notes.append(f"{counts['none']} of {len(priced)} outcomes not quoted")
    return notes


def strikes(
    quotes: Sequence[OutcomeQuote], cumulative: dict[date, dict[int, float]], upper_bp: int
) -> tuple[FedStrike, ...]:
    """Ladder contracts of every solved meeting against its cumulative (conditional) row.

    ``cumulative``: meeting → steps of 25 bp → probability. ``upper_bp``: upper bound of the current range.
    """
    compared: list[FedStrike] = []
    for meeting, row in sorted(cumulative.items()):
        for venue in VENUES:
            above = {
                quote.above_bp: value
                for quote in quotes
                if quote.venue == venue
                and quote.above_bp is not None
                and (quote.year, quote.month) == (meeting.year, meeting.month)
                and (value := price(quote)[0]) is not None
            }
            compared += [
                FedStrike(venue, meeting, strike.above_bp, strike.market, strike.futures)
                for strike in against_cumulative(above, row, upper_bp)
            ]
    return tuple(compared)
