"""State words: what a price is worth, said per value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.sessions import last_closed, new_york_day, phase_at, previous_session

if TYPE_CHECKING:
    from datetime import date

STALE_AFTER_S = 30.0
"""A live print older than this is stale while the exchange is open."""
THIN_AFTER_S = 900.0
"""The same before the opening and after the closing bell, when little trades."""


class Standing(msgspec.Struct, frozen=True):
    """What a feed says of one symbol's prices."""

    mode: str = ""
    """The feed's word: LIVE, DELAYED 15m, REPLAY or DEMO; "" where no feed brings this symbol."""
    source: str = ""
    """Provenance, in words."""
    word: str = ""
    """GAPPED, HALTED or OFFLINE where the prices are not worth the mode; else ""."""


def duration(seconds: float) -> str:
    """``42s``, ``3m``, ``5h`` or ``12d``: the largest unit that is not 0."""
    whole = int(seconds)
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def of_print(standing: Standing, age_s: float, as_of_ns: int) -> str:
    """The word for today's print: its feed's, unless it has gone quiet for longer than the hour explains."""
    if standing.word:
        return standing.word
    if not _is_live(standing):
        return standing.mode
    quiet_s = STALE_AFTER_S if phase_at(as_of_ns) == "REGULAR" else THIN_AFTER_S
    if age_s > quiet_s + delay_s(standing.mode):
        return f"STALE {duration(age_s)}"
    return standing.mode


def of_close(standing: Standing, closed: date | None, session: date | None, as_of_ns: int) -> str:
    """The word for a settled close of the session ``closed`` while ``session`` is being shown.

    CLOSED when it is the latest there can be; else OFFLINE when trading goes on without us, or STALE
    where a live feed has brought nothing newer, or even the session before has no close.
    """
    if standing.mode == "DEMO":
        return standing.mode
    if closed is None or session is None:
        return standing.word or "OFFLINE"
    quiet = phase_at(as_of_ns) != "REGULAR"
    live = _is_live(standing) and not standing.word
    if quiet and closed == last_closed(as_of_ns) and (closed == session or live):
        return "CLOSED"
    if live:
        return f"STALE {(new_york_day(as_of_ns) - closed).days}d"
    if closed in (session, previous_session(session)):
        return standing.word or "OFFLINE"
    return f"STALE {(session - closed).days}d"


def delay_s(mode: str) -> float:
    """Seconds by which a feed is late by design: 900 for ``DELAYED 15m``."""
    return 60.0 * int(mode[8:-1]) if mode.startswith("DELAYED ") else 0.0


def _is_live(standing: Standing) -> bool:
    return standing.mode.startswith(("LIVE", "DELAYED"))
