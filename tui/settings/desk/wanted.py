"""What a changed configuration file asks of a desk, as ``Wanted`` has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tui.settings import values as v
from tui.settings.schema import BY_NAME
from tui.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    from tui.settings.file import Config

DEMO = "feeds.demo_when_empty"
CLOSURES = "market.closures"


def _as_it_is(value: Any) -> Any:
    return value


FIELDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "desk.pair": ("pair", v.pair),
    "desk.pairs": ("pairs", v.pairs),
    "desk.legs": ("legs", v.symbols),
    "desk.value_growth": ("value_growth", v.pair),
    "desk.benchmark": ("benchmark", _as_it_is),
    "desk.returns": ("returns", _as_it_is),
    "desk.leg_gap_s": ("leg_gap_s", _as_it_is),
    "desk.windows": ("windows", v.windows),
    "limits.stale_s": ("stale_s", _as_it_is),
    "feeds.feed": ("feed", _as_it_is),
    "feeds.nats": ("nats", _as_it_is),
    "feeds.offline": ("offline", _as_it_is),
    "feeds.members": ("ask_members", _as_it_is),
    DEMO: ("unasked_demo", _as_it_is),
}
"""By setting its field of ``Wanted``, and what makes that of the value that its option takes."""
_ANOTHER_DESK = ("pair", "legs", "value_growth", "benchmark", "feed", "nats", "offline", "ask_members")
REOPENS = (*(name for name, (field, _) in FIELDS.items() if field in _ANOTHER_DESK), DEMO, CLOSURES)
"""Settings that decide what is asked for, of whom, and what is read at the start: with another value the desk
is another one. The other fields change on a running desk."""
ALL = frozenset(BY_NAME)


def wanted_of(
    config: Config,
    before: Wanted,
    fixed: AbstractSet[str] = frozenset(),
    taken: AbstractSet[str] = ALL,
) -> Wanted:
    """What this file asks for. What it does not say is as usual.

    ``before``: what an option or the environment has set (``fixed``), and settings that this command does not
    take (not among ``taken``), stay as they are there.
    """
    usual, changes = Wanted(), dict[str, Any]()
    for name, (field, parse) in FIELDS.items():
        if name in taken and name not in fixed:
            is_set = name in config.values
            changes[field] = parse(config.values[name]) if is_set else getattr(usual, field)
    if "unasked_demo" in changes:
        feed = changes.get("feed", before.feed)
        changes["unasked_demo"] = changes["unasked_demo"] and v.shows_demo(feed)
    return msgspec.structs.replace(
        before,
        **changes,
        lists=config.lists,
        pair_options=config.pairs,
        universes=config.universes,
        leg_returns=config.values.get("screen.returns", ()),
        closures=None if CLOSURES in fixed else config.values.get(CLOSURES, ()),
    )
