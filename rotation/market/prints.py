"""Prints of one symbol in one phase of one session: which count, and what they add up to.

The totals are those of the minutes: a minute is the sum of its prints, or the bar that took their place
(``Role.MINUTE``), however late that bar comes. The result depends on the order of arrival only where a
revision does (the later arrival wins); how the prints were batched never matters. Memory is bounded: a print
older than the newest by more than KEPT_NS, or than KEPT_MAX others, is folded into its minute and can no
longer be revised. Of most symbols nobody reads single minutes: older ones are kept as plain numbers in places
that are taken once for the session (``PackedMinutes``), and are objects again when something comes for them.
"""

from __future__ import annotations

import sys
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Literal

from rotation.market.minutes.packed import PackedMinutes
from rotation.quote import MINUTE_NS, NS, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rotation.quote import PartDay, Quote

KEPT_NS = 60 * NS
KEPT_MAX = 4096
LOOSE = 4
"""Minutes that are objects before they are packed; RECENT stay so."""
RECENT = 2

Outcome = Literal["accepted", "duplicates", "revised", "late"]
"""The names of the counters in ``snapshot.Counts``."""

Identity = tuple[int, int]
NO_IDENTITY: Identity = (-1, 0)
HIGHEST_SEQ = 2**63 - 1
HIGHEST, LOWEST = float("inf"), float("-inf")


class _Minute:
    """What one minute adds to the totals. While nothing sets a price, high and low are infinite."""

    __slots__ = ("bar", "folded_high", "folded_low", "high", "low", "volume")

    def __init__(self, bar: Quote | None = None) -> None:
        """``bar``: all of the minute; None for one that is the sum of its prints."""
        self.bar = bar
        self.high = LOWEST if bar is None else _high(bar)
        self.low = HIGHEST if bar is None else _low(bar)
        self.volume = 0 if bar is None else bar.size
        self.folded_high, self.folded_low = LOWEST, HIGHEST

    def widen(self, quote: Quote) -> None:
        self.high = max(self.high, _high(quote))
        self.low = min(self.low, _low(quote))


class Prints:
    """Last by event time, range, volume, and the last price of every minute."""

    def __init__(self, opens_ns: int, *, packs: bool = False) -> None:
        """``opens_ns``: where minute 0 of the path stands. ``packs``: see ``pack``."""
        self._opens_ns = opens_ns
        self._packed: PackedMinutes | None = None
        self._loose = LOOSE if packs else sys.maxsize
        self._kept: dict[Identity, Quote] = {}
        self._order: list[Identity] = []
        self._folded: Identity = (-1, -1)
        self._parts: dict[int, _Minute] = {}
        """By the minute in which a print was made, or a bar began."""
        self._is_summed = True
        self._high, self._low, self._volume = LOWEST, HIGHEST, 0
        self._changed_from: int | None = None
        self.newest: Identity = NO_IDENTITY
        """A print with a higher identity is new and in order: no repeat, not late, no part of a bar."""
        self.last: Quote | None = None
        """None while there are only prints of which the size alone counts; then high and low are infinite."""
        self._minutes: dict[int, Quote] = {}

    @property
    def minutes(self) -> Mapping[int, Quote]:
        """By the minute at whose end it is known, the last print of each; packed ones cost a pass."""
        packed = self._packed
        if packed is None:
            return self._minutes
        places = sorted({*packed.lasts(), *self._minutes})
        quotes = ((place, self.minute(place)) for place in places)
        return {place: quote for place, quote in quotes if quote is not None}

    def minute(self, place: int) -> Quote | None:
        """That of one minute; None where none has printed."""
        quote = self._minutes.get(place)
        return self._packed.last(place) if quote is None and self._packed is not None else quote

    def pack(self) -> None:
        """Keep minutes as numbers from now on, once they are not the newest: nobody asks for all of them."""
        self._loose = LOOSE

    def unpack(self) -> None:
        """Keep minutes as objects from now on: they are asked for again and again."""
        self._loose, packed = sys.maxsize, self._packed
        if packed is None:
            return
        for place in list(packed.sums()):
            self._known(place)
        self._minutes = dict(self.minutes)
        self._packed = None

    @property
    def high(self) -> float:
        """High of the minutes."""
        self._sum()
        return self._high

    @property
    def low(self) -> float:
        """Low of the minutes."""
        self._sum()
        return self._low

    @property
    def volume(self) -> int:
        """Volume of the minutes."""
        self._sum()
        return self._volume

    @property
    def kept(self) -> int:
        """How many prints are remembered one by one."""
        return len(self._order)

    def kept_since(self, since_ns: int) -> int:
        """How many of those are no older than ``since_ns``."""
        return sum(1 for ts_ns, _ in self._order if ts_ns >= since_ns)

    def is_new(self, identity: Identity) -> bool:
        """Whether a print of this identity, however late, repeats none that is remembered or summed up."""
        minute = self._known((identity[0] - self._opens_ns) // MINUTE_NS)
        is_summed_up = identity <= self._folded or (minute is not None and minute.bar is not None)
        return not is_summed_up and identity not in self._kept

    def has_bar(self, starts_ns: int) -> bool:
        """Whether the minute that begins then is known by a bar, and not print by print."""
        place = (starts_ns - self._opens_ns) // MINUTE_NS
        minute, last = self._known(place), self.minute(place + 1)
        return (minute is not None and minute.bar is not None) or (last is not None and last.bar_ns > 0)

    def take(self, quote: Quote) -> Outcome:
        """Count one print in; say what it was."""
        if len(self._parts) > self._loose:
            self._pack()
        if quote.role == Role.MINUTE:
            return self._replace(quote)
        identity = (quote.ts_ns, quote.seq)
        known = self._kept.get(identity)
        if known is not None:
            if known == quote:
                return "duplicates"
            self._kept[identity] = quote
            self._revise(known, quote)
            return "revised"
        if identity <= self._folded or (self.last and quote.ts_ns < self.last.ts_ns - KEPT_NS):
            return "late"
        minute = self._part(quote)
        if minute.bar is not None:
            return "late"  # the bar holds it already
        self._remember(identity, quote)
        minute.volume += quote.size
        self._volume += quote.size
        if quote.sets_last:
            minute.widen(quote)
            self._high = max(self._high, _high(quote))
            self._low = min(self._low, _low(quote))
            self._place(quote)
        self._fold()
        return "accepted"

    def add(self, place: int, volume: int, high: float | None, low: float | None) -> None:
        """Count in the sum of prints of one minute (``place``, of their time), all new: see ``newest``.

        High and low are None where none of them sets a price. ``place_last`` and ``remember`` go with it.
        """
        minute = self._parts.get(place)
        if minute is None:
            if len(self._parts) >= self._loose:
                self._pack()
            minute = self._made(place)
        minute.volume += volume
        self._volume += volume
        if high is not None and low is not None:
            minute.high, self._high = max(minute.high, high), max(self._high, high)
            minute.low, self._low = min(minute.low, low), min(self._low, low)

    def place_last(self, quote: Quote) -> None:
        """Of prints that were added as a sum: the last of a minute that sets a price."""
        self._place(quote)

    def remember(self, quotes: Iterable[Quote]) -> None:
        """The identities of prints that were added as sums, in their order, before others can repeat them."""
        for quote in quotes:
            self._remember((quote.ts_ns, quote.seq), quote)
        self._fold()

    def fold(self, place: int, high: float, low: float) -> None:
        """The range of prints of one minute that were added as a sum and are never remembered: too old."""
        minute = self._parts.get(place) or self._made(place)
        minute.folded_high = max(minute.folded_high, high)
        minute.folded_low = min(minute.folded_low, low)

    def fold_through(self, identity: Identity) -> None:
        """Fold all up to a print that was added as a sum and is too old to be remembered."""
        while self._order and self._order[0] <= identity:
            self._fold_oldest()
        self._folded = max(self._folded, identity)
        self.newest = max(self.newest, identity)

    def set_day(self, day: PartDay) -> None:
        """Be what another market has made of its prints; a ``day`` that is not whole leaves other minutes."""
        self.last = day.last
        self._high = LOWEST if day.high is None else day.high
        self._low = HIGHEST if day.low is None else day.low
        self._volume, self._is_summed = day.volume, True
        if len(self._minutes) > self._loose:
            self._pack()
        for minute in self.minutes.keys() - day.minutes.keys() if day.is_whole else ():
            self._drop_last(minute)
            self._changed_from = minute if self._changed_from is None else min(minute, self._changed_from)
        for minute, quote in day.minutes.items():
            if self.minute(minute) != quote:
                self._minutes[minute] = quote
                if self._changed_from is None or minute < self._changed_from:
                    self._changed_from = minute
        if day.last is not None:
            self.newest = max(self.newest, (day.last.ts_ns, day.last.seq))

    def take_changed(self) -> int | None:
        """The lowest of ``minutes`` that changed since this was last asked; None where none did."""
        changed, self._changed_from = self._changed_from, None
        return changed

    def _remember(self, identity: Identity, quote: Quote) -> None:
        self._kept[identity] = quote
        heappush(self._order, identity)
        self.newest = max(self.newest, identity)

    def _replace(self, bar: Quote) -> Outcome:
        """Let a bar take the place of its minute. It is never too late."""
        place = self._place_of(bar)
        known = self._known(place)
        if known is not None and known.bar == bar:
            return "duplicates"
        self._parts[place] = _Minute(bar)
        self._is_summed = False
        self._place(bar)
        ends_ns = self._opens_ns + (place + 1) * MINUTE_NS - 1
        self.newest = max(self.newest, (ends_ns, HIGHEST_SEQ), (bar.ts_ns, bar.seq))
        return "accepted" if known is None else "revised"

    def _place_of(self, quote: Quote) -> int:
        return (quote.ts_ns - quote.bar_ns - self._opens_ns) // MINUTE_NS

    def _part(self, quote: Quote) -> _Minute:
        place = self._place_of(quote)
        minute = self._parts.get(place)
        return self._made(place) if minute is None else minute

    def _known(self, place: int) -> _Minute | None:
        """What a minute adds to the totals; None where it has no prints."""
        minute, packed = self._parts.get(place), self._packed
        if minute is not None or packed is None or not packed.has(place):
            return minute
        minute = self._parts[place] = _Minute(packed.bar(place))
        volume, high, low = packed.take(place)
        if minute.bar is None:
            minute.volume, minute.high, minute.low = volume, high, low
            minute.folded_high, minute.folded_low = high, low
        return minute

    def _made(self, place: int) -> _Minute:
        """The same of a minute that is no object, new where it has no prints."""
        minute = self._known(place)
        if minute is None:
            minute = self._parts[place] = _Minute()
        return minute

    def _pack(self) -> None:
        """Pack all minutes but the newest, where their numbers fit. Nobody may hold one of them meanwhile."""
        packed = self._packed
        if packed is None:
            packed = self._packed = PackedMinutes()
        for place in sorted(self._minutes)[:-RECENT]:
            quote = self._minutes[place]
            if packed.is_bars_copy(place) and packed.last(place) != quote:
                self._known(place - 1)
            if packed.put_last(place, quote):
                del self._minutes[place]
        for place in sorted(self._parts)[:-RECENT]:
            minute = self._parts[place]
            # The bar may soon be packed as the last print of its minute.
            is_early = minute.bar is not None and self._minutes.get(place + 1) == minute.bar
            if not is_early and packed.put(place, minute):
                del self._parts[place]
        # Those that do not fit are not tried again with every print.
        self._loose = LOOSE + max(len(self._parts) - RECENT, len(self._minutes) - RECENT, 0)

    def _drop_last(self, place: int) -> None:
        """Know no last print of a minute any more."""
        self._minutes.pop(place, None)
        if self._packed is not None:
            if self._packed.is_bars_copy(place):
                self._known(place - 1)
            self._packed.drop_last(place)

    def _place(self, quote: Quote) -> None:
        """Let the print be the last one, of all and of its minute, if by event time it is."""
        identity = (quote.ts_ns, quote.seq)
        if self.last is None or identity >= (self.last.ts_ns, self.last.seq):
            self.last = quote
        # The minute that ends at or after the print: a bar known at 10:40:00 closes the minute before.
        minute = -((self._opens_ns - quote.ts_ns) // MINUTE_NS)
        last = self.minute(minute)
        if last is None or identity >= (last.ts_ns, last.seq):
            self._minutes[minute] = quote
            if self._changed_from is None or minute < self._changed_from:
                self._changed_from = minute

    def _revise(self, was: Quote, now: Quote) -> None:
        before, after = self._part(was), self._part(now)
        if before.bar is None:
            before.volume -= was.size
        if after.bar is None:
            after.volume += now.size
            if now.sets_last:
                self._place(now)
        for minute in {before, after}:
            if minute.bar is None:
                minute.high, minute.low = minute.folded_high, minute.folded_low
        for quote in self._kept.values():
            minute = self._part(quote)
            if quote.sets_last and minute in (before, after) and minute.bar is None:
                minute.widen(quote)
        self._is_summed = False

    def _fold(self) -> None:
        floor = self.last.ts_ns - KEPT_NS if self.last is not None else 0
        while self._order and (self._order[0][0] < floor or len(self._order) > KEPT_MAX):
            self._fold_oldest()

    def _fold_oldest(self) -> None:
        self._folded = heappop(self._order)
        quote = self._kept.pop(self._folded)
        if quote.sets_last:
            minute = self._part(quote)
            minute.folded_high = max(minute.folded_high, _high(quote))
            minute.folded_low = min(minute.folded_low, _low(quote))

    def _sum(self) -> None:
        """The totals anew, where a minute was replaced or revised."""
        if self._is_summed:
            return
        minutes = self._parts.values()
        self._volume = sum(minute.volume for minute in minutes)
        self._high = max((minute.high for minute in minutes), default=LOWEST)
        self._low = min((minute.low for minute in minutes), default=HIGHEST)
        if self._packed is not None:
            volume, high, low = self._packed.total()
            self._volume += volume
            self._high, self._low = max(self._high, high), min(self._low, low)
        self._is_summed = True


def _high(quote: Quote) -> float:
    return quote.price if quote.high is None else max(quote.high, quote.price)


def _low(quote: Quote) -> float:
    return quote.price if quote.low is None else min(quote.low, quote.price)
