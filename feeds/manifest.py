"""The manifest of a history store: which file holds each symbol's series, and what is in it."""

from __future__ import annotations

from datetime import date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from feeds.durable import write_whole
from feeds.errors import InputError
from feeds.files import SYMBOL, shown_path

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "manifest.json"
SERIES_FILE = rf"{SYMBOL}-[0-9a-f]{{12}}\.parquet"
"""``IWM-0123456789ab.parquet``: a symbol and the start of the SHA-256 of the file's bytes."""


class Entry(msgspec.Struct, frozen=True):
    """One stored symbol."""

    file: Annotated[str, msgspec.Meta(pattern=f"^{SERIES_FILE}$")]
    rows: int
    first: date
    last: date
    imported_at: datetime
    source: str
    """Name of the file it was imported from."""


class _Manifest(msgspec.Struct, frozen=True):
    version: Literal[1] = 1
    symbols: dict[str, Entry] = {}


def file_for(symbol: str, data: bytes) -> str:
    """The name under which a series with these bytes is stored."""
    return f"{symbol}-{sha256(data).hexdigest()[:12]}.parquet"


def read_manifest(folder: Path) -> dict[str, Entry]:
    """Entries by symbol; empty where there is no manifest. Raises InputError if it is damaged."""
    path = folder / MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Manifest).symbols
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InputError(f"{shown_path(path)}: cannot be read ({error.strerror}) — check it") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"{shown_path(path)}: is damaged or of another version — delete it and import the history again"
        ) from error


def write_manifest(folder: Path, entries: dict[str, Entry]) -> None:
    """Replace the manifest in one step. Raises OSError."""
    manifest = _Manifest(symbols=dict(sorted(entries.items())))
    write_whole(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
