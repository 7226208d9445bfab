"""The built-in demo: the rotation of July 2024, generated from a seed."""

from __future__ import annotations

from datetime import date
from random import Random

import msgspec
import polars as pl

from feeds.demo.daily import LAST, SESSION, daily_history
from feeds.demo.ticks import live_tape
from rotation.history import History

SEED = 20240716


class Scenario(msgspec.Struct, frozen=True):
    """All that the demo plays."""

    history: History
    """Closes of seven symbols from 2000-05-26 (KRE: 2006-06-22) to the live session, included."""
    tape: pl.DataFrame
    """Prints of the live session: symbol, ts_ns, seq, price, size, high, low; sorted by ts_ns."""
    session: date
    """The live session."""


def build(seed: int = SEED) -> Scenario:
    """The demo of a seed: the same on every platform and Python.

    The history ends with the live session's own closes; its figures look only at rows before it.
    """
    rng = Random(seed)  # noqa: S311 - a demo's dice, not a secret
    history = daily_history(rng)
    tape = live_tape(rng, SESSION, {symbol: closes[-1] for symbol, closes in LAST.items()})
    return Scenario(history, tape, SESSION)
