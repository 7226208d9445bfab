"""Checks the installation: what works, what does not, and what to do about it."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from feeds.clock import wall_ns
from feeds.doctor import local
from feeds.doctor.choice import choice
from feeds.doctor.network import sources
from feeds.doctor.stream import stream as streamed
from feeds.keys.keyring import ring
from feeds.keys.keys import Keys
from rotation.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OFFLINE = "ROTATION_TUI_OFFLINE"
_OFF = frozenset({"", "0", "false", "f", "no", "n", "off"})
"""As the command line reads such a variable."""


def examine(
    places: Mapping[str, Path],
    *,
    stream: bool,
    feed: str = "auto",
    environ: Mapping[str, str] | None = None,
) -> list[Finding]:
    """All findings; blocking, some seconds.

    ``places``: files and folders that things are kept in, ``keys`` and ``history`` among them.
    ``feed``: that in force, or several in order with commas between.
    """
    given = os.environ if environ is None else environ
    now_ns = wall_ns()
    held = local.look_up(given, places["keys"].parent, ring())
    keyed = {feed for feed, key in held.items() if isinstance(key, Keys)}
    return [
        *local.dependencies(),
        *local.keys(held, ring()),
        *choice(keyed, feed),
        *local.addresses(given),
        *local.calendar(now_ns),
        *local.store(places, now_ns),
        *asyncio.run(_asked(given, keyed, stream=stream)),
    ]


async def _asked(environ: Mapping[str, str], keyed: set[str], *, stream: bool) -> list[Finding]:
    if environ.get(OFFLINE, "").strip().lower() not in _OFF:
        return [Finding("sources", "network", "ok", f"skipped, {OFFLINE} is set")]
    if not stream:
        return await sources(environ, keyed)
    answers, live = await asyncio.gather(sources(environ, keyed), streamed())
    return [*answers, live]
