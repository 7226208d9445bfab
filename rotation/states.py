"""State words: what a price is worth, said per value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.sessions import last_closed, phase_at, previous_session

if TYPE_CHECKING:
    from datetime import date

STALE_AFTER_S = 30.0
"""A live print older than this is stale while the exchange is open."""


def duration(seconds: float) -> str:
    """``42s``, ``3m``, ``5h`` or ``12d``: the largest unit that is not 0."""
    whole = int(seconds)
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def of_print(mode: str, age_s: float, as_of_ns: int) -> str:
    """The word for today's print: its feed's own, unless a live one has gone quiet in regular hours."""
    if mode == "LIVE" and age_s > STALE_AFTER_S and phase_at(as_of_ns) == "REGULAR":
        return f"STALE {duration(age_s)}"
    return mode


def of_close(mode: str, closed: date | None, session: date | None, as_of_ns: int) -> str:
    """The word for a settled close of the session ``closed`` while ``session`` is being shown.

    CLOSED when it is the latest there can be; OFFLINE when trading goes on without us; STALE when
    even the session before has no close.
    """
    if mode == "DEMO":
        return mode
    if closed is None or session is None:
        return "OFFLINE"
    if closed == session:
        newest = last_closed(as_of_ns) == session and phase_at(as_of_ns) != "REGULAR"
        return "CLOSED" if newest else "OFFLINE"
    if closed == previous_session(session):
        return "OFFLINE"
    return f"STALE {(session - closed).days}d"
