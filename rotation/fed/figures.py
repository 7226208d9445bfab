"""Fed: what the Snapshot says of the coming FOMC meetings, as JSON people read.

Probabilities are shares of 1, ranges and moves are in basis points (a cut is negative), ages in
seconds. ``None`` is unknown and is shown as ``—``; it is never 0.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

import msgspec

from rotation.fed.calibration import Calibration
from rotation.fed.comovement import CoMovement
from rotation.fed.strip.chain import State
from rotation.status import PriceStatus

Stop = Literal["", "missing contract", "prices of two times", "implausible price"]
FUTURES = "futures"
"""Among the engines, the one whose figures stand at the top."""


class FedMeeting(msgspec.Struct, frozen=True):
    """One coming meeting by the futures chain; figures are None where it is unsolved."""

    date: dt.date
    state: State
    """ok, degraded (filled forward, from the month's own contract) or unsolved."""
    implied_pct: float | None
    """100 - price of the month's own contract: the month's average rate."""
    end_pct: float | None
    """Expected rate after the decision."""
    move_bp: float | None
    """Expected at this meeting."""
    cumulative_bp: float | None
    """Expected up to and with this meeting."""
    outcomes: dict[str, float]
    """Target range after this meeting → probability, lowest first (conditional view)."""
    cut: float | None
    """P(range below the current one after this meeting)."""
    hold: float | None
    hike: float | None
    local: dict[str, float]
    """Move in bp at this meeting alone ("-25") → probability: what per-meeting contracts price."""
    at_least_one_cut: float | None
    """P(a cut at this meeting or one before); None unless every move so far lies in [-25, 0] bp."""
    contracts: tuple[str, ...]
    """The contracts that the move rests on, as ZQZ26."""


class FedEngine(msgspec.Struct, frozen=True):
    """One opinion on the next meeting: the futures, or a prediction market without its overround."""

    kind: str
    """What the figures are made of: "last trades", "settlement of 20 Nov 2026", "order book"."""
    state: str
    """LIVE, DELAYED 15m, STALE 42s, CLOSED, OFFLINE or DEMO."""
    at: dt.datetime | None
    """Time of the oldest price it rests on."""
    age_s: float | None
    cut: float | None
    """P(cut at this meeting)."""
    hold: float | None
    hike: float | None
    moves: dict[str, float]
    """Move in bp → probability; the futures' "-50" and "50" hold everything beyond, and so do a market's open
    outcomes."""
    mean_bp: float | None
    """The expected move: compared first, since futures know nothing but the mean."""
    gap_bp: float | None
    """``mean_bp`` minus the futures'."""
    raw_sum: float | None
    """Sum of the middles before they were scaled to 1; None for futures."""
    note: str
    """What is wrong with it or weak about it, in words; empty where nothing is."""
    status: PriceStatus | None = None
    """``state`` as a value; of a stale settlement its ``age_s`` counts whole days. None where it is not
    known, and then the figures do not age."""


class FedContract(msgspec.Struct, frozen=True):
    """One contract of the strip, with the price that entered the chain."""

    symbol: str
    """ZQZ26."""
    month: str
    """2026-12."""
    price: float | None
    kind: str
    """mid, last or settlement."""
    state: str
    at: dt.datetime | None
    age_s: float | None
    """Age of the price in seconds; None for a settlement, which does not age."""
    settle: float | None
    settle_date: dt.date | None
    residual_bp: float | None
    """Its rate minus the fitted path's: large where the contract does not belong to the others."""
    source: str
    flag: str
    """"one-sided book, last settlement used"; empty where nothing is."""
    status: PriceStatus | None = None
    """``state`` as a value, as for FedEngine."""


class FedTick(msgspec.Struct, frozen=True):
    """What one tick of one contract does to P(cut at the next meeting), in shares of 1."""

    contract: str
    tick: float
    up: float
    down: float


class FedBreakeven(msgspec.Struct, frozen=True):
    """The price of one contract at which P(cut) passes ``level``, the others unchanged."""

    contract: str
    level: float
    price: float | None
    """None where no sensible price does it."""
    ticks: float | None
    """From its price now; negative is down."""


class FedStrike(msgspec.Struct, frozen=True):
    """A strike of a prediction market's ladder against the futures' cumulative row of its meeting."""

    venue: str
    meeting: dt.date
    above_bp: int
    """P(upper bound of the range strictly above this)."""
    market: float
    futures: float


class FedPast(msgspec.Struct, frozen=True):
    """What P(cut at the next meeting) was."""

    at: dt.datetime
    cut: float
    settled: bool
    """By that day's settlements; else one of the probabilities logged while trading went on."""


class Fed(msgspec.Struct, frozen=True):
    """The next meeting, and below it every coming one."""

    meeting: dt.date
    decides: dt.datetime
    """14:00 New York on that day."""
    target_range_bp: tuple[int, int] | None
    effr_pct: float | None
    """Effective federal funds rate as last published; it enters no arithmetic."""
    cut: float | None
    hold: float | None
    hike: float | None
    outcomes: dict[str, float]
    change: dict[str, float | None]
    """P(cut) now minus P(cut) by the settlement of the session ("1d"), the week ("1w") and the month ("1m")
    before, in shares of 1, against today's target range; None where that settlement is not known."""
    engines: dict[str, FedEngine]
    """futures, Kalshi, Polymarket."""
    meetings: tuple[FedMeeting, ...]
    stopped_at: dt.date | None
    """The first meeting that the strip does not solve."""
    contracts: tuple[FedContract, ...]
    fit_rms_bp: float | None
    """Root mean square residual of one path fitted to the whole strip; None without a spare contract."""
    disagreement_bp: dict[str, float]
    """Meeting → the fitted move minus the chain's."""
    ticks: tuple[FedTick, ...]
    breakevens: tuple[FedBreakeven, ...] = msgspec.field(name="levers")
    """In JSON ``levers``, as it was first published."""
    ladder: tuple[FedStrike, ...]
    """Strikes of the prediction markets' ladders against the futures."""
    history: tuple[FedPast, ...]
    """P(cut at the next meeting) against today's target range, oldest first, from our own log."""
    comovement: CoMovement | None
    """Co-movement of the spread's day move with the settled change of P(cut)."""
    state: str
    """State of the futures' figures."""
    source: str
    warnings: tuple[str, ...]
    """What a reader must know: a short calendar, prices of different ages, a source that fails."""
    status: PriceStatus | None = None
    """``state`` as a value: of the oldest futures price that the next meeting rests on."""
    stopped_by: Stop = ""
    """Why there are no odds from ``stopped_at`` on; empty where there are."""
    calibration: Calibration = {}
    """How good the odds were 1, 7 and 30 days before past decisions; empty where nothing is known of them."""
