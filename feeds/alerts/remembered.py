"""What is worth delivering of an earlier run, and what a person reads where the state cannot be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.alerts.state_file import reason
from feeds.files.names import shown_path
from rotation.sessions import to_ns

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from feeds.alerts.state_file import Waiting

FRESH_S = 3_600.0
"""A call that waited longer, because no program ran, is not delivered any more."""


def still_fresh(waiting: Iterable[Waiting], now_ns: int) -> tuple[Waiting, ...]:
    """Those that fired less than ``FRESH_S`` ago."""
    return tuple(each for each in waiting if now_ns - to_ns(each.fired.at) < FRESH_S * 1e9)


def failure_text(error: OSError, path: Path, *, is_unread: bool) -> str:
    """Why the state is not kept, and what that means. ``is_unread``: the file is there and stays."""
    why = reason(error)
    if isinstance(error, NotADirectoryError):
        folder = shown_path(path.parent)
        return f"{folder}: {why}: alert state cannot be saved, alerts may fire again after a restart"
    if is_unread:
        return (
            f"{shown_path(path)}: cannot be read ({why}): "
            "alerts start afresh until it can, and may fire again"
        )
    return f"alert state cannot be saved ({why}): alerts may fire again after a restart"
