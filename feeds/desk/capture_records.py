"""What a capture holds: frames and answers as they came, bounded, and redacted when they are written.

A file of JSON lines. Records stay in memory until the end, so that what is learnt late to be secret (a
cookie) is taken out of what came before.
"""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import msgspec

from feeds.keys import keys
from feeds.parsing.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from feeds.clock import Time

VERSION = 1
TOTAL_MAX = 16 * 2**20
"""Bytes of frames and bodies; what comes beyond is counted, not kept."""
ONE_MAX = 512 * 1024
"""Bytes of one frame or body."""
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
    """The content of a frame or body that is not UTF-8."""
    status: int = 0
    headers: dict[str, str] = {}
    omitted: str = ""
    """Why neither ``text`` nor ``base64`` is there."""
    version: int = 0
    seconds: float = 0.0
    left_out: int = 0
    """In ``end``: records beyond the file's bound."""


class Capture:
    """A Tap that keeps what it receives, within bounds."""

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
        self._keep_secrets(headers)
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

    def _keep_secrets(self, headers: Mapping[str, str]) -> None:
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
    secrets: set[str] = set()
    for name, value in environ.items():
        if any(part in name.upper() for part in _TELLING):
            secrets.add(value.strip())
        with suppress(ValueError):
            parts = urlsplit(value.strip())
            if parts.scheme and parts.netloc:
                secrets |= {parts.username or "", parts.password or ""}
                secrets |= {given for _, given in parse_qsl(parts.query)}
    return secrets


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
