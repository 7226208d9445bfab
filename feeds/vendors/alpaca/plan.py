"""Which channels to ask Alpaca for next, given what it has acknowledged and refused. Pure.

The free plan has 30 channels of trades; minute bars of the whole market may come with ``*`` beside them. So
the first symbols (the desk's legs) get trades, the rest bars: all of them if ``*`` is allowed, else as
many by name as there are channels left. One request is under way at a time, so that an error, which names
nothing, can be told to belong to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from feeds.vendors.alpaca.frames import ALL, SYMBOL, Subscribed

if TYPE_CHECKING:
    from collections.abc import Iterable

NOTHING: frozenset[str] = frozenset()
QUOTED = 2
"""Symbols whose bid and ask are asked for: the desk's pair."""
_EVERY = frozenset({ALL})


class Ask(msgspec.Struct, frozen=True):
    """One request."""

    channel: str
    """trades, bars, updatedBars, statuses, lulds or quotes."""
    symbols: frozenset[str]
    action: str = "subscribe"
    optional: bool = False
    """Optional: an error in answer to it has no consequence."""

    @property
    def message(self) -> dict[str, object]:
        """As it is sent."""
        return {"action": self.action, self.channel: sorted(self.symbols)}


class Plan:
    """The channels of one connection."""

    def __init__(self, first: Iterable[str], channels: int) -> None:
        """``first``: symbols that get trades before others. ``channels``: how many the account may have."""
        self._first = tuple(dict.fromkeys(first))
        self._channels = self._trades = self._named = channels
        self._wanted = NOTHING
        self._held = Subscribed()
        self._asked: set[Ask] = set()
        self._refused: set[Ask] = set()
        self._under_way: Ask | None = None
        self.has_members = False
        """Set it to ask for bars of the whole market although the desk's own symbols need none."""

    @property
    def on_trades(self) -> frozenset[str]:
        """Symbols whose trades come."""
        return self._wanted if ALL in self._held.trades else self._held.trades

    @property
    def wanted(self) -> frozenset[str]:
        """Symbols that the desk wants."""
        return self._wanted

    @property
    def covered(self) -> frozenset[str]:
        """Symbols that the vendor acknowledges, by trades or by bars."""
        return self.on_trades | self.on_bars

    @property
    def on_bars(self) -> frozenset[str]:
        """Wanted symbols whose bars count: ``*`` brings those of legs too of which trades are asked."""
        if ALL in self._held.bars:
            return self._wanted - self._on_trades()
        return self._held.bars & self._wanted

    @property
    def brings_all(self) -> bool:
        """Whether the vendor has acknowledged bars of the whole market."""
        return ALL in self._held.bars

    @property
    def by_minute(self) -> frozenset[str]:
        """Symbols of which only bars come."""
        return self.covered - self.on_trades

    @property
    def beyond(self) -> frozenset[str]:
        """Wanted symbols for which there is nothing left to ask."""
        due = (ask for ask in self._due() if ask.action == "subscribe" and ask not in self._refused)
        reachable = NOTHING.union(*(ask.symbols for ask in due))
        return NOTHING if ALL in reachable else self._wanted - self.covered - reachable

    def want(self, symbols: frozenset[str]) -> Ask | None:
        """The desk wants these now; what to ask, None where nothing or while an answer is due."""
        wanted = frozenset(symbol for symbol in symbols if SYMBOL.fullmatch(symbol))
        if wanted == self._wanted and self._under_way is not None:
            return self._under_way  # it was never answered
        self._wanted = wanted
        self._asked.clear()  # what an acknowledgement left out is worth asking again, once
        return self.next()

    def acknowledged(self, held: Subscribed) -> None:
        """The vendor reported its whole set."""
        self._held = held
        self._under_way = None

    def refused(self) -> Ask | None:
        """The vendor refused the request under way, which is returned; None if there was none."""
        ask, self._under_way = self._under_way, None
        if ask is not None:
            self._refused.add(ask)
            # The account has fewer channels than its plan says: how many shows in a few more requests.
            if ask.action == "subscribe" and ask.channel == "trades":
                self._trades = len(self._held.trades) + len(ask.symbols) // 2
            elif ask.action == "subscribe" and ask.channel == "bars" and ALL not in ask.symbols:
                self._named = len(self._held.bars) + len(ask.symbols) // 2
        return ask

    def failed(self) -> None:
        """What was under way has no answer; it may be asked again."""
        if self._under_way is not None:
            self._asked.discard(self._under_way)
            self._under_way = None

    def next(self) -> Ask | None:
        """The next request; None where nothing is left to ask, or while an answer is due."""
        if self._under_way is not None:
            return None
        for ask in self._due():
            if ask.symbols and ask not in self._asked and ask not in self._refused:
                self._asked.add(ask)
                self._under_way = ask
                return ask
        return None

    def _due(self) -> Iterable[Ask]:
        """What would bring the vendor's set to the wanted one, most important first."""
        held, trades = self._held, self._on_trades()
        rest = self._wanted - trades
        yield Ask("trades", held.trades - trades, "unsubscribe")
        yield Ask("trades", trades - held.trades)
        if rest or self.has_members:
            # Where the desk could do without, a refusal of any kind costs the desk nothing.
            yield Ask("bars", _EVERY - held.bars, optional=not rest)
        if ALL not in held.bars:
            left = min(self._channels - len(trades), self._named)
            by_name = frozenset(sorted(rest)[: max(left, 0)])
            yield Ask("bars", held.bars - by_name, "unsubscribe")
            yield Ask("bars", by_name - held.bars)
        elif not (rest or self.has_members):
            yield Ask("bars", _EVERY, "unsubscribe")
        yield Ask("updatedBars", held.bars - held.updated, optional=True)
        yield Ask("statuses", (trades & held.trades) - held.statuses, optional=True)
        yield Ask("lulds", (trades & held.trades) - held.lulds, optional=True)
        # A quote costs a channel like a trade; those of the pair are worth it.
        quoted = frozenset(self._first[:QUOTED]) & held.trades
        if len(trades) + len(quoted) <= self._channels:
            yield Ask("quotes", quoted - held.quotes, optional=True)

    def _on_trades(self) -> frozenset[str]:
        ranked = [symbol for symbol in self._first if symbol in self._wanted]
        # Where all of them fit, bars are not needed at all.
        if len(self._wanted) <= self._trades:
            ranked += sorted(self._wanted.difference(ranked))
        return frozenset(ranked[: self._trades])
