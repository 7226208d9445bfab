"""A folder of closes: ``python -m bench.many.closes FOLDER SYMBOLS SESSIONS plain|one_quote|quoted``.

One CSV a symbol with every column, the desk's legs among them. Symbols differ by a factor of one random walk.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import polars as pl

from bench import worlds


def main() -> None:
    folder, symbols, sessions, style = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    folder.mkdir(parents=True)
    walk = worlds.frame(["WALK"], sessions)
    for name in worlds.symbols(symbols):
        price = (walk["close"] * Random(name).uniform(0.2, 3.0)).round(2)
        bars = walk.select(
            "date",
            open=price,
            high=(price * 1.01 + 0.01).round(2),
            low=(price * 0.99).round(2),
            close=price,
            adj_close=(price * 0.9).round(4),
            volume=pl.int_range(1_000_000, 1_000_000 + len(price)),
        )
        text = bars.write_csv(quote_style="always" if style == "quoted" else "necessary")
        if style == "one_quote":
            text = text.replace("date", '"date"', 1)
        (folder / f"{name}.csv").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
