"""What a person asks to be called for, what an alert remembers, and a call: values alone, quick to import."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

import msgspec

from rotation.status import Kind

Plain = float | int | str | bool | None
"""A figure's value as JSON has it."""
Repeat = Literal["session", "crossing", "once"]
"""``session``: once a session while it holds; ``crossing``: whenever it begins to; ``once``: once ever."""


Moment = Annotated[dt.datetime, msgspec.Meta(tz=True)]
"""With its zone: one without, in a file that somebody edited, cannot be compared with now."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks to be called for."""

    id: str
    condition: str
    repeat: Repeat = "session"
    hysteresis: float = 0.0
    """With ``crossing``: how far back a number must go, in its own unit, before the alert is armed again."""
    cool_down_s: float = 0.0
    """Seconds after a call before there is another."""
    any_hour: bool = False
    """Whether figures of today count outside the regular session too."""
    kinds: tuple[Kind, ...] = (Kind.LIVE, Kind.DELAYED)
    """What a figure of today must be worth. Official closes always count; a status may be anything."""
    to: tuple[str, ...] = ()
    """Who is called: names of targets, and what the terminal can do (``rotation.alerts.target``)."""


class AlertState(msgspec.Struct, frozen=True):
    """What one alert remembers; it goes to disk as JSON, so that a restart fires nothing twice."""

    condition: str = ""
    """The condition it belongs to; with another condition the state starts afresh."""
    is_armed: bool = True
    fired: int = 0
    """Calls so far."""
    last_at: Moment | None = None
    last_session: dt.date | None = None
    """The newest session for which it has fired."""
    before: dict[str, Plain] = {}
    """Last known values of the figures that are asked whether they change."""


def together(before: AlertState, since: AlertState) -> AlertState:
    """What an alert remembers of two runs, of which the later one did not know the earlier one's.

    Of another condition the later one's alone counts.
    """
    if since.condition not in ("", before.condition):
        return since
    return AlertState(
        before.condition,
        is_armed=since.is_armed and (before.is_armed or since.fired > 0),
        fired=before.fired + since.fired,
        last_at=max((each for each in (before.last_at, since.last_at) if each), default=None),
        last_session=max((each for each in (before.last_session, since.last_session) if each), default=None),
        before={**before.before, **since.before},
    )


class Fired(msgspec.Struct, frozen=True):
    """One call."""

    id: str
    condition: str
    session: dt.date
    at: Moment
    values: dict[str, Plain]
    """Every figure that the condition names, as it was."""
    n: int
    """How often it has fired, this call included."""
