"""The host's log: one JSON object a line on stderr, where systemd's journal takes it up."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import msgspec

from tui.cli import logs

log = logging.getLogger("tui.ssh")

WORD = 64
"""Characters of a visitor's word (user name, TERM) that are logged."""


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {"at": f"{at:%Y-%m-%dT%H:%M:%S.%fZ}", "level": record.levelname.lower()}
        line |= {"event": record.getMessage()} | getattr(record, "told", {})
        if record.name != log.name:
            line["logger"] = record.name
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return logs.redact(msgspec.json.encode(line).decode())


def start(level: str) -> None:
    """Log to stderr from now on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level.upper())
    # What it says at INFO of every packet's fate holds user names and commands as they came.
    logging.getLogger("asyncssh").setLevel(logging.ERROR)


def tell(event: str, **told: object) -> None:
    """One event of the host."""
    log.info("%s", event, extra={"told": told})


def word(text: str) -> str:
    """A visitor's word as it may stand in a log: printable, short."""
    return "".join(c if c.isprintable() else "�" for c in text[:WORD])
