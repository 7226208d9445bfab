"""Runs the app in this terminal, and gives the terminal back whatever ends it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.screen.app import RotationApp

ENDING = ("SIGTERM", "SIGHUP")
"""By name: Windows has no SIGHUP."""


def run(app: RotationApp) -> int:
    """Run until the app ends and return its exit code; raises what made it fail."""
    asyncio.run(_run(app))
    if app.failure is not None:
        raise app.failure
    return app.return_code or 0


async def _run(app: RotationApp) -> None:
    loop = asyncio.get_running_loop()
    # Windows can do neither: there the console ends the program without a chance to tidy up.
    with contextlib.suppress(NotImplementedError, AttributeError):
        for name in ENDING:
            number = getattr(signal, name)
            loop.add_signal_handler(number, app.exit, None, 128 + number)
    await app.run_async()
