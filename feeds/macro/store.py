"""Observations that were ever fetched or imported, in one file; the newest word on a day counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.errors import InputError, SourceError, StorageError
from feeds.files.durable import write_whole
from feeds.files.names import find_files, read_bytes, shown_path
from feeds.macro.series import Observations, parse
from rotation.macro.assemble import SERIES
from rotation.macro.banks import Fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from pathlib import Path

FILE, FACTS = "observations.json", "bank-facts.json"
LAYOUT = 1


class _Held(msgspec.Struct, frozen=True):
    layout: int
    series: Observations


class MacroStore:
    """The file of one folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def load(self) -> Observations:
        """All that is kept; nothing where there is no file, or one that cannot be read."""
        try:
            held = msgspec.json.decode(self._path.read_bytes(), type=_Held)
        except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
            return {}
        return held.series if held.layout == LAYOUT else {}

    def add(self, fresh: Mapping[str, Mapping[date, float]]) -> Observations:
        """Keep these on top of what is held, and return all. Raises StorageError where that fails."""
        held = self.load()
        merged = {name: {**held.get(name, {}), **fresh.get(name, {})} for name in {*held, *fresh}}
        if merged == held:
            return held
        _write(self._path, msgspec.json.encode(_Held(LAYOUT, merged)))
        return merged


class FactStore:
    """Facts of banks' filings: every one that was ever fetched, so that an earlier day has its own."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FACTS

    def load(self) -> dict[str, list[Fact]]:
        """By ticker; nothing where there is no file, or one that cannot be read."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, list[Fact]])
        except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
            return {}

    def add(self, fresh: Mapping[str, Iterable[Fact]]) -> dict[str, list[Fact]]:
        """Keep these beside what is held, and return all. Raises StorageError where that fails."""
        held = self.load()
        merged = {
            ticker: list(dict.fromkeys((*held.get(ticker, ()), *fresh.get(ticker, ()))))
            for ticker in {*held, *fresh}
        }
        if merged != held:
            _write(self._path, msgspec.json.encode(merged))
        return merged


def _write(path: Path, body: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, body)
    except OSError as error:
        raise StorageError(f"{shown_path(path)}: {error.strerror or 'it cannot be written'}") from error


def read_files(paths: Iterable[Path]) -> tuple[Observations, list[str]]:
    """FRED's CSV files, and a note on each series that is left out because nothing shows it.

    ``observation_date`` or ``DATE``, then a column a series, named as in SERIES; a file with the columns
    ``date,value`` is of the series that it is named by. Raises InputError.
    """
    made: Observations = {}
    notes: list[str] = []
    for path in find_files(paths):
        data = read_bytes(path)
        head, _, body = data.partition(b"\n")
        if head.decode("utf-8-sig", "replace").strip().lower() == "date,value":
            data = f"DATE,{path.stem.upper()}\n".encode() + body
        try:
            series = parse(data)
        except SourceError as error:
            raise InputError(f"{shown_path(path)}: {error} — name files as FRED gives them") from error
        for name, values in series.items():
            if name in SERIES:
                made.setdefault(name, {}).update(values)
            else:
                notes.append(f"{path.name}: {name} left out, nothing shows it")
    if not made:
        raise InputError(f"no series in these files is shown: expected one of {', '.join(SERIES)}")
    return made, notes
