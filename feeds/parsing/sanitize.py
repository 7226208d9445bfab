"""Text from outside, without anything a terminal could obey."""

from __future__ import annotations

LIMIT = 200
"""Characters of a name or message that are kept; no venue's title needs more."""

_CONTROLS = (*range(0x20), 0x7F, *range(0x80, 0xA0))
_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_ZERO_WIDTH = (0x00AD, 0x034F, 0x180E, *range(0x200B, 0x200E), *range(0x2060, 0x2066), 0xFEFF)
_OTHERS = (0x2028, 0x2029, *range(0x206A, 0x2070), *range(0xFFF9, 0xFFFC))
"""Line separators, deprecated format characters and interlinear marks."""
_DROPPED: dict[int, str | None] = dict.fromkeys((*_CONTROLS, *_BIDI, *_ZERO_WIDTH, *_OTHERS))
_BLANKS: dict[int, str | None] = dict.fromkeys((0x09, 0x0A, 0x0B, 0x0C, 0x0D), " ")
_TABLE = _DROPPED | _BLANKS
_TAGS = (0xE0000, 0xE007F)
"""Invisible letters: a plane of characters that spell text without showing it."""


def clean(text: str, limit: int = LIMIT) -> str:
    """Drop C0, DEL, C1, bidi, zero-width and surrogate characters; one line of at most ``limit``."""
    # Cut first: cleaning 100 KB to keep 200 characters is work for whoever sent it.
    kept = text[: 8 * limit].translate(_TABLE)
    shown = "".join(c for c in kept if not _TAGS[0] <= ord(c) <= _TAGS[1] and not "\ud800" <= c <= "\udfff")
    line = " ".join(shown.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
