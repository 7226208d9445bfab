"""The instants that ``--at`` and ``--from`` name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from feeds.errors import InputError
from rotation.instants import after_close, parse
from rotation.sessions import from_ns, open_ns, to_ns

if TYPE_CHECKING:
    from rotation.history import History

EARLIEST_NS = to_ns(datetime(1900, 1, 1, tzinfo=UTC))


def start_ns(text: str) -> int:
    """Where ``--from`` begins; a session's date means its opening bell. Raises InputError."""
    try:
        at = parse(text)
        return open_ns(at) if isinstance(at, date) else at
    except ValueError as error:
        raise InputError(f"--from: {error}") from error


def as_of(history: History, text: str, now_ns: int, option: str = "--at") -> int:
    """The instant that ``option`` names; a session's date means after its close. Raises InputError."""
    try:
        at = parse(text)
        as_of_ns = after_close(at) if isinstance(at, date) else at
    except ValueError as error:
        raise InputError(f"{option}: {error}") from error
    if as_of_ns < EARLIEST_NS:
        raise InputError(f"{option}: {text} is before {from_ns(EARLIEST_NS):%Y}; name a later one")
    if as_of_ns > now_ns:
        raise InputError(
            f"{option}: {text} is in the future (it is {from_ns(now_ns):%Y-%m-%d %H:%M} UTC now)"
        )
    if isinstance(at, date) and history.symbols and history.on(at).is_empty():
        raise InputError(
            f"{option}: history has no close for {at}; it runs from {history.first} to {history.last()}"
        )
    return as_of_ns
