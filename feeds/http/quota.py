"""How many calls an account has left in this minute, as a vendor's own X-RateLimit headers say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.clock import reset_after_s, retry_after_s

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOW_S = 60.0
"""Calls come back each minute; a reset stated further ahead is a clock that differs."""
MARGIN_S = 0.25
"""Added to the reset, which is stated in whole seconds."""


class Quota:
    """The account's state after the last answer. Before the first one nothing is known and nothing waits."""

    def __init__(self) -> None:
        self._left: int | None = None
        self._reset_ns = 0

    def note(self, status: int, headers: Mapping[str, str], now_ns: int) -> None:
        """Note an answer's status and headers (names in lower case, or a mapping that ignores case)."""
        self._left = 0 if status == 429 else _count(headers.get("x-ratelimit-remaining"))
        after_s = retry_after_s(headers.get("retry-after"), now_ns)
        if after_s is None:
            after_s = reset_after_s(headers.get("x-ratelimit-reset"), now_ns)
        if after_s is None:
            after_s = WINDOW_S if status == 429 else 0.0
        self._reset_ns = now_ns + int(min(after_s, WINDOW_S) * 1e9)

    def wait_s(self, now_ns: int, reserve: int) -> float:
        """Seconds to wait before a call that leaves ``reserve`` calls to others; 0 for none."""
        if self._left is None or self._left > reserve or now_ns >= self._reset_ns:
            return 0.0
        return (self._reset_ns - now_ns) / 1e9 + MARGIN_S


def _count(text: str | None) -> int | None:
    """A header's whole number; None where it holds none."""
    digits = (text or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 12 else None
