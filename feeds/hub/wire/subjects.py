"""Where messages are sent: ``quotes.IWM``, ``desk.beat`` and so on.

A symbol is one token of a subject. What a token cannot hold is written as %XX, so ``BRK.B`` is ``BRK%2EB``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    import datetime as dt

QUOTES = "quotes."
DESK = "desk."
BEAT = "desk.beat"
STATE = "desk.state"
INDEX = "desk.index"
FED = "desk.fed"
MACRO = "desk.macro"
MINUTES = "desk.minutes."
HISTORY = "desk.history."
MEMBERS = "desk.members."
FUNDS = "desk.funds"
ALL = ("quotes.>", "desk.>")
"""All that a viewer listens to, and all that the stream QUOTES holds."""
STREAM = "QUOTES"
TAPE = "tape."
"""The tape, a subject for each day in New York; no viewer listens to it."""
TAPE_STREAM = "TAPE"


def token(symbol: str) -> str:
    """The symbol as one token."""
    return quote(symbol, safe="^=").replace(".", "%2E")


def members(fund: str, place: int) -> str:
    """Where a fund's holdings file is sent: the places are few and taken in turns, so that old files go."""
    return f"{MEMBERS}{token(fund)}.{place}"


def tape(day: dt.date) -> str:
    """Where a day's tape is sent: ``tape.2026-11-27``."""
    return f"{TAPE}{day}"
