"""What goes wrong in a session. A fault is a coroutine that lasts for some seconds of it.

Each says in ``world.log`` what it does. It may draw from the seed, but never asks the product anything: the
same seed is the same session, whatever the product makes of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.quote import NS
from tests.support.servers.alpaca import Answers, status
from tests.support.servers.ws import BAD_UTF8, HUGE, READY, STAY, Refuse

if TYPE_CHECKING:
    from tests.support.session.world import World

Fault = "Callable[[World], Awaitable[None]]"
LINES = ("IWM", "QQQ")
"""What most faults are about: the pair."""


async def cut_without_loss(world: World) -> None:
    """The connection breaks while nothing trades."""
    world.is_trading = False
    await world.second()
    world.desk.abort()
    await world.seconds(6)
    world.is_trading = True
    await world.seconds(20)


async def cut(world: World) -> None:
    """The connection breaks, some attempts to come back are refused; what trades meanwhile is lost."""
    world.desk.server.scripts = [Refuse(500)] * world.rng.randint(0, 4) + [(STAY,)]
    world.desk.abort()
    await world.seconds(world.rng.randint(20, 90))


async def refused_once(world: World) -> None:
    """A cut, and the first request for what was lost is answered with 429."""
    world.desk.rest.refusals = 1
    await cut(world)
    await world.seconds(70)
    world.desk.rest.refusals = 0


async def refused_long(world: World) -> None:
    """A cut, and for minutes what was lost cannot be had."""
    world.desk.rest.is_down = True
    await cut(world)
    await world.seconds(world.rng.randint(30, 200))
    world.desk.rest.is_down = False
    await world.seconds(70)


async def slow_fill(world: World) -> None:
    """A cut, and what was lost comes when live prints have long gone on."""
    world.desk.rest.delay_s = world.rng.uniform(8, 40)
    await cut(world)
    await world.seconds(90)
    world.desk.rest.delay_s = 0.0
    await world.seconds(45)


async def slow_fill_in_time(world: World) -> None:
    """A cut, and what was lost comes after some seconds, while live prints are held for it."""
    world.desk.rest.delay_s = world.rng.uniform(1, 4)
    await cut(world)
    await world.seconds(20)
    world.desk.rest.delay_s = 0.0


async def duplicates(world: World) -> None:
    """Every message comes two or three times."""
    world.copies = world.rng.randint(2, 3)
    await world.seconds(20)
    world.copies = 1


async def disorder(world: World) -> None:
    """Messages overtake each other."""
    world.is_shuffled = True
    await world.seconds(30)
    world.is_shuffled = False


async def burst(world: World) -> None:
    """Hundreds of prints in a second."""
    for _ in range(3):
        for symbol in LINES:
            await world.trade(symbol, world.rng.randint(40, 120))
        await world.second()


async def wrong_print(world: World) -> None:
    """A print that is a few percent off, and some seconds later taken back by its number, or corrected.

    The message has its own time, not the print's.
    """
    rng = world.rng
    symbol = rng.choice(LINES)
    price = round(world.price(symbol) * rng.choice((0.96, 0.97, 1.03, 1.04)), 2)
    printed = await world.publish(symbol, price)
    await world.seconds(rng.choice((0, 1, 3, 20, 70, 150)))
    await world.take_back(printed, corrected=rng.random() < 0.5)
    await world.seconds(110)


async def bad_print(world: World) -> None:
    """One print more than 10 % off: there was no such trade."""
    await _bad(world, 1)


async def bad_prints(world: World) -> None:
    """The same twice in a row, more than 25 % off.

    Between 10 and 25 % two prints of two trades at two times are believed until another contradicts them:
    the tape itself could not tell. Such pairs are not thrown in.
    """
    await _bad(world, 2)


async def _bad(world: World, count: int) -> None:
    symbol = world.rng.choice(LINES)
    factor = world.rng.choice((0.01, 0.5, 2.0, 125.0) if count > 1 else (0.01, 0.5, 0.8, 1.2, 2.0, 125.0))
    for i in range(count):
        await world.send_untrue(symbol, round(world.price(symbol) * factor * (1 + i / 1000), 2))
    await world.seconds(40)


async def ahead(world: World) -> None:
    """One print with a time that is still to come, 5 % off."""
    symbol = world.rng.choice(LINES)
    price = round(world.price(symbol) * 1.05, 2)
    await world.send_ahead(symbol, price, world.rng.randint(5, 55))
    await world.seconds(90)


async def halt(world: World) -> None:
    """One leg is halted for minutes, then trades on."""
    symbol = world.rng.choice(LINES)
    now_ns = world.desk.time.true_ns()
    await world.desk.send(status(symbol, "H", now_ns))
    world.halted = symbol
    await world.seconds(world.rng.randint(40, 400))
    world.halted = ""
    await world.desk.send(status(symbol, "T", world.desk.time.true_ns()))
    await world.seconds(30)


async def silence(world: World) -> None:
    """The vendor is connected and sends nothing; what trades comes late, if we are still there."""
    world.fall_silent()
    await world.seconds(world.rng.randint(5, 80))
    await world.speak()
    await world.seconds(60)


async def stall(world: World) -> None:
    """The peer reads no more, so that pings stay without an answer; nor does it send."""
    clients = [client for client in world.desk.server.clients if not client.closed]
    for client in clients:
        client.connection.transport.pause_reading()
    world.fall_silent()
    await world.seconds(50)
    for client in clients:
        if not client.closed:
            client.connection.transport.abort()
    await world.speak()
    await world.seconds(40)


async def hostile(world: World) -> None:
    """Frames that no client should have to read."""
    frames: list[Any] = [
        "{not json", b"\xff\xfe\x00", "[[[[", "null", [{"T": "zz", "S": "IWM"}], [{"T": "t", "S": "IWM"}],
        [{"T": "t", "S": "IWM", "i": 1, "p": -3.0, "s": 1, "c": [], "z": "B", "t": 1}], HUGE, BAD_UTF8,
    ]  # fmt: skip
    for frame in world.rng.sample(frames, 4):
        await world.send_raw(frame)
        await world.seconds(3)
    await world.seconds(40)


async def refused_upgrade(world: World) -> None:
    """A cut, and a 4xx, a 429 or a redirect on the way back."""
    refusal = world.rng.choice(
        (Refuse(404), Refuse(408), Refuse(425), Refuse(429, "20"), Refuse(302, location="ws://127.0.0.1:9/"))
    )
    world.desk.server.scripts = [refusal, (STAY,)]
    world.desk.abort()
    await world.seconds(90)


async def too_many(world: World) -> None:
    """A cut, and Alpaca's 406: another connection is still open."""
    world.desk.server.scripts = [(Answers(auth=(406,) * world.rng.randint(1, 3)), READY, STAY), (STAY,)]
    world.desk.abort()
    await world.seconds(60)


async def death(world: World) -> None:
    """The server goes away, and comes back at the same address."""
    server = world.desk.server
    port = int(server.url.rpartition(":")[2])
    await server.stop()
    await world.seconds(world.rng.randint(10, 60))
    await server.start(port)
    await world.seconds(100)


async def slow_clock(world: World) -> None:
    """Our clock is some seconds behind for a while."""
    world.desk.time.skew_ns = -world.rng.randint(3, 40) * NS
    await world.seconds(60)
    world.desk.time.skew_ns = 0
    await world.seconds(5)


ALL: tuple[Any, ...] = (
    cut_without_loss, cut, refused_once, refused_long, slow_fill_in_time, duplicates, disorder, burst,
    wrong_print, bad_print, bad_prints, ahead, slow_fill, halt, silence,
    stall, hostile, refused_upgrade, too_many, death,
)  # fmt: skip
ALPACA_ONLY: frozenset[Any] = frozenset({halt, too_many})
"""Massive says nothing of halts, and cuts the older of two connections instead of refusing the newer one."""
LATER: tuple[Any, ...] = (slow_clock,)
"""Not thrown in yet. After our clock has been set back by some seconds the first print of a symbol looks
ahead of time and waits for a companion: until then the one before it is LIVE, unmarked (seeds 1, 2, 3)."""
