"""Which feeds a running desk has, by what each is for: what another desk needs, too, is not made anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from feeds.desk.live import Lineup, Shared
    from feeds.events import Feed

Roles = dict["Hashable", "Sequence[Feed]"]
"""Feeds by the keys of a ``Lineup``."""


class Cast:
    """The feeds in charge. ``plan`` says who would be for another desk, ``take`` that they are."""

    def __init__(self, shared: Shared | None = None) -> None:
        """``shared``: None for one of its own."""
        self._shared = shared
        self._roles: Roles = {}

    @property
    def shared(self) -> Shared:
        """What the feeds have in common."""
        if self._shared is None:
            from feeds.desk.live import Shared  # noqa: PLC0415 - brings every vendor's client

            self._shared = Shared()
        return self._shared

    def plan(self, lineup: Lineup) -> Roles:
        """Those in charge as far as they are in this lineup, and new ones. Raises InputError."""
        return {key: self._roles.get(key) or make() for key, make in lineup.items()}

    def take(self, roles: Roles) -> None:
        """These are in charge from now on."""
        self._roles = roles
        if roles or self._shared is not None:
            self.shared.use(feeds_of(roles))


def feeds_of(roles: Roles) -> tuple[Feed, ...]:
    """All of them, in order."""
    return tuple(feed for feeds in roles.values() for feed in feeds)
