"""What history says before a session, as one frozen value that a thread can make."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from rotation.breadth.members import Membership
from rotation.breadth.past import Past, past
from rotation.graph.past import GraphPast
from rotation.graph.past import past as graph_past
from rotation.history import History
from rotation.market.assemble import Charts
from rotation.market.settled import Settled, settle
from rotation.sessions import previous_session

if TYPE_CHECKING:
    from rotation.desk import Desk


class LookBack(msgspec.Struct, frozen=True):
    """One pass over ``history`` for ``session``; None of what it was made from changes."""

    history: History
    session: date | None
    """The session shown; None without one, and then nothing is settled before it."""
    settled: Settled | None
    charts: Charts
    """Through the session before."""
    closed: Charts
    """Through the session itself: for after its bell."""
    membership: tuple[Membership, ...] = ()
    breadth: tuple[Past, ...] = ()
    """The past of each membership; empty without a session."""
    graph: GraphPast | None = None
    pairs: tuple[Charts, ...] = ()
    """Of the desk's more pairs, through the session before."""
    pairs_closed: tuple[Charts, ...] = ()
    """The same through the session itself."""
    returns: str = "price"
    """Of which closes all of it is made."""


Look = Callable[[History, date | None, "Desk", tuple[Membership, ...]], LookBack]
"""``look_back``, or what knows its result without reading the history."""


def look_back(
    history: History, session: date | None, desk: Desk, membership: tuple[Membership, ...] = ()
) -> LookBack:
    """Look back from ``session``. It takes tens of milliseconds: with a screen, do it in a thread."""
    settled = settle(history, session, desk) if session else None
    through = previous_session(session) if session else None
    charts = Charts.of(history, desk, through)
    pairs = tuple(Charts.of(history, desk, through, pair) for pair in desk.pairs)
    is_over = session is not None and not history.on(session).is_empty()
    return LookBack(
        history=history,
        session=session,
        settled=settled,
        charts=charts,
        closed=Charts.of(history, desk, session) if is_over else charts,
        membership=membership,
        breadth=tuple(
            past(history, each, session, column="adj_close" if desk.returns == "total" else "close")
            for each in membership
        )
        if session
        else (),
        graph=graph_past(history, session, desk) if session else None,
        pairs=pairs,
        pairs_closed=tuple(Charts.of(history, desk, session, pair) for pair in desk.pairs)
        if is_over
        else pairs,
        returns=desk.returns,
    )
