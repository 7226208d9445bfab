"""A running desk becomes another one: the new feeds come up beside the old, then all changes at once.

The supervisor, its market and its readers stay. The market keeps today's prints; feeds that both desks have
go on undisturbed, so the Fed is not asked twice. See docs/decisions.md.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from feeds.errors import InputError
from feeds.events import HistoryUpdated, Stream
from feeds.history.updater import HistoryUpdater
from rotation.status import Kind, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from feeds.events import Feed
    from feeds.supervision.entering import Entering
    from feeds.supervisor import Supervisor, Watched
    from rotation.history import History

log = logging.getLogger(__name__)

LIMIT_S = 10.0
"""So long the present feeds stay in charge at most. What has not come up by then comes up on screen."""
UNWELL = frozenset({Kind.OFFLINE, Kind.GAPPED})
"""What a symbol of a new stream may not be while the present one brings it well."""


class RefusedError(InputError):
    """A new source refuses for good: there is nothing to wait for."""


@runtime_checkable
class _KeptOut(Protocol):
    """A StreamFeed, or a Failover: a vendor may allow one connection alone, which the present feed has."""

    @property
    def is_kept_out(self) -> bool:
        """Whether it waits for another session to end."""
        ...


@runtime_checkable
class _Shows(Protocol):
    """A hub's feed."""

    has_shown: bool

    @property
    def fault(self) -> str:
        """Why nothing comes; empty while the hub is heard."""
        ...


async def exchange(
    supervisor: Supervisor,
    watched: Watched,
    *,
    swapped: Callable[[], None] = lambda: None,
    limit_s: float | None = None,
) -> None:
    """Have the supervisor watch this; returns once the feeds that have gone are closed.

    ``limit_s``: so many seconds the present feeds stay in charge at most; LIMIT_S where it is None.
    ``swapped`` is called in between, before the first Snapshot of the new desk. Raises RefusedError where a
    new source refuses for good; then, and where this is cancelled before that, the present desk stays.
    """
    new = [feed for feed in watched.feeds if feed not in supervisor.feeds]
    held = watched.history or supervisor.history
    lacking = frozenset(watched.desk.legs) - frozenset(held.symbols)
    entering = supervisor.enter(feed for feed in new if _is_awaited(feed, lacking))
    try:
        await _come_up(supervisor, entering, lacking, LIMIT_S if limit_s is None else limit_s)
        newest = _history_of(entering)
        watched = watched if newest is None else watched._replace(history=newest)
        made = await supervisor.pass_for(watched)
    except BaseException:
        await supervisor.leave(each.feed for each in entering)
        raise
    swapped()
    left = supervisor.watch(watched, made)
    log.info("another desk: %d feeds new, %d gone", len(new), len(left))
    await supervisor.leave(left)


def _is_awaited(feed: Feed, lacking: frozenset[str]) -> bool:
    """Whether the new desk would show less without what it brings at its start."""
    return isinstance(feed, Stream | _Shows) or (type(feed) is HistoryUpdater and bool(lacking))


def _history_of(entering: Sequence[Entering]) -> History | None:
    """The newest that they have brought."""
    events = (event for each in entering for event in reversed(each.events))
    return next((event.history for event in events if isinstance(event, HistoryUpdated)), None)


async def _come_up(
    supervisor: Supervisor, entering: Sequence[Entering], lacking: frozenset[str], limit_s: float
) -> None:
    """Wait until all are as well as what they replace. Raises RefusedError."""
    if not entering or not supervisor.is_running:
        return
    looks = asyncio.Event()
    for each in entering:
        each.on_event = looks.set
    try:
        async with asyncio.timeout(limit_s):
            while not all(_is_ready(supervisor, each, lacking) for each in entering):
                _check(entering)
                if any(isinstance(each.feed, _KeptOut) and each.feed.is_kept_out for each in entering):
                    return
                await looks.wait()
                looks.clear()
    except TimeoutError:
        slow = [each.feed.name for each in entering if not _is_ready(supervisor, each, lacking)]
        for hub in (each.feed for each in entering if isinstance(each.feed, _Shows)):
            if not _is_up(supervisor, hub):
                # It brings history too: without it the screen would be empty, or of yesterday.
                why = f": {hub.fault}" if hub.fault else ""
                raise RefusedError(f"the hub has not answered in {limit_s:.0f} s{why}") from None
        log.warning("the new desk does not wait any longer for %s", ", ".join(slow))
    _check(entering)


def _check(entering: Sequence[Entering]) -> None:
    for each in entering:
        status = each.record.status
        if isinstance(status.state, Refusal):
            why = f": {status.detail}" if status.detail else ""
            raise RefusedError(f"{each.feed.name} refuses{why}")


def _is_up(supervisor: Supervisor, hub: _Shows) -> bool:
    """Whether it has brought everything and lives; as dead as the present one it may be.

    A NATS server keeps the last values of a hub that has gone: they are no answer.
    """
    is_no_worse = any(isinstance(feed, _Shows) and feed.fault for feed in supervisor.feeds)
    return hub.has_shown and (is_no_worse or not hub.fault)


def _is_ready(supervisor: Supervisor, entering: Entering, lacking: frozenset[str]) -> bool:
    """Whether nothing of it is worse than what is in charge now.

    ``lacking``: legs of which no history is stored; some never have any.
    """
    record, feed = entering.record, entering.feed
    if entering.is_full:
        return True
    if isinstance(feed, HistoryUpdater):
        history = _history_of([entering])
        return feed.has_tried or (history is not None and lacking <= set(history.symbols))
    if isinstance(feed, _Shows):
        return _is_up(supervisor, feed)
    if not record.has_spoken or record.status.state is Kind.OFFLINE:
        return False
    assert isinstance(feed, Stream)
    for symbol in feed.symbols:
        now = supervisor.provenance.get(symbol)
        if record.by_symbol.get(symbol) in UNWELL and not (now and now.override in UNWELL):
            return False
    return True
