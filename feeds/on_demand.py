"""Parts of the Snapshot that cost too much for every tick: made only while somebody looks at them.

They are made in a thread of their own, so that neither keys nor prices wait for them, a few at a time. What
they are made of never changes; where another moment is asked for meanwhile, what comes of it is dropped.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from rotation.context.explanation import Explanation
from rotation.context.wants import NOTHING, ON_DEMAND, Part
from rotation.figures.basis import Basis
from rotation.figures.figure import plain
from rotation.figures.registry import figures, lookup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rotation.context.wants import Want, Wants
    from rotation.desk import Desk
    from rotation.history import History
    from rotation.snapshot import Snapshot
    from rotation.story.parts import Made, Parts

log = logging.getLogger(__name__)

THREAD = "on demand"
EVERY_S = 1.0
"""Between two computations of a part for newer prices: what is shown of it may be so much older than they."""
PLAYED_S = 2 * EVERY_S
"""A part on a tape that plays is no older than what this much time plays; a seek on leaves it behind."""
AT_ONCE = 8
"""Parts made in one go at most, those that have waited longest; the others follow."""
PAUSE_S = 0.2
"""After a go, for each figure explained in it: however fast viewers go from figure to figure, these cost a
fraction of a core."""
LATER_S = 0.001
"""A timer may ring a little early."""
OF_CLOSES = frozenset({Part.LINE, Part.LEGS})
"""Parts that rest on settled closes alone: newer prices make no other of them, later closes do."""


class _Made(NamedTuple):
    part: Made | None
    """None: there was nothing that it could be of, or it failed."""
    basis: Basis


class OnDemand:
    """The parts that are wanted, of one desk. ``run`` it once, beside the desk."""

    def __init__(
        self, show: Callable[[Snapshot], None], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """``show`` is given the newest Snapshot again, once more of its parts are made."""
        self._show = show
        self._monotonic = monotonic
        self._wake = asyncio.Event()
        self._wants: Wants = NOTHING
        self._newest: Basis | None = None
        """The newest Snapshot, while any part of it is wanted."""
        self._made: dict[Want, _Made] = {}
        self._began_s: dict[Want, float] = {}
        self._failed: set[Want] = set()
        self._rests_until_s = -inf
        """Before then no figure is explained."""

    @cached_property
    def _maker(self) -> Parts:
        """Made in the thread, with what it imports: the first figures need not wait for it."""
        from rotation.story.parts import Parts  # noqa: PLC0415

        return Parts()

    def add(self, snapshot: Snapshot, history: History, desk: Desk, asked: Wants) -> Snapshot:
        """Return the Snapshot with those parts that are made; the others are made next.

        ``asked``: all that is wanted of the desk; what a market makes is passed over.
        """
        self._want(frozenset(each for each in asked if each.part in ON_DEMAND))
        if not self._wants:
            self._newest = None
            return snapshot
        self._newest = newest = Basis(snapshot, history, desk)
        if self._due(newest):
            self._wake.set()
        return self._with_parts(newest)

    def _want(self, wants: Wants) -> None:
        if wants == self._wants:
            return
        self._wants = wants
        for kept in (self._made, self._began_s):
            for want in [want for want in kept if want not in wants]:
                kept.pop(want, None)
        self._failed &= wants

    async def run(self) -> None:
        """Make what is wanted until cancelled; the thread has ended when this returns."""
        loop = asyncio.get_running_loop()
        worker = ThreadPoolExecutor(1, THREAD)
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                basis = self._newest
                due = [] if basis is None else self._due(basis)[:AT_ONCE]
                if basis is not None and due:
                    now_s = self._monotonic()
                    self._began_s |= dict.fromkeys(due, now_s)
                    self._rests_until_s = max(self._rests_until_s, now_s + PAUSE_S * _figures_in(due))
                    self._take(await loop.run_in_executor(worker, self._make, basis, due), basis)
                    self._publish(due)
                if self._newest is not None and self._is_waiting(self._newest):
                    loop.call_later(
                        max(self._rests_until_s - self._monotonic(), 0.0) + LATER_S, self._wake.set
                    )
        finally:
            worker.shutdown(wait=False, cancel_futures=True)
            await asyncio.to_thread(worker.shutdown)

    def _make(self, basis: Basis, due: Iterable[Want]) -> dict[Want, Made | Exception | None]:
        made: dict[Want, Made | Exception | None] = {}
        for want in due:
            try:
                made[want] = self._maker.make(want, basis)
            except Exception as error:  # noqa: BLE001 - one part that fails takes no other with it
                made[want] = error
        return made

    def _take(self, results: dict[Want, Made | Exception | None], basis: Basis) -> None:
        """Keep what is still wanted; one that failed is left out, and the log has the first time in a row."""
        for want, made in results.items():
            if want not in self._wants:
                continue
            if not isinstance(made, Exception):
                self._failed.discard(want)
                self._made[want] = _Made(made, basis)
                continue
            if want not in self._failed:
                log.error("%s could not be made", want.name, exc_info=made)
            self._failed.add(want)
            self._made[want] = _Made(None, basis)

    def _publish(self, made: Iterable[Want]) -> None:
        """Show what has been made; what is of another moment than the newest, or has waited, is made next."""
        newest = self._newest
        if newest is None:
            return
        if any(self._fits(want, newest) for want in made):
            self._show(self._with_parts(newest))
        if self._due(newest):
            self._wake.set()

    def _due(self, newest: Basis) -> list[Want]:
        """What is to be made of this moment, that which has waited longest first."""
        now_s = self._monotonic()
        due = [want for want in self._wants if self._is_due(want, newest, now_s)]
        return sorted(due, key=lambda want: (self._began_s.get(want, -inf), want.name))

    def _is_waiting(self, newest: Basis) -> bool:
        """Whether a figure is to be explained that is not, once these have rested: no Snapshot need come."""
        figures = (want for want in self._wants if want.part is Part.FIGURE)
        return self._monotonic() < self._rests_until_s and any(
            want not in self._made or (self._made[want].part is not None and not self._fits(want, newest))
            for want in figures
        )

    def _is_due(self, want: Want, newest: Basis, now_s: float) -> bool:
        every_s = EVERY_S
        if want.part is Part.FIGURE:
            if now_s < self._rests_until_s:
                return False
            every_s *= _figures_in(self._wants)
        made = self._made.get(want)
        if made is None:
            return True
        is_late = now_s >= self._began_s.get(want, -inf) + every_s
        if made.part is None:  # again later; of a tape that stands still there may be no later
            is_other = made.basis.snapshot.seq != newest.snapshot.seq
            return is_late or (is_other and _stands_still(newest.snapshot))
        if not self._fits(want, newest):
            return True
        if want.part in OF_CLOSES:
            return not _has_same_closes(made.basis.snapshot, newest.snapshot)
        return is_late and not _stands_still(newest.snapshot)

    def _fits(self, want: Want, newest: Basis) -> bool:
        """Whether it is made, and may be shown there."""
        made = self._made.get(want)
        if made is None or made.part is None or not _is_of_same(made.basis, newest):
            return False
        if want.part in OF_CLOSES:
            was, now = made.basis.snapshot, newest.snapshot
            return was.as_of <= now.as_of or _has_same_closes(was, now)
        return _is_of_moment(made, newest)

    def _with_parts(self, newest: Basis) -> Snapshot:
        shown = {
            want: made.part
            for want, made in self._made.items()
            if made.part is not None and self._fits(want, newest)
        }
        if not shown:
            return newest.snapshot
        from rotation.story.parts import with_parts  # noqa: PLC0415 - see _maker

        return with_parts(newest.snapshot, shown)


def _figures_in(wants: Iterable[Want]) -> int:
    return sum(want.part is Part.FIGURE for want in wants)


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


def _is_of_moment(made: _Made, newest: Basis) -> bool:
    """Whether what rests on prices may be shown there: of later prices it would be wrong."""
    was, now, tape = made.basis.snapshot, newest.snapshot, newest.snapshot.health.tape
    if was.as_of > now.as_of:
        return False
    if _stands_still(now):
        return was.as_of == now.as_of and (was.seq == now.seq or _is_alike(made, newest))
    age_s = (now.as_of - was.as_of).total_seconds()
    return tape is None or age_s <= PLAYED_S * max(tape.speed, 1.0)


def _is_alike(made: _Made, newest: Basis) -> bool:
    """Whether the prices that it rests on are the same: a desk publishes more than once at a moment."""
    was, now = made.basis.snapshot, newest.snapshot
    if was.legs != now.legs or was.spread != now.spread or was.fed != now.fed:
        return False
    if not isinstance(made.part, Explanation):
        return True
    figure = lookup(made.part.id, figures(newest.desk))
    return made.part.value == plain(figure.read(now))
