"""Which lines of a list of holdings are shares: not cash, currencies, futures, funds of cash, totals. Pure.

A symbol alone does not decide: CASH is Pathward Financial, and USD a fund of semiconductors.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from feeds.parsing.symbols import listed_symbol
from rotation.desk import SYMBOL


class LineKind(Enum):
    """What a line of a list is."""

    SHARE = auto()
    OTHER = auto()
    """Cash and the like, or a place that is left empty: no member."""
    TOTAL = auto()
    """The sum of the others."""
    UNREADABLE = auto()
    """Neither: what stands in the place of a symbol cannot be one."""


_CURRENCY = "AUD|BRL|CAD|CHF|CNH|CNY|DKK|EUR|GBP|INR|JPY|KRW|MXN|NOK|NZD|PLN|SEK|SGD|TRY|TWD|USD|ZAR"
_BARE = re.compile(
    rf"|-+|N/?A|CASH|({_CURRENCY})|XTSLA"
    r"|[A-Z0-9]{1,4}[FGHJKMNQUVXZ]\d{1,2}"  # RTYM6, ESZ26: no US share has a digit
    r"|.*=[FX]"
    r"|(?=.*[A-Z])[A-Z0-9]{8}\d|\d{8}[0-9]|[A-Z]{2}[A-Z0-9]{9}\d"  # CUSIP, ISIN
)
"""Symbols of no share, unless a name says that it is one. N/A: none is given."""
_NEVER = re.compile(r"|-+|.*=[FX]")
"""Of no share whatever the name is."""
_TOTAL = re.compile(r"((GRAND|SUB|SUM)[- ]?)?TOTALS?")
_CASH = re.compile(
    r"cash(\W*|\s*[&/+(,-].*|\s+(and|collateral|equivalents?|balances?|positions?|funds?|reserves?|component"
    r"|others?|account|offset|margin)\b.*)"
    rf"|({_CURRENCY})(\s+(cash|currency|balance)\b.*)?|(cash|currency)\s+({_CURRENCY})"
    r"|(u\.?\s?s\.?|united states|canadian|australian|hong kong)?\s*dollars?|euros?|(japanese )?yen"
    r"|(british )?pounds?( sterling)?|swiss francs?"
    r"|.*\b(cash|csh)\s+(funds?|fnd|management|reserves?|collateral|equivalents?|sweep)\b.*"
    r"|.*\bmoney\s+(market|mkt)\b.*|.*\bliquid(ity)?\s+(reserves?|funds?)\b.*"
    r"|.*\bgov(ernmen|')?t\.?\s+(&|and)\s+agency\b.*|.*\bgovernment\s+obligations\b.*"
    r"|.*\b(treasury|t)[ -]+(bills?|notes?|bonds?)\b.*"
    r"|.*\bfutures\b.*|.*\bfuture|.*\be-?\s?minis?\b.*",
    re.IGNORECASE,
)
"""Whole names of what is no share."""
_SECTOR = re.compile(r"cash\b.*|derivatives?|futures|currenc(y|ies)|money market.*", re.IGNORECASE)
_FORM = re.compile(r"\^?[A-Z0-9]+([./ =-][A-Z0-9]+)*")
"""Of a symbol, with one mark between its parts."""


def kind_of(cell: str, name: str = "", sector: str = "") -> LineKind:
    """What a line is that has this in the place of its symbol. ``name``, ``sector``: "" where not given."""
    symbol, name = cell.strip().upper(), name.strip()
    if _TOTAL.fullmatch(symbol):
        return LineKind.TOTAL
    is_named = bool(name) and name.upper() != symbol
    if (
        _NEVER.fullmatch(symbol)
        or (not is_named and _BARE.fullmatch(symbol))
        or _CASH.fullmatch(name)
        or (not _BARE.fullmatch(symbol) and _CASH.fullmatch(symbol))
        or _SECTOR.fullmatch(sector.strip())
    ):
        return LineKind.OTHER
    return LineKind.SHARE if is_symbol(symbol) else LineKind.UNREADABLE


def is_symbol(symbol: str) -> bool:
    """Whether it may be that of a share, in capitals: ``BRK/B``, ``BRK B``, ``7203.T``."""
    return bool(
        _FORM.fullmatch(symbol)
        and re.search(r"[A-Z]", symbol)
        and re.fullmatch(SYMBOL, listed_symbol(symbol))
    )
