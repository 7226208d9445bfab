"""One vendor's connections as the protocol sees them: authenticate, subscribe, watch, come back. Pure.

It reads no clock and owns no socket: it is given frames and instants, and leaves what to send and to do in
``actions`` for whoever holds the socket.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

import msgspec

from feeds.clock import Pace
from feeds.parsing.sanitize import clean
from feeds.streaming.reasons import Reason, Why
from feeds.streaming.vendor import ReadsMany, VendorError
from rotation.status import Kind, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from feeds.clock import Moment
    from feeds.streaming.vendor import Conversation, Frame, Vendor

PING_S = 20.0
"""Between pings of the transport."""
PONG_S = 20.0
"""A ping without an answer, and nothing else received, for this long: the connection is dead, whatever TCP
says. Under overload a pong waits behind data for longer, and these data are a sign of life as good as it."""
READY_S = 15.0
"""Authentication must be over by then."""
RESUBSCRIBE_S = 15.0
"""Between subscriptions sent again while something asked for is not acknowledged."""
NO_KEY = frozenset({401, 402, 403})
"""HTTP statuses that refuse a key."""
BUSY = frozenset({408, 425, 429})
"""HTTP statuses below 500 that pass by themselves."""
SLOW_S = 30.0
"""Least wait after an answer that a second will hardly change: 403 without a key, 404, a redirect."""


class Action(Enum):
    """What to do with the socket, beside sending frames."""

    PING = auto()
    CLOSE = auto()
    """In good order."""
    ABORT = auto()
    """Without a close frame: a peer that does not answer would not answer that either."""


class Session:
    """One vendor's connections, one after the other."""

    def __init__(self, vendor: Vendor, symbols: frozenset[str], *, random: Callable[[], float]) -> None:
        """``symbols``: desired. ``random``: uniform in [0, 1), for the back-off."""
        self._vendor = vendor
        self._symbols = symbols
        self.pace = Pace(random=random)
        self.conversation: Conversation = vendor.conversation()
        self.reads_many: ReadsMany | None = None
        self._pinged_s = self._beat_s = self._asked_s = self._opened_s = self._received_s = 0.0
        self._is_pong_due = False
        self._again_s: float | None = None
        self._renew_ns: int | None = None
        self.actions: list[Frame | Action] = []
        self.connections = 0
        self.is_open = False
        """There is a connection, and it is not being left."""
        self.is_subscribed = False
        """The subscription has been sent on this connection."""
        self.acknowledged: frozenset[str] | None = None
        """What the vendor reports as subscribed; None before it has reported anything."""
        self.is_limited = False
        """The vendor takes no more symbols than those acknowledged."""
        self.reason = Reason(Why.CONNECTING)
        """Why there is no subscription; meaningless while there is one."""
        self.retry_s: float | None = None
        """Seconds between the end of a connection and the next attempt; None where one is under way."""
        self.must_wait = False
        """Whether the vendor has asked for that wait, or its answer would be the same before."""
        self.refusal: VendorError | None = None
        """Why it is not tried again until the configuration changes; None while it is tried."""

    @property
    def is_kept_out(self) -> bool:
        """Whether the vendor lets nobody in until another session of the account has ended."""
        return self.is_open and self._again_s is not None

    def on_connecting(self) -> None:
        """A connection is being attempted."""
        self.retry_s, self.reason = None, Reason(Why.CONNECTING)

    def on_connected(self, now: Moment, renew_ns: int | None) -> bool:
        """The socket is open; ``renew_ns``: when to replace it. True where the vendor needs no greeting."""
        self.connections += 1
        conversation = self.conversation = self._vendor.conversation()
        self.reads_many = conversation if isinstance(conversation, ReadsMany) else None
        self._opened_s = self._pinged_s = now.s
        self._renew_ns = renew_ns
        self.is_open = True
        self.reason = Reason(Why.AUTHENTICATING)
        greeting = self.conversation.opened()
        self.actions += greeting
        return not greeting

    def on_answered(
        self,
        now: Moment,
        *,
        error: VendorError | None,
        send: tuple[Frame, ...],
        subscribed: frozenset[str] | None,
        is_ready: bool,
    ) -> bool:
        """Act on what a frame says of the connection. True where the subscription may be sent now."""
        if subscribed is not None:
            self.acknowledged = subscribed
        if error is not None:
            self._on_error(error, now)
        self.actions += send
        return is_ready and not self.is_subscribed and self.is_open

    def subscribe(self, now: Moment) -> None:
        """Send the subscription."""
        self.is_subscribed, self._again_s = True, None
        self.pace.worked("authenticate")
        self._asked_s = self._beat_s = now.s
        self.actions += self.conversation.subscribe(self._symbols)

    def on_pong(self) -> None:
        """The last ping was answered."""
        self._is_pong_due = False

    def on_received(self, at_s: float) -> None:
        """Bytes have come, whatever they are; ``at_s``: the last of them, monotonic."""
        self._received_s = max(self._received_s, at_s)

    def overdue(self, now: Moment) -> Reason | None:
        """Why the transport or the authentication must be given up; None while it need not."""
        silent_s = now.s - max(self._pinged_s, self._received_s)
        if self._is_pong_due and silent_s > PONG_S:
            return Reason(Why.NO_PONG, silent_s)
        is_waiting = self._again_s is not None  # for another session to end: that may take long
        if not self.is_subscribed and not is_waiting and now.s - self._opened_s > READY_S:
            return Reason(Why.NO_AUTHENTICATION)
        return None

    def on_tick(self, now: Moment, *, is_healthy: bool) -> None:
        """Every second of an open connection: renewal, pings, beats, and what is asked again."""
        if self._renew_ns is not None and now.ns >= self._renew_ns:
            self._leave(Reason(Why.PLANNED), Action.CLOSE)
            return
        if is_healthy and (not self._vendor.acknowledges or self.acknowledged):
            self.pace.worked("connect")
        if self._again_s is not None and now.s >= self._again_s:
            self._again_s, self._opened_s = None, now.s
            self.actions += self.conversation.opened()
        if self.is_subscribed:
            self.actions += self._resubscribed(now)
            if self._vendor.beat_s is not None and now.s - self._beat_s >= self._vendor.beat_s:
                self._beat_s = now.s
                self.actions += self.conversation.beat()
        if now.s - self._pinged_s >= PING_S and not self._is_pong_due:
            self._pinged_s, self._is_pong_due = now.s, True
            self.actions.append(Action.PING)

    def give_up(self, reason: Reason) -> None:
        """Leave a connection that is of no use any more."""
        self._leave(reason, Action.ABORT)

    def on_lost(self, reason: Reason, now: Moment, floor_s: float | None) -> None:
        """The connection has ended, or there was none. ``floor_s``: the vendor's own Retry-After.

        The reason given first stands: a connection that we left ends with an error of its own.
        """
        if self.is_open or self.reason.why is Why.CONNECTING:
            self.reason = reason
        if self.refusal is None:
            self.refusal = _final(self.reason, is_keyed=self._vendor.keyed)
        least_s = max(floor_s or 0.0, SLOW_S if _is_slow(self.reason) else 0.0)
        self.must_wait = least_s > 0
        wait_s = self.pace.failed("connect", now.s, least_s)
        self.retry_s = None if self.refusal else wait_s
        self.actions.clear()
        self._again_s = self.acknowledged = None
        self._is_pong_due = self.is_open = self.is_subscribed = self.is_limited = False

    def _leave(self, reason: Reason, action: Action) -> None:
        if self.is_open:
            self.is_open, self.reason = False, reason
            self.actions.append(action)

    def _on_error(self, error: VendorError, now: Moment) -> None:
        # Meant to be in a vendor module's own words; it reaches a terminal, so it is sanitised again.
        error = msgspec.structs.replace(error, message=clean(error.message))
        if error.kind == "fatal":
            self.refusal = error
            self.give_up(Reason(Why.VENDOR, message=error.message))
        elif error.kind == "limit":
            self.is_limited = True
        else:
            self.reason = Reason(Why.VENDOR, message=error.message)
            self._again_s = now.s + self.pace.failed("authenticate", now.s)

    def _resubscribed(self, now: Moment) -> Iterable[Frame]:
        if self.is_limited or not self._vendor.acknowledges or now.s - self._asked_s < RESUBSCRIBE_S:
            return ()
        if self.acknowledged is not None and self.acknowledged >= self._symbols:
            return ()
        self._asked_s = now.s
        return self.conversation.subscribe(self._symbols)


def _final(reason: Reason, *, is_keyed: bool) -> VendorError | None:
    """A failure to connect that will not pass by itself; None for one that may."""
    if reason.why is Why.NO_SOCKS:
        return VendorError("fatal", "", Kind.OFFLINE)
    if is_keyed and reason.why is Why.HTTP and reason.code in NO_KEY:
        return VendorError("fatal", "", Refusal.AUTH_FAILED)
    return None


def _is_slow(reason: Reason) -> bool:
    """Whether the same answer is to be expected for a while."""
    if reason.why is Why.HTTP and reason.code is not None:
        return 400 <= reason.code < 500 and reason.code not in BUSY
    return reason.why in {Why.REDIRECT, Why.BAD_ADDRESS}
