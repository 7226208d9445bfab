"""Our own history of the Fed panel: settlements of every contract, and the log of probabilities.

Both are append-only in one SQLite file. A row is on the disk when the call that wrote it returns: WAL with
``synchronous=FULL``, so a process killed at any moment loses nothing that was acknowledged.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Self

import msgspec

from feeds.clock import wall_ns
from feeds.errors import InputError
from feeds.fed.log import Kind, Probabilities, checked, due
from feeds.files.durable import only_writer
from feeds.files.names import shown_path
from rotation.fed.inputs import PastCut
from rotation.sessions import NEW_YORK, new_york_day, to_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

FILE = "fed.sqlite3"
LOCK = "fed.lock"
VERSION = 1
BUSY_S = 10.0
"""How long one writer waits for another."""
ROWS_MAX = 1_000_000
"""Rows of one query: two years of one row a minute."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS settlements (
    id INTEGER PRIMARY KEY, year INTEGER NOT NULL, month INTEGER NOT NULL, session TEXT NOT NULL,
    price REAL NOT NULL, source TEXT NOT NULL, ts_ns INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS settlements_by_contract ON settlements (year, month, session, source, id);
CREATE TABLE IF NOT EXISTS probabilities (
    id INTEGER PRIMARY KEY, ts_ns INTEGER NOT NULL, meeting TEXT NOT NULL, engine TEXT NOT NULL,
    kind TEXT NOT NULL, cut REAL NOT NULL, hold REAL NOT NULL, hike REAL NOT NULL, outcomes TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS probabilities_by_time ON probabilities (meeting, engine, ts_ns);
CREATE INDEX IF NOT EXISTS probabilities_in_order ON probabilities (ts_ns);
CREATE TRIGGER IF NOT EXISTS settlements_stay BEFORE UPDATE ON settlements
    BEGIN SELECT RAISE(ABORT, 'settlements are append-only'); END;
CREATE TRIGGER IF NOT EXISTS settlements_remain BEFORE DELETE ON settlements
    BEGIN SELECT RAISE(ABORT, 'settlements are append-only'); END;
CREATE TRIGGER IF NOT EXISTS probabilities_stay BEFORE UPDATE ON probabilities
    BEGIN SELECT RAISE(ABORT, 'probabilities are append-only'); END;
CREATE TRIGGER IF NOT EXISTS probabilities_remain BEFORE DELETE ON probabilities
    BEGIN SELECT RAISE(ABORT, 'probabilities are append-only'); END;
"""
_ROWS = "SELECT meeting, cut, hold, hike, outcomes, engine, kind, ts_ns FROM probabilities"


class Settlement(msgspec.Struct, frozen=True):
    """One contract's settlement of one day by one source, and when the source gave it."""

    year: int
    month: int
    session: date
    price: float
    source: str
    ts_ns: int


class FedStore:
    """The file in this folder; a context manager. Any number of readers and writers, each its own object.

    One object belongs to the thread that made it. Raises InputError if the file cannot be used.
    """

    def __init__(self, folder: Path, *, clock_ns: Callable[[], int] = wall_ns) -> None:
        self.path = folder / FILE
        self._clock_ns = clock_ns
        with self._guarded("cannot be opened"):
            folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)
            try:
                # Two that turn a new file to WAL at once do not wait for each other.
                with only_writer(folder / LOCK):
                    self._prepare()
            except BaseException:
                self._db.close()
                raise

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA trusted_schema=OFF")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise InputError(f"{shown_path(self.path)}: was written by a newer rotation-tui — update it")
        if version < VERSION:
            with self._writing():
                for statement in _statements(_SCHEMA):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version={VERSION}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def settle(self, year: int, month: int, session: date, price: float, source: str) -> bool:
        """Keep a settlement; True if it is new.

        What the same source gave last for this contract and day is not written twice; another value is
        kept beside it, with its own time. Raises ValueError for an impossible price.
        """
        return bool(self.settle_all([Settlement(year, month, session, price, source, self._clock_ns())]))

    def settle_all(self, settlements: Iterable[Settlement]) -> int:
        """Keep many in one transaction; how many are new. Raises ValueError for an impossible price."""
        rows = list(settlements)
        for row in rows:
            if not 1 <= row.month <= 12 or not 0.0 < row.price < 200.0:
                raise ValueError(f"{row.price} is not a settlement of {row.year}-{row.month:02}")
        with self._guarded("cannot be written"), self._writing():
            return sum(self._settle(row) for row in rows)

    def _settle(self, row: Settlement) -> bool:
        key = (row.year, row.month, row.session.isoformat(), row.source)
        last = self._db.execute(
            "SELECT price FROM settlements WHERE year=? AND month=? AND session=? AND source=?"
            " ORDER BY id DESC LIMIT 1",
            key,
        ).fetchone()
        if last is not None and last[0] == row.price:
            return False
        self._db.execute(
            "INSERT INTO settlements (year, month, session, source, price, ts_ns) VALUES (?,?,?,?,?,?)",
            (*key, row.price, row.ts_ns),
        )
        return True

    def settlements(self, year: int | None = None, month: int | None = None) -> list[Settlement]:
        """All that was ever kept, in the order in which it came."""
        with self._guarded("cannot be read"):
            rows = self._db.execute(
                "SELECT year, month, session, price, source, ts_ns FROM settlements"
                " WHERE (?1 IS NULL OR year=?1) AND (?2 IS NULL OR month=?2) ORDER BY id LIMIT ?3",
                (year, month, ROWS_MAX),
            ).fetchall()
        return [Settlement(r[0], r[1], date.fromisoformat(r[2]), r[3], r[4], r[5]) for r in rows]

    def last_settlement(self, year: int, month: int, *, until: date | None = None) -> Settlement | None:
        """The newest day's settlement of a contract (up to ``until``), as it was last corrected."""
        with self._guarded("cannot be read"):
            row = self._db.execute(
                "SELECT year, month, session, price, source, ts_ns FROM settlements"
                " WHERE year=? AND month=? AND session<=? ORDER BY session DESC, id DESC LIMIT 1",
                (year, month, (until or date.max).isoformat()),
            ).fetchone()
        if row is None:
            return None
        return Settlement(row[0], row[1], date.fromisoformat(row[2]), row[3], row[4], row[5])

    def log(self, new: Probabilities) -> bool:
        """Append a row if the rule says so (``feeds.fed.log.due``); True if it was.

        Raises ValueError for figures that are not probabilities.
        """
        return bool(self.log_all([new]))

    def log_all(self, rows: Iterable[Probabilities]) -> int:
        """Append those that are due, in one transaction; how many were."""
        checked_rows = [(row, _row(checked(row))) for row in rows]
        with self._guarded("cannot be written"), self._writing():
            return sum(self._log(row, values) for row, values in checked_rows)

    def _log(self, new: Probabilities, values: tuple[object, ...]) -> bool:
        live = self._newest(new.meeting, new.engine, "live")
        settle = self._newest(new.meeting, new.engine, "settle", until_ns=_day_end(new))
        if not due(new, live, settle):
            return False
        self._db.execute(
            "INSERT INTO probabilities (meeting, cut, hold, hike, outcomes, engine, kind, ts_ns)"
            " VALUES (?,?,?,?,?,?,?,?)",
            values,
        )
        return True

    def line(self, meeting: date, engine: str, *, settles_since_ns: int, live_since_ns: int) -> list[PastCut]:
        """P(cut) at one meeting as it was logged, oldest first; a corrected settlement as last corrected."""
        with self._guarded("cannot be read"):
            rows = self._db.execute(
                "SELECT ts_ns, cut, kind, outcomes FROM probabilities WHERE meeting=?1 AND engine=?2"
                " AND ((kind='settle' AND ts_ns>=?3) OR (kind='live' AND ts_ns>=?4)) ORDER BY ts_ns, id",
                (meeting.isoformat(), engine, settles_since_ns, live_since_ns),
            ).fetchall()
        newest = {(ts_ns, kind): (cut, outcomes) for ts_ns, cut, kind, outcomes in rows}
        return [
            PastCut(ts_ns, cut, kind == "settle", msgspec.json.decode(outcomes, type=dict[str, float]))
            for (ts_ns, kind), (cut, outcomes) in newest.items()
        ]

    def latest(
        self, meeting: date, engine: str, *, at_ns: int, kind: Kind | None = None
    ) -> Probabilities | None:
        """The newest row at or before this instant: now and then make the 1 d, 1 w and 1 m changes."""
        return self._first_row(
            "meeting=?1 AND engine=?2 AND ts_ns<=?3 AND (?4 IS NULL OR kind=?4) ORDER BY ts_ns DESC, id DESC",
            (meeting.isoformat(), engine, at_ns, kind),
        )

    def known_by(self, meeting: date, engine: str, at_ns: int) -> Probabilities | None:
        """The newest row at or before this instant, as it was logged at first: corrections came later."""
        return self._first_row(
            "meeting=?1 AND engine=?2 AND ts_ns<=?3 ORDER BY ts_ns DESC, id",
            (meeting.isoformat(), engine, at_ns),
        )

    def first_from(self, engine: str, since_ns: int) -> Probabilities | None:
        """The first row of an engine, of any meeting, at or after this instant."""
        return self._first_row("engine=?1 AND ts_ns>=?2 ORDER BY ts_ns, id", (engine, since_ns))

    def _first_row(self, condition: str, values: tuple[object, ...]) -> Probabilities | None:
        with self._guarded("cannot be read"):
            row = self._db.execute(f"{_ROWS} WHERE {condition} LIMIT 1", values).fetchone()
        return None if row is None else _probabilities(row)

    def between(
        self,
        since_ns: int,
        until_ns: int,
        *,
        meeting: date | None = None,
        engine: str | None = None,
        limit: int = ROWS_MAX,
    ) -> list[Probabilities]:
        """Rows from ``since_ns`` up to and with ``until_ns``, in order of time; the newest ``limit``."""
        with self._guarded("cannot be read"):
            rows = self._db.execute(
                f"{_ROWS} WHERE ts_ns>=?1 AND ts_ns<=?2"
                " AND (?3 IS NULL OR meeting=?3) AND (?4 IS NULL OR engine=?4)"
                " ORDER BY ts_ns DESC, id DESC LIMIT ?5",
                (since_ns, until_ns, meeting and meeting.isoformat(), engine, min(limit, ROWS_MAX)),
            ).fetchall()
        return [_probabilities(row) for row in reversed(rows)]

    def _newest(
        self, meeting: date, engine: str, kind: Kind, *, until_ns: int = 2**63 - 1
    ) -> Probabilities | None:
        row = self._db.execute(
            f"{_ROWS} WHERE meeting=? AND engine=? AND kind=? AND ts_ns<=?"
            " ORDER BY ts_ns DESC, id DESC LIMIT 1",
            (meeting.isoformat(), engine, kind, until_ns),
        ).fetchone()
        return None if row is None else _probabilities(row)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction that holds the only write lock: what is looked up in it stays true."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def _guarded(self, what: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise InputError(
                f"{shown_path(self.path)}: the Fed history {what} ({why})"
                " — check the folder's space and rights, or move the file away"
            ) from error


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; ``executescript`` would commit the transaction around it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _day_end(new: Probabilities) -> int:
    """Settlements may come in any order, each is due once on its own day; live rows see all."""
    if new.kind == "live":
        return 2**63 - 1
    after = new_york_day(new.ts_ns) + timedelta(days=1)
    return to_ns(datetime(after.year, after.month, after.day, tzinfo=NEW_YORK)) - 1


def _row(new: Probabilities) -> tuple[object, ...]:
    outcomes = msgspec.json.encode(new.outcomes, order="sorted").decode()
    return (
        new.meeting.isoformat(), new.cut, new.hold, new.hike, outcomes, new.engine, new.kind, new.ts_ns,
    )  # fmt: skip


def _probabilities(row: tuple[str, float, float, float, str, str, Kind, int]) -> Probabilities:
    meeting, cut, hold, hike, outcomes, engine, kind, ts_ns = row
    decoded = msgspec.json.decode(outcomes, type=dict[str, float])
    return Probabilities(date.fromisoformat(meeting), cut, hold, hike, decoded, engine, kind, ts_ns)
