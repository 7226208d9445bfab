"""What streams bring of an index's members, beside the symbols that they follow. Pure.

Members are thousands and only their newest price counts, so nothing here is kept print by print: no gap of
theirs is filled bar by bar, no silence of theirs ends a connection, and what nobody took yet is replaced.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from rotation.breadth.members import spelled
from rotation.quote import Quote
from rotation.status import Kind, Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SILENT_S = 150.0
"""A stream that has brought no member for so long brings none: bars come at the end of every minute.
Seconds."""


class MemberChannel(Enum):
    """How a vendor's stream brings members."""

    SECOND_BARS = 1.0
    MINUTE_BARS = 60.0

    @property
    def length_s(self) -> float:
        """Seconds of a bar; its close is known at its end."""
        return float(self.value)


@cache
def late_by(mode: Mode, delay_s: float) -> Mode:
    """The mode of prices that come so many seconds later than those of ``mode``."""
    return msgspec.structs.replace(mode, kind=Kind.DELAYED, delay_s=mode.delay_s + delay_s)


class MemberPrint(msgspec.Struct, frozen=True):
    """The newest print of a member, and what it is worth by design."""

    quote: Quote
    mode: Mode


class MemberPrints:
    """The newest print of each member, from whatever streams a desk has, until its reader takes it.

    Bounded by the members that are wanted. There is one reader at a time; a new one takes the place of the
    one before.
    """

    def __init__(self) -> None:
        """Nobody wants any."""
        self.wanted: Mapping[str, str] = {}
        """Our symbols by the spelling that vendors share, with a dot before a class: streams ask for all
        members while there are any, and take those named here."""
        self.conflated = 0
        """Prints replaced by newer ones before they were taken."""
        self.passed_over = 0
        """Prints of symbols that nobody asked for."""
        self.losses = 0
        """How often a stream of members has ended."""
        self._reader: object | None = None
        self._on_arrival: Callable[[], None] = lambda: None
        self._fresh: dict[str, MemberPrint] = {}
        self._taps: set[MemberTap] = set()
        self._put_s = float("-inf")

    def claim(self, reader: object, on_arrival: Callable[[], None]) -> None:
        """Be the reader from now on. ``on_arrival`` is called whenever something has come or has ended."""
        self._reader, self._on_arrival = reader, on_arrival

    def release(self, reader: object) -> None:
        """Read no more: nothing is wanted until another reader says so. Without effect on another's."""
        if reader is self._reader:
            self._reader, self._on_arrival, self.wanted = None, lambda: None, {}
            self._fresh.clear()

    def want(self, reader: object, symbols: Iterable[str], on_arrival: Callable[[], None]) -> bool:
        """Have these brought, and no others; False where another reader has taken this one's place."""
        if self._reader is None:
            self.claim(reader, on_arrival)
        if reader is not self._reader:
            return False
        wanted = {spelled(symbol): symbol for symbol in symbols}
        if wanted != self.wanted:
            self.wanted = wanted
            for symbol in self._fresh.keys() - set(wanted.values()):
                del self._fresh[symbol]
        return True

    def take(self, reader: object) -> dict[str, MemberPrint]:
        """By symbol what has come since the last call; nothing for who is not the reader any more."""
        if reader is not self._reader:
            return {}
        fresh, self._fresh = self._fresh, {}
        return fresh

    def channel(self, reader: object, now_s: float) -> MemberChannel | None:
        """How members come now; None where no stream brings any. ``now_s``: monotonic."""
        if reader is not self._reader or now_s - self._put_s > SILENT_S:
            return None
        channels = [tap.channel for tap in self._taps if tap.channel is not None]
        return min(channels, key=lambda channel: channel.length_s, default=None)

    def tap(self, mode: Mode) -> MemberTap:
        """For a stream whose prints are worth this by design."""
        return MemberTap(self, mode)

    def put(self, quotes: Iterable[Quote], mode: Mode, now_s: float) -> None:
        """A stream has brought these; of each member the newest by event time stays.

        Of two of one instant the later one stays: it is a revision.
        """
        count = 0
        for quote in quotes:
            symbol = self.wanted.get(spelled(quote.symbol))
            if symbol is None:
                self.passed_over += 1
                continue
            count += 1
            held = self._fresh.get(symbol)
            self.conflated += held is not None
            if held is None or (quote.ts_ns, quote.seq) >= (held.quote.ts_ns, held.quote.seq):
                ours = quote if symbol == quote.symbol else msgspec.structs.replace(quote, symbol=symbol)
                self._fresh[symbol] = MemberPrint(ours, mode)
        if count:
            self._put_s = now_s
            self._on_arrival()

    def begin(self, tap: MemberTap, now_s: float) -> None:
        """A stream brings members from now on: its silence counts from here, not from the first print."""
        self._taps.add(tap)
        self._put_s = max(self._put_s, now_s)

    def end(self, tap: MemberTap) -> None:
        """A stream brings none any more."""
        if tap in self._taps:
            self._taps.discard(tap)
            self.losses += 1
            self._on_arrival()


class MemberTap:
    """What one stream brings of members."""

    def __init__(self, prints: MemberPrints, mode: Mode) -> None:
        """``mode``: of the stream's prints by design."""
        self.prints = prints
        self.channel: MemberChannel | None = None
        """How they come; None while they do not."""
        self._mode = mode
        self._was_wanted = False

    @property
    def has_turned(self) -> bool:
        """Whether members are wanted since the last call where they were not, or the other way round."""
        was, self._was_wanted = self._was_wanted, bool(self.prints.wanted)
        return was != self._was_wanted

    def opened(self) -> None:
        """A connection subscribes: it asks for members if they are wanted now."""
        self._was_wanted = bool(self.prints.wanted)

    def on_channel(self, channel: MemberChannel, now_s: float) -> None:
        """The vendor has acknowledged them."""
        if self.prints.wanted and self.channel is not channel:
            self.channel = channel
            self.prints.begin(self, now_s)

    def lost(self) -> None:
        """The connection has ended, or members are not asked for any more."""
        self.channel = None
        self.prints.end(self)

    def put(self, quotes: Iterable[Quote], passed_over: int, now_s: float) -> None:
        """Take what a frame holds. ``passed_over``: prints left out of it, which nobody asked for."""
        self.prints.passed_over += passed_over
        if self.channel is None:
            return
        mode = self._mode
        if self.channel is MemberChannel.MINUTE_BARS:
            mode = late_by(mode, self.channel.length_s)
        self.prints.put(quotes, mode, now_s)
