"""CPU time of an ingest run by stage: what each adds beside the stages that it calls."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from feeds.streaming.receive.intake import Intake
from feeds.streaming.state import StreamState
from rotation.market.market import Market

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STAGES = (
    ("decode", StreamState, "on_frames"),
    ("filter", Intake, "admit"),
    ("hand on", StreamState, "take_events"),
    ("market", Market, "take"),
    ("market", Market, "take_columns"),
    ("market", Market, "snapshot"),
)
"""Name, and the method in which it happens. The rest is receiving, the loop and publishing."""


class Stages:
    """CPU seconds by stage, while ``measured``."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._seconds = dict.fromkeys((name for name, _, _ in STAGES), 0.0)
        self._inside: list[float] = []
        """Of each stage that runs, what those that it has called took."""

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure until the end of the block."""
        with ExitStack() as stack:
            for name, owner, method in STAGES:
                stack.enter_context(patch.object(owner, method, self._timed(name, getattr(owner, method))))
            yield

    def _timed(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **named: Any) -> Any:
            self._inside.append(0.0)
            began_s = time.process_time()
            try:
                return method(*args, **named)
            finally:
                taken_s = time.process_time() - began_s
                self._seconds[name] += taken_s - self._inside.pop()
                if self._inside:
                    self._inside[-1] += taken_s

        return timed

    def us_per_quote(self, cpu_s: float, count: int) -> dict[str, float]:
        """By stage, of so many quotes; ``rest`` of all the CPU time that they took."""
        seconds = {**self._seconds, "rest": max(cpu_s - sum(self._seconds.values()), 0.0)}
        return {name: round(1e6 * each / count, 3) for name, each in seconds.items()}
