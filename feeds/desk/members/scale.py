"""What a vendor says of the closes and splits behind members' prices that are far from history's.

Without an answer such a price may be a move or a split, so it is not counted. What was not answered is asked
again with each round; what was answered is not asked again in that session.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from feeds.desk.asked import far_from, meaning
from feeds.errors import SourceError
from feeds.streaming.requests import Reference
from feeds.streaming.vendor import reference_of
from rotation.sessions import session_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from feeds.events import Event
    from feeds.streaming.vendor import Vendor
    from rotation.quote import Quote

log = logging.getLogger(__name__)


class MemberScale:
    """Of one session at a time."""

    def __init__(self, closes: Callable[[], Mapping[str, float]]) -> None:
        """``closes``: history's latest, by symbol; those of a session's first prices count all session."""
        self._newest = closes
        self._closes: dict[str, float] = {}
        self._session: date | None = None
        self._answered: set[str] = set()
        self._unanswered: dict[str, Quote] = {}
        """By symbol, the first print of it that is far, as long as the vendor has not answered."""
        self._unexplained: frozenset[str] = frozenset()
        self.error = ""
        """Why the latest question had no answer; empty where it had one."""

    @property
    def unanswered(self) -> int:
        """How many members are not counted because the vendor has not answered yet."""
        return len(self._unanswered)

    @property
    def waiting(self) -> frozenset[str]:
        """Those members: they are asked about again with the next round that asks for any."""
        return frozenset(self._unanswered)

    @property
    def unexplained(self) -> int:
        """How many members are not counted though the vendor answered: neither a split nor a close of it."""
        return len(self._unexplained)

    async def events(
        self, vendor: Vendor, changed: Sequence[Quote], now_ns: int, *, again: bool
    ) -> Sequence[Event]:
        """What these prices mean. ``again``: ask also of those that had no answer before, once a round."""
        session = session_at(now_ns)
        if self._session != session:
            self._session = session
            self._answered.clear()
            self._unanswered.clear()
            self._unexplained, self.error = frozenset(), ""
            self._closes = dict(self._newest())
        elif again:  # of a member that joined meanwhile there was none before
            self._closes = {**self._newest(), **self._closes}
        known = self._answered | self._unanswered.keys()
        far = [quote for quote in far_from(changed, self._closes) if quote.symbol not in known]
        asked = [*self._unanswered.values(), *far] if again else far
        if session is None or not asked:
            return []
        symbols = frozenset(quote.symbol for quote in asked)
        try:
            reference = await reference_of(vendor, symbols, session) or Reference()
        except SourceError as error:
            log.warning("members: %s: closes and splits: %s", vendor.name, error)
            self.error = str(error)
            self._unanswered.update((quote.symbol, quote) for quote in far)
            return meaning(Reference(), far)
        self.error = ""
        self._answered |= symbols
        for symbol in symbols & self._unanswered.keys():
            del self._unanswered[symbol]
        self._unexplained |= symbols - reference.closes.keys() - reference.splits.keys()
        return meaning(reference, asked)
