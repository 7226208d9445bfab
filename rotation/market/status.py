"""State words: what a price is worth, said per value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.quote import NS
from rotation.sessions import close_ns, last_closed, new_york_day, phase_at, previous_session, session_at
from rotation.text import duration

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


def of_print(standing: Standing, age_s: float, as_of_ns: int) -> str:
    """The word for today's print: its feed's, unless it has gone quiet for longer than the hour explains.

    CLOSED after the bell, where the last price before it is all that can come until the official close.
    """
    if standing.word:
        return standing.word
    if not _is_live(standing):
        return standing.mode
    late_s = delay_s(standing.mode)
    session = session_at(as_of_ns - int(age_s * NS))
    after_bell_s = (as_of_ns - close_ns(session)) / NS if session else 0.0
    if after_bell_s > late_s:
        return "CLOSED" if age_s <= after_bell_s + THIN_AFTER_S else f"STALE {duration(age_s)}"
    quiet_s = STALE_AFTER_S if _is_open(standing, as_of_ns) else THIN_AFTER_S
    return f"STALE {duration(age_s)}" if age_s > quiet_s + late_s else standing.mode


def of_close(standing: Standing, closed: date | None, session: date | None, as_of_ns: int) -> str:
    """The word for a settled close of the session ``closed`` while ``session`` is being shown.

    CLOSED when it is the latest there can be; else OFFLINE when trading goes on without us, or STALE
    where a live feed has brought nothing newer, or even the session before has no close.
    """
    if standing.mode == "DEMO":
        return standing.mode
    if closed is None or session is None:
        return standing.word or "OFFLINE"
    live = _is_live(standing) and not standing.word
    quiet = not _is_open(standing, as_of_ns) if live else phase_at(as_of_ns) != "REGULAR"
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


def _is_open(standing: Standing, as_of_ns: int) -> bool:
    """Whether prints must have come: not in the first moments after the opening bell."""
    then_ns = as_of_ns - int((STALE_AFTER_S + delay_s(standing.mode)) * NS)
    return phase_at(as_of_ns) == "REGULAR" == phase_at(then_ns)
