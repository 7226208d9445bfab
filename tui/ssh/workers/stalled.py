"""A Snapshot whose reader has fallen silent: every price OFFLINE, older by the silence. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from rotation.fed.figures import Fed, FedContract, FedEngine
from rotation.macro.figures import MacroSource
from rotation.macro.silent import offline as macro_offline
from rotation.market.headline import headline
from rotation.sessions import NEW_YORK
from rotation.snapshot import FeedHealth, Leg, Snapshot, Spread
from rotation.status import Connection, DerivedStatus, Kind, PriceStatus
from rotation.text import duration
from rotation.wording import word

T = TypeVar("T")


def offline(snapshot: Snapshot, silent_s: float) -> Snapshot:
    """Return the Snapshot as it is worth after the desk's reader has said nothing for so many seconds.

    Figures stay, since they are still the last that are known; no price counts as live, a demo's neither, and
    no record is claimed on one that has become too old for that.
    """
    marked = _marked(snapshot, silent_s)
    feeds = tuple(_feed(each, silent_s) for each in marked.health.feeds)
    as_of = marked.as_of if snapshot.mode else marked.as_of + timedelta(seconds=silent_s)
    macro = marked.macro and macro_offline(marked.macro, as_of)
    marked = replace(marked, as_of=as_of, health=replace(marked.health, feeds=feeds), macro=macro)
    today = as_of.astimezone(NEW_YORK).date()

    def sentence(spread: Spread) -> str:
        return headline(marked.legs, spread, marked.session, marked.fed, today=today)

    pairs = {
        name: None if view is None else replace(view, headline=sentence(view.spread))
        for name, view in marked.pairs.items()
    }
    return replace(marked, headline=sentence(marked.spread), pairs=pairs)


def _feed(feed: FeedHealth, silent_s: float) -> FeedHealth:
    return replace(
        feed,
        kind=Kind.OFFLINE,
        state=Kind.OFFLINE.value,
        detail=f"the host's reader has not answered for {duration(silent_s)}",
    )


def _marked(value: T, silent_s: float) -> T:
    """The same with the status of each price in it, however deep, as OFFLINE."""
    if isinstance(value, msgspec.Struct):
        changed = {
            name: after
            for name in value.__struct_fields__
            if (after := _marked(before := getattr(value, name), silent_s)) is not before
        }
        if isinstance(value, PriceStatus | DerivedStatus | Connection):
            changed |= _worth(value, silent_s)
        elif isinstance(value, MacroSource):
            changed["age_s"] = _older(value.age_s, silent_s)
        elif isinstance(value, Leg | FedEngine | FedContract | Fed):
            changed |= _beside(value, changed.get("status"), silent_s)
        return replace(value, **changed) if changed else value
    if isinstance(value, tuple):
        items = tuple(_marked(item, silent_s) for item in value)
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items  # type: ignore[return-value]
    if isinstance(value, dict):
        pairs = {key: _marked(item, silent_s) for key, item in value.items()}
        return value if all(pairs[key] is value[key] for key in value) else pairs  # type: ignore[return-value]
    return value


def _beside(
    value: Leg | FedEngine | FedContract | Fed, status: PriceStatus | None, silent_s: float
) -> dict[str, Any]:
    """What stands beside the status, made of it: a word, and the ages of prints and of bid and ask."""
    ages = {
        name: age_s + silent_s
        for name in ("age_s", "quote_age_s")
        if (age_s := getattr(value, name, None)) is not None
    }
    return {**ages, "state": Kind.OFFLINE.value if status is None else word(status)}


def _worth(status: PriceStatus | DerivedStatus | Connection, silent_s: float) -> dict[str, Any]:
    # A closing price says on which day it was made, which would hide that nobody reads any more.
    settled = {"settled": None} if isinstance(status, Connection) else {}
    return {
        **settled,
        "kind": Kind.UNADJUSTED if status.kind is Kind.UNADJUSTED else Kind.OFFLINE,
        "age_s": _older(status.age_s, silent_s),
    }


def _older(age_s: float | None, silent_s: float) -> float | None:
    return None if age_s is None else age_s + silent_s
