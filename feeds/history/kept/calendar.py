"""The exchange's calendar, kept: the ``holidays`` package brings all countries' with it, 150 ms and 13 MB."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from feeds.files.sealed import seal, unsealed
from feeds.history.kept.code import calendar_file
from rotation.sessions import Calendar, calendar_of, has_calendar, take_calendar

if TYPE_CHECKING:
    from feeds.history.kept.files import KeptFiles

LAYOUT = 1
FIRST, AHEAD = 1985, 5
"""Years kept: from the first of the Nasdaq 100 to so many after this one."""


class _Held(msgspec.Struct, frozen=True, array_like=True):
    key: str
    calendar: Calendar


def use_calendar(files: KeptFiles) -> None:
    """Let ``rotation.sessions`` answer from a calendar that is kept, if one of this package's version is."""
    if has_calendar():
        return
    body = unsealed(files.read(_name()))
    if body is None:
        return
    try:
        held = msgspec.msgpack.decode(body, type=_Held)
    except (ValueError, OverflowError):  # msgspec's are ValueErrors
        return
    if held.key == _name():
        take_calendar(held.calendar)


def keep_calendar(files: KeptFiles, year: int) -> None:
    """Keep the years around this one, if none are kept."""
    if has_calendar() or files.read(_name()) is not None:
        return
    body = msgspec.msgpack.encode(_Held(_name(), calendar_of(FIRST, year + AHEAD)))
    files.write(_name(), seal(body))


def _name() -> str:
    return "calendar-" + sha256(f"{LAYOUT} {calendar_file()}".encode()).hexdigest()[:32]
