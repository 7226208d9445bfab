"""How many calls an account has left in this minute, as the vendor's own headers say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.clock import reset_after_s, retry_after_s

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOW_S = 60.0
"""Calls come back each minute; a reset told further ahead is a clock that differs."""
MARGIN_S = 0.25
"""Behind the reset, which is told in whole seconds."""


class Quota:
    """What the last answer said."""

    def __init__(self) -> None:
        """Nothing is known: the first call goes out, and its answer tells."""
        self._left: int | None = None
        self._reset_ns = 0
        self.status = 0
        """Of the last answer."""

    def heard(self, status: int, headers: Mapping[str, str], now_ns: int) -> None:
        """Note an answer's status and headers (names in lower case, or a mapping that ignores case)."""
        self.status = status
        left = _whole(headers.get("x-ratelimit-remaining"))
        self._left = 0 if status == 429 else left
        after_s = retry_after_s(headers.get("retry-after"), now_ns)
        if after_s is None:
            after_s = reset_after_s(headers.get("x-ratelimit-reset"), now_ns)
        if after_s is None:
            after_s = WINDOW_S if status == 429 else 0.0
        self._reset_ns = now_ns + int(min(after_s, WINDOW_S) * 1e9)

    def wait_s(self, now_ns: int, reserve: int) -> float:
        """Seconds to wait before the next call, which leaves ``reserve`` to others; 0 for none."""
        if self._left is None or self._left > reserve or now_ns >= self._reset_ns:
            return 0.0
        return (self._reset_ns - now_ns) / 1e9 + MARGIN_S


def _whole(text: str | None) -> int | None:
    """A header's number; None where there is none."""
    found = (text or "").strip()
    return int(found) if found.isascii() and found.isdigit() and len(found) <= 12 else None
