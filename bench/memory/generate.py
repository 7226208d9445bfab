"""Files for a program that is measured from outside: ``python -m bench.memory.generate FOLDER SESSIONS``.

In a process of its own, so that the one that measures others stays small.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench import worlds
from feeds.demo.scenario import build


def main() -> None:
    folder, sessions = Path(sys.argv[1]), int(sys.argv[2])
    closes = folder / "closes"
    closes.mkdir(parents=True)
    for name in worlds.TWELVE:
        worlds.frame([name], sessions).drop("symbol").write_parquet(closes / f"{name}.parquet")
    # The demo's own prints, as a recorder would have written them.
    build().tape.write_parquet(folder / "tape.parquet")


if __name__ == "__main__":
    main()
