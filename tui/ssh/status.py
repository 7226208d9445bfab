"""How the host is doing: counted as it happens, told as one Struct (``ssh host status --json``)."""

from __future__ import annotations

import datetime as dt
from collections import Counter, deque

import msgspec

WINDOW_S = 10.0
"""Rates are over about this long."""


class HostStatus(msgspec.Struct, frozen=True):
    """One moment of the host. Holds no address and no name: every visitor may read it."""

    since: dt.datetime
    """When the host began, UTC."""
    version: str
    sessions: int
    most_sessions: int
    """``--max-sessions``."""
    rooms: int
    """Different renderings; sessions with the same view and frame share one."""
    frames_per_s: float
    """Sent to all sessions together."""
    bytes_per_s: float
    dropped: int
    """Frames not sent because the viewer did not read."""
    lag_ms: float
    """How late the event loop was, at worst, in the last seconds."""
    pace: str
    """full, half, or closed: half the frames and no newcomers."""
    logins: int
    refused: dict[str, int]
    """Reason → connections turned away or hung up on."""
    mode: str
    """Of the desk: "", DEMO or REPLAY."""
    as_of: dt.datetime | None
    """Of the newest snapshot, UTC."""


class Meter:
    """What happens, counted."""

    def __init__(self) -> None:
        self.frames = 0
        self.bytes = 0
        self.dropped = 0
        self.logins = 0
        self.refused: Counter[str] = Counter()
        self._marks: deque[tuple[float, int, int]] = deque()

    def mark(self, now: float) -> None:
        """Remember the counts at ``now`` (seconds, any steady clock); call about once a second."""
        self._marks.append((now, self.frames, self.bytes))
        while len(self._marks) > 2 and now - self._marks[1][0] >= WINDOW_S:
            self._marks.popleft()

    def rates(self) -> tuple[float, float]:
        """Frames and bytes per second, between the oldest and the newest mark."""
        if len(self._marks) < 2:
            return 0.0, 0.0
        first, last = self._marks[0], self._marks[-1]
        seconds = last[0] - first[0]
        if seconds <= 0:
            return 0.0, 0.0
        return (last[1] - first[1]) / seconds, (last[2] - first[2]) / seconds


def words(status: HostStatus) -> tuple[str, ...]:
    """The status for the desk's Health panel. Round figures: what twitches would repaint every screen."""
    sent = f"{status.frames_per_s:.0f} frames/s, {status.bytes_per_s / 1_000:.0f} kB/s"
    return (
        f"{status.sessions} of {status.most_sessions} viewers in {_rooms(status.rooms)}, pace {status.pace}",
        f"{sent}, lag {status.lag_ms:.0f} ms, {sum(status.refused.values())} refused",
    )


def lines(status: HostStatus) -> list[str]:
    """The status for a person."""
    refused = ", ".join(f"{count} {reason}" for reason, count in sorted(status.refused.items())) or "none"
    newest = f"{status.as_of:%Y-%m-%d %H:%M:%S} UTC" if status.as_of else "nothing yet"
    return [
        f"sessions  {status.sessions} of {status.most_sessions} in {_rooms(status.rooms)}",
        f"logins    {status.logins} since {status.since:%Y-%m-%d %H:%M} UTC",
        f"sent      {status.frames_per_s:.1f} frames/s, {status.bytes_per_s:,.0f} bytes/s",
        f"dropped   {status.dropped} frames that nobody read",
        f"loop      {status.lag_ms:.0f} ms late at worst, pace {status.pace}",
        f"refused   {refused}",
        f"desk      {status.mode + ' ' if status.mode else ''}as of {newest}",
    ]


def _rooms(number: int) -> str:
    return f"{number} room" + "s" * (number != 1)
