"""Stderr as JSON lines, whatever writes to it: notices, errors of the command line, warnings, tracebacks."""

from __future__ import annotations

import io
import logging
import sys

import msgspec

from tui.ssh import event_log

LINE_MAX = 16_384
"""Characters of a line without an end after which it is written anyway."""


class JsonStderr(io.TextIOBase):
    """Passes JSON objects on, and makes one of every other line: ``{"event": "stderr", …}``."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, stream: io.TextIOBase) -> None:
        self._stream = stream
        self._rest = ""

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the number of the file behind this stream."""
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Write whole lines; the rest waits for its end."""
        *lines, self._rest = (self._rest + text).split("\n")
        if len(self._rest) > LINE_MAX:
            lines.append(self._rest)
            self._rest = ""
        for line in lines:
            if line.strip():
                self._stream.write(_as_json(line) + "\n")
        return len(text)

    def flush(self) -> None:
        """Flush the stream behind; an unfinished line still waits."""
        self._stream.flush()


def start() -> None:
    """Make stderr JSON lines from now on."""
    if not isinstance(sys.stderr, JsonStderr):
        sys.stderr = JsonStderr(sys.stderr)  # type: ignore[arg-type]


def is_on() -> bool:
    """Whether stderr is JSON lines."""
    return isinstance(sys.stderr, JsonStderr)


def _as_json(line: str) -> str:
    if line.startswith("{"):
        try:
            msgspec.json.decode(line, type=dict)
        except msgspec.DecodeError:
            pass
        else:
            return line
    record = {"name": event_log.log.name, "levelname": "INFO", "msg": "stderr", "fields": {"text": line}}
    return event_log.JsonLines().format(logging.makeLogRecord(record))
