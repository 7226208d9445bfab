"""What became of the symbols of a download so far, told as it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.sync_report import SyncProgress, SyncReport

if TYPE_CHECKING:
    from collections.abc import Callable


class Tally:
    """Counts, names and reasons. What is to be told waits for ``flush``: work is done in other threads."""

    def __init__(self, tell: Callable[[SyncProgress], None], monotonic: Callable[[], float]) -> None:
        self._tell = tell
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
        self._untold: list[SyncProgress] = []

    def begin(self, total: int) -> None:
        """So many symbols are wanted."""
        self._total = total
        self._started_s = self._monotonic()

    def skipped(self, symbol: str) -> None:
        """Nothing was asked: it is up to date."""
        self._current.append(symbol)

    def current(self, symbol: str) -> None:
        """It was asked for, and nothing was new."""
        self._current.append(symbol)
        self._done(symbol)

    def extended(self, symbol: str, sessions: int) -> None:
        """So many sessions were added."""
        self._extended.append(symbol)
        self._sessions += sessions
        self._done(symbol)

    def loaded(self, symbol: str, sessions: int) -> None:
        """Its whole series came."""
        self._loaded.append(symbol)
        self._sessions += sessions
        self._done(symbol)

    def failed(self, symbol: str, reason: str, *, aloud: bool) -> None:
        """Nothing came, for this reason; ``aloud``: said now too, where it is this symbol's own."""
        self._failed.append((symbol, reason))
        self._done(symbol, f"{symbol}: {reason}" if aloud else "")

    def note(self, text: str) -> None:
        """Something that a person should know at the end."""
        self._notes.append(text)

    def say(self, text: str) -> None:
        """Something that a person should know now."""
        self._told("", text)

    def flush(self) -> None:
        """Tell what happened since the last time."""
        told, self._untold = self._untold, []
        for progress in told:
            self._tell(progress)

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

    def _done(self, symbol: str, said: str = "") -> None:
        self._asked += 1
        self._told(symbol, said)

    def _told(self, symbol: str, said: str) -> None:
        done = len(self._current) + len(self._extended) + len(self._loaded) + len(self._failed)
        passed_s = self._monotonic() - self._started_s
        per_s = self._asked / passed_s if self._asked and passed_s > 0 else None
        left_s = (self._total - done) / per_s if per_s else None
        self._untold.append(SyncProgress(done, self._total, len(self._failed), symbol, said, per_s, left_s))
