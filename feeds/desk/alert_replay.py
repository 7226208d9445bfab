"""When alerts would have called on a tape: the desk's own way, as fast as this machine can play it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from feeds.events import Batch, Status
from feeds.fed.then.replayed import WithThen
from feeds.supervisor import Supervisor
from feeds.tapes.recording import steps
from feeds.tapes.tape_schema import quotes
from rotation.alerts.desk_log import DeskLog
from rotation.market.market import Market
from rotation.quote import NS
from rotation.sessions import close_ns, from_ns, session_at
from rotation.snapshot import Tape
from rotation.status import REPLAY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    import polars as pl

    from feeds.desk.opened.sources import Source
    from feeds.events import Event
    from rotation.alerts.desk_log import Call
    from rotation.alerts.rule import Rule
    from rotation.desk import Desk
    from rotation.fed.figures import Fed
    from rotation.snapshot import Snapshot
    from rotation.status import Mode

BELL_NS = 60 * NS
"""A last print so near to the bell counts as the session's end: official closes then settle."""


class _EverySecond:
    """A tape as a feed that does not wait: the prints of each second at once, a recording event by event."""

    name = "tape"

    def __init__(self, tape: pl.DataFrame, mode: Mode) -> None:
        self.mode = mode
        self._tape = tape
        times = tape["at_ns" if "at_ns" in tape.columns else "ts_ns"]
        self._start, self._end = from_ns(int(times[0])), from_ns(int(times[-1]))

    def tape(self) -> Tape:
        """Where the tape stands; nobody looks."""
        return Tape(position=self._start, start=self._start, end=self._end, speed=1.0, held=False)

    async def events(self) -> AsyncIterator[Event]:
        """All of it, in order."""
        yield Status(self.mode.kind, "")
        for event in steps(self._tape) if "step" in self._tape.columns else self._seconds():
            yield event

    def _seconds(self) -> Iterator[Event]:
        seconds = (self._tape["ts_ns"] // NS).rename("second")
        last_ns = 0
        for _, rows in self._tape.group_by(seconds, maintain_order=True):
            at_ns = int(rows["ts_ns"][-1])
            yield from self._bell(last_ns, at_ns)
            yield Batch(tuple(quotes(rows)), at_ns)
            last_ns = at_ns
        yield from self._bell(last_ns, last_ns + BELL_NS)

    def _bell(self, last_ns: int, next_ns: int) -> Iterator[Event]:
        session = session_at(last_ns) if last_ns else None
        bell_ns = close_ns(session) if session else last_ns
        if last_ns < bell_ns <= min(last_ns + BELL_NS, next_ns):
            yield Batch((), bell_ns)


def calls_on(
    source: Source,
    desk: Desk,
    rules: tuple[Rule, ...],
    fed_then: Callable[[int], Fed | None] | None = None,
) -> list[Call]:
    """Every call over the whole tape, from a fresh state. Blocking. ``fed_then``: see ``WithThen``."""
    assert source.tape is not None
    began_ns = int(source.tape["at_ns"][0]) if "at_ns" in source.tape.columns else 0
    market = Market(
        source.history, desk, as_of_ns=began_ns, origin=source.origin, membership=source.membership
    )
    tape = _EverySecond(source.tape, source.origin.mode or REPLAY)
    supervisor = Supervisor(market, [tape if fed_then is None else WithThen(tape, fed_then)])
    judged = DeskLog(desk, rules, on_tape=True)
    market.want(judged.wants)
    calls: list[Call] = []

    def take(snapshot: Snapshot) -> Snapshot:
        shown, fired = judged.take(snapshot)
        calls.extend(fired)
        return shown

    supervisor.on_publish = take
    asyncio.run(supervisor.run())
    return calls
