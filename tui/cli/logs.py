"""The log: a rotating file in the user's state folder, never the screen."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LEVELS = ("debug", "info", "warning", "error")
MAX_BYTES = 1_000_000
BACKUPS = 3
_TALKATIVE = ("websockets", "httpx", "httpcore")
"""They log addresses, headers and frames, and vendors want their keys in all three."""

redact: Callable[[str], str] = str
"""Takes secrets out of a text about to be written; the composition root, which knows them, sets it."""


class _Veiled(logging.Formatter):
    """Looks at the finished text, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def log_file() -> Path:
    """Where the log is written."""
    from platformdirs import user_state_path  # noqa: PLC0415 - 20 ms that the first paint does not pay

    return user_state_path("rotation-tui") / "rotation-tui.log"


def start(level: str) -> Path | None:
    """Log to the file from now on; None if it cannot be written, which stops nothing."""
    logging.raiseExceptions = False  # a full disk is not told on the screen either
    root = logging.getLogger()
    root.setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    path = log_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8")
    except OSError:
        # A read-only home must not keep anyone from the screen; without a handler nothing is written.
        root.addHandler(logging.NullHandler())
        return None
    handler.setFormatter(_Veiled("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    return path
