"""``doctor --capture``: some seconds of what every configured live source really sends, without secrets.

A file of JSON lines, gzipped where its name ends in .gz. Records stay in memory until the end, so that what
is learnt late to be secret (a cookie) is taken out of what came before.
"""

from __future__ import annotations

import asyncio
import gzip
import os
from base64 import b64encode
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import msgspec

from feeds.clock import Time, wall_ns
from feeds.desk import choose
from feeds.desk.history_sources import open_sources
from feeds.errors import InputError, SourceError
from feeds.fed.sources import FedSources
from feeds.files.durable import flush_folder, write_whole
from feeds.files.names import shown_path
from feeds.history.daily import last_settled
from feeds.http.cached import Transport
from feeds.http.tap import tap
from feeds.keys import keys
from feeds.parsing.redaction import Redactor
from feeds.streaming.feed import StreamFeed
from rotation.desk import HISTORY_SINCE, Desk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from feeds.history.daily import DailySource
    from feeds.streaming.vendor import Vendor

VERSION = 1
TOTAL_MAX = 16 * 2**20
"""Bytes of frames and bodies; what comes beyond is counted, not kept."""
ONE_MAX = 512 * 1024
"""Bytes of one frame or body."""
HISTORY_DAYS = 15
_TELLING = ("KEY", "SECRET", "TOKEN", "PASS")
_SHOWN_HEADERS = ("content-type", "retry-after", "date", "age")


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a capture."""

    kind: str
    """``begin``, ``open``, ``frame``, ``lost``, ``answer``, ``note`` or ``end``."""
    at_ns: int
    """When it came, UTC ns."""
    source: str = ""
    """A stream's vendor, or a REST source's host and path."""
    text: str = ""
    base64: str = ""
    """Of a frame or body that is not UTF-8."""
    status: int = 0
    headers: dict[str, str] = {}
    omitted: str = ""
    """Why neither ``text`` nor ``base64`` is there."""
    version: int = 0
    seconds: float = 0.0
    left_out: int = 0
    """In ``end``: records beyond the file's bound."""


class Capture:
    """A Tap that keeps what it is told, within bounds."""

    def __init__(self, time: Time, environ: Mapping[str, str]) -> None:
        self._time = time
        self._records: list[tuple[Record, bytes | str]] = []
        self._size = self._left_out = 0
        self._secrets = secrets_of(environ)

    def opened(self, source: str) -> None:
        """See feeds.http.tap.Tap."""
        self._keep("open", source)

    def frame(self, source: str, frame: str | bytes) -> None:
        """See feeds.http.tap.Tap."""
        self._keep("frame", source, frame)

    def lost(self, source: str, why: str) -> None:
        """See feeds.http.tap.Tap."""
        self._keep("lost", source, why)

    def answer(self, address: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """See feeds.http.tap.Tap."""
        self._learn(headers)
        shown = {name: headers[name] for name in _SHOWN_HEADERS if name in headers}
        self._keep("answer", address, body, status=status, headers=shown)

    def note(self, source: str, text: str) -> None:
        """What a source failed with, in our own words."""
        self._keep("note", source, text)

    def lines(self, seconds: float) -> bytes:
        """The whole capture, redacted."""
        redactor = Redactor(self._secrets | keys.secrets())
        began_ns = self._records[0][0].at_ns if self._records else self._time.clock_ns()
        records = [Record("begin", began_ns, version=VERSION, seconds=seconds)]
        records += (_redacted(record, payload, redactor) for record, payload in self._records)
        records.append(Record("end", self._time.clock_ns(), left_out=self._left_out))
        return b"".join(_line(record, redactor) for record in records)

    def _learn(self, headers: Mapping[str, str]) -> None:
        """A cookie's value is a secret wherever it stands."""
        for part in headers.get("set-cookie", "").replace(",", ";").split(";"):
            value = part.partition("=")[2].strip()
            if value:
                self._secrets.add(value)

    def _keep(
        self,
        kind: str,
        source: str,
        payload: bytes | str = "",
        *,
        status: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        size = len(payload)
        omitted = "too large" if size > ONE_MAX else ""
        self._size += 200 + (0 if omitted else size)
        if self._size > TOTAL_MAX:
            self._left_out += 1
            return
        record = Record(
            kind, self._time.clock_ns(), source, status=status, headers=dict(headers or {}), omitted=omitted
        )
        self._records.append((record, "" if omitted else payload))


def secrets_of(environ: Mapping[str, str]) -> set[str]:
    """Whatever the environment holds that is secret: keys, and users, passwords and queries of addresses."""
    found: set[str] = set()
    for name, value in environ.items():
        if any(part in name.upper() for part in _TELLING):
            found.add(value.strip())
        with suppress(ValueError):
            parts = urlsplit(value.strip())
            if parts.scheme and parts.netloc:
                found |= {parts.username or "", parts.password or ""}
                found |= {given for _, given in parse_qsl(parts.query)}
    return found


def _redacted(record: Record, payload: bytes | str, redactor: Redactor) -> Record:
    fields: dict[str, str] = {}
    if isinstance(payload, bytes):
        try:
            payload = payload.decode()
        except UnicodeDecodeError:
            assert isinstance(payload, bytes)
            safe = redactor.binary(payload)
            fields = {"omitted": "held a secret"} if safe is None else {"base64": b64encode(safe).decode()}
    if isinstance(payload, str):
        fields = {"text": redactor.text(payload)}
    if record.omitted:
        fields = {}
    headers = {name: redactor.text(value) for name, value in record.headers.items()}
    return msgspec.structs.replace(record, source=redactor.text(record.source), headers=headers, **fields)


def _line(record: Record, redactor: Redactor) -> bytes:
    """The last guard: a line that still holds a known secret goes as a whole."""
    line = msgspec.json.encode(record)
    if redactor.is_leaking(line.decode()):
        line = msgspec.json.encode(Record(record.kind, record.at_ns, omitted="held a secret"))
    return line + b"\n"


def run(path: Path, seconds: float, *, environ: Mapping[str, str] | None = None) -> list[str]:
    """Capture into a new file; lines for the person. Blocking for ``seconds`` and a little more.

    Raises InputError where the file exists or cannot be written, before anybody is asked.
    """
    environ = os.environ if environ is None else environ
    check(path)
    captured = asyncio.run(captured_for(seconds, environ))
    data = captured.lines(seconds)
    write(path, data)
    return [
        f"{shown_path(path)}: {len(data.splitlines()) - 2:,} frames, answers and notes in {seconds:g} s",
        "Keys, tokens, account numbers, cookies and queries are taken out; read it before you send it.",
    ]


def check(path: Path) -> None:
    """Raise InputError where a new file cannot be made here."""
    if os.path.lexists(path):
        raise InputError(f"{shown_path(path)}: exists already — choose another name")
    trial = path.with_name(f"{path.name}.{os.getpid()}.trial")
    try:
        trial.touch()
        trial.unlink()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a file name"
        raise InputError(f"{shown_path(path)}: cannot be written ({why})") from error


def write(path: Path, data: bytes) -> None:
    """Write the file whole, for its owner alone. Raises InputError."""
    if os.path.lexists(path):
        raise InputError(f"{shown_path(path)}: exists already — choose another name")
    try:
        write_whole(path, gzip.compress(data) if path.suffix == ".gz" else data, mode=0o600)
        flush_folder(path.parent)
    except OSError as error:
        raise InputError(f"{shown_path(path)}: cannot be written ({error.strerror or error})") from error


async def captured_for(seconds: float, environ: Mapping[str, str], *, time: Time | None = None) -> Capture:
    """Everything that the configured sources send in these seconds. Raises InputError as they do."""
    time = time or Time()
    capture = Capture(time, environ)
    held = tap.set(capture)
    try:
        symbols = list(Desk().legs)
        async with (
            Transport(tries=1, clock_ns=time.clock_ns) as transport,
            open_sources("auto", symbols=1, since=HISTORY_SINCE, environ=environ) as daily,
        ):
            vendors = choose.vendors("auto", symbols, transport, time, environ)
            fed = FedSources(transport, clock_ns=time.clock_ns, environ=environ)
            work = [_listened(vendor, symbols, time) for vendor in vendors]
            work += [_newest(capture, vendor, symbols) for vendor in vendors]
            work += [fed.ask_all(seconds), *(_daily(capture, source) for source in daily)]
            tasks = [asyncio.create_task(one) for one in work]
            try:
                await asyncio.wait(tasks, timeout=seconds)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            for task in tasks:
                if not task.cancelled() and (error := task.exception()) is not None:
                    raise error
    finally:
        tap.reset(held)
    return capture


async def _listened(vendor: Vendor, symbols: list[str], time: Time) -> None:
    async for _ in StreamFeed(vendor, symbols, time=time).events():
        pass


async def _newest(capture: Capture, vendor: Vendor, symbols: list[str]) -> None:
    try:
        await vendor.snapshot(frozenset(symbols))
    except SourceError as error:
        capture.note(vendor.name, str(error))


async def _daily(capture: Capture, source: DailySource) -> None:
    through = last_settled(wall_ns())
    try:
        await source.daily(["IWM"], through - timedelta(days=HISTORY_DAYS), through)
    except SourceError as error:
        capture.note(source.name, str(error))
