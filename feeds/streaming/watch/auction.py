"""The closing auction where no condition code says it: the listing venue's first print after the bell."""

from __future__ import annotations

from rotation.market.auction import AUCTION_NS
from rotation.sessions import close_ns, session_at


class Auctions:
    """The auctions of one vendor, over all connections: a reconnect after the bell makes no second one."""

    def __init__(self) -> None:
        """No auction has printed yet."""
        self._printed: dict[str, int] = {}

    def note(self, symbol: str, ts_ns: int) -> None:
        """The vendor itself says that this print is the closing auction.

        Of one session the latest is remembered, however late the others come.
        """
        known_ns = self._printed.get(symbol)
        if known_ns is None or ts_ns >= known_ns or session_at(known_ns) != session_at(ts_ns):
            self._printed[symbol] = ts_ns

    def may_print(self, first_ns: int, last_ns: int) -> bool:
        """Whether ``is_first`` might be true of a print between two instants."""
        session = session_at(last_ns)
        if session is None or session_at(first_ns) != session:
            return True
        return first_ns <= close_ns(session) + AUCTION_NS and last_ns > close_ns(session)

    def is_first(self, symbol: str, ts_ns: int) -> bool:
        """Whether a print of the listing venue without a condition code is the session's closing auction.

        The same print, sent again, still is.
        """
        session = session_at(ts_ns)
        if session is None or not 0 < ts_ns - close_ns(session) <= AUCTION_NS:
            return False
        known_ns = self._printed.get(symbol)
        if known_ns is not None and known_ns >= close_ns(session):
            return known_ns == ts_ns
        self._printed[symbol] = ts_ns
        return True
