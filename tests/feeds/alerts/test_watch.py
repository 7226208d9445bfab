"""Alerts of a running desk: remembered before they are delivered, and no target holds up another."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading

import msgspec
import pytest

from feeds.alerts import couriers
from feeds.alerts.couriers import QUEUE_MAX, TRIES, Courier
from feeds.alerts.errors import DeliveryError
from feeds.alerts.state_file import Kept, StateFile, Waiting
from feeds.alerts.watch import AlertWatch
from feeds.errors import InputError
from rotation.alerts.rule import AlertState, Fired, Rule
from rotation.alerts.target import AlertSettings, Target
from rotation.context.wants import NOTHING, Wants, pair_wanted
from rotation.desk import Desk, EventKind
from rotation.market.market import Market
from rotation.market.status import Provenance
from rotation.quote import NS
from rotation.sessions import close_ns, from_ns
from rotation.status import LIVE
from tests.support.core_worlds import CALENDAR, FIRST, closes, history_of
from tests.support.idle_loop import IdleLoop

DESK = Desk(legs=("IWM", "QQQ"))
DAYS = CALENDAR[FIRST : FIRST + 30]
NOW_NS = close_ns(DAYS[-1]) + 60 * NS
RULE = Rule(id="any", condition="spread.5.pp > -99", to=("bell", "phone", "log"))
TARGETS = tuple(Target(name=name, kind="json", url="https://example.com/") for name in ("phone", "log"))
SETTINGS = AlertSettings((RULE,), TARGETS)
FIRED = Fired("any", "c", DAYS[0], from_ns(NOW_NS), {}, 1)


@pytest.fixture(scope="module")
def snapshot():
    rows = [
        row for symbol, step in (("IWM", 5), ("QQQ", 3))
        for row in closes(symbol, DAYS, bytes((i * i * step + i // 3) % 8 for i in range(len(DAYS))))
    ]  # fmt: skip
    market = Market(history_of(rows), DESK, as_of_ns=NOW_NS, origin=Provenance(LIVE, "x"))
    return market.apply([], as_of_ns=NOW_NS)


async def settle() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, IdleLoop)
    await loop.idle()


class Sent:
    """Targets that note what they get, or do as they are told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str]] = []
        self.does: dict[str, list[object]] = {}

    def make(self, target, secret):
        async def send(fired, text):
            answers = self.does.get(target.name, [])
            answer = answers.pop(0) if answers else None
            if answer == "hang":
                await asyncio.Event().wait()
            if isinstance(answer, Exception):
                raise answer
            self.got.append((target.name, f"{fired.id}#{fired.n}"))

        return send


class Sleeps:
    """Sleeps that pass at once, and are noted, but those that save."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        if seconds == 1.0:
            await asyncio.Event().wait()
        self.waits.append(seconds)
        await asyncio.sleep(0)


def watch_of(tmp_path, sent, settings=SETTINGS, **more) -> AlertWatch:
    sleep = more.pop("sleep", Sleeps())
    return AlertWatch(
        DESK, settings, StateFile(tmp_path), make=sent.make, sleep=sleep, clock_ns=lambda: NOW_NS, **more
    )


async def running(watch: AlertWatch):
    task = asyncio.create_task(watch.run())
    await settle()
    return task


async def ended(task) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_call_is_on_disk_before_it_is_sent_and_is_not_made_again_after_a_restart(tmp_path, snapshot):
    sent, seen = Sent(), []
    make = sent.make

    def noting(target, secret):
        send = make(target, secret)

        async def noted(fired, text):
            seen.append(StateFile(tmp_path).peek())
            await send(fired, text)

        return noted

    sent.make = noting
    watch = watch_of(tmp_path, sent)
    task = await running(watch)
    shown = watch.take(snapshot)
    assert shown.events[-1].kind is EventKind.ALERT
    await until(lambda: len(sent.got) == 2)
    assert sorted(sent.got) == [("log", "any#1"), ("phone", "any#1")]
    assert all(kept.states["any"].fired == 1 for kept in seen)
    assert {each.target for each in seen[0].waiting} == {"phone", "log"}
    await ended(task)
    assert StateFile(tmp_path).peek().waiting == ()
    again = watch_of(tmp_path, sent)
    task = await running(again)
    assert again.take(snapshot).events == ()
    await settle()
    await ended(task)
    assert len(sent.got) == 2
    kept = StateFile(tmp_path).peek()
    assert [call.id for call in kept.calls] == ["any"]
    assert kept.states["any"].fired == 1


async def until(condition) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - threads write the file
            await asyncio.sleep(0.01)


async def test_a_crash_between_the_two_delivers_after_the_restart(tmp_path, snapshot):
    state = AlertState(
        RULE.condition, is_armed=False, fired=1, last_at=from_ns(NOW_NS), last_session=DAYS[-1]
    )
    StateFile(tmp_path).write(
        Kept(states={"any": state}, calls=(FIRED,), waiting=(Waiting("phone", FIRED, "t"),))
    )
    sent = Sent()
    task = await running(watch_of(tmp_path, sent))
    await until(lambda: sent.got)
    await ended(task)
    assert sent.got == [("phone", "any#1")]


async def test_a_call_that_waited_for_over_an_hour_is_told_and_not_sent(tmp_path, snapshot):
    old = msgspec.structs.replace(FIRED, at=from_ns(NOW_NS) - dt.timedelta(hours=2))
    StateFile(tmp_path).write(Kept(waiting=(Waiting("phone", old, "t"),)))
    sent = Sent()
    watch = watch_of(
        tmp_path, sent, AlertSettings((msgspec.structs.replace(RULE, condition="ratio > 1e9"),), TARGETS)
    )
    task = await running(watch)
    assert [event.text for event in watch.take(snapshot).events] == [
        "1 notification not delivered: over an hour old"
    ]
    await ended(task)
    assert sent.got == []


async def test_what_is_not_delivered_at_the_end_is_kept(tmp_path, snapshot):
    sent = Sent()
    sent.does = {"phone": ["hang"]}
    watch = watch_of(tmp_path, sent)
    task = await running(watch)
    watch.take(snapshot)
    await until(lambda: sent.got)
    await ended(task)
    assert [each.target for each in StateFile(tmp_path).peek().waiting] == ["phone"]


async def test_a_target_that_hangs_holds_up_neither_the_desk_nor_the_others(tmp_path, snapshot):
    sent = Sent()
    sent.does = {"phone": ["hang"]}
    watch = watch_of(tmp_path, sent)
    task = await running(watch)
    for _ in range(100):
        watch.take(snapshot)
    await until(lambda: sent.got == [("log", "any#1")])
    await ended(task)


async def test_failures_are_tried_again_with_back_off_and_told(tmp_path, snapshot):
    sent, sleep = Sent(), Sleeps()
    sent.does = {
        "phone": [DeliveryError("no connection"), DeliveryError("asked to wait (HTTP 429)", after_s=120.0)],
        "log": [DeliveryError("refused (HTTP 404)", again=False)],
    }
    watch = watch_of(tmp_path, sent, sleep=sleep)
    task = await running(watch)
    watch.take(snapshot)

    def reported() -> list[str]:
        return [event.text for event in watch.take(snapshot).events if event.kind is EventKind.DELIVERY]

    await until(lambda: sent.got and len(reported()) == 3)
    await ended(task)
    assert sent.got == [("phone", "any#1")]
    assert sorted(reported()) == [
        "log: not delivered: refused (HTTP 404)",
        "phone: delivered again",
        "phone: no connection; trying again",
    ]
    assert 0.5 <= sleep.waits[0] <= 1.0
    assert sleep.waits[1] == 120.0


async def test_a_target_is_given_up_after_some_tries(monkeypatch):
    reports, tries = [], []

    async def send(fired, text):
        tries.append(1)
        raise DeliveryError("no connection")

    async def sleep(_):
        await asyncio.sleep(0)

    courier = Courier("phone", send, lambda _, text: reports.append(text), sleep=sleep)
    courier.put(Waiting("phone", FIRED, "t"))
    task = asyncio.create_task(courier.run())
    await until(lambda: not courier.waiting)
    await ended(task)
    assert len(tries) == TRIES
    assert reports == ["phone: no connection; trying again", "phone: not delivered: no connection"]


def hanging(reports):
    """A courier whose target never answers."""

    async def send(fired, text):
        await asyncio.Event().wait()

    return Courier("phone", send, lambda _, text: reports.append(text))


async def test_the_queue_of_a_target_is_bounded_and_says_what_it_drops():
    reports = []
    courier = hanging(reports)
    task = asyncio.create_task(courier.run())
    for number in range(QUEUE_MAX + 5):
        courier.put(Waiting("phone", msgspec.structs.replace(FIRED, n=number), "t"))
        await asyncio.sleep(0)
    await ended(task)
    assert len(courier.waiting) == QUEUE_MAX
    assert [each.fired.n for each in courier.waiting][:2] == [0, 6], "the newest matter most"
    assert reports == ["phone: 1 notification not delivered: too many are waiting"]


async def test_an_hour_of_flapping_does_not_flood_the_events():
    reports = []
    courier = hanging(reports)
    task = asyncio.create_task(courier.run())
    for number in range(QUEUE_MAX + 3_600):
        courier.put(Waiting("phone", msgspec.structs.replace(FIRED, n=number), "t"))
    await ended(task)
    counts = ["1 notification", "10 notifications", "100 notifications", "1,000 notifications"]
    assert reports == [f"phone: {count} not delivered: too many are waiting" for count in counts]


async def test_a_defect_in_one_target_ends_neither_it_nor_the_others(caplog):
    reports = []
    answers = [RuntimeError("oops"), None]
    got = []

    async def send(fired, text):
        if answer := answers.pop(0):
            raise answer
        got.append(fired.n)

    courier = Courier("phone", send, lambda _, text: reports.append(text))
    task = asyncio.create_task(courier.run())
    for number in (1, 2):
        courier.put(Waiting("phone", msgspec.structs.replace(FIRED, n=number), "t"))
    await until(lambda: not courier.waiting)
    await ended(task)
    assert got == [2]
    assert reports[0] == "phone: internal error (RuntimeError), see the log"


async def test_a_missing_secret_is_told(tmp_path, snapshot):
    def secret(target):
        raise InputError(f"no address is stored; run: rotation-tui config key set target.{target.name}")

    watch = watch_of(tmp_path, Sent(), secret=secret)
    task = await running(watch)
    watch.take(snapshot)
    texts: list[str] = []

    def is_delivered() -> bool:
        texts[:] = [event.text for event in watch.take(snapshot).events if event.kind is EventKind.DELIVERY]
        return len(texts) == 2

    await until(is_delivered)
    await ended(task)
    assert "config key set target.phone" in "".join(texts)


async def test_of_two_programs_one_delivers_and_the_other_takes_over(tmp_path, snapshot):
    sent = Sent()
    first = watch_of(tmp_path, sent)
    task = await running(first)
    wake = asyncio.Event()

    async def sleep(seconds):
        await wake.wait()
        await asyncio.sleep(0)

    second = watch_of(tmp_path, sent, sleep=sleep)
    other = await running(second)
    assert second.take(snapshot).events[-1].kind is EventKind.ALERT, "its screen shows it all the same"
    first.take(snapshot)
    await until(lambda: len(sent.got) == 2)
    await ended(task)
    wake.set()
    await until(lambda: second._owns)
    second.take(snapshot)
    await asyncio.sleep(0.05)
    await ended(other)
    assert len(sent.got) == 2


async def test_a_broken_file_is_told_on_screen(tmp_path, snapshot):
    (tmp_path / "alerts.json").write_text("{")
    watch = watch_of(tmp_path, Sent())
    task = await running(watch)
    shown = watch.take(snapshot)
    await ended(task)
    assert shown.events[0].text.endswith("is damaged, moved to alerts.json.broken-1; alerts start afresh")
    assert shown.events[-1].kind is EventKind.ALERT


async def test_a_full_disk_is_told_once_and_calls_go_out(tmp_path, snapshot, monkeypatch):
    def write(self, kept):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(StateFile, "write", write)
    sent = Sent()
    watch = watch_of(tmp_path, sent)
    task = await running(watch)
    watch.take(snapshot)
    await until(lambda: len(sent.got) == 2)
    shown = watch.take(snapshot)
    await ended(task)
    texts = [event.text for event in shown.events if event.kind is EventKind.CONFIG]
    assert texts == [
        "alert state cannot be saved (No space left on device): alerts may fire again after a restart"
    ]


async def test_what_a_full_disk_did_not_take_is_written_once_there_is_room(tmp_path, snapshot, monkeypatch):
    """Without another change: killed afterwards, it would call a second time."""
    write, is_full, tries, may_save = StateFile.write, [True], [], asyncio.Semaphore(0)

    def write_if_room(self, kept):
        tries.append(kept)
        if is_full[0]:
            raise OSError(28, "No space left on device")
        write(self, kept)

    async def sleep(seconds):
        await may_save.acquire()

    monkeypatch.setattr(StateFile, "write", write_if_room)
    sent = Sent()
    watch = watch_of(tmp_path, sent, sleep=sleep)
    task = await running(watch)
    watch.take(snapshot)
    await until(lambda: len(sent.got) == 2)

    def is_tried_again() -> bool:
        may_save.release()
        return len(tries) > 6

    await until(is_tried_again)
    is_full[0] = False

    def is_kept() -> bool:
        may_save.release()
        return StateFile(tmp_path).read()[0].states.get("any", AlertState()).fired == 1

    await until(is_kept)
    await ended(task)


async def test_names_that_do_not_resolve_do_not_keep_the_state_from_being_written(tmp_path, snapshot):
    """Lookups that hang hold the loop's own threads, all of them: what is fired is on disk even so."""
    resolved = threading.Event()
    loop = asyncio.get_running_loop()
    lookups = [loop.run_in_executor(None, resolved.wait) for _ in range(64)]
    watch = watch_of(tmp_path, Sent())
    task = await running(watch)
    watch.take(snapshot)
    try:
        await until(lambda: StateFile(tmp_path).read()[0].calls != ())
    finally:
        resolved.set()
        await asyncio.gather(*lookups)
        await ended(task)


async def test_a_target_edited_while_its_secret_is_read_is_called_at_its_new_address(tmp_path, snapshot):
    may_read, asked, got = threading.Event(), [], []

    def secret(target):
        asked.append(target.url)
        assert may_read.wait(20)
        return ""

    def make(target, _):
        async def send(fired, text):
            got.append(target.url)

        return send

    rule = msgspec.structs.replace(RULE, to=("phone",))
    old = Target(name="phone", kind="json", url="https://old.example/")
    new = Target(name="phone", kind="json", url="https://new.example/")
    watch = AlertWatch(
        DESK, AlertSettings((rule,), (old,)), StateFile(tmp_path), secret=secret, make=make, sleep=Sleeps()
    )
    task = await running(watch)
    watch.take(snapshot)
    await until(lambda: asked == [old.url])
    watch.set(AlertSettings((rule,), (new,)))
    may_read.set()
    await until(lambda: bool(got))
    await ended(task)
    assert got == [new.url]


async def test_without_alerts_nothing_is_read_written_or_locked(tmp_path, snapshot):
    watch = watch_of(tmp_path, Sent(), AlertSettings())
    task = await running(watch)
    watch.take(snapshot)
    await ended(task)
    assert list(tmp_path.iterdir()) == []


async def test_alerts_are_replaced_while_calls_wait(tmp_path, snapshot):
    sent = Sent()
    sent.does = {"phone": ["hang"]}
    watch = watch_of(tmp_path, sent)
    task = await running(watch)
    watch.take(snapshot)
    await until(lambda: sent.got == [("log", "any#1")])
    more = msgspec.structs.replace(RULE, id="b", to=("log",))
    phone = msgspec.structs.replace(TARGETS[0], url="https://example.org/")
    watch.set(AlertSettings((RULE, more), (phone, TARGETS[1])))
    watch.take(snapshot)
    await until(lambda: len(sent.got) == 3)
    await ended(task)
    assert sent.got[1:] == [("phone", "any#1"), ("log", "b#1")]


async def test_what_is_being_sent_while_alerts_are_replaced_arrives_once(tmp_path, snapshot):
    may_end, begun = asyncio.Event(), []

    def make(target, secret):
        async def send(fired, text):
            begun.append(target.name)
            await may_end.wait()

        return send

    watch = AlertWatch(
        DESK, SETTINGS, StateFile(tmp_path), make=make, sleep=Sleeps(), clock_ns=lambda: NOW_NS
    )
    task = await running(watch)
    watch.take(snapshot)
    await until(lambda: len(begun) == 2)
    watch.set(
        AlertSettings((RULE, msgspec.structs.replace(RULE, id="b", condition="iwm.last > 1e9")), TARGETS)
    )
    await settle()
    may_end.set()
    await settle()
    await ended(task)
    assert sorted(begun) == ["log", "phone"]
    assert StateFile(tmp_path).read()[0].waiting == ()


async def test_on_a_tape_nobody_is_called_and_nothing_is_remembered(tmp_path, snapshot):
    sent = Sent()
    watch = AlertWatch(DESK, SETTINGS, None, make=sent.make)
    task = asyncio.create_task(watch.run())
    shown = watch.take(snapshot)
    await settle()
    assert task.done()
    assert shown.events[-1].kind is EventKind.ALERT
    assert sent.got == []


def test_waits_double_and_are_bounded():
    courier = Courier("x", Sent().make(TARGETS[0], ""), lambda *_: None, random=lambda: 1.0)
    assert [courier._wait_s(n, None) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert couriers.LONGEST_S == 60


def test_a_pair_that_an_alert_rests_on_is_asked_for_as_long_as_it_does():
    asked: list[Wants] = []
    desk = msgspec.structs.replace(DESK, pairs=(("QQQ", "IWM"),))
    rule = Rule(id="turned", condition="pair.QQQ/IWM.spread.5.pp > 2")
    watch = AlertWatch(desk, AlertSettings((rule,)), None, want=asked.append)
    watch.set(AlertSettings((RULE,)))
    watch.set(AlertSettings((RULE, rule)))
    assert asked == [{pair_wanted("QQQ/IWM")}, NOTHING, {pair_wanted("QQQ/IWM")}]
