"""Settled history and holdings files as a viewer gets them: symbol by symbol, used once they are whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.hub.wire.convert import digest, history_frame, history_rows, member_list
from feeds.hub.wire.messages import HistoryMessage, IndexMessage, MembersMessage
from feeds.parsing.sanitize import clean
from rotation.breadth.members import Membership
from rotation.history import History

if TYPE_CHECKING:
    from feeds.hub.wire.convert import Closes
    from rotation.breadth.members import MemberList


class HistoryParts:
    """``take`` what comes; ``new_history`` once all of it is there."""

    def __init__(self) -> None:
        self._index: IndexMessage | None = None
        self._closes: dict[str, Closes] = {}
        self._digests: dict[str, int] = {}
        self._missing: set[str] = set()
        """Symbols whose rows are not those of the index."""
        self._members: dict[tuple[str, int], MemberList] = {}
        self._has_new = False
        self._has_new_members = False

    def take(self, message: HistoryMessage | IndexMessage | MembersMessage) -> None:
        """Keep it. Raises WireError where it cannot be used, and keeps what there was."""
        if isinstance(message, IndexMessage):
            self._index, self._has_new = message, True
            digests = message.digests.items()
            self._missing = {symbol for symbol, value in digests if self._digests.get(symbol) != value}
        elif isinstance(message, HistoryMessage):
            symbol = message.symbol
            self._closes[symbol] = history_rows(message)
            self._digests[symbol] = digest(message.columns)
            self._has_new = True
            if self._index is not None and self._index.digests.get(symbol) == self._digests[symbol]:
                self._missing.discard(symbol)
            elif self._index is not None and symbol in self._index.digests:
                self._missing.add(symbol)
        else:
            self._members[message.fund, message.day] = member_list(message)
            self._has_new_members = True

    def wanted(self) -> list[str]:
        """The symbols whose rows are not those of the index."""
        return sorted(self._missing)

    @property
    def is_whole(self) -> bool:
        """Whether every symbol of the index is there as it says."""
        return self._index is not None and not self._missing

    def new_history(self) -> History | None:
        """The history, where it has changed and is whole; None otherwise."""
        if not self._has_new or self._index is None or not self.is_whole:
            return None
        self._has_new = False
        held = {symbol: self._closes[symbol] for symbol in sorted(self._index.digests)}
        return History(history_frame(held), clean(self._index.source)) if held else History.empty()

    def new_members(self) -> tuple[Membership, ...] | None:
        """The holdings files by fund, where there are newer ones."""
        if not self._has_new_members:
            return None
        self._has_new_members = False
        funds = sorted({fund for fund, _ in self._members})
        held = self._members.items()
        return tuple(Membership.of(fund, [each for (of, _), each in held if of == fund]) for fund in funds)
