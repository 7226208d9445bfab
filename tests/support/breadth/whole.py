"""A desk of which every part can be made: legs, more pairs, members of both funds, banks, causes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec.structs import replace

from feeds.demo.macro import demo_macro
from rotation.breadth.today import Counted
from rotation.context.wants import FIELDS, Part
from rotation.desk import Desk
from rotation.market.beside import pairs as pairs_now
from rotation.market.beside.graph import GraphNow
from rotation.market.beside.index import IndexNow
from rotation.market.market import Market
from rotation.market.now import news
from rotation.market.now import session as session_now
from rotation.quote import NS, Quote
from rotation.sessions import open_ns
from rotation.story import parts as story_parts
from rotation.story.now import StoryNow
from tests.support.breadth.worlds import Members, history_of, membership_of
from tests.support.core_worlds import CALENDAR, ORIGIN

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from rotation.snapshot import Snapshot

LEGS = ("IWM", "QQQ", "SPY", "KRE", "IWN", "IVW")
MEMBERS = tuple("ABCDEFGH")
DAY = CALENDAR[420]
OPENS_NS = open_ns(DAY)
DESK = Desk(legs=LEGS, pairs=(("IWN", "IVW"), ("KRE", "QQQ")))
_DAYS = CALENDAR[:420]
_CLOSES = {
    symbol: {day: 100.0 + number + (n * (number + 3)) % 11 / 10 + n / 50 for n, day in enumerate(_DAYS)}
    for number, symbol in enumerate((*LEGS, *MEMBERS))
}
HISTORY = history_of(_CLOSES)
_SECTORS = ("Financials", "Energy")
_HELD: Members = {symbol: (_SECTORS[n % 2], 10.0 + n) for n, symbol in enumerate(MEMBERS)}
MEMBERSHIP = tuple(membership_of(fund, [(_DAYS[40], _HELD)]) for fund in ("IWM", "QQQ"))


def whole_market() -> Market:
    """It begins at the opening bell, and nobody has asked it for anything."""
    market = Market(HISTORY, DESK, as_of_ns=OPENS_NS, origin=ORIGIN, membership=MEMBERSHIP)
    market.take_macro(demo_macro(OPENS_NS))
    return market


def prints(second: int) -> list[Quote]:
    """A print of every leg and member; the banks have run away from all others."""
    at_ns = OPENS_NS + second * NS
    last = {symbol: series[_DAYS[-1]] for symbol, series in _CLOSES.items()}
    return [
        Quote(symbol, at_ns, round(last[symbol] * (1.2 if symbol == "KRE" else 1.0 + second % 7 / 100), 2))
        for symbol in (*LEGS, *MEMBERS)
    ]


def tick(market: Market, second: int) -> Snapshot:
    """What it shows once all have printed."""
    return market.apply(prints(second), as_of_ns=OPENS_NS + second * NS)


@contextmanager
def counted(calls: Counter[Part]) -> Iterator[None]:
    """Within, every computation of a part is counted; it is made all the same."""
    with pytest.MonkeyPatch.context() as patch:
        for part, (owner, name) in MADE_BY.items():
            patch.setattr(owner, name, _counting(getattr(owner, name), part, calls))
        yield


def _counting(function: Any, part: Part, calls: Counter[Part]) -> Any:
    def count(*args: Any, **kwargs: Any) -> Any:
        # The first pair, which is always there, is made as the more ones are.
        calls[part] += part is not Part.PAIRS or args[0].pair != (DESK.base, DESK.against)
        return function(*args, **kwargs)

    return count


def value_of(snapshot: Snapshot, field: str) -> Any:
    """A field of the Snapshot; of its breadth, those of every index."""
    name, _, own = field.partition(".")
    value = getattr(snapshot, name)
    if field == "breadth" and value is not None:  # what it is without the fields that are of other parts
        bare = (replace(index, top=(), bottom=(), sectors=()) for index in value.indices.values())
        return tuple(bare)
    if not own:
        return value
    return tuple(getattr(index, own) for index in value.indices.values()) if value is not None else ()


def is_empty(value: Any) -> bool:
    """Null, or nothing but nulls and empty values."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
    return not any(isinstance(item, msgspec.Struct) or (item and not is_empty(item)) for item in items)


def fields_of(part: Part) -> list[str]:
    """The fields that it is."""
    return [field for field, each in FIELDS.items() if each is part]


MADE_BY: dict[Part, tuple[Any, str]] = {
    Part.PAIRS: (pairs_now._PairNow, "view"),
    Part.GRAPH: (GraphNow, "snapshot"),
    Part.BREADTH: (IndexNow, "refresh"),
    Part.SECTORS: (Counted, "sectors"),
    Part.MOVERS: (Counted, "movers"),
    Part.BANKS: (session_now, "bank_leads"),
    Part.MACRO: (news, "macro_aged"),
    Part.CLAUSES: (session_now, "clauses"),
    Part.STORY: (StoryNow, "of"),
    Part.LINE: (StoryNow, "line"),
    Part.LEGS: (story_parts, "leg_lines"),
    Part.FIGURE: (story_parts, "explain"),
}
"""Part → the one function that makes it."""
