"""What an examination of the installation found."""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal["ok", "warn", "fail"]


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at. No word of it holds a secret."""

    area: str
    """dependencies, terminal, keys, addresses, sources, clock, calendar, store or stream."""
    name: str
    state: State
    """``fail``: something that is asked for will not work. ``warn``: it works, but not as it should."""
    message: str = msgspec.field(name="said")
    """One line; ``said`` in the JSON, for compatibility."""
    todo: str = ""
    """What to do about it; empty where there is nothing to do."""
