"""From a scene to the bytes that make a terminal show it: whole, or only what changed. Pure.

Nothing here depends on where the frame stands in the terminal: every run of cells begins by going back to
the saved cursor (DECSC, set once at the frame's corner) and moving from there. So viewers whose terminals
differ in size, and share a frame, share its bytes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tui.view.draw import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tui.screen.scene import Scene
    from tui.ssh.rooms.colours import Ink
    from tui.view.draw import Row

ENTER = b"\x1b[?1049h\x1b[?25l\x1b[?7l"
"""Alternate screen, no cursor, no wrap: a terminal smaller than its frame cuts it instead of breaking it."""
LEAVE = b"\x1b[?2026l\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
"""Restores the terminal as it was before ENTER."""
_SYNC_ON, _SYNC_OFF = b"\x1b[?2026h", b"\x1b[?2026l"
"""Synchronized output: terminals that support it show what is between at once; others ignore it."""
_SAVE = b"\x1b7"
_CORNER = b"\x1b8" + _SAVE
"""Back to the corner, and save it again: some emulators keep a stack where terminals keep one position."""


def opening(ink: Ink, x: int, y: int) -> bytes:
    """Clear the terminal and save the frame's corner at ``x``, ``y`` (cells); a whole frame must follow."""
    return ink.on["text"] + b"\x1b[2J\x1b[%d;%dH" % (y + 1, x + 1) + _SAVE


def whole(shown: Scene, ink: Ink) -> bytes:
    """Return the bytes that draw every cell of the frame."""
    return _framed(
        _run(place.x, place.y + y, row, ink)
        for name, place in shown.places.items()
        for y, row in enumerate(shown.rows[name])
    )


def changed(before: Scene, after: Scene, ink: Ink) -> bytes:
    """Return the bytes that turn one scene into the other, both in the same ink; b"" if they are equal."""
    if before.places != after.places:
        return whole(after, ink)
    return _framed(
        _difference(place.x, place.y + y, old, new, ink)
        for name, place in after.places.items()
        for y, (old, new) in enumerate(zip(before.rows[name], after.rows[name], strict=True))
        if old is not new and old != new
    )


def _framed(runs: Iterable[bytes]) -> bytes:
    body = b"".join(runs)
    return _SYNC_ON + body + _SYNC_OFF if body else b""


@lru_cache(maxsize=1024)
def _difference(x: int, y: int, old: Row, new: Row, ink: Ink) -> bytes:
    """Draw what is between the spans shared at either end; whole spans keep wide characters whole.

    Cached: rooms of different sizes and views have many panels in common, at the same place.
    """
    start = _shared(old, new)
    was, now = old[start:], new[start:]
    end = _shared(was[::-1], now[::-1])
    # Spans of other widths move what follows them: then the shared end is elsewhere and is painted too.
    if _cells(was[: len(was) - end]) == _cells(now[: len(now) - end]):
        now = now[: len(now) - end]
    return _run(x + _cells(new[:start]), y, now, ink)


def _shared(old: Row, new: Row) -> int:
    for at, (was, now) in enumerate(zip(old, new, strict=False)):
        if was != now:
            return at
    return min(len(old), len(new))


def _run(x: int, y: int, row: Row, ink: Ink) -> bytes:
    parts = [_CORNER]
    if y:
        parts.append(b"\x1b[%dB" % y)
    if x:
        parts.append(b"\x1b[%dC" % x)
    role = ""
    for text, has_role in row:
        if has_role != role:
            parts.append(ink.turn[role, has_role] if role else ink.on[has_role])
            role = has_role
        parts.append(clean(text).encode())  # again: a terminal must not depend on others
    return b"".join(parts)


def _cells(row: Row) -> int:
    return sum(cell_len(text) for text, _ in row)
