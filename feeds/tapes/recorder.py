"""Writes down every event that a supervisor takes, as a tape that replay plays into the same snapshots.

One file a day in New York, ``NAME-2026-11-23.parquet``, and ``NAME-2026-11-23.2.parquet`` where a day grows
large. Events gather in memory for a second and are then on the disk, whatever happens to the process.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from itertools import count
from typing import TYPE_CHECKING

import polars as pl

from feeds.errors import InputError, StorageError
from feeds.events import ColumnBatch
from feeds.files.names import shown_path
from feeds.tapes.recording import frame_of, rows_of
from feeds.tapes.tape_file import TapeFile
from feeds.tapes.tape_schema import RECORDED
from rotation.sessions import NEW_YORK, from_ns, new_york_day

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import date
    from pathlib import Path

    from feeds.events import Event
    from feeds.tapes.recording import Row

    Taken = tuple[date, str, Event | pl.DataFrame, int]

log = logging.getLogger(__name__)

FLUSH_S = 1.0
"""What a kill can lose, as long as the disk keeps pace."""
FLUSH_ROWS = 20_000
"""A burst does not wait for the second to be over."""
ROWS_MAX = 1_000_000
"""Rows waiting for a disk that is too slow: some 300 MB. Then the recording ends with an error."""
FILE_ROWS = 1_000_000
"""Rows of a file before the next one begins: rewriting one takes about a second and 200 MB."""

_BATCH = list(RECORDED).index("batch")


class Recorder:
    """Give ``take`` to a supervisor as its observer, and let ``keep`` run beside it."""

    def __init__(
        self,
        path: Path,
        *,
        file_rows: int = FILE_ROWS,
        rows_max: int = ROWS_MAX,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``path``: folder and name, with or without .parquet. Raises InputError where it cannot be one."""
        if path.suffix not in ("", ".parquet"):
            raise InputError(f"{shown_path(path)}: a tape is a Parquet file — write {path.stem}.parquet")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            why = error.strerror or "not a folder"
            raise InputError(
                f"{shown_path(path.parent)}: the folder cannot be created ({why}) — choose another"
            ) from error
        self._path = path
        self._file_rows = file_rows
        self._rows_max = rows_max
        self._sleep = sleep
        self._taken: deque[Taken] = deque()
        self._rows_taken = 0
        self._taking = threading.Lock()
        self._writing = threading.Lock()
        self._full = asyncio.Event()
        self._day: date | None = None
        self._file: TapeFile | None = None
        self._file_day: date | None = None
        self._kept_until_ns: int | None = None
        self._failed = False
        self._recorded: int | None = None
        """The number, in the other recording, of the last event of ``take_recorded``."""
        self.quotes = 0
        """Taken down so far."""
        self.lost = 0
        """Rows that no tape can hold: absurd numbers."""
        self.paths: list[Path] = []
        """The files written to, in order."""

    def take(self, feed: str, event: Event, as_of_ns: int) -> None:
        """Take one event down. Raises StorageError if the disk falls far behind."""
        quotes = event.rows.height if isinstance(event, ColumnBatch) else len(getattr(event, "quotes", ()))
        # The clock may be set back at midnight; a tape never goes back to the day before.
        day = new_york_day(as_of_ns)
        self._day = max(self._day or day, day)
        with self._taking:
            self._taken.append((self._day, feed, event, as_of_ns))
            self._rows_taken += max(quotes, 1)
        self.quotes += quotes
        self._hurry()

    def take_recorded(self, rows: pl.DataFrame) -> None:
        """Take rows of RECORDED down, of another recording: events with consecutive numbers in ``batch``.

        An event may go on in the rows of the next call. Raises StorageError if the disk falls far behind.
        """
        as_of_ns = int(rows["as_of_ns"][-1])
        day = new_york_day(as_of_ns)
        self._day = max(self._day or day, day)
        with self._taking:
            self._taken.append((self._day, "", rows, as_of_ns))
            self._rows_taken += rows.height
        self.quotes += rows.height - rows["symbol"].null_count()
        self._hurry()

    @property
    def rows_waiting(self) -> int:
        """Rows that are not on the disk yet."""
        return self._rows_taken

    def _hurry(self) -> None:
        """Write sooner where much waits. Raises StorageError where too much does."""
        if self._rows_taken >= self._rows_max:
            raise StorageError(f"{self._shown()}: the disk cannot keep up — record to a faster one")
        if self._rows_taken >= FLUSH_ROWS:
            self._full.set()

    async def keep(self) -> None:
        """Write down what was taken, every second, until cancelled. Raises StorageError if the disk fails."""
        while True:
            second = asyncio.ensure_future(self._sleep(FLUSH_S))
            burst = asyncio.ensure_future(self._full.wait())
            try:
                await asyncio.wait((second, burst), return_when=asyncio.FIRST_COMPLETED)
            finally:
                second.cancel()
                burst.cancel()
            self._full.clear()
            # A slow disk must not hold up the sockets.
            await asyncio.to_thread(self._flush)

    def close(self) -> None:
        """Write down what is left and make the files whole. Raises StorageError if the disk fails."""
        try:
            if not self._failed:
                self._flush()
        finally:
            with self._writing:
                self._finish()

    def _flush(self) -> None:
        with self._writing:
            with self._taking:
                taken, self._taken, self._rows_taken = self._taken, deque(), 0
            try:
                while taken:
                    self._write(taken)
            except InputError:
                self._failed = True
                raise
            except OSError as error:
                self._failed = True
                raise StorageError(
                    f"{self._shown()}: cannot be written ({error.strerror or error})"
                    f" — free some space or record elsewhere; {self._kept()}"
                ) from error

    def _write(self, taken: deque[Taken]) -> None:
        """Take from the left what goes into one file."""
        day = taken[0][0]
        file = self._file_of(day)
        rows: list[Row] = []
        number = file.next_batch
        while taken and taken[0][0] == day and file.rows + len(rows) < self._file_rows:
            _, feed, event, as_of_ns = taken.popleft()
            if isinstance(event, pl.DataFrame):
                rows += self._renumbered(event, number)
                number = rows[-1][_BATCH] + 1
            else:
                rows += rows_of(number, feed, event, as_of_ns)
                number += 1
        frame, lost = frame_of(rows)
        self.lost += lost
        file.append(frame)
        file.next_batch = number
        self._kept_until_ns = as_of_ns
        try:
            file.fold_if_due()
        except OSError as error:
            log.warning("%s: not folded (%s); its journal grows", file.path.name, error.strerror)

    def _renumbered(self, recorded: pl.DataFrame, number: int) -> list[Row]:
        """Rows of another recording as events from ``number`` on, but for one that went on."""
        first, last = int(recorded["batch"][0]), int(recorded["batch"][-1])
        shift = number - first - (first == self._recorded)
        self._recorded = last
        return recorded.with_columns(recorded["batch"] + shift).rows()

    def _file_of(self, day: date) -> TapeFile:
        if self._file is not None and day == self._file_day and self._file.rows < self._file_rows:
            return self._file
        first = self._file.next_batch if self._file is not None else 0
        self._finish()
        for part in count(1):
            more = f".{part}" if part > 1 else ""
            file = TapeFile(self._path.with_name(f"{self._path.stem}-{day}{more}.parquet"))
            if file.rows < self._file_rows:
                break
            file.close()
        file.next_batch = max(file.next_batch, first)
        self._file, self._file_day = file, day
        self.paths.append(file.path)
        return file

    def _finish(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.fold()
        except OSError as error:
            # Nothing is lost: the journal is read together with its file.
            log.warning("%s: not folded (%s); its journal stays", file.path.name, error.strerror)
        finally:
            file.close()

    def _shown(self) -> str:
        return shown_path(self.paths[-1] if self.paths else self._path)

    def _kept(self) -> str:
        if self._kept_until_ns is None:
            return "nothing was recorded"
        return (
            f"everything until {from_ns(self._kept_until_ns).astimezone(NEW_YORK):%H:%M:%S} New York is saved"
        )


async def recorded(run: Awaitable[None], recorder: Recorder) -> None:
    """Drive a supervisor and its recorder until the run ends or either fails; then close the files."""
    try:
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(recorder.keep(), name="recorder")
            await run
            keeping.cancel()
    finally:
        recorder.close()
