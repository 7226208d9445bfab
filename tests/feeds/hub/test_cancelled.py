"""What is cancelled ends, also where an answer comes together with the cancellation."""

from __future__ import annotations

import asyncio

import pytest
from nats.aio.client import Client
from nats.errors import NoRespondersError

from feeds.errors import UnavailableError
from feeds.hub.broker.client import StrictClient
from feeds.hub.broker.connection import ask


def answers(future: asyncio.Future) -> None:
    future.set_result("an answer")


def fails(future: asyncio.Future) -> None:
    future.set_exception(NoRespondersError())


async def cancelled_with_its_answer(end):
    """As nats-py waits, in a task that is cancelled in the same turn of the loop."""
    task = asyncio.current_task()
    future = asyncio.get_running_loop().create_future()
    end(future)
    if not task.cancelling():
        task.cancel()
    return await asyncio.wait_for(future, 10)


@pytest.mark.parametrize("end", [answers, fails])
@pytest.mark.parametrize("name", ["request", "flush"])
async def test_a_cancellation_is_not_lost_beside_an_answer(name, end, monkeypatch):
    monkeypatch.setattr(Client, name, lambda *_, **__: cancelled_with_its_answer(end))
    client = StrictClient(needs_tls=False, has_certificate=False)
    rounds: list[int] = []

    async def work():
        while len(rounds) < 3:  # for ever, but for this test
            rounds.append(1)
            await getattr(client, name)()
            await asyncio.sleep(0)

    task = asyncio.create_task(work())
    await asyncio.wait([task])
    assert task.cancelled()
    assert len(rounds) == 1


@pytest.mark.parametrize("end", [answers, fails])
@pytest.mark.parametrize("name", ["_connect_to_server", "_process_connect_init"])
async def test_a_connecting_client_that_is_cancelled_tries_no_more(name, end, monkeypatch):
    """Given up in the moment of a refusal it tried for ever, and whoever waited for its end did, too."""
    rounds: list[int] = []

    async def step(*_):
        rounds.append(1)
        if len(rounds) == 3:
            raise asyncio.CancelledError  # else a lost one would keep this test waiting
        await cancelled_with_its_answer(end)
        fails(failed := asyncio.get_running_loop().create_future())
        await failed

    async def nothing(*_):
        pass

    monkeypatch.setattr(Client, "_connect_to_server", nothing)
    monkeypatch.setattr(Client, "_process_connect_init", nothing)
    monkeypatch.setattr(Client, name, step)
    client = StrictClient(needs_tls=False, has_certificate=False)
    task = asyncio.create_task(client.connect("nats://127.0.0.1:1", reconnect_time_wait=0, error_cb=nothing))
    await asyncio.wait([task])
    assert task.cancelled()
    assert len(rounds) == 1


async def test_in_the_course_of_an_end_requests_go_on(monkeypatch):
    """A hub that ends sends the last second of its tape, in a task that has been cancelled."""

    async def empty(*_, **__):
        raise NoRespondersError

    monkeypatch.setattr(Client, "request", empty)
    client = StrictClient(needs_tls=False, has_certificate=False)
    asked: list[str] = []

    async def work():
        try:
            await asyncio.sleep(3600)
        finally:
            with pytest.raises(UnavailableError):
                await ask(client, "STREAM.INFO.TAPE")
            asked.append("the tape")

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert asked == ["the tape"]
