"""Whether the stream that the server has under our name is one that a hub can use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.errors import UnavailableError
from feeds.hub.broker.connection import ask
from feeds.hub.wire import subjects

if TYPE_CHECKING:
    from nats.aio.client import Client

OTHER = f"the NATS server's stream {subjects.STREAM} is not one of a hub; delete or rename it"


async def check_stream(client: Client) -> None:
    """Raises UnavailableError for one that keeps other subjects, or gives viewers nothing of them."""
    config = (await ask(client, f"STREAM.INFO.{subjects.STREAM}"))["config"]
    if not ({*subjects.ALL} <= {*config.get("subjects", ())} and config.get("allow_direct")):
        raise UnavailableError(OTHER)
