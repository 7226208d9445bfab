"""A client that does not close its side is cut off a moment after the goodbye."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from tui.ssh import session as module
from tui.ssh.reasons import EndReason
from tui.ssh.session import Session


class Channel:
    """The client's side stays open, whatever is said to it."""

    def __init__(self) -> None:
        self.exit_code: int | None = None

    def is_closing(self) -> bool:
        return False

    def exit(self, code: int) -> None:
        self.exit_code = code

    def write(self, *_args: object) -> None:
        """Said into the wind."""


@pytest.mark.parametrize("reason", [EndReason.IDLE, EndReason.HOST_STOPPED, EndReason.QUIT])
async def test_a_client_that_never_closes_is_cut_after_the_grace_period(monkeypatch, reason):
    monkeypatch.setattr(module, "GRACE_S", 0.0)
    was_cut = asyncio.Event()
    session = Session(SimpleNamespace(clock=lambda: 0.0), SimpleNamespace(cut=was_cut.set, log_fields={}))
    channel = Channel()
    session.connection_made(channel)
    session.end(reason)
    assert channel.exit_code is not None
    assert not was_cut.is_set(), "first it may read why"
    async with asyncio.timeout(60):
        await was_cut.wait()
