"""Settled history and holdings files as a viewer gets them: symbol by symbol, used once they are whole."""

from __future__ import annotations

import polars as pl

from feeds.hub.wire.codec import WireError
from feeds.hub.wire.convert import digest, history_rows, member_list
from feeds.hub.wire.messages import HistoryMessage, IndexMessage, MembersMessage
from feeds.parsing.sanitize import clean
from rotation.breadth.members import Membership
from rotation.history import History


class HistoryParts:
    """``take`` what comes; ``new_history`` once all of it is there."""

    def __init__(self) -> None:
        self._index: IndexMessage | None = None
        self._columns: dict[str, HistoryMessage] = {}
        self._members: dict[tuple[str, int], MembersMessage] = {}
        self._has_new = False
        self._has_new_members = False

    def check(self, message: HistoryMessage) -> None:
        """Raise WireError where its rows cannot be used."""
        frame = history_rows(message)
        try:
            History(frame)
        except (ValueError, pl.exceptions.PolarsError) as error:
            raise WireError("closes that cannot be") from error

    def check_members(self, message: MembersMessage) -> None:
        """Raise WireError where it cannot be read."""
        member_list(message)

    def take(self, message: HistoryMessage | IndexMessage | MembersMessage) -> None:
        """Keep it. It has been checked."""
        if isinstance(message, IndexMessage):
            self._index, self._has_new = message, True
        elif isinstance(message, HistoryMessage):
            self._columns[message.symbol] = message
            self._has_new = True
        else:
            self._members[message.fund, message.day] = message
            self._has_new_members = True

    def wanted(self) -> list[str]:
        """The symbols whose rows are not those of the index."""
        if self._index is None:
            return []
        return [symbol for symbol, value in self._index.digests.items() if self._digest(symbol) != value]

    def _digest(self, symbol: str) -> int | None:
        message = self._columns.get(symbol)
        return None if message is None else digest(message.columns)

    @property
    def is_whole(self) -> bool:
        """Whether every symbol of the index is there as it says."""
        return self._index is not None and not self.wanted()

    def new_history(self) -> History | None:
        """The history, where it has changed and is whole; None otherwise."""
        if not self._has_new or self._index is None or not self.is_whole:
            return None
        self._has_new = False
        frames = [history_rows(self._columns[symbol]) for symbol in sorted(self._index.digests)]
        source = clean(self._index.source)
        return History(pl.concat(frames), source) if frames else History.empty()

    def new_members(self) -> tuple[Membership, ...] | None:
        """The holdings files by fund, where there are newer ones."""
        if not self._has_new_members:
            return None
        self._has_new_members = False
        funds = sorted({fund for fund, _ in self._members})
        return tuple(
            Membership.of(fund, [member_list(m) for (of, _), m in self._members.items() if of == fund])
            for fund in funds
        )
