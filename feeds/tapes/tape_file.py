"""One file of a recording: Parquet that is always whole, and a journal beside it for what came since.

What is appended goes to ``<name>.journal`` first, a checksummed frame a time, flushed to the disk; now and
then all of it is folded into a new Parquet file that takes the old one's place in one step. So a kill at any
moment leaves a valid Parquet file and a journal whose torn end is ignored, and a reader of both misses
nothing that was acknowledged. Batch numbers tell which rows of the journal the Parquet file has already.
"""

from __future__ import annotations

import io
import os
import re
import struct
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

import polars as pl

from feeds.errors import InputError
from feeds.files.durable import ASIDE, flush_folder, write_whole
from feeds.files.names import read_bytes, shown_path
from feeds.files.tables import parse_parquet
from feeds.tapes.tape_schema import LATER, RECORDED, completed

if TYPE_CHECKING:
    from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: there two recorders of one file are not kept apart
    fcntl = None  # type: ignore[assignment]

_HEAD = struct.Struct("<4sII")
_MAGIC = b"RTJ1"
_FOLD = 8
"""The journal is folded when it holds an eighth as many rows as the file: rewriting costs each row eight
times its own writing at most, and the Parquet file alone is never far behind."""


def journal_of(path: Path) -> Path:
    """Where the newest rows of this file are."""
    return path.with_name(f"{path.name}.journal")


def read_recording(path: Path) -> pl.DataFrame | None:
    """All that was recorded into this file, as RECORDED in order of ``batch``; None for another Parquet file.

    Reads while a recorder writes, too. Raises InputError if it is damaged or holds nothing yet.
    """
    # The journal first: what is folded in between is then seen twice, and not never.
    frames = _journaled(journal_of(path))
    data = read_bytes(path)
    if not _is_recording(data, path):
        return None
    rows = _joined(parse_parquet(data, shown_path(path)), frames, path)
    if rows.is_empty():
        raise InputError(f"{shown_path(path)}: nothing has been recorded yet — wait for its first quotes")
    return rows


class TapeFile:
    """A file being recorded into. Raises OSError where the disk fails, InputError for a file not ours."""

    def __init__(self, path: Path) -> None:
        """Open, or make, the file; what a killed recorder left is taken over."""
        self.path = path
        self._journal = _open_alone(journal_of(path), path)
        try:
            self._clear_asides()
            frames, self._size = _parse(_content(self._journal))
            os.ftruncate(self._journal, self._size)
            kept = self._kept()
            if kept is None:
                kept = pl.DataFrame(schema=RECORDED)
                self._write(kept)
            rows = _joined(kept, frames, path)
            self._folded, self._pending = kept.height, rows.height - kept.height
            self.next_batch = max(rows["batch"].to_list(), default=-1) + 1
        except BaseException:
            os.close(self._journal)
            raise

    @property
    def rows(self) -> int:
        """How many the file holds, with its journal."""
        return self._folded + self._pending

    def append(self, rows: pl.DataFrame) -> None:
        """Rows are on the disk when this returns."""
        body = io.BytesIO()
        rows.write_ipc_stream(body, compression="zstd")
        data = body.getvalue()
        frame = _HEAD.pack(_MAGIC, len(data), zlib.crc32(data)) + data
        try:
            _write_at(self._journal, frame, self._size)
            os.fsync(self._journal)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._journal, self._size)  # half a frame would hide those after it
            raise
        self._size += len(frame)
        self._pending += rows.height

    def fold_if_due(self) -> None:
        """Fold the journal once it has become large beside the file."""
        if self._pending * _FOLD >= self._folded:
            self.fold()

    def fold(self) -> None:
        """Put what the journal holds into the Parquet file; on an OSError both stay as they are."""
        if not self._pending:
            return
        kept = self._kept()
        assert kept is not None, "made when this was opened"
        rows = _joined(kept, _parse(_content(self._journal))[0], self.path)
        self._write(rows)
        os.ftruncate(self._journal, 0)
        self._size, self._folded, self._pending = 0, rows.height, 0

    def close(self) -> None:
        """Let the file go; the journal is removed if nothing is left in it."""
        try:
            if not self._pending:
                journal_of(self.path).unlink(missing_ok=True)  # before it is unlocked
        finally:
            os.close(self._journal)

    def _kept(self) -> pl.DataFrame | None:
        """The Parquet file; None if there is none yet."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        if not _is_recording(data, self.path):
            raise InputError(f"{shown_path(self.path)}: is not a recording — choose another name")
        return completed(parse_parquet(data, shown_path(self.path)))

    def _write(self, rows: pl.DataFrame) -> None:
        body = io.BytesIO()
        rows.write_parquet(body, compression="zstd")
        write_whole(self.path, body.getvalue())
        flush_folder(self.path.parent)

    def _clear_asides(self) -> None:
        left = re.compile(re.escape(self.path.name) + ASIDE)
        for path in self.path.parent.iterdir():
            if left.fullmatch(path.name):
                path.unlink(missing_ok=True)


def _is_recording(data: bytes, path: Path) -> bool:
    """Whether these Parquet bytes have a recording's columns. Raises InputError where they are damaged."""
    try:
        held = pl.read_parquet_schema(io.BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise InputError(f"{shown_path(path)}: is not a readable Parquet file — record it again") from error
    if not {"batch", "as_of_ns", "kind"} <= held.keys():
        return False
    if any(held.get(name) != kind for name, kind in RECORDED.items() if name not in LATER or name in held):
        raise InputError(f"{shown_path(path)}: was recorded by another version — record it again")
    return True


def _joined(kept: pl.DataFrame, frames: list[bytes], path: Path) -> pl.DataFrame:
    last = kept["batch"].max() if kept.height else None
    parts = [completed(kept).select(*RECORDED)]
    for frame in frames:
        try:
            rows = completed(pl.read_ipc_stream(io.BytesIO(frame))).select(*RECORDED)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise InputError(f"{shown_path(journal_of(path))}: is damaged — move it away") from error
        parts.append(rows if last is None else rows.filter(pl.col("batch") > last))
    return pl.concat(parts)


def _journaled(path: Path) -> list[bytes]:
    try:
        return _parse(path.read_bytes())[0]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"{shown_path(path)}: cannot be read ({error.strerror}) — check the file") from error


def _parse(data: bytes) -> tuple[list[bytes], int]:
    """The whole frames, and where the first torn one begins."""
    frames, at = [], 0
    while at + _HEAD.size <= len(data):
        magic, size, crc = _HEAD.unpack_from(data, at)
        body = data[at + _HEAD.size : at + _HEAD.size + size]
        if magic != _MAGIC or len(body) != size or zlib.crc32(body) != crc:
            break
        frames.append(body)
        at += _HEAD.size + size
    return frames, at


def _content(handle: int) -> bytes:
    os.lseek(handle, 0, os.SEEK_SET)
    with open(handle, "rb", closefd=False) as file:
        return file.read()


def _write_at(handle: int, data: bytes, at: int) -> None:
    os.lseek(handle, at, os.SEEK_SET)
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]


def _open_alone(path: Path, whose: Path) -> int:
    """The journal, open and ours. Raises InputError while another process records into it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if fcntl is not None:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and path.stat().st_ino == os.fstat(handle).st_ino:
                return handle
        except BlockingIOError:
            os.close(handle)
            raise InputError(
                f"{shown_path(whose)}: another rotation-tui is recording into it — choose another name"
            ) from None
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # its holder removed it as we opened it
