"""The status of a host of several processes: what its workers report, summed. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tui.ssh.status import HostStatus, ViewerStatus, WorkerStatus
    from tui.ssh.workers.wire import Report

_PACES = ("full", "half", "closed")


class Counted(msgspec.Struct, frozen=True):
    """What only grows, over all workers that have ever run."""

    logins: int = 0
    dropped: int = 0
    frames: int = 0
    bytes: int = 0
    refused: dict[str, int] = {}

    def plus(self, report: Report) -> Counted:
        """Return the same with one more worker's."""
        status = report.status
        return Counted(
            self.logins + status.logins,
            self.dropped + status.dropped,
            self.frames + report.frames,
            self.bytes + report.bytes,
            dict(Counter(self.refused) + Counter(status.refused)),
        )


def total(
    own: HostStatus,
    *,
    counted: Counted,
    running: Sequence[HostStatus],
    workers: list[WorkerStatus],
    most_sessions: int,
    viewers: Iterable[ViewerStatus] | None,
) -> HostStatus:
    """Return the status of the whole host.

    ``own``: the parent's, whose refusals and prices it is. ``counted``: of all workers, also those that have
    ended. ``running``: of those that have not. ``viewers``: None for clients that may not know.
    """
    return replace(
        own,
        sessions=sum(each.sessions for each in running),
        most_sessions=most_sessions,
        rooms=sum(each.rooms for each in running),
        frames_per_s=round(sum(each.frames_per_s for each in running), 1),
        bytes_per_s=round(sum(each.bytes_per_s for each in running), 1),
        dropped=counted.dropped,
        lag_ms=max(each.lag_ms for each in (own, *running)),
        pace=max((each.pace for each in running), key=_PACES.index, default="full"),
        logins=counted.logins,
        refused=dict(Counter(own.refused) + Counter(counted.refused)),
        viewers=None if viewers is None else sorted(viewers, key=lambda each: each.id),
        workers=workers,
    )
