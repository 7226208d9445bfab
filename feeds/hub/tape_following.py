"""``record --feed nats``: the tape that a hub writes to the server, as files, while it grows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from feeds.clock import Time
from feeds.errors import InputError, UnavailableError
from feeds.files.names import shown_path
from feeds.hub.broker import tape_stream
from feeds.hub.broker.connection import check, connect, reason
from feeds.hub.tape.reader import TapeReader
from feeds.hub.wire.codec import OtherVersion
from feeds.tapes.recorder import Recorder, recorded
from rotation.sessions import NEW_YORK, from_ns
from rotation.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from feeds.hub.broker.connection import Access, Client
    from feeds.hub.broker.kept import Held

POLL_S = 1.0
"""Between two questions for what is new; a hub writes once a second."""
WAITING_MAX = 100_000
"""Rows that wait for the disk before more are taken in."""
DISK_S = 0.05
SILENT_S = 5.0
"""A tape that does not grow for so long is reported: no hub writes it."""


class TapeFollower:
    """Reads what the server keeps from a number on, gives it to a recorder, and says how it goes."""

    def __init__(
        self,
        access: Access,
        path: Path,
        report: Callable[[str], None],
        *,
        from_start: bool,
        time: Time | None = None,
    ) -> None:
        """``from_start``: begin with the oldest that the server has, else with what comes from now on.

        Raises InputError for an address that cannot be used, and for a path as Recorder does.
        """
        check(access)
        self._access = access
        self._report = report
        self._from_start = from_start
        self._time = time or Time()
        if from_start:
            _check_new(path)
        self.recorder = Recorder(path)
        self._reader = TapeReader(is_whole=from_start)
        self._after: int | None = None
        """Number of the newest message taken in; None before the first look."""
        self._last = b""
        """That message itself."""
        self._looked_s = 0.0
        """When the stream was last known to be the one that was read."""
        self._connections = 0
        """How often one was made or lost: what is asked now may be answered before `_connected` is called."""
        self._known_by = 0
        """That number when the stream was last known to be the one that was read."""
        self._grew_s = 0.0
        self._is_current = False
        self._problem = ""
        self._gaps = self._hostile = 0

    async def run(self) -> None:
        """Until it is cancelled. Raises StorageError where the disk fails."""
        await recorded(self._follow(), self.recorder)

    async def _follow(self) -> None:
        while True:
            client = await connect(
                self._access,
                name="rotation-tui recorder",
                on_connected=self._connected,
                on_lost=self._lost,
                on_error=self._error,
            )
            await self._connected()
            try:
                while not client.is_closed:
                    await self._turn(client)
            finally:
                await client.close()

    async def _turn(self, client: Client) -> None:
        """Take in what is new; wait where there is nothing."""
        try:
            if self._after is None:
                await self._begin(client)
            await self._look(client)
            held = await tape_stream.read(client, self._after or 0)
        except UnavailableError as error:
            self._say(str(error))
            await asyncio.sleep(POLL_S)
            return
        if held and self._may_be_other:  # the connection was lost since the look
            return
        for each in held:
            while self.recorder.rows_waiting > WAITING_MAX:  # noqa: ASYNC110 - a thread writes
                await asyncio.sleep(DISK_S)
            self._take(each)
        if held:
            self._grew_s = self._looked_s = self._time.monotonic()
            self._problem = ""
            return
        self._note_end()
        await asyncio.sleep(POLL_S)

    @property
    def _may_be_other(self) -> bool:
        """Whether the stream may be another one than was read: the connection was lost meanwhile."""
        return self._known_by != self._connections

    async def _begin(self, client: Client) -> None:
        """Find out where to begin. Raises UnavailableError."""
        held = None if self._from_start else await tape_stream.newest_kept(client)
        self._after, self._last = (0, b"") if held is None else (held.seq, held.data)
        self._grew_s = self._looked_s = self._time.monotonic()

    async def _look(self, client: Client) -> None:
        """Read from the start where the stream has been made anew: it lacks what was read last.

        Its numbers begin anew then, and nothing would ever follow ours. Raises UnavailableError.
        """
        now_s, connections = self._time.monotonic(), self._connections
        is_silent = now_s - self._looked_s > SILENT_S
        if not self._after:
            self._known_by = connections  # nothing has been read that it could lack
        if not self._after or not (self._may_be_other or is_silent):
            return
        held = await tape_stream.read(client, self._after - 1, at_most=1)
        if not held and not is_silent:  # a server that has just joined its cluster again may lag
            return
        self._looked_s, self._known_by = now_s, connections
        if not held or (held[0].seq == self._after and held[0].data != self._last):
            self._after, self._last = 0, b""
            self._report("the tape on the NATS server was made anew; it is recorded from its start")

    def _take(self, held: Held) -> None:
        self._after, self._last = held.seq, held.data
        try:
            rows = self._reader.take(held.subject, held.data)
        except OtherVersion as error:
            raise UnavailableError(str(error)) from error
        if rows is not None:
            self.recorder.take_recorded(rows)
        if self._reader.gaps > self._gaps:
            self._gaps = self._reader.gaps
            self._report("a part of the tape is missing on the server; the recording is marked there")
        if self._reader.hostile > self._hostile:
            self._hostile = self._reader.hostile
            self._report(f"{counted(self._hostile, 'message')} of the tape could not be read")

    def _note_end(self) -> None:
        """Everything that the server has is recorded."""
        until_ns = self._reader.until_ns
        at = "" if until_ns is None else f"{from_ns(until_ns).astimezone(NEW_YORK):%H:%M:%S} New York"
        if not self._is_current and until_ns is not None:
            self._is_current = True
            self._report(f"recorded until {at}; following the hub")
        if self._time.monotonic() - self._grew_s > SILENT_S:
            self._say(
                f"nothing new since {at}; no hub is writing the tape" if at else "no hub is writing a tape"
            )

    def _say(self, message: str) -> None:
        """Once, until it changes."""
        if message != self._problem:
            self._problem = message
            self._report(message)

    async def _connected(self) -> None:
        self._connections += 1
        self._problem = ""

    async def _lost(self) -> None:
        self._connections += 1
        self._say("the connection to the NATS server was lost")

    async def _error(self, error: Exception) -> None:
        self._say(reason(error))


def _check_new(path: Path) -> None:
    """Raises InputError where there are recordings of this name: all would stand in them twice."""
    if path.suffix not in ("", ".parquet") or not path.parent.is_dir():
        return
    for held in sorted(path.parent.glob(f"{path.stem}-????-??-??*.parquet")):
        raise InputError(
            f"{shown_path(held)}: exists already — choose another name, or leave out --from-start"
        )
