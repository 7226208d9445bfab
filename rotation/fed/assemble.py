"""From what the feeds know to the Fed part of the Snapshot: chain, distributions, markets, history. Pure."""

from __future__ import annotations

from datetime import date, datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from rotation.fed import past as fed_past
from rotation.fed import prediction_markets as fed_markets
from rotation.fed import prices as fed_prices
from rotation.fed.ageing import price_status, settlement_status, with_status
from rotation.fed.breakevens import breakevens_at, tick_effects
from rotation.fed.figures import FUTURES, Fed, FedBreakeven, FedContract, FedEngine, FedMeeting, FedTick
from rotation.fed.inputs import Sourced
from rotation.fed.odds import Odds, at_least_one_cut, conditional, cumulative_moves, odds, split
from rotation.fed.overround import local_bp
from rotation.fed.strip.chain import Chain, MeetingMove, StripCase, solve
from rotation.fed.strip.checks import MOST_STEPS, check, check_chain
from rotation.fed.strip.contracts import symbol
from rotation.fed.strip.errors import ImplausibleMoveError, StripError
from rotation.fed.strip.fit import fit
from rotation.sessions import NEW_YORK, from_ns, new_york_day
from rotation.status import Kind, PriceStatus
from rotation.text import day as day_words
from rotation.wording import word

if TYPE_CHECKING:
    from rotation.fed.figures import Stop
    from rotation.fed.inputs import FedInputs
    from rotation.fed.prices import Prices
    from rotation.fed.strip.contracts import Month
    from rotation.fed.strip.fit import StripFit
    from rotation.status import Mode

RANGE_BP = 25
"""The width of a target range."""
LEVELS = (0.25, 0.5, 0.75)
"""Levels of P(cut) for which the price that reaches them is computed."""
DECIDES = time(14, 0)
"""The statement is published at 14:00 New York (Federal Reserve)."""
DECIMALS = 9
"""Decimals of a share: far finer than the tick grid resolves."""


class FuturesStatus(NamedTuple):
    """How good the prices are that the next meeting rests on."""

    kind: str
    status: PriceStatus
    """Status of the oldest of them."""
    age_s: float | None
    """None for settlements, which have no age in the JSON's own field."""
    at_ns: int | None
    """Time of the oldest of them, UTC nanoseconds."""
    settled: bool = False
    """All of them by the settlements of one day."""


def fed(inputs: FedInputs, now_ns: int) -> Fed | None:
    """All that is known of the coming meetings; None only where no coming meeting is known.

    A strip that gives no figures leaves them None, with a warning that names the contract.
    """
    inputs = _ranged(inputs)
    today = new_york_day(now_ns)
    ahead = sorted(day for day in set(inputs.fomc_dates) if day >= today)
    if not ahead:
        return None
    chosen = fed_prices.prices(inputs, now_ns)
    case = chosen.case(inputs, now_ns)
    chain, rows, refusal = _solved(case)
    first = rows[0] if rows else None
    futures = _futures_status(chosen, chain, inputs.strip_mode, now_ns)
    at_ns = futures.at_ns or now_ns
    past = inputs.past.get(ahead[0], ())
    cut = first.cut if first else None
    meetings = _meetings(chain, rows, labelled=inputs.target_range_bp is not None)
    fitted = _fitted(case) if rows else None
    engines = {FUTURES: _futures(chain.meetings[0].x if rows else None, first, futures, refusal)}
    for venue in fed_markets.VENUES:
        source = inputs.sources.get(venue, Sourced(Kind.OFFLINE))
        market = fed_markets.engine(
            venue,
            inputs.outcomes,
            ahead[0],
            source,
            futures_bp=engines[FUTURES].mean_bp,
            now_ns=now_ns,
        )
        if market is not None:
            engines[venue] = market
    cumulative = (
        dict(zip((m.date for m in chain.solved), conditional(chain.moves), strict=True)) if rows else {}
    )
    upper = inputs.target_range_bp[1] if inputs.target_range_bp else None
    figures = Fed(
        meeting=ahead[0],
        decides=datetime.combine(ahead[0], DECIDES, NEW_YORK),
        target_range_bp=inputs.target_range_bp,
        effr_pct=inputs.effr_pct,
        cut=cut,
        hold=first.hold if first else None,
        hike=first.hike if first else None,
        outcomes=meetings[0].outcomes if meetings else {},
        change=fed_past.changes(past, cut, at_ns),
        engines=engines,
        meetings=meetings,
        stopped_at=chain.stopped_at if rows else None,
        contracts=_contracts(inputs, chosen, fitted, now_ns),
        fit_rms_bp=fitted.rms_bp if fitted and fitted.spare > 0 else None,
        disagreement_bp={str(day): gap for day, gap in fitted.disagreement_bp.items()} if fitted else {},
        ticks=tuple(FedTick(symbol(t.contract), t.tick, t.up, t.down) for t in tick_effects(case))
        if rows
        else (),
        breakevens=_breakevens(case) if rows else (),
        ladder=fed_markets.strikes(inputs.outcomes, cumulative, upper) if upper is not None else (),
        history=fed_past.line(past, cut, at_ns, settled=futures.settled),
        comovement=None,
        state=word(futures.status),
        source=_source(inputs, chosen),
        warnings=_warnings(inputs, chosen, refusal, engines),
        stopped_by=_stop(chain, chosen, refusal) if rows else "",
        calibration=inputs.calibration,
    )
    return with_status(figures)


def _stop(chain: Chain, chosen: Prices, refusal: str) -> Stop:
    if chain.stopped_at is None:
        return ""
    if refusal:
        return "implausible price"
    return "prices of two times" if chosen.left_out else "missing contract"


def _fitted(case: StripCase) -> StripFit | None:
    return _fit(case.watch_date, case.fomc_dates, tuple(sorted(case.prices.items())), case.legacy)


@lru_cache(maxsize=4)
def _fit(
    watch_date: date,
    fomc_dates: tuple[date, ...],
    prices: tuple[tuple[Month, float], ...],
    legacy: bool,  # noqa: FBT001 - a key of the cache
) -> StripFit | None:
    """The fit of a strip. It is half of all this work, and most news are of markets alone."""
    return fit(StripCase(watch_date, (0, RANGE_BP), fomc_dates, dict(prices), legacy))


def _solved(case: StripCase) -> tuple[Chain, list[Odds], str]:
    """The chain, the conditional row of each solved meeting, and in words why some or all are missing."""
    chain = solve(case)
    if not case.prices:
        return chain, [], "no contract has a usable price"
    refusal = ""
    try:
        check(case)
        check_chain(case, chain)
    except ImplausibleMoveError as error:
        chain, refusal = _sound(chain), str(error)
    except StripError as error:
        return chain, [], str(error)
    return chain, [_tidy(odds(row, case.target_range_bp)) for row in conditional(chain.moves)], refusal


def _sound(chain: Chain) -> Chain:
    """Up to the first meeting that shares a contract with an implausible one.

    Which of those contracts is wrong is not known; a meeting that rests on none of them is kept.
    """
    wrong = {
        m for row in chain.solved if row.x is not None and abs(row.x) > MOST_STEPS for m in row.contracts
    }
    stopped = next(
        (row.date for row in chain.meetings if row.x is None or wrong.intersection(row.contracts)), None
    )
    kept = [
        row
        if stopped is None or row.date < stopped
        else MeetingMove(row.date, None, None, row.implied_pct, None, None, "unsolved", ())
        for row in chain.meetings
    ]
    return Chain(tuple(kept), stopped)


def _tidy(row: Odds) -> Odds:
    """Without the noise of binary fractions: what sums to 1.0000000000000002 reads badly."""
    outcomes = {name: round(p, DECIMALS) for name, p in row.outcomes.items()}
    return Odds(outcomes, *(round(p, DECIMALS) for p in (row.cut, row.hold, row.hike)))


def _meetings(chain: Chain, rows: list[Odds], *, labelled: bool) -> tuple[FedMeeting, ...]:
    """A row per coming meeting; without the target range no outcome has a name."""
    if not rows:
        return ()
    sums = cumulative_moves(chain.moves)
    meetings = []
    for place, meeting in enumerate(chain.meetings):
        row = rows[place] if place < len(rows) else None
        meetings.append(
            FedMeeting(
                date=meeting.date,
                state=meeting.state,
                implied_pct=meeting.implied_pct,
                end_pct=meeting.end_pct,
                move_bp=_bp(meeting.move_bp),
                cumulative_bp=_bp(25 * sums[place]) if row else None,
                outcomes=row.outcomes if row and labelled else {},
                cut=row.cut if row else None,
                hold=row.hold if row else None,
                hike=row.hike if row else None,
                local={str(25 * k): round(p, DECIMALS) for k, p in split(meeting.x).items()}
                if meeting.x is not None
                else {},
                at_least_one_cut=at_least_one_cut(chain.moves[: place + 1]) if row else None,
                contracts=tuple(map(symbol, meeting.contracts)),
            )
        )
    return tuple(meetings)


def _bp(value: float | None) -> float | None:
    return None if value is None else round(value, DECIMALS)


def _futures_status(chosen: Prices, chain: Chain, mode: Mode, now_ns: int) -> FuturesStatus:
    basis = chain.meetings[0].contracts if chain.meetings else ()
    running = fed_prices.running(chosen.priced, now_ns)
    used = [running[month] for month in basis if month in running]
    used = used or [chosen.priced[month] for month in basis if month in chosen.priced]
    quoted = [priced for priced in used if priced.kind != "settlement"]
    if quoted:
        oldest = min(quoted, key=lambda priced: priced.ts_ns or 0)
        status = price_status(oldest, mode, now_ns)
        return FuturesStatus(chosen.kind, status, status.age_s, oldest.ts_ns)
    days = sorted({priced.quote.settle_date for priced in used if priced.quote.settle_date is not None})
    if not days:
        return FuturesStatus(chosen.kind, PriceStatus(Kind.OFFLINE), None, None)
    settled_ns = fed_prices.settled_ns(days[0])
    as_of = from_ns(settled_ns)
    is_demo = mode.kind is Kind.DEMO
    status = PriceStatus(Kind.DEMO, as_of) if is_demo else settlement_status(days[0], now_ns, as_of)
    settled = all(priced.quote.settle_date == days[0] for priced in used)
    kind = f"settlement of {day_words(days[-1])}"
    return FuturesStatus(kind, status, None, settled_ns, settled=settled)


def _futures(x: float | None, first: Odds | None, futures: FuturesStatus, refusal: str) -> FedEngine:
    return FedEngine(
        kind=futures.kind,
        state=word(futures.status),
        at=from_ns(futures.at_ns) if futures.at_ns is not None else None,
        age_s=futures.age_s,
        cut=first.cut if first else None,
        hold=first.hold if first else None,
        hike=first.hike if first else None,
        moves={str(move): round(p, DECIMALS) for move, p in sorted(local_bp(x).items())}
        if x is not None
        else {},
        mean_bp=_bp(25 * x) if x is not None else None,
        gap_bp=0.0 if x is not None else None,
        raw_sum=None,
        note=refusal,
        status=futures.status,
    )


def _contracts(
    inputs: FedInputs, chosen: Prices, fitted: StripFit | None, now_ns: int
) -> tuple[FedContract, ...]:
    """Every contract, quoted or expired; one without a usable price says so."""
    residuals: dict[Month, float] = fitted.residual_bp if fitted and fitted.spare > 0 else {}
    contracts = []
    today = new_york_day(now_ns)
    # A month that has just ended may still be quoted and already be among the expired: the quoted one counts.
    quotes = {quote.contract: quote for quote in (*inputs.expired, *inputs.strip)}
    for contract, quote in sorted(quotes.items()):
        priced = chosen.priced.get(contract)
        status = price_status(priced, inputs.strip_mode, now_ns) if priced else PriceStatus(Kind.OFFLINE)
        is_settled = priced is not None and priced.kind == "settlement"
        if is_settled and status.kind is not Kind.DEMO and contract < (today.year, today.month):
            status = PriceStatus(Kind.CLOSED, status.as_of)  # final, however old
        status = msgspec.structs.replace(status, source=quote.source)
        contracts.append(
            FedContract(
                symbol=symbol(contract),
                month=f"{quote.year}-{quote.month:02}",
                price=priced.price if priced else None,
                kind=priced.kind if priced else "",
                state=word(status),
                at=status.as_of,
                age_s=None if is_settled else status.age_s,
                settle=quote.settle,
                settle_date=quote.settle_date,
                residual_bp=residuals.get(contract) if priced else None,
                source=quote.source,
                flag=priced.flag if priced else "no usable price",
                status=status,
            )
        )
    return tuple(contracts)


def _breakevens(case: StripCase) -> tuple[FedBreakeven, ...]:
    return tuple(
        FedBreakeven(symbol(breakeven.contract), level, breakeven.price, breakeven.ticks)
        for level, breakevens in breakevens_at(case, LEVELS).items()
        for breakeven in breakevens
    )


def _source(inputs: FedInputs, chosen: Prices) -> str:
    names = ", ".join(sorted({quote.source for quote in inputs.strip}))
    return f"{names}: {chosen.kind}" if names else "no futures prices"


def _ranged(inputs: FedInputs) -> FedInputs:
    """Without an impossible target range: it only labels outcomes, so no figure depends on it."""
    known = inputs.target_range_bp
    if known is None or known[1] - known[0] == RANGE_BP:
        return inputs
    warning = f"target range {known[0]}-{known[1]} bp is not {RANGE_BP} bp wide: not used"
    return msgspec.structs.replace(inputs, target_range_bp=None, warnings=(warning, *inputs.warnings))


def _warnings(
    inputs: FedInputs, chosen: Prices, refusal: str, engines: dict[str, FedEngine]
) -> tuple[str, ...]:
    """The gravest first, each once. The error of a venue that has an engine is in the engine's note."""
    range_unknown = "" if inputs.target_range_bp else "target range unknown: outcomes are not labelled"
    failing = [
        f"{name}: {source.error}"
        for name, source in inputs.sources.items()
        if source.error and name not in engines
    ]
    texts = (
        refusal if inputs.strip else "",
        *chosen.warnings,
        range_unknown,
        *inputs.warnings,
        *failing,
    )
    return tuple(dict.fromkeys(text for text in texts if text))
