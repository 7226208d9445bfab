"""What a source gave, with its age: what feeds hand on without knowing how it was fetched."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from rotation.status import Kind
from rotation.wording import state_word

T = TypeVar("T")


class Fetched(msgspec.Struct, Generic[T], frozen=True):
    """What a source gave: the value, how old it is, and what failed in this call."""

    value: T | None
    fetched_at_ns: int | None
    """When the source last confirmed the value; None when there has never been one."""
    changed_at_ns: int | None
    """When its bytes were first seen."""
    age_s: float | None
    """Since the source confirmed the value, or since what it says where that is what makes it STALE."""
    kind: Kind
    """LIVE, STALE or OFFLINE."""
    error: str = ""
    """What failed, and when the next try is due if there is one; empty when nothing did."""

    @property
    def state(self) -> str:
        """The word for a reader: LIVE, STALE 42s or OFFLINE."""
        return state_word(self.kind, age_s=self.age_s)


def dated(fetched: Fetched[T], data_ns: int, *, now_ns: int, fresh_s: float) -> Fetched[T]:
    """The same, marked STALE when what it says is itself old: a source may confirm last month's page."""
    age_s = max(now_ns - data_ns, 0) / 1e9
    if fetched.value is None or age_s <= fresh_s:
        return fetched
    return msgspec.structs.replace(fetched, kind=Kind.STALE, age_s=age_s)
