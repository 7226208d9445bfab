"""Writes the tape to the server, beside the quotes: whatever becomes of it, they go on.

The tape is fenced as the quotes are: every message names the number of the one before it in the stream
TAPE, and the server keeps it only if that is still so. A message is sent only once the stream QUOTES has
kept something that was sent after its last event, so that what is on the tape was taken in by the hub that
held the lease. What the server did not answer is not sent twice: the stream itself says which message of
this hub it has last.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from feeds.errors import UnavailableError
from feeds.hub.broker import stream_check, tape_stream
from feeds.hub.broker.connection import DeniedError, RefusedError, unanswered
from feeds.hub.broker.kept import ensure_stream
from feeds.hub.broker.lease import ACK_S, EXPECTED, RESUME_S
from feeds.hub.tape.writer import HEADERS
from feeds.hub.wire.codec import WireError, decode
from rotation.snapshot import FeedHealth
from rotation.status import Kind
from rotation.text import counted
from rotation.wording import state_word

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.aio.client import Client

    from feeds.clock import Time
    from feeds.hub.tape.writer import Chunk, TapeWriter

log = logging.getLogger(__name__)

NAME = "tape"
"""Its row on the Health panel, where there is something to report."""
FLUSH_S = 1.0
"""What a kill can lose, and the time until the server has proved the lease."""
AGAIN_S = 5.0
"""Between two tries after the server has refused."""
QUIET_S = 5.0
"""A server that does not answer is reported after so long: it may be choosing a leader."""
LOOK_S = 60.0
"""Between two looks whether old messages have gone."""
UNPROVED_S = 10.0
"""So long a message waits for the lease to be proved before that is reported."""
KEPT_S = 60.0
"""So long what has come waits for a server that refuses it or is silent. Then it is left out, as is what
comes until the next try, and the tape says so: a permission that is missing may be missing for days."""
WAITING_MAX = 64 * 2**20
"""Bytes that wait for the server, made; beyond it the writer's own limit holds."""
OUTRUN = 10071
"""JetStream's number of the error that another message has come first, or ours has been kept unanswered."""


class _Waiting(NamedTuple):
    chunk: Chunk
    made_s: float
    """When it was made: its events had been taken in by then."""


class TapeSender:
    """``run`` it beside the hub that holds the lease, ``finish`` it before the lease is given up."""

    def __init__(
        self,
        client: Client,
        writer: TapeWriter,
        limits: tape_stream.Limits,
        *,
        replicas: int,
        proved_s: Callable[[], float],
        time: Time,
        report: Callable[[str], None],
    ) -> None:
        """``proved_s``: when the newest message was sent that the stream QUOTES has kept."""
        self._client = client
        self._writer = writer
        self._config = tape_stream.config(replicas, limits)
        self._proved_s = proved_s
        self._time = time
        self._report = report
        self._waiting: deque[_Waiting] = deque()
        self._making: asyncio.Task[list[Chunk]] | None = None
        """A thread's work on what was taken from the writer: it must not be lost, nor run beside another."""
        self._newest: int | None = None
        """The stream's number before the next message; None while nobody knows."""
        self._is_begun = self._is_broken = False
        self._failing_s: float | None = None
        self._problem = ""
        """Why the tape is not written, as it was reported; empty while it is."""
        self._looked_s = 0.0
        self._discarded: int | None = None
        self.sent = 0
        """Messages that the server has kept."""

    async def run(self) -> None:
        """Until it is cancelled; an error stops the tape for a while, a defect of ours for good."""
        while not self._is_broken:
            try:
                await self._turn()
            except UnavailableError as error:
                self._newest = None
                self._fail(error)
                is_refused = _is_refused(error)
                await asyncio.sleep(AGAIN_S if is_refused else RESUME_S)
            except Exception as error:
                log.exception("hub: the tape has failed")
                self._is_broken = True
                self._stop(f"internal error ({type(error).__name__}), see the log")
            else:
                self._failing_s = None
                await asyncio.sleep(FLUSH_S)

    async def finish(self, within_s: float) -> None:
        """Send what is left, as far as that goes in time."""
        if self._is_broken:
            return
        ends_s = self._time.monotonic() + within_s
        with contextlib.suppress(UnavailableError, TimeoutError):
            async with asyncio.timeout(within_s):
                try:
                    await self._send_all(ends_s)
                except UnavailableError:  # what was on its way may have come between
                    await self._send_all(ends_s)

    async def _send_all(self, ends_s: float) -> None:
        self._newest = None  # a message may have been kept whose answer nobody has awaited
        await self._turn()
        while self._waiting and self._time.monotonic() < ends_s:
            await asyncio.sleep(0.05)
            await self._send_proved()

    def rows(self) -> tuple[FeedHealth, ...]:
        """Its row of the Health panel, where there is something to report."""
        parts = [self._problem] if self._problem else []
        if self._discarded:
            parts.append(f"{counted(self._discarded, 'old message')} discarded")
        if self._writer.lost:
            parts.append(f"{counted(self._writer.lost, 'row')} left out")
        if not parts:
            return ()
        kind, detail = Kind.OFFLINE if self._problem else Kind.LIVE, "; ".join(parts)
        return (FeedHealth(NAME, state_word(kind), detail, 0, self.sent, kind=kind),)

    async def _turn(self) -> None:
        """Make what has come, and send what is proved. Raises UnavailableError."""
        if self._newest is None:
            await self._open()
        if sum(len(each.chunk.data) for each in self._waiting) < WAITING_MAX:
            await self._make()
        await self._send_proved()
        if self._waiting and self._time.monotonic() - self._waiting[0].made_s > UNPROVED_S:
            raise UnavailableError("the server does not confirm that it stores the quotes")
        await self._look()

    async def _make(self) -> None:
        """Make messages of what has come, or take what a cancelled turn has begun to make."""
        self._writer.limit(self._client.max_payload)  # it may be another server than before
        making = self._making or asyncio.create_task(asyncio.to_thread(self._writer.chunks), name="tape rows")
        self._making = making
        chunks = await asyncio.shield(making)
        self._making = None
        made_s = self._time.monotonic()
        self._waiting.extend(_Waiting(chunk, made_s) for chunk in chunks)

    async def _open(self) -> None:
        """Have a stream, and find out which message of ours it has last. Raises UnavailableError."""
        await ensure_stream(self._client, self._config)
        await stream_check.check_tape(self._client)
        held = await tape_stream.newest(self._client)
        epoch = seq = as_of_ns = 0
        if held is not None:
            with contextlib.suppress(WireError):
                message = decode(held.subject, held.data)
                epoch, seq, as_of_ns = message.epoch, message.seq, message.as_of_ns
        if epoch > self._writer.epoch:
            raise UnavailableError("another hub is writing it")
        if epoch == self._writer.epoch:
            while self._waiting and self._waiting[0].chunk.seq <= seq:
                self._waiting.popleft()
        elif not self._is_begun:
            self._writer.begin(as_of_ns or None)
        self._is_begun = True
        self._newest = 0 if held is None else held.seq

    async def _send_proved(self) -> None:
        """Send what the lease is proved for, each once the one before is kept. Raises UnavailableError."""
        while self._waiting and self._waiting[0].made_s < self._proved_s():
            chunk = self._waiting[0].chunk
            if len(chunk.data) + HEADERS > self._client.max_payload:
                self._drop(chunk)
                continue
            await self._send(chunk)
            self._waiting.popleft()
            self.sent += 1
            self._recover()

    def _drop(self, chunk: Chunk) -> None:
        """Leave out the first message that waits: made for another server, it is longer than this one takes.

        Its number is missing then, so whoever reads the tape marks a gap there.
        """
        self._waiting.popleft()
        self._writer.lost += chunk.rows
        log.warning("hub: tape: %d bytes are more than the server takes", len(chunk.data))
        self._report(
            f"{counted(chunk.rows, 'row')} of the tape left out: more than the NATS server takes in a message"
        )

    async def _send(self, chunk: Chunk) -> None:
        from nats import errors  # noqa: PLC0415 - an extra

        since_s = time.monotonic()
        try:
            answer = await self._client.request(
                chunk.subject, chunk.data, timeout=ACK_S, headers={EXPECTED: str(self._newest)}
            )
            made = json.loads(answer.data)
            if "error" in made:
                refusal = made["error"]
                text, code = str(refusal.get("description", "error")), int(refusal.get("err_code", 0))
                raise RefusedError(f"JetStream: {text}", code)
            self._newest = int(made["seq"])
        except (errors.Error, TimeoutError, ValueError, KeyError, TypeError, OSError) as error:
            raise unanswered(self._client, chunk.subject, since_s, "JetStream does not answer") from error

    async def _look(self) -> None:
        """Say it once when the oldest messages begin to go. Raises UnavailableError."""
        now_s = self._time.monotonic()
        if self._discarded is not None and now_s - self._looked_s < LOOK_S:
            return
        self._looked_s = now_s
        gone = await tape_stream.discarded(self._client)
        if gone and not self._discarded:
            self._report("the tape on the NATS server has reached its limits; its oldest part is discarded")
        self._discarded = gone

    def _fail(self, error: UnavailableError) -> None:
        now_s = self._time.monotonic()
        self._failing_s = now_s if self._failing_s is None else self._failing_s
        if now_s - self._failing_s > KEPT_S:
            self._leave_out()
        if not _is_refused(error) and (now_s - self._failing_s < QUIET_S or not self._client.is_connected):
            return
        log.warning("hub: tape: %s", error)
        self._stop(str(error))

    def _leave_out(self) -> None:
        """Keep nothing that waits: who reads the tape marks a gap where the numbers of these are missing."""
        self._writer.lost += sum(each.chunk.rows for each in self._waiting)
        self._waiting.clear()
        self._writer.leave_out()

    def _stop(self, problem: str) -> None:
        if not self._problem:
            self._report(f"the tape is not being written ({problem}); quotes go on")
        self._problem = problem

    def _recover(self) -> None:
        self._failing_s = None
        if self._problem:
            self._problem = ""
            self._report("the tape is being written again")


def _is_refused(error: UnavailableError) -> bool:
    """Whether the server will not have it, rather than be late or have had another message first."""
    is_outrun = isinstance(error, RefusedError) and error.code == OUTRUN
    return isinstance(error, RefusedError | DeniedError) and not is_outrun
