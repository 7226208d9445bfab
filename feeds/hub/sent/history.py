"""Settled closes and holdings files, sent a few a tick: packing all at once would hold up the beats."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from feeds.errors import StorageError
from feeds.hub.wire import subjects
from feeds.hub.wire.convert import days_from_1970, digest, history_columns, member_columns
from feeds.hub.wire.messages import LISTS_MAX, FundsMessage, HistoryMessage, IndexMessage, MembersMessage

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from feeds.hub.outgoing import Desk, Number, Outgoing
    from rotation.breadth.members import MemberList, Membership
    from rotation.history import History

log = logging.getLogger(__name__)

HISTORY_AT_ONCE = 50
"""Symbols whose closes are sent in one tick."""
LISTS_AT_ONCE = 4
"""Holdings files that are read, packed and sent in one tick."""


class SentHistory:
    """``messages`` of a desk's history and holdings, until all of it has been sent."""

    def __init__(self) -> None:
        self._sent: dict[str, int] = {}
        """By symbol the digest of the closes that were sent."""
        self._index: tuple[str, dict[str, int]] | None = None
        self._history: History | None = None
        self._reading: History | None = None
        self._parts: list[pl.DataFrame] = []
        """Symbols of a newer history that are still to be sent, the next one last."""
        self._digests: dict[str, int] = {}
        self._membership: tuple[Membership, ...] | None = None
        """Of which it was said what there is; None before the first."""
        self._lists: list[_List] = []
        """Holdings files that are still to be sent, the next one last."""

    def messages(self, desk: Desk, number: Number) -> Iterator[Outgoing]:
        """Some of what is still to be sent; the index once the closes of all its symbols have been."""
        yield from self._members(desk, number)
        history = desk.history
        if history is self._history:
            return
        if history is not self._reading:
            self._reading, self._digests = history, {}
            self._parts = history.frame.partition_by("symbol", maintain_order=True)[::-1]
        for _ in range(min(HISTORY_AT_ONCE, len(self._parts))):
            yield from self._closes(self._parts.pop(), number)
        if self._parts:
            return
        self._history = history
        index = (history.source, dict(self._digests))
        if index != self._index:
            self._index = index
            yield from number(subjects.INDEX, IndexMessage, *index)

    def _closes(self, rows: pl.DataFrame, number: Number) -> list[Outgoing]:
        """One symbol's closes, where they were not sent as they are."""
        symbol, columns = str(rows["symbol"][0]), history_columns(rows)
        self._digests[symbol] = value = digest(columns)
        if self._sent.get(symbol) == value:
            return []
        name = subjects.HISTORY + subjects.token(symbol)
        out = number(name, HistoryMessage, symbol, rows.height, columns)
        if out:
            self._sent[symbol] = value
        else:  # viewers would wait for it for ever
            del self._digests[symbol]
        return out

    def _members(self, desk: Desk, number: Number) -> Iterator[Outgoing]:
        """Some of the holdings files that are still to be sent, the newest first."""
        if desk.membership is not self._membership:
            self._membership = desk.membership
            self._lists = [each for fund in desk.membership for each in _newest(fund)]
            self._lists.sort(key=lambda each: each.held.as_of)
            days: dict[str, list[int]] = {}
            for each in self._lists:
                days.setdefault(each.held.fund, []).append(days_from_1970(each.held.as_of))
            yield from number(subjects.FUNDS, FundsMessage, days)
        for _ in range(min(LISTS_AT_ONCE, len(self._lists))):
            subject, held = self._lists.pop()
            try:
                columns = member_columns(held)
            except StorageError as error:
                log.warning("hub: the holdings file of %s of %s: %s", held.fund, held.as_of, error)
                continue
            yield from number(subject, MembersMessage, held.fund, days_from_1970(held.as_of), columns)


class _List(NamedTuple):
    """A holdings file, and where it is sent."""

    subject: str
    held: MemberList


def _newest(fund: Membership) -> list[_List]:
    """The last LISTS_MAX files; of two of them none has the other's subject."""
    numbered = list(enumerate(fund.lists))[-LISTS_MAX:]
    return [_List(subjects.members(fund.fund, number % LISTS_MAX), held) for number, held in numbered]
