"""Who publishes: the hub whose messages the stream takes.

Every message that a hub sends names the stream's newest number (``Nats-Expected-Last-Sequence``), and the
server keeps it only if that is still so. A hub takes over by one such message with a higher epoch, once the
stream has not grown and no beat was pushed for SILENT_S. Whoever held the lease before, paused or cut off,
then names an old number: nothing that it sends is kept, and it learns so from the first answer. No clock is
compared with another machine's.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from feeds.errors import UnavailableError
from feeds.hub.broker import kept
from feeds.hub.broker.connection import RefusedError, ask
from feeds.hub.wire import subjects
from feeds.hub.wire.codec import OtherVersion, WireError, decode, encode
from feeds.hub.wire.messages import SCHEMA, BeatMessage
from rotation.snapshot import Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from feeds.clock import Time
    from feeds.hub.outgoing import Outgoing

log = logging.getLogger(__name__)

SILENT_S = 3.0
"""A hub that was silent for so long may be replaced."""
LOOK_S = 0.25
ACK_S = 2.0
"""For the server's answer to a tick; without it nobody knows what was kept."""
ACK_MAX_S = 16.0
"""The same of a server that has answered late before."""
PROMPT_S = 0.3
"""So long a tick waits for an answer that comes at once."""
PREPARE_S = 1.75
"""A hub that was silent for so long is likely to be replaced: what reads the vendors is made ready."""
RESUME_S = 0.5
"""Between two tries to go on after the server has refused to keep something."""
NO_MESSAGE = 10037
"""JetStream's number for a subject that has no message."""
EXPECTED = "Nats-Expected-Last-Sequence"
KEPT_BY_NOBODY = str(2**63 - 1)
"""A number that no stream has: such a message is pushed to those who listen, and kept by no server."""


class Lost(Exception):  # noqa: N818 - what has happened, and no fault of anybody's
    """Another hub publishes now."""


class CutOff(Exception):  # noqa: N818 - what has happened, and no fault of anybody's
    """Without a connection for so long that another hub may publish, or with one that nothing will mend."""


class Unreadable(Enum):
    """What stands where the last beat should, and is none that this program reads."""

    VERSION = "the beat of a hub of another version"
    NOISE = "bytes that no hub sends"


Newest = BeatMessage | Unreadable | None
"""What the stream has last on the subject of beats; None where it has nothing."""


async def newest_beat(client: Client) -> Newest:
    """The last beat that the leader of the stream has. Raises UnavailableError.

    A fetch as viewers make it may be answered by a server that lags behind the leader.
    """
    try:
        made = await ask(client, f"STREAM.MSG.GET.{subjects.STREAM}", {"last_by_subj": subjects.BEAT})
        message = decode(subjects.BEAT, base64.b64decode(made["message"]["data"]))
    except RefusedError as error:
        if error.code == NO_MESSAGE:
            return None
        raise
    except OtherVersion:
        return Unreadable.VERSION
    except (WireError, KeyError, TypeError, ValueError):
        return Unreadable.NOISE
    return message if isinstance(message, BeatMessage) else Unreadable.NOISE


class Claim(NamedTuple):
    """The lease, when it was taken."""

    epoch: int
    newest: int
    """The number of the stream's newest message, ours."""


class Lease:
    """One process's claim to publish."""

    def __init__(self, client: Client, hub: str, time: Time) -> None:
        self._client = client
        self._hub = hub
        self._time = time
        self._beat_s = -SILENT_S
        self._beat_epoch = self._left_epoch = 0

    async def _on_beat(self, message: Msg) -> None:
        try:
            beat = decode(message.subject, message.data)
        except OtherVersion:  # it lives, whatever it says
            self._beat_s = self._time.monotonic()
            return
        except WireError:
            return
        self._beat_epoch = max(self._beat_epoch, beat.epoch)
        if not isinstance(beat, BeatMessage) or beat.hub == self._hub:
            return
        if beat.is_leaving:  # which the server may not have kept
            self._left_epoch = max(self._left_epoch, beat.epoch)
        else:
            self._beat_s = self._time.monotonic()

    async def acquire(self, prepare: Callable[[], None]) -> Claim:
        """Wait until nobody else publishes and take over. ``prepare``: called when that is near.

        Raises CutOff where the connection is closed for good.
        """
        from nats import errors  # noqa: PLC0415 - an extra

        try:
            subscription = await self._client.subscribe(subjects.BEAT, cb=self._on_beat)
        except errors.Error as error:
            raise CutOff from error
        seen, since_s = -1, self._time.monotonic()
        try:
            while True:
                if self._client.is_closed:
                    raise CutOff
                try:
                    newest, beat = await kept.last_seq(self._client), await newest_beat(self._client)
                except UnavailableError as error:
                    log.warning("hub: %s", error)
                    await asyncio.sleep(RESUME_S)
                    continue
                now_s = self._time.monotonic()
                if newest != seen:
                    seen, since_s = newest, now_s
                is_free = self._is_free(beat)
                quiet_s = now_s - max(since_s, self._beat_s)
                if is_free or quiet_s >= PREPARE_S:
                    prepare()
                if is_free or quiet_s >= SILENT_S:
                    claimed = await self._claim(newest, beat)
                    if claimed is not None:
                        return claimed
                await asyncio.sleep(LOOK_S)
        finally:
            with contextlib.suppress(errors.Error):  # the connection has gone, and the subscription with it
                await subscription.unsubscribe()

    def _is_free(self, beat: Newest) -> bool:
        """Whether nobody need be waited for. Bytes that cannot be read free nothing: a hub may live."""
        if not isinstance(beat, BeatMessage):
            return beat is None
        return beat.is_leaving or beat.epoch <= self._left_epoch or beat.hub == self._hub

    async def _claim(self, newest: int, beat: Newest) -> Claim | None:
        """One message that only one of several can have kept; None where another was quicker."""
        now_ns = self._time.clock_ns()
        before = max(self._beat_epoch, beat.epoch if isinstance(beat, BeatMessage) else 0)
        epoch = max(before + 1, now_ns // 10**6)
        message = BeatMessage(SCHEMA, epoch, 0, max(now_ns, 0), self._hub, False, Counts(), [])  # noqa: FBT003
        from nats import errors  # noqa: PLC0415 - an extra

        try:
            answer = await self._client.request(
                subjects.BEAT, encode(message), timeout=ACK_S, headers={EXPECTED: str(newest)}
            )
            seq = int(json.loads(answer.data)["seq"])
        except (errors.Error, TimeoutError, ValueError, KeyError, OSError):
            return None
        return Claim(epoch, seq)


class Chain:
    """The messages of the hub that holds the lease, each naming the number of the one before."""

    def __init__(self, client: Client, hub: str, newest: int, time: Time) -> None:
        self._client = client
        self._hub = hub
        self._time = time
        self._newest: int | None = newest
        """The stream's number after all that was sent; None while nobody knows."""
        self._waiting: tuple[int, float] | None = None
        """The number that the answer awaited must have, and since when it is awaited."""
        self._inbox = client.new_inbox()
        self._patience_s = ACK_S
        """For the next answer: sending everything once more would make a slow server slower."""
        self._resumed_s = 0.0
        self.refusals = 0
        """How often the server has not kept what was sent."""
        self.kept_s = 0.0
        """When the server last said that it has kept everything."""
        self.proved_s = 0.0
        """When the newest message was sent of which it has said so: until then the lease was ours."""
        self.is_lost = False
        self._asking: asyncio.Task[tuple[int, Newest] | None] | None = None
        self._is_trying = False
        """Whether no message has been kept since the stream was asked for its number. It may have been one of
        a moment ago: what was still on its way then is kept after it, and ours is refused."""
        self.is_resumed = False
        """Whether everything must be sent once more: nobody knows what was kept."""
        self.is_unsure = False
        """Whether quotes must be sent once more: whoever connects now finds older ones at the server."""

    async def start(self) -> None:
        """Listen for the server's answers. Raises CutOff."""
        from nats import errors  # noqa: PLC0415 - an extra

        try:
            self._subscription = await self._client.subscribe(self._inbox, cb=self._on_answer)
        except errors.Error as error:
            raise CutOff from error

    async def stop(self) -> None:
        """Listen no more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        from nats import errors  # noqa: PLC0415 - an extra

        with contextlib.suppress(errors.Error):
            await self._subscription.unsubscribe()

    async def _on_answer(self, message: Msg) -> None:
        try:
            seq = int(json.loads(message.data)["seq"])
        except (ValueError, KeyError, TypeError):
            seq = -1
        if self._waiting is not None and 0 <= seq < self._waiting[0]:
            return  # of a tick that was given up
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            taken_s = self._time.monotonic() - waiting[1]
            self._patience_s = min(max(ACK_S, 2 * taken_s), ACK_MAX_S)
        if waiting is not None and seq != waiting[0]:
            self._break(message.data)
        elif waiting is not None:
            self.proved_s = waiting[1]
            if self._is_trying:
                self._is_trying, self.is_resumed = False, True
            else:
                self.kept_s = self._time.monotonic()

    def _break(self, why: bytes) -> None:
        if self._newest is not None:
            self.refusals += 1
            log.warning("hub: what was sent has not been kept: %s", why[:200].decode("utf-8", "replace"))
            self.is_unsure = True
        self._newest = None

    @property
    def wants_beat(self) -> bool:
        """Whether a message is needed with which to try what the stream takes."""
        return self._is_trying and self._waiting is None and self._newest is not None

    async def send(self, out: Sequence[Outgoing]) -> None:
        """Send these in their order; raises Lost once another hub publishes."""
        if self._waiting is not None and self._time.monotonic() - self._waiting[1] > self._patience_s:
            self._waiting, self._patience_s = None, min(2 * self._patience_s, ACK_MAX_S)
            self._break(b"no answer")
        if self._newest is None:
            await self._resume()
        if not self._client.is_connected:
            self._break(b"no connection")
            return
        from nats import errors  # noqa: PLC0415 - an extra

        try:
            await self._send(out)
        except errors.Error as error:
            self._break(type(error).__name__.encode())

    async def _send(self, out: Sequence[Outgoing]) -> None:
        for place, (subject, data) in enumerate(out):
            if len(data) > self._client.max_payload:
                log.warning("hub: %s: %d bytes are more than the server takes", subject, len(data))
                continue
            expected, reply = KEPT_BY_NOBODY, ""
            # Until a first message is known to be kept it goes alone: one of those after it might be kept
            # although it is not, and its answer would speak for all.
            if self._newest is not None and not (self._is_trying and self._waiting is not None):
                expected = str(self._newest)
                self._newest += 1
                if self._waiting is None and (self._is_trying or place == len(out) - 1):
                    self._waiting, reply = (self._newest, self._time.monotonic()), self._inbox
            await self._client.publish(subject, data, reply=reply, headers={EXPECTED: expected})

    async def _resume(self) -> None:
        """Find out what the stream has; raises Lost where another hub's beat is the newest.

        A cluster that is choosing a leader does not answer for seconds: beats and quotes go on meanwhile.
        """
        now_s = self._time.monotonic()
        if self._asking is None:
            if now_s - self._resumed_s < RESUME_S or not self._client.is_connected:
                return
            self._resumed_s = now_s
            self._asking = asyncio.create_task(self._ask(), name="resume")
        await asyncio.wait({self._asking}, timeout=PROMPT_S)
        if not self._asking.done():
            return
        answer, self._asking = self._asking.result(), None
        if answer is None:
            self.is_unsure = True
            return
        newest, beat = answer
        if beat is Unreadable.VERSION or (isinstance(beat, BeatMessage) and beat.hub != self._hub):
            raise Lost  # noise is nobody's: our next beat takes its place
        self._newest, self._waiting, self._is_trying = newest, None, True

    async def _ask(self) -> tuple[int, Newest] | None:
        """The stream's newest number and beat; None where nobody answers."""
        try:
            return await kept.last_seq(self._client), await newest_beat(self._client)
        except UnavailableError as error:
            log.warning("hub: %s", error)
            return None
