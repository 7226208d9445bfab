"""What a hub's messages are made of: the desk that is read, one message to send, and how it is numbered."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

    from feeds.hub.wire.messages import Message
    from rotation.breadth.members import Membership
    from rotation.history import History
    from rotation.market.status import Provenance
    from rotation.quote import SymbolDay
    from rotation.snapshot import Snapshot


class Desk(Protocol):
    """What the hub reads of its supervisor."""

    @property
    def latest(self) -> Snapshot | None: ...  # noqa: D102

    @property
    def provenance(self) -> dict[str, Provenance]: ...  # noqa: D102

    @property
    def history(self) -> History: ...  # noqa: D102

    @property
    def membership(self) -> tuple[Membership, ...]: ...  # noqa: D102

    def days(self, symbols: Collection[str], *, all_minutes: bool = False) -> list[SymbolDay]: ...  # noqa: D102


class Outgoing(NamedTuple):
    """One message to send."""

    subject: str
    data: bytes


class Number(Protocol):
    """Makes a message of what stands behind its head, with the next number; none where it is too long."""

    def __call__(self, subject: str, kind: type[Message], *fields: object) -> list[Outgoing]: ...  # noqa: D102
