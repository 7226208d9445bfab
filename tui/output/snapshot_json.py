"""The snapshot as JSON, for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from rotation.snapshot import Snapshot


def encode(snapshot: Snapshot) -> bytes:
    """One line; of the demo, the sentence says so too: many read nothing else."""
    if snapshot.mode == "DEMO" and not snapshot.headline.startswith("DEMO"):
        snapshot = msgspec.structs.replace(snapshot, headline=f"DEMO: {snapshot.headline}")
    return msgspec.json.encode(snapshot)
