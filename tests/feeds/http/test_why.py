"""Why a source cannot be reached, in words that a person can act on."""

from __future__ import annotations

import socket

import httpx
import pytest

from feeds.http.exchange import Request, exchange
from feeds.http.failure import RequestError

ASKED = Request(httpx.URL("http://source.test/"))


def failing(made: Exception, cause: BaseException | None):
    def handle(_request):
        raise made from cause

    return httpx.AsyncClient(transport=httpx.MockTransport(handle))


@pytest.mark.parametrize(
    ("made", "cause", "words"),
    [
        (httpx.ConnectError("x"), socket.gaierror(-2, "Name or service not known"), "host name not found"),
        (httpx.ConnectError("x"), ConnectionRefusedError(), "connection refused"),
        (httpx.ConnectError("x"), None, "cannot be reached"),
        (httpx.ReadError("x"), ConnectionResetError(), "the connection was cut"),
    ],
)
async def test_the_reason_is_in_words_and_names_no_class(made, cause, words):
    async with failing(made, cause) as client:
        with pytest.raises(RequestError) as caught:
            await exchange(client, ASKED, total_s=30.0, body_max=1, clock_ns=lambda: 0)
    assert str(caught.value) == words
    assert caught.value.retryable
    assert caught.value.unreachable == isinstance(made, httpx.ConnectError)
