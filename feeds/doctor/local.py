"""What ``doctor`` looks at on this machine: dependencies, keys, addresses, calendar and store."""

from __future__ import annotations

import platform
import re
import shutil
import sqlite3
import tempfile
from contextlib import closing
from datetime import date, timedelta
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from feeds.doctor.overrides import PREFIX, overrides
from feeds.errors import InputError, StorageError
from feeds.fed.calendar import SHIPPED, few_ahead
from feeds.files.names import shown_path
from feeds.history.store import HistoryStore
from feeds.keys.keyring import NoRingError, Ring, RingError
from feeds.keys.keys import PARTS, Keys, find, redact
from feeds.parsing.sanitize import clean
from feeds.parsing.wire import address
from rotation.findings import Finding
from rotation.sessions import is_half_day, last_closed, new_york_day, next_session, sessions_between
from rotation.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DISTRIBUTION = "rotation-tui"
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*([^;]*)(?:;(.*))?")
_BOUND = re.compile(r"(>=|==)\s*([0-9.]+)")
CALENDAR_UNTIL = 2030
"""Up to this year the exchange's calendar is compared with a second source, in our tests."""
FREE_LEAST, FREE_FEW = 50 * 2**20, 500 * 2**20
"""Bytes: below the first nothing can be kept for long, below the second not a large universe."""
BEHIND = 5
"""Sessions by which settled history may lag without a warning, such as after a week's holiday."""
FEEDS = (
    "ALPACA", "CALENDAR_BLS", "CALENDAR_FED", "COINBASE", "DATABENTO", "FINNHUB", "FRED", "KALSHI", "MASSIVE",
    "NEWYORKFED", "POLYMARKET", "SEC", "STOOQ", "TIINGO", "TREASURY", "YAHOO",
)  # fmt: skip
"""Whose addresses can be moved, as the environment spells them."""


def dependencies() -> Iterator[Finding]:
    """Every library this version asks for."""
    yield Finding("dependencies", "Python", "ok", f"{platform.python_version()} on {platform.system()}")
    try:
        asked = metadata.requires(DISTRIBUTION) or []
        yield Finding("dependencies", DISTRIBUTION, "ok", metadata.version(DISTRIBUTION))
    except metadata.PackageNotFoundError:
        yield Finding(
            "dependencies", DISTRIBUTION, "warn", "running from source, not installed", "pip install ."
        )
        return
    for line in asked:
        match = _REQUIREMENT.match(line)
        if match is None or "win32" in (match[3] or ""):
            continue
        yield _dependency(match[1], match[2], is_extra="extra" in (match[3] or ""))


def _dependency(name: str, bounds: str, *, is_extra: bool) -> Finding:
    todo = f"pip install --upgrade '{DISTRIBUTION}[ssh]'" if is_extra else f"pip install '{name}{bounds}'"
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        if is_extra:
            return Finding("dependencies", name, "ok", "not installed; only rotation-tui host needs it", todo)
        return Finding("dependencies", name, "fail", "not installed", todo)
    for sign, bound in _BOUND.findall(bounds):
        held, wanted = _numbers(version), _numbers(bound)
        if held < wanted or (sign == "==" and held != wanted):
            return Finding("dependencies", name, "fail", f"{version}, but {sign}{bound} is needed", todo)
    return Finding("dependencies", name, "ok", version)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+", maxsplit=1)[0])[:3])


def look_up(environ: Mapping[str, str], folder: Path, keyring: Ring) -> dict[str, Keys | InputError | None]:
    """The key of every feed that needs one; None if none is set, the error if it cannot be used."""
    held: dict[str, Keys | InputError | None] = {}
    for feed in PARTS:
        try:
            held[feed] = find(feed, environ=environ, folder=folder, keyring=keyring)
        except InputError as error:
            held[feed] = error
    return held


def keys(held: Mapping[str, Keys | InputError | None], keyring: Ring) -> Iterator[Finding]:
    """Where each key of ``look_up`` comes from, and nothing else of it."""
    try:
        yield Finding("keys", "keyring", "ok", clean(keyring.name()))
    except NoRingError:
        yield Finding("keys", "keyring", "ok", "none; keys are kept in a file only you can read")
    except RingError as error:
        todo = "unlock it, or keep keys in a file: rotation-tui config key set NAME --file"
        yield Finding("keys", "keyring", "warn", str(error), todo)
    for feed, key in held.items():
        todo = f"rotation-tui config key set {feed}"
        if isinstance(key, InputError):
            message, _, remedy = redact(str(key)).partition(" — ")
            yield Finding("keys", feed, "fail", message, remedy or todo)
        elif key is None:
            yield Finding("keys", feed, "ok", "no key; this feed is not used", todo)
        else:
            yield Finding("keys", feed, "ok", f"from {key.source}")


def addresses(environ: Mapping[str, str]) -> Iterator[Finding]:
    """What the environment moves elsewhere."""
    moved = {
        n: message for n, message in overrides(environ).items() if n.upper().endswith(("_URL", "_PROXY"))
    }
    for name, message in moved.items():
        yield _moved(name, message, environ)
    if not moved:
        yield Finding("addresses", "addresses", "ok", "every source at its default address")


def _moved(name: str, message: str, environ: Mapping[str, str]) -> Finding:
    match = re.fullmatch(rf"{PREFIX}([A-Z_]+)_(REST|STREAM)_URL", name)
    if not name.startswith(PREFIX):
        return Finding("addresses", name, "ok", message)
    if match is None or match[1] not in FEEDS:
        return Finding(
            "addresses", name, "warn", "unknown variable, ignored",
            f"write {PREFIX}<FEED>_REST_URL or …_STREAM_URL; feeds are {', '.join(FEEDS)}",
        )  # fmt: skip
    try:
        address(match[1], match[2], "", environ)
    except InputError as error:
        return Finding("addresses", name, "fail", str(error).partition(": ")[2], f"fix or unset {name}")
    return Finding("addresses", name, "ok", message)


def calendar(now_ns: int) -> Iterator[Finding]:
    """How far ahead sessions and FOMC meetings are known."""
    today = new_york_day(now_ns)
    coming = next_session(today)
    ahead = sessions_between(today, today + timedelta(days=120))
    half = next((f"{day:%a %Y-%m-%d}" for day in ahead if is_half_day(day)), "none in 120 days")
    known = date(CALENDAR_UNTIL, 12, 31)
    message = (
        f"next session {coming:%a %Y-%m-%d}, next half-day {half}; checked to the end of {CALENDAR_UNTIL}"
    )
    late = (known - today).days < 365
    todo = "update rotation-tui and holidays" if late else ""
    yield Finding("calendar", "sessions", "warn" if late else "ok", message, todo)
    few = few_ahead(SHIPPED, today)
    meetings = [day for day in SHIPPED if day >= today]
    if few:
        yield Finding("calendar", "FOMC meetings", "warn", few, "update rotation-tui")
    else:
        message = f"{len(meetings)} ahead, from {meetings[0]} to {meetings[-1]}"
        yield Finding("calendar", "FOMC meetings", "ok", message)


def store(places: Mapping[str, Path], now_ns: int) -> Iterator[Finding]:
    """Whether what is kept can be read, and more be written."""
    yield _history(places["history"], now_ns)
    for name, path in places.items():
        yield _writable(name, path.parent if path.suffix else path)
    yield _write_ahead(places["history"])


def _history(folder: Path, now_ns: int) -> Finding:
    area, name, todo = "store", "settled closes", "rotation-tui history sync"
    try:
        held = HistoryStore(folder).load()
    except StorageError as error:
        message, _, remedy = str(error).partition(" — ")
        return Finding(area, name, "fail", message, remedy)
    last, closed = held.last(), last_closed(now_ns)
    if last is None:
        return Finding(area, name, "warn", "no history yet: streaks and records are unavailable", todo)
    message = f"{counted(len(held.symbols), 'symbol')}, {held.first} to {last}"
    behind = len(sessions_between(last, closed)) - 1
    if behind > BEHIND:
        return Finding(area, name, "warn", f"{message}: {counted(behind, 'session')} behind", todo)
    return Finding(area, name, "ok", message)


def _existing(path: Path) -> Path:
    return next((folder for folder in (path, *path.parents) if folder.exists()), Path.cwd())


def _writable(name: str, folder: Path) -> Finding:
    """Tried where the folder is, or would be made; nothing of it stays."""
    where = _existing(folder)
    try:
        with tempfile.NamedTemporaryFile(dir=where) as file:
            file.write(b"doctor")
            file.flush()
        free = shutil.disk_usage(where).free
    except OSError as error:
        message = f"{shown_path(folder)} cannot be written ({error.strerror or error})"
        return Finding("store", name, "fail", message, "check permissions and free space")
    message = f"{shown_path(folder)}, {free / 2**30:,.1f} GiB free"
    if free < FREE_FEW:
        state, todo = "fail" if free < FREE_LEAST else "warn", "free some space"
        return Finding("store", name, state, message, todo)  # type: ignore[arg-type]
    return Finding("store", name, "ok", message)


def _write_ahead(folder: Path) -> Finding:
    """SQLite's write-ahead log needs shared memory, which some network drives do not have."""
    try:
        with (
            tempfile.TemporaryDirectory(dir=_existing(folder)) as trial,
            closing(sqlite3.connect(Path(trial, "trial.sqlite3"))) as db,
        ):
            mode = db.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            db.execute("CREATE TABLE trial (n INTEGER)")
            db.commit()
    except (sqlite3.Error, OSError) as error:
        message = f"SQLite cannot write there ({clean(str(error))})"
        return Finding("store", "write-ahead log", "fail", message, "put XDG_DATA_HOME on a local disk")
    if mode != "wal":
        message = "not supported on this drive: a power cut may damage the Fed history"
        return Finding("store", "write-ahead log", "warn", message, "put XDG_DATA_HOME on a local disk")
    return Finding("store", "write-ahead log", "ok", f"SQLite {sqlite3.sqlite_version}")
