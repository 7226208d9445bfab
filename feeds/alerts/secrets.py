"""The secret of a target: from the environment, else the keyring, else the file of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.errors import InputError
from feeds.keys.keys import TARGET, find

if TYPE_CHECKING:
    from rotation.alerts.target import Target


def required(target: Target) -> str:
    """The secret of a target; empty where none is kept and none is needed. Blocking; raises InputError."""
    if target.kind in ("command", "desktop"):
        return ""
    keys = find(f"{TARGET}{target.name}")
    if keys is None and not target.url:
        raise InputError(f"no address is stored; run: rotation-tui config key set {TARGET}{target.name}")
    return keys.key if keys else ""
