"""``replay --feed nats``: a day of the tape, straight from the server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from feeds.errors import InputError, UnavailableError
from feeds.hub.broker import tape_stream
from feeds.hub.broker.connection import Cause, check, connect, reason
from feeds.hub.tape.reader import TapeReader
from feeds.hub.wire import subjects
from feeds.hub.wire.codec import OtherVersion
from feeds.tapes.recording import played

if TYPE_CHECKING:
    import datetime as dt

    from feeds.hub.broker.connection import Access, Client

CONNECT_S = 5.0


class DayTape(NamedTuple):
    """A day as the server has it."""

    day: dt.date
    tape: pl.DataFrame
    """As ``feeds.tapes.reading.read_tape`` returns a recording."""


def read_day(access: Access, day: dt.date | None) -> DayTape:
    """The tape of this day, of the newest where None; blocking.

    Raises InputError where there is none, or for an address that cannot be used; UnavailableError where the
    server cannot be reached or does not answer.
    """
    check(access)
    return asyncio.run(_read_day(access, day))


async def _read_day(access: Access, day: dt.date | None) -> DayTape:
    why = [Cause.NO_ANSWER.value]

    async def note(error: Exception) -> None:
        why.append(reason(error))

    async def ignore() -> None:
        pass

    try:
        async with asyncio.timeout(CONNECT_S):
            client = await connect(
                access, name="rotation-tui replay", on_connected=ignore, on_lost=ignore, on_error=note
            )
    except TimeoutError as error:
        raise UnavailableError(why[-1]) from error
    try:
        return await _tape_of(client, day)
    finally:
        await client.close()


async def _tape_of(client: Client, wanted: dt.date | None) -> DayTape:
    try:
        held_days = await tape_stream.days(client)
    except UnavailableError as error:
        raise UnavailableError(f"the tape cannot be read from the NATS server ({error})") from error
    if not held_days:
        raise InputError("the NATS server has no tape; a hub writes one unless it runs with --tape-days 0")
    day = max(held_days) if wanted is None else wanted
    if day not in held_days:
        days = ", ".join(map(str, held_days))
        raise InputError(f"--day: the NATS server has no tape of {day}; it has {days}")
    held = await tape_stream.read_all(client, subjects.tape(day), held_days[day])
    oldest = await tape_stream.read(client, 0, at_most=1)
    # What is the oldest of all may follow something that has been discarded.
    reader = TapeReader(is_whole=bool(held and oldest and held[0].seq == oldest[0].seq))
    try:
        parts = [rows for each in held if (rows := reader.take(each.subject, each.data)) is not None]
    except OtherVersion as error:
        raise UnavailableError(str(error)) from error
    if not parts:
        raise UnavailableError(f"the tape of {day} on the NATS server cannot be read")
    return DayTape(day, played([pl.concat(parts)]))
