"""Observations that were ever fetched or imported, in one file; the newest word on a day counts."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import msgspec

from feeds.errors import DamagedError, InputError, SourceError, StorageError
from feeds.files.durable import only_writer, set_aside, write_whole
from feeds.files.names import find_files, read_bytes, shown_path
from feeds.macro.series import Observations, parse
from rotation.macro.assemble import SERIES
from rotation.macro.banks import Fact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date
    from pathlib import Path

log = logging.getLogger(__name__)

FILE, FACTS = "observations.json", "bank-facts.json"
LOCK = "macro.lock"
LAYOUT = 1
T = TypeVar("T")
K = TypeVar("K")
_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)


class _Held(msgspec.Struct, frozen=True):
    layout: int
    series: Observations


class MacroStore:
    """The file of one folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def load(self) -> Observations:
        """All that is kept; nothing where there is no file, or one that cannot be read."""
        return or_nothing(self._read)

    def add(self, fresh: Mapping[str, Mapping[date, float]]) -> Observations:
        """Keep these on top of what is held, and return all. Raises StorageError where that fails.

        A file that is damaged, or of another version, is set aside; one that cannot be read stays as it is.
        """

        def merged(held: Observations) -> Observations:
            return {name: {**held.get(name, {}), **fresh.get(name, {})} for name in {*held, *fresh}}

        return added(self._path, self._read, merged, lambda all_: _Held(LAYOUT, all_))

    def _read(self) -> Observations:
        """What is in the file. Raises OSError and DamagedError."""
        held = decoded(self._path, _Held)
        if held.layout != LAYOUT:
            raise DamagedError(f"{shown_path(self._path)}: is of another version")
        return held.series


class FactStore:
    """Facts of banks' filings: every one that was ever fetched, so that an earlier day has its own."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FACTS

    def load(self) -> dict[str, list[Fact]]:
        """By ticker; nothing where there is no file, or one that cannot be read."""
        return or_nothing(self._read)

    def add(self, fresh: Mapping[str, Iterable[Fact]]) -> dict[str, list[Fact]]:
        """Keep these beside what is held, and return all. As of a MacroStore."""

        def merged(held: dict[str, list[Fact]]) -> dict[str, list[Fact]]:
            return {
                ticker: list(dict.fromkeys((*held.get(ticker, ()), *fresh.get(ticker, ()))))
                for ticker in {*held, *fresh}
            }

        return added(self._path, self._read, merged, lambda all_: all_)

    def _read(self) -> dict[str, list[Fact]]:
        """What is in the file. Raises OSError and DamagedError."""
        return decoded(self._path, dict[str, list[Fact]])


def decoded(path: Path, kind: type[K]) -> K:
    """The JSON in a file. Raises OSError and DamagedError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except _UNREADABLE as error:
        raise DamagedError(f"{shown_path(path)}: is damaged") from error


def added(
    path: Path,
    read: Callable[[], dict[str, T]],
    merge: Callable[[dict[str, T]], dict[str, T]],
    whole: Callable[[dict[str, T]], object],
) -> dict[str, T]:
    """What is held, merged with what is new, and written as ``whole`` of it where that differs."""
    with _writing(path):
        held = _or_aside(path, read)
        merged = merge(held)
        if merged != held:
            write_whole(path, msgspec.json.encode(whole(merged)))
    return merged


def or_nothing(read: Callable[[], dict[str, T]]) -> dict[str, T]:
    """For who only looks."""
    try:
        return read()
    except (OSError, DamagedError):
        return {}


def _or_aside(path: Path, read: Callable[[], dict[str, T]]) -> dict[str, T]:
    """For who replaces the file: nothing where there is none, or one now set aside. Raises OSError."""
    try:
        return read()
    except FileNotFoundError:
        return {}
    except DamagedError as error:
        log.warning("%s; it is now %s, and a new one is begun", error, set_aside(path).name)
        return {}


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Let no other program read it meanwhile to replace it. Raises StorageError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with only_writer(path.with_name(LOCK)):
            yield
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
