"""How the host is doing: counted as it happens, reported as one Struct (``ssh HOST status --json``)."""

from __future__ import annotations

import datetime as dt
from collections import Counter, deque
from typing import Literal

import msgspec

from rotation.text import counted
from tui.ssh.reasons import REFUSAL_LABELS, Refusal

WINDOW_S = 10.0
"""Rates are averages over about this long."""


class ViewerStatus(msgspec.Struct, frozen=True):
    """One viewer at the screen, for administrators."""

    id: int
    """For ``kick``."""
    key: str
    """Fingerprint of the key; "" for a login without one."""
    address: str
    size: str
    """Columns and lines of the terminal: "120x40"."""
    since: dt.datetime
    """When the session began, UTC."""
    frames: int
    """Frames sent so far."""


WorkerState = Literal["starting", "serving", "silent", "stopping", "waiting"]
""""silent": it has not answered for some seconds; "waiting": it ended, and a new one is about to start."""


class WorkerStatus(msgspec.Struct, frozen=True):
    """One of the processes of a host that has several."""

    worker: int
    """Its number, from 1; one that replaces another takes its number over."""
    state: WorkerState
    pid: int | None
    """None while it is waiting."""
    since: dt.datetime | None
    """When it started, UTC; None while it is waiting."""
    sessions: int = 0
    most_sessions: int = 0
    """Its share of ``--max-sessions``."""
    rooms: int = 0
    frames_per_s: float = 0.0
    bytes_per_s: float = 0.0
    lag_ms: float = 0.0
    pace: str = "full"
    memory_mb: float = 0.0
    """Resident memory; 0 where the system does not say."""
    replaced: int = 0
    """How often a process of this number has ended and was replaced."""


class ConfigStatus(msgspec.Struct, frozen=True):
    """The configuration file of a running host, for administrators. Nothing in it names a folder."""

    file: str
    """Its name: config.toml."""
    since: dt.datetime
    """When the settings in force were read, UTC."""
    applied: str = ""
    """What the last change has changed; "" before any."""
    error: str = ""
    """Where the file as it is now is wrong, so that the settings before stay in force; "" where it is not."""


class HostStatus(msgspec.Struct, frozen=True):
    """The state of the host at one moment. Every client may read it but for ``viewers``."""

    since: dt.datetime
    """When the host started, UTC."""
    version: str
    sessions: int
    """Viewers at the screen now."""
    most_sessions: int
    """``--max-sessions``."""
    rooms: int
    """Different renderings; viewers with the same view and frame share one."""
    frames_per_s: float
    """Frames sent to all viewers together."""
    bytes_per_s: float
    """Bytes sent to all viewers together."""
    dropped: int
    """Frames not sent because a viewer did not read."""
    lag_ms: float
    """The worst lag of the event loop over the last five seconds, in milliseconds."""
    pace: str
    """"full"; "half": half the frames; "closed": half the frames and no new connections."""
    logins: int
    """Logins since the host started."""
    refused: dict[str, int]
    """Refusal → how often; see ``tui.ssh.reasons``."""
    mode: str
    """Mode of the desk: "", DEMO or REPLAY."""
    as_of: dt.datetime | None
    """Time of the newest snapshot, UTC; None before the first one."""
    connection: str = ""
    """The connection and the age of the prices, as the first line of every screen; empty for a tape."""
    data_as_of: dt.datetime | None = None
    """When the older price of the pair was made, UTC; None without one."""
    viewers: list[ViewerStatus] | None = None
    """Who looks at the screen; None for clients that may not know."""
    config: ConfigStatus | None = None
    """The configuration file; None for clients that may not know."""
    workers: list[WorkerStatus] | None = None
    """The processes that serve the viewers, of which all other figures are the sum (``lag_ms`` and ``pace``:
    the worst); None for a host of one process."""


class Meter:
    """Counters of what the host does."""

    def __init__(self) -> None:
        self.frames = 0
        self.bytes = 0
        self.dropped = 0
        self.logins = 0
        self.refused: Counter[Refusal] = Counter()
        self._marks: deque[tuple[float, int, int]] = deque()

    def mark(self, now: float) -> None:
        """Remember the counters at ``now`` (seconds, any steady clock); call it about once a second."""
        self._marks.append((now, self.frames, self.bytes))
        while len(self._marks) > 2 and now - self._marks[1][0] >= WINDOW_S:
            self._marks.popleft()

    def rates(self) -> tuple[float, float]:
        """Return frames and bytes per second between the oldest and the newest mark."""
        if len(self._marks) < 2:
            return 0.0, 0.0
        first, last = self._marks[0], self._marks[-1]
        seconds = last[0] - first[0]
        if seconds <= 0:
            return 0.0, 0.0
        return (last[1] - first[1]) / seconds, (last[2] - first[2]) / seconds


def health_lines(status: HostStatus) -> tuple[str, ...]:
    """Return the lines about the host for the Health panel, rounded: every change repaints every screen."""
    sent = f"{status.frames_per_s:.0f} frames/s, {status.bytes_per_s / 1_000:.0f} kB/s"
    rooms = counted(status.rooms, "room")
    workers = f", {counted(len(status.workers), 'worker')}" if status.workers else ""
    return (
        f"{status.sessions} of {status.most_sessions} viewers in {rooms}{workers}, pace {status.pace}",
        f"{sent}, lag {status.lag_ms:.0f} ms, {sum(status.refused.values())} refused",
    )


def lines(status: HostStatus) -> list[str]:
    """Return the status as lines for a person."""
    refused = [f"{count} {_label(reason)}" for reason, count in sorted(status.refused.items())]
    prices = f", prices of {status.data_as_of:%Y-%m-%d %H:%M:%S} UTC" if status.data_as_of else ""
    newest = f"as of {status.as_of:%Y-%m-%d %H:%M:%S} UTC{prices}" if status.as_of else "still loading"
    return [
        f"viewers   {status.sessions} of {status.most_sessions} in {counted(status.rooms, 'room')}",
        f"logins    {status.logins} since {status.since:%Y-%m-%d %H:%M} UTC",
        f"sent      {status.frames_per_s:.1f} frames/s, {status.bytes_per_s:,.0f} bytes/s",
        f"dropped   {status.dropped} frames (viewer not reading)",
        f"loop      worst lag {status.lag_ms:.0f} ms, pace {status.pace}",
        f"refused   {', '.join(refused) or 'none'}",
        f"desk      {''.join(f'{mark}, ' for mark in (status.mode, status.connection) if mark)}{newest}",
        *_config_lines(status.config),
        *_worker_lines(status.workers or []),
        *_viewer_lines(status.viewers or []),
    ]


def _config_lines(config: ConfigStatus | None) -> list[str]:
    if config is None:
        return []
    since = f"settings of {config.since:%Y-%m-%d %H:%M:%S} UTC"
    if config.error:
        return [f"config    {config.error}; {since} stay in force"]
    return [f"config    {config.applied or config.file}; {since}"]


def _worker_lines(workers: list[WorkerStatus]) -> list[str]:
    if not workers:
        return []
    return [
        (
            f"{'WORKER':>6}  {'STATE':<9}{'PID':>8}  {'SINCE (UTC)':<19}  {'VIEWERS':>13}{'ROOMS':>7}"
            f"{'FRAMES/S':>10}{'LAG':>8}{'MEMORY':>9}  REPLACED"
        ),
        *(
            f"{each.worker:>6}  {each.state:<9}{each.pid or '—':>8}  "
            f"{f'{each.since:%Y-%m-%d %H:%M:%S}' if each.since else '—':<19}  "
            f"{f'{each.sessions} of {each.most_sessions}':>13}{each.rooms:>7}{each.frames_per_s:>10.1f}"
            f"{f'{each.lag_ms:.0f} ms':>8}{f'{each.memory_mb:.0f} MB':>9}  {each.replaced}"
            for each in workers
        ),
    ]


def _viewer_lines(viewers: list[ViewerStatus]) -> list[str]:
    if not viewers:
        return []
    return [
        f"{'ID':>5}  {'SINCE (UTC)':<19}  {'SIZE':<8}{'FRAMES':>8}  {'ADDRESS':<24} KEY",
        *(
            f"{each.id:>5}  {each.since:%Y-%m-%d %H:%M:%S}  {each.size:<8}{each.frames:>8}"
            f"  {each.address:<24} {each.key or 'none'}"
            for each in viewers
        ),
    ]


def _label(reason: str) -> str:
    return REFUSAL_LABELS[Refusal(reason)]
