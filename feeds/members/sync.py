"""Today's holdings from the sponsors into the store. What is stored is never changed by what comes later."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from feeds.errors import InputError, SourceError
from feeds.http.client import HttpClient, Limits
from feeds.http.failure import RequestError
from feeds.members.holdings import line
from feeds.members.parse import parse_holdings
from feeds.members.sponsors import SPONSORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from feeds.members.sponsors import Sponsor
    from feeds.members.store import MemberStore
    from rotation.breadth.members import MemberList, Membership

LIMITS = Limits(tries=2, timeout_s=20.0, total_s=60.0)
SHARED = 0.5
"""A list with a smaller part of the members held is another fund's: a reconstitution changes a tenth."""
BY_HAND = "export the file from the sponsor's page and run rotation-tui members import"


def run(store: MemberStore, funds: Sequence[str], today: date) -> tuple[list[str], list[str]]:
    """Lines on what was stored and on what failed; blocking. Without funds, of all that are known.

    Raises InputError for a fund without a sponsor, StorageError where a file cannot be read or written.
    """
    unknown = [fund for fund in funds if fund not in SPONSORS]
    if unknown:
        known = " and ".join(SPONSORS)
        raise InputError(f"{unknown[0]}: only {known} can be downloaded — use members import for others")
    return asyncio.run(sync(store, funds or list(SPONSORS), today))


async def sync(store: MemberStore, funds: Iterable[str], today: date) -> tuple[list[str], list[str]]:
    """As ``run``. One request a fund."""
    done, failed = list[str](), list[str]()
    held = {each.fund: each for each in store.load()}
    async with HttpClient(LIMITS) as client:
        for fund in funds:
            sponsor = SPONSORS[fund]
            try:
                members = await _fetch(client, sponsor)
                _check(members, held.get(fund), today)
            except SourceError as error:
                failed.append(f"{sponsor.name}: {error} — try later, or {BY_HAND}")
                continue
            known = _of_day(held.get(fund), members.as_of)
            if known is None:
                store.put(members)
            same = known is None or known.frame.equals(members.frame)
            note = (
                "" if same else "; the sponsor's file for that day has changed since; the stored one is kept"
            )
            done.append(f"{'stored' if known is None else 'already stored'}  {line(known or members)}{note}")
    return done, failed


async def _fetch(client: HttpClient, sponsor: Sponsor) -> MemberList:
    """Raises SourceError, in words that name the fund or the status."""
    request = sponsor.request()
    try:
        _, body = await client.fetch(request, lambda reply: reply.body or b"")
    except RequestError as failure:
        raise SourceError(f"{sponsor.fund} holdings: {failure}") from failure
    return parse_holdings(body, sponsor.fund, is_sponsors=True)


def _check(members: MemberList, held: Membership | None, today: date) -> None:
    """Raise SourceError for a list that would change what is held, or cannot be of this fund and day."""
    fund, day = members.fund, members.as_of
    if day > today:
        raise SourceError(f"{fund} holdings: the file's date, {day}, is in the future")
    if held is None or not held.lists:
        return
    newest = held.lists[-1]
    if day < newest.as_of and _of_day(held, day) is None:
        raise SourceError(
            f"{fund} holdings: the file is dated {day}, before the newest one stored ({newest.as_of})"
        )
    stay = set(newest.symbols) & set(members.symbols)
    if len(stay) < SHARED * len(newest.symbols):
        raise SourceError(
            f"{fund} holdings: only {len(stay):,} of {len(newest.symbols):,} members of"
            f" {newest.as_of} are in the file: it is another fund's, or its columns have moved"
        )


def _of_day(held: Membership | None, day: date) -> MemberList | None:
    return next((each for each in held.lists if each.as_of == day), None) if held is not None else None
