"""The manifest of a history store: which file holds each symbol's series, and what is in it.

``manifest.json`` is replaced whole. Where it has grown long, small changes are appended to the journal
that it names instead (see feeds.files.journal); what counts is the manifest with its journal applied.
"""

from __future__ import annotations

from datetime import date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from feeds.errors import DamagedError, StorageError
from feeds.files import journal
from feeds.files.durable import flush_folder, write_whole
from feeds.files.names import SYMBOL, shown_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MANIFEST = "manifest.json"
SERIES_FILE = rf"{SYMBOL}-[0-9a-f]{{12}}\.parquet"
"""``IWM-0123456789ab.parquet``: a symbol and the start of the SHA-256 of the file's bytes."""
JOURNAL_FROM = 64
"""A manifest of fewer symbols is rewritten for every change: it is one page."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One stored symbol."""

    file: Annotated[str, msgspec.Meta(pattern=f"^{SERIES_FILE}$")]
    rows: int
    first: date
    last: date
    imported_at: datetime
    source: str
    """Name of the file it was imported from, or of the vendor."""
    vendor: str = ""
    """The vendor that every row came from; empty where a file gave (some of) them."""
    since: date | None = None
    """The day from which the vendor was asked: it has nothing between this and ``first``."""
    checked_at: datetime | None = None
    """When a vendor last agreed with the series."""


class _Manifest(msgspec.Struct, frozen=True, omit_defaults=True):
    version: Literal[1] = 1
    journal: Annotated[str, msgspec.Meta(pattern=f"^({journal.FILE})?$")] = ""
    symbols: dict[str, Entry] = {}


class Held(msgspec.Struct, frozen=True):
    """Manifest and journal, as one reader saw them."""

    symbols: dict[str, Entry]
    journal: str = ""
    """Name of the journal's file; empty without one."""
    lines: int = 0
    """Whole lines in it."""
    end: int = 0
    """Where the next line goes, in bytes: behind it may stand what a killed writer left."""


Changes = dict[str, Entry | None]
"""New entries; None: the symbol is gone."""


def file_for(symbol: str, data: bytes) -> str:
    """The name under which a series with these bytes is stored."""
    return f"{symbol}-{sha256(data).hexdigest()[:12]}.parquet"


def read_manifest(folder: Path) -> dict[str, Entry]:
    """Entries by symbol; empty where there is no manifest. Raises StorageError if it cannot be used."""
    return read_held(folder).symbols


def read_held(folder: Path) -> Held:
    """Manifest and journal. Raises StorageError if one of them is damaged or cannot be read."""
    manifest = _read(folder)
    while manifest.journal:
        try:
            data = (folder / manifest.journal).read_bytes()
        except FileNotFoundError:
            # A writer may have begun a new journal meanwhile; if none has, a person deleted a damaged one.
            before, manifest = manifest, _read(folder)
            if before.journal == manifest.journal:
                break
        except OSError as error:
            raise _unreadable(folder / manifest.journal, error) from error
        else:
            symbols = dict(manifest.symbols)
            try:
                lines = journal.lines(data)
                for _, line in lines:
                    apply(symbols, msgspec.json.decode(line, type=Changes))
            except (journal.DamagedError, msgspec.MsgspecError) as error:
                raise _damaged(folder / manifest.journal) from error
            return Held(symbols, manifest.journal, len(lines), lines[-1][0] if lines else 0)
    return Held(manifest.symbols)


def append_changes(folder: Path, held: Held, changes: Changes) -> Held:
    """Add one line to the journal of ``held``: all of these changes, or none. Raises OSError."""
    end = journal.append(folder / held.journal, held.end, msgspec.json.encode(changes))
    symbols = dict(held.symbols)
    apply(symbols, changes)
    return Held(symbols, held.journal, held.lines + 1, end)


def write_manifest(folder: Path, entries: Mapping[str, Entry], *, after: str = "") -> str:
    """Replace the manifest in one step; returns the name of its new, empty journal, if it has one.

    ``after``: the journal so far. Raises OSError.
    """
    name = ""
    if len(entries) >= JOURNAL_FROM:
        name = journal.next_name(after)
        write_whole(folder / name, b"")
        flush_folder(folder)  # a manifest must not outlive a journal that it names
    manifest = _Manifest(journal=name, symbols=dict(sorted(entries.items())))
    write_whole(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    return name


def apply(symbols: dict[str, Entry], changes: Changes) -> None:
    """Make these changes in ``symbols``."""
    for symbol, entry in changes.items():
        if entry is None:
            symbols.pop(symbol, None)
        else:
            symbols[symbol] = entry


def _read(folder: Path) -> _Manifest:
    path = folder / MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Manifest)
    except FileNotFoundError:
        return _Manifest()
    except OSError as error:
        raise _unreadable(path, error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(path) from error


def _unreadable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{shown_path(path)}: cannot be read ({error.strerror}) — check the disk and its permissions"
    )


def _damaged(path: Path) -> DamagedError:
    return DamagedError(
        f"{shown_path(path)}: is damaged or from another version — delete it and import the history again"
    )
