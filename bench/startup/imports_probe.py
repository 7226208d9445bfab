"""``rotation-tui`` that writes down when polars was first imported: ``imports_probe.py FILE [ARGUMENT…]``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

NOTE = Path(sys.argv.pop(1))


def note(event: str, details: tuple[object, ...]) -> None:
    if event == "import" and details[0] == "polars" and not NOTE.exists():
        NOTE.write_text(repr(time.monotonic()), "ascii")


if __name__ == "__main__":
    sys.addaudithook(note)
    from tui.__main__ import main

    main()
