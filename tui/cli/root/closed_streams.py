"""Standard streams that the shell has closed (``>&-``): printing is an error then, not lost in silence.

Python has None in the place of such a stream, and the next file that is opened gets its number: a database
could end up where something still prints.
"""

from __future__ import annotations

import errno
import io
import os
import sys

NAMES = "stdin", "stdout", "stderr"
"""By file descriptor."""


def hold() -> None:
    """Put empty streams in the place of those that are closed; printing to standard output raises EBADF."""
    while (fd := os.open(os.devnull, os.O_RDONLY)) < len(NAMES):
        if NAMES[fd] == "stderr":  # there is nowhere left to complain
            os.close(fd)
            os.open(os.devnull, os.O_WRONLY)  # the same number
        os.set_inheritable(fd, True)  # noqa: FBT003 - its only form
        if getattr(sys, NAMES[fd]) is None:
            setattr(sys, NAMES[fd], _stream(fd))
    os.close(fd)


def _stream(fd: int) -> io.TextIOWrapper:
    raw = io.FileIO(fd, "r" if NAMES[fd] == "stdin" else "w", closefd=False)
    raw.name = f"<{NAMES[fd]}>"
    buffer = io.BufferedReader(raw) if NAMES[fd] == "stdin" else io.BufferedWriter(raw)
    return io.TextIOWrapper(buffer, encoding="utf-8")


def is_closed_output(error: Exception) -> bool:
    """Whether this came of printing to a standard output that was closed from the start."""
    return isinstance(error, OSError) and error.errno == errno.EBADF and sys.__stdout__ is None
