"""What a prediction market quotes on one outcome of one FOMC meeting, whichever venue it is."""

from __future__ import annotations

import msgspec

OPEN_MOVE_BP = 50
"""An open bucket ("cut by more than 25") counts as ±50 bp."""


class OutcomeQuote(msgspec.Struct, frozen=True, kw_only=True):
    """One contract that pays 1 if the outcome comes. Prices are probabilities in [0, 1]; None: not told."""

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
    """A contract on one meeting's move (compare with the local split); open buckets are ±50."""
    is_open: bool = False
    """The bucket has no far end."""
    above_bp: int | None = None
    """A rung of a ladder: the upper bound stands strictly above this (compare with the cumulative row)."""
    bid: float | None = None
    """0 where nobody bids."""
    ask: float | None = None
    """1 where nobody offers."""
    last: float | None = None
    mark: float | None = None
    """The venue's own price, for a book that is not shown."""
    volume: float | None = None
    """Contracts (Kalshi) or dollars (Polymarket)."""
    open_interest: float | None = None
    close_ns: int | None = None
    ts_ns: int | None = None
    """The venue's time of this quote, where it tells one."""

    @property
    def mid(self) -> float | None:
        """Middle of a book that is not crossed, else the venue's price, else the last trade."""
        if self.bid is not None and self.ask is not None and self.bid <= self.ask:
            return (self.bid + self.ask) / 2
        return self.mark if self.mark is not None else self.last

    @property
    def is_crossed(self) -> bool:
        """Bid above ask: the book is not to be believed."""
        return self.bid is not None and self.ask is not None and self.bid > self.ask
