"""Several sources as one: none waits for another, and an error of one ends all."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from feeds.desk.members.merged import merged
from feeds.events import Batch

EARLY, LATE = Batch((), as_of_ns=1), Batch((), as_of_ns=2)


async def test_a_source_that_waits_keeps_no_other_waiting():
    never = asyncio.Event()
    ended = []

    async def waits():
        try:
            yield EARLY
            await never.wait()
        finally:
            ended.append("waits")

    async def goes_on():
        for _ in range(5):
            yield LATE

    async with aclosing(merged(waits(), goes_on())) as events:
        taken = [await anext(events) for _ in range(6)]
    assert sorted(event.as_of_ns for event in taken) == [1, 2, 2, 2, 2, 2]
    assert ended == ["waits"], "it is closed with the whole"


async def test_it_ends_when_all_have_ended():
    async def single(event):
        yield event

    assert {event.as_of_ns async for event in merged(single(EARLY), single(LATE))} == {1, 2}


async def test_an_error_of_one_is_raised_and_ends_the_others():
    ended = []

    async def waits():
        try:
            await asyncio.Event().wait()
            yield EARLY
        finally:
            ended.append("waits")

    async def fails():
        yield LATE
        raise LookupError("of its own")

    events = merged(waits(), fails())
    assert await anext(events) is LATE
    with pytest.raises(LookupError, match="of its own"):
        await anext(events)
    assert ended == ["waits"]
