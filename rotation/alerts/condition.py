"""Conditions as values, and whether they hold. Three answers: yes, no, and unknown (None).

Unknown is not no: a feed that is lost at the threshold neither fires an alert nor arms it again.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Literal

import msgspec

from rotation.alerts.reading import Qualifier
from rotation.figures.figure import RECORD, Figure, Value, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rotation.alerts.reading import Terms
    from rotation.alerts.rule import Plain

Operator = Literal[">", ">=", "<", "<=", "=", "!=", "changes"]

SAME = 1e-9
"""Numbers this close are equal: the noise of a division."""


class Comparison(msgspec.Struct, frozen=True):
    """One figure against a value, or against its own value before (``changes``)."""

    figure: Figure
    operator: Operator
    value: Value = None
    qualifier: Qualifier = ""


class Not(msgspec.Struct, frozen=True):
    """The opposite; unknown stays unknown."""

    of: Node


class Both(msgspec.Struct, frozen=True):
    """``and``: no if either is no, whatever the other."""

    left: Node
    right: Node


class Either(msgspec.Struct, frozen=True):
    """``or``: yes if either is yes, whatever the other."""

    left: Node
    right: Node


Node = Comparison | Not | Both | Either


def comparisons(node: Node) -> Iterator[Comparison]:
    """All that it is made of, from left to right."""
    if isinstance(node, Comparison):
        yield node
    elif isinstance(node, Not):
        yield from comparisons(node.of)
    else:
        yield from comparisons(node.left)
        yield from comparisons(node.right)


def figures_of(node: Node) -> dict[str, Figure]:
    """The figures it names by id, each once, in their order."""
    return {each.figure.id: each.figure for each in comparisons(node)}


def holds(node: Node, terms: Terms, *, slack: float = 0.0) -> bool | None:
    """Whether it is so. ``slack`` widens every numeric threshold, in the figure's own unit: hysteresis."""
    if isinstance(node, Comparison):
        return _compare(node, terms, slack)
    if isinstance(node, Not):
        inner = holds(node.of, terms, slack=-slack)
        return None if inner is None else not inner
    decides = isinstance(node, Either)
    answers = (holds(node.left, terms, slack=slack), holds(node.right, terms, slack=slack))
    if decides in answers:
        return decides
    return None if None in answers else not decides


def _compare(asked: Comparison, terms: Terms, slack: float) -> bool | None:
    value = terms.value(asked.figure, asked.qualifier)
    if value is None:
        return None
    if asked.operator == "changes":
        before = terms.before(asked.figure)
        return None if before is None else before != plain(value)
    if asked.operator in ("=", "!="):
        is_same = value == asked.value
        if isinstance(value, float) and isinstance(asked.value, int | float):
            is_same = abs(value - asked.value) <= SAME * max(1.0, abs(asked.value))
        return is_same == (asked.operator == "=")
    if asked.figure.kind == "date":
        # A record goes further back than any date.
        when = dt.date.min if value == RECORD else value
        assert isinstance(when, dt.date)
        assert isinstance(asked.value, dt.date)
        return _ordered(when.toordinal(), asked.operator, asked.value.toordinal())
    assert isinstance(value, int | float)
    assert isinstance(asked.value, int | float)
    widened = asked.value - slack if asked.operator in (">", ">=") else asked.value + slack
    return _ordered(value, asked.operator, widened)


def _ordered(value: float, operator: Operator, threshold: float) -> bool:
    if operator == ">":
        return value > threshold
    if operator == ">=":
        return value >= threshold
    return value < threshold if operator == "<" else value <= threshold


def known(terms: Terms, asked: Iterable[Comparison]) -> dict[str, Plain]:
    """The values of these comparisons that are known now, by id."""
    values = {each.figure.id: terms.value(each.figure, each.qualifier) for each in asked}
    return {name: plain(value) for name, value in values.items() if value is not None}
