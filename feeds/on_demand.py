"""Parts of the Snapshot that cost too much for every tick: made only while somebody looks at them.

They are made in a thread of their own, so that neither keys nor prices wait for them. A tape that stands
still waits: no newer prices would bring it the story of its moment.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from rotation.figures.basis import Basis
from rotation.story.now import StoryNow

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from rotation.context.figures import Story
    from rotation.desk import Desk
    from rotation.history import History
    from rotation.snapshot import Snapshot

log = logging.getLogger(__name__)

STORY = "story"
"""Levels and episodes."""
EVERY_S = 1.0
"""Between two computations for newer prices: the story that is shown may be so much older than they."""
PLAYED_S = 2 * EVERY_S
"""A story on a tape that plays is no older than what this much time plays; a seek on leaves it behind."""


class _Made(NamedTuple):
    story: Story
    basis: Basis


class OnDemand:
    """The parts that are wanted, of one desk."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._parts: frozenset[str] = frozenset()
        self._monotonic = monotonic
        self._now = StoryNow()
        self._worker = ThreadPoolExecutor(1, "story")
        self._newest: Basis | None = None
        self._made: _Made | None = None
        self._making: Future[_Made] | None = None
        self._began_s = 0.0
        self._has_failed = False

    def want(self, parts: frozenset[str]) -> None:
        """Compute these parts with the next Snapshots."""
        self._parts = parts

    def compute(self, parts: frozenset[str]) -> Snapshot | None:
        """Compute these parts from now on; the newest Snapshot with them, None while there is none. Blocking.

        Raises what computing them raises.
        """
        self._parts = parts
        basis = self._newest
        if basis is None or STORY not in parts:
            return None if basis is None else basis.snapshot
        self._made = self._worker.submit(self._make, basis).result()
        return replace(basis.snapshot, story=self._made.story)

    def add(self, snapshot: Snapshot, history: History, desk: Desk) -> Snapshot:
        """The Snapshot with the parts that are wanted, as far as they are made; without those that failed.

        Blocking where a tape stands still.
        """
        self._newest = newest = Basis(snapshot, history, desk)
        if STORY not in self._parts:
            return snapshot
        if _stands_still(snapshot):
            self._making = None  # of prices that are no longer shown
            if self._made is None or not _fits(self._made, newest):
                self._take(self._worker.submit(self._make, newest))
        else:
            if self._making is not None and self._making.done():
                self._take(self._making)
            now_s, made = self._monotonic(), self._made
            is_early = now_s < self._began_s + EVERY_S and (
                self._has_failed if made is None else _fits(made, newest)
            )
            if self._making is None and not is_early:
                self._making, self._began_s = self._worker.submit(self._make, newest), now_s
        made = self._made
        return replace(snapshot, story=made.story) if made and _fits(made, newest) else snapshot

    def _take(self, making: Future[_Made]) -> None:
        """Wait for it and keep it; nothing where it fails, which the log says of the first in a row."""
        self._making = None
        try:
            self._made = making.result()
            self._has_failed = False
        except Exception:
            if not self._has_failed:
                log.exception("the story could not be made")
            self._made, self._has_failed = None, True

    def _make(self, basis: Basis) -> _Made:
        return _Made(self._now.of(basis), basis)


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
        return was.seq == now.seq
    age_s = (now.as_of - was.as_of).total_seconds()
    return tape is None or age_s <= PLAYED_S * max(tape.speed, 1.0)
