"""A feed from beginning to end: its events until it ends, and another start where a live one fails."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from feeds.errors import InputError, SourceError, UnavailableError
from feeds.events import Prices, Status, Stream, SymbolStates
from feeds.turns import turns, wait_for_turn
from rotation.status import Kind
from rotation.text import duration
from rotation.wording import mode_word

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from feeds.events import Event, Feed
    from feeds.turns import Turns

    Take = Callable[[Feed, Event], Awaitable[None]]

log = logging.getLogger(__name__)

AGAIN_S = 10.0
"""Between a feed's unexpected error and its next start; twice as long after each further one."""
AGAIN_MAX_S = 300.0


async def drive(feed: Feed, take: Take, desk_turns: Turns, sleep: Callable[[float], Awaitable[None]]) -> None:
    """Run a feed until it ends; a live one that fails is OFFLINE until it has been started again.

    ``take`` is given each event; what it raises is not the feed's failure. Raises that, what a tape raises,
    and InputError.
    """
    turns.set(desk_turns)  # for all tasks of the feed
    log.info("feed %s starts as %s", feed.name, mode_word(feed.mode))
    failures = 0
    while (error := await _run(feed, take)) is not None:
        wait_s = min(AGAIN_S * 2.0**failures, AGAIN_MAX_S)
        failures += 1
        await take(feed, Status(Kind.OFFLINE, f"{_reason(error)}; next try in {duration(wait_s)}"))
        if isinstance(feed, Stream):
            await take(feed, SymbolStates(dict.fromkeys(feed.symbols, Kind.OFFLINE)))
        await sleep(wait_s)
    log.info("feed %s has ended", feed.name)


async def _run(feed: Feed, take: Take) -> Exception | None:
    """Its events until it ends, which returns None, or fails: then its error, which has been logged."""
    events = feed.events()
    try:
        while True:
            try:
                event = await anext(events)
            except StopAsyncIteration:
                return None
            except InputError:
                raise
            except Exception as error:
                if feed.tape() is not None:  # a tape is all there is to see
                    raise
                log.exception("feed %s failed", feed.name)
                return error
            if isinstance(event, Prices):
                await wait_for_turn()
            await take(feed, event)
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()


def _reason(error: Exception) -> str:
    """Only errors in our own words are quoted: another's text may hold an address, and that a key."""
    if isinstance(error, SourceError | UnavailableError):
        return str(error)
    return f"internal error ({type(error).__name__}), see the log"
