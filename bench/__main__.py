"""Run the named benches, or all of them, and print one JSON line for each."""

from __future__ import annotations

import argparse
from importlib import import_module

from bench.common import BenchError, line, load_before

# The last one brings polars into this process; those before it start others from a small one.
NAMES = (
    "startup", "paint", "memory", "many", "ssh", "workers", "growth", "pages", "fedwatch", "ingest", "hub",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="one or two runs: does it work, not how fast")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no bench {unknown[0]!r}; choose from {', '.join(NAMES)}")
    for name in given.names or NAMES:
        load = load_before()
        try:
            measured = import_module(f"bench.{name}.measure").measure(quick=given.quick)
        except BenchError as error:
            parser.exit(1, f"bench {name}: {error}\n")
        print(line(name, measured, load), flush=True)


if __name__ == "__main__":
    main()
