"""The stream TAPE: what the server keeps of the tape, and how it is read.

It is read in pieces, by number, straight from the stream: no consumer is made, so a reader needs the right
to send to one subject of JetStream only, and misses nothing where it is slow.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec

from feeds.hub.broker.connection import RefusedError, ask
from feeds.hub.broker.kept import Held, collect
from feeds.hub.wire import subjects

if TYPE_CHECKING:
    from nats.aio.client import Client

GET = f"$JS.API.DIRECT.GET.{subjects.TAPE_STREAM}"
ALL = f"{subjects.TAPE}>"
AT_ONCE = 200
"""Messages of one request."""
BYTES_AT_ONCE = 4 * 2**20
NO_MESSAGE = 10037
"""JetStream's number of the error that a stream has no such message."""


class Limits(msgspec.Struct, frozen=True):
    """How much of the tape the server keeps; beyond it the oldest goes."""

    days: float = 5.0
    bytes: int = 2**30


def config(replicas: int, limits: Limits) -> dict[str, Any]:
    """The stream that a hub needs for its tape."""
    return {
        "name": subjects.TAPE_STREAM,
        "subjects": [ALL],
        "retention": "limits",
        "discard": "old",
        "storage": "file",
        "allow_direct": True,
        "num_replicas": replicas,
        "max_bytes": limits.bytes,
        "max_age": int(limits.days * 86_400) * 10**9,
        "max_msgs": -1,
        "max_msgs_per_subject": -1,
        "max_consumers": -1,
    }


async def newest(client: Client) -> Held | None:
    """The last message that the leader of the stream has; None without one. Raises UnavailableError."""
    state = (await ask(client, f"STREAM.INFO.{subjects.TAPE_STREAM}"))["state"]
    seq = int(state["last_seq"])
    if not seq:
        return None
    try:
        made = (await ask(client, f"STREAM.MSG.GET.{subjects.TAPE_STREAM}", {"seq": seq}))["message"]
        return Held(seq, str(made["subject"]), base64.b64decode(made["data"]))
    except RefusedError as error:
        if error.code != NO_MESSAGE:
            raise
    except (KeyError, TypeError, ValueError):
        pass
    return Held(seq, "", b"")  # it has grown too old, or somebody has removed it


async def discarded(client: Client) -> int:
    """How many messages have gone to make room, or for their age. Raises UnavailableError."""
    state = (await ask(client, f"STREAM.INFO.{subjects.TAPE_STREAM}"))["state"]
    return max(int(state["first_seq"]) - 1, 0)


async def read(client: Client, after: int, subject: str = ALL, at_most: int = AT_ONCE) -> list[Held]:
    """The messages that follow number ``after``, oldest first; none at the end. Raises UnavailableError."""
    held: list[Held] = []
    request = {
        "seq": after + 1,
        "next_by_subj": subject,
        "batch": at_most,
        "max_bytes": BYTES_AT_ONCE,
    }
    await collect(client, GET, request, held.append)
    return sorted(each for each in held if each.seq > after)


async def days(client: Client) -> dict[dt.date, int]:
    """The days of which there is a tape, with the number of each one's last message.

    Raises UnavailableError.
    """
    held: list[Held] = []
    await collect(client, GET, {"multi_last": [ALL]}, held.append)
    made: dict[dt.date, int] = {}
    for each in held:
        with contextlib.suppress(ValueError):
            made[dt.date.fromisoformat(each.subject.removeprefix(subjects.TAPE))] = each.seq
    return dict(sorted(made.items()))


async def newest_kept(client: Client) -> Held | None:
    """The last message, as a reader may ask for it; None without one. Raises UnavailableError."""
    held: list[Held] = []
    await collect(client, GET, {"multi_last": [ALL]}, held.append)
    return max(held, default=None)


async def read_all(client: Client, subject: str, until: int) -> list[Held]:
    """Every message of a subject up to number ``until``. Raises UnavailableError."""
    held: list[Held] = []
    while not held or held[-1].seq < until:
        more = await read(client, held[-1].seq if held else 0, subject)
        if not more:
            break
        held += more
        await asyncio.sleep(0)
    return [each for each in held if each.seq <= until]
