"""A server that answers late is not sent everything again and again, which would keep it late."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from feeds.clock import Time
from feeds.hub.broker import lease
from feeds.hub.broker.lease import ACK_S, EXPECTED, KEPT_BY_NOBODY, Chain
from feeds.hub.publisher import Outgoing

TICK_S = 0.1


class Server:
    """Keeps all that is published, and says so ``late_s`` afterwards."""

    is_connected, max_payload = True, 2**20

    def __init__(self, late_s):
        self.late_s, self.now_s = late_s, 100.0
        self.kept = 0
        self._answers = []

    def new_inbox(self):
        return "inbox"

    async def subscribe(self, subject, cb):
        self._take = cb
        return SimpleNamespace(unsubscribe=self._unsubscribe)

    async def _unsubscribe(self):
        pass

    async def publish(self, subject, data, reply, headers):
        if headers[EXPECTED] == KEPT_BY_NOBODY:
            return
        self.kept += 1
        if reply:
            self._answers.append((self.now_s + self.late_s, self.kept))

    async def pass_(self, seconds):
        self.now_s += seconds
        due = [seq for at_s, seq in self._answers if at_s <= self.now_s]
        self._answers = [each for each in self._answers if each[0] > self.now_s]
        for seq in due:
            await self._take(SimpleNamespace(data=json.dumps({"seq": seq}).encode()))


@pytest.fixture
def chained(monkeypatch):
    async def chain(server):
        async def last_seq(client):
            return server.kept

        async def newest_beat(client):
            return None

        monkeypatch.setattr(lease.kept, "last_seq", last_seq)
        monkeypatch.setattr(lease, "newest_beat", newest_beat)
        made = Chain(server, "ours", 0, Time(monotonic=lambda: server.now_s))
        await made.start()
        return made

    return chain


async def ticks(chain, server, seconds):
    """How often everything was to be sent once more."""
    again = 0
    for _ in range(round(seconds / TICK_S)):
        await chain.send([Outgoing("quotes.IWM", b"x")])
        again += chain.is_resumed
        chain.is_resumed = False
        await server.pass_(TICK_S)
    return again


@pytest.mark.parametrize(("late_s", "most"), [(1.0, 0), (ACK_S + 1.0, 1), (3 * ACK_S, 1), (7 * ACK_S, 1)])
async def test_a_late_answer_is_waited_for_longer_the_next_time(chained, late_s, most):
    server = Server(late_s)
    chain = await chained(server)
    await ticks(chain, server, 30.0)
    assert await ticks(chain, server, 60.0) == 0
    server = Server(late_s)
    chain = await chained(server)
    assert await ticks(chain, server, 60.0) == most


async def test_a_server_that_is_quick_again_is_waited_for_as_before(chained):
    server = Server(7 * ACK_S)
    chain = await chained(server)
    await ticks(chain, server, 60.0)
    server.late_s = 0.05
    assert await ticks(chain, server, 30.0) == 0
    server.late_s, before = 1e9, chain.refusals
    await ticks(chain, server, ACK_S + 0.5)
    assert chain.refusals == before + 1


class Accepting(Server):
    """A leader that has accepted more than it says when it is asked: what was on its way."""

    on_its_way = 3

    def __init__(self):
        super().__init__(0.0)
        self.stored = []

    async def publish(self, subject, data, reply, headers):
        if int(headers[EXPECTED]) != self.kept + self.on_its_way:
            return  # refused, which the hub need not be told of here
        self.kept, self.on_its_way = self.kept + self.on_its_way + 1, 0
        self.stored.append(data)
        if reply:
            self._answers.append((self.now_s, self.kept))


async def test_what_was_still_on_its_way_leaves_nothing_out(chained):
    """The first messages after an answer that did not come are refused, and so are those after them."""
    server = Accepting()
    chain = await chained(server)
    chain._newest = None
    out = [Outgoing(f"quotes.S{i}", b"%d" % i) for i in range(6)]
    await chain.send(out)
    assert not server.stored, "a part of a tick is kept and the tick passes for kept"
    assert not chain.is_resumed
    server.kept, server.on_its_way = 3, 0
    await server.pass_(ACK_S + 0.1)
    await chain.send(out)
    assert server.stored == [b"0"]
    await server.pass_(TICK_S)
    assert chain.is_resumed, "now everything is sent once more"
    await chain.send(out)
    await server.pass_(TICK_S)
    assert server.stored[1:] == [each.data for each in out]
    assert chain.kept_s == server.now_s
    await chain.stop()
