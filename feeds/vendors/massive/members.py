"""Bars of the whole market for members of indices: which kind to ask for, given what was refused. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.streaming.members.prints import MemberChannel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from feeds.streaming.members.prints import MemberPrints

KINDS = {"A": MemberChannel.SECOND_BARS, "AM": MemberChannel.MINUTE_BARS}
"""Best first. Trades of the whole market (``T.*``) are not asked for: see docs/decisions.md."""


class MemberBars:
    """Of one account, over all its connections: what a plan refuses once is not asked for again."""

    def __init__(self, prints: MemberPrints | None = None) -> None:
        """``prints``: whose ``wanted`` says which members are kept; None: nobody wants any."""
        self.prints = prints
        self._left = list(KINDS)
        self._held = self._asked = ""
        """Kinds that the vendor has acknowledged, and that it has been asked for on this connection."""

    @property
    def wanted(self) -> Mapping[str, str]:
        """The members that are kept, by Massive's spelling."""
        return {} if self.prints is None else self.prints.wanted

    @property
    def kind(self) -> str:
        """Of the bars that members come by; empty while they do not."""
        return self._held

    @property
    def is_under_way(self) -> bool:
        """Whether an answer is due."""
        return bool(self._asked) and self._asked != self._held

    def opened(self) -> None:
        """A new connection: nothing is subscribed."""
        self._held = self._asked = ""

    def next_request(self) -> tuple[str, str]:
        """Action and channel to ask for now; empty where there is nothing to ask."""
        if not self.wanted and self._asked:
            kind, self._held, self._asked = self._asked, "", ""
            return "unsubscribe", f"{kind}.*"
        if self.wanted and not self._asked and self._left:
            self._asked = self._left[0]
            return "subscribe", f"{self._asked}.*"
        return "", ""

    def on_success(self, message: str) -> MemberChannel | None:
        """How members come from now on, where that is what is acknowledged; ``subscribed to: A.*``."""
        action, _, names = message.partition(": ")
        listed = {name.strip() for name in names.split(",")}
        if action != "subscribed to" or not self._asked or f"{self._asked}.*" not in listed:
            return None
        self._held = self._asked
        return KINDS[self._held]

    def on_refusal(self) -> None:
        """The plan has no bars of the kind that was asked for."""
        self._left = self._left[1:]
        self._asked = ""

    def on_overrun(self) -> None:
        """We read too slowly for what is subscribed: with the next connection less is asked for."""
        if self._held and len(self._left) > 1:
            self._left = self._left[1:]
