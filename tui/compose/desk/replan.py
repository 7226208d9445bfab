"""What a running desk is to become."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from rotation.errors import InputError, UnavailableError
from tui.compose.desk.hub import lineup_of_hub
from tui.compose.desk.source import lineup, membership_of, priced, source_of
from tui.compose.desk.swap import Opened, Plan
from tui.compose.desk.wishes import access_of, desk_on, is_demo_next, is_viewer, with_network
from tui.desk import DeskError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from feeds.desk.opened.sources import Source
    from rotation.history import History
    from tui.wanted import Wanted


def _newer(held: History, loaded: History) -> History | None:
    """What was loaded, unless the desk has the same series: those it has may have been updated meanwhile."""
    return None if set(held.symbols) == set(loaded.symbols) else loaded


@contextmanager
def _blamed(setting: str) -> Iterator[None]:
    """Say which setting is in the way of a desk."""
    try:
        yield
    except DeskError:
        raise
    except (InputError, UnavailableError) as error:
        raise DeskError(str(error), setting) from error


def plan(opened: Opened, wanted: Wanted, *, plays_demo: bool) -> Plan:
    """What a running desk is to become; blocking, opens nothing. Raises DeskError.

    ``plays_demo``: the demo is in front of it, and may stay.
    """
    from feeds.supervisor import Watched  # noqa: PLC0415

    if opened.source is not None:
        return _plan_of_tape(opened, opened.source, wanted)
    assert opened.cast is not None
    if is_viewer(wanted):
        return _plan_of_hub(opened, wanted)
    from feeds.desk.change.cast import feeds_of  # noqa: PLC0415

    with _blamed("universes"):
        membership = membership_of(wanted)
    with _blamed("feeds.offline" if wanted.offline else ""):
        source = source_of(wanted, membership)
    is_demo_instead = source.is_demo and plays_demo
    if source.is_demo and not plays_demo:
        raise DeskError("nothing is stored to show without the network", "feeds.offline")
    if is_demo_instead:
        source = source_of(with_network(wanted), membership)
    desk = desk_on(source.history, wanted)
    with _blamed("feeds.members"):
        priced(source, wanted)
    with _blamed("feeds.feed"):
        roles = opened.cast.plan(lineup(wanted, source, desk, opened.cast))
    return Plan(
        wanted,
        Watched(
            desk,
            feeds_of(roles),
            history=_newer(opened.supervisor.history, source.history),
            membership=source.membership,
            look=source.look,
        ),
        roles,
        source.membership,
        is_demo_instead or is_demo_next(wanted),
    )


def _plan_of_tape(opened: Opened, played: Source, wanted: Wanted) -> Plan:
    """Another desk over the same tape: its prints are played to it anew, up to where it stands."""
    from feeds.supervisor import Watched  # noqa: PLC0415

    source = played
    if not (played.is_demo or wanted.hub_tape):
        with _blamed("universes"):
            membership = membership_of(wanted)
        with _blamed(""):
            source = source_of(msgspec.structs.replace(wanted, tapes=()), membership)
    watched = Watched(
        desk_on(source.history, wanted),
        opened.supervisor.feeds,
        history=_newer(opened.supervisor.history, source.history),
        membership=source.membership,
        look=source.look,
    )
    return Plan(wanted, watched, {}, source.membership)


def _plan_of_hub(opened: Opened, wanted: Wanted) -> Plan:
    """A desk to which a hub brings everything. What was not let in until now is fetched anew."""
    from feeds.desk.change.cast import feeds_of  # noqa: PLC0415
    from feeds.hub.broker.viewer import HubFeed  # noqa: PLC0415
    from feeds.hub.viewing import Known, look  # noqa: PLC0415
    from feeds.supervisor import Watched  # noqa: PLC0415

    assert opened.cast is not None
    with _blamed("feeds.nats"):
        access = access_of(wanted)
        now = opened.supervisor
        is_same = any(isinstance(feed, HubFeed) and feed.access == access for feed in now.feeds)
        known = Known(now.history, now.membership) if is_same else look(access)
        desk = desk_on(known.history, wanted)
        roles = opened.cast.plan(lineup_of_hub(access, known.history, desk, wanted))
    (feed,) = feeds_of(roles)
    assert isinstance(feed, HubFeed)
    watched = Watched(
        desk,
        (feed,),
        history=None if is_same else known.history,  # what comes meanwhile is newer
        membership=None if is_same else known.membership,
        clock_ns=feed.hub_clock_ns,
    )
    return Plan(wanted, watched, roles, known.membership)
