"""What the server keeps: the stream QUOTES with the last message of every subject, and how it is fetched.

Fetched are the last messages of named subjects, straight from the stream: no consumer is made, so a viewer
needs the right to send to one subject of JetStream only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from feeds.errors import UnavailableError
from feeds.hub.broker.connection import ASK_S, ask
from feeds.hub.wire import subjects

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nats.aio.client import Client
    from nats.aio.msg import Msg

AT_ONCE = 500
"""Subjects of one request; a server refuses more than 1,024."""
FETCH_S = 5.0
GET = f"$JS.API.DIRECT.GET.{subjects.STREAM}"
FIRST = (subjects.STATE, subjects.INDEX, subjects.BEAT, subjects.FED, subjects.MACRO, subjects.MEMBERS + ">")
END, NONE = "204", "404"
NO_JETSTREAM = "the NATS server offers no JetStream; start it with --jetstream"
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
    """Make the stream where there is none; one that exists stays as it is. Raises UnavailableError."""
    from nats import errors  # noqa: PLC0415 - an extra
    from nats.js.errors import APIError, ServiceUnavailableError  # noqa: PLC0415 - an extra

    try:
        await client.jetstream(timeout=ASK_S).stream_info(subjects.STREAM)
    except APIError as error:
        if isinstance(error, ServiceUnavailableError) and error.err_code is None:  # nobody has answered
            raise UnavailableError(NO_JETSTREAM) from error
        if error.err_code != NO_STREAM:
            raise UnavailableError(f"JetStream: {error.description or 'no answer'}") from error
        await ask(client, f"STREAM.CREATE.{subjects.STREAM}", config(replicas))
    except (errors.Error, TimeoutError, ValueError, OSError) as error:
        raise UnavailableError("JetStream does not answer") from error


async def last_seq(client: Client) -> int:
    """The newest message's number in the stream. Raises UnavailableError."""
    info = await ask(client, f"STREAM.INFO.{subjects.STREAM}")
    return int(info["state"]["last_seq"])


async def fetch(client: Client, wanted: Sequence[str], take: Callable[[str, bytes], object]) -> None:
    """Give ``take`` the last message of each of these subjects that has one. Raises UnavailableError."""
    parts = [wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE)]
    for part in parts:
        await _fetch(client, part, take)


async def _fetch(client: Client, wanted: Sequence[str], take: Callable[[str, bytes], object]) -> None:
    from nats import errors  # noqa: PLC0415 - an extra

    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def on_message(message: Msg) -> None:
        status = (message.headers or {}).get("Status")
        if status is None:
            subject = (message.headers or {}).get("Nats-Subject")
            if subject is not None:
                take(subject, message.data)
        elif not ended.done():
            ended.set_result(status)

    inbox = client.new_inbox()
    try:
        subscription = await client.subscribe(inbox, cb=on_message)
    except errors.Error as error:
        raise UnavailableError("the NATS connection is closed") from error
    try:
        request = {"multi_last": list(wanted)}
        await client.publish(GET, json.dumps(request).encode(), reply=inbox)
        async with asyncio.timeout(FETCH_S):
            status = await ended
    except (errors.Error, TimeoutError, OSError) as error:
        raise UnavailableError("the NATS server did not return its stored values") from error
    finally:
        with contextlib.suppress(errors.Error):  # the connection has gone, and the subscription with it
            await subscription.unsubscribe()
    if status not in (END, NONE):
        raise UnavailableError(f"the NATS server did not return its stored values (status {status})")
