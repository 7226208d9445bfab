"""Holdings from the sponsors: stored once by their day; whatever is no whole list of the fund is refused."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from feeds.errors import InputError, StorageError
from feeds.members import store as module
from feeds.members.store import MemberStore
from feeds.members.sync import run, sync
from tests.support.breadth.sponsors import HEAD, TITLE, invesco, sponsors
from tests.support.servers.rest import FAULTS, Reply, RestServer, fault, ok, zipped

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 5, 6)
CSV = {"content_type": "text/csv"}


async def synced(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    *script: Reply,
    funds: tuple[str, ...] = ("IWM",),
    today: date = TODAY,
) -> tuple[list[str], list[str], RestServer]:
    """What is said of a download from a server that follows this script."""
    async with RestServer(*script) as server:
        monkeypatch.setenv("ROTATION_TUI_ISHARES_REST_URL", server.url)
        monkeypatch.setenv("ROTATION_TUI_INVESCO_REST_URL", server.url)
        done, failed = await sync(MemberStore(folder), funds, today)
    return done, failed, server


def held(folder: Path) -> dict[str, bytes]:
    """The lists; beside them stands what is made anew whenever it is missing."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.csv"))}


def of_day(day: str, members: int = 1_600) -> Reply:
    return ok(sponsors(members, TITLE.replace("May 05, 2026", day)), **CSV)


async def test_both_lists_are_stored_by_the_day_that_they_say(monkeypatch, tmp_path):
    script = (ok(sponsors(), **CSV), ok(invesco(), **CSV))
    done, failed, server = await synced(monkeypatch, tmp_path, *script, funds=("IWM", "QQQ"))
    assert failed == []
    assert done[0].startswith("stored  IWM   2026-05-05  1,601 members")
    assert done[1].startswith("stored  QQQ   2025-09-24  101 members")
    assert sorted(held(tmp_path)) == ["IWM-2026-05-05.csv", "QQQ-2025-09-24.csv"]
    first, second = (urlsplit(request.path) for request in server.requests)
    assert first.path.startswith("/us/products/239710/")
    assert parse_qs(first.query)["fileType"] == ["csv"]
    assert parse_qs(second.query)["ticker"] == ["QQQ"]


async def test_the_same_file_again_changes_nothing(monkeypatch, tmp_path):
    await synced(monkeypatch, tmp_path, ok(sponsors(), **CSV))
    before = held(tmp_path)
    done, failed, _ = await synced(monkeypatch, tmp_path, zipped(sponsors()))
    assert (done[0].partition("  ")[0], failed) == ("already stored", [])
    assert held(tmp_path) == before


async def test_a_later_list_leaves_the_earlier_ones(monkeypatch, tmp_path):
    await synced(monkeypatch, tmp_path, of_day("May 04, 2026"))
    before = held(tmp_path)
    await synced(monkeypatch, tmp_path, of_day("May 05, 2026", 1_590))
    assert before.items() <= held(tmp_path).items()
    assert len(held(tmp_path)) == 2
    fund = MemberStore(tmp_path).load()[0]
    assert len(fund.on(date(2026, 5, 4)).symbols) == 1_601
    assert len(fund.on(date(2026, 5, 5)).symbols) == 1_591


async def test_another_file_of_a_stored_day_is_not_used(monkeypatch, tmp_path):
    await synced(monkeypatch, tmp_path, ok(sponsors(), **CSV))
    before = held(tmp_path)
    done, failed, _ = await synced(monkeypatch, tmp_path, ok(sponsors(1_580), **CSV))
    assert failed == []
    kept, _, note = done[0].partition("; ")
    assert kept == "already stored  IWM   2026-05-05  1,601 members, 1,601 with weights (100.0 %)"
    assert note == "the sponsor's file for that day has changed since; the stored one is kept"
    assert held(tmp_path) == before


SHIFTED = sponsors().replace(
    HEAD.encode(), b"Name,Ticker,Sector,Asset Class,Market Value,Weight (%),Exchange\n"
)
RENAMED = sponsors().replace(b"Ticker,", b"Instrument,")
OTHER = sponsors(title=TITLE.replace("2000", "1000"))
RANDOM = sponsors().replace(b'"S', b'"Z')


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (fault(403), "HTTP 403"),
        (FAULTS["429"], "HTTP 429"),
        (FAULTS["500"], "HTTP 500"),
        (FAULTS["html"], "HTML page"),
        (FAULTS["cut"], ""),
        (ok(b"", **CSV), "empty"),
        (ok(b"\xff\xfe\x00garbage", **CSV), "no column"),
        (ok(SHIFTED, **CSV), "members"),
        (ok(RENAMED, **CSV), "no column"),
        (ok(sponsors()[: len(sponsors()) // 2], **CSV), "cut off"),
        (ok(sponsors(900), **CSV), "whole fund"),
        (ok(OTHER, **CSV), "another fund"),
        (ok(invesco(), **CSV), "another fund"),
        (ok(RANDOM, **CSV), "another fund's, or its columns have moved"),
        (of_day("May 07, 2026"), "2026-05-07, is in the future"),
        (of_day("May 01, 2026"), "before the newest one stored (2026-05-04)"),
        (of_day("no day"), "date"),
    ],
    ids=lambda value: value or None if isinstance(value, str) else "",
)
async def test_what_is_no_list_of_now_is_refused_and_nothing_changes(monkeypatch, tmp_path, reply, says):
    await synced(monkeypatch, tmp_path, of_day("May 04, 2026"))
    before = held(tmp_path)
    done, failed, _ = await synced(monkeypatch, tmp_path, reply)
    assert done == []
    assert failed[0].startswith("iShares: IWM holdings: ")
    assert says in failed[0]
    assert failed[0].endswith("members import")
    assert failed[0].isprintable()
    assert held(tmp_path) == before


async def test_one_sponsor_that_fails_does_not_keep_the_other_back(monkeypatch, tmp_path):
    done, failed, _ = await synced(
        monkeypatch, tmp_path, fault(403), ok(invesco(), **CSV), funds=("IWM", "QQQ")
    )
    assert [line.partition(" ")[0] for line in done] == ["stored"]
    assert len(failed) == 1


async def test_a_full_disk_is_said(monkeypatch, tmp_path):
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_whole", full)
    with pytest.raises(StorageError, match="No space left"):
        await synced(monkeypatch, tmp_path, ok(sponsors(), **CSV))


def test_only_funds_with_a_sponsor_can_be_downloaded(tmp_path):
    with pytest.raises(InputError, match="SPY: only IWM and QQQ can be downloaded"):
        run(MemberStore(tmp_path), ("IWM", "SPY"), TODAY)
