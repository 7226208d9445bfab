"""What a configuration file that was read again changes on a running screen."""

from __future__ import annotations

import msgspec

from rotation.alerts.target import AlertSettings
from rotation.desk import DeskChange, PairOptions, pair_name
from tui.backend import ChangingDesk, PairsDesk
from tui.view.keymap import Keymap


class PairsChange(msgspec.Struct, frozen=True):
    """The desk's more pairs as the file has them now."""

    pairs: tuple[tuple[str, str], ...] | None
    """None: an option or the environment has set them, and they stay."""
    options: tuple[PairOptions, ...]


class Applied(msgspec.Struct, frozen=True):
    """What to do, and what to say of it; None of what stays as it is."""

    message: str
    is_error: bool = False
    """The file cannot be used: the configuration before stays."""
    keys: Keymap | None = None
    theme: str | None = None
    alerts: AlertSettings | None = None
    pairs: PairsChange | None = None
    desk: DeskChange | None = None


async def change_desk(desk: object, applied: Applied) -> None:
    """Give a running desk the limits of a changed file."""
    if applied.desk is not None and isinstance(desk, ChangingDesk):
        await desk.change_desk(applied.desk)


async def with_pairs(desk: object, applied: Applied) -> Applied:
    """Give a running desk the pairs of a changed file. What it cannot have is in the message then."""
    change = applied.pairs
    if change is None or change.pairs is None or not isinstance(desk, PairsDesk):
        return applied
    left = await desk.set_pairs(change.pairs, change.options)
    if not left:
        return applied
    verb, whose = ("waits", "its") if len(left) == 1 else ("wait", "their")
    wait = (
        f"{', '.join(map(pair_name, left))} {verb} for the next start: {whose} symbols are not on this desk"
    )
    kept = msgspec.structs.replace(change, pairs=tuple(pair for pair in change.pairs if pair not in left))
    return msgspec.structs.replace(applied, message=f"{applied.message}; {wait}", pairs=kept)
