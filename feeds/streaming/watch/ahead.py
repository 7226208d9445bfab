"""Prints ahead of the feed's own time wait until it comes, or until another print has come as far. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.quote import FUTURE_NS, NS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rotation.quote import Quote

AHEAD_NS = 2 * NS
"""By so much the clocks of exchanges may disagree."""
WAITING = 512


class Ahead:
    """The prints of one stream that wait for their time."""

    def __init__(self) -> None:
        self._waiting: list[Quote] = []
        self._left_out: list[Quote] = []

    def sift(self, quotes: Iterable[Quote], now_ns: int, lag_ns: int) -> list[Quote]:
        """Those of these prints, and of the waiting ones, whose time has come.

        ``lag_ns``: how late the feed's prints are as a rule, by our clock; negative where that is behind.
        What no clock explains (FUTURE_NS) does not wait: it is refused elsewhere. Bars have no companions:
        one that is ahead of time is still forming.
        """
        limit_ns = _limit_ns(now_ns, lag_ns)
        fresh = list(quotes)
        if not self._waiting and all(quote.ts_ns <= limit_ns for quote in fresh):
            return fresh
        prints = [quote for quote in (*self._waiting, *fresh) if not quote.bar_ns]
        ready: list[Quote] = []
        waiting: list[Quote] = []
        for quote in (*self._waiting, *fresh):
            is_due = quote.ts_ns <= limit_ns or quote.ts_ns > now_ns + FUTURE_NS
            is_due |= not quote.bar_ns and any(_is_companion(quote, other) for other in prints)
            (ready if is_due else waiting).append(quote)
        self._waiting = waiting[:WAITING]
        self._left_out += waiting[WAITING:]
        return ready

    def take_left_out(self) -> list[Quote]:
        """The newest that came where WAITING waited already: they are let in no more."""
        left_out, self._left_out = self._left_out, []
        return left_out

    def may_hold(self, newest_ns: int, now_ns: int, lag_ns: int) -> bool:
        """Whether ``sift`` might do more than pass prints of which the newest is of ``newest_ns``."""
        return bool(self._waiting) or newest_ns > _limit_ns(now_ns, lag_ns)

    def clear(self) -> None:
        """What waits belongs to a connection that has ended: the gap's bars hold it."""
        self._waiting.clear()


def _limit_ns(now_ns: int, lag_ns: int) -> int:
    """What is newer is ahead of the feed's own time."""
    return now_ns - lag_ns + AHEAD_NS


def _is_companion(quote: Quote, other: Quote) -> bool:
    """Whether another trade shows that the feed's time has come as far."""
    is_another = other.symbol != quote.symbol or (other.ts_ns != quote.ts_ns and other.seq != quote.seq)
    return is_another and quote.ts_ns - AHEAD_NS <= other.ts_ns
