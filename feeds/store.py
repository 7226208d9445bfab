"""The history kept between runs: one Parquet file a symbol, and a manifest that says which count.

A file's name holds the hash of its bytes, so a new series never touches an old one, and replacing
``manifest.json`` is the one step that swaps all symbols at once. A writer killed at any moment leaves
the old history or the new one, whole.
"""

from __future__ import annotations

import io
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from feeds.durable import ASIDE, CAN_LOCK, flush_folder, only_writer, write_whole
from feeds.errors import InputError
from feeds.files import SYMBOL, shown_path
from feeds.manifest import MANIFEST, SERIES_FILE, Entry, file_for, read_manifest, write_manifest
from feeds.tables import parse_parquet
from rotation.history import SCHEMA, History
from rotation.sessions import from_ns

if TYPE_CHECKING:
    from collections.abc import Iterable

LOCK = "lock"
_OURS = re.compile(rf"{SERIES_FILE}|(?:{SERIES_FILE}|{re.escape(MANIFEST)}){ASIDE}")
_UNLOCKED_GRACE_S = 3_600
"""Where writers cannot lock, a young unreferenced file may belong to another one at work."""


class HistoryStore:
    """The history in one folder. Any number of readers and writers, in any number of processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def symbols(self) -> dict[str, Entry]:
        """What is stored, by symbol; empty before the first import. Raises InputError if it is damaged."""
        return read_manifest(self.folder)

    def load(self, symbols: Iterable[str] | None = None) -> History:
        """The settled closes of these symbols (None: of all); those not stored are left out.

        Raises InputError if a file is missing or damaged.
        """
        wanted = None if symbols is None else set(symbols)
        held = self.symbols()
        while True:
            chosen = {s: entry for s, entry in held.items() if wanted is None or s in wanted}
            try:
                parts = [self._read(symbol, entry) for symbol, entry in chosen.items()]
            except FileNotFoundError as error:
                # A writer may have swapped the manifest meanwhile; if none has, the file is lost.
                before, held = held, self.symbols()
                if held == before:
                    lost = self.folder / Path(error.filename).name
                    raise _damaged(lost, "is missing") from error
            else:
                return History(pl.concat(parts), "history") if parts else History.empty()

    def replace(
        self, frame: pl.DataFrame, sources: dict[str, str], *, allow_shrink: bool = False, now_ns: int
    ) -> list[Entry]:
        """Put the series in ``frame`` (see feeds.history_files) in place of the stored ones, all or none.

        ``sources`` maps a symbol to the name of its file. Symbols that are not in the frame stay.
        Raises InputError if a series would lose days at either end (unless ``allow_shrink``), or if the
        folder cannot be written; ValueError if the frame could not be loaded again.
        """
        History(frame)  # checks it
        parts = frame.sort("symbol", "date").partition_by("symbol", maintain_order=True)
        added: dict[str, Entry] = {}
        contents: dict[str, bytes] = {}
        for part in parts:
            symbol = str(part["symbol"][0])
            if not re.fullmatch(SYMBOL, symbol):
                raise ValueError(f"{symbol!r} is not a symbol")
            buffer = io.BytesIO()
            part.write_parquet(buffer, compression="zstd")
            file = file_for(symbol, buffer.getvalue())
            contents[file] = buffer.getvalue()
            first, last = part["date"][0], part["date"][-1]
            added[symbol] = Entry(file, part.height, first, last, from_ns(now_ns), sources.get(symbol, ""))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with only_writer(self.folder / LOCK):
                self._swap(added, contents, allow_shrink=allow_shrink)
        except OSError as error:
            raise InputError(
                f"{shown_path(self.folder)}: the history cannot be written ({error.strerror or error})"
                " — check the folder's space and rights, then import again"
            ) from error
        return list(added.values())

    def _swap(self, added: dict[str, Entry], contents: dict[str, bytes], *, allow_shrink: bool) -> None:
        held = self.symbols()
        if not allow_shrink:
            for symbol in added.keys() & held.keys():
                _refuse_shrinking(symbol, held[symbol], added[symbol])
        for file, content in contents.items():
            write_whole(self.folder / file, content)
        # The series must be on the disk before the manifest that names them.
        flush_folder(self.folder)
        held |= added
        write_manifest(self.folder, held)
        flush_folder(self.folder)
        self._sweep({entry.file for entry in held.values()})

    def _sweep(self, wanted: set[str]) -> None:
        """Remove series that the manifest does not name and what killed writers left."""
        for path in self.folder.iterdir():
            if path.name in wanted or not _OURS.fullmatch(path.name):
                continue
            # The import stands already; a file that cannot be removed now goes with the next one.
            with suppress(OSError):
                if CAN_LOCK or path.stat().st_mtime < time.time() - _UNLOCKED_GRACE_S:
                    path.unlink()

    def _read(self, symbol: str, entry: Entry) -> pl.DataFrame:
        path = self.folder / entry.file
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _damaged(path, f"cannot be read ({error.strerror})") from error
        if file_for(symbol, data) != entry.file:
            raise _damaged(path, "is damaged")
        return parse_parquet(data, shown_path(path), list(SCHEMA))


def _damaged(path: Path, how: str) -> InputError:
    symbol = path.name.rpartition("-")[0]
    return InputError(f"{shown_path(path)}: {how} — import the history of {symbol} again")


def _refuse_shrinking(symbol: str, old: Entry, new: Entry) -> None:
    if new.first > old.first:
        shrinks = f"begins {new.first}, after the stored one ({old.first})"
    elif new.last < old.last:
        shrinks = f"ends {new.last}, before the stored one ({old.last})"
    else:
        return
    raise InputError(f"{symbol}: the new series {shrinks} — pass --replace if you mean it")
