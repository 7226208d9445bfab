"""Instants as people write them: a session's date, or a time that says its zone."""

from __future__ import annotations

from datetime import date, datetime

from rotation.sessions import close_ns, is_session, previous_session, to_ns


def parse(text: str) -> date | int:
    """``2024-07-16`` as a date, ``2024-07-16T10:40-04:00`` as UTC nanoseconds.

    Raises ValueError that says what is wrong and what to write.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass  # not a bare date: it may be a time
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is neither a date (2024-07-16) nor a time with its zone (2024-07-16T14:40:00Z)"
        ) from None
    if moment.tzinfo is None:
        raise ValueError(
            f"{text!r} does not say its zone; write {text}Z for UTC or {text}-04:00 for New York in summer"
        )
    return to_ns(moment)


def after_close(day: date) -> int:
    """The instant at which a session has closed, in ns. Raises ValueError for a day without trading."""
    if not is_session(day):
        raise ValueError(f"{day} is not an NYSE session; the one before is {previous_session(day)}")
    return close_ns(day)
