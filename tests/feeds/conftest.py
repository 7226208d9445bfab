"""Tests of feeds run on a loop that can say when it is idle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.idle_loop import IdleLoop

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"idle": IdleLoop}
