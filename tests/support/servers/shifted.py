"""rotation-tui with its wall clock moved, so that a closed market can be tried as an open one.

``python -m tests.support.servers.shifted [arguments of rotation-tui]``; the variable ROTATION_TEST_SHIFT_NS
says by
how many nanoseconds (``python -m tests.support.servers.live_world --session`` prints it). Only the clock is
another.
"""

from __future__ import annotations

import os
import time

VARIABLE = "ROTATION_TEST_SHIFT_NS"


def main() -> None:
    """Move the clock before anything of the program looks at it."""
    shift_ns, real = int(os.environ.get(VARIABLE, "0")), time.time_ns
    time.time_ns = lambda: real() + shift_ns
    from tui.__main__ import main as program

    program()


if __name__ == "__main__":
    main()
