"""What one Snapshot was made from, for those who take it apart again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import msgspec

from rotation.desk import Desk
from rotation.history import History
from rotation.snapshot import Snapshot


class Basis(msgspec.Struct, frozen=True):
    """A Snapshot with the history and the desk that its figures rest on."""

    snapshot: Snapshot
    history: History
    desk: Desk
    cut_then: Callable[[date], float | None] | None = None
    """P(cut at the meeting that was next) after a session's close, by the settlements kept; None of a day
    that has none, and where nobody keeps any."""
