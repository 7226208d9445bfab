"""Parts of the Snapshot that cost too much for every tick: made only while somebody looks at them.

They are made in a thread of their own, so that neither keys nor prices wait for them.
"""

from __future__ import annotations

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

STORY = "story"
"""Levels and episodes."""
EVERY_S = 1.0
"""Between two computations for newer prices: the story that is shown may be so much older than they."""


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
        """The Snapshot with the parts that are wanted, as far as they are made.

        Raises what computing them raised.
        """
        self._newest = Basis(snapshot, history, desk)
        if STORY not in self._parts:
            return snapshot
        if self._making is not None and self._making.done():
            self._made, self._making = self._making.result(), None
        now_s, made = self._monotonic(), self._made
        is_due = made is None or not _is_of(made, self._newest) or now_s >= self._began_s + EVERY_S
        if self._making is None and is_due:
            self._making, self._began_s = self._worker.submit(self._make, self._newest), now_s
        return replace(snapshot, story=made.story) if made and _is_of(made, self._newest) else snapshot

    def _make(self, basis: Basis) -> _Made:
        return _Made(self._now.of(basis), basis)


def _is_of(made: _Made, basis: Basis) -> bool:
    """Whether it is of this history and session: of another one it would be wrong, not only old."""
    was = made.basis
    return (
        was.history is basis.history
        and was.desk == basis.desk
        and was.snapshot.session == basis.snapshot.session
    )
