"""Runs the app in this terminal, and gives the terminal back whatever ends it."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.screen.app import RotationApp

log = logging.getLogger(__name__)


def run(app: RotationApp) -> int:
    """Run until the app ends and return its exit code; raises what made it fail."""
    keep_what_stays(app)
    ended_by = asyncio.run(_run(app))
    if app.failure is not None:
        if ended_by is None:
            raise app.failure
        log.error("failed during shutdown", exc_info=app.failure)
    return ended_by or app.return_code or 0


def keep_what_stays(app: RotationApp) -> None:
    """Have full collections of garbage pass over what has been imported, and over the desk once it is open.

    There are some 120,000 such objects: walking through them holds up the loop, and keys, for 80 ms. A desk
    that has given way to another one is let go.
    """
    gc.freeze()
    app.on_opened = gc.freeze
    app.on_another_desk = gc.unfreeze

    def settled() -> None:
        gc.collect()
        gc.freeze()

    app.on_settled = settled


async def _run(app: RotationApp) -> int | None:
    """The exit code that a signal asked for, a terminal that hung up too; None if neither came."""
    # Windows knows no SIGHUP: there the console ends the program without a chance to tidy up.
    if sys.platform == "win32":
        await app.run_async()
        return None
    from tui.screen.watchdog import Watchdog  # noqa: PLC0415 - its signals are not everywhere

    loop = asyncio.get_running_loop()

    def ask(code: int) -> None:
        loop.call_soon_threadsafe(app.exit, None, code)

    watchdog = Watchdog(ask, app.give_back)
    app.on_hang_up = watchdog.hung_up
    app.is_ending = lambda: watchdog.exit_code is not None
    watchdog.start()
    await app.run_async()
    return watchdog.exit_code
