"""A person's holdings file to the store, and what the store holds, in lines for the person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds.errors import InputError, SourceError
from feeds.files.names import read_bytes, shown
from feeds.members.parse import UndatedError, parse_holdings
from rotation.text import counted

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from feeds.members.store import MemberStore
    from rotation.breadth.members import MemberList


def import_file(store: MemberStore, path: Path, fund: str, day: date | None, today: date) -> list[str]:
    """Keep a file. ``day``: of one that does not say it. Raises InputError, StorageError."""
    data = read_bytes(path)
    try:
        members = parse_holdings(data, fund, as_of=day)
    except SourceError as error:
        hint = " — give it with --date" if isinstance(error, UndatedError) else ""
        raise InputError(f"{shown(path.name)}: {error}{hint}") from error
    if day is not None and members.as_of != day:
        raise InputError(
            f"{shown(path.name)}: the file is dated {members.as_of}, not {day} — leave out --date"
        )
    if members.as_of > today:
        raise InputError(f"{shown(path.name)}: {members.as_of} is in the future — check the date")
    return [("stored  " if store.put(members) else "already stored  ") + line(members)]


NAMED_MOST = 4


def line(members: MemberList) -> str:
    """``IWM  2026-05-05  1,920 members, 1,920 with weights (99.5 %); left out: CASH (line 7)``."""
    weights = members.frame["weight_pct"].drop_nulls()
    held = f", {len(weights):,} with weights ({weights.sum():.1f} %)" if len(weights) else ", no weights"
    left_out, more = members.left_out[:NAMED_MOST], members.left_out[NAMED_MOST:]
    if left_out:
        held += f"; left out: {', '.join(left_out)}" + (f" and {len(more):,} more" if more else "")
    return f"{members.fund:<5} {members.as_of}  {counted(len(members.symbols), 'member')}{held}"


def universe(store: MemberStore, name: str) -> list[str] | None:
    """The members by a fund's newest file, and those of every earlier one; None where none is held."""
    held = next((each for each in store.load() if each.fund == name.upper()), None)
    return None if held is None else sorted(held.symbols())
