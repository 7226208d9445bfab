"""The grammar of conditions.

::

    condition  = part ("or" part)*
    part       = term ("and" term)*
    term       = ["not"] [qualifier] (comparison | "(" condition ")") [qualifier]
    comparison = FIGURE ("<" | "<=" | ">" | ">=" | "=" | "!=") VALUE
               | FIGURE "is" ["not"] VALUE | FIGURE "changes" | FIGURE "record" | FLAG
    qualifier  = "settled" | "provisional"

VALUE is a number, a date (2017-01-01), ``record``, or a word such as STALE. Figures are those of
``rotation-tui figures``; case does not matter.
"""

from __future__ import annotations

import datetime as dt
import re
from math import isfinite
from typing import TYPE_CHECKING

import msgspec

from rotation.alerts.condition import Both, Comparison, Either, Node, Not, Operator
from rotation.errors import InputError
from rotation.figures.figure import RECORD, Figure, Value
from rotation.figures.registry import near

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rotation.alerts.reading import Qualifier

MOST_CHARS = 500
MOST_DEPTH = 30
TOKEN = re.compile(
    r"\s*(?:(?P<symbol>[()]|[<>!=]=|[<>=≤≥≠])"
    r"|(?P<number>[+\-−]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?(?![\w.:-]))"
    r"|(?P<word>[\w^](?:[\w./^-]|=(?=[a-z]))*))",
    re.IGNORECASE,
)
ID = re.compile(r"[\w./^=-]+")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
SIGNS: dict[str, Operator] = {"≥": ">=", "≤": "<=", "≠": "!=", "==": "="}
QUALIFIERS: tuple[Qualifier, ...] = ("settled", "provisional")
JOINS = ("and", "or")


class ConditionError(InputError):
    """A condition that cannot be read. ``column`` is the place, counted from 1; ``str()`` names it."""

    def __init__(self, column: int, message: str) -> None:
        super().__init__(f"condition, column {column}: {message}")
        self.column = column


class UnknownFigureError(ConditionError):
    """A figure that this desk has not; another may. ``name``: its id."""

    def __init__(self, column: int, message: str, name: str) -> None:
        super().__init__(column, message)
        self.name = name


class _Token(msgspec.Struct, frozen=True):
    kind: str
    text: str
    column: int

    @property
    def lower(self) -> str:
        return self.text.lower()


def parse(text: str, table: Mapping[str, Figure]) -> Node:
    """The condition that ``text`` says of the figures in ``table``. Raises ConditionError."""
    if len(text) > MOST_CHARS:
        raise ConditionError(MOST_CHARS + 1, f"longer than {MOST_CHARS} characters")
    return _Parser(_tokens(text, table), table).whole()


def _tokens(text: str, table: Mapping[str, Figure]) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while text[at:].strip():
        at = len(text) - len(text[at:].lstrip())
        if name := _known(text, at, table):
            tokens.append(_Token("word", name, at + 1))
            at += len(name)
            continue
        match = TOKEN.match(text, at)
        if match is None:
            raise ConditionError(at + 1, f"unexpected {text[at]!r}")
        kind = match.lastgroup or ""
        tokens.append(_Token(kind, match[kind], match.start(kind) + 1))
        at = match.end()
    return [*tokens, _Token("end", "", len(text.rstrip()) + 1)]


def _known(text: str, at: int, table: Mapping[str, Figure]) -> str:
    """The longest id of a figure that begins here, else empty: those of ``.DJI`` and ``A=5`` are no words."""
    run = ID.match(text, at)
    name = run[0] if run else ""
    while name and (name.lower() not in table or re.match(r"[\w.]", text[at + len(name) :])):
        name = name[:-1]
    return name


class _Parser:
    def __init__(self, tokens: list[_Token], table: Mapping[str, Figure]) -> None:
        self._tokens = tokens
        self._table = table
        self._at = 0
        self._depth = 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._next
        self._at += token.kind != "end"
        return token

    def _skip(self, *words: str) -> str:
        """The next token where it is one of these words; else empty, and nothing is taken."""
        return self._take().lower if self._next.lower in words else ""

    def whole(self) -> Node:
        node = self._condition()
        if self._next.kind != "end":
            raise self._unexpected('"and", "or" or the end')
        return node

    def _unexpected(self, wanted: str) -> ConditionError:
        got = repr(self._next.text) if self._next.text else "the end"
        return ConditionError(self._next.column, f"expected {wanted}, got {got}")

    def _condition(self) -> Node:
        node = self._part()
        while self._skip("or"):
            node = Either(node, self._part())
        return node

    def _part(self) -> Node:
        node = self._term()
        while self._skip("and"):
            node = Both(node, self._term())
        return node

    def _term(self) -> Node:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise ConditionError(self._next.column, f"nested more than {MOST_DEPTH} deep")
        if self._skip("not"):
            node: Node = Not(self._term())
        else:
            qualifier = self._skip(*QUALIFIERS)
            node = self._parentheses() if self._next.text == "(" else self._comparison()
            if not qualifier:
                qualifier = self._skip(*QUALIFIERS)
            node = _qualified(node, qualifier)
        self._depth -= 1
        return node

    def _parentheses(self) -> Node:
        self._take()
        node = self._condition()
        if self._next.text != ")":
            raise self._unexpected('")"')
        self._take()
        return node

    def _comparison(self) -> Node:
        figure = self._figure()
        if self._skip("changes"):
            return Comparison(figure, "changes")
        if figure.kind == "date" and self._skip(RECORD):
            return Comparison(figure, "=", RECORD)
        if self._skip("is"):
            operator: Operator = "!=" if self._skip("not") else "="
            return Comparison(figure, operator, self._value(figure, operator))
        if self._next.kind == "symbol" and self._next.text not in "()":
            token = self._take()
            operator = SIGNS.get(token.text, token.text)  # type: ignore[arg-type]
            if operator not in ("=", "!=") and figure.kind not in ("number", "date"):
                raise ConditionError(
                    token.column, f"{figure.id} has no order: use is, is not, = , != or changes"
                )
            return Comparison(figure, operator, self._value(figure, operator))
        if figure.kind == "flag":
            return Comparison(figure, "=", value=True)
        raise self._unexpected(f"a comparison after {figure.id}, such as {_example(figure)}")

    def _figure(self) -> Figure:
        token = self._next
        if token.kind != "word" or token.lower in (*JOINS, "is", "changes"):
            raise self._unexpected("a figure")
        figure = self._table.get(token.lower)
        if figure is None:
            offered = near(token.lower, self._table)
            message = f"unknown figure {token.text!r}{offered}; rotation-tui figures lists them"
            raise UnknownFigureError(token.column, message, token.lower)
        self._take()
        return figure

    def _value(self, figure: Figure, operator: Operator) -> Value:
        token = self._take()
        value = _value_of(token, figure, operator)
        if value is None:
            got = repr(token.text) if token.text else "the end"
            raise ConditionError(token.column, f"expected {_allowed(figure, operator)}, got {got}")
        return value


def _value_of(token: _Token, figure: Figure, operator: Operator) -> Value:
    """None if the token is not a value of this figure."""
    if figure.kind == "number":
        number = float(token.text.replace("−", "-")) if token.kind == "number" else None
        return number if number is not None and isfinite(number) else None
    if figure.kind == "flag":
        return {"true": True, "false": False}.get(token.lower)
    if figure.kind == "date":
        if token.lower == RECORD:
            return RECORD if operator in ("=", "!=") else None
        try:
            return dt.date.fromisoformat(token.text) if DATE.fullmatch(token.text) else None
        except ValueError:
            return None
    return next((word for word in figure.words if word.lower() == token.lower), None)


def _allowed(figure: Figure, operator: Operator) -> str:
    if figure.kind == "number":
        return f"a number ({figure.unit})" if figure.unit else "a number"
    if figure.kind == "date":
        return "a date such as 2017-01-01" + (" or record" if operator in ("=", "!=") else "")
    return "true or false" if figure.kind == "flag" else f"one of {', '.join(figure.words)}"


def _example(figure: Figure) -> str:
    return {"number": '"> 5"', "date": '"< 2017-01-01"', "flag": '"is true"'}.get(
        figure.kind, f'"is {figure.words[0]}"' if figure.words else '"changes"'
    )


def _qualified(node: Node, qualifier: str) -> Node:
    """Every comparison in it that has no qualifier of its own gets this."""
    if not qualifier:
        return node
    if isinstance(node, Comparison):
        return node if node.qualifier else msgspec.structs.replace(node, qualifier=qualifier)
    if isinstance(node, Not):
        return Not(_qualified(node.of, qualifier))
    return type(node)(_qualified(node.left, qualifier), _qualified(node.right, qualifier))
