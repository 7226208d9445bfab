"""What one Snapshot was made from, for those who take it apart again."""

from __future__ import annotations

import msgspec

from rotation.desk import Desk
from rotation.history import History
from rotation.snapshot import Snapshot


class Basis(msgspec.Struct, frozen=True):
    """A Snapshot with the history and the desk that its figures rest on."""

    snapshot: Snapshot
    history: History
    desk: Desk
