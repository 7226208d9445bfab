"""The composition root: the only module of the screen that knows where quotes come from."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from rotation.desk import EventKind, gaps_of, with_usual
from rotation.errors import InputError, NothingToShowError, UnavailableError
from rotation.text import counted
from tui.backend import DeskError, Wanted
from tui.cli import app as cli
from tui.cli import logs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
    from datetime import date, datetime
    from pathlib import Path

    from feeds.alerts.state_file import StateFile
    from feeds.alerts.watch import AlertWatch
    from feeds.desk.change.cast import Cast, Roles
    from feeds.desk.demo_fallback import DemoFallback
    from feeds.desk.live import Lineup
    from feeds.desk.open import Now, Source
    from feeds.history.store import HistoryStore
    from feeds.hub.broker.connection import Access
    from feeds.hub.broker.viewer import HubFeed
    from feeds.hub.tape_following import TapeFollower
    from feeds.keys.chain import KeyChain
    from feeds.members.store import MemberStore
    from feeds.supervisor import Listener, Pairs, Supervisor, Watched
    from feeds.tapes.player import TapeFeed
    from feeds.tapes.recorder import Recorder
    from rotation.alerts.rule import AlertState, Fired, Rule
    from rotation.alerts.target import AlertSettings
    from rotation.breadth.figures import ContributionsReport
    from rotation.breadth.members import Membership
    from rotation.context.wants import Wants
    from rotation.desk import Desk, DeskChange, PairOptions, Universe
    from rotation.fed.calibration import CalibrationReport
    from rotation.fed.figures import Fed
    from rotation.fed.inputs import FedInputs
    from rotation.figures.basis import Basis
    from rotation.findings import Finding
    from rotation.history import History
    from rotation.macro.figures import Macro
    from rotation.macro.release_days import ReleaseDays
    from rotation.snapshot import Snapshot
    from rotation.sync_report import SyncProgress, SyncReport
    from tui.backend import Controls, Recording


SNAPSHOT_WAITS_S = 10.0
"""Seconds that a single snapshot waits for live sources; later answers are left out."""


def _desk(history: History, wanted: Wanted) -> Desk:
    from feeds.desk.open import desk_for  # noqa: PLC0415

    return desk_for(
        history,
        wanted.pair,
        wanted.returns,
        leg_gap_s=wanted.leg_gap_s,
        stale_s=wanted.stale_s,
        windows=with_usual((*wanted.windows, *wanted.leg_returns)),
        legs=wanted.legs,
        value_growth=wanted.value_growth,
        pairs=wanted.pairs,
        pair_gaps=gaps_of(wanted.pair_options),
        lists=wanted.lists,
        benchmark=wanted.benchmark,
        universes=tuple(each.fund for each in wanted.universes),
    )


def _newer(held: History, loaded: History) -> History | None:
    """What was loaded, unless the desk has the same series: those it has may have been updated meanwhile."""
    return None if set(held.symbols) == set(loaded.symbols) else loaded


def _access(wanted: Wanted) -> Access:
    from feeds.hub.broker.connection import Access  # noqa: PLC0415

    return Access(
        wanted.nats,
        creds=wanted.nats_creds,
        nkey=wanted.nats_nkey,
        ca=wanted.nats_ca,
        cert=wanted.nats_cert,
        key=wanted.nats_key,
    )


def _is_viewer(wanted: Wanted) -> bool:
    """Whether a hub brings everything."""
    is_now = not (wanted.offline or wanted.tapes or wanted.demo or wanted.hub_tape) and wanted.at is None
    return wanted.feed == "nats" and is_now


class _Opened(NamedTuple):
    supervisor: Supervisor
    tape: TapeFeed | None
    is_empty: bool
    """Whether this is a live desk without any history."""
    watch: AlertWatch
    cast: Cast | None = None
    """Of a desk of the present, its feeds; None of a tape."""
    source: Source | None = None
    """Of a tape, what is played."""


class _Plan(NamedTuple):
    """What a running desk is to become."""

    wanted: Wanted
    watched: Watched
    roles: Roles
    """Its feeds; empty of a tape, which has the one that it has."""
    membership: tuple[Membership, ...] = ()


class LocalDesk:
    """A supervisor in this process, behind the interface that the screen uses."""

    def __init__(
        self,
        supervisor: Supervisor | DemoFallback,
        controls: Controls | None,
        watch: AlertWatch | None = None,
        change: DeskSwap | None = None,
    ) -> None:
        """``watch``: None where nothing is to be noted or called for.

        ``change``: None for a desk that stays what it is.
        """
        self._change = change
        self._supervisor = supervisor
        self._controls = controls
        self._watch = watch
        self._watches: list[AlertWatch] = [] if watch is None else [watch]
        self._alerts: AlertSettings | None = None
        """Those of a file that was read again."""

    @property
    def controls(self) -> Controls | None:
        """The controls of the tape that is playing, the demo included; None without one."""
        return self._controls or getattr(self._supervisor, "controls", None)

    async def run(self) -> None:
        """Drive the feeds until they end, and deliver what alerts call for meanwhile."""
        import asyncio  # noqa: PLC0415 - --help need not wait for it

        if self._watch is None:
            await self._supervisor.run()
            return
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch.run(), name="alerts")
            await asyncio.sleep(0)  # a desk that ends at once would cancel it before it can close its file
            await self._supervisor.run()
            await self._watch.finish()
            watching.cancel()

    @property
    def wanted(self) -> Wanted:
        """What it shows; of a desk that stays what it is what is usual."""
        return Wanted() if self._change is None else self._change.wanted

    async def reopen(self, wanted: Wanted) -> tuple[str, ...] | None:
        """Show this from now on; see ``tui.backend.ReopeningDesk``."""
        if self._change is None:
            raise DeskError("this desk stays what it is")
        return await self._change.to(wanted)

    def set_alerts(self, alerts: AlertSettings) -> None:
        """Watch for these alerts from now on."""
        self._alerts = alerts
        for watch in self._watches:
            watch.set(alerts)

    def note(self, kind: EventKind, subject: str, text: str) -> None:
        """Add an event to the next snapshot."""
        for watch in self._watches:
            watch.note(kind, subject, text)

    def want(self, asked: Wants) -> None:
        """Have these parts in every Snapshot from now on, beside those that alerts rest on."""
        self._supervisor.want(asked)

    async def set_pairs(self, pairs: Pairs, options: tuple[PairOptions, ...]) -> Pairs:
        """Have these more pairs from now on; those that this desk cannot have."""
        return await self._supervisor.set_pairs(pairs, gaps_of(options))

    async def change_desk(self, change: DeskChange) -> None:
        """Have these windows and limits from now on."""
        await self._supervisor.change_desk(change)

    def listen(self) -> Listener:
        """Return an iterator over the newest snapshots."""
        return self._supervisor.listen()


class LocalFallbackDesk(LocalDesk):
    """A live desk with nothing to show, and the demo in front of it until it has."""

    def __init__(self, fallback: DemoFallback, watch: AlertWatch, change: DeskSwap) -> None:
        super().__init__(fallback, None, watch, change)

    def add_demo(self, watch: AlertWatch) -> None:
        """Take what watches the demo that is about to play; in any thread."""
        self._watches.append(watch)
        if self._alerts is not None:
            watch.set(self._alerts)


class DeskSwap:
    """How a running desk becomes another one; one change at a time, and the last one counts."""

    def __init__(
        self, wanted: Wanted, opened: _Opened, plan: Callable[[Wanted], _Plan], fallback: DemoFallback | None
    ) -> None:
        """``plan``: what another wish amounts to; blocking, raises DeskError."""
        import asyncio  # noqa: PLC0415 - --help need not wait for it

        self.wanted = wanted
        self._opened = opened
        self._plan = plan
        self._fallback = fallback
        self._turn = asyncio.Lock()
        self._work: asyncio.Task[tuple[str, ...]] | None = None

    async def to(self, wanted: Wanted) -> tuple[str, ...] | None:
        """Become this; see ``tui.backend.ReopeningDesk.reopen``. Raises DeskError."""
        import asyncio  # noqa: PLC0415

        if self._work is not None:
            self._work.cancel()
        work = self._work = asyncio.create_task(self._become(wanted), name="another desk")
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.wait([work])
            raise
        if work.cancelled():
            return None
        return work.result()

    async def _become(self, wanted: Wanted) -> tuple[str, ...]:
        import asyncio  # noqa: PLC0415

        async with self._turn:
            if self._fallback is None and _is_demo_next(wanted):
                raise DeskError(
                    "no other feed has its key, and the demo waits for the next start", "feeds.feed"
                )
            if wanted.offline and not wanted.stays:
                raise DeskError("without the network this command would end", "feeds.offline")
            plan = await asyncio.to_thread(self._plan, wanted)
            with _other_closures(wanted):
                await self._exchange(plan)
            if self._fallback is not None:
                await self._fallback.watch(lambda history: _desk(history, wanted))
            return self._lacking(plan)

    def _lacking(self, plan: _Plan) -> tuple[str, ...]:
        """Symbols that were named and that the hub does not bring; a vendor's feed says that of each leg."""
        if not _is_viewer(plan.wanted) or self._opened.cast is None:
            return ()
        from feeds.hub.broker.viewer import HubFeed  # noqa: PLC0415

        hubs = [feed for feed in plan.watched.feeds if isinstance(feed, HubFeed)]
        brought = {symbol for hub in hubs for symbol in hub.receiver.symbols}
        return tuple(sorted(plan.wanted.named() - brought - {*self._opened.supervisor.history.symbols}))

    async def _exchange(self, plan: _Plan) -> None:
        from feeds.desk.change.exchange import RefusedError, exchange  # noqa: PLC0415
        from feeds.desk.open import attend  # noqa: PLC0415

        opened = self._opened

        def swapped() -> None:
            self.wanted = plan.wanted
            if opened.cast is not None:
                opened.cast.take(plan.roles)
                attend(opened.supervisor, plan.watched.feeds, plan.membership)
            if self._fallback is not None:
                allowed, is_next = plan.wanted.unasked_demo, _is_demo_next(plan.wanted)
                self._fallback.allow(is_allowed=allowed, is_next=is_next)

        try:
            await exchange(opened.supervisor, plan.watched, swapped=swapped)
        except RefusedError as error:
            setting = "feeds.nats" if _is_viewer(plan.wanted) else "feeds.feed"
            raise DeskError(str(error), setting) from error
        if opened.tape is not None:
            opened.tape.seek(0.0)  # with the prints of legs that were none


@contextmanager
def _other_closures(wanted: Wanted) -> Iterator[None]:
    """Count other days as closures; those of before again where the desk does not become another one."""
    if wanted.closures is None:
        yield
        return
    from rotation.sessions import closures_added, set_closures  # noqa: PLC0415

    before = closures_added()
    set_closures(wanted.closures)
    try:
        yield
    except BaseException:
        set_closures(before)
        raise


@contextmanager
def _blamed(setting: str) -> Iterator[None]:
    """Say which setting is in the way of a desk."""
    try:
        yield
    except DeskError:
        raise
    except (InputError, UnavailableError) as error:
        raise DeskError(str(error), setting) from error


def _lineup_of_hub(access: Access, history: History, desk: Desk) -> Lineup:
    """A hub brings all of a desk; what it lets in are the symbols that the desk has at its start."""
    from feeds.hub.broker.viewer import HubFeed  # noqa: PLC0415

    return {("hub", access, tuple(sorted({*history.symbols, *desk.legs}))): lambda: [HubFeed(access)]}


def _is_demo_next(wanted: Wanted) -> bool:
    """Whether a list of feeds has come to the demo at its end, since no other has its key."""
    may_be_live = wanted.unasked_demo and not (wanted.demo or wanted.offline or wanted.tapes)
    return may_be_live and bool(_why_demo(wanted))


def _why_demo(wanted: Wanted) -> str:
    from feeds.desk.choose import why_demo  # noqa: PLC0415 - brings every vendor's client

    return why_demo(wanted.feed)


class LocalRecordingDesk(LocalDesk):
    """The same desk, with every event recorded."""

    def __init__(
        self,
        supervisor: Supervisor,
        controls: Controls | None,
        watch: AlertWatch,
        recorder: Recorder,
    ) -> None:
        super().__init__(supervisor, controls, watch)
        self.recording: Recording = recorder
        self._recorder = recorder
        supervisor.observer = recorder.take

    async def run(self) -> None:
        """Drive the feeds until they end, and close the files of the recording."""
        from feeds.tapes.recorder import recorded  # noqa: PLC0415

        await recorded(super().run(), self._recorder)


class HubTapeDesk:
    """No desk at all: a hub's tape, recorded from its NATS server. It has no Snapshots."""

    def __init__(self, follower: TapeFollower) -> None:
        self.recording: Recording = follower.recorder
        self._follower = follower

    @property
    def controls(self) -> None:
        """None: it is live."""

    async def run(self) -> None:
        """Record until cancelled."""
        await self._follower.run()

    def want(self, asked: Wants) -> None:
        """Whatever is wanted, there is none."""

    async def listen(self) -> AsyncIterator[Snapshot]:
        """Nothing."""
        snapshots: tuple[Snapshot, ...] = ()
        for snapshot in snapshots:
            yield snapshot


def _wall_ns() -> int:
    from feeds.clock import wall_ns  # noqa: PLC0415

    return wall_ns()


class LocalBackend:
    """Feeds, store and market of this machine, imported when needed: the first paint waits for none."""

    def notices(self) -> list[str]:
        """What to print before anything else: that the clock is not the machine's. Raises InputError."""
        if not os.environ.get("ROTATION_TUI_NOW", "").strip():
            return []
        from feeds.clock import clock_warning  # noqa: PLC0415 - a run with the machine's clock need not wait

        return [clock_warning()]

    def now_s(self) -> float:
        """Now, in UTC seconds, by the one clock of this program."""
        return _wall_ns() / 1e9

    def open(self, wanted: Wanted) -> LocalDesk:
        """Open what was asked for; blocking. Raises InputError."""
        opened = self._supervised(wanted)
        plan = partial(self._plan, opened)
        is_next = _is_demo_next(wanted)
        if opened.tape is not None or not wanted.stays or not (opened.is_empty or is_next):
            change = DeskSwap(wanted, opened, plan, None)
            return LocalDesk(opened.supervisor, opened.tape, opened.watch, change)
        from feeds.desk.demo_fallback import DemoFallback  # noqa: PLC0415

        def make_demo() -> tuple[Supervisor, TapeFeed | None]:
            made = self._supervised(msgspec.structs.replace(desk.wanted, demo=True, at=None))
            desk.add_demo(made.watch)
            if why := _why_demo(desk.wanted):
                made.watch.note(EventKind.CONFIG, "feeds", f"{why}: the demo is next in the list of feeds")
            return made.supervisor, made.tape

        fallback = DemoFallback(opened.supervisor, make_demo, is_allowed=wanted.unasked_demo, is_next=is_next)
        change = DeskSwap(wanted, opened, plan, fallback)
        desk = LocalFallbackDesk(fallback, opened.watch, change)
        return desk

    def record(
        self, wanted: Wanted, path: Path, report: Callable[[str], None]
    ) -> LocalRecordingDesk | HubTapeDesk:
        """Open what was asked for, with a recorder to this path; blocking. Raises InputError."""
        if _is_viewer(wanted):
            from feeds.hub.tape_following import TapeFollower  # noqa: PLC0415

            return HubTapeDesk(TapeFollower(_access(wanted), path, report, from_start=wanted.from_start))
        from feeds.tapes.recorder import Recorder  # noqa: PLC0415

        recorder = Recorder(path)
        opened = self._supervised(wanted)
        return LocalRecordingDesk(opened.supervisor, opened.tape, opened.watch, recorder)

    def _supervised(self, wanted: Wanted) -> _Opened:
        from feeds.desk import open as opening  # noqa: PLC0415

        if _is_viewer(wanted):
            return self._of_hub(wanted)[0]
        if wanted.at is not None:
            opening.start_ns(wanted.at)  # bad input is told first, whatever there is to show
        source = self._source(wanted)
        desk = _desk(source.history, wanted)
        supervise = partial(
            opening.supervise,
            start=wanted.at,
            speed=wanted.speed,
            stays=wanted.stays,
            now_ns=_wall_ns(),
            fed_then=self._fed_of_tape(source),
            macro_then=self._macro_then(source, wanted.pair),
        )
        if source.tape is not None:
            played = supervise(source, desk)
            return self._watched(wanted, desk, *played, is_empty=False, source=source)
        from feeds.desk.change.cast import Cast, feeds_of  # noqa: PLC0415

        cast = Cast()
        roles = cast.plan(self._lineup(wanted, source, desk, cast))
        cast.take(roles)
        opened = supervise(source, desk, live=feeds_of(roles))
        is_empty = not wanted.offline and not source.history.symbols
        return self._watched(wanted, desk, *opened, is_empty=is_empty, cast=cast)

    def _lineup(self, wanted: Wanted, source: Source, desk: Desk, cast: Cast) -> Lineup:
        """Who brings what to a desk of the present; nobody where the network is left alone.

        Raises InputError.
        """
        if wanted.offline or _is_demo_next(wanted):
            return {}
        from feeds.desk import live  # noqa: PLC0415

        return live.lineup(
            desk,
            source.history,
            None if wanted.history else self._store(),
            choice=wanted.feed,
            data=self._folder(""),
            cache=self._cache(),
            members=source.members(),
            priced=self._priced(source, wanted),
            holdings=self._member_store(),
            universes=wanted.universes,
            shared=cast.shared,
        )

    def _plan(self, opened: _Opened, wanted: Wanted) -> _Plan:
        """What a running desk is to become; blocking, opens nothing. Raises DeskError."""
        from feeds.supervisor import Watched  # noqa: PLC0415

        if opened.source is not None:
            return self._plan_of_tape(opened, opened.source, wanted)
        assert opened.cast is not None
        if _is_viewer(wanted):
            return self._plan_of_hub(opened, wanted)
        from feeds.desk.change.cast import feeds_of  # noqa: PLC0415

        with _blamed("universes"):
            membership = self._membership(wanted)
        with _blamed("feeds.offline" if wanted.offline else ""):
            source = self._source(wanted, membership)
        if source.is_demo:
            raise DeskError("nothing is stored to show without the network", "feeds.offline")
        desk = _desk(source.history, wanted)
        with _blamed("feeds.members"):
            self._priced(source, wanted)
        with _blamed("feeds.feed"):
            roles = opened.cast.plan(self._lineup(wanted, source, desk, opened.cast))
        return _Plan(
            wanted,
            Watched(
                desk,
                feeds_of(roles),
                history=_newer(opened.supervisor.history, source.history),
                membership=source.membership,
                look=source.look,
            ),
            roles,
            source.membership,
        )

    def _plan_of_tape(self, opened: _Opened, played: Source, wanted: Wanted) -> _Plan:
        """Another desk over the same tape: its prints are played to it anew, up to where it stands."""
        from feeds.supervisor import Watched  # noqa: PLC0415

        if played.is_demo and not (wanted.demo or wanted.offline):
            raise DeskError(
                "the demo plays, since nothing was stored; the network is used from the next start"
            )
        source = played
        if not (played.is_demo or wanted.hub_tape):
            with _blamed("universes"):
                membership = self._membership(wanted)
            with _blamed(""):
                source = self._source(msgspec.structs.replace(wanted, tapes=()), membership)
        watched = Watched(
            _desk(source.history, wanted),
            opened.supervisor.feeds,
            history=_newer(opened.supervisor.history, source.history),
            membership=source.membership,
            look=source.look,
        )
        return _Plan(wanted, watched, {}, source.membership)

    def _plan_of_hub(self, opened: _Opened, wanted: Wanted) -> _Plan:
        """A desk to which a hub brings everything. What was not let in until now is fetched anew."""
        from feeds.desk.change.cast import feeds_of  # noqa: PLC0415
        from feeds.hub.broker.viewer import HubFeed  # noqa: PLC0415
        from feeds.hub.viewing import Known, look  # noqa: PLC0415
        from feeds.supervisor import Watched  # noqa: PLC0415

        assert opened.cast is not None
        with _blamed("feeds.nats"):
            access = _access(wanted)
            now = opened.supervisor
            is_same = any(isinstance(feed, HubFeed) and feed.access == access for feed in now.feeds)
            known = Known(now.history, now.membership) if is_same else look(access)
            desk = _desk(known.history, wanted)
            roles = opened.cast.plan(_lineup_of_hub(access, known.history, desk))
        (feed,) = feeds_of(roles)
        assert isinstance(feed, HubFeed)
        watched = Watched(
            desk,
            (feed,),
            history=None if is_same else known.history,  # what comes meanwhile is newer
            membership=None if is_same else known.membership,
            clock_ns=feed.hub_clock_ns,
        )
        return _Plan(wanted, watched, roles, known.membership)

    def _of_hub(self, wanted: Wanted) -> tuple[_Opened, HubFeed]:
        """A desk to which a hub brings everything, its history too. Raises InputError."""
        from feeds.desk import open as opening  # noqa: PLC0415
        from feeds.desk.change.cast import Cast, feeds_of  # noqa: PLC0415
        from feeds.hub.broker.viewer import HubFeed  # noqa: PLC0415
        from feeds.hub.viewing import look  # noqa: PLC0415
        from rotation.market.status import Provenance  # noqa: PLC0415

        access = _access(wanted)
        known = look(access)
        source = opening.Source(known.history, None, Provenance(), membership=known.membership)
        desk = _desk(source.history, wanted)
        cast = Cast()
        roles = cast.plan(_lineup_of_hub(access, known.history, desk))
        (feed,) = feeds_of(roles)
        assert isinstance(feed, HubFeed)
        opened = opening.supervise(
            source, desk, start=None, speed=1.0, stays=wanted.stays, now_ns=_wall_ns(), live=[feed]
        )
        cast.take(roles)
        return self._watched(wanted, desk, *opened, is_empty=False, cast=cast), feed

    def hub(
        self,
        wanted: Wanted,
        *,
        replicas: int,
        tape_days: float,
        tape_mb: int,
        report: Callable[[str], None],
    ) -> Coroutine[None, None, None]:
        """Return what publishes the vendors' data to ``wanted.nats`` until cancelled. Raises InputError."""
        from feeds.hub.broker.serve import Hub  # noqa: PLC0415
        from feeds.hub.broker.tape_stream import Limits  # noqa: PLC0415

        if wanted.feed == "nats":
            raise InputError("a hub reads the vendors itself: choose another --feed than nats")
        if wanted.offline:
            raise InputError("a hub reads the vendors: leave out --offline")

        def make() -> tuple[Supervisor, tuple[str, ...]]:
            supervisor = self._supervised(wanted).supervisor
            return supervisor, supervisor.legs

        tape = Limits(tape_days, tape_mb * 2**20) if tape_days else None
        return Hub(_access(wanted), make, report, replicas=replicas, tape=tape).run()

    def _watched(
        self,
        wanted: Wanted,
        desk: Desk,
        supervisor: Supervisor,
        tape: TapeFeed | None,
        *,
        is_empty: bool,
        cast: Cast | None = None,
        source: Source | None = None,
    ) -> _Opened:
        """The same with its alerts, and with what is made only for those who ask: at first nobody does.

        On a tape alerts start afresh, and notify only the screen.
        """
        from feeds.alerts.secrets import required  # noqa: PLC0415
        from feeds.alerts.watch import AlertWatch  # noqa: PLC0415
        from feeds.on_demand import OnDemand  # noqa: PLC0415
        from rotation.context.wants import NOTHING  # noqa: PLC0415

        demand = OnDemand(supervisor.amend)
        file = None if tape is not None else self._alert_file()
        supervisor.want(NOTHING)
        want = partial(supervisor.want, by="alerts")
        watch = AlertWatch(desk, wanted.alerts, file, secret=required, want=want)
        supervisor.on_pairs = watch.set_pairs
        supervisor.on_windows = watch.set_windows
        supervisor.on_desk = watch.set_desk
        supervisor.on_publish = lambda made: demand.add(
            watch.take(made), supervisor.history, supervisor.desk, supervisor.wants
        )
        supervisor.beside.append(demand.run)
        return _Opened(supervisor, tape, is_empty, watch, cast, source)

    def _alert_file(self) -> StateFile:
        from platformdirs import user_state_path  # noqa: PLC0415

        from feeds.alerts.state_file import StateFile  # noqa: PLC0415

        return StateFile(user_state_path("rotation-tui"))

    def alerts_on_tape(self, wanted: Wanted, rules: tuple[Rule, ...]) -> tuple[list[Fired], Desk]:
        """Return the calls that these alerts make on the tapes, and the desk; blocking. Raises InputError."""
        from feeds.desk import alert_replay  # noqa: PLC0415

        source = self._source(wanted)
        desk = _desk(source.history, wanted)
        fed_then = self._fed_of_tape(source)
        return [call.fired for call in alert_replay.calls_on(source, desk, rules, fed_then)], desk

    def remembered_alerts(self) -> tuple[dict[str, AlertState], tuple[Fired, ...]]:
        """Return what alerts remember, by name, and their newest calls. Raises UnavailableError."""
        kept = self._alert_file().peek()
        return kept.states, kept.calls

    def snapshot(self, wanted: Wanted) -> Snapshot:
        """Return the snapshot at ``wanted.at``; blocking. Raises InputError."""
        basis = self.basis(wanted)
        if not wanted.story and not wanted.lines:
            return basis.snapshot
        from rotation.context.wants import Part  # noqa: PLC0415
        from rotation.story.parts import Parts, all_of, with_parts  # noqa: PLC0415

        parts = [Part.STORY] * wanted.story + [Part.LINE, Part.LEGS] * wanted.lines
        maker = Parts()
        made = {want: maker.make(want, basis) for want in all_of(parts, basis.snapshot)}
        known = {want: each for want, each in made.items() if each is not None}
        return with_parts(basis.snapshot, known)

    def settled(self, wanted: Wanted) -> tuple[History, Desk]:
        """Return the settled history and the desk on it; blocking. Raises InputError."""
        source = self._source(msgspec.structs.replace(wanted, offline=True))
        return source.history, _desk(source.history, wanted)

    def basis(self, wanted: Wanted) -> Basis:
        """Return the snapshot at ``wanted.at`` and what it rests on; blocking. Raises InputError."""
        from feeds.desk import open as opening  # noqa: PLC0415
        from rotation.figures.basis import Basis  # noqa: PLC0415
        from rotation.history import History  # noqa: PLC0415 - brings polars

        if _is_viewer(wanted):
            return self._basis_of_hub(wanted)
        if wanted.at is not None:
            opening.as_of(History.empty(), wanted.at, _wall_ns(), wanted.at_option)  # as in _supervised
        source = self._source(wanted)
        desk = _desk(source.history, wanted)
        now = self._asked(source, desk, wanted)
        if source.tape is None and not source.history.symbols and not (now and now.quotes):
            if wanted.unasked_demo:
                return self.basis(msgspec.structs.replace(wanted, demo=True))
            raise NothingToShowError(
                "nothing to show: no daily closes are stored and no source of quotes answered"
            )
        taken = opening.snapshot_at(
            source,
            desk,
            at=wanted.at,
            now_ns=_wall_ns(),
            now=now,
            option=wanted.at_option,
            past_fed=self._past_fed,
            past_macro=partial(self._past_macro, pair=wanted.pair),
        )
        if source.tape is not None or wanted.at is not None:
            return Basis(taken, source.history, desk, self._cut_then(wanted))
        from feeds.supervisor import clock_health  # noqa: PLC0415

        health = msgspec.structs.replace(taken.health, feeds=(*taken.health.feeds, *clock_health()))
        with_clock = msgspec.structs.replace(taken, health=health)
        return Basis(with_clock, source.history, desk, self._cut_then(wanted))

    def _basis_of_hub(self, wanted: Wanted) -> Basis:
        import asyncio  # noqa: PLC0415

        from feeds.hub.viewing import first_snapshot  # noqa: PLC0415
        from rotation.context.wants import MADE  # noqa: PLC0415
        from rotation.figures.basis import Basis  # noqa: PLC0415

        opened, feed = self._of_hub(msgspec.structs.replace(wanted, stays=False))
        opened.supervisor.want(MADE)
        taken = asyncio.run(first_snapshot(opened.supervisor, feed, SNAPSHOT_WAITS_S))
        return Basis(taken, opened.supervisor.history, _desk(opened.supervisor.history, wanted), None)

    def fed_inputs(self, *, age_gap_s: float) -> tuple[FedInputs, int]:
        """Return what the sources say about the Fed, and when (UTC ns); blocking. Raises InputError."""
        import asyncio  # noqa: PLC0415

        from feeds.fed import opening as fed_opening  # noqa: PLC0415

        asked = fed_opening.live(self._folder("fed"), self._cache(), age_gap_s=age_gap_s, tries=2, once=True)
        return asyncio.run(asked.once())

    def fed_history(self, since: date | None, form: Literal["csv", "json", "parquet"]) -> bytes:
        """Return the log of probabilities as the bytes of a file. Raises InputError."""
        from feeds.fed import opening as fed_opening  # noqa: PLC0415

        return fed_opening.history(self._folder("fed"), since=since, form=form)

    def fed_calibration(self, at: str | None) -> CalibrationReport:
        """Return how good the odds were before past decisions, by what is kept. Raises InputError."""
        from feeds.desk import open as opening  # noqa: PLC0415
        from feeds.fed.then.fed_at import calibration_at  # noqa: PLC0415
        from rotation.history import History  # noqa: PLC0415 - brings polars

        now_ns = _wall_ns() if at is None else opening.as_of(History.empty(), at, _wall_ns())
        return calibration_at(self._folder("fed"), now_ns)

    def fed_import(self, paths: tuple[Path, ...]) -> list[str]:
        """Keep the settlements in these files; a line for each contract. Raises InputError."""
        from feeds.fed.then.importing import import_settlements  # noqa: PLC0415

        report = import_settlements(self._folder("fed"), paths, _wall_ns())
        lines = [
            f"{each.symbol}  {counted(each.settlements, 'settlement'):<17}  "
            f"{each.first} to {each.last}  {each.file}"
            for each in report.contracts
        ]
        return [*lines, f"{counted(report.new, 'settlement')} new", *report.notes]

    def _cut_then(self, wanted: Wanted) -> Callable[[date], float | None] | None:
        """P(cut at the meeting that was next) after a session's close; of an invented history of nobody."""
        if wanted.demo:
            return None
        then = self.fed_after_close()

        def cut(session: date) -> float | None:
            known = then(session) if then is not None else None
            return None if known is None else known.cut

        return cut

    def fed_after_close(self) -> Callable[[date], Fed | None] | None:
        """Return what the settlements kept said after a session's close; None where none are kept.

        Raises InputError.
        """
        from feeds.fed.then.fed_at import after_close, fed_then  # noqa: PLC0415

        then = fed_then(self._folder("fed"))
        return None if then is None else after_close(then)

    def _fed_of_tape(self, source: Source) -> Callable[[int], Fed | None] | None:
        """The Fed of then for a tape of prices; a recording and the demo bring their own."""
        if source.tape is None or source.is_demo or "step" in source.tape.columns:
            return None
        from feeds.fed.then.fed_at import fed_then  # noqa: PLC0415

        then = fed_then(self._folder("fed"))
        return None if then is None else then.at

    def _past_fed(self, now_ns: int) -> Fed | None:
        from feeds.fed.then.fed_at import fed_at  # noqa: PLC0415

        return fed_at(self._folder("fed"), now_ns)

    def _macro_then(self, source: Source, pair: tuple[str, str]) -> Callable[[int], Macro | None] | None:
        """What is kept of yields, prices and jobs; a recording brings its own, and the demo has none."""
        if source.is_demo or (source.tape is not None and "step" in source.tape.columns):
            return None
        from feeds.macro.macro_at import macro_then  # noqa: PLC0415

        return macro_then(self._folder("macro"), pair)

    def _past_macro(self, now_ns: int, pair: tuple[str, str]) -> Macro | None:
        from feeds.macro.macro_at import macro_at  # noqa: PLC0415

        return macro_at(self._folder("macro"), now_ns, pair)

    def release_days(self, tapes: tuple[Path, ...], pair: tuple[str, str], at: str | None) -> ReleaseDays:
        """Return minute paths around publications, of tapes, kept bars and our log. Raises InputError."""
        from feeds.desk import open as opening  # noqa: PLC0415
        from feeds.macro.macro_at import releases_kept  # noqa: PLC0415
        from rotation.history import History  # noqa: PLC0415 - brings polars

        now_ns = _wall_ns() if at is None else opening.as_of(History.empty(), at, _wall_ns())
        return releases_kept(self._folder("macro"), tapes, pair, now_ns)

    def import_macro(self, paths: tuple[Path, ...]) -> list[str]:
        """Keep FRED's files; a line for each series. Raises InputError and StorageError."""
        from feeds.macro import opening as macro_opening  # noqa: PLC0415

        return macro_opening.import_files(self._folder("macro"), paths)

    def macro(self, at: str | None, *, offline: bool, pair: tuple[str, str]) -> tuple[Macro | None, datetime]:
        """Return what is known of yields, prices and jobs, and when; blocking. Raises InputError."""
        from feeds.desk import open as opening  # noqa: PLC0415
        from rotation.history import History  # noqa: PLC0415 - brings polars
        from rotation.sessions import from_ns  # noqa: PLC0415

        if at is not None or offline:
            now_ns = _wall_ns() if at is None else opening.as_of(History.empty(), at, _wall_ns())
            return self._past_macro(now_ns, pair), from_ns(now_ns)
        import asyncio  # noqa: PLC0415

        from feeds.macro import opening as macro_opening  # noqa: PLC0415

        feed = macro_opening.live(self._folder("macro"), self._cache(), pair=pair, tries=2, once=True)
        return asyncio.run(feed.once(SNAPSHOT_WAITS_S)), from_ns(_wall_ns())

    def _cache(self) -> Path:
        from platformdirs import user_cache_path  # noqa: PLC0415

        return user_cache_path("rotation-tui") / "http"

    def _folder(self, name: str) -> Path:
        from platformdirs import user_data_path  # noqa: PLC0415

        return user_data_path("rotation-tui") / name

    def import_history(self, paths: tuple[Path, ...], *, replace: bool, raw: bool = False) -> list[str]:
        """Import daily closes and return lines for the person. Raises InputError."""
        from feeds.history.importing import read_each  # noqa: PLC0415
        from feeds.history.store import Series  # noqa: PLC0415

        now_ns, notes, imported = _wall_ns(), list[str](), set[str]()

        def series() -> Iterator[Series]:
            for file, frame in read_each(paths, notes, now_ns=now_ns, raw=raw):
                imported.add(str(frame["symbol"][0]))
                yield Series(frame, file.name)

        self._store().replace_each(series(), allow_shrink=replace, now_ns=now_ns)
        return [*notes, *(line for line in self.list_history() if line.split()[0] in imported)]

    def remove_history(self, symbols: tuple[str, ...]) -> list[str]:
        """Remove these stored series and return lines for the person. Raises InputError."""
        removed = self._store().remove(symbol.upper() for symbol in symbols)
        return [f"removed {symbol}: {counted(entry.rows, 'session')}" for symbol, entry in removed.items()]

    def sync_history(
        self,
        symbols: tuple[str, ...],
        *,
        source: Literal["auto", "alpaca", "yahoo", "tiingo", "stooq"],
        universe: Path | None,
        since: date,
        tell: Callable[[SyncProgress], None],
    ) -> SyncReport:
        """Download daily closes; ``tell`` gets the progress. Blocking. Raises InputError."""
        from feeds.desk import history_run  # noqa: PLC0415
        from feeds.members import holdings  # noqa: PLC0415

        if universe is not None and not universe.exists():
            members = holdings.universe(self._member_store(), universe.name)
            if members is not None:
                symbols, universe = (*symbols, *members), None
        return history_run.run(
            self._store(), symbols, universe=universe, choice=source, since=since, on_progress=tell
        )

    def list_history(self) -> list[str]:
        """Return the stored series, one line per symbol."""
        held = self._store().symbols()
        return [
            f"{symbol:<8} {entry.rows:>7,} sessions  {entry.first} to {entry.last}  {entry.source}, "
            f"stored {entry.imported_at:%Y-%m-%d}"
            for symbol, entry in held.items()
        ]

    def keys(self) -> KeyChain:
        """Return the store of vendor keys."""
        from feeds.keys.chain import KeyChain  # noqa: PLC0415

        return KeyChain()

    def places(self) -> dict[str, Path]:
        """Return where this program stores its files, by kind."""
        from platformdirs import user_cache_path  # noqa: PLC0415

        from feeds.keys.keys import key_file  # noqa: PLC0415

        return {
            "keys": key_file().path,
            "history": self._store().folder,
            "cache": user_cache_path("rotation-tui"),
            "log": logs.log_file(),
            "alerts": self._alert_file().path,
        }

    def export(self, folder: str, name: str, data: bytes) -> Path:
        """Write a new file, whole or not at all; blocking. Raises UnavailableError."""
        from pathlib import Path  # noqa: PLC0415

        from feeds.files.durable import write_whole  # noqa: PLC0415

        place = Path(folder) if folder else self._folder("exports")
        stem, _, ending = name.rpartition(".")
        path, number = place / name, 1
        try:
            place = place.expanduser()
            path = place / name
            place.mkdir(parents=True, exist_ok=True)
            while path.exists():
                number += 1
                path = place / f"{stem}-{number}.{ending}"
            write_whole(path, data)
        except OSError as error:
            raise UnavailableError(f"{path} cannot be written: {error.strerror or error}") from error
        except RuntimeError as error:  # ``~name`` of somebody who is not known
            raise UnavailableError(f"{path} cannot be written: {error}") from error
        return path

    def examine(self, *, stream: bool, feed: str = "auto") -> list[Finding]:
        """Check the installation except for the terminal; blocking, takes some seconds."""
        from feeds.doctor import examine as doctor  # noqa: PLC0415

        return doctor.examine(self.places(), stream=stream, feed=feed)

    def capture(self, path: Path, seconds: float) -> list[str]:
        """Write what the live sources send to a new file, redacted. Raises InputError."""
        from feeds.desk import capture  # noqa: PLC0415

        return capture.run(path, seconds)

    def configured(self) -> list[str]:
        """Return lines on keys and environment overrides; none holds a secret."""
        from feeds.doctor.overrides import overrides  # noqa: PLC0415

        changed = [f"{name} = {value}" for name, value in overrides().items()]
        return [*self.keys().lines(), *(changed or ["no environment variable overrides anything"])]

    def _membership(self, wanted: Wanted) -> tuple[Membership, ...]:
        """The funds' lists and the person's own universes. Raises InputError and StorageError."""
        from feeds.desk.members.membership import load_membership  # noqa: PLC0415
        from rotation.sessions import new_york_day  # noqa: PLC0415

        today = new_york_day(_wall_ns())
        return load_membership(self._member_store(), self._store().folder, today, wanted.universes)

    def _source(self, wanted: Wanted, membership: tuple[Membership, ...] | None = None) -> Source:
        """History, and the tape to play on it. ``membership``: None: as ``_membership`` has it."""
        from feeds.desk import open as opening  # noqa: PLC0415
        from rotation.history import History  # noqa: PLC0415 - brings polars

        if wanted.demo:
            return opening.demo()
        if wanted.hub_tape:
            return self._source_of_hub(wanted)
        membership = self._membership(wanted) if membership is None else membership
        source = opening.source(
            self._store(),
            history=wanted.history,
            tapes=wanted.tapes,
            now_ns=_wall_ns(),
            own={
                *opening.legs_of(wanted.pair, wanted.legs, wanted.pairs, wanted.benchmark),
                *wanted.value_growth,
                *(symbol for each in wanted.lists for symbol in each.symbols),
            },
            members={symbol for fund in membership for symbol in fund.symbols()},
            demo_instead=wanted.offline,
            reach_ns=opening.as_of(History.empty(), wanted.at, _wall_ns(), wanted.at_option)
            if wanted.at
            else None,
        )
        if source.is_demo and not wanted.unasked_demo:
            raise NothingToShowError(
                "nothing to show: run rotation-tui history sync (or history import), or name a --tape"
            )
        if source.is_demo:
            return source
        return msgspec.structs.replace(source, membership=membership)

    def _source_of_hub(self, wanted: Wanted) -> Source:
        """A day of the tape that a hub's server has, on the hub's history. Raises InputError."""
        from feeds.desk import open as opening  # noqa: PLC0415
        from feeds.hub.tape_replaying import read_day  # noqa: PLC0415
        from feeds.hub.viewing import look  # noqa: PLC0415
        from rotation.market.status import Provenance  # noqa: PLC0415
        from rotation.status import REPLAY  # noqa: PLC0415

        if wanted.offline:
            raise InputError("the tape of a hub is on its NATS server: leave out --offline, or name a file")
        access = _access(wanted)
        day, tape = read_day(access, wanted.hub_day)
        origin = Provenance(REPLAY, f"the hub's tape of {day}")
        if wanted.history is not None:
            named = opening.source(self._store(), history=wanted.history, tapes=(), now_ns=_wall_ns())
            return msgspec.structs.replace(named, tape=tape, origin=origin)
        known = look(access)
        return opening.Source(known.history, tape, origin, membership=known.membership)

    def _asked(self, source: Source, desk: Desk, wanted: Wanted) -> Now | None:
        """What the live sources say; None where another time is shown, or without network."""
        if wanted.offline or source.tape is not None or wanted.at is not None:
            return None
        import asyncio  # noqa: PLC0415

        from feeds.desk import live  # noqa: PLC0415

        return asyncio.run(
            live.once(
                desk,
                choice=wanted.feed,
                data=self._folder(""),
                cache=self._cache(),
                limit_s=SNAPSHOT_WAITS_S,
                history=source.history,
                priced=self._priced(source, wanted),
            )
        )

    def _priced(self, source: Source, wanted: Wanted) -> frozenset[str]:
        """The members whose prices were asked for. Raises InputError where no file says who they are."""
        from rotation.sessions import new_york_day  # noqa: PLC0415

        return source.priced(new_york_day(_wall_ns())) if wanted.ask_members else frozenset()

    def _member_store(self) -> MemberStore:
        from feeds.members.store import MemberStore  # noqa: PLC0415

        return MemberStore(self._folder("members"))

    def import_members(self, path: Path, *, fund: str, day: date | None) -> list[str]:
        """Keep a fund's holdings file and return lines for the person. Raises InputError."""
        from feeds.members import holdings  # noqa: PLC0415
        from rotation.sessions import new_york_day  # noqa: PLC0415

        return holdings.import_file(self._member_store(), path, fund, day, new_york_day(_wall_ns()))

    def sync_members(self, funds: tuple[str, ...]) -> tuple[list[str], list[str]]:
        """Download holdings and return lines on what was stored and what failed. Raises InputError."""
        from feeds.members import sync  # noqa: PLC0415
        from rotation.sessions import new_york_day  # noqa: PLC0415

        return sync.run(self._member_store(), funds, new_york_day(_wall_ns()))

    def check_universe(self, universe: Universe) -> str:
        """Return a line on a universe's file. Raises InputError for one that cannot be read."""
        from feeds.members import holdings  # noqa: PLC0415
        from feeds.members.universes import load_universe  # noqa: PLC0415
        from rotation.sessions import new_york_day  # noqa: PLC0415

        return holdings.line(load_universe(universe, new_york_day(_wall_ns())))

    def list_members(self) -> list[str]:
        """Return the stored membership files, one line each."""
        from feeds.members import holdings  # noqa: PLC0415

        return [holdings.line(each) for fund in self._member_store().load() for each in fund.lists]

    def contributions(self, fund: str, wanted: Wanted) -> ContributionsReport:
        """Return who makes a fund's move in the session at ``wanted.at``. Raises InputError."""
        from feeds.desk import contributed  # noqa: PLC0415
        from feeds.desk import open as opening  # noqa: PLC0415
        from rotation.context.wants import Part, wants  # noqa: PLC0415

        source = self._source(wanted)
        desk = _desk(source.history, wanted)
        market, taken = opening.market_at(
            source,
            desk,
            at=wanted.at,
            now_ns=_wall_ns(),
            now=self._asked(source, desk, wanted),
            asked=wants(Part.BREADTH),
        )
        indices = {each.fund: each.index for each in wanted.universes}
        return contributed.report(source, fund, market, taken, indices=indices)

    def _store(self) -> HistoryStore:
        from feeds.history.store import HistoryStore  # noqa: PLC0415

        return HistoryStore(self._folder("history"))


def _redact(text: str) -> str:
    """Return the text without any key that has been read; before the first one there is nothing to hide."""
    keys = sys.modules.get("feeds.keys.keys")
    return keys.redact(text) if keys else text


def main() -> None:
    """Run the command line."""
    logs.redact = _redact
    sys.exit(cli.run(LocalBackend()))


if __name__ == "__main__":
    main()
