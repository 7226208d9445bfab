"""Parts of the Snapshot that cost too much for every tick: made only while somebody looks at them.

They are made in a thread of their own, so that neither keys nor prices wait for them. A tape that stands
still waits: no newer prices would bring it the parts of its moment.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from rotation.context import parts as names
from rotation.figures.basis import Basis
from rotation.story.parts import Part, Parts, with_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from rotation.desk import Desk
    from rotation.history import History
    from rotation.snapshot import Snapshot

log = logging.getLogger(__name__)

STORY = names.STORY
EVERY_S = 1.0
"""Between two computations of a part for newer prices: what is shown of it may be so much older than they."""
PLAYED_S = 2 * EVERY_S
"""A part on a tape that plays is no older than what this much time plays; a seek on leaves it behind."""
AT_ONCE = 8
"""Parts made in one go at most, those that have waited longest; the others follow."""
PAUSE_S = 0.2
"""After a go, for each figure explained in it: however fast viewers go from figure to figure, these cost a
fraction of a core."""
OF_CLOSES = frozenset({names.LINE, names.LEGS})
"""Kinds that rest on settled closes alone: newer prices make no other of them."""


class _Made(NamedTuple):
    part: Part | None
    """None: there is nothing that it could be of."""
    basis: Basis


class OnDemand:
    """The parts that are wanted, of one desk."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``sleep``: blocking, in the thread of whoever asks."""
        self._parts: frozenset[str] = frozenset()
        self._monotonic = monotonic
        self._sleep = sleep
        self._rests_until_s = -inf
        """Before then no figure is explained."""
        self._maker = Parts()
        self._worker = ThreadPoolExecutor(1, "on demand")
        self._newest: Basis | None = None
        self._made: dict[str, _Made] = {}
        self._making: Future[dict[str, _Made | Exception]] | None = None
        self._began_s: dict[str, float] = {}
        self._failed: set[str] = set()

    def want(self, parts: frozenset[str]) -> None:
        """Compute these parts with the next Snapshots."""
        self._parts = parts
        for kept in (self._made, self._began_s):
            for name in [name for name in list(kept) if name not in parts]:
                kept.pop(name, None)
        self._failed &= parts

    def compute(self, parts: frozenset[str]) -> Snapshot | None:
        """Compute these parts from now on; the newest Snapshot with them, None while there is none. Blocking.

        Those beyond AT_ONCE come later; one that fails is left out, as in ``add``.
        """
        self.want(parts)
        if self._newest is None or not parts:
            return None if self._newest is None else self._newest.snapshot
        if any(_is_figure(name) and name not in self._made for name in parts):
            self._sleep(max(self._rests_until_s - self._monotonic(), 0.0))
        basis = self._newest
        if due := [name for name in parts if not self._fits(name, basis)]:
            self._take(self._submit(basis, due))
        return self._with_parts(basis)

    def add(self, snapshot: Snapshot, history: History, desk: Desk) -> Snapshot:
        """The Snapshot with the parts that are wanted, as far as they are made; without those that failed.

        Blocking where a tape stands still.
        """
        self._newest = newest = Basis(snapshot, history, desk)
        if not self._parts:
            return snapshot
        if _stands_still(snapshot):
            self._making = None  # of prices that are no longer shown
            if due := [name for name in self._parts if not self._fits(name, newest)]:
                self._take(self._submit(newest, due))
        else:
            if self._making is not None and self._making.done():
                self._take(self._making)
            now_s = self._monotonic()
            due = [name for name in self._parts if self._is_due(name, newest, now_s)]
            if due and self._making is None:
                self._making = self._submit(newest, due)
        return self._with_parts(newest)

    def _submit(self, basis: Basis, due: Iterable[str]) -> Future[dict[str, _Made | Exception]]:
        """Begin with those that have waited longest."""
        now_s = self._monotonic()
        first = sorted(due, key=lambda name: (self._began_s.get(name, -inf), name))[:AT_ONCE]
        self._began_s |= dict.fromkeys(first, now_s)
        self._rests_until_s = now_s + PAUSE_S * sum(map(_is_figure, first))
        return self._worker.submit(self._make, basis, first)

    def _is_due(self, name: str, newest: Basis, now_s: float) -> bool:
        every_s = EVERY_S
        if _is_figure(name):
            if now_s < self._rests_until_s:
                return False
            every_s *= max(sum(map(_is_figure, self._parts)), 1)
        made = self._made.get(name)
        if made is None or made.part is None:
            waits = made is not None or name in self._failed
        else:
            waits = self._fits(name, newest)
            if waits and _is_of_closes(name):
                return not _has_same_closes(made.basis.snapshot, newest.snapshot)
        return not waits or now_s >= self._began_s.get(name, -inf) + every_s

    def _fits(self, name: str, newest: Basis) -> bool:
        """Whether it is made, and may be shown there."""
        made = self._made.get(name)
        if made is None or made.part is None or not _is_of_same(made.basis, newest):
            return False
        return _is_of_closes(name) or _is_not_later(made.basis.snapshot, newest.snapshot)

    def _with_parts(self, newest: Basis) -> Snapshot:
        shown = {
            name: made.part
            for name in self._parts
            if self._fits(name, newest) and (made := self._made.get(name)) and made.part is not None
        }
        return with_parts(newest.snapshot, shown) if shown else newest.snapshot

    def _take(self, making: Future[dict[str, _Made | Exception]]) -> None:
        """Wait for it and keep it; one that failed is left out, and the log has the first time in a row."""
        if making is self._making:
            self._making = None
        for name, made in making.result().items():
            if isinstance(made, _Made):
                self._failed.discard(name)
                self._made[name] = made
                continue
            if name not in self._failed:
                log.error("%s could not be made", name, exc_info=made)
            self._failed.add(name)
            self._made.pop(name, None)

    def _make(self, basis: Basis, due: Iterable[str]) -> dict[str, _Made | Exception]:
        made: dict[str, _Made | Exception] = {}
        for name in due:
            try:
                made[name] = _Made(self._maker.make(name, basis), basis)
            except Exception as error:  # noqa: BLE001 - one part that fails takes no other with it
                made[name] = error
        return made


def _is_of_closes(name: str) -> bool:
    return names.split(name)[0] in OF_CLOSES


def _is_figure(name: str) -> bool:
    return names.split(name)[0] == names.FIGURE


def _stands_still(snapshot: Snapshot) -> bool:
    """Whether it is of a tape that is held or at its end."""
    tape = snapshot.health.tape
    return tape is not None and (tape.held or tape.position >= tape.end)


def _is_of_same(was: Basis, now: Basis) -> bool:
    """Whether both are of one history, desk and session: across these nothing may be shown."""
    is_one_desk = was.history is now.history and was.desk == now.desk
    return is_one_desk and was.snapshot.session == now.snapshot.session


def _has_same_closes(was: Snapshot, now: Snapshot) -> bool:
    """Whether the same legs show their official closes: what followed reaches as far as these."""
    before, current = (
        {symbol: leg.settled_session for symbol, leg in each.legs.items()} for each in (was, now)
    )
    return before == current


def _is_not_later(was: Snapshot, now: Snapshot) -> bool:
    """Whether what rests on prices may be shown there: of later prices it would be wrong."""
    tape = now.health.tape
    if was.as_of > now.as_of:
        return False
    if _stands_still(now):
        return was.seq == now.seq
    age_s = (now.as_of - was.as_of).total_seconds()
    return tape is None or age_s <= PLAYED_S * max(tape.speed, 1.0)
