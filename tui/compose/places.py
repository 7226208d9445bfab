"""Where this program keeps its files, and the one clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from feeds.alerts.state_file import StateFile
    from feeds.history.store import HistoryStore
    from feeds.members.store import MemberStore


SNAPSHOT_WAITS_S = 10.0
"""Seconds that a single snapshot waits for live sources; later answers are left out."""


def wall_ns() -> int:
    """Now, in UTC nanoseconds."""
    from feeds.clock import wall_ns  # noqa: PLC0415

    return wall_ns()


def alert_file() -> StateFile:
    """Return the file of what alerts remember."""
    from platformdirs import user_state_path  # noqa: PLC0415

    from feeds.alerts.state_file import StateFile  # noqa: PLC0415

    return StateFile(user_state_path("rotation-tui"))


def cache() -> Path:
    """Return the folder of what was fetched and may be fetched again."""
    from platformdirs import user_cache_path  # noqa: PLC0415

    return user_cache_path("rotation-tui") / "http"


def folder(name: str) -> Path:
    """Return a folder of what is kept; "": that of all."""
    from platformdirs import user_data_path  # noqa: PLC0415

    return user_data_path("rotation-tui") / name


def member_store() -> MemberStore:
    """Return the holdings files kept here."""
    from feeds.members.store import MemberStore  # noqa: PLC0415

    return MemberStore(folder("members"))


def store() -> HistoryStore:
    """Return the daily closes kept here."""
    from feeds.history.store import HistoryStore  # noqa: PLC0415

    return HistoryStore(folder("history"))
