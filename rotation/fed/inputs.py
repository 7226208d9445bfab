"""What the feeds know of the Fed at one instant: futures, prediction markets, and how their sources are."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec

from rotation.fed.calibration import Calibration
from rotation.status import LIVE, Kind, Mode
from rotation.wording import state_word

if TYPE_CHECKING:
    from rotation.fed.strip.contracts import Month


class StripQuote(msgspec.Struct, frozen=True, kw_only=True):
    """One contract. Prices are 100 − rate in per cent; None: not known."""

    year: int
    month: int
    price: float | None = None
    """Last trade."""
    settle: float | None = None
    """Last daily settlement."""
    settle_date: date | None = None
    """The trading day of that settlement."""
    bid: float | None = None
    ask: float | None = None
    ts_ns: int | None = None
    """Time of the last trade or quote, UTC nanoseconds."""
    source: str

    @property
    def contract(self) -> Month:
        """(year, month)."""
        return self.year, self.month


class OutcomeQuote(msgspec.Struct, frozen=True, kw_only=True):
    """One contract that pays 1 if the outcome comes. Prices are probabilities in [0, 1]; None is unknown."""

    venue: str
    """Kalshi or Polymarket."""
    contract: str
    """The venue's own name: a Kalshi ticker, a Polymarket token of "Yes"."""
    event: str
    label: str
    """What the venue calls the outcome, cleaned."""
    year: int
    month: int
    """Of the meeting."""
    move_bp: int | None = None
    """A contract on one meeting's move (compare with the local split); an open bucket at its near edge."""
    is_open: bool = False
    """The bucket has no far end: this move or a larger one."""
    above_bp: int | None = None
    """A strike of a ladder: the upper bound is strictly above this (compare with the cumulative row)."""
    bid: float | None = None
    """0 without a bid."""
    ask: float | None = None
    """1 without an offer."""
    last: float | None = None
    mark: float | None = None
    """The venue's own price, for a book that is not shown."""
    volume: float | None = None
    """Contracts (Kalshi) or dollars (Polymarket)."""
    open_interest: float | None = None
    close_ns: int | None = None
    ts_ns: int | None = None
    """The venue's time of this quote; None where it gives none."""


class Sourced(msgspec.Struct, frozen=True):
    """How one source is doing."""

    kind: Kind
    """LIVE, STALE or OFFLINE; DEMO for the built-in one."""
    checked_ns: int | None = None
    """When it last confirmed its answer; None where it never has."""
    error: str = ""
    age_s: float | None = None
    """How old its answer was when it was asked, in seconds; None where it has none."""

    @property
    def state(self) -> str:
        """The word for a reader: LIVE, STALE 42s, OFFLINE or DEMO."""
        return state_word(self.kind, age_s=self.age_s)


class PastCut(msgspec.Struct, frozen=True):
    """P(cut) at one meeting as it was logged, in shares of 1."""

    ts_ns: int
    cut: float
    settled: bool
    outcomes: dict[str, float] = {}
    """Target range in bp ("475-500") → probability, as logged with it; empty where it was not kept."""


class FedInputs(msgspec.Struct, frozen=True, kw_only=True):
    """All that the rate-cut figures rest on; any part may be missing."""

    strip: tuple[StripQuote, ...] = ()
    expired: tuple[StripQuote, ...] = ()
    """Contracts of months that are over, at their last settlement: feeds drop them, the chain needs them."""
    fomc_dates: tuple[date, ...] = ()
    """Decision days, held ones and those outside the calendar too."""
    target_range_bp: tuple[int, int] | None = None
    """As last published."""
    range_overdue: bool = False
    """True while a decision has been held and the range after it is not published yet."""
    effr_pct: float | None = None
    outcomes: tuple[OutcomeQuote, ...] = ()
    sources: dict[str, Sourced] = {}
    """By name: "Yahoo", "policy rate", "FOMC calendar", "Kalshi", "Polymarket"."""
    past: dict[date, tuple[PastCut, ...]] = {}
    """Meeting → its logged history by the futures against today's target range, oldest first."""
    warnings: tuple[str, ...] = ()
    age_gap_s: float = 300.0
    """Prices of one block may differ in age by this much."""
    legacy: bool = False
    """Days are counted as CME did before about August 2024 (``chain.day_count``)."""
    strip_mode: Mode = LIVE
    """What a fresh futures price is worth: LIVE, DELAYED where the source delays them, or DEMO."""
    calibration: Calibration = {}
    """How good the odds were before decisions that are held."""
