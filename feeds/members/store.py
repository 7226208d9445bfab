"""Membership files in the data folder: one a fund and day, kept for ever, each written in one step."""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from feeds.errors import StorageError
from feeds.files.durable import flush_folder, write_whole
from feeds.files.names import shown_path
from feeds.members.index import SymbolIndex
from rotation.breadth.members import SCHEMA, MemberList, Membership

if TYPE_CHECKING:
    from pathlib import Path

FUND = r"[A-Z0-9]{1,10}"
_FILE = re.compile(rf"({FUND})-(\d{{4}}-\d\d-\d\d)\.csv")


class MemberStore:
    """``FUND-2026-11-26.csv`` with the columns of SCHEMA."""

    def __init__(self, folder: Path) -> None:
        """``folder``: made with the first file."""
        self.folder = folder

    def files(self) -> dict[tuple[str, date], Path]:
        """By fund and day, sorted. Raises StorageError."""
        try:
            names = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        except OSError as error:
            raise StorageError(f"{shown_path(self.folder)}: cannot be read ({error.strerror})") from error
        matches = ((_FILE.fullmatch(path.name), path) for path in names)
        return {(m[1], _day(m[2], path)): path for m, path in matches if m}

    def put(self, members: MemberList) -> bool:
        """Keep a list. False where the same is held already; another of its day replaces it.

        Raises StorageError.
        """
        data = members.frame.write_csv().encode()
        path = self.folder / f"{members.fund}-{members.as_of}.csv"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.read_bytes() == data:
                return False
            write_whole(path, data)
            flush_folder(self.folder)
        except OSError as error:
            raise StorageError(f"{shown_path(path)}: cannot be written ({error.strerror})") from error
        return True

    def load(self) -> tuple[Membership, ...]:
        """All that is held, a Membership a fund; of files known from before only the symbols are read.

        Raises StorageError for a damaged file; where names and weights are, ``MemberList.frame`` does.
        """
        lists: dict[str, list[MemberList]] = {}
        index = SymbolIndex(self.folder)
        for (fund, day), path in self.files().items():
            try:
                symbols = index.symbols(path)
                if symbols is None:
                    symbols = index.put(path, _read(path, fund, day).symbols)
            except OSError as error:
                raise _damaged(path) from error
            lists.setdefault(fund, []).append(
                MemberList(fund, day, symbols, partial(_frame, path, fund, day, symbols))
            )
        if lists:
            index.keep()
        return tuple(Membership.of(fund, lists[fund]) for fund in sorted(lists))


def _read(path: Path, fund: str, day: date) -> MemberList:
    """Raises StorageError for a damaged file."""
    try:
        frame = pl.read_csv(path, schema=SCHEMA).with_columns(pl.col("name", "sector").fill_null(""))
        if (
            frame.is_empty()
            or frame["symbol"].null_count()
            or not frame["weight_pct"].drop_nulls().is_finite().all()
        ):
            raise _damaged(path)
        return MemberList.of(fund, day, frame)
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise _damaged(path) from error


def _frame(path: Path, fund: str, day: date, symbols: list[str]) -> pl.DataFrame:
    """Of these symbols. Raises StorageError for a file that has been damaged or changed meanwhile."""
    members = _read(path, fund, day)
    if members.symbols != symbols:
        raise _damaged(path)
    return members.frame


def _day(text: str, path: Path) -> date:
    """Raises StorageError for the name of a file that somebody has made for no day of the calendar."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise StorageError(f"{shown_path(path)}: {text} is not a date — rename it or remove it") from error


def _damaged(path: Path) -> StorageError:
    return StorageError(f"{shown_path(path)}: damaged holdings file — import it again or remove it")
