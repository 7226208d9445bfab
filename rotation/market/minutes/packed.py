"""Minutes of one symbol that hardly change any more, as numbers: places for a part of the day, taken once.

A minute as objects costs some 430 bytes and as numbers 59 (83 where bars come), which are taken for all
minutes of the part with the first: what is kept does not grow with the session.
"""

from __future__ import annotations

from array import array
from itertools import compress
from math import inf, isnan, nan
from typing import TYPE_CHECKING, Any, Protocol

from rotation.quote import Quote, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCKS = ((389, 632), (0, 392), (-331, 1))
"""Places after hours, in the regular session and before it, each with the minutes at its bells."""
_ROLES = tuple(Role)
_NONE, _OF_PRINTS, _BAR_IS_LAST, _BAR = range(4)


class Minute(Protocol):
    """What one minute adds to the totals."""

    bar: Quote | None
    volume: int
    high: float
    low: float
    folded_high: float
    folded_low: float


class PackedMinutes:
    """What minutes add up to, and the last print of minutes, each by its place as in ``Prints``."""

    def __init__(self) -> None:
        """Hold nothing and take no memory before the first minute."""
        self._symbol: str | None = None
        self._start = self._end = 0
        self._kind, self._is_known, self._role = bytearray(), bytearray(), bytearray()
        self._volume, self._high, self._low = array("q"), array("d"), array("d")
        self._ts_ns, self._price = array("q"), array("d")
        self._seq, self._size = array("q"), array("q")
        self._bars: tuple[array[float], array[float], array[int]] | None = None
        """High, low (NaN: None) and length of last prints; None as long as there are no bars among them."""
        self._apart: dict[int, Quote] = {}
        """Bars of minutes of which the last print is another one: there are few."""

    @property
    def places(self) -> int:
        """For how many minutes there is memory."""
        return self._end - self._start

    def _reach(self, place: int) -> bool:
        """Have memory for a minute; False where no session has it."""
        if self._start <= place < self._end:
            return True
        block = next((each for each in _BLOCKS if each[0] <= place < each[1]), None)
        if block is None:
            return False
        (start, end), before, after = block, block[1] - block[0], 0
        if self.places:
            start, end = min(start, self._start), max(end, self._end)
            before, after = self._start - start, end - self._end
        for flags in (self._kind, self._is_known, self._role):
            flags[0:0] = bytes(before)
            flags.extend(bytes(after))
        for whole in (self._volume, self._ts_ns, self._seq, self._size):
            _widen(whole, before, after, 0)
        for number, nothing in ((self._high, -inf), (self._low, inf), (self._price, 0.0)):
            _widen(number, before, after, nothing)
        for each in self._bars or ():
            _widen(each, before, after, 0)  # written with the last print
        self._start, self._end = start, end
        return True

    # What minutes add up to ----------------------------------------------------------------------------

    def has(self, place: int) -> bool:
        """Whether a minute's sum is here."""
        return self._start <= place < self._end and self._kind[place - self._start] != _NONE

    def put(self, place: int, minute: Minute) -> bool:
        """Hold a minute of which all prints are folded, or that is a bar's; False where it is no such one.

        A bar is one copy with the last print of the minute, where it is that: the last print goes first.
        """
        bar, kind = minute.bar, _OF_PRINTS
        if bar is None and (minute.folded_high, minute.folded_low) != (minute.high, minute.low):
            return False
        if not self._reach(place):
            return False
        at = place - self._start
        try:
            self._volume[at] = minute.volume
        except OverflowError:
            return False
        self._high[at], self._low[at] = minute.high, minute.low
        if bar is not None:
            kind = _BAR_IS_LAST if self.last(place + 1) == bar else _BAR
            if kind == _BAR:
                self._apart[place] = bar
        self._kind[at] = kind
        return True

    def bar(self, place: int) -> Quote | None:
        """The bar of a minute whose sum is here; None where it is the sum of its prints."""
        kind = self._kind[place - self._start]
        if kind == _BAR:
            return self._apart[place]
        return self.last(place + 1) if kind == _BAR_IS_LAST else None

    def take(self, place: int) -> tuple[int, float, float]:
        """Volume, high and low of a minute whose sum is here, and is no longer."""
        at = place - self._start
        taken = self._volume[at], self._high[at], self._low[at]
        self._kind[at], self._volume[at], self._high[at], self._low[at] = _NONE, 0, -inf, inf
        self._apart.pop(place, None)
        return taken

    def total(self) -> tuple[int, float, float]:
        """Volume, high and low of all sums that are here."""
        return sum(self._volume), max(self._high, default=-inf), min(self._low, default=inf)

    def sums(self) -> Iterator[int]:
        """Places of the sums that are here."""
        return compress(range(self._start, self._end), self._kind)

    # Last prints ---------------------------------------------------------------------------------------

    def is_bars_copy(self, place: int) -> bool:
        """Whether the last print here is the only copy of a bar that ``put`` was given."""
        at = place - 1 - self._start
        return 0 <= at < self.places and self._kind[at] == _BAR_IS_LAST

    def put_last(self, place: int, quote: Quote) -> bool:
        """Hold the last print of a minute; False where its numbers do not fit."""
        if quote.symbol != (self._symbol or quote.symbol) or not self._reach(place):
            return False
        self._symbol = quote.symbol
        at = place - self._start
        high, low = quote.high, quote.low
        is_bar = bool(high is not None or low is not None or quote.bar_ns)
        if is_bar and self._bars is None:
            self._bars = (
                array("d", [nan]) * self.places,
                array("d", [nan]) * self.places,
                array("q", [0]) * self.places,
            )
        if high != high or low != low:  # noqa: PLR0124  # NaN stands for None here
            return False
        self._is_known[at] = False
        try:
            self._ts_ns[at], self._seq[at], self._size[at] = quote.ts_ns, quote.seq, quote.size
            if self._bars:
                highs, lows, lengths = self._bars
                lengths[at] = quote.bar_ns
                highs[at], lows[at] = nan if high is None else high, nan if low is None else low
        except OverflowError:
            return False
        self._price[at], self._role[at] = quote.price, quote.role
        self._is_known[at] = True
        return True

    def last(self, place: int) -> Quote | None:
        """The last print of a minute; None where it is not here."""
        at = place - self._start
        if not 0 <= at < self.places or not self._is_known[at] or self._symbol is None:
            return None
        high, low, bar_ns = None, None, 0
        if self._bars:
            highs, lows, lengths = self._bars
            high, low, bar_ns = _or_none(highs[at]), _or_none(lows[at]), lengths[at]
        role = _ROLES[self._role[at]]
        return Quote(
            self._symbol,
            self._ts_ns[at],
            self._price[at],
            self._seq[at],
            self._size[at],
            high,
            low,
            bar_ns,
            role,
        )

    def drop_last(self, place: int) -> None:
        """Hold the last print of this minute no longer."""
        if 0 <= place - self._start < self.places:
            self._is_known[place - self._start] = False

    def lasts(self) -> Iterator[int]:
        """Places of the last prints that are here."""
        return compress(range(self._start, self._end), self._is_known)


def _or_none(value: float) -> float | None:
    return None if isnan(value) else value


def _widen(column: array[Any], before: int, after: int, nothing: float) -> None:
    """Put so many empty places before and behind those of a column."""
    empty = array(column.typecode, [nothing])
    column[0:0] = empty * before
    column.extend(empty * after)
