"""Why a strip gives no figures: one type for each thing that a caller can do something about."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rotation.fed.strip.contracts import Month


class StripError(ValueError):
    """A strip from which no figure can be computed.

    ``str()`` is one line that names the contract and says what to do; ``contracts`` are those it concerns,
    empty where it is the calendar or the target range that is wrong.
    """

    def __init__(self, message: str, *, contracts: tuple[Month, ...] = ()) -> None:
        super().__init__(message)
        self.contracts = contracts


class CalendarError(StripError):
    """The decision days or the target range make no sense."""


class PriceError(StripError):
    """A price that cannot be one, no price at all, or a book without a usable side."""


class UnsolvedError(StripError):
    """The next meeting has no solution: a contract is missing, or the calendar is too short."""


class ImplausibleMoveError(StripError):
    """A meeting would move by more than 100 bp: one of its contracts has a wrong price."""


class MixedTimesError(StripError):
    """The contracts that one meeting rests on were priced at different times."""
