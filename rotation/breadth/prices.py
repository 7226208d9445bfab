"""What the members of one fund cost in the session shown, in the order of its table: what a tick changes."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from rotation.breadth.past import Past

_Kind = tuple[int, bool]
"""Number of the group, and whether the value is an official close."""
LEAST_HELD = 64


class _Ends:
    """The oldest and the newest member of one kind: heaps, in which what has changed since is left behind."""

    def __init__(self) -> None:
        self.old: list[tuple[int, int]] = []
        self.new: list[tuple[int, int]] = []

    def add(self, ts_ns: int, place: int) -> None:
        """Before ``order``, for many at once."""
        self.old.append((ts_ns, place))
        self.new.append((-ts_ns, -place))

    def order(self) -> None:
        heapify(self.old)
        heapify(self.new)

    def push(self, ts_ns: int, place: int) -> None:
        heappush(self.old, (ts_ns, place))
        heappush(self.new, (-ts_ns, -place))

    def places(self, holds: Callable[[int, int], bool]) -> tuple[int, ...]:
        """The place of each; none where no member is left. ``holds``: whether a time is still a place's."""
        while self.old and not holds(*self.old[0]):
            heappop(self.old)
        while self.new and not holds(-self.new[0][0], -self.new[0][1]):
            heappop(self.new)
        return (self.old[0][1], -self.new[0][1]) if self.old else ()


class Prices:
    """Values and times by place in ``Past.table``."""

    def __init__(self, past: Past) -> None:
        """None of them is known yet."""
        self.past = past
        self.symbols: list[str] = past.table["symbol"].to_list()
        self.values: list[float | None] = [None] * len(self.symbols)
        """Today's, in the units of the past's."""
        self.changed: set[int] = set()
        """Places that were put since this was last emptied, by whoever follows the values."""
        self._places = {symbol: place for place, symbol in enumerate(self.symbols)}
        self._times = [0] * len(self.symbols)
        """Time of the print (UTC ns) behind each value; 0 for an official close."""
        self._groups: list[int] = []
        self._groups_of: object = None
        self._ends: dict[_Kind, _Ends] = {}
        self._moved: set[int] = set()
        """Places that were put since ``_ends`` was brought up to date."""

    def put(self, symbol: str, value: float | None, ts_ns: int) -> bool:
        """Take a value; False if the symbol is not a member."""
        place = self._places.get(symbol)
        if place is None:
            return False
        self.values[place], self._times[place] = value, ts_ns
        self.changed.add(place)
        self._moved.add(place)
        return True

    def deciding(
        self,
        is_counted: Callable[[int], bool],
        source: object,
        kind_of: Mapping[str, Hashable],
        other: Hashable,
    ) -> tuple[str, ...]:
        """Of those counted, by kind, the oldest and the newest print, and a close: no other is worse.

        ``is_counted``: by place; it may change only with the value there. ``kind_of``: by symbol what decides
        beside the time, ``other`` of all others. They are looked at again only when ``source`` is another
        object.
        """
        held = sum(len(each.old) for each in self._ends.values())
        if self._groups_of is not source or held > LEAST_HELD + 4 * len(self.symbols):
            numbers: dict[Hashable, int] = {}
            kinds = (kind_of.get(symbol, other) for symbol in self.symbols)
            self._groups, self._groups_of = [numbers.setdefault(kind, len(numbers)) for kind in kinds], source
            self._ends = {}
            for place, ts_ns in enumerate(self._times):
                if is_counted(place):
                    self._ends_of(place, ts_ns).add(ts_ns, place)
            for ends in self._ends.values():
                ends.order()
        else:
            for place in filter(is_counted, self._moved):
                self._ends_of(place, self._times[place]).push(self._times[place], place)
        self._moved.clear()

        def holds(ts_ns: int, place: int) -> bool:
            return self._times[place] == ts_ns and is_counted(place)

        places = (place for _, ends in sorted(self._ends.items()) for place in ends.places(holds))
        return tuple(dict.fromkeys(self.symbols[place] for place in places))

    def _ends_of(self, place: int, ts_ns: int) -> _Ends:
        kind = (self._groups[place], ts_ns == 0)
        ends = self._ends.get(kind)
        if ends is None:
            ends = self._ends[kind] = _Ends()
        return ends
