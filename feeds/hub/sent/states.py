"""What prices are worth and what is known of the Fed and macro, sent where it has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from feeds.hub.wire import subjects
from feeds.hub.wire.codec import pack_struct
from feeds.hub.wire.convert import days_from_1970
from feeds.hub.wire.messages import BlobMessage, StateMessage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from feeds.hub.outgoing import Desk, Number, Outgoing
    from feeds.hub.sent.scale import Scale
    from rotation.fed.figures import Fed
    from rotation.macro.figures import Macro
    from rotation.market.status import Provenance


class SentStates:
    """``messages`` of the states, ``news`` of the Fed and macro."""

    def __init__(self) -> None:
        self._state: Mapping[str, Any] | None = None
        self._seen: tuple[object, int, int] | None = None
        self._news: dict[str, object] = {}

    def messages(
        self, desk: Desk, symbols: Collection[str], legs: Collection[str], scale: Scale, number: Number
    ) -> Iterator[Outgoing]:
        """The states of all symbols, the scale beside them. ``symbols``: that have ever printed."""
        provenance = desk.provenance
        seen = (provenance, len(symbols), scale.version)
        if seen == self._seen:
            return
        self._seen = seen
        states = list(dict.fromkeys(_key(each) for each in provenance.values()))
        place_of = {key: place for place, key in enumerate(states)}
        by_key = {_key(each): each for each in provenance.values()}
        fields = {
            "symbols": sorted({*symbols, *provenance, *legs}),
            "legs": list(legs),
            "states": [by_key[key] for key in states],
            "state_of": {symbol: place_of[_key(each)] for symbol, each in provenance.items()},
            "previous_session": None if scale.session is None else days_from_1970(scale.session),
            "previous_closes": dict(scale.closes),
            "splits": dict(scale.splits),
        }
        if fields != self._state:
            self._state = fields
            yield from number(subjects.STATE, StateMessage, *fields.values())

    def news(self, known: Mapping[str, Fed | Macro | None], number: Number) -> Iterator[Outgoing]:
        """What is known of the Fed and of macro, by subject."""
        for subject, news in known.items():
            if subject not in self._news or self._news[subject] != news:
                self._news[subject] = news
                yield from number(subject, BlobMessage, pack_struct(news))


def _key(state: Provenance) -> bytes:
    return msgspec.msgpack.encode(state)
