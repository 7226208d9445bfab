"""What stands on a tape where something is missing, and where another hub has begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.events import Gap, Rewind, Status
from feeds.tapes.recording import rows_of
from rotation.sessions import NEW_YORK, from_ns
from rotation.status import Kind

if TYPE_CHECKING:
    from feeds.tapes.recording import Row

FEED = "hub"
"""Whose events the marks are."""
GAP_EVENTS = 2
"""Events that ``gap_rows`` makes."""


def gap_rows(number: int, since_ns: int, until_ns: int) -> list[Row]:
    """Between the two times the tape is silent about what happened. ``number``: of the first event.

    A ``Gap`` for programs, of every symbol; and for whoever replays it a status that says so.
    """
    # The clock of the machine that wrote before may be ahead of the one that goes on.
    span = min(since_ns, until_ns), max(since_ns, until_ns)
    gap = Gap(frozenset(), *span)
    status = Status(Kind.GAPPED, f"the tape lacks {_span(*span)} New York")
    return [*rows_of(number, FEED, gap, until_ns), *rows_of(number + 1, FEED, status, until_ns)]


def restart_rows(number: int, as_of_ns: int) -> list[Row]:
    """Another hub begins, with a market of its own: what it has taken in is all there is of the day."""
    return rows_of(number, FEED, Rewind((), as_of_ns), as_of_ns)


def _span(since_ns: int, until_ns: int) -> str:
    since, until = (from_ns(each).astimezone(NEW_YORK) for each in (since_ns, until_ns))
    form = "%H:%M:%S" if since.date() == until.date() else "%b %d %H:%M:%S"
    return f"{since:{form}} to {until:{form}}"
