"""When data must come: what silence means depends on the market's hours, not on a fixed number of seconds."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Protocol

from rotation.market.auction import AUCTION_NS
from rotation.quote import NS
from rotation.sessions import (
    NEW_YORK,
    close_ns,
    from_ns,
    hours,
    is_session,
    new_york_day,
    next_session,
    open_ns,
    phase_at,
    session_at,
    to_ns,
)

RENEW_BEFORE_NS = 15 * 60 * NS
"""A connection that lasted all night is replaced this long before the opening bell: 09:15 New York."""
GLOBEX_SHUTS, GLOBEX_OPENS = time(17), time(18)
"""New York: the hour's pause of every trading day; the week runs from Sunday's opening to Friday's end."""


class Hours(Protocol):
    """One market's week. Instants are UTC nanoseconds."""

    def quiet_s(self, ts_ns: int) -> float | None:
        """How long nothing at all may come at this hour; None: as long as it likes."""
        ...

    def over_bell_s(self, ts_ns: int) -> float | None:
        """The same shortly after the closing bell, of a silence that began before it; else None.

        The auction may have printed in it, and nothing that comes later would show that.
        """
        ...

    def canary_s(self, ts_ns: int) -> float | None:
        """How long a symbol that always trades may be silent; None: as long as it likes."""
        ...

    def is_shut(self, ts_ns: int) -> bool:
        """Whether nothing trades now, so that silence needs no explanation."""
        ...

    def began_ns(self, ts_ns: int) -> int | None:
        """From when on prints are wanted by someone who starts now; None: nothing trades."""
        ...

    def renew_ns(self, ts_ns: int) -> int | None:
        """When a connection made now is to be replaced in good order; None: never."""
        ...


class Equities:
    """US shares: watched from the opening bell to the closing auctions, holidays and half-days known.

    The rest of the extended hours may be silent.
    """

    def quiet_s(self, ts_ns: int) -> float | None:
        """30 s in the regular session."""
        return 30.0 if phase_at(ts_ns) == "REGULAR" else None

    def over_bell_s(self, ts_ns: int) -> float | None:
        """30 s, and no less than since the bell, while the auctions print."""
        day = session_at(ts_ns)
        since_s = (ts_ns - close_ns(day)) / NS if day else -1.0
        return max(30.0, since_s) if 0 <= since_s <= AUCTION_NS / NS else None

    def canary_s(self, ts_ns: int) -> float | None:
        """60 s in the regular session: IWM, QQQ and SPY print every second, on IEX alone every few."""
        return 60.0 if phase_at(ts_ns) == "REGULAR" else None

    def is_shut(self, ts_ns: int) -> bool:
        """Night, weekend, holiday."""
        return phase_at(ts_ns) == "CLOSED"

    def began_ns(self, ts_ns: int) -> int | None:
        """04:00 of a running session."""
        day = session_at(ts_ns)
        return hours(day)[0] if day else None

    def renew_ns(self, ts_ns: int) -> int | None:
        """15 minutes before the next opening bell."""
        day = new_york_day(ts_ns)
        while not (is_session(day) and open_ns(day) - RENEW_BEFORE_NS > ts_ns):
            day = next_session(day)
        return open_ns(day) - RENEW_BEFORE_NS


class Globex:
    """CME futures, about 23 hours a day. Fed funds contracts may rest for long, most of all at night."""

    def quiet_s(self, ts_ns: int) -> float | None:
        """15 minutes in the American day, an hour in the rest of the week."""
        if self.is_shut(ts_ns):
            return None
        return 900.0 if time(8) <= from_ns(ts_ns).astimezone(NEW_YORK).time() < time(16) else 3600.0

    def over_bell_s(self, ts_ns: int) -> float | None:  # noqa: ARG002 - settlements are no prints
        """None."""
        return None

    def canary_s(self, ts_ns: int) -> float | None:  # noqa: ARG002 - no contract is sure to trade
        """None."""
        return None

    def is_shut(self, ts_ns: int) -> bool:
        """The daily pause and the weekend. Holidays are not known: silence then costs a few reconnects."""
        now = from_ns(ts_ns).astimezone(NEW_YORK)
        day, clock = now.weekday(), now.time()
        if GLOBEX_SHUTS <= clock < GLOBEX_OPENS or day == 5:
            return True
        return clock >= GLOBEX_SHUTS if day == 4 else day == 6 and clock < GLOBEX_OPENS

    def began_ns(self, ts_ns: int) -> int | None:
        """Now: the newest price is all that is wanted."""
        return ts_ns

    def renew_ns(self, ts_ns: int) -> int | None:
        """In the middle of the next daily pause."""
        now = from_ns(ts_ns).astimezone(NEW_YORK)
        middle = datetime.combine(now.date(), time(17, 30), NEW_YORK)
        return to_ns(
            middle if middle > now else datetime.combine(now.date() + timedelta(1), time(17, 30), NEW_YORK)
        )


class Always:
    """A market that never rests, as Coinbase."""

    def quiet_s(self, ts_ns: int) -> float | None:  # noqa: ARG002 - the same at every hour
        """30 s."""
        return 30.0

    def over_bell_s(self, ts_ns: int) -> float | None:  # noqa: ARG002 - no bell
        """None."""
        return None

    def canary_s(self, ts_ns: int) -> float | None:  # noqa: ARG002 - the same at every hour
        """60 s."""
        return 60.0

    def is_shut(self, ts_ns: int) -> bool:  # noqa: ARG002 - the same at every hour
        """Never."""
        return False

    def began_ns(self, ts_ns: int) -> int | None:
        """Now: the newest price is all that is wanted."""
        return ts_ns

    def renew_ns(self, ts_ns: int) -> int | None:
        """After a day."""
        return ts_ns + 86_400 * NS
