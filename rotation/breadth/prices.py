"""What the members of one fund cost in the session shown, in the order of its table: what a tick changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from rotation.breadth.past import Past


class Prices:
    """Values and times by place in ``Past.table``."""

    def __init__(self, past: Past) -> None:
        """None of them is known yet."""
        self.past = past
        self.symbols: list[str] = past.table["symbol"].to_list()
        self.values: list[float | None] = [None] * len(self.symbols)
        """Today's, in the units of the past's."""
        self._places = {symbol: place for place, symbol in enumerate(self.symbols)}
        self._times = [0] * len(self.symbols)
        """Time of the print (UTC ns) behind each value; 0 for an official close."""
        self._groups: list[int] = []
        self._groups_of: object = None

    def put(self, symbol: str, value: float | None, ts_ns: int) -> bool:
        """Take a value; False if the symbol is not a member."""
        place = self._places.get(symbol)
        if place is None:
            return False
        self.values[place], self._times[place] = value, ts_ns
        return True

    def deciding(
        self, is_counted: Sequence[bool], source: object, kind_of: Mapping[str, Hashable], other: Hashable
    ) -> tuple[str, ...]:
        """Of those counted, by kind, the oldest and the newest print, and a close: no other is worse.

        ``kind_of``: by symbol what decides beside the time, ``other`` of all others. They are looked at again
        only when ``source`` is another object.
        """
        if self._groups_of is not source:
            numbers: dict[Hashable, int] = {}
            kinds = (kind_of.get(symbol, other) for symbol in self.symbols)
            self._groups, self._groups_of = [numbers.setdefault(kind, len(numbers)) for kind in kinds], source
        ends: dict[tuple[int, bool], list[int]] = {}
        for place, (group, ts_ns, is_in) in enumerate(
            zip(self._groups, self._times, is_counted, strict=False)
        ):
            if not is_in:
                continue
            kind = (group, ts_ns == 0)
            held = ends.get(kind)
            if held is None:
                ends[kind] = [ts_ns, place, ts_ns, place]
            elif ts_ns < held[0]:
                held[:2] = ts_ns, place
            elif ts_ns >= held[2]:
                held[2:] = ts_ns, place
        places = (place for _, held in sorted(ends.items()) for place in (held[1], held[3]))
        return tuple(dict.fromkeys(self.symbols[place] for place in places))
