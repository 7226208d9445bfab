"""Whether what a viewer has asked for has come: then it is painted at once, not when the next news is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.context.wants import Part

if TYPE_CHECKING:
    from rotation.context.wants import Want, Wants
    from rotation.snapshot import Snapshot


def has_come(before: Snapshot, now: Snapshot, wants: Wants) -> bool:
    """Whether the second Snapshot has a part that is wanted and the first lacked; values do not count."""
    return any(_has(now, want) and not _has(before, want) for want in wants)


def _has(snapshot: Snapshot, want: Want) -> bool:
    if want.part is Part.PAIRS:
        return bool(snapshot.pairs.get(want.of))
    if want.part is Part.STORY:
        own = snapshot.pairs.get(want.of) if want.of else snapshot
        return own is not None and own.story is not None
    if want.part is Part.LINE:
        return want.of in snapshot.lines
    if want.part is Part.LEGS:
        return any(symbol in snapshot.lines for symbol in snapshot.legs)
    if want.part is Part.FIGURE:
        return want.of in snapshot.explained
    return want.part not in snapshot.unasked
