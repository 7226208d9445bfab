"""The suite's clock, and how a program that a test starts is given it.

ROTATION_TUI_NOW moves the suite as it moves the product: ``make test-days`` sets it. ``tie`` fixes it to the
machine's clock once, so that every process of the run agrees however late it starts.
"""

from __future__ import annotations

import os
import time

from feeds.clock import NOW_VARIABLE, clock_warning, wall_ns
from rotation.sessions import from_ns


def setting(now_ns: int) -> dict[str, str]:
    """The environment in which a program's clock says ``now_ns`` (UTC) at this moment."""
    instant, machine = (f"{from_ns(ns):%Y-%m-%dT%H:%M:%S.%fZ}" for ns in (now_ns, time.time_ns()))
    return {NOW_VARIABLE: f"{instant}@{machine}"}


def inherited() -> dict[str, str]:
    """For a program with an environment of its own: the suite's clock; nothing if that is the machine's."""
    return {NOW_VARIABLE: os.environ[NOW_VARIABLE]} if os.environ.get(NOW_VARIABLE) else {}


def tie() -> None:
    """Tie ROTATION_TUI_NOW, if it is set, to the machine's clock. Raises InputError for a bad value."""
    if os.environ.get(NOW_VARIABLE):
        os.environ |= setting(wall_ns())


def without_notice(text: str) -> str:
    """What a program printed, without the line that says its clock is set."""
    notice = clock_warning().partition(":")[0]
    if not notice:
        return text
    return "".join(line for line in text.splitlines(keepends=True) if notice not in line)
