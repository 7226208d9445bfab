"""A hub that runs until a signal stops it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine


async def until_stopped(run: Coroutine[None, None, None]) -> None:
    """Drive it until it ends, or SIGTERM or SIGINT comes: then the next hub is told that this one ends."""
    task = asyncio.ensure_future(run)
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl+C raises instead
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
