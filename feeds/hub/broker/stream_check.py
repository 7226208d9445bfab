"""Whether the streams that the server has under our names are those that a hub can use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.errors import UnavailableError
from feeds.hub.broker import tape_stream
from feeds.hub.broker.connection import ask
from feeds.hub.wire import subjects

if TYPE_CHECKING:
    from nats.aio.client import Client

OTHER = f"the NATS server's stream {subjects.STREAM} is not one of a hub; delete or rename it"
MANY = (
    f"the NATS server's stream {subjects.STREAM} does not keep exactly one message a subject;"
    " delete it, and the hub makes it anew"
)
AGES = (
    f"the NATS server's stream {subjects.STREAM} discards messages by age;"
    " delete it, and the hub makes it anew"
)
OTHER_TAPE = f"the NATS server's stream {subjects.TAPE_STREAM} is not one of a hub; delete or rename it"


async def check_stream(client: Client) -> None:
    """Raises UnavailableError for one that keeps other subjects, gives viewers nothing, or forgets."""
    config = (await ask(client, f"STREAM.INFO.{subjects.STREAM}"))["config"]
    if not ({*subjects.ALL} <= {*config.get("subjects", ())} and config.get("allow_direct")):
        raise UnavailableError(OTHER)
    if config.get("max_msgs_per_subject") != 1:
        raise UnavailableError(MANY)
    if config.get("max_age", 0) != 0:
        raise UnavailableError(AGES)


async def check_tape(client: Client) -> None:
    """Raises UnavailableError for one that keeps other subjects, or that nobody can read."""
    config = (await ask(client, f"STREAM.INFO.{subjects.TAPE_STREAM}"))["config"]
    if not (tape_stream.ALL in config.get("subjects", ()) and config.get("allow_direct")):
        raise UnavailableError(OTHER_TAPE)
