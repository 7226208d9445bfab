"""What a person wants, in the words of the feeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from rotation.desk import gaps_of, with_usual
from tui.desk import DeskError

if TYPE_CHECKING:
    from feeds.hub.broker.connection import Access
    from rotation.desk import Desk
    from rotation.history import History
    from tui.wanted import Wanted


def desk_on(history: History, wanted: Wanted) -> Desk:
    """Return the desk that was asked for, on this history.

    Raises DeskError where it has a share under two spellings: vendors know one, so that one had no prices.
    """
    from feeds.desk.opened.desk_legs import desk_for  # noqa: PLC0415
    from rotation.breadth.members import spelled  # noqa: PLC0415

    desk = desk_for(
        history,
        wanted.pair,
        wanted.returns,
        leg_gap_s=wanted.leg_gap_s,
        stale_s=wanted.stale_s,
        windows=with_usual((*wanted.windows, *wanted.leg_returns)),
        legs=wanted.legs,
        value_growth=wanted.value_growth,
        pairs=wanted.pairs,
        pair_gaps=gaps_of(wanted.pair_options),
        lists=wanted.lists,
        benchmark=wanted.benchmark,
        universes=tuple(each.fund for each in wanted.universes),
    )
    by_spelling: dict[str, str] = {}
    for symbol in desk.legs:
        other = by_spelling.setdefault(spelled(symbol), symbol)
        if other != symbol:
            setting = "desk.legs" if {symbol, other} <= {*wanted.legs} else ""
            raise DeskError(f"{other} and {symbol} are two spellings of one share: name it once", setting)
    return desk


def access_of(wanted: Wanted) -> Access:
    """Return how the NATS server of a hub is reached."""
    from feeds.hub.broker.connection import Access  # noqa: PLC0415

    return Access(
        wanted.nats,
        creds=wanted.nats_creds,
        nkey=wanted.nats_nkey,
        ca=wanted.nats_ca,
        cert=wanted.nats_cert,
        key=wanted.nats_key,
    )


def is_viewer(wanted: Wanted) -> bool:
    """Whether a hub brings everything."""
    is_now = not (wanted.offline or wanted.tapes or wanted.demo or wanted.hub_tape) and wanted.at is None
    return wanted.feed == "nats" and is_now


def with_network(wanted: Wanted) -> Wanted:
    """Return the same for what is known of a desk of the present; without it the demo would be shown."""
    return msgspec.structs.replace(wanted, offline=False)


def is_demo_next(wanted: Wanted) -> bool:
    """Whether a list of feeds has come to the demo at its end, since no other has its key."""
    may_be_live = wanted.unasked_demo and not (wanted.demo or wanted.offline or wanted.tapes)
    return may_be_live and bool(why_demo(wanted))


def why_demo(wanted: Wanted) -> str:
    """Return why no feed before the demo in the list can be used; "" where one can, or none is listed."""
    from feeds.desk.choose import why_demo  # noqa: PLC0415 - brings every vendor's client

    return why_demo(wanted.feed)
