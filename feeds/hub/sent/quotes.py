"""Which days and minutes of symbols have been sent, so that only what has changed is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.hub.wire import subjects
from feeds.hub.wire.convert import minutes_fields, quote_fields
from feeds.hub.wire.messages import MinutesMessage, QuoteMessage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from feeds.hub.outgoing import Desk, Number, Outgoing
    from rotation.quote import Quote, SymbolDay


class SentQuotes:
    """``messages`` of symbols that have printed."""

    def __init__(self) -> None:
        self._days: dict[str, SymbolDay] = {}
        self._minutes: dict[str, dict[int, Quote]] = {}

    def messages(
        self, desk: Desk, symbols: Collection[str], legs: Collection[str], number: Number
    ) -> Iterator[Outgoing]:
        """The days of these symbols, and the minutes of those that are legs, where they have changed."""
        for day in desk.days(sorted(symbols)):
            if self._days.get(day.symbol) == day or not _fits(day):
                continue
            self._days[day.symbol] = day
            name = subjects.QUOTES + subjects.token(day.symbol)
            yield from number(name, QuoteMessage, *quote_fields(day))
        changed = [symbol for symbol in legs if symbol in symbols]
        for day in desk.days(changed, all_minutes=True) if changed else ():
            if day.session is None or day.parts[1] is None:
                continue
            minutes = day.parts[1].minutes
            if self._is_known(day, minutes):
                continue
            self._minutes[day.symbol] = dict(minutes)
            name = subjects.MINUTES + subjects.token(day.symbol)
            yield from number(name, MinutesMessage, *minutes_fields(day))

    def _is_known(self, day: SymbolDay, minutes: dict[int, Quote]) -> bool:
        """Whether a viewer has these minutes: those last sent, and the two that every quote brings."""
        sent = self._minutes.get(day.symbol)
        if not sent or not minutes:
            return not sent and not minutes
        newest = max(minutes)
        changed = {place for place in minutes.keys() | sent.keys() if minutes.get(place) != sent.get(place)}
        return max(sent, default=newest) == newest and changed <= {newest}


def _fits(day: SymbolDay) -> bool:
    """Whether every number of it fits the wire: a vendor may send any."""
    quotes = [part.last for part in day.parts if part is not None and part.last is not None]
    volumes = [part.volume for part in day.parts if part is not None]
    return all(0 < q.ts_ns < 2**63 and -(2**63) <= q.seq < 2**63 for q in quotes) and all(
        0 <= volume < 2**63 for volume in volumes
    )
