"""Files that a test gives the program: closes, tapes and whatever lines it likes."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from rotation.quote import NS
from rotation.sessions import open_ns, sessions_between

if TYPE_CHECKING:
    from pathlib import Path

BARS = "start,open,high,low,close,volume\n"


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def closes(folder: Path, symbol: str, *prices: float) -> Path:
    """A close a session, the last one on 16 July 2024."""
    days = sessions_between(*map(_date, ("2022-01-01", "2024-07-16")))[-len(prices) :]
    rows = [f"{day},{price}" for day, price in zip(days, prices, strict=True)]
    return write(folder / f"{symbol}.csv", "date,close", *rows)


def _date(text: str) -> date:
    return date.fromisoformat(text)


def tape(folder: Path, *, prints: int, step_ns: int = NS, name: str = "tape.parquet") -> Path:
    """A recorded tape of IWM and QQQ from the opening bell of 16 July 2024, never the same price twice."""
    opens = open_ns(_date("2024-07-16"))
    rows = [
        ("QQQ" if i % 3 == 2 else "IWM", opens + i * step_ns, i, 200.0 + i / 100, 10) for i in range(prints)
    ]
    path = folder / name
    pl.DataFrame(rows, schema=["symbol", "ts_ns", "seq", "price", "size"], orient="row").write_parquet(path)
    return path
