"""What became of the symbols of a download so far: counts, names, reasons and the rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.sync_report import SyncProgress, SyncReport

if TYPE_CHECKING:
    from collections.abc import Callable


class Tally:
    """Filled while symbols are worked off, in whatever thread; ``take`` hands out what has happened."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._started_s = 0.0
        self._total = 0
        self._asked = 0
        self._current: list[str] = []
        self._extended: list[str] = []
        self._loaded: list[str] = []
        self._failed: list[tuple[str, str]] = []
        self._notes: list[str] = []
        self._sessions = 0
        self._pending: list[SyncProgress] = []

    def begin(self, total: int) -> None:
        """So many symbols are wanted."""
        self._total = total
        self._started_s = self._monotonic()

    def skipped(self, symbol: str) -> None:
        """It was up to date, so no source was asked."""
        self._current.append(symbol)

    def current(self, symbol: str) -> None:
        """A source was asked and had nothing new."""
        self._current.append(symbol)
        self._done(symbol)

    def extended(self, symbol: str, sessions: int) -> None:
        """So many sessions were added."""
        self._extended.append(symbol)
        self._sessions += sessions
        self._done(symbol)

    def loaded(self, symbol: str, sessions: int) -> None:
        """Its whole series was fetched, with so many sessions that were not held."""
        self._loaded.append(symbol)
        self._sessions += sessions
        self._done(symbol)

    def failed(self, symbol: str, reason: str, *, aloud: bool) -> None:
        """Nothing came, for this reason; ``aloud``: with a message of its own, not only in the report."""
        self._failed.append((symbol, reason))
        self._done(symbol, f"{symbol}: {reason}" if aloud else "")

    def note(self, text: str) -> None:
        """Keep a line that a person should read at the end."""
        self._notes.append(text)

    def announce(self, message: str) -> None:
        """Add a progress of no symbol: a line that a person should read now."""
        self._add("", message)

    def take(self) -> tuple[SyncProgress, ...]:
        """What has happened since the last time, in order."""
        taken, self._pending = tuple(self._pending), []
        return taken

    def report(self) -> SyncReport:
        """All of it."""
        return SyncReport(
            tuple(self._current),
            tuple(self._extended),
            tuple(self._loaded),
            tuple(self._failed),
            tuple(self._notes),
            self._sessions,
        )

    def _done(self, symbol: str, message: str = "") -> None:
        self._asked += 1
        self._add(symbol, message)

    def _add(self, symbol: str, message: str) -> None:
        done = len(self._current) + len(self._extended) + len(self._loaded) + len(self._failed)
        passed_s = self._monotonic() - self._started_s
        per_s = self._asked / passed_s if self._asked and passed_s > 0 else None
        left_s = (self._total - done) / per_s if per_s else None
        self._pending.append(
            SyncProgress(done, self._total, len(self._failed), symbol, message, per_s, left_s)
        )
