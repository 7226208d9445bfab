"""Imports in less time. Light: what begins the program imports this first."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def loading() -> Iterator[None]:
    """Import what stays: nobody looks for garbage among it, now or at the end of the process.

    Looking is a tenth of what Textual's imports take, and of what ``--help`` takes in all.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
