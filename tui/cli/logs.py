"""The log: a rotating file in the user's state folder, never the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LEVELS = ("debug", "info", "warning", "error")
MAX_BYTES = 1_000_000
BACKUPS = 3
_VERBOSE = ("websockets", "httpx", "httpcore")
"""Libraries that log addresses, headers and frames, each of which may hold a key."""

redact: Callable[[str], str] = str
"""Removes secrets from a text before it is written; set by ``tui.__main__``."""


def log_file() -> Path:
    """Return the path of the log."""
    from platformdirs import user_state_path  # noqa: PLC0415 - 20 ms that the first paint need not wait for

    return user_state_path("rotation-tui") / "rotation-tui.log"


def start(level: str) -> Path | None:
    """Log to the file from now on and return its path; None if it cannot be written, which stops nothing."""
    import logging  # noqa: PLC0415 - brings what --help need not wait for, the next line sockets
    from logging.handlers import RotatingFileHandler  # noqa: PLC0415

    class RedactedLines(logging.Formatter):
        """Redacts the finished text, tracebacks included."""

        def format(self, record: logging.LogRecord) -> str:
            return redact(super().format(record))

    logging.raiseExceptions = False  # errors of logging itself must not reach the screen
    root = logging.getLogger()
    root.setLevel(level.upper())
    for name in _VERBOSE:
        logging.getLogger(name).setLevel(logging.WARNING)
    path = log_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8")
    except OSError:
        # A read-only home is no reason not to start. Without any handler, logging would write to stderr.
        root.addHandler(logging.NullHandler())
        return None
    handler.setFormatter(RedactedLines("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    return path
