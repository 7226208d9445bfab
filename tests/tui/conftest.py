"""Scenes to look at, and the command in this process."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from feeds.desk.opened import desk_legs, snapshots, sources
from rotation.desk import Desk
from rotation.history import History
from rotation.market.market import Market
from rotation.sessions import close_ns
from tests.support.tui.program import Here

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rotation.snapshot import Snapshot


@pytest.fixture(scope="session")
def scenes() -> dict[str, Snapshot]:
    """``live``: the demo at 10:40; ``closed``: after its close; ``cached``: history only; ``empty``."""
    demo = sources.demo()
    desk = desk_legs.desk_for(demo.history, ("IWM", "QQQ"), "price")
    after = close_ns(demo.history.last())
    much_later = after + 100 * 86_400 * 1_000_000_000
    live = snapshots.snapshot_at(demo, desk, at=None, now_ns=much_later)
    closed = snapshots.snapshot_at(demo, desk, at="2024-07-16", now_ns=much_later)
    cached = snapshots.snapshot_at(
        sources.Source(demo.history, None, sources.NOWHERE), desk, at=None, now_ns=much_later
    )
    empty = Market(History.empty(), Desk(), as_of_ns=after).apply((), as_of_ns=after)
    return {"live": live, "closed": closed, "cached": cached, "empty": empty}


@pytest.fixture
def own_root() -> Iterator[logging.Logger]:
    """The root logger; afterwards it is as it was."""
    root = logging.getLogger()
    handlers, level, raises = list(root.handlers), root.level, logging.raiseExceptions
    yield root
    for handler in set(root.handlers).difference(handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.raiseExceptions = raises


@pytest.fixture
def here(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    own_root: logging.Logger,
) -> Here:
    """The command in this process, with a home of its own."""
    return Here(tmp_path, monkeypatch, capfd)
