"""The host's log: one JSON object per line on stderr, where systemd's journal picks it up."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import msgspec

from tui.cli import logs

log = logging.getLogger("tui.ssh")

CLIENT_TEXT_MAX = 64
"""Characters of a client's text (user name, TERM) that are logged."""


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object; the fields of an event come from the record's ``fields``."""

    def __init__(self, worker: int | None = None) -> None:
        """``worker``: number of this process in a host of several; None where it is alone, or the parent."""
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON without any secret in it."""
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {"at": f"{at:%Y-%m-%dT%H:%M:%S.%fZ}", "level": record.levelname.lower()}
        line |= {"event": record.getMessage()} | getattr(record, "fields", {})
        if record.name != log.name:
            line["logger"] = record.name
        if self._worker is not None:
            line["worker"] = self._worker
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return logs.redact(msgspec.json.encode(line).decode())


def start(level: str, worker: int | None = None) -> None:
    """Log to stderr from now on, at this level and above. ``worker``: see JsonLines."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(worker))
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level.upper())
    # At INFO asyncssh logs user names and commands exactly as clients sent them.
    logging.getLogger("asyncssh").setLevel(logging.ERROR)


def event(name: str, **fields: object) -> None:
    """Log one event of the host with its fields."""
    log.info("%s", name, extra={"fields": fields})


def warning(name: str, **fields: object) -> None:
    """Log one event at level warning: an operator should look at it."""
    log.warning("%s", name, extra={"fields": fields})


def error(name: str, cause: Exception | None = None, **fields: object) -> None:
    """Log one event at level error; the traceback of ``cause`` goes with it."""
    log.error("%s", name, exc_info=cause, extra={"fields": fields})


def client_text(text: str) -> str:
    """Return text that a client sent as it may stand in a log: printable and short."""
    return "".join(c if c.isprintable() else "�" for c in text[:CLIENT_TEXT_MAX])
