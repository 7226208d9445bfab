"""What ``doctor`` says of the choice that ``--feed auto`` makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.keys.preference import why
from rotation.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


def choice(keyed: Collection[str]) -> Iterator[Finding]:
    """Which vendors ``auto`` tries with these keys, best first, and when it goes on to the next."""
    message = why(keyed).removeprefix("auto: ")
    if keyed:
        message += "; if a plan does not include one, the next is used, and Health says why"
    yield Finding("keys", "--feed auto", "ok", message)
