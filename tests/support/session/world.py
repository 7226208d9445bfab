"""One session from a seed: what trades when, what goes wrong meanwhile, and a check after every step of time.

Steps are a second long while something is wrong, at the bells and when history comes, and longer between.
"""

from __future__ import annotations

import contextlib
import random
from collections import deque
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from feeds.events import HistoryUpdated
from feeds.streaming.requests import Reference
from rotation.quote import MINUTE_NS, NS
from rotation.sessions import NEW_YORK, hours, previous_session, to_ns
from tests.support.core_oracle import Close
from tests.support.core_worlds import as_sent, history_of
from tests.support.fake_time import settle
from tests.support.servers.alpaca import cancel, trade
from tests.support.servers.ws import Raw
from tests.support.session import faults, history
from tests.support.session.desk import LEGS, SessionDesk, running
from tests.support.session.tape import Print, Tape
from tests.support.session.wire import ALPACA, MASSIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from feeds.events import Event

DAYS = (date(2024, 7, 16), date(2024, 3, 11), date(2024, 11, 4), date(2025, 6, 18), date(2026, 11, 24))
"""Whole sessions: among them the first after each change of clocks."""
BEGINS, ENDS = time(3, 55), time(16, 30)
SPACE_S = 300
"""Between the end of a fault and the next one: long enough for everything to be as good as before."""
QUIET_S = {"PRE": 110, "REGULAR": 24, "POST": 60}
"""The longest step while nothing is wrong."""
CLOSELY = (
    ("03:59:55", "04:00:20"),
    ("09:14:50", "09:17:00"),
    ("09:29:55", "09:31:10"),
    ("15:59:30", "16:00:40"),
)
"""Watched second by second: the first prints, the planned reconnect, the bells."""
BELLS = (("04:00:00", "04:00:40"), ("09:29:58", "09:30:30"), ("15:59:30", "16:01:00"))
"""Where faults begin that are about a bell, or the first prints of the day."""
OVERDUE_S = 4
"""The most liquid fund trades within so long; 30 s without data are an outage."""
EARLY_S = 2
"""Clocks may differ by so much: a print that is no further ahead of ours is of now."""
LOG = 40


@dataclass
class Chapter:
    """At an instant (UTC ns) closes become known."""

    at_ns: int
    rows: Callable[[], list[Close]]
    """All closes from then on."""

    def event(self) -> Event:
        """As the desk is given it."""
        return HistoryUpdated(history_of(self.rows()))


@dataclass
class Story:
    """What history has to do with this session."""

    rows: list[Close]
    """Every true close, on today's scale, but today's."""
    begins: list[Close]
    """What the desk knows when it starts."""
    script: list[Chapter]
    """What becomes known, in order of time."""
    wire: str
    """Whose stream the desk listens to."""
    feed: str
    """Of Alpaca: sip, the consolidated tape, or iex, one exchange's, which has no volume of the day."""
    scale_unknown: dict[str, tuple[int, int]]
    """By symbol from when to when its history is on another scale than its prints, and that can be known."""


class World:
    """``second`` and ``seconds`` are for faults: they let time pass, trade and check."""

    def __init__(self, seed: int, kinds: Sequence[Any] | None = None) -> None:
        """``kinds``: of faults, all by default."""
        self.seed = seed
        self.rng = random.Random(seed)
        self.session = self.rng.choice(DAYS)
        self.starts_ns, self.ends_ns = self._at(BEGINS), self._at(ENDS)
        self.pre_ns, self.opens_ns, self.closes_ns, _ = hours(self.session)
        self.tape = Tape(self.session)
        self.log: deque[str] = deque(maxlen=LOG)
        self.closes_before: dict[str, float] = {}
        """What the vendor says by REST of the session before, on today's scale; it may say nothing."""
        self.is_unlisted = False
        """A split that no one says: it shows in the prints alone."""
        self.splits: dict[str, float] = {}
        """What it lists for today: by symbol new shares for an old one."""
        self.story = self._story()
        self.agenda = self._agenda(faults.ALL if kinds is None else kinds)
        self.is_trading = True
        self.is_shuffled = False
        self.copies = 1
        self.halted = ""
        self.ahead: Print | None = None
        """Sent, with a time that is still to come."""
        self.handed_ns = 0
        """When the vendor last had something to send."""
        self.arrived_ns = 0
        """When such a time came."""
        self.is_silent = False
        """The vendor holds back what trades: a price may be as old as a live one ever is."""
        self._number = 0
        self._levels = {symbol: self._last_close(symbol) * (1 + self.rng.gauss(0, 0.006)) for symbol in LEGS}
        self._overtaken: list[tuple[int, Print]] = []
        self._closing = list(LEGS)
        self._frame: list[Any] | None = None
        self._backlog: list[tuple[Any, list[Any]]] = []
        self.close_prices: dict[str, float] = {}
        self.auctions_sent: set[str] = set()
        """Symbols whose closing auction was handed over to a desk that was connected."""
        self.quiet_since_ns = self.starts_ns
        """When the last fault ended."""
        self.fault = ""
        self.desk: SessionDesk
        self.on_step: Callable[[World], None] = lambda _: None
        self.steps = 0

    # The plan

    def _at(self, clock: time) -> int:
        return to_ns(datetime.combine(self.session, clock, NEW_YORK))

    def _last_close(self, symbol: str) -> float:
        closes = [row.close for row in self.story.rows if row.symbol == symbol and row.close is not None]
        return closes[-1]

    def _story(self) -> Story:
        """Fresh, late, or on the scale of before a split."""
        rng = self.rng
        rows = history.made(rng, self.session)
        last = previous_session(self.session)
        kinds = ("fresh", "late", "one late", "split listed", "split noticed", "split unlisted")
        kind = rng.choices(kinds, (6, 2, 1, 1, 1, 1))[0]
        begins, unknown = rows, {}
        script: list[Chapter] = []
        due_ns = self._at(time(rng.choice((4, 7, 9, 10)), rng.randint(0, 59), rng.randint(0, 59)))
        if kind == "late":
            days = {last, previous_session(last)} if rng.random() < 0.3 else {last}
            begins = history.without(rows, days, set(LEGS))
            script = [Chapter(due_ns, lambda: rows)]
        elif kind == "one late":
            begins = history.without(rows, {last}, {rng.choice(LEGS)})
            script = [Chapter(due_ns, lambda: rows)]
        elif kind.startswith("split"):
            symbol, ratio = rng.choice(("IWM", "QQQ")), rng.choice((0.25, 2.0, 4.0))
            begins = history.split(rows, symbol, ratio)
            known_ns = self.pre_ns - 60 * NS
            script = [Chapter(due_ns, lambda: rows)]
            if kind == "split noticed":
                self.closes_before = {row.symbol: row.close for row in rows if row.day == last and row.close}
            elif kind == "split listed":
                self.splits = {symbol: ratio}
            self.is_unlisted = kind == "split unlisted"
            unknown[symbol] = known_ns, due_ns
        self.note(f"history: {kind}, due {self._clock(due_ns)}")
        wire = MASSIVE if self.seed % 4 == 0 else ALPACA
        feed = "sip" if self.seed % 3 or wire == MASSIVE else "iex"
        return Story(rows, begins, [*script, *self._closes_come()], wire, feed, unknown)

    def _closes_come(self) -> list[Chapter]:
        """The official closes, twenty minutes after the bell or later, perhaps one after the others."""
        rng = self.rng
        come_ns = self._at(time(16, rng.randint(20, 25), rng.randint(0, 59)))
        lacking = rng.choice(LEGS) if rng.random() < 0.3 else ""
        chapters = [Chapter(come_ns, lambda: self._settled_today(lacking))]
        return (
            [*chapters, Chapter(come_ns + 120 * NS, lambda: self._settled_today(""))] if lacking else chapters
        )

    def _settled_today(self, lacking: str) -> list[Close]:
        """All closes, today's among them as 32-bit floats, but for one symbol's."""
        closes = {symbol: price for symbol, price in self.close_prices.items() if symbol != lacking}
        today = [Close(name, self.session, as_sent(p), as_sent(p * 0.97)) for name, p in closes.items()]
        return [*self.story.rows, *today]

    def _agenda(self, kinds: Sequence[Any]) -> deque[tuple[int, Any]]:
        """Faults and when they begin: most in the regular session, a few before it, some at the bells."""
        rng = self.rng
        agenda = []
        if self.story.wire == MASSIVE:
            kinds = [kind for kind in kinds if kind not in faults.ALPACA_ONLY]
        for window in rng.sample(BELLS, rng.randint(1, 2)) if kinds else ():
            first, last = self._span(window)
            agenda.append((rng.randint(first // NS, last // NS) * NS, rng.choice(kinds)))
        self.at_bells = frozenset(at_ns for at_ns, _ in agenda)
        for _ in range(rng.randint(4, 6)) if kinds else ():
            before = rng.random() < 0.15
            first = self.pre_ns + 600 * NS if before else self.opens_ns + 120 * NS
            last = self.opens_ns - 1800 * NS if before else self.closes_ns - 900 * NS
            agenda.append((rng.randint(first // NS, last // NS) * NS, rng.choice(kinds)))
        return deque(sorted(agenda, key=lambda item: item[0]))

    def settled_by(self, now_ns: int) -> list[Close]:
        """The closes that the desk has been given."""
        made = [chapter.rows for chapter in self.story.script if chapter.at_ns <= now_ns]
        return made[-1]() if made else self.story.begins

    # The run

    async def run(self, environ: Any) -> None:
        """From 03:55 to 16:30. Raises AssertionError where a figure is wrong and unmarked."""
        known = Reference(self.closes_before, self.splits)
        async with running(self.tape, self.story, known, self.starts_ns, environ) as desk:
            self.desk = desk
            while self.now_ns < self.ends_ns:
                if self.agenda and self.now_ns >= self.agenda[0][0] and self._may_fail(self.agenda[0][0]):
                    _, fault = self.agenda.popleft()
                    self.fault = fault.__name__
                    self.note(f"--- {self.fault}")
                    await fault(self)
                    desk.server.scripts = desk.server.scripts[-1:]
                    self.note(f"--- {self.fault} is over")
                    self.fault = ""
                    self.quiet_since_ns = self.now_ns
                else:
                    await self._step(self._stride())

    def _may_fail(self, at_ns: int) -> bool:
        """Between faults everything becomes as good as before; the bells have faults of their own."""
        rested = self.now_ns >= self.quiet_since_ns + SPACE_S * NS
        bells = self.opens_ns, self.closes_ns
        is_near = any(bell - 900 * NS < self.now_ns < bell + 120 * NS for bell in bells)
        return rested and (at_ns in self.at_bells or not is_near)

    def _stride(self) -> int:
        """Seconds until the next step."""
        now_ns = self.now_ns
        phase = "PRE" if now_ns < self.opens_ns else "REGULAR" if now_ns < self.closes_ns else "POST"
        longest = QUIET_S[phase]
        marks = [at for span in CLOSELY for at in self._span(span)]
        if any(first <= now_ns < last for first, last in map(self._span, CLOSELY)):
            return 1
        due = [chapter.at_ns for chapter in self.story.script]
        if any(at_ns - 3 * NS <= now_ns < at_ns + 5 * NS for at_ns in due):
            return 1
        marks += [at_ns - 3 * NS for at_ns in due] + [self.ends_ns]
        marks += [self.agenda[0][0]] if self.agenda else []
        ahead = [(mark - now_ns) // NS for mark in marks if mark > now_ns]
        return max(1, min([longest, *ahead]))

    def _span(self, span: tuple[str, str]) -> tuple[int, int]:
        first, last = (self._at(time.fromisoformat(text)) for text in span)
        return first, last

    @property
    def now_ns(self) -> int:
        """True time."""
        return self.desk.time.true_ns()

    async def second(self) -> None:
        """One second of a fault."""
        await self._step(1)

    async def seconds(self, count: int) -> None:
        for _ in range(count):
            await self._step(1)

    async def _step(self, seconds: int) -> None:
        await self.desk.time.passing(seconds, step=seconds)
        self._frame = []
        await self._trading(seconds)
        frame, self._frame = self._frame, None
        await self._hand_over(frame)
        await settle()
        self.steps += 1
        self.on_step(self)

    # Trading

    async def _trading(self, seconds: int) -> None:
        now_ns, rng = self.now_ns, self.rng
        await self._deliver_overtaken()
        if self.ahead is not None and self.ahead.ts_ns <= now_ns + EARLY_S * NS:
            self.tape.add(self.ahead, now_ns)
            self.arrived_ns, self.ahead = now_ns, None
        if self._closing and now_ns > self.closes_ns + NS:
            await self._auction()
        if self._closing and self.closes_ns <= now_ns:
            return
        for symbol in LEGS:
            is_thin = symbol == "KRE"
            chance = (0.03 if is_thin else 0.25) if seconds == 1 else (0.3 if is_thin else 1.0)
            drawn = rng.random() < chance or (symbol == "IWM" and self._is_overdue())
            is_open = self.pre_ns < now_ns - NS and self.is_trading and symbol != self.halted
            if drawn and is_open:
                await self.trade(symbol)

    def _is_overdue(self) -> bool:
        """Nothing has traded for some seconds of a calm session: with a long step behind it, an outage."""
        is_calm = not self.fault and self.opens_ns < self.now_ns < self.closes_ns
        return is_calm and self.now_ns - self.handed_ns >= OVERDUE_S * NS

    async def _auction(self) -> None:
        """Symbol after symbol, some seconds after the bell."""
        for symbol in list(self._closing):
            if self.now_ns > self.closes_ns + 9 * NS or self.rng.random() < 0.3:
                self._closing.remove(symbol)
                price = self._moved(symbol)
                printed = self._made(symbol, price, self.rng.randint(10_000, 90_000))
                printed.is_closing = True
                self.close_prices[symbol] = price
                await self._publish(printed)

    def price(self, symbol: str) -> float:
        """Where the symbol trades now."""
        return round(self._levels[symbol], 2)

    def _moved(self, symbol: str) -> float:
        self._levels[symbol] *= 1 + self.rng.gauss(0, 0.0004)
        return self.price(symbol)

    def _made(self, symbol: str, price: float, size: int) -> Print:
        self._number += 1
        ts_ns = self.now_ns - self.rng.randint(0, 900) * 10**6
        ts_ns -= 10**6 * (ts_ns % MINUTE_NS == 0)  # a bar cannot say whether it holds a print between two
        return Print(ts_ns, self._number, symbol, price, size)

    async def trade(self, symbol: str, count: int = 1) -> None:
        """So many prints of a symbol within this second, an odd lot now and then."""
        for _ in range(count):
            printed = self._made(symbol, self._moved(symbol), self.rng.randint(1, 9) * 100)
            prints = [printed]
            if self.rng.random() < 0.15:  # beside another: a minute of odd lots alone has no bar by REST
                odd = self._made(symbol, round(printed.price * 1.002, 2), self.rng.randint(1, 99))
                odd.is_odd, odd.ts_ns = True, printed.ts_ns
                prints.append(odd)
            for each in prints:
                if self.is_shuffled:
                    self._overtaken.append((self.steps + self.rng.randint(0, 3), each))
                else:
                    await self._publish(each)

    async def publish(self, symbol: str, price: float) -> Print:
        """A print at this price, as the vendor believes it."""
        printed = self._made(symbol, price, 200)
        self.note(f"{symbol} {price} number {printed.number}, to be taken back")
        await self._publish(printed)
        return printed

    async def take_back(self, printed: Print, *, corrected: bool) -> None:
        """Cancel it, or put another price in its place. The time is the message's."""
        now_ns = self.now_ns
        self.tape.take_back(printed.number, now_ns)
        corrected = corrected and self.story.wire == ALPACA  # Massive's says only what was wrong
        message = cancel(printed.symbol, printed.price, now_ns, printed.number)
        self.note(f"{printed.symbol} number {printed.number} is {'corrected' if corrected else 'cancelled'}")
        if corrected:
            better = self._made(printed.symbol, self.price(printed.symbol), printed.size)
            better.ts_ns = printed.ts_ns
            self.tape.add(better, now_ns)
            message = {
                "T": "c", "S": printed.symbol, "x": "V",
                "oi": printed.number, "op": printed.price, "os": printed.size,
                "oc": ["@"], "ci": better.number, "cp": better.price, "cs": better.size, "cc": ["@"],
                "z": "B", "t": now_ns,
            }  # fmt: skip
        await self._send([message])

    async def send_untrue(self, symbol: str, price: float) -> None:
        """A print that never was."""
        printed = self._made(symbol, price, 100)
        self.note(f"{symbol} {price}, which is not true")
        await self._send([_message(printed, self.pre_ns, self.opens_ns, self.closes_ns)])

    async def send_ahead(self, symbol: str, price: float, ahead_s: int) -> None:
        """A print whose time is still to come: until then it is not on the tape."""
        printed = self._made(symbol, price, 100)
        printed.ts_ns = self.now_ns + ahead_s * NS
        self.ahead = printed
        self.note(f"{symbol} {price}, {ahead_s} s ahead")
        await self._send([_message(printed, self.pre_ns, self.opens_ns, self.closes_ns)])

    async def send_raw(self, frame: Any) -> None:
        """Whatever it is, to whoever is connected."""
        if not self.desk.is_connected:
            return
        self.note(f"raw frame {str(frame)[:40]!r}")
        client = self.desk.server.clients[-1]
        with contextlib.suppress(Exception):
            if isinstance(frame, str | bytes):
                await client.connection.send(frame)
            elif isinstance(frame, Raw):
                client.connection.transport.write(frame.data)
            else:
                await self.desk.server.tell(frame)
        await settle()

    async def _deliver_overtaken(self) -> None:
        due = [printed for at, printed in self._overtaken if at <= self.steps or not self.is_shuffled]
        self._overtaken = [item for item in self._overtaken if item[1] not in due]
        self.rng.shuffle(due)
        for printed in due:
            await self._publish(printed)

    async def _publish(self, printed: Print) -> None:
        self.tape.add(printed, self.now_ns)
        message = _message(printed, self.pre_ns, self.opens_ns, self.closes_ns)
        for _ in range(self.copies):
            await self._send([message])

    async def _send(self, message: list[Any]) -> None:
        """With the other messages of this step in one frame; between steps in a frame of its own."""
        if self._frame is not None:
            self._frame += message
        else:
            await self._hand_over(message)

    async def _hand_over(self, message: list[Any]) -> None:
        """To the product, into the backlog of a silent vendor, or to nobody."""
        desk = self.desk
        if not message:
            return
        self.handed_ns = self.now_ns
        if self.is_silent:
            if desk.is_connected:
                self._backlog.append((desk.server.clients[-1], message))
        else:
            await self._sent(message)

    def fall_silent(self) -> None:
        """From now on the vendor sends nothing."""
        self.is_silent = True

    async def speak(self) -> None:
        """It sends all that it has held back, to those who are still there."""
        self.is_silent = False
        waiting, self._backlog = self._backlog, []
        for client, message in waiting:
            if client is self.desk.server.clients[-1]:
                await self._sent(message)

    async def _sent(self, message: list[Any]) -> None:
        if await self.desk.send(message):
            self.auctions_sent |= {each["S"] for each in message if "6" in each.get("c", ())}

    # The log

    def _clock(self, ns: int) -> str:
        return datetime.fromtimestamp(ns / NS, NEW_YORK).strftime("%H:%M:%S")

    def note(self, what: str) -> None:
        """For whoever reads of a failure."""
        now_ns = self.now_ns if hasattr(self, "desk") else self.starts_ns
        self.log.append(f"{self._clock(now_ns)} {what}")


def _message(printed: Print, pre_ns: int, opens_ns: int, closes_ns: int) -> dict[str, Any]:
    is_extended = printed.ts_ns < opens_ns or (printed.ts_ns > closes_ns and not printed.is_closing)
    codes = ["@", *(["T"] if is_extended else []), *(["I"] if printed.is_odd else [])]
    codes += ["6"] if printed.is_closing else []
    made: dict[str, Any] = trade(
        printed.symbol, printed.price, printed.ts_ns, printed.number, s=printed.size, c=codes
    )
    return made
