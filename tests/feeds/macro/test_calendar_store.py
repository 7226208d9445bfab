"""The releases' calendar over a restart: the newest page counts, a past instant has what was known then."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from feeds.fed.calendar import SHIPPED as FOMC
from feeds.fed.calendar import CalendarFed
from feeds.macro.calendar_store import FILE, CalendarStore, calendar_of, calendar_then, decisions_then
from feeds.macro.feed import MacroFeed
from feeds.macro.macro_at import macro_at
from feeds.macro.release_days import published
from feeds.macro.sources import MacroSources
from feeds.macro.store import FactStore
from rotation.macro.assemble import macro
from rotation.macro.figures import MovedRelease, ReleaseKind
from rotation.macro.releases import SHIPPED, joined, moved, newest_month
from rotation.sessions import NEW_YORK, to_ns
from tests.feeds.macro.test_sources import CALENDAR, NOW_NS, World
from tests.support.servers.rest import FAULTS, ok
from tests.support.servers.samples import calendar

CPI, JOBS = ReleaseKind.CPI, ReleaseKind.JOBS


def noon(day: date) -> int:
    return to_ns(datetime(day.year, day.month, day.day, 12, tzinfo=NEW_YORK))


class Kept(World):
    """The same with a calendar that is kept."""

    def sources(self, monkeypatch) -> MacroSources:
        super().sources(monkeypatch)
        folder = self._folder / "macro"
        return MacroSources(
            self.http,
            self.store,
            FactStore(folder),
            pages=CalendarStore(folder),
            clock_ns=lambda: self.now_ns,
        )


async def test_fetched_days_are_kept_over_a_restart_without_the_cache(tmp_path, monkeypatch):
    first = Kept(tmp_path)
    async with first.server:
        sources = first.sources(monkeypatch)
        async with first.http:
            await sources.ask_due()
    again = Kept(tmp_path)
    again.now_ns = NOW_NS + 1
    (tmp_path / "http").rename(tmp_path / "gone")
    sources = again.sources(monkeypatch)
    days = {each.kind: each.at.date() for each in sources.macro().releases}
    assert days == {ReleaseKind.FOMC: date(2024, 7, 31), JOBS: date(2024, 8, 1), CPI: date(2024, 8, 15)}
    assert sources.macro().sources == {}, "nobody was asked"
    # Offline and in snapshots of then, too.
    kept = macro_at(tmp_path / "macro", NOW_NS + 1)
    assert [each.at.date() for each in kept.releases] == sorted(days.values())


async def test_a_page_in_a_fault_leaves_the_kept_days(tmp_path, monkeypatch):
    world = Kept(tmp_path)
    async with world.server:
        sources = world.sources(monkeypatch)
        async with world.http:
            await sources.ask_due()
            good = sources.calendar
            for name in ("429", "html", "empty", "cut", "missing"):
                world.server.script[:] = [FAULTS[name]]
                world.now_ns += 30 * 3600 * 10**9
                await sources.ask_due()
                assert sources.calendar == good
                assert world.sources(monkeypatch).calendar == good


async def test_the_newest_page_counts_and_each_is_kept_with_its_time(tmp_path, monkeypatch):
    later = CALENDAR.replace(b"20240815T123000Z", b"20240820T123000Z")
    world = Kept(tmp_path)
    async with world.server:
        sources = world.sources(monkeypatch)
        feed = MacroFeed(world.http, sources)
        await feed.once(60.0, banks=False)
        world.now_ns += 2 * 86_400 * 10**9
        world.server.script[:] = [ok(later)]
        await feed.once(60.0, banks=False)
    assert date(2024, 8, 20) in sources.calendar[CPI]
    assert date(2024, 8, 15) not in sources.calendar[CPI]
    pages = CalendarStore(tmp_path / "macro").load()
    assert [int(at) for at in pages] == [NOW_NS, world.now_ns]
    then = macro_at(tmp_path / "macro", NOW_NS + 3600 * 10**9)
    assert {each.kind: each.at.date() for each in then.releases}[CPI] == date(2024, 8, 15), "as known then"
    now = macro_at(tmp_path / "macro", world.now_ns)
    assert {each.kind: each.at.date() for each in now.releases}[CPI] == date(2024, 8, 20)


async def test_a_shutdown_that_puts_the_next_release_two_months_off_is_taken_as_it_stands(
    tmp_path, monkeypatch
):
    world = Kept(tmp_path)
    async with world.server:
        sources = world.sources(monkeypatch)
        world.server.script[:] = [ok(CALENDAR.replace(b"20240815T123000Z", b"20241011T123000Z"))]
        async with world.http:
            await sources.ask("BLS")
        made = sources.macro()
    assert made.sources["BLS"].error == ""
    assert {each.kind: each.at.date() for each in made.releases}[CPI] == date(2024, 10, 11)
    assert any("CPI of 14 Aug 2024 called off" in warning for warning in made.warnings)


PAGE = {CPI: (date(2026, 12, 18), date(2027, 1, 13)), JOBS: (date(2026, 12, 4), date(2027, 1, 8))}


def test_where_page_and_table_differ_that_is_said():
    calendar = calendar_of({str(noon(date(2026, 11, 27))): PAGE})
    known = moved(calendar, date(2026, 11, 27))
    assert known == (MovedRelease(CPI, date(2026, 12, 10), date(2026, 12, 18)),)
    at = datetime(2026, 11, 27, 12, tzinfo=NEW_YORK)
    made = macro({"DGS10": {date(2026, 11, 25): 4.0}}, (), at, calendar=calendar)
    assert "CPI of 10 Dec 2026 moved to 18 Dec 2026 by the fetched calendar" in made.warnings
    assert moved(SHIPPED, date(2026, 11, 27)) == ()
    assert moved(calendar, date(2027, 3, 1)) == (), "long past, it is no news"


def test_a_release_that_a_shutdown_puts_off_past_its_month_is_not_there_twice():
    """Of 30 September: jobs on 3 October; of 6 October: none before 20 November."""
    table = {
        CPI: SHIPPED[CPI],
        JOBS: (date(2025, 9, 5), date(2025, 10, 3), date(2025, 11, 7), date(2025, 12, 5)),
    }
    put_off = {JOBS: (date(2025, 11, 20), date(2025, 12, 16))}
    made = joined(table, put_off, after=date(2025, 10, 1))
    assert made[JOBS] == (date(2025, 9, 5), date(2025, 11, 20), date(2025, 12, 16))
    assert joined(table, put_off)[JOBS] == (
        date(2025, 9, 5), date(2025, 10, 3), date(2025, 11, 20), date(2025, 12, 16),
    ), "without its day a page decides its span and its months alone"  # fmt: skip
    assert moved(made, date(2025, 10, 2), table) == (
        MovedRelease(JOBS, date(2025, 10, 3), None),
        MovedRelease(JOBS, date(2025, 11, 7), date(2025, 11, 20)),
        MovedRelease(JOBS, date(2025, 12, 5), date(2025, 12, 16)),
    )


def test_of_a_release_put_off_past_the_month_s_end_the_month_is_known():
    """November's CPI on 5 January, December's on the 14th."""
    calendar = calendar_of(
        {str(noon(date(2026, 12, 9))): {CPI: (date(2027, 1, 5), date(2027, 1, 14)), JOBS: SHIPPED[JOBS][-1:]}}
    )
    assert date(2026, 12, 10) not in calendar[CPI]
    for day, month in ((date(2027, 1, 4), 10), (date(2027, 1, 6), 11), (date(2027, 1, 15), 12)):
        at = datetime(day.year, day.month, day.day, 12, tzinfo=NEW_YORK)
        assert newest_month(CPI, at, calendar) == date(2026, month, 1)


def test_release_days_are_those_of_the_page():
    times = published(calendar_of({str(noon(date(2026, 11, 27))): PAGE}))
    days = {at.date() for at in times[CPI]}
    assert date(2026, 12, 18) in days
    assert date(2026, 12, 10) not in days


def test_a_past_instant_has_the_days_as_held_and_those_to_come_as_known_then():
    early, late = {CPI: (date(2026, 12, 10),), JOBS: SHIPPED[JOBS][-1:]}, PAGE
    pages = {str(noon(date(2026, 11, 20))): early, str(noon(date(2026, 12, 9))): late}
    before = calendar_then(pages, noon(date(2026, 12, 1)))
    assert date(2026, 12, 10) in before[CPI]
    after = calendar_then(pages, noon(date(2026, 12, 12)))
    assert date(2026, 12, 10) not in after[CPI]
    assert date(2026, 12, 18) in after[CPI]


@pytest.mark.parametrize("data", [b"{", b'{"layout": 9, "pages": {}}', b'{"layout": 1, "pages": {"x": {}}}'])
def test_what_cannot_be_used_is_set_aside(tmp_path, data):
    (tmp_path / FILE).write_bytes(data)
    store = CalendarStore(tmp_path)
    assert store.load() == {}
    store.add(PAGE, 5)
    assert store.load() == {"5": PAGE}
    assert (tmp_path / f"{FILE}.broken-1").read_bytes() == data


def test_a_page_that_says_the_same_is_not_kept_twice(tmp_path):
    store = CalendarStore(tmp_path)
    store.add(PAGE, 5)
    store.add(PAGE, 9)
    assert list(store.load()) == ["5"]
    other = {**PAGE, JOBS: (date(2026, 12, 4),)}
    store.add(other, 7)
    assert list(store.load()) == ["5", "7"], "an answer of a cache, older than the newest"


MEETINGS = calendar({2024: [
    ("January", "30-31"), ("March", "19-20*"), ("April/May", "30-1"), ("June", "11-12*"), ("July", "30-31"),
    ("September", "18-19*"), ("November", "6-7"), ("December", "17-18*"),
]})  # fmt: skip
"""September's decision a day later than shipped."""


async def test_the_fomc_s_days_are_the_page_s_over_a_restart_too(tmp_path, monkeypatch):
    world = Kept(tmp_path)
    monkeypatch.setenv("ROTATION_TUI_CALENDAR_FED_REST_URL", "http://127.0.0.1:9")

    def made() -> MacroSources:
        world.sources(monkeypatch)
        folder = tmp_path / "macro"
        return MacroSources(
            world.http, world.store, FactStore(folder), pages=CalendarStore(folder),
            decisions=CalendarFed(world.http, clock_ns=lambda: world.now_ns), clock_ns=lambda: world.now_ns,
        )  # fmt: skip

    def decisions(sources: MacroSources) -> set[date]:
        return {at.date() for at in sources._published()[ReleaseKind.FOMC] if at.year == 2024}

    plain = world.server._answer_of
    world.server._answer_of = lambda path: MEETINGS if "fomccalendars" in path else plain(path)
    async with world.server:
        monkeypatch.setenv("ROTATION_TUI_CALENDAR_FED_REST_URL", world.server.url)
        sources = made()
        async with world.http:
            await sources.ask_due()
            assert date(2024, 9, 19) in decisions(sources)
            assert date(2024, 9, 18) not in decisions(sources)
            assert sources.macro().fomc[1] == date(2024, 9, 19)
    (tmp_path / "http").rename(tmp_path / "gone")
    assert date(2024, 9, 19) in decisions(made())
    assert macro_at(tmp_path / "macro", NOW_NS + 1).fomc[1] == date(2024, 9, 19)
    assert decisions_then(CalendarStore(tmp_path / "macro").load(), NOW_NS - 1) == FOMC, "then not known yet"


async def asked(folder, monkeypatch, *, bls: bool):
    """Pages of both calendars kept, that of the Fed fetched an hour after the BLS's."""
    world = Kept(folder)
    plain = world.server._answer_of
    world.server._answer_of = lambda path: MEETINGS if "fomccalendars" in path else plain(path)
    async with world.server:
        world.sources(monkeypatch)
        monkeypatch.setenv("ROTATION_TUI_CALENDAR_FED_REST_URL", world.server.url)
        if not bls:
            monkeypatch.setenv("ROTATION_TUI_CALENDAR_BLS_REST_URL", "http://127.0.0.1:9")
        sources = MacroSources(
            world.http, world.store, FactStore(folder / "macro"), pages=CalendarStore(folder / "macro"),
            decisions=CalendarFed(world.http, clock_ns=lambda: world.now_ns), clock_ns=lambda: world.now_ns,
        )  # fmt: skip
        asks = sources._bls.days

        async def then_an_hour_passes(**options):
            got = await asks(**options)
            world.now_ns += HOUR_NS
            return got

        monkeypatch.setattr(sources._bls, "days", then_an_hour_passes)
        async with world.http:
            await sources.ask_due()
    return sources


HOUR_NS = 3600 * 10**9


async def test_each_page_is_kept_with_the_time_at_which_it_was_fetched_itself(tmp_path, monkeypatch):
    await asked(tmp_path, monkeypatch, bls=True)
    pages = CalendarStore(tmp_path / "macro").load()
    assert {at: set(days) for at, days in pages.items()} == {
        str(NOW_NS): {CPI, JOBS}, str(NOW_NS + HOUR_NS): {ReleaseKind.FOMC},
    }  # fmt: skip
    assert decisions_then(pages, NOW_NS + HOUR_NS - 1) == FOMC, "not known before it was fetched"
    assert date(2024, 9, 19) in decisions_then(pages, NOW_NS + HOUR_NS)


async def test_the_fomc_s_page_is_kept_where_the_bls_does_not_answer(tmp_path, monkeypatch):
    sources = await asked(tmp_path, monkeypatch, bls=False)
    assert [set(days) for days in CalendarStore(tmp_path / "macro").load().values()] == [{ReleaseKind.FOMC}]
    assert sources.macro().fomc[1] == date(2024, 9, 19)


def test_a_page_of_the_same_instant_takes_nothing_from_the_one_held(tmp_path):
    store, fomc = CalendarStore(tmp_path), {ReleaseKind.FOMC: (date(2026, 12, 9),)}
    store.add(PAGE, 5)
    store.add(fomc, 5)
    store.add({**PAGE, CPI: (date(2026, 12, 10),)}, 5)
    assert store.load() == {"5": {**PAGE, **fomc}}
    store.add(PAGE, 9)
    store.add(fomc, 9)
    assert list(store.load()) == ["5"], "each says the same as the one of its kind before it"
