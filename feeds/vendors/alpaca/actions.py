"""Alpaca's list of corporate actions: the splits of a day. Pure."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec

from feeds.parsing.wire import Loose, decode, number

if TYPE_CHECKING:
    from collections.abc import Iterator

TYPES = "forward_split,reverse_split,unit_split"
ACTIONS_MAX = 1_000
"""Actions in one answer, the vendor's own limit."""


class _Action(msgspec.Struct):
    symbol: Loose = None
    old_symbol: Loose = None
    old_rate: Loose = None
    new_rate: Loose = None
    ex_date: Loose = None
    effective_date: Loose = None


class _Actions(msgspec.Struct):
    forward_splits: list[_Action] = []
    reverse_splits: list[_Action] = []
    unit_splits: list[_Action] = []


class _Answer(msgspec.Struct):
    corporate_actions: _Actions


def parse_splits(data: bytes) -> dict[tuple[str, date], float]:
    """New shares for an old one by Alpaca's symbol and the first day on the new scale. Raises SourceError."""
    actions = decode(data, _Answer, "Alpaca").corporate_actions
    listed = (*actions.forward_splits, *actions.reverse_splits, *actions.unit_splits)
    return {(symbol, day): ratio for action in listed[:ACTIONS_MAX] for symbol, day, ratio in _split(action)}


def _split(action: _Action) -> Iterator[tuple[str, date, float]]:
    """Nothing where the action lacks a symbol, a day or a rate. A unit split is named by its old symbol."""
    symbol = action.symbol if isinstance(action.symbol, str) else action.old_symbol
    text = action.ex_date if isinstance(action.ex_date, str) else action.effective_date
    old, new = number(action.old_rate), number(action.new_rate)
    if not isinstance(symbol, str) or not isinstance(text, str) or old is None or new is None:
        return
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return
    if min(old, new) > 0:
        yield symbol, day, new / old
