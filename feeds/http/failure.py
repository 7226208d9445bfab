"""What went wrong with a request, as data; and the error that a caller raises for it."""

from __future__ import annotations

import math

from feeds.errors import SourceAway, SourceError
from rotation.text import duration

ABOUT_THE_REQUEST = frozenset({400, 404, 410, 422})
"""These statuses concern what was asked for; the source itself is well."""
_ABOUT_US = frozenset({401, 402, 403, 407, 451})
"""These concern who asks: waiting does not help."""


class RequestError(SourceError):
    """A request that brought nothing. ``str()`` says why, without an address, a header or a body."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retryable: bool = False,
        host_wide: bool = False,
        unreachable: bool = False,
        retry_after_s: float | None = None,
        asked: bool = True,
        next_try_s: float = 0.0,
        in_a_row: bool = False,
    ) -> None:
        """``status``: of an answer that was not 200; None where there was none.

        ``retryable``: another try may help. ``host_wide``: the source says that it was asked too much, or
        is out of service. ``unreachable``: no connection. ``retry_after_s``: what the source asks for.
        ``asked``: False where the request was not sent, as the last failure's wait was not over.
        ``next_try_s``: seconds until the source may be asked again. ``in_a_row``: so many requests have
        failed one after the other that it is the source, whatever was asked for.
        """
        super().__init__(message)
        self.status = status
        self.retryable = retryable
        self.host_wide = host_wide
        self.unreachable = unreachable
        self.retry_after_s = retry_after_s
        self.asked = asked
        self.next_try_s = next_try_s
        self.in_a_row = in_a_row

    @property
    def refuses_us(self) -> bool:
        """Whether the source rejects every request with these keys, or from this machine."""
        return self.status in _ABOUT_US

    @property
    def is_away(self) -> bool:
        """Whether asking for anything else would fail too."""
        return self.refuses_us or self.host_wide or self.unreachable or self.in_a_row or not self.asked

    def with_next_try(self) -> str:
        """Why it failed, and when the next try is due."""
        wait = duration(math.ceil(self.next_try_s)) if self.next_try_s >= 1 else "under 1s"
        return f"{self}; next try in {wait}" if self.asked else f"backing off, next try in {wait}"


def source_error(source: str, failure: RequestError) -> SourceError:
    """The error of a download from this source: SourceAway where it concerns every symbol."""
    if failure.status == 404:
        return SourceError(f"{source}: unknown symbol (HTTP 404)")
    message = f"{source}: {failure}"
    if failure.refuses_us:
        return SourceAway(message)
    if failure.is_away:
        return SourceAway(message, after_s=failure.next_try_s, refused=failure.host_wide)
    return SourceError(message)
