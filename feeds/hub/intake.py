"""Messages of a hub taken in: which of them count, in which order, and what of them is the newest.

Of every subject the newest message counts, by the hub's own order (epoch, seq), whichever way it came:
pushed, or fetched from what the server keeps. A message of an earlier hub than the newest known is dropped. A
jump in ``seq`` is a gap.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from feeds.hub.checks import checked_body
from feeds.hub.hub_clock import HubClock
from feeds.hub.newest import Newest
from feeds.hub.order import Arrival, Order
from feeds.hub.refill import Refill
from feeds.hub.relayed import Counters
from feeds.hub.wire.codec import OtherVersion, WireError, decode
from feeds.hub.wire.messages import BeatMessage, IndexMessage, Place

if TYPE_CHECKING:
    from feeds.clock import Moment
    from feeds.hub.wire.messages import Message

log = logging.getLogger(__name__)

GRACE_S = 0.25
SYMBOLS_MAX = 20_000
"""Subjects that are kept of a hub; what goes beyond is refused."""
NOTHING = Place(-1, 0)


class Intake:
    """``take`` every message."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        """``grace_s``: how much later than the next message one may come."""
        self.counters = Counters()
        self.version_error = ""
        """What to tell a person where the hub speaks another version; empty otherwise."""
        self._places: dict[str, Place] = {}
        """By subject, of the newest message."""
        self._order = Order(grace_s)
        self._clock = HubClock()
        self._newest = Newest()
        self._refill = Refill()

    def take(self, subject: str, data: bytes, now: Moment, *, pushed: bool = True) -> bool:
        """Take a message in; False where it changed nothing.

        ``pushed``: it came by itself, now; else it was fetched from what the server keeps.
        """
        self.counters.messages += 1
        try:
            return self._take(subject, data, now, pushed=pushed)
        except WireError as error:
            if isinstance(error, OtherVersion):
                self.version_error = str(error)
            self.counters.refuse(error.fault)
            log.debug("hub: %s: %s", subject[:80], error)
        return False

    def _take(self, subject: str, data: bytes, now: Moment, *, pushed: bool) -> bool:
        message = decode(subject, data)
        try:
            is_full = len(self._places) >= 4 * SYMBOLS_MAX and subject not in self._places
            body = checked_body(subject, message, is_full=is_full)
        except WireError:
            if pushed:
                self._order.refuse(message.place)
            raise
        if pushed and not self._follow(message, now):
            return False
        if message.epoch > self._order.epoch:  # fetched; what was pushed has been followed
            self._refill.is_wanted |= self._order.is_live
            self._begin(message.epoch)
        newest = self._places.get(subject, NOTHING)
        if message.place <= newest:
            self.counters.older += not pushed and message.place < newest
            return False
        self._newest.take(subject, message, body)
        self._places[subject] = message.place
        if isinstance(message, BeatMessage):
            self.version_error = ""
        # Closes are sent before their index: those of it that are missing were sent before we came.
        if isinstance(message, IndexMessage) and not self._newest.history.is_whole:
            self._refill.is_wanted = True
        return True

    def _follow(self, message: Message, now: Moment) -> bool:
        """Keep the order of what is pushed; False for a message of an earlier hub."""
        if message.epoch > self._order.epoch:
            if self._order.epoch >= 0:
                log.warning("hub: another one has taken over")
                self._refill.is_wanted = True
            self._begin(message.epoch)
        arrival = self._order.follow(message.place, now.s)
        if arrival is Arrival.EARLIER_HUB:
            self.counters.older += 1
            return False
        self._clock.take(message, now, is_newest=arrival is Arrival.NEWEST)
        self._look_for_gaps(now)
        return True

    def _begin(self, epoch: int) -> None:
        """Another hub, with numbers and a clock of its own."""
        self._order.begin(epoch)
        self._clock.begin()

    def _look_for_gaps(self, now: Moment) -> None:
        if self._order.is_gap(now.s):
            self.gap(now)

    def gap(self, now: Moment) -> None:
        """Messages may have been missed: fetch the last values, and show nothing as sound until then."""
        newest_ns = self._clock.newest_ns
        self.counters.gaps += self._refill.open_gap(now.ns if newest_ns is None else newest_ns)
