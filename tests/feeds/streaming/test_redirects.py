"""A stream goes where it is configured to go: no redirect takes it, or its key, anywhere else."""

from __future__ import annotations

import pytest

from feeds.clock import Time
from feeds.streaming.connection import Connection
from feeds.streaming.reasons import Reason, Why
from tests.support.fault_table import FIRST, prints, running
from tests.support.servers.ws import READY, STAY, Refuse, WsServer
from tests.support.subjects import ALPACA, MASSIVE, YAHOO

KEYED = (ALPACA, MASSIVE)


@pytest.mark.parametrize("subject", KEYED, ids=str)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_origin_gets_no_connection_and_no_key(monkeypatch, subject, status):
    async with WsServer() as elsewhere:
        moved = Refuse(status, location=f"{elsewhere.url}/elsewhere")
        async with running(monkeypatch, subject, moved, (READY, *prints(subject, FIRST), STAY)) as run:
            await run.time.passing(120)
            assert elsewhere.upgrades == 0
            assert run.prices == FIRST
            details = [event.detail for event in run.events if getattr(event, "state", "") == "OFFLINE"]
            assert any(f"redirected (HTTP {status}), not followed; next try in" in text for text in details)


@pytest.mark.parametrize(
    "location", ["ws://a..b/", "ws://127.0.0.1:99999/", "ws://[::1", "//", "http://x/", "\u00e9" * 70, ""]
)
async def test_a_malformed_redirect_is_an_outage_like_any_other(monkeypatch, location):
    script = Refuse(302, location=location)
    async with running(monkeypatch, YAHOO, script, (READY, *prints(YAHOO, FIRST), STAY)) as run:
        await run.time.passing(120)
        assert run.prices == FIRST


@pytest.mark.parametrize("address", ["ws://a..b", "ws://127.0.0.1:99999", "ws://" + "a" * 70 + ".test"])
async def test_an_address_that_cannot_be_used_is_a_reason(monkeypatch, address):
    class Nowhere:
        url, headers = address, {}

    connection = Connection(Nowhere(), None, Time(), changed=lambda *, is_part=False: None)  # type: ignore[arg-type]
    assert (await connection.run()).reason in (Reason(Why.BAD_ADDRESS), Reason(Why.HOST_NOT_FOUND))
