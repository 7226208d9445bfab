"""Settled history and holdings files as a viewer gets them: symbol by symbol, used once they are whole."""

from __future__ import annotations

from feeds.hub.wire.convert import Closes, digest, history_frame
from feeds.hub.wire.messages import LISTS_MAX, FundsMessage, HistoryMessage, IndexMessage, MembersMessage
from feeds.parsing.sanitize import clean
from rotation.breadth.members import MemberList, Membership
from rotation.history import History

LISTS_KEPT = 120
"""Holdings files of a fund that are kept, the newest: a hub sends half as many."""

Body = Closes | MemberList
"""What a HistoryMessage or a MembersMessage holds, unpacked."""


class HistoryParts:
    """``take`` what comes; ``new_history`` once all of it is there."""

    def __init__(self) -> None:
        self._index: IndexMessage | None = None
        self._closes: dict[str, Closes] = {}
        self._digests: dict[str, int] = {}
        self._missing: set[str] = set()
        """Symbols whose rows are not those of the index."""
        self._members: dict[tuple[str, int], MemberList] = {}
        self._member_digests: dict[tuple[str, int], int] = {}
        self._member_epochs: dict[tuple[str, int], int] = {}
        """Of the hub that sent each last."""
        self._funds: FundsMessage | None = None
        self._has_new = False
        self._has_new_members = False

    def take(
        self, message: HistoryMessage | IndexMessage | MembersMessage | FundsMessage, body: Body | None
    ) -> None:
        """Keep it. ``body``: what it holds, unpacked; None for an index, and for the list of funds."""
        if isinstance(message, IndexMessage):
            self._index, self._has_new = message, True
            digests = message.digests.items()
            self._missing = {symbol for symbol, value in digests if self._digests.get(symbol) != value}
        elif isinstance(message, HistoryMessage):
            assert isinstance(body, Closes)
            symbol = message.symbol
            self._closes[symbol] = body
            self._digests[symbol] = digest(message.columns)
            self._has_new = True
            if self._index is not None and self._index.digests.get(symbol) == self._digests[symbol]:
                self._missing.discard(symbol)
            elif self._index is not None and symbol in self._index.digests:
                self._missing.add(symbol)
        elif isinstance(message, FundsMessage):
            before = self._listed()
            self._funds = message
            self._has_new_members |= self._listed() != before
        else:
            assert isinstance(body, MemberList)
            self._take_list(message, body)

    def _take_list(self, message: MembersMessage, body: MemberList) -> None:
        place, value, before = (message.fund, message.day), digest(message.columns), self._listed()
        is_same = self._member_digests.get(place) == value  # another hub sends what the last one has sent
        self._member_epochs[place] = message.epoch
        if not is_same:
            self._members[place], self._member_digests[place] = body, value
        days = sorted(day for fund, day in self._members if fund == message.fund)
        for day in days[:-LISTS_KEPT]:
            old = message.fund, day
            del self._members[old], self._member_digests[old], self._member_epochs[old]
        now = self._listed()
        self._has_new_members |= now != before or (not is_same and place in now)

    def _listed(self) -> set[tuple[str, int]]:
        """The files that count: not those that an earlier hub has left, and that there are no more."""
        return {place for place in self._members if self._is_listed(*place)}

    def _is_listed(self, fund: str, day: int) -> bool:
        funds = self._funds
        if funds is None or self._member_epochs[fund, day] > funds.epoch:  # by a hub that lists none
            return True
        days = funds.days.get(fund, [])
        return day in days or (len(days) == LISTS_MAX and day < min(days))

    def wanted(self) -> list[str]:
        """The symbols whose rows are not those of the index."""
        return sorted(self._missing)

    @property
    def symbols(self) -> frozenset[str]:
        """Of which the hub has settled closes, as far as it has said."""
        return frozenset() if self._index is None else frozenset(self._index.digests)

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
        held = self._listed()
        return tuple(
            Membership.of(fund, [self._members[place] for place in held if place[0] == fund])
            for fund in sorted({fund for fund, _ in held})
        )
