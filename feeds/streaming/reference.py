"""When to ask a vendor for the closes and splits behind a session's prints, and what its answer means. Pure.

Without them a split's ex-date looks like a fall: prints are on the new scale, history is on the old one.
``scale_events`` is the meaning, whoever asks: a stream (``ScaleWatch``), or a single question
(``feeds.desk.asked``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.clock import Pace
from feeds.events import ListedSplits, PreviousCloses
from feeds.streaming.requests import Purpose, Request
from rotation.quote import MINUTE_NS
from rotation.sessions import RESTATED_NS, open_ns, previous_session, session_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from feeds.clock import Moment
    from feeds.events import Event
    from feeds.streaming.requests import Answer, Reference

AHEAD_NS = 30 * MINUTE_NS
"""Asked so long before a session day, at 03:30 New York, so that its first print is marked already."""
LISTED_S = 900.0
"""While a split is listed it is asked again this often: history is looked at again each time."""
HOLD_S = 5.0
"""Live quotes wait this long for the first answer of a session."""


def scale_events(
    reference: Reference, session: date, symbols: frozenset[str], *, far: frozenset[str] = frozenset()
) -> list[ListedSplits | PreviousCloses]:
    """What an answer says of these symbols' history, seen from the prints of ``session``.

    ``far``: symbols far from history's close. Those that the answer explains by neither close nor split
    count as split, by no one knows how much.
    """
    splits = {symbol: ratio for symbol, ratio in reference.splits.items() if symbol in symbols}
    closes = {symbol: close for symbol, close in reference.closes.items() if symbol in symbols}
    unexplained = far - closes.keys() - splits.keys()
    dates = dict.fromkeys((*splits, *sorted(unexplained)), session)
    events: list[ListedSplits | PreviousCloses] = [ListedSplits(dates, splits, symbols)]
    if closes:
        events.append(PreviousCloses(previous_session(session), closes))
    return events


class ScaleWatch:
    """Decides when one stream asks for closes and splits: one request at a time."""

    def __init__(self, symbols: frozenset[str], *, is_used: bool, random: Callable[[], float]) -> None:
        """``is_used``: False where the vendor has no such answer. ``random``: uniform in [0, 1)."""
        self._symbols = symbols if is_used else frozenset()
        self._pace = Pace(random=random)
        self._session: date | None = None
        """The session day of the last answer."""
        self._answered_s = self._began_s = 0.0
        self._is_open = self._is_listed = self._was_open = False
        self._events: list[Event] = []
        self.request: Request | None = None
        """Under way; None where nothing is."""

    def holds(self, now: Moment) -> bool:
        """Whether live quotes should wait for the answer under way."""
        is_first = self.request is not None and self.request.session != self._session
        return is_first and now.s - self._began_s <= HOLD_S

    def next_request(self, now: Moment) -> Request | None:
        """What to ask now; None where nothing is due, or something is under way."""
        session = session_at(now.ns) or session_at(now.ns + AHEAD_NS)
        if session is None or not self._symbols or self.request is not None:
            return None
        is_open = now.ns >= open_ns(session) + RESTATED_NS
        is_due = (
            session != self._session
            or is_open != self._was_open
            or (self._is_listed and now.s - self._answered_s >= LISTED_S)
        )
        if not is_due or self._pace.wait_s("reference", now.s):
            return None
        self._began_s, self._is_open = now.s, is_open
        self.request = Request(Purpose.REFERENCE, self._symbols, session=session)
        return self.request

    def on_lost(self) -> None:
        """The connection has ended: it is asked again on the next one."""
        self.request = None

    def on_answer(self, answer: Answer, now: Moment) -> None:
        """The answer to the request under way; without one it is asked again, more and more slowly."""
        request, self.request = self.request, None
        assert request is not None
        assert request.session is not None
        reference = answer.reference
        if answer.error or reference is None:
            self._pace.failed("reference", now.s)
            return
        self._pace.worked("reference")
        self._session, self._answered_s, self._was_open = request.session, now.s, self._is_open
        self._is_listed = not self._symbols.isdisjoint(reference.splits)
        self._events += scale_events(reference, request.session, self._symbols)

    @property
    def has_events(self) -> bool:
        """Whether ``take_events`` would return anything."""
        return bool(self._events)

    def take_events(self) -> list[Event]:
        """What has become known since the last call."""
        events, self._events = self._events, []
        return events
