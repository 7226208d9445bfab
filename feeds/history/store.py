"""The history kept between runs: one Parquet file a symbol, and a manifest that says which count.

A file's name holds the hash of its bytes, so a new series never touches an old one, and replacing
``manifest.json`` (or adding one line to its journal) is the one step that swaps all symbols at once. A
writer killed at any moment leaves the old history or the new one, whole.
"""

from __future__ import annotations

import io
import re
from contextlib import closing, contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from feeds.clock import file_age_s
from feeds.errors import DamagedError, InputError, StorageError
from feeds.files import journal
from feeds.files.durable import (
    ASIDE,
    CAN_LOCK,
    Aside,
    flush_folder,
    folder_aside,
    only_writer,
    remove_abandoned,
    write_whole,
)
from feeds.files.names import SYMBOL, shown_path
from feeds.files.tables import parse_parquet
from feeds.history.manifest import (
    MANIFEST,
    SERIES_FILE,
    Changes,
    Entry,
    Held,
    append_changes,
    apply,
    file_for,
    read_held,
    read_manifest,
    write_manifest,
)
from rotation.history import SCHEMA, History, check
from rotation.sessions import from_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

LOCK = "lock"
IMPORTING = "importing-"
"""So begins the name of a folder with series that are about to take their places, all at once."""
_OURS = re.compile(
    rf"{SERIES_FILE}|{journal.FILE}|(?:{SERIES_FILE}|{journal.FILE}|{re.escape(MANIFEST)}){ASIDE}"
)
_UNLOCKED_GRACE_S = 3_600
"""Where writers cannot lock, a young unreferenced file may belong to another one at work."""


_JOURNAL_LINES = 256
_JOURNAL_CHANGES = 32
"""More changes at once are a new manifest, not a line of the journal."""


class Series(msgspec.Struct, frozen=True):
    """One symbol's rows to be kept, and where they come from."""

    frame: pl.DataFrame
    source: str
    vendor: str = ""
    since: date | None = None
    """See feeds.history.manifest.Entry for these three."""


class ChangedError(Exception):
    """Another writer changed what this change was made from: nothing was written."""


class HistoryStore:
    """The history in one folder. Any number of readers and writers, in any number of processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def symbols(self) -> dict[str, Entry]:
        """What is stored, by symbol; empty before the first import. Raises StorageError if it is damaged."""
        return read_manifest(self.folder)

    def load(self, symbols: Iterable[str] | None = None, *, since: date | None = None) -> History:
        """The settled closes of these symbols (None: of all), from ``since`` on.

        Those not stored are left out.

        Raises StorageError if a file is missing or damaged.
        """
        wanted = None if symbols is None else set(symbols)
        held = self.symbols()
        while True:
            chosen = {s: entry for s, entry in held.items() if wanted is None or s in wanted}
            try:
                parts = [self._read(symbol, entry, since) for symbol, entry in chosen.items()]
            except FileNotFoundError as error:
                # A writer may have swapped the manifest meanwhile; if none has, the file is lost.
                before, held = held, self.symbols()
                if held == before:
                    lost = self.folder / Path(error.filename).name
                    raise _damaged(lost, "is missing") from error
            else:
                return History(pl.concat(parts), "history") if parts else History.empty()

    def has(self, whole: Mapping[str, Entry], named: Mapping[str, Entry]) -> bool:
        """Whether all these files are here, with the bytes that they are named after (``named``: by name).

        Raises DamagedError where one of ``whole`` cannot be used.
        """
        try:
            for symbol, entry in whole.items():
                self._bytes(symbol, entry)
            names = {path.name for path in self.folder.iterdir()} if named else set()
        except OSError:
            return False
        return all(entry.file in names for entry in named.values())

    def replace(
        self, frame: pl.DataFrame, sources: dict[str, str], *, allow_shrink: bool = False, now_ns: int
    ) -> list[Entry]:
        """Put the series in ``frame`` (see feeds.history.importing) in place of the stored ones, all or none.

        ``sources`` maps a symbol to the name of its file. Symbols that are not in the frame stay.
        Raises InputError if a series would lose days at either end (unless ``allow_shrink``), StorageError
        if the folder cannot be written; ValueError if the frame could not be loaded again.
        """
        check(frame)
        parts = frame.sort("symbol", "date").partition_by("symbol", maintain_order=True)
        added: dict[str, Entry] = {}
        contents: dict[str, bytes] = {}
        for part in parts:
            symbol = str(part["symbol"][0])
            added[symbol], content = _made(Series(part, sources.get(symbol, "")), now_ns)
            contents[added[symbol].file] = content

        def change(held: dict[str, Entry]) -> Changes:
            if not allow_shrink:
                for symbol in added.keys() & held.keys():
                    _refuse_shrinking(symbol, held[symbol], added[symbol])
            return dict(added)

        self._write(contents, change)
        return list(added.values())

    def replace_each(
        self, series: Iterable[Series], *, allow_shrink: bool = False, now_ns: int
    ) -> list[Entry]:
        """Put these series in place of the stored ones, all or none, with one of them in memory at a time.

        Each is sorted by date and checked, as feeds.history.importing makes it; what the iterable raises
        leaves all as it was. Otherwise as ``replace``.
        """
        added: dict[str, Entry] = {}

        def change(held: dict[str, Entry]) -> Changes:
            if not allow_shrink:
                for symbol in added.keys() & held.keys():
                    _refuse_shrinking(symbol, held[symbol], added[symbol])
            return dict(added)

        paths: dict[str, Path] = {}
        with self._writing():
            remove_abandoned(self.folder, IMPORTING)
            with folder_aside(self.folder, IMPORTING) as folder, closing(Aside(folder)) as aside:
                for each in series:
                    entry, content = _made(each, now_ns)
                    paths[entry.file] = aside.write(entry.file, content)
                    added[str(each.frame["symbol"][0])] = entry
                aside.flush()
                self._locked(change, {entry.file: paths[entry.file] for entry in added.values()})
        return list(added.values())

    def rows(self, symbol: str, entry: Entry) -> pl.DataFrame:
        """All columns of one stored series (see feeds.history.importing).

        Raises DamagedError if its file is missing or damaged.
        """
        try:
            return parse_parquet(self._bytes(symbol, entry), shown_path(self.folder / entry.file))
        except FileNotFoundError as error:
            raise _damaged(self.folder / entry.file, "is missing") from error

    def put(
        self,
        series: Series,
        *,
        was: Entry | None,
        now_ns: int,
        checked_ns: int | None = None,
        drop: Mapping[str, Entry] | None = None,
    ) -> Entry:
        """Keep one symbol's series in place of ``was`` and of those to ``drop``, all in one step.

        ``checked_ns``: see feeds.history.manifest.Entry.

        Raises ChangedError if these are no longer what is held, StorageError if the folder cannot be written,
        ValueError if the frame could not be loaded again.
        """
        check(series.frame)
        entry, content = _made(series, now_ns)
        if checked_ns is not None:
            entry = msgspec.structs.replace(entry, checked_at=from_ns(checked_ns))
        symbol = str(series.frame["symbol"][0])
        expected: dict[str, Entry | None] = {symbol: was, **(drop or {})}

        def change(held: dict[str, Entry]) -> Changes:
            if any(held.get(name) != known for name, known in expected.items()):
                raise ChangedError(symbol)
            return {**dict.fromkeys(expected), symbol: entry}

        self._write({entry.file: content}, change)
        return entry

    def remove(self, symbols: Iterable[str]) -> dict[str, Entry]:
        """Remove these series, all or none; what was removed, by symbol.

        Raises InputError for one that is not stored, StorageError if the folder cannot be written.
        """
        wanted = tuple(dict.fromkeys(symbols))
        removed: dict[str, Entry] = {}

        def change(held: dict[str, Entry]) -> Changes:
            absent = [symbol for symbol in wanted if symbol not in held]
            if absent:
                raise InputError(f"{', '.join(absent)[:200]}: not stored — see rotation-tui history list")
            removed.update({symbol: held[symbol] for symbol in wanted})
            return dict.fromkeys(wanted)

        self._write({}, change)
        return removed

    def confirm(self, entries: Mapping[str, Entry], *, checked_ns: int) -> None:
        """Note that a vendor agreed with these series then; those changed meanwhile stay as they are.

        Raises StorageError if the folder cannot be written.
        """

        def change(held: dict[str, Entry]) -> Changes:
            at = from_ns(checked_ns)
            return {
                symbol: msgspec.structs.replace(entry, checked_at=at)
                for symbol, entry in entries.items()
                if held.get(symbol) == entry
            }

        self._write({}, change)

    def _write(
        self, contents: Mapping[str, bytes | Path], change: Callable[[dict[str, Entry]], Changes]
    ) -> None:
        """Write these files and then, in one step, the changes that ``change`` makes of what is held."""
        with self._writing():
            self._locked(change, contents)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """The folder, which is made. Raises StorageError where the system refuses."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            yield
        except OSError as error:
            raise StorageError(
                f"{shown_path(self.folder)}: the history cannot be written ({error.strerror or error})"
                " — check free space and permissions, then start again"
            ) from error

    def _locked(
        self, change: Callable[[dict[str, Entry]], Changes], contents: Mapping[str, bytes | Path]
    ) -> None:
        with only_writer(self.folder / LOCK):
            held = read_held(self.folder)
            changes = change(held.symbols)
            if changes:
                self._swap(held, changes, contents)

    def _swap(self, held: Held, changes: Changes, contents: Mapping[str, bytes | Path]) -> None:
        """``contents``: by name the bytes of a new file, or a whole one that is moved into its place."""
        known = {entry.file for entry in held.symbols.values()}
        try:
            for file, content in contents.items():
                if isinstance(content, Path):
                    content.replace(self.folder / file)
                else:
                    write_whole(self.folder / file, content)
            if contents:
                # The series must be on the disk before the manifest that names them.
                flush_folder(self.folder)
            self._record(held, changes)
        except OSError:
            # A full disk must not be fuller for what nothing names.
            for file in contents.keys() - known - self._named():
                self._remove(self.folder / file)
            raise

    def _named(self) -> set[str]:
        """Files that the manifest names now; of one that cannot be read nothing may be removed."""
        return {entry.file for entry in read_manifest(self.folder).values()}

    def _record(self, held: Held, changes: Changes) -> None:
        """Name the new series in the journal or in a new manifest, and remove what is named no more."""
        if held.journal and held.lines < _JOURNAL_LINES and len(changes) <= _JOURNAL_CHANGES:
            now = append_changes(self.folder, held, changes).symbols
            wanted = {now[symbol].file for symbol in changes if symbol in now}
            for symbol in changes.keys() & held.symbols.keys():
                if (file := held.symbols[symbol].file) not in wanted:
                    self._remove(self.folder / file)
            return
        symbols = dict(held.symbols)
        apply(symbols, changes)
        name = write_manifest(self.folder, symbols, after=held.journal)
        flush_folder(self.folder)
        self._sweep({name, *(entry.file for entry in symbols.values())})

    def _sweep(self, wanted: set[str]) -> None:
        """Remove series and journals that the manifest does not name and what killed writers left."""
        for path in self.folder.iterdir():
            if path.name not in wanted and _OURS.fullmatch(path.name):
                self._remove(path)

    def _remove(self, path: Path) -> None:
        # The change stands already; a file that cannot be removed now goes with a later one.
        with suppress(OSError):
            if CAN_LOCK or file_age_s(path) > _UNLOCKED_GRACE_S:
                path.unlink()

    def _read(self, symbol: str, entry: Entry, since: date | None) -> pl.DataFrame:
        data = self._bytes(symbol, entry)
        frame = parse_parquet(data, shown_path(self.folder / entry.file), list(SCHEMA))
        return frame if since is None else frame.filter(pl.col("date") >= since)

    def _bytes(self, symbol: str, entry: Entry) -> bytes:
        """Its file, checked. Raises DamagedError if it cannot be used, FileNotFoundError if it is missing."""
        path = self.folder / entry.file
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _damaged(path, f"cannot be read ({error.strerror})") from error
        if file_for(symbol, data) != entry.file:
            raise _damaged(path, "is damaged")
        return data


def _made(series: Series, now_ns: int) -> tuple[Entry, bytes]:
    """The entry and the file of one symbol's series, sorted by date."""
    frame = series.frame
    symbol = str(frame["symbol"][0])
    if not re.fullmatch(SYMBOL, symbol):
        raise ValueError(f"{symbol!r} is not a symbol")
    buffer = io.BytesIO()
    # Nobody asks for statistics of a file that is read whole; further levels gain 2 % and cost a third.
    frame.write_parquet(buffer, compression="zstd", compression_level=1, statistics=False)
    content = buffer.getvalue()
    entry = Entry(
        file_for(symbol, content),
        frame.height,
        frame["date"][0],
        frame["date"][-1],
        from_ns(now_ns),
        series.source,
        series.vendor,
        series.since,
    )
    return entry, content


def _damaged(path: Path, how: str) -> DamagedError:
    symbol = path.name.rpartition("-")[0]
    return DamagedError(f"{shown_path(path)}: {how} — import the history of {symbol} again")


def _refuse_shrinking(symbol: str, old: Entry, new: Entry) -> None:
    if new.first > old.first:
        shrinks = f"begins {new.first}, after the stored one ({old.first})"
    elif new.last < old.last:
        shrinks = f"ends {new.last}, before the stored one ({old.last})"
    else:
        return
    raise InputError(f"{symbol}: the new series {shrinks} — pass --replace to shorten it anyway")
