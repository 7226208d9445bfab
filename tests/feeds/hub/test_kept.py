"""The stream is made where the server says by number that there is none; its words decide nothing."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from nats.aio.client import Client

from feeds.errors import UnavailableError
from feeds.hub.broker.kept import ensure


def answering(monkeypatch, **error):
    """A client whose server has no such stream, and takes any."""
    client, asked = Client(), []

    async def request(subject, payload=b"", **_):
        asked.append(subject)
        made = {"error": error} if "INFO" in subject else {"config": {}}
        return SimpleNamespace(data=json.dumps(made).encode())

    monkeypatch.setattr(client, "request", request)
    return client, asked


async def test_a_stream_that_does_not_exist_is_made(monkeypatch):
    client, asked = answering(monkeypatch, code=404, err_code=10059, description="Datenstrom fehlt")
    await ensure(client, replicas=1)
    assert asked[-1].startswith("$JS.API.STREAM.CREATE")


async def test_no_stream_is_made_for_another_error(monkeypatch):
    client, asked = answering(monkeypatch, code=404, err_code=10035, description="account not found")
    with pytest.raises(UnavailableError, match="account not found"):
        await ensure(client, replicas=1)
    assert len(asked) == 1
