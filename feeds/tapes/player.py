"""A tape as a feed: recorded, read from bars, or generated, at any speed, with hold and seek."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from typing import TYPE_CHECKING

from feeds.events import Batch, Rewind, Status
from feeds.tapes.recording import events_as_of, merged, steps
from feeds.tapes.tape_schema import quotes
from rotation.quote import NS
from rotation.sessions import close_ns, from_ns, hours, session_at
from rotation.snapshot import Tape

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import polars as pl

    from feeds.events import Event
    from rotation.quote import Quote
    from rotation.status import Mode

FRAME_S = 0.1
"""Ten batches a second at most."""
IDLE_FRAMES = 10
"""Without prints, the time is published once a second."""
NIGHT_S = 3.0
"""How long the screen rests on a close before the tape jumps to the next session."""
BELL_NS = 60 * NS
EXACT = 100
"""So many recorded events in a frame are played one by one; more, at a high speed, in as few as will do."""
SPEEDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)


def until(tape: pl.DataFrame, at_ns: int) -> tuple[Quote, ...]:
    """All a market needs to stand at this instant: the newest session's quotes up to it."""
    known = tape.filter(tape["ts_ns"] <= at_ns)
    if known.is_empty():
        return ()
    session = session_at(known["ts_ns"][-1])
    if session is not None:
        known = known.filter(known["ts_ns"] >= hours(session)[0])
    return tuple(quotes(known))


def _end(last_ns: int) -> int:
    """A tape that runs up to the bell, but for its last minute, hears it: then official closes settle."""
    session = session_at(last_ns)
    bell_ns = close_ns(session) if session else last_ns
    return bell_ns if last_ns < bell_ns <= last_ns + BELL_NS else last_ns


class TapeFeed:
    """Plays a tape (see ``feeds.tapes.reading``) through time; the controls may be called at any moment."""

    def __init__(
        self,
        tape: pl.DataFrame,
        *,
        name: str,
        mode: Mode,
        speed: float = 1.0,
        start_ns: int | None = None,
        stays: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``stays``: wait at the end for a seek; else the feed ends there.

        Raises ValueError for an empty tape.
        """
        if tape.is_empty():
            raise ValueError("the tape has no quotes")
        self.name = name
        self.mode = mode
        self._tape = tape
        self._recorded = "step" in tape.columns
        self._times: list[int] = tape["at_ns" if self._recorded else "ts_ns"].to_list()
        self._start_ns, self._end_ns = self._times[0], _end(self._times[-1])
        self._position_ns = self._clamp(self._start_ns if start_ns is None else start_ns)
        self._next = 0
        self._speed = speed
        self._held = False
        self._sought = False
        self._rested_s = 0.0
        self._stays = stays
        self._monotonic = monotonic
        self._sleep = sleep
        self._wake = asyncio.Event()

    def tape(self) -> Tape:
        """Where the tape stands."""
        return Tape(
            position=from_ns(self._position_ns),
            start=from_ns(self._start_ns),
            end=from_ns(self._end_ns),
            speed=self._speed,
            held=self._held,
        )

    def hold(self) -> None:
        """Stop the tape, or let it run on."""
        self._held = not self._held
        self._wake.set()

    def faster(self) -> None:
        """The next speed up."""
        self._speed = next((s for s in SPEEDS if s > self._speed), SPEEDS[-1])
        self._wake.set()

    def slower(self) -> None:
        """The next speed down."""
        self._speed = next((s for s in reversed(SPEEDS) if s < self._speed), SPEEDS[0])
        self._wake.set()

    def seek(self, seconds: float) -> None:
        """Move by this many seconds of tape, back or on, within its ends."""
        self._position_ns = self._clamp(self._position_ns + int(seconds * NS))
        self._sought = True
        self._wake.set()

    def _clamp(self, ts_ns: int) -> int:
        return min(max(ts_ns, self._start_ns), self._end_ns)

    async def events(self) -> AsyncIterator[Event]:
        """The quotes as they come due, a recording event by event; a Rewind after every seek."""
        held = len(self._tape) - self._tape["symbol"].null_count()
        yield Status(self.mode.kind, f"{held:,} quotes")
        for event in self._begin():
            yield event
        before, idle = self._monotonic(), 0
        while self._stays or not self._ended:
            await (self._wake.wait() if self._held or self._ended else self._sleep(FRAME_S))
            now = self._monotonic()
            elapsed, before = now - before, now
            if self._wake.is_set():
                self._wake.clear()
                for event in self._rewind() if self._sought else [Batch((), self._position_ns)]:
                    yield event
                continue
            due = self._advance(elapsed)
            idle = 0 if due else idle + 1
            if not due and (self._ended or idle % IDLE_FRAMES == 0):
                due = [Batch((), self._position_ns)]
            for event in due:
                yield event

    @property
    def _ended(self) -> bool:
        return self._position_ns >= self._end_ns

    def _begin(self) -> list[Event]:
        if not self._recorded or self._position_ns > self._start_ns:
            return self._rewind()
        # Exactly as the recorded market began, which a Rewind would tell once more than it was told.
        self._next = bisect_right(self._times, self._position_ns)
        return steps(self._tape.head(self._next))

    def _rewind(self) -> list[Event]:
        self._sought = False
        self._next = bisect_right(self._times, self._position_ns)
        if self._recorded:
            return events_as_of(self._tape, self._position_ns)
        return [Rewind(until(self._tape, self._position_ns), self._position_ns)]

    def _advance(self, elapsed_s: float) -> list[Event]:
        """Move on by wall seconds, not dwelling on nights, and return what came due."""
        position = self._position_ns + int(elapsed_s * self._speed * NS)
        night = self._night()
        if night is not None and self._position_ns < night[1] and position >= night[0]:
            self._rested_s += elapsed_s
            position = max(night[0], self._position_ns) if self._rested_s < NIGHT_S else night[1]
        else:
            self._rested_s = 0.0
        self._position_ns = min(position, self._end_ns)
        first, self._next = self._next, bisect_right(self._times, self._position_ns)
        rows = self._tape.slice(first, self._next - first)
        if self._recorded:
            return steps(rows) if rows["step"].n_unique() <= EXACT else merged(rows)
        return [Batch(tuple(quotes(rows)), self._position_ns)] if rows.height else []

    def _night(self) -> tuple[int, int] | None:
        """From the session's end, its bell or its last print if later, to a second before the next print.

        None while the next print belongs to the same session.
        """
        if not 0 < self._next < len(self._times):
            return None
        last_ns, next_ns = self._times[self._next - 1], self._times[self._next]
        session = session_at(last_ns)
        if session is None or session_at(next_ns) == session:
            return None
        return max(close_ns(session), last_ns), next_ns - NS
