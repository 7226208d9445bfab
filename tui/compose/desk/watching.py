"""A supervisor with its alerts, and with what is made only for those who ask."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tui.compose import places
from tui.compose.desk.swap import Opened

if TYPE_CHECKING:
    from feeds.desk.change.cast import Cast
    from feeds.desk.opened.sources import Source
    from feeds.supervisor import Supervisor
    from feeds.tapes.player import TapeFeed
    from rotation.alerts.target import Target
    from rotation.desk import Desk
    from tui.wanted import Wanted


def watched(
    wanted: Wanted,
    desk: Desk,
    supervisor: Supervisor,
    tape: TapeFeed | None,
    *,
    is_empty: bool,
    cast: Cast | None = None,
    source: Source | None = None,
) -> Opened:
    """The same with its alerts, and with what is made only for those who ask: at first nobody does.

    On a tape alerts start afresh, and notify only the screen.
    """
    from feeds.alerts.watch import AlertWatch  # noqa: PLC0415
    from feeds.on_demand import OnDemand  # noqa: PLC0415
    from rotation.context.wants import NOTHING  # noqa: PLC0415

    demand = OnDemand(supervisor.amend)
    file = None if tape is not None else places.alert_file()
    supervisor.want(NOTHING)
    want = partial(supervisor.want, by="alerts")
    watch = AlertWatch(desk, wanted.alerts, file, secret=_secret, want=want)
    supervisor.on_pairs = watch.set_pairs
    supervisor.on_windows = watch.set_windows
    supervisor.on_desk = watch.set_desk
    supervisor.judge_all(lambda: watch.judges)
    supervisor.on_publish = lambda made: demand.add(
        watch.take(made), supervisor.history, supervisor.desk, supervisor.wants
    )
    supervisor.beside.append(demand.run)
    return Opened(supervisor, tape, is_empty, watch, cast, source)


def _secret(target: Target) -> str:
    """As ``feeds.alerts.secrets`` knows it, which only a desk with targets imports."""
    from feeds.alerts.secrets import required  # noqa: PLC0415

    return required(target)
