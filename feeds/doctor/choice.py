"""What ``doctor`` says of the feeds in force: a person's list, or the choice that ``auto`` makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.keys.preference import KEYED, PREFERENCE, why, why_listed
from rotation.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

DEMO = "demo"
LISTED = (*PREFERENCE, "alpaca-delayed")
"""Feeds that a list may have."""


def choice(keyed: Collection[str], feed: str = "auto") -> Iterator[Finding]:
    """Which vendors are tried with these keys, best first, and when the next one is.

    ``feed``: ``auto``, one feed, or several in order with commas between.
    """
    names = [name for name in feed.split(",") if name != DEMO]
    if names == ["auto"]:
        message = why(keyed).removeprefix("auto: ")
        if keyed:
            message += "; if a plan does not include one, the next is used, and Health says why"
        yield Finding("keys", "--feed auto", "ok", message)
        return
    if not set(names) <= set(LISTED):
        yield Finding("keys", "--feed", "ok", feed)  # a viewer's or a test's, which stands alone
        return
    lacking = {name for name in names if _vendor(name) in KEYED and _vendor(name) not in keyed}
    if lacking >= {*names}:
        todo = "rotation-tui config key set NAME, or another feed in the list"
        yield Finding("keys", "--feed", "warn", f"{feed}: none of these has its key", todo)
        return
    message = why_listed(names, lacking)
    if DEMO in feed.split(","):
        message += "; the demo while no other has anything"
    yield Finding("keys", "--feed", "ok", message)


def _vendor(name: str) -> str:
    return name.partition("-")[0]
