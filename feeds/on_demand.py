"""The story of a desk, made while somebody looks at it: too dear for every tick.

It is made in a thread of its own, so that neither keys nor prices wait for it, one after the other. What it
is made of never changes; where another moment is asked for meanwhile, what comes of it is dropped.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from rotation.figures.basis import Basis
from rotation.story.now import StoryNow

if TYPE_CHECKING:
    from collections.abc import Callable

    from rotation.context.figures import Story
    from rotation.desk import Desk
    from rotation.history import History
    from rotation.snapshot import Snapshot

log = logging.getLogger(__name__)

EVERY_S = 1.0
"""Between two computations for newer prices: the story that is shown may be so much older than they."""
PLAYED_S = 2 * EVERY_S
"""A story on a tape that plays is no older than what this much time plays; a seek on leaves it behind."""


class _Made(NamedTuple):
    story: Story
    basis: Basis


class OnDemand:
    """The story of one desk. ``run`` it once, beside the desk."""

    def __init__(
        self, show: Callable[[Snapshot], None], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """``show`` is given the newest Snapshot again, once its story is made."""
        self._show = show
        self._monotonic = monotonic
        self._now = StoryNow()
        self._wake = asyncio.Event()
        self._newest: Basis | None = None
        """The newest Snapshot whose story is wanted; None while nobody looks."""
        self._made: _Made | None = None
        self._began_s = 0.0
        self._has_failed = False

    def add(self, snapshot: Snapshot, history: History, desk: Desk, *, is_wanted: bool) -> Snapshot:
        """Return the Snapshot with its story if that is wanted and made; it is made next where it is not."""
        if not is_wanted:
            self._newest = None
            return snapshot
        self._newest = newest = Basis(snapshot, history, desk)
        if self._is_due(newest):
            self._wake.set()
        return self._with_story(newest)

    async def run(self) -> None:
        """Make what is wanted until cancelled; the thread has ended when this returns."""
        loop = asyncio.get_running_loop()
        worker = ThreadPoolExecutor(1, "story")
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                basis = self._newest
                if basis is None or not self._is_due(basis):
                    continue
                self._began_s = self._monotonic()
                try:
                    story = await loop.run_in_executor(worker, self._now.of, basis)
                except Exception:
                    if not self._has_failed:  # of several in a row the first
                        log.exception("the story could not be made")
                    self._made, self._has_failed = None, True
                    continue
                self._made, self._has_failed = _Made(story, basis), False
                self._publish()
        finally:
            worker.shutdown(wait=False, cancel_futures=True)
            await asyncio.to_thread(worker.shutdown)

    def _publish(self) -> None:
        """Show what has been made; where it is of another moment than the newest, that one's is made next."""
        newest = self._newest
        if newest is None:
            return
        shown = self._with_story(newest)
        if shown is newest.snapshot:
            self._wake.set()
        else:
            self._show(shown)

    def _with_story(self, basis: Basis) -> Snapshot:
        made = self._made
        fits = made is not None and _fits(made, basis)
        return replace(basis.snapshot, story=made.story) if made and fits else basis.snapshot

    def _is_due(self, basis: Basis) -> bool:
        """Whether it is to be made of this moment; of a tape that stands still once is enough."""
        made = self._made
        fits = made is not None and _fits(made, basis)
        is_late = self._monotonic() >= self._began_s + EVERY_S
        if made is None and self._has_failed:
            return is_late
        return not fits or (is_late and not _stands_still(basis.snapshot))


def _stands_still(snapshot: Snapshot) -> bool:
    """Whether it is of a tape that is held or at its end."""
    tape = snapshot.health.tape
    return tape is not None and (tape.held or tape.position >= tape.end)


def _fits(made: _Made, basis: Basis) -> bool:
    """Whether it may be shown there: of another history or session, or of later prices, it would be wrong."""
    was, now, tape = made.basis.snapshot, basis.snapshot, basis.snapshot.health.tape
    if made.basis.history is not basis.history or made.basis.desk != basis.desk:
        return False
    if was.session != now.session or was.as_of > now.as_of:
        return False
    if _stands_still(now):
        return was.as_of == now.as_of and (was.seq == now.seq or _is_alike(was, now))
    age_s = (now.as_of - was.as_of).total_seconds()
    return tape is None or age_s <= PLAYED_S * max(tape.speed, 1.0)


def _is_alike(was: Snapshot, now: Snapshot) -> bool:
    """Whether the prices that a story rests on are the same: a desk publishes more than once at a moment."""
    return was.legs == now.legs and was.spread == now.spread and was.fed == now.fed
