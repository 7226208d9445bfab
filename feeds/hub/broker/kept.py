"""What the server keeps: the stream QUOTES with the last message of every subject, and how it is fetched.

Fetched are the last messages of named subjects, straight from the stream: no consumer is made, so a viewer
needs the right to send to one subject of JetStream only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from feeds.errors import UnavailableError
from feeds.hub.broker.connection import RefusedError, ask, unanswered
from feeds.hub.wire import subjects

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nats.aio.client import Client
    from nats.aio.msg import Msg

AT_ONCE = 500
"""Subjects of one request; a server refuses more than 1,024."""
FETCH_S = 2.0
"""Without another message for so long the server has not received the request, or will not answer."""
GET = f"$JS.API.DIRECT.GET.{subjects.STREAM}"
FIRST = (
    subjects.STATE, subjects.INDEX, subjects.BEAT, subjects.FED, subjects.MACRO, subjects.FUNDS,
    subjects.MEMBERS + ">",
)  # fmt: skip
END, NONE = "204", "404"
NO_STREAM = 10059
"""JetStream's number of the error that a stream does not exist."""


def config(replicas: int, max_bytes: int = -1) -> dict[str, Any]:
    """The stream that a hub needs."""
    return {
        "name": subjects.STREAM,
        "subjects": list(subjects.ALL),
        "retention": "limits",
        "max_msgs_per_subject": 1,
        "discard": "old",
        "storage": "file",
        "allow_direct": True,
        "num_replicas": replicas,
        "max_bytes": max_bytes,
        "max_age": 0,
        "max_msgs": -1,
        "max_consumers": -1,
    }


async def ensure(client: Client, *, replicas: int) -> None:
    """Make the stream QUOTES where there is none. Raises UnavailableError."""
    await ensure_stream(client, config(replicas))


async def ensure_stream(client: Client, wanted: dict[str, Any]) -> None:
    """Make a stream where there is none; one that exists stays as it is. Raises UnavailableError."""
    try:
        await ask(client, f"STREAM.INFO.{wanted['name']}")
    except RefusedError as error:
        if error.code != NO_STREAM:
            raise
        await ask(client, f"STREAM.CREATE.{wanted['name']}", wanted)


async def last_seq(client: Client, stream: str = subjects.STREAM) -> int:
    """The newest message's number in a stream. Raises UnavailableError."""
    info = await ask(client, f"STREAM.INFO.{stream}")
    return int(info["state"]["last_seq"])


async def fetch(client: Client, wanted: Sequence[str], take: Callable[[str, bytes], object]) -> None:
    """Give ``take`` the last message of each of these subjects that has one. Raises UnavailableError."""
    parts = [wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE)]
    for part in parts:
        await _fetch(client, part, take)


async def _fetch(client: Client, wanted: Sequence[str], take: Callable[[str, bytes], object]) -> None:
    await collect(client, GET, {"multi_last": list(wanted)}, lambda held: take(held.subject, held.data))


class Held(NamedTuple):
    """A message as a stream keeps it."""

    seq: int
    """Its number in the stream."""
    subject: str
    data: bytes


async def collect(client: Client, get: str, request: dict[str, Any], take: Callable[[Held], object]) -> None:
    """Give ``take`` every message of a stream that is asked for at ``get``. Raises UnavailableError."""
    from nats import errors  # noqa: PLC0415 - an extra

    loop = asyncio.get_running_loop()
    ended: asyncio.Future[str] = loop.create_future()
    wait = asyncio.timeout(None)

    async def on_message(message: Msg) -> None:
        headers = message.headers or {}
        status = headers.get("Status")
        if status is None and not ended.done():
            wait.reschedule(loop.time() + FETCH_S)
            if "Nats-Subject" in headers:
                take(Held(int(headers.get("Nats-Sequence", 0)), headers["Nats-Subject"], message.data))
        elif status is not None and not ended.done():
            ended.set_result(status)

    inbox, since_s = client.new_inbox(), time.monotonic()
    try:
        subscription = await client.subscribe(inbox, cb=on_message)
    except errors.Error as error:
        raise UnavailableError("the NATS connection is closed") from error
    try:
        async with wait:
            wait.reschedule(loop.time() + FETCH_S)
            await client.publish(get, json.dumps(request).encode(), reply=inbox)
            status = await ended
    except (errors.Error, TimeoutError, OSError) as error:
        message = "the NATS server did not return its stored values"
        raise unanswered(client, get, since_s, message) from error
    finally:
        ended.cancel()
        with contextlib.suppress(errors.Error):  # the connection has gone, and the subscription with it
            await subscription.unsubscribe()
    if status not in (END, NONE):
        raise UnavailableError(f"the NATS server did not return its stored values (status {status})")
